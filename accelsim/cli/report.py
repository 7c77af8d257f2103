"""The command ``report``: show a result that was written earlier, without simulating again."""

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path, typer.Argument(metavar="DIR|FILE", help="Folder of a run, or its result.json.", show_default=False)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write tables and figures of the result there again.")
]
Json = Annotated[bool, typer.Option("--json", help="Print result.json instead of the report.")]


def report_command(source: Source, out: Out = None, as_json: Json = False) -> None:
    """Show the report of an earlier run."""
    from accelsim.cli.run import show
    from accelsim.result.serialize import read_result

    result = read_result(source)
    if out is not None:
        from accelsim.cli.progress import make_progress
        from accelsim.report.files import write_result

        write_result(result, out, progress=make_progress(quiet=as_json))
    show(result, as_json=as_json, quiet=False)


report = report_command
"""The name under which the application looks a command up."""
