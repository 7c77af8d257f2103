"""What happened when in a few hardware steps: slices of work and of waiting on tracks, and fills of queues.

Times are cycles from the beginning of the first recorded step, drain and barrier of every step included.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

SLICE: Final = np.dtype(
    [
        ("track", np.int32),
        ("kind", np.int32),
        ("begin", np.int64),
        ("cycles", np.int64),
        ("population", np.int32),
        ("detail", np.int32),
    ]
)
"""``track`` and ``kind`` count in :attr:`Timeline.tracks` and :data:`KINDS`. ``population`` and ``detail`` name the
neuron whose packet it is about; without one ``population`` is -1 and ``detail`` a number of fired neurons, a step, or
-1."""

LEVEL: Final = np.dtype([("track", np.int32), ("queue", np.int32), ("cycle", np.int64), ("entries", np.int32)])
"""``entries`` of a queue of :data:`QUEUES` from ``cycle`` on; ``track`` is any track of the same process."""


@dataclass(frozen=True)
class Kind:
    """A kind of slice.

    Attributes
    ----------
    name : str
    engine : str
        Track on which it lies; empty for output ports of routers, which have a track each.
    counter : str
        What its slices add up to: a field of the record types, a column of links, or a cause.
    measure : {"cycles", "number"}
        Whether durations add up to it, or the slices count.
    """

    name: str
    engine: str
    counter: str
    measure: Literal["cycles", "number"]


KINDS: Final = (
    Kind("step", "steps", "step_cycles", "cycles"),
    Kind("drain", "steps", "drain", "cycles"),
    Kind("barrier", "steps", "barrier", "cycles"),
    Kind("wait for the tick", "steps", "tick", "cycles"),
    Kind("scan", "neuron engine", "scan_cycles", "cycles"),
    Kind("wait: spike FIFO full", "neuron engine", "fifo_full", "cycles"),
    Kind("routing entry", "axon-out", "routing_reads", "number"),
    Kind("wait: injection queue full", "axon-out", "injection_full", "cycles"),
    Kind("packet", "injection", "packets_out", "number"),
    Kind("flit", "injection", "flits_out", "number"),
    Kind("wait: no credit", "injection", "no_credit", "cycles"),
    Kind("look-up", "axon look-up", "packets_in", "number"),
    Kind("row", "synapse rows", "row_cycles", "cycles"),
    Kind("axon lookup", "synapse rows", "row_lookup", "cycles"),
    Kind("synapse fetch", "synapse rows", "row_fetch", "cycles"),
    Kind("accumulate", "synapse rows", "row_ideal", "cycles"),
    Kind("bank conflict", "synapse rows", "row_conflict", "cycles"),
    Kind("flit", "", "links", "number"),
)
"""A row's four parts lie in it in this order; the machine interleaves them group by group, and only their sums are
known."""

NUMBER: Final = {kind.counter: number for number, kind in enumerate(KINDS)}
"""Kinds by counter."""

QUEUES: Final = ("spike FIFO", "injection queue", "input queue")
ENGINES: Final = tuple(dict.fromkeys(kind.engine for kind in KINDS if kind.engine))


@dataclass(frozen=True)
class Track:
    """A line of slices that nest, ``name``, in a group of lines, ``process``."""

    process: str
    name: str


@dataclass(frozen=True, eq=False)
class Timeline:
    """A few steps of one sample.

    Attributes
    ----------
    chip, workload : str
    clock : float
        GHz.
    sample : int
    steps : range
        The recorded steps, whole ones.
    tracks : tuple of Track
    populations : tuple of str
    slices : (n,) SLICE
        By track, then by beginning, the longer one first: a slice lies within the one before or after it.
    levels : (n,) LEVEL
        By cycle within a queue.
    """

    chip: str
    workload: str
    clock: float
    sample: int
    steps: range
    tracks: tuple[Track, ...]
    populations: tuple[str, ...]
    slices: npt.NDArray[np.void]
    levels: npt.NDArray[np.void]
