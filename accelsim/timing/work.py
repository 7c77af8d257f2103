"""From activity to work: what every terminal does in every step, for both engines.

A core scans the visited neurons of its active slices in order, ``neuron_lanes`` at a time; a port takes its events
one by one. Groups that fire nothing are merged with the next one that does: they cannot stall, so the timing is the
same.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.hardware.spec import ChipSpec, CoreSpec
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.parts import Part
from accelsim.mapping.schedule import Schedule
from accelsim.network.graph import Network
from accelsim.timing.placing import place_neurons
from accelsim.timing.tables import StepWork
from accelsim.timing.work_kernels import ACTIVE_ONLY, EVERY, EVERY_UPDATE, whole_groups
from accelsim.trace.activity import ActivityTrace, PopulationActivity

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


PART = np.dtype(
    [
        ("population", np.int32),
        ("neurons", np.int32),
        ("first", np.int64),  # of its neurons in the slots
        ("low", np.int32),
        ("high", np.int32),
        ("number", np.int64),  # packet source of the population's neuron 0
        ("event_cycles", np.int32),
        ("scan", np.int32),
        ("contiguous", np.int32),
        ("membrane_words", np.int32),
        ("accumulator_words", np.int32),
        ("first_group", np.int32),
        ("membrane_span", np.int32),
        ("terminal", np.int32),
    ]
)
"""A slice: its neurons lie in ``low .. high - 1``, which is all of them where it is ``contiguous``, as a port's always
is. ``event_cycles`` is 0 for a core's slice, else the port's cycles per event; ``scan`` one of the rules of
:mod:`accelsim.timing.work_kernels`. Where all neurons are scanned, the groups are always the same: ``first_group`` in
``group_cycles``, and the words of a scan. ``membrane_span`` is the words of a neuron's state: 1 where neurons share a
word, 0 where they have none."""

ENGINE = np.dtype(
    [
        (name, np.int32)
        for name in (
            "lanes",
            "membrane_slots",
            "accumulator_slots",
            "membrane_banks",
            "accumulator_banks",
            "scan_cycles",
            "update_cycles",
            "spike_cycles",
        )
    ]
)
"""The neuron engine of a terminal: neurons of a group; cycles of a word in a bank, and banks, of the membranes and of
one slot of the accumulators; cycles as in the hardware file. A port's is not used."""

SLOT = np.dtype(
    [
        ("neuron", np.int32),
        ("membrane_word", np.int32),
        ("accumulator_word", np.int32),
        ("membrane_bank", np.int16),
        ("accumulator_bank", np.int16),
    ]
)
"""A neuron on a core, and where its state lies; ``membrane_word`` is -1 where it has none."""

POPULATION = np.dtype(
    [
        (name, np.int64)
        for name in ("depth", "spike_base", "index_base", "visit_base", "visit_bytes", "fired_base", "repeats")
    ]
)
"""When a population executes timestep 0, and where its activity begins in ``spike_ptr``, ``spike_index``, ``visit``;
``visit_bytes`` per sample and timestep, ``fired_base`` in the scratch bitmap of fired neurons, -1 for the input.
``repeats``: 1 where a neuron sends as often as ``spike_count`` says."""


ALONE = 1 << 40
"""The interval of samples that are simulated apart."""


class WorkTables(NamedTuple):
    """Slices by terminal, and the activity of all populations in flat arrays.

    ``engines`` are (terminals,) ENGINE. Slices of terminal n are ``parts[part_ptr[n] : part_ptr[n + 1]]``. ``visit``
    are bitmaps, most significant bit first, of neurons with input, state or bias; populations whose neurons are all
    updated have none. ``neurons`` are those of the slots once more, close together. ``spike_count`` goes with
    ``spike_index``; it is empty where no neuron sends more than once. A population executes a timestep every ``period``
    steps. With an ``interval`` all ``samples`` make one run, in which one enters that many timesteps after the last.
    """

    timesteps: int
    steps: int
    engines: npt.NDArray[Any]
    part_ptr: Int64s
    parts: npt.NDArray[Any]
    slots: npt.NDArray[Any]
    neurons: npt.NDArray[np.uint32]
    group_cycles: Int32s
    populations: npt.NDArray[Any]
    spike_ptr: Int64s
    spike_index: Int32s
    spike_count: npt.NDArray[np.uint16]
    visit: npt.NDArray[np.uint8]
    period: int = 1
    interval: int = ALONE
    samples: int = 1 << 40


class WorkScratch(NamedTuple):
    """The work of one step, and what its kernel needs to build it; one per worker, sized for the largest step.

    The first five arrays are those of :class:`accelsim.timing.tables.StepWork`, longer than most steps need: their
    pointers say how much of them counts. ``marks`` is a bitmap of fired neurons, zero between steps; ``copies`` how
    often a marked neuron sends, where its population repeats; ``membrane`` and ``accumulator`` count words by bank,
    ``groups`` the groups so far.
    """

    burst_ptr: Int64s
    burst_cycles: Int32s
    burst_fired: Int32s
    fired_ptr: Int64s
    fired: Int32s
    marks: npt.NDArray[np.uint8]
    copies: npt.NDArray[np.uint16]
    membrane: Int64s
    accumulator: Int64s
    groups: Int64s

    @property
    def work(self) -> StepWork:
        """The step's work, as the engines read it."""
        return StepWork(self.burst_ptr, self.burst_cycles, self.burst_fired, self.fired_ptr, self.fired)


def allocate_work(tables: WorkTables, *, apart: bool = False) -> WorkScratch:
    """Return scratch for any step of ``tables``; ``apart``: for terminals that are in different steps.

    Each terminal then has room of its own, from ``burst_ptr`` and ``fired_ptr`` on, for as much as it can ever do and
    for one burst and one neuron more.
    """
    terminals = len(tables.part_ptr) - 1
    burst_ptr, fired_ptr = np.zeros(terminals + 1, np.int64), np.zeros(terminals + 1, np.int64)
    if apart:
        room = _largest_of_terminals(tables) + 1
        np.cumsum(room + 1, out=burst_ptr[1:])
        np.cumsum(room, out=fired_ptr[1:])
        bursts, largest = int(burst_ptr[-1]), int(fired_ptr[-1])
    else:
        largest = _largest_step(tables)
        bursts = largest + terminals
    banks = max(int(tables.engines[name].max()) for name in ("membrane_banks", "accumulator_banks"))
    marks = int(tables.populations["fired_base"].max()) + -(-int(tables.slots["neuron"].max(initial=0) + 1) // 8)
    return WorkScratch(
        burst_ptr=burst_ptr,
        burst_cycles=np.zeros(bursts, np.int32),
        burst_fired=np.zeros(bursts, np.int32),
        fired_ptr=fired_ptr,
        fired=np.zeros(largest, np.int32),
        marks=np.zeros(marks, np.uint8),
        copies=np.zeros(8 * marks if tables.spike_count.size else 0, np.uint16),
        membrane=np.zeros(banks, np.int64),
        accumulator=np.zeros(banks, np.int64),
        groups=np.ones(1, np.int64),
    )


def _largest_step(tables: WorkTables) -> int:
    """Return the fired neurons of the step with the most, repetitions counted."""
    total: npt.NDArray[Any] = np.zeros(0, np.int64)
    ends = np.append(tables.populations["spike_base"][1:], len(tables.spike_ptr))
    for own, end in zip(tables.populations, ends, strict=True):
        ptr = tables.spike_ptr[own["spike_base"] : end]
        if own["repeats"]:
            count = tables.spike_count[own["index_base"] : own["index_base"] + ptr[-1]]
            ptr = np.concatenate(([0], np.cumsum(count, dtype=np.int64)))[ptr]
        counts = np.diff(ptr).reshape(-1, tables.timesteps)
        at = own["depth"] + tables.period * np.arange(tables.timesteps)
        if tables.interval < ALONE:
            entered = tables.period * tables.interval * np.arange(len(counts))
            at, counts = (entered[:, None] + at).ravel(), counts.reshape(1, -1)
        if not total.size:
            total = np.zeros((len(counts), tables.steps), np.int64)
        now = (at >= 0) & (at < tables.steps)
        total[:, at[now]] += counts[:, now]
    return int(total.max(initial=0))


def _largest_of_terminals(tables: WorkTables) -> Int64s:
    """Return the most neurons that each terminal can write back in a step, (terminals,)."""
    events = []
    ends = np.append(tables.populations["spike_base"][1:], len(tables.spike_ptr))
    for own, end in zip(tables.populations, ends, strict=True):
        events.append(int(np.diff(tables.spike_ptr[own["spike_base"] : end]).max(initial=0)))
    population, parts = tables.parts["population"], tables.parts
    most = np.where(parts["event_cycles"] > 0, np.array(events, np.int64)[population], parts["neurons"])
    repeated = tables.populations["repeats"][population] > 0
    most = most * np.where(repeated, int(tables.spike_count.max(initial=1)), 1)
    sums = np.concatenate(([0], np.cumsum(most)))
    return np.asarray(np.diff(sums[tables.part_ptr]), dtype=np.int64)


def _loads(activity: PopulationActivity, samples: int, timesteps: int, size: int) -> PopulationActivity:
    """Return the packets that load a constant current: at timestep 0, one per neuron that the current reaches."""
    bits = np.unpackbits(activity.touched.reshape(samples, timesteps, -1)[:, 0], axis=1, count=size)
    counts = np.zeros((samples, timesteps), dtype=np.int64)
    counts[:, 0] = bits.sum(axis=1)
    ptr = np.concatenate(([0], np.cumsum(counts.ravel())))
    none = np.empty((samples * timesteps, 0), dtype=np.uint8)
    return PopulationActivity(ptr, np.nonzero(bits)[1].astype(np.int32), none, none)


def _visited(network: Network, name: str, activity: PopulationActivity) -> npt.NDArray[np.uint8]:
    """Return the bitmap of neurons with input, state or bias; empty where it is not asked for."""
    population = network.populations[name]
    if population.model is None or not population.model.quiet():
        return np.empty((len(activity.ptr) - 1, 0), dtype=np.uint8)
    visited = activity.touched | activity.nonzero
    if population.bias is not None:
        visited |= np.packbits(population.bias != 0)
    return visited


def _scan_rule(network: Network, name: str, core: CoreSpec) -> int:
    """Return which neurons of a population a core visits and updates."""
    model = network.populations[name].model
    if model is not None and not model.quiet():
        return EVERY_UPDATE
    return EVERY if core.scan == "all" else ACTIVE_ONLY


def engine_table(cores: Sequence[CoreSpec], ports: int) -> npt.NDArray[Any]:
    """Return the neuron engines of all terminals, (terminals,) ENGINE, from the description of every core."""
    rows: list[tuple[int, ...]] = []
    for core in cores:
        membrane, accumulator, timing = core.membrane.memory, core.accumulator.memory, core.timing
        slots, banks = (membrane.rmw_slots, accumulator.rmw_slots), (membrane.banks, accumulator.banks)
        rows.append(
            (core.neuron_lanes, *slots, *banks, timing.scan_cycles, timing.update_cycles, timing.spike_cycles)
        )
    return np.array(rows + [(0,) * len(ENGINE.names or ())] * ports, ENGINE)


def whole_scans(parts: npt.NDArray[Any], slots: npt.NDArray[Any], engines: npt.NDArray[Any]) -> Int32s:
    """Return the cycles of the groups of slices that are scanned whole, and complete ``parts``."""
    cycles = np.zeros(len(slots), np.int32)
    groups = whole_groups(parts, slots, engines, cycles)
    return cycles[:groups].copy()


def part_tables(
    parts: Sequence[Part], numbers: Sequence[int], engines: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return (parts,) PART with what does not depend on the activity filled, and the (n,) SLOTs of their neurons.

    Parameters
    ----------
    parts
        In the order of the table.
    numbers
        Number of each part's population.
    engines : (terminals,) ENGINE
        For their banks.
    """
    table = np.zeros(len(parts), PART)
    sizes = np.array([len(part.neurons) for part in parts], np.int64)
    ends = np.cumsum(sizes)
    slots = np.zeros(int(ends[-1]), SLOT)
    slots["neuron"] = np.concatenate([part.neurons for part in parts])
    table["population"], table["neurons"], table["first"] = numbers, sizes, ends - sizes
    table["terminal"] = [part.terminal for part in parts]
    table["membrane_span"] = [part.words_per_membrane for part in parts]
    some = sizes > 0
    table["low"][some] = slots["neuron"][(ends - sizes)[some]]
    table["high"][some] = slots["neuron"][ends[some] - 1] + 1
    table["contiguous"] = table["high"] - table["low"] == sizes
    names = ("membrane_word", "accumulator_word", "membranes_per_word", "accumulators_per_word")
    layout = np.array([[getattr(part, name) for name in names] for part in parts], np.int32)
    place_neurons(table, layout, engines, slots)
    return table, slots


def work_tables(
    network: Network, chip: ChipSpec, mapping: Mapping, trace: ActivityTrace, *, back_to_back: bool = False
) -> WorkTables:
    """Build the tables of a mapped network's activity; ``back_to_back``: all samples are one run of steps."""
    layout = mapping.layout
    engines = engine_table([layout.of(core) for core in range(layout.count)], len(chip.ports))
    parts = sorted(mapping.parts, key=lambda part: part.terminal)
    names = list(network.populations)
    schedule = Schedule.of(chip.schedule, network, trace.timesteps)
    interval = schedule.interval(network)
    further = (trace.samples - 1) * interval * schedule.period if back_to_back else 0
    activity = dict(trace.populations)
    if mapping.load_target is not None:
        size = network.populations[mapping.load_target].size
        activity[names[0]] = _loads(activity[mapping.load_target], trace.samples, trace.timesteps, size)
    visit = [_visited(network, name, activity[name]) for name in names]
    repeats = [activity[name].count is not None and name not in mapping.graded for name in names]
    number = {name: at for at, name in enumerate(names)}
    table, slots = part_tables(parts, [number[part.population] for part in parts], engines)
    scans = {name: {kind: _scan_rule(network, name, core) for kind, core in layout.kinds.items()} for name in names}
    for own, part in zip(table, parts, strict=True):
        own["number"] = mapping.offsets[part.population]
        if part.terminal >= mapping.cores:
            own["event_cycles"] = chip.ports[part.terminal - mapping.cores].cycles_per_event
        else:
            own["scan"] = scans[part.population][layout.name(part.terminal)]
    return WorkTables(
        timesteps=trace.timesteps,
        steps=schedule.steps + further,
        engines=engines,
        part_ptr=np.searchsorted(
            np.array([part.terminal for part in parts]), np.arange(mapping.fabric.terminals + 1)
        ).astype(np.int64),
        parts=table,
        slots=slots,
        neurons=slots["neuron"].astype(np.uint32),
        group_cycles=whole_scans(table, slots, engines),
        populations=population_table(
            [schedule.first[name] for name in names],
            [activity[name] for name in names],
            visit,
            [network.populations[name].size if network.populations[name].model else 0 for name in names],
            repeats,
        ),
        spike_ptr=np.concatenate([activity[name].ptr for name in names]),
        spike_index=np.concatenate([activity[name].index for name in names]),
        spike_count=_counts([activity[name] for name in names], repeated=any(repeats)),
        visit=np.concatenate([item.ravel() for item in visit]),
        period=schedule.period,
        interval=interval if back_to_back else ALONE,
        samples=trace.samples,
    )


def _counts(activity: Sequence[PopulationActivity], *, repeated: bool) -> npt.NDArray[np.uint16]:
    """Return the spikes of every listed neuron, or nothing where they do not matter."""
    if not repeated:
        return np.empty(0, np.uint16)
    return np.concatenate([np.asarray(item.counts, np.uint16) for item in activity])


def population_table(
    depths: Sequence[int],
    activity: Sequence[PopulationActivity],
    visit: Sequence[npt.NDArray[np.uint8]],
    sizes: Sequence[int],
    repeats: Sequence[bool],
) -> npt.NDArray[Any]:
    """Return where each population's activity begins, (populations,) POPULATION; ``sizes`` is 0 for an input."""

    def bases(counts: list[int]) -> Int64s:
        return np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64)

    table = np.zeros(len(depths), POPULATION)
    table["depth"] = depths
    table["spike_base"] = bases([len(item.ptr) for item in activity])
    table["index_base"] = bases([len(item.index) for item in activity])
    table["visit_base"] = bases([item.size for item in visit])
    table["repeats"] = repeats
    table["visit_bytes"] = [item.shape[1] for item in visit]
    table["fired_base"] = np.where(np.array(sizes) > 0, bases([-(-size // 8) for size in sizes]), -1)
    return table
