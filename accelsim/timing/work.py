"""From activity to work: what every terminal does in every step, for both engines.

A core scans the visited neurons of its active slices in order, ``neuron_lanes`` at a time; a port takes its events
one by one. Groups that fire nothing are merged with the next one that does: they cannot stall, so the timing is the
same.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.network.graph import Network
from accelsim.timing.schedule import Schedule
from accelsim.trace.activity import ActivityTrace, PopulationActivity

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


class WorkTables(NamedTuple):
    """Slices by terminal, and the activity of all populations in flat arrays.

    Slices of terminal n are ``part_ptr[n] : part_ptr[n + 1]``. ``population`` indexes ``spike_base`` (first entry of
    the population in ``spike_ptr``), ``index_base`` (in ``spike_index``), ``visit_base`` and ``visit_bytes`` (in
    ``visit``, a bitmap per sample and timestep, most significant bit first). ``event_cycles`` is 0 for a core's
    slice, else the port's cycles per event. ``depth`` is the step in which the slice executes timestep 0.
    """

    timesteps: int
    steps: int
    lanes: int
    membrane_banks: int
    membrane_slots: int
    accumulator_banks: int
    accumulator_slots: int
    part_ptr: Int64s
    low: Int32s
    high: Int32s
    depth: Int32s
    population: Int32s
    number: Int64s
    membrane_word: Int32s
    membranes_per_word: Int32s
    accumulator_word: Int32s
    accumulators_per_word: Int32s
    event_cycles: Int32s
    spike_base: Int64s
    spike_ptr: Int64s
    index_base: Int64s
    spike_index: Int32s
    visit_base: Int64s
    visit_bytes: Int64s
    visit: npt.NDArray[np.uint8]


def _loads(activity: PopulationActivity, samples: int, timesteps: int, size: int) -> PopulationActivity:
    """Return the packets that load a constant current: at timestep 0, one per neuron that the current reaches."""
    bits = np.unpackbits(activity.touched.reshape(samples, timesteps, -1)[:, 0], axis=1, count=size)
    counts = np.zeros((samples, timesteps), dtype=np.int64)
    counts[:, 0] = bits.sum(axis=1)
    ptr = np.concatenate(([0], np.cumsum(counts.ravel())))
    none = np.empty((samples * timesteps, 0), dtype=np.uint8)
    return PopulationActivity(ptr, np.nonzero(bits)[1].astype(np.int32), none, none)


def _visited(network: Network, name: str, activity: PopulationActivity, *, scan_all: bool) -> npt.NDArray[np.uint8]:
    population = network.populations[name]
    if population.model is None:
        return np.empty((len(activity.ptr) - 1, 0), dtype=np.uint8)
    everyone = np.packbits(np.ones(population.size, dtype=np.uint8))
    if scan_all or not population.model.quiet():
        return np.broadcast_to(everyone, activity.touched.shape)
    visited = activity.touched | activity.nonzero
    if population.bias is not None:
        visited |= np.packbits(population.bias != 0)
    return visited


def work_tables(network: Network, chip: ChipSpec, mapping: Mapping, trace: ActivityTrace) -> WorkTables:
    """Build the tables of a mapped network's activity."""
    core = chip.core
    parts = sorted(mapping.parts, key=lambda part: part.terminal)
    names = list(network.populations)
    schedule = Schedule.of(chip.schedule, network, trace.timesteps)
    activity = dict(trace.populations)
    if mapping.load_target is not None:
        size = network.populations[mapping.load_target].size
        activity[names[0]] = _loads(activity[mapping.load_target], trace.samples, trace.timesteps, size)
    visit = [_visited(network, name, activity[name], scan_all=core.scan == "all") for name in names]
    terminals = np.array([part.terminal for part in parts])

    def column(values: list[int], dtype: Any = np.int32) -> npt.NDArray[Any]:
        return np.array(values, dtype=dtype)

    def bases(sizes: list[int]) -> Int64s:
        return np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)

    events = [
        0 if part.terminal < mapping.cores else chip.ports[part.terminal - mapping.cores].cycles_per_event
        for part in parts
    ]
    return WorkTables(
        timesteps=trace.timesteps,
        steps=schedule.steps,
        lanes=core.neuron_lanes,
        membrane_banks=core.membrane.memory.banks,
        membrane_slots=core.membrane.memory.rmw_slots,
        accumulator_banks=core.accumulator.memory.banks,
        accumulator_slots=core.accumulator.memory.rmw_slots,
        part_ptr=np.searchsorted(terminals, np.arange(mapping.fabric.terminals + 1)).astype(np.int64),
        low=column([part.low for part in parts]),
        high=column([part.high for part in parts]),
        depth=column([schedule.first[part.population] for part in parts]),
        population=column([names.index(part.population) for part in parts]),
        number=column([mapping.offsets[part.population] for part in parts], np.int64),
        membrane_word=column([part.membrane_word for part in parts]),
        membranes_per_word=column([part.membranes_per_word for part in parts]),
        accumulator_word=column([part.accumulator_word for part in parts]),
        accumulators_per_word=column([part.accumulators_per_word for part in parts]),
        event_cycles=column(events),
        spike_base=bases([len(activity[name].ptr) for name in names]),
        spike_ptr=np.concatenate([activity[name].ptr for name in names]),
        index_base=bases([len(activity[name].index) for name in names]),
        spike_index=np.concatenate([activity[name].index for name in names]),
        visit_base=bases([item.size for item in visit]),
        visit_bytes=column([item.shape[1] for item in visit], np.int64),
        visit=np.concatenate([item.ravel() for item in visit]),
    )
