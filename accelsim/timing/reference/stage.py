"""A pipeline stage of several cycles, as BookSim2 has it: not pipelined in itself."""


class Stage:
    """Works on a lot for ``delay`` cycles; what comes meanwhile forms the next lot."""

    def __init__(self, delay: int) -> None:
        self._delay, self._start = delay, -delay

    def enter(self, at: int) -> int:
        """Return the cycle in which something that is ready in ``at`` is taken up."""
        if self._start < at:
            self._start = max(at, self._start + self._delay)
        return self._start

    def is_free(self, now: int, repeats: bool) -> bool:
        """Tell whether a lot may start now; ``repeats``: what failed has come back, lot after lot, since the last."""
        late = now - self._start - self._delay
        return late >= 0 and (not repeats or late % self._delay == 0)

    def start(self, now: int) -> None:
        """Start a lot."""
        self._start = now

    def ends(self, now: int) -> bool:
        """Tell whether the current lot has its last cycle now."""
        return now == self._start + self._delay - 1
