"""SANA-FE's ``simple`` timing model: the latency of a timestep from counts per core, without any queue or network.

    latency = max(max over cores of (visits x visit + updates x update + spikes x spike + sent x axon_out),
                  max over cores of (received x axon_in + events x synapse)) + barrier

A core's neurons and its sending form one pipeline, its receiving and its synapses another; the slowest core of either
decides, and the barrier follows. Neither waiting nor hops are part of it, which makes it a bar: what a cycle-level
simulation adds is queueing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class CoreCounts:
    """What every core did in every timestep, (timesteps, cores) int64 each.

    Attributes
    ----------
    visits, updates, spikes : neurons visited; with input, state or bias; that fired
    sent, received : packets
    events : synaptic events
    """

    visits: npt.NDArray[np.int64]
    updates: npt.NDArray[np.int64]
    spikes: npt.NDArray[np.int64]
    sent: npt.NDArray[np.int64]
    received: npt.NDArray[np.int64]
    events: npt.NDArray[np.int64]


@dataclass(frozen=True)
class CoreLatencies:
    """Time of each event, in one unit for all."""

    visit: int
    update: int
    spike: int
    axon_out: int
    axon_in: int
    synapse: int


def simple_latency(counts: CoreCounts, latencies: CoreLatencies, barrier: int) -> npt.NDArray[np.int64]:
    """Return the latency of every timestep, (timesteps,), in the unit of ``latencies``.

    Parameters
    ----------
    counts : CoreCounts
    latencies : CoreLatencies
    barrier : int
        Time of the synchronisation at the end of a timestep.
    """
    neurons: Any = (
        counts.visits * latencies.visit
        + counts.updates * latencies.update
        + counts.spikes * latencies.spike
        + counts.sent * latencies.axon_out
    )
    synapses: Any = counts.received * latencies.axon_in + counts.events * latencies.synapse
    slowest: npt.NDArray[np.int64] = np.maximum(neurons.max(axis=1), synapses.max(axis=1))
    return slowest + barrier
