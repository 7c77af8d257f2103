"""The command ``pareto``: the points of a study that no other point beats."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a study.")]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective", "-o", metavar="NAME[:min|:max]",
        help="A total, such as energy, latency, edp, area, accuracy, sops; may be repeated. Those of the study file if "
        "not given.",
    ),
]  # fmt: skip
Group = Annotated[str | None, typer.Option("--group", metavar="AXIS", help="A front for each value of a column.")]
Reference = Annotated[
    list[str] | None,
    typer.Option(
        "--reference", metavar="NAME=VALUE",
        help="Corner of the hypervolume, such as energy='1 uJ'; the worst of all points if not given.",
    ),
]  # fmt: skip
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write front.csv and figures (PDF, SVG, PNG) there.")
]


def pareto(
    *,
    folder: Folder,
    objectives: Objectives = None,
    group: Group = None,
    reference: Reference = None,
    out: Out = None,
) -> None:
    """Show the Pareto front of a study, with hypervolume and knee.

    For example: accelsim pareto results/banks -o energy -o latency --group core.weight_format --out results/banks/front
    """
    from accelsim.report.terminal import make_console
    from accelsim.study import Study, front_files, terminal
    from accelsim.study import pareto as front_of
    from accelsim.study.front import parse_reference

    study = Study.open(folder)
    front = front_of(study, tuple(objectives or ()), group=group, reference=parse_reference(reference or ()))
    console = make_console()
    for part in terminal.front(study, front):
        console.print(part)
    if out is not None:
        front_files.write_front(study, front, out)
        typer.echo(f"\nFiles: {out}")
