"""Running a study: plan, evaluate what is not there yet, commit, export.

Whatever happens, what is committed stays: the next call goes on where this one ended.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from accelsim.errors import ConfigError, OutputError
from accelsim.hardware.yaml_reader import Location
from accelsim.pipeline.plugins import load_plugin
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.study.constraints import Judge
from accelsim.study.database import FILE, Database
from accelsim.study.export import export
from accelsim.study.local import InProcess, Numbered, Processes, Workers
from accelsim.study.planner import Planner
from accelsim.study.reader import StudyFile, check_study, read_study
from accelsim.study.server import is_starting
from accelsim.study.study import Study

_AT_ONCE: Final = 32
"""Points that are looked up together."""


@dataclass(frozen=True)
class How:
    """How a study runs.

    Attributes
    ----------
    processes : int or None
        Worker processes; all cores of the machine if None, this process itself if 1.
    scheduler : str or None
        Address of a Dask scheduler whose workers take the place of processes.
    plugins : tuple of str
        Python files or modules that the caller and all workers import.
    retry_failed : bool
        Evaluate failed points again.
    """

    processes: int | None = None
    scheduler: str | None = None
    plugins: tuple[str, ...] = ()
    retry_failed: bool = False


def sweep(
    study: str | Path | dict[str, Any] | StudyFile,
    out: str | Path | None = None,
    *,
    processes: int | None = None,
    scheduler: str | None = None,
    plugins: tuple[str, ...] = (),
    retry_failed: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Study:
    """Run a study, or what is left of it.

    Parameters
    ----------
    study : str, Path, dict or StudyFile
        A study file, or what one would say.
    out : str or Path, optional
        Folder of the results; ``results/NAME`` if not given.
    processes, scheduler, plugins, retry_failed
        See :class:`How`.
    progress : Progress

    Returns
    -------
    Study

    Raises
    ------
    AccelsimError
        If the study file is wrong, or the folder cannot be written. Points that fail are rows with their error.
    """
    if is_starting():
        raise SystemExit(1)  # the script that a worker imports calls sweep again: the driver says what to do
    for plugin in plugins:
        load_plugin(plugin)
    checked = _checked(study)
    folder = _folder(checked, out)
    how = How(processes, scheduler, tuple(plugins), retry_failed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "study.lock", timeout=0)
        with lock:
            _run(checked, folder, how, progress)
    except Timeout:
        raise OutputError(f"{folder}: expected nobody else to write there, but another sweep is at work") from None
    except OSError as error:
        raise OutputError(f"cannot write results to {folder}: {error.strerror or error}") from error
    return Study(folder)


def plan(
    study: str | Path, out: str | Path | None = None, *, plugins: tuple[str, ...] = ()
) -> tuple[StudyFile, Path, int, int, int]:
    """Return what a sweep would do, and do nothing: study, folder, points, different ones, committed ones."""
    for plugin in plugins:
        load_plugin(plugin)
    found = read_study(study)
    folder = _folder(found, out)
    database = Database(folder / FILE) if (folder / FILE).is_file() else None
    seen: set[bytes] = set()
    points = there = 0
    for task in Planner(found, tuple(plugins)).tasks():
        points += 1
        name = bytes.fromhex(task.id)
        if name not in seen:
            seen.add(name)
            there += database is not None and bool(database.matching(task.id))
    return found, folder, points, len(seen), there


def _folder(study: StudyFile, out: str | Path | None) -> Path:
    return Path("results") / study.spec.name if out is None else Path(out)


def _checked(study: str | Path | dict[str, Any] | StudyFile) -> StudyFile:
    if isinstance(study, StudyFile):
        return study
    if isinstance(study, dict):
        return check_study(study, {"": Location("study", 0)}, Path())
    return read_study(study)


def _run(study: StudyFile, folder: Path, how: How, progress: Progress) -> None:
    database = Database(folder / FILE, write=True)
    try:
        plan = database.begin_plan(facts_of(study))
        planner = Planner(study, how.plugins)
        if study.spec.search is not None:
            _search(study, planner, database, plan, folder, how, progress)
            return
        with progress.stage("points", study.space.size) as stage:
            judge = Judge(study.constraints, how.retry_failed)
            left = remaining(planner, database, plan, judge, stage.advance)
            first = next(left, None)
            if first is not None:
                workers = make_workers(how)
                try:
                    for number, task, outcome in workers.run(chain([first], left)):
                        database.commit(plan, number, task, outcome)
                        stage.advance(1)
                finally:
                    workers.close()
    finally:
        export(database, folder)
        database.close()


def _search(
    study: StudyFile, planner: Planner, database: Database, plan: int, folder: Path, how: How, progress: Progress
) -> None:
    from accelsim.study.search import Search  # noqa: PLC0415 - loads Optuna

    search = Search(study, planner, database, plan, folder, Judge(study.constraints, how.retry_failed))
    workers = make_workers(how)
    try:
        with progress.stage("points", study.spec.search.points if study.spec.search else None) as stage:
            search.run(workers, stage.advance)
    finally:
        workers.close()


def facts_of(study: StudyFile) -> dict[str, Any]:
    """Return what the database notes about a study."""
    return {
        "name": study.spec.name,
        "description": study.spec.description,
        "study": study.data,
        "axes": study.space.values(),
        "objectives": [[item.name, item.direction] for item in study.objectives],
        "constraints": list(study.spec.constraints),
    }


def remaining(
    planner: Planner, database: Database, plan: int, judge: Judge, advance: Any
) -> Iterator[Numbered]:
    """Yield the points that are not committed yet, each identity once; few are looked up ahead."""
    numbered = enumerate(planner.tasks())
    given: set[bytes] = set()
    while batch := list(islice(numbered, _AT_ONCE)):
        database.add_documents(planner.documents)
        there = database.claim(plan, batch, judge)
        if there:
            advance(len(there))
        for number, task in batch:
            name = bytes.fromhex(task.id)
            if task.id not in there and name not in given:
                given.add(name)
                yield number, task


def make_workers(how: How) -> Workers:
    """Return whoever evaluates the points."""
    if how.scheduler is not None:
        from accelsim.study.cluster import Cluster  # noqa: PLC0415 - loads Dask

        return Cluster(how.scheduler, how.plugins)
    count = how.processes or os.cpu_count() or 1
    if count < 1:
        raise ConfigError(f"processes: expected at least 1, got {count}")
    return InProcess(how.plugins) if count == 1 else Processes(count, how.plugins)

