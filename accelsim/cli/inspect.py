"""The command ``inspect``: what a workload holds and does, without a chip."""

import sys
from pathlib import Path
from typing import Annotated

import typer

Workload = Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundled workload, or a folder.")]
Samples = Annotated[
    int, typer.Option("--samples", min=0, metavar="N", help="Samples from the start of the input; 0 for all.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one entry of workload.yaml, such as network.quantize.bits=4; may be repeated.",
    ),
]
Hw = Annotated[
    str | None,
    typer.Option("--hw", metavar="NAME|FILE", help="A chip whose widths of integers are taken; 32 bit without."),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Run the network as exported, too: float32, without pruning.")
]
Figures = Annotated[Path | None, typer.Option("--figures", metavar="DIR", help="Write figures and tables there.")]
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON instead.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, metavar="N", help="Threads; all cores if not given.")]


def inspect(
    workload: Workload = "mnist_conv",
    *,
    samples: Samples = 16,
    overrides: Set = None,
    hw: Hw = None,
    compare: Compare = False,
    figures: Figures = None,
    as_json: Json = False,
    threads: Threads = None,
) -> None:
    """Show the layers, weights, choices, activity and accuracy of a workload, run without a chip.

    For example: accelsim inspect mnist_conv --samples 100 --compare --figures figures
    """
    if figures is not None:
        from accelsim.report.files import prepare_folder

        prepare_folder(figures)
    from accelsim.cli.progress import make_progress
    from accelsim.pipeline.inspect import inspect as look

    found = look(
        workload,
        samples=samples or None,
        workload_overrides=tuple(overrides or ()),
        hw=hw,
        compare=compare,
        threads=threads,
        progress=make_progress(quiet=False),
    )
    if figures is not None:
        from accelsim.report.inspection_files import write_figures

        write_figures(found, figures)
    if as_json:
        from accelsim.report.inspection_files import inspection_json

        sys.stdout.write(inspection_json(found))
        return
    from accelsim.report.inspection import print_inspection

    print_inspection(found)
    if figures is not None:
        typer.echo(f"\nFigures and tables: {figures}")
