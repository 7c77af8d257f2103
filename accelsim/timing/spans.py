"""How long the steps of a chunk take, and what they consist of once all engines are done."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.timing.engine import Chunk

Int64s = npt.NDArray[np.int64]


class Spans(NamedTuple):
    """Cycles of every job, (jobs,) each: with engines at work, draining, at the barrier, waiting for the tick.

    ``late`` are the cycles by which a job exceeds the tick.
    """

    active: Int64s
    drain: Int64s
    barrier: Int64s
    tick: Int64s
    late: Int64s

    @property
    def cycles(self) -> Int64s:
        """All cycles of every job."""
        return self.active + self.drain + self.barrier + self.tick


def barrier_spans(steps: npt.NDArray[Any], drain: int, barrier: int, tick: int) -> Spans:
    """Return the spans of steps that end with a barrier.

    Parameters
    ----------
    steps : (jobs,) STEP
    drain, barrier : int
    tick : int
        Cycles from the start of a step to that of the next at least; 0 where steps follow as soon as possible.
    """
    own = np.full(len(steps), drain), np.full(len(steps), barrier)
    idle = tick - steps["end"] - drain - barrier
    late = np.maximum(-idle, 0) if tick else np.zeros(len(steps), np.int64)
    return Spans(steps["end"].copy(), *own, np.maximum(idle, 0), late)


def token_spans(steps: npt.NDArray[Any], drain: int, per_sample: int) -> Spans:
    """Return by how much each step moves the end of its sample, where no barrier ends steps.

    The cycles of a step lead from the end of all that belongs to earlier steps to the end of all that belongs to it
    too; the pipelines drain once, which is told to the first step.
    """
    ends = np.maximum.accumulate(steps["end"].reshape(-1, per_sample), axis=1)
    active = np.diff(ends, axis=1, prepend=0).ravel()
    drains = np.zeros_like(ends)
    drains[:, 0] = drain
    none = np.zeros(len(steps), np.int64)
    return Spans(active, drains.ravel(), none, none, none)


def as_single_steps(chunk: Chunk, cycles: Int64s, per_sample: int) -> tuple[Chunk, Int64s]:
    """Return whole samples as if each were one step, its first, for who compares counts with the cycles of a step.

    Without a barrier steps overlap: what a terminal does in one of them takes longer than the step moves the end.
    """
    terminals = np.zeros_like(chunk.terminals)
    scans, took = np.zeros_like(chunk.scans), np.zeros_like(cycles)
    first, before = slice(None, None, per_sample), (-1, per_sample)
    for name in terminals.dtype.names or ():
        join = np.max if name.endswith("_end") or name == "queue_peak" else np.sum
        terminals[name][first] = join(chunk.terminals[name].reshape(*before, chunk.terminals.shape[1]), axis=1)
    for name in scans.dtype.names or ():
        scans[name][first] = chunk.scans[name].reshape(*before, chunk.scans.shape[1]).sum(axis=1)
    took[first] = cycles.reshape(before).sum(axis=1)
    return replace(chunk, terminals=terminals, scans=scans), took
