"""How long work tells of its progress, without knowing who listens.

Whatever takes long asks a :class:`Progress` for a stage and advances it. The command line draws bars; a script may pass
its own listener; :data:`NO_PROGRESS` ignores everything. No drawing happens here.
"""

from types import TracebackType
from typing import Final, Protocol, Self


class Stage(Protocol):
    """One piece of work that is under way: a context manager that counts its items."""

    def __enter__(self) -> Self:
        """Begin the stage."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        """End the stage, whether it finished or failed; an exception is never swallowed."""
        ...

    def advance(self, n: int = 1, /) -> None:
        """Report ``n`` more finished items."""
        ...


class Progress(Protocol):
    """A listener to progress.

    Examples
    --------
    >>> with NO_PROGRESS.stage("timing", total=16) as stage:
    ...     for _ in range(16):
    ...         stage.advance(1)
    """

    def stage(self, name: str, total: int | None = None) -> Stage:
        """Return the stage ``name`` of ``total`` items; None where the number is not known."""
        ...


class _NullStage:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    def advance(self, n: int = 1, /) -> None:
        """Ignore the items."""


class NullProgress:
    """A listener that hears nothing."""

    def stage(self, name: str, total: int | None = None) -> Stage:  # noqa: ARG002 - the protocol's signature
        """Return a stage that does nothing."""
        return _NullStage()


NO_PROGRESS: Final = NullProgress()
