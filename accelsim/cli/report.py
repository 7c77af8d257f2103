"""The command ``report``: show a result that was written earlier, without simulating again."""

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path, typer.Argument(metavar="DIR|FILE", help="Folder of a run or a study, or result.json.", show_default=False)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write tables and figures of the result there again.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report there as one HTML file, with figures.")
]
Json = Annotated[bool, typer.Option("--json", help="Print result.json instead of the report.")]


def report_command(source: Source, out: Out = None, html: Html = None, as_json: Json = False) -> None:
    """Show the report of an earlier run; of a study, or with figures, as a page with --html.

    For example: accelsim report results/banks8 --html banks8.html
    """
    from accelsim.cli.run import show
    from accelsim.result.serialize import read_result

    if (source / "study.sqlite").is_file():
        _report_study(source, html)
        return
    result = read_result(source)
    if out is not None:
        from accelsim.cli.progress import make_progress
        from accelsim.report.files import write_result

        write_result(result, out, progress=make_progress(quiet=as_json))
    if html is not None:
        from accelsim.report.html.run_page import write_run_page

        write_run_page(result, html)
    show(result, as_json=as_json, quiet=html is not None)
    if html is not None and not as_json:
        typer.echo(f"Report: {html}")


def _report_study(folder: Path, html: Path | None) -> None:
    import accelsim
    from accelsim.report.html.study_page import StudyData, write_study_page
    from accelsim.study import Study

    if html is None:
        raise typer.BadParameter(f"{folder} is a study: expected --html FILE; accelsim pareto shows its front here")
    study = Study.open(folder)
    data = StudyData(
        study.name, study.description, accelsim.__version__, study.points(), list(study.axes), study.quantities,
        study.objectives,
    )  # fmt: skip
    study.close()
    write_study_page(data, html)
    typer.echo(f"Report: {html}")


report = report_command
"""The name under which the application looks a command up."""
