"""The command ``sweep``: run a study, or what is left of it."""

from pathlib import Path
from typing import Annotated

import typer

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file; see docs/studies.md.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results; results/NAME if not given.")
]
Processes = Annotated[
    int | None, typer.Option("--processes", min=1, metavar="N", help="Worker processes; all cores if not given.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler, such as tcp://host:8786, in their place."),
]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Evaluate failed points again.")]
Plan = Annotated[bool, typer.Option("--plan", help="Say how many points there are and how many are left; run none.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No summary and no progress bar.")]


def sweep(
    context: typer.Context,
    *,
    study: StudyFile,
    out: Out = None,
    processes: Processes = None,
    scheduler: Scheduler = None,
    retry_failed: Retry = False,
    plan: Plan = False,
    quiet: Quiet = False,
) -> None:
    """Run every point of a study that has not run yet; what is committed stays, whatever happens.

    Exit code 1 if a point of the study failed, now or earlier.

    For example: accelsim sweep study.yaml --out results/banks --processes 2
    """
    if not (plan or scheduler or processes == 1):
        from accelsim.study.server import context as workers

        workers()  # imports the engines while this process imports and plans

    from accelsim.cli.progress import make_progress
    from accelsim.report.terminal import make_console
    from accelsim.study import runner, terminal

    plugins = tuple(context.parent.params.get("plugin") or ()) if context.parent is not None else ()
    console = make_console()
    if plan:
        for part in terminal.plan(*runner.plan(study, out, plugins=plugins)):
            console.print(part)
        return
    made = runner.sweep(
        study, out, processes=processes, scheduler=scheduler, plugins=plugins, retry_failed=retry_failed,
        progress=make_progress(quiet=quiet),
    )  # fmt: skip
    if not quiet:
        for part in terminal.summary(made):
            console.print(part)
    if made.counts().get("failed"):
        raise typer.Exit(1)
