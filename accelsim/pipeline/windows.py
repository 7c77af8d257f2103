"""The activity of a section of a network, in windows of timesteps: each window is a sample of its own.

Rows of a trace are (sample, timestep), so that windows of equal length are the same rows counted differently.
"""

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.network.graph import Network
from accelsim.network.section import Section
from accelsim.trace.activity import ActivityTrace, PopulationActivity

Int64s = npt.NDArray[np.int64]


def window_length(asked: int | None, timesteps: int) -> int:
    """Return the timesteps of a window.

    Raises
    ------
    ConfigError
        If a sample is not a whole number of windows.
    """
    length = timesteps if asked is None else asked
    if timesteps % length:
        whole = [str(item) for item in range(1, timesteps + 1) if timesteps % item == 0]
        raise ConfigError(
            f"layer_serial.timesteps_per_load: expected a divisor of the sample's {timesteps} timesteps "
            f"({', '.join(whole)}), got {length}"
        )
    return length


def section_trace(network: Network, section: Section, trace: ActivityTrace, length: int) -> ActivityTrace:
    """Return the trace of a section, its windows as samples of ``length`` timesteps."""
    populations = {section.network.input.name: _inputs(network, section, trace)}
    for name, (first, last) in section.pieces.items():
        populations[name] = _piece(trace.populations[name], network.populations[name].size, first, last)
    windows = trace.timesteps // length
    return ActivityTrace(
        trace.key, trace.samples * windows, length, populations, trace.output, trace.first_spike, trace.overflows
    )


def _rows(activity: PopulationActivity) -> npt.NDArray[np.intp]:
    return np.repeat(np.arange(len(activity.ptr) - 1), np.diff(activity.ptr))


def _inputs(network: Network, section: Section, trace: ActivityTrace) -> PopulationActivity:
    """Return what the section's input sends: a neuron as often as it spikes."""
    rows, indices, first, count = [], [], 0, trace.samples * trace.timesteps
    for name in section.sources:
        activity = trace.populations[name]
        times = activity.counts
        rows.append(np.repeat(_rows(activity), times))
        indices.append(np.repeat(activity.index, times) + first)
        first += network.populations[name].size
    row, index = np.concatenate([np.zeros(0, np.intp), *rows]), np.concatenate([np.zeros(0, np.int32), *indices])
    order = np.lexsort((index, row))
    ptr = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=count)))).astype(np.int64)
    none = np.empty((count, 0), np.uint8)
    return PopulationActivity(ptr, index[order].astype(np.int32), none, none)


def _piece(activity: PopulationActivity, size: int, first: int, last: int) -> PopulationActivity:
    if (first, last) == (0, size):
        return activity
    taken = (activity.index >= first) & (activity.index < last)
    ptr = np.concatenate(([0], np.cumsum(taken)))[activity.ptr].astype(np.int64)

    def cut(bitmap: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        return np.packbits(np.unpackbits(bitmap, axis=1, count=size)[:, first:last], axis=1)

    count = None if activity.count is None else activity.count[taken]
    index = (activity.index[taken] - first).astype(np.int32)
    return PopulationActivity(ptr, index, cut(activity.touched), cut(activity.nonzero), count)
