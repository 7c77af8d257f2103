"""Activity from recorded spikes instead of an execution.

What a machine does depends on which neurons sent a packet and on which neurons were reached, not on the values of
membranes. Where the spikes of every population are known, from another simulator or from a published recording, the
reached neurons follow from the connectivity.

Assumed: a neuron's state is not zero from the timestep after the one in which it was first touched until the end of the
sample. A real membrane may come back to zero exactly, so ``nonzero`` is an upper bound. Not checked: whether the
weights would have made these spikes; a recorded neuron may fire without having been touched.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.trace.activity import ActivityTrace, PopulationActivity
from accelsim.trace.recorded_kernels import Reach, touch


@dataclass(frozen=True, eq=False)
class RecordedSpikes:
    """Spikes of one population, as in :class:`accelsim.trace.activity.PopulationActivity`."""

    size: int
    ptr: npt.NDArray[np.int64]
    index: npt.NDArray[np.int32]
    count: npt.NDArray[np.uint16] | None = None


@dataclass(frozen=True, eq=False)
class RecordedEdge:
    """A projection: names of source and target, which targets each source reaches, and after how many timesteps."""

    source: str
    target: str
    reach: Reach
    delay: int = 0


def trace_of_spikes(
    spikes: dict[str, RecordedSpikes], edges: Sequence[RecordedEdge], samples: int, timesteps: int, delay: int = 0
) -> ActivityTrace:
    """Return the activity of recorded spikes.

    Parameters
    ----------
    spikes : dict of str to RecordedSpikes
        Of every population, the input first, the output last.
    edges : sequence of RecordedEdge
    samples, timesteps : int
    delay : int
        Timesteps that the chip adds to the delay of every projection: 0, or 1 on chips whose edges delay.

    Returns
    -------
    ActivityTrace
        ``output`` counts the recorded spikes of the last population. The key is a hash of all arguments.
    """
    populations = {}
    none = np.empty((samples * timesteps, 0), dtype=np.uint8)
    for at, (name, own) in enumerate(spikes.items()):
        maps = (none, none)
        if at:
            incoming = [(spikes[edge.source], edge.reach, edge.delay + delay) for edge in edges if edge.target == name]
            maps = _bitmaps(own.size, incoming, samples, timesteps)
        populations[name] = PopulationActivity(own.ptr, own.index, *maps, own.count)
    last = list(spikes.values())[-1]
    step = np.repeat(np.arange(samples * timesteps), np.diff(last.ptr))
    place = (step // timesteps, last.index)
    output = np.zeros((samples, last.size))
    first_spike = np.full((samples, last.size), timesteps, dtype=np.int32)
    np.add.at(output, place, 1.0 if last.count is None else last.count)
    np.minimum.at(first_spike, place, (step % timesteps).astype(np.int32))
    key = _key(spikes, edges, samples, timesteps, delay)
    return ActivityTrace(key, samples, timesteps, populations, output, first_spike, {})


def _bitmaps(
    size: int, incoming: Sequence[tuple[RecordedSpikes, Reach, int]], samples: int, timesteps: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return ``touched`` and ``nonzero`` of a population, (samples * timesteps, ceil(size / 8)) each."""
    out = np.zeros((2, samples, timesteps, (size + 7) // 8), dtype=np.uint8)
    reached = np.empty((timesteps, size), dtype=np.uint8)
    for sample in range(samples):
        reached[:] = 0
        for source, reach, delay in incoming:
            ptr = source.ptr[sample * timesteps : (sample + 1) * timesteps + 1]
            touch(ptr, source.index, reach, delay, reached)
        out[0, sample] = np.packbits(reached, axis=1)
        out[1, sample, 1:] = np.bitwise_or.accumulate(out[0, sample, :-1], axis=0)
    touched, nonzero = out.reshape(2, samples * timesteps, -1)
    return touched, nonzero


def _key(
    spikes: dict[str, RecordedSpikes], edges: Sequence[RecordedEdge], samples: int, timesteps: int, delay: int
) -> str:
    digest = hashlib.sha256(f"recorded {samples} {timesteps} {delay}".encode())
    for name, own in spikes.items():
        digest.update(f";{len(name)} {name} {own.size} {own.index.size}".encode())
        digest.update(np.ascontiguousarray(own.ptr).data)
        digest.update(np.ascontiguousarray(own.index).data)
        if own.count is not None:
            digest.update(b"counts" + np.ascontiguousarray(own.count).tobytes())
    for edge in edges:
        ends = f";{len(edge.source)} {edge.source} {len(edge.target)} {edge.target} {edge.reach.marks.shape}"
        digest.update(f"{ends} {edge.reach.run_row.size} {edge.delay}".encode())
        for array in edge.reach:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
