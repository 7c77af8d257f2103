"""The command ``compare``: one workload on several chips and on the MAC arrays beside them.

Everything slow is imported inside, so that ``--help`` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.run import Ann, Json, NoCache, Quiet, Samples, Workload


def compare(
    *,
    chips: Annotated[list[str], typer.Argument(metavar="NAME|FILE...", help="Chips: presets or YAML files.")],
    workload: Workload = "mnist_conv",
    samples: Samples = 16,
    ann: Ann = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write comparison.json, .csv, .png and .svg there.", rich_help_panel="Output"
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
) -> None:
    """Run one workload on several chips and, as an ANN, on the MAC array of each; one table, one figure.

    For example: accelsim compare core small large --samples 4 --out results/three
    """
    import sys

    from accelsim.cli.progress import make_progress

    if out is not None:
        from accelsim.report.files import prepare_folder

        prepare_folder(out)
    from accelsim.pipeline.comparison import compare as run_all
    from accelsim.report import machines

    found = run_all(
        chips, workload, samples=samples, ann=ann, progress=make_progress(quiet=quiet), cache=not no_cache
    )
    if out is not None:
        machines.write_comparison(found, out)
    if as_json:
        sys.stdout.write(machines.to_json(found))
    elif not quiet:
        from accelsim.report.terminal import make_console

        console = make_console()
        for part in machines.report(found):
            console.print(part)
        if out is not None:
            typer.echo(f"\nFiles: {out}")
