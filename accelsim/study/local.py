"""Worker processes of this machine.

Every worker has one task at a time and gets the next one when its outcome has been taken: what was handed out and not
committed is at most one point per worker, whatever is killed. A worker that dies gives its task to another; one that
kills three workers is given up as failed. Workers end when the pipe to this process closes.

Workers are forked off a server process that has imported the engines once, where the system can do that.
"""

import contextlib
import multiprocessing.connection
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, Protocol

from accelsim.errors import AccelsimError
from accelsim.study.server import context
from accelsim.study.task import FAILED, Outcome, StudyError, Task

_DEATHS: Final = 3
"""Workers that a task may take with it."""
_UNGUARDED: Final = (
    "a worker process could not start. Workers import the script that calls sweep: the call has to stand below "
    "if __name__ == '__main__': there, or processes=1 be given"
)
_PATIENCE: Final = 2.0
"""Seconds in which a worker may end by itself."""

Numbered = tuple[int, Task]


class Workers(Protocol):
    """Whoever evaluates tasks: pulls the next one when there is room, and yields outcomes as they come."""

    def run(self, tasks: Iterator[Numbered]) -> Iterator[tuple[int, Task, Outcome]]:
        """Evaluate tasks; the caller commits an outcome before it asks for the next one."""
        ...

    def close(self) -> None:
        """End all work."""
        ...


class InProcess:
    """The driver evaluates everything itself."""

    def __init__(self, plugins: tuple[str, ...] = ()) -> None:
        self._plugins = plugins

    def run(self, tasks: Iterator[Numbered]) -> Iterator[tuple[int, Task, Outcome]]:
        """Evaluate one task after the other."""
        from accelsim.study.evaluate import Evaluator  # noqa: PLC0415 - loads the engines

        evaluator = Evaluator(self._plugins)
        for number, task in tasks:
            yield number, task, evaluator.evaluate(task)

    def close(self) -> None:
        """Nothing to end."""


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    busy: Numbered | None = None
    ready: bool = False


class Processes:
    """Worker processes.

    Parameters
    ----------
    count : int
    plugins : tuple of str
    """

    def __init__(self, count: int, plugins: tuple[str, ...] = ()) -> None:
        self._count, self._plugins = count, plugins
        self._context = context()
        self._workers: list[_Worker] = []
        self._again: list[Numbered] = []
        self._deaths: dict[str, int] = {}

    def run(self, tasks: Iterator[Numbered]) -> Iterator[tuple[int, Task, Outcome]]:
        """Evaluate tasks on all workers; outcomes come in the order in which they are ready."""
        waiting = True
        while True:
            while (waiting and any(worker.busy is None for worker in self._workers)) or (
                waiting and len(self._workers) < self._count
            ):
                numbered = self._again.pop() if self._again else next(tasks, None)
                if numbered is None:
                    waiting = False
                    break
                self._give(numbered)
            busy = {worker.pipe: worker for worker in self._workers if worker.busy is not None}
            if not busy:
                return
            for pipe in multiprocessing.connection.wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                number, task = worker.busy or (0, None)
                if task is None:
                    continue
                try:
                    outcome: Outcome | StudyError | None = worker.pipe.recv()
                except (EOFError, OSError):
                    self._workers.remove(worker)
                    worker.process.join()
                    if not worker.ready and (worker.process.exitcode or 0) > 0:
                        raise StudyError(_UNGUARDED) from None
                    outcome_or_none = self._died(number, task, worker.process.exitcode)
                    waiting = True
                    if outcome_or_none is not None:
                        yield number, task, outcome_or_none
                    continue
                if isinstance(outcome, StudyError):
                    raise outcome
                if outcome is None:
                    worker.ready = True
                    continue
                yield number, task, outcome
                worker.busy = None

    def close(self) -> None:
        """End all workers, at once if they do not by themselves."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            if worker.busy is not None:
                worker.process.terminate()
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers = []

    def _give(self, numbered: Numbered) -> None:
        worker = next((item for item in self._workers if item.busy is None), None)
        if worker is None:
            worker = self._start()
        worker.busy = numbered
        with contextlib.suppress(OSError):  # it died while idle: reading from it says so
            worker.pipe.send(numbered[1])

    def _start(self) -> _Worker:
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there, self._plugins), daemon=True)
        process.start()
        there.close()
        worker = _Worker(process, here)
        self._workers.append(worker)
        return worker

    def _died(self, number: int, task: Task, code: int | None) -> Outcome | None:
        self._deaths[task.id] = self._deaths.get(task.id, 0) + 1
        if self._deaths[task.id] < _DEATHS:
            self._again.append((number, task))
            return None
        how = f"by signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
        return Outcome(task.id, FAILED, error=f"{_DEATHS} workers died of this point, the last one {how}")


def _serve(pipe: Connection, plugins: tuple[str, ...]) -> None:
    """Evaluate what comes through the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt of the terminal is the driver's to answer
    from accelsim.study.evaluate import Evaluator  # noqa: PLC0415

    try:
        evaluator = Evaluator(plugins)
    except AccelsimError as error:
        pipe.send(StudyError(str(error)))
        return
    pipe.send(None)
    while True:
        try:
            task: Task = pipe.recv()
            try:
                pipe.send(evaluator.evaluate(task))
            except StudyError as error:
                pipe.send(error)
        except (EOFError, OSError):
            os._exit(0)  # the driver is gone: nobody reads what this process would say
