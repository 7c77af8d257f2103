"""Progress bars on standard error: on a terminal, for what takes longer than a second, gone when done."""

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from accelsim.result.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

DELAY: Final = 1.0
"""Seconds before a bar appears."""


def make_progress(*, quiet: bool) -> Progress:
    """Return bars where standard error is a terminal and the user did not ask for silence, else the null one."""
    if quiet or not sys.stderr.isatty():
        return NO_PROGRESS
    from rich.console import Console

    return BarProgress(Console(stderr=True))


class BarProgress:
    """A listener that draws one bar per stage that is under way.

    Parameters
    ----------
    console : rich.console.Console
    delay : float
        Seconds that a stage runs before its bar appears.
    """

    def __init__(self, console: "Console", delay: float = DELAY) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichBars

        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
                   TimeElapsedColumn())  # fmt: skip
        self.delay = delay
        self._bars: RichBars = RichBars(*columns, console=console, transient=True)
        self._lock = threading.Lock()
        self._shown = 0

    def stage(self, name: str, total: int | None = None) -> "BarStage":
        """Return the stage ``name``; its bar pulses where ``total`` is None."""
        return BarStage(self, name, total)

    def show(self, name: str, total: int | None, done: int) -> "TaskID":
        """Add a bar; the first one starts the display."""
        with self._lock:
            task = self._bars.add_task(name, total=total, completed=done)
            if self._shown == 0:
                self._bars.start()
            self._shown += 1
            return task

    def hide(self, task: "TaskID") -> None:
        """Remove a bar; the last one ends the display."""
        with self._lock:
            self._bars.remove_task(task)
            self._shown -= 1
            if self._shown == 0:
                self._bars.stop()

    def move(self, task: "TaskID", done: int) -> None:
        """Set how many items of a bar are finished."""
        self._bars.update(task, completed=done)


class BarStage:
    """A stage whose bar a timer shows, so that also a stage that never advances is seen."""

    def __init__(self, owner: BarProgress, name: str, total: int | None) -> None:
        self._owner, self._name, self._total = owner, name, total
        self._done = 0
        self._task: TaskID | None = None
        self._ended = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(owner.delay, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._task is not None:
                self._owner.hide(self._task)

    def advance(self, n: int = 1, /) -> None:
        """Report ``n`` more finished items; safe from any thread."""
        with self._lock:
            self._done += n
            if self._task is not None:
                self._owner.move(self._task, self._done)

    def _appear(self) -> None:
        with self._lock:
            if not self._ended:
                self._task = self._owner.show(self._name, self._total, self._done)
