"""Listening to the reference engine: what its parts do, told as it happens."""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.result.timeline import NUMBER, QUEUES

SPIKE_FIFO, INJECTION_QUEUE, INPUT_QUEUE = range(len(QUEUES))

HEARD_SLICE = np.dtype([(name, np.int64) for name in ("kind", "index", "begin", "cycles", "detail")])
HEARD_LEVEL = np.dtype([(name, np.int64) for name in ("index", "queue", "cycle", "entries")])


class Probe:
    """Is told everything and keeps nothing; ``index`` is a terminal, or router x ports + port for a flit on a link."""

    def slice(self, counter: str, index: int, begin: int, cycles: int, detail: int = -1) -> None:
        """Hear that something took ``cycles`` from ``begin`` on, and which counter it went into."""

    def level(self, index: int, queue: int, cycle: int, entries: int) -> None:
        """Hear how full a queue of a terminal is."""


SILENT = Probe()


class RecorderFullError(Exception):
    """More happened than the recorder takes."""


class Recorder(Probe):
    """Keeps what it is told, up to ``limit`` slices and levels together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slices: list[tuple[int, int, int, int, int]] = []
        self._levels: list[tuple[int, int, int, int]] = []

    def __len__(self) -> int:
        return len(self._slices) + len(self._levels)

    def slice(self, counter: str, index: int, begin: int, cycles: int, detail: int = -1) -> None:
        """Keep a slice that took time."""
        if cycles > 0:
            self._check()
            self._slices.append((NUMBER[counter], index, int(begin), int(cycles), detail))

    def level(self, index: int, queue: int, cycle: int, entries: int) -> None:
        """Keep a fill."""
        self._check()
        self._levels.append((index, queue, int(cycle), entries))

    def _check(self) -> None:
        if len(self) >= self._limit:
            raise RecorderFullError

    @property
    def slices(self) -> npt.NDArray[Any]:
        """What took time, (n,) HEARD_SLICE."""
        return np.array(self._slices, HEARD_SLICE)

    @property
    def levels(self) -> npt.NDArray[Any]:
        """Fills of queues, (n,) HEARD_LEVEL."""
        return np.array(self._levels, HEARD_LEVEL)
