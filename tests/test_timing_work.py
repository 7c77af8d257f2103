"""From activity to bursts: the kernel against a twin that knows only the text of the timing model."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from timing_builders import UNIT_TIMING, chip

from accelsim.hardware.spec import CoreSpec
from accelsim.mapping.parts import Part
from accelsim.timing.records import SCAN_COUNT
from accelsim.timing.work import WorkTables, allocate_work, engine_table, part_tables, population_table, whole_scans
from accelsim.timing.work_kernels import ACTIVE_ONLY, EVERY, EVERY_UPDATE, build_work
from accelsim.trace.activity import PopulationActivity

NOTHING = np.empty(0, np.uint16)


@dataclass
class Slice:
    population: int
    neurons: np.ndarray
    membrane_word: int
    membranes_per_word: int
    words_per_membrane: int
    accumulator_word: int
    accumulators_per_word: int
    event_cycles: int
    scan: int


@dataclass
class Neurons:
    """A neuron engine: lanes, (banks, cycles of a word) of membranes and accumulators, (scan, update, spike) cycles."""

    lanes: int
    membrane: tuple[int, int]
    accumulator: tuple[int, int]
    cycles: tuple[int, int, int]


@dataclass
class Scene:
    """Populations with their activity, and who scans them, in plain Python."""

    samples: int
    timesteps: int
    engines: list[Neurons]  # by terminal; the last is a port's, which has no say
    sizes: list[int]
    depths: list[int]
    spikes: list[list[list[int]]]  # by population and (sample, timestep); a neuron as often as it sends
    visited: list[np.ndarray]  # by population: (samples * timesteps, size) bool
    terminals: list[list[Slice]]


def random_scene(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    samples, timesteps = (int(n) for n in rng.integers(1, 4, 2))
    sizes = [int(n) for n in rng.integers(1, 60, 4)]
    spikes, visited = [], []
    for at, size in enumerate(sizes):
        steps = samples * timesteps
        active = rng.random((steps, size)) < rng.choice([0.0, 0.05, 0.3, 0.9])
        lists = [np.flatnonzero(row).tolist() for row in active]
        if at == 0 or rng.random() < 0.4:  # several packets of one neuron in a timestep
            lists = [sorted(rng.choice(row, 2 * len(row)).tolist()) if row else [] for row in lists]
        spikes.append(lists)
        # the last population is a readout that is not visited by itself but sends at the end
        visited.append(rng.random((steps, size)) < (0 if at == 3 else rng.choice([0.0, 0.1, 0.6, 1.0])))
    terminals: list[list[Slice]] = [[] for _ in range(5)]
    for population, size in enumerate(sizes):
        cuts = np.unique([0, size, *rng.integers(0, size + 1, int(rng.integers(0, 3)))]).tolist()
        order = np.arange(size, dtype=np.int32)
        if population > 0 and rng.random() < 0.5:
            rng.shuffle(order)  # parts may be any neurons
        scan = int(rng.choice([ACTIVE_ONLY, EVERY, EVERY_UPDATE]))
        for low, high in itertools.pairwise(cuts):
            neurons = np.sort(order[low:high])
            home = 4 if population == 0 else int(rng.integers(0, 4))
            words = rng.integers(0, 9, 2).tolist()
            values = rng.choice([1, 2, 3, 4], 2).tolist()
            span = int(rng.choice([0, 1, 1, 2, 5]))
            membrane = (words[0], values[0] if span == 1 else 1, span)
            terminals[home].append(
                Slice(population, neurons, *membrane, words[1], values[1], 2 if home == 4 else 0, scan)
            )
    engines = [random_engine(rng) for _ in range(int(rng.integers(1, 4)))]
    kinds = [*(engines[int(rng.integers(0, len(engines)))] for _ in range(4)), engines[0]]
    return Scene(samples, timesteps, kinds, sizes, [0, 1, 1, 2], spikes, visited, terminals)


def random_engine(rng: np.random.Generator) -> Neurons:
    banks = [(int(rng.choice([1, 2, 4])), int(rng.integers(1, 3))) for _ in range(2)]
    cycles = tuple(int(n) for n in (rng.integers(1, 4), rng.integers(0, 4), rng.integers(0, 4)))
    return Neurons(int(rng.choice([1, 2, 3, 8])), *banks, cycles)


def described(own: Neurons) -> CoreSpec:
    ports = ("1R1W", "1RW")  # one slot per word, two slots
    cycles = dict(zip(("scan_cycles", "update_cycles", "spike_cycles"), own.cycles, strict=True))
    return chip(
        core__neuron_lanes=own.lanes,
        core__membrane__memory__banks=own.membrane[0],
        core__membrane__memory__ports=ports[own.membrane[1] - 1],
        core__accumulator__memory__banks=own.accumulator[0],
        core__accumulator__memory__ports=ports[own.accumulator[1] - 1],
        core__timing={**UNIT_TIMING, **cycles},
    ).core


def as_tables(scene: Scene) -> WorkTables:
    parts = [part for own in scene.terminals for part in own]
    numbers = [part.population for part in parts]
    homes = [home for home, own in enumerate(scene.terminals) for _ in own]
    engines = engine_table([described(own) for own in scene.engines[:-1]], 1)
    placed = [
        Part(
            "",
            part.neurons,
            home,
            part.membrane_word,
            part.accumulator_word,
            part.membranes_per_word,
            part.words_per_membrane,
            part.accumulators_per_word,
        )
        for part, home in zip(parts, homes, strict=True)
    ]
    table, slots = part_tables(placed, numbers, engines)
    table["number"] = [sum(scene.sizes[:number]) for number in numbers]
    table["event_cycles"] = [part.event_cycles for part in parts]
    table["scan"] = [part.scan for part in parts]
    none = np.empty((scene.samples * scene.timesteps, 0), np.uint8)
    activity = []
    for at, rows in enumerate(scene.spikes):
        several = at > 0 and any(len(set(row)) < len(row) for row in rows)
        listed = [sorted(set(row)) if several else row for row in rows]
        counts = [row.count(neuron) for row, once in zip(rows, listed, strict=True) for neuron in once]
        count = np.array(counts, np.uint16) if several else None
        ptr = np.concatenate(([0], np.cumsum([len(row) for row in listed])))
        index = np.array([neuron for row in listed for neuron in row], np.int32)
        activity.append(PopulationActivity(ptr, index, none, none, count))
    repeats = [item.count is not None for item in activity]
    visit = [np.packbits(rows, axis=1) for rows in scene.visited]
    return WorkTables(
        timesteps=scene.timesteps,
        steps=scene.timesteps + max(scene.depths),
        engines=engines,
        part_ptr=np.concatenate(([0], np.cumsum([len(own) for own in scene.terminals]))).astype(np.int64),
        parts=table,
        slots=slots,
        neurons=slots["neuron"].astype(np.uint32),
        group_cycles=whole_scans(table, slots, engines),
        populations=population_table(scene.depths, activity, visit, [0, *scene.sizes[1:]], repeats),
        spike_ptr=np.concatenate([item.ptr for item in activity]),
        spike_index=np.concatenate([item.index for item in activity]),
        spike_count=np.concatenate([item.counts for item in activity]).astype(np.uint16) if any(repeats) else NOTHING,
        visit=np.concatenate([item.ravel() for item in visit]),
    )


def fullest_bank(words: set[int], banks: int) -> int:
    return max(sum(word % banks == bank for word in words) for bank in range(banks))


def naive_groups(scene: Scene, own: Neurons, part: Slice, row: int):
    """Groups of a slice: (cycles, fired neurons), and what the slice scanned."""
    local = {neuron: rank for rank, neuron in enumerate(part.neurons.tolist())}
    fired = [n for n in scene.spikes[part.population][row] if n in local]
    if part.event_cycles:
        return [(part.event_cycles, [neuron]) for neuron in fired], (len(fired), 0, 0, 0, 0)
    active = {n for n in local if scene.visited[part.population][row, n] or n in fired or part.scan == EVERY_UPDATE}
    visits = [n for n in local if n in active or part.scan == EVERY]
    groups, membrane_words, accumulator_words = [], 0, 0
    scan, update, spike = own.cycles
    for first in range(0, len(visits), own.lanes):
        group = visits[first : first + own.lanes]
        span = part.words_per_membrane
        begins = [part.membrane_word + local[n] // part.membranes_per_word * span for n in group]
        membranes = {begin + word for begin in begins for word in range(span)}
        accumulators = {part.accumulator_word + local[n] // part.accumulators_per_word for n in group}
        membrane_words += len(membranes)
        accumulator_words += len(accumulators)
        cost = max(
            scan,
            fullest_bank(membranes, own.membrane[0]) * own.membrane[1],
            fullest_bank(accumulators, own.accumulator[0]) * own.accumulator[1],
        )
        cost += (update if active & set(group) else 0) + (spike if set(fired) & set(group) else 0)
        groups.append((cost, [n for n in group for _ in range(fired.count(n))]))
    cycles = sum(cost for cost, _ in groups)
    return groups, (len(visits), len(active), membrane_words, accumulator_words, cycles)


def naive_work(scene: Scene, sample: int, step: int):
    """Bursts by terminal, fired neurons by terminal, scans by slice."""
    bursts, sources, scans = [], [], []
    for engine, own in zip(scene.engines, scene.terminals, strict=True):
        mine, pending, fired = [], 0, []
        for part in own:
            timestep = step - scene.depths[part.population]
            if not 0 <= timestep < scene.timesteps:
                scans.append((0, 0, 0, 0, 0))
                continue
            groups, scan = naive_groups(scene, engine, part, sample * scene.timesteps + timestep)
            scans.append(scan)
            for cycles, neurons in groups:
                pending += cycles
                if neurons:
                    mine.append((pending, len(neurons)))
                    pending = 0
                fired += [sum(scene.sizes[: part.population]) + neuron for neuron in neurons]
        if pending:
            mine.append((pending, 0))
        bursts.append(mine)
        sources.append(fired)
    return bursts, sources, scans


@pytest.mark.parametrize("chunk", range(4))
def test_work_is_that_of_the_text(chunk):
    silent = unvisited = shared_core = costly = idle = 0
    for seed in range(40 * chunk, 40 * (chunk + 1)):
        scene = random_scene(seed)
        tables = as_tables(scene)
        scratch = allocate_work(tables)
        for sample in range(scene.samples):
            for step in range(tables.steps):
                count = np.zeros(len(tables.parts), SCAN_COUNT)
                build_work(tables, sample, step, scratch, count)
                burst_ptr, cycles, fired, fired_ptr, neurons = scratch.work
                cycles, fired, neurons = cycles[: burst_ptr[-1]], fired[: burst_ptr[-1]], neurons[: fired_ptr[-1]]
                bursts, sources, scans = naive_work(scene, sample, step)
                pairs = list(zip(cycles.tolist(), fired.tolist(), strict=True))
                spans = [*itertools.pairwise(burst_ptr)]
                assert [pairs[low:high] for low, high in spans] == bursts, (seed, sample, step)
                assert neurons.tolist() == [neuron for own in sources for neuron in own]
                assert np.diff(fired_ptr).tolist() == [len(own) for own in sources]
                assert [tuple(row.tolist()) for row in count] == scans, (seed, sample, step)
                silent += any(own and own[-1][1] == 0 for own in bursts)
                shared_core += sum(len(own) > 1 for own in scene.terminals)
                costly += any(scan[4] > scan[0] for scan in scans)
                idle += any(scan[0] > scan[1] > 0 for scan in scans)
        assert not scratch.marks.any()
        unvisited += any(scene.spikes[3])
    assert min(silent, unvisited, shared_core, costly, idle) >= 15, (silent, unvisited, shared_core, costly, idle)


def test_scans_are_added_to():
    scene = random_scene(7)
    tables = as_tables(scene)
    scratch = allocate_work(tables)
    once, twice = (np.zeros(len(tables.parts), SCAN_COUNT) for _ in range(2))
    for step in range(tables.steps):
        build_work(tables, 0, step, scratch, once)
        build_work(tables, 0, step, scratch, twice)
        build_work(tables, 0, step, scratch, twice)
    assert once["visited"].sum() > 0
    for name in SCAN_COUNT.names:
        assert np.array_equal(twice[name], 2 * once[name])
