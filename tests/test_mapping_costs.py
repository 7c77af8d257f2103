"""What an axon costs: the kernel against a twin that knows only the text, and sums that placement cannot change."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from functional_builders import random_events, random_network, scattered
from timing_builders import UNIT_TIMING, chip, compile_and_build, conv_network, layer_chain, ports_at

from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.mapping.axons import COST_FIELDS
from accelsim.mapping.kernels import RowEngine, row_costs, sum_rows
from accelsim.mapping.mapping import map_network
from accelsim.mapping.patterns import cut_of, find_patterns
from accelsim.network.events import EventStream

FORMATS = WEIGHT_FORMATS.names()


def naive_row(weights, issued, addresses, words, engine):
    """Cost of one stored run: weights and accumulator addresses of its targets, the words of its row."""
    lanes, fetch_banks, banks, per_word, slots, least = engine
    chosen = [address for address, takes in zip(addresses, issued, strict=True) if takes]
    accumulate = touched = 0
    groups = [chosen[at : at + lanes] for at in range(0, len(chosen), lanes)]
    for group in groups:
        state = {address // per_word for address in group}
        touched += len(state)
        accumulate += max(least, slots * max(sum(word % banks == bank for word in state) for bank in range(banks)))
    cycles = max(1, -(-words // fetch_banks), accumulate)
    return {
        "cycles": cycles,
        "ideal": len(groups) * least,
        "conflict": accumulate - len(groups) * least,
        "fetch": cycles - accumulate,
        "words": words,
        "sops": int(np.count_nonzero(weights)),
        "issued": len(chosen),
        "state_words": touched,
    }


def naive_costs(connection, neurons, slot, issued, row_words, engine):
    """Costs of every source as dicts in a part of ``neurons``, and what the runs had in them."""
    local = {neuron: slot + rank for rank, neuron in enumerate(neurons.tolist())}
    out, clipped, several = [], 0, 0
    for source in range(connection.n_source):
        total = dict.fromkeys(COST_FIELDS, 0)
        runs = 0
        for run in range(connection.run_ptr[source], connection.run_ptr[source + 1]):
            row, start = int(connection.run_row[run]), int(connection.run_start[run])
            inside = [at for at in range(connection.run_length) if start + at in local]
            clipped += 0 < len(inside) < connection.run_length
            if not inside:
                continue
            runs += 1
            cost = naive_row(
                connection.rows[row, inside],
                issued[row, inside],
                [local[start + at] for at in inside],
                int(row_words[row]),
                engine,
            )
            for name, value in cost.items():
                total[name] += value
        several += runs > 1
        out.append(total)
    return out, clipped, several


def summed(joined, parts, slots, issued, words, engine, needed):
    """Costs of every (source, part), with everything stored: what the kernels find, as dicts."""
    cut = cut_of(joined.n_target, parts)
    patterns = find_patterns(joined, cut, np.array(slots), engine.per_word * engine.state_banks)
    every = np.arange(len(joined.rows))
    cell = every + len(every) * np.arange(len(patterns.part))[:, None]
    records = np.zeros((cell.size, len(COST_FIELDS)), np.int32)
    for piece, (pattern, phase) in enumerate(zip(patterns.pattern, patterns.phase.tolist(), strict=True)):
        offsets = patterns.offsets[pattern]
        out = records[cell[piece]]
        row_costs(joined.rows, every, offsets, offsets, issued, phase, words, engine, out)
        records[cell[piece]] = out
    runs = (joined.run_ptr, joined.run_row, joined.run_start)
    tables = (patterns.class_of, patterns.ptr, patterns.part, cell.astype(np.int32), records)
    ends, entries, sums = sum_rows(*runs, *tables, len(parts), COST_FIELDS.index(needed))
    assert len(np.unique(sums, axis=0)) == len(sums)  # equal sums are stored once
    source = np.repeat(np.arange(joined.n_source), np.diff(ends))
    return {
        (at, part): dict(zip(COST_FIELDS, sums[number].tolist(), strict=True))
        for at, (part, number) in zip(source.tolist(), entries.tolist(), strict=True)
    }


@pytest.mark.parametrize("chunk", range(3))
def test_row_costs_are_those_of_the_text(chunk):
    clipped = several = conflicts = fetches = skipped = 0
    for seed in range(100 * chunk, 100 * (chunk + 1)):
        rng = np.random.default_rng(seed)
        joined = scattered(rng, int(rng.integers(1, 8)), int(rng.integers(1, 40)), integer=bool(seed % 4))
        if seed % 2:  # long rows, so that groups follow each other
            net = layer_chain([rng.integers(-3, 4, (int(rng.integers(5, 60)), 4))])
            joined = net.projections[0].connection
        choices = ([1, 2, 4, 8], [1, 2, 4], [1, 2, 3, 8], [1, 2, 4], [1, 2], [1, 1, 3])
        engine = RowEngine(*(int(rng.choice(choice)) for choice in choices))
        owner = np.sort(rng.integers(0, 4, joined.n_target))
        if rng.random() < 0.5:
            rng.shuffle(owner)  # parts may be any neurons
        parts = [np.flatnonzero(owner == at).astype(np.int32) for at in range(3)]  # the fourth lives elsewhere
        slots = rng.integers(0, 50, 3).tolist()
        nonzero = joined.rows != 0
        issued = nonzero if rng.random() < 0.5 else np.ones_like(nonzero)
        words = rng.integers(0, 20, len(joined.rows)).astype(np.int32)
        needed = "issued" if seed % 3 else "sops"
        expected = {}
        for part, (neurons, slot) in enumerate(zip(parts, slots, strict=True)):
            costs, cuts, many = naive_costs(joined, neurons, slot, issued, words, engine)
            expected |= {(source, part): cost for source, cost in enumerate(costs) if cost[needed]}
            clipped, several = clipped + cuts, several + many
        assert summed(joined, parts, slots, issued, words, engine, needed) == expected, seed
        conflicts += sum(item["conflict"] > 0 for item in expected.values())
        fetches += sum(item["fetch"] > 0 for item in expected.values())
        skipped += sum(item["sops"] < item["issued"] for item in expected.values())
    assert min(clipped, 2 * several, conflicts, fetches, skipped) >= 50, (clipped, several, conflicts, fetches, skipped)


def naive_stored(joined, part, core):
    """Words and lane slots of every row, cut to the positions that the part uses."""
    weights = WEIGHT_FORMATS.get(core.weight_format)()
    mine = set(part.neurons.tolist())
    words = np.zeros(len(joined.rows), np.int64)
    issued = np.zeros(joined.rows.shape, bool)
    for row, weight in enumerate(joined.rows):
        starts = joined.run_start[joined.run_row == row]
        used = [at for at in range(joined.run_length) if any(start + at in mine for start in starts.tolist())]
        if used:
            cut = weight[None, used]
            words[row] = -(-int(weights.row_bits(cut, joined.bits)[0]) // core.synapse_memory.width)
            issued[row, used] = weights.issued(cut)[0]
    return words, (joined.rows != 0 if core.skip_zero_weights else issued)


def naive_axons(net, spec, mapping, kind):
    """Costs of every (source, terminal) pair of a mapped network, by walking runs."""
    core = spec.core
    zeros = core.weight_format == "dense" and not core.skip_zero_weights
    pairs = {}
    for part in (part for part in mapping.parts if part.terminal < mapping.cores):
        mine = set(part.neurons.tolist())
        for edge in net.incoming(part.population):
            graded = kind == "graded" and edge.source == net.input.name
            joined = edge.connection
            words, issued = naive_stored(joined, part, core)
            lanes = core.mac_lanes if graded else core.synapse_lanes
            memory = core.accumulator.memory
            shape = (lanes, core.synapse_memory.banks, memory.banks, part.accumulators_per_word, memory.rmw_slots)
            slot = part.accumulator_word * part.accumulators_per_word
            shape += (core.timing.synapse_cycles,)
            costs, _, _ = naive_costs(joined, part.neurons, slot, issued, words, shape)
            matrix = joined.rows
            for source in range(joined.n_source):
                runs = range(joined.run_ptr[source], joined.run_ptr[source + 1])
                reaches = any(
                    joined.run_start[run] + at in mine and (zeros or matrix[joined.run_row[run], at] != 0)
                    for run in runs
                    for at in range(joined.run_length)
                )
                if reaches:
                    once = {**dict.fromkeys((*COST_FIELDS, "macs"), 0), "lookup": core.timing.axon_in_cycles}
                    once["cycles"] = once["lookup"]
                    entry = pairs.setdefault((mapping.offsets[edge.source] + source, part.terminal), once)
                    for name in COST_FIELDS:
                        entry[name] += costs[source][name]
                    entry["macs"] += costs[source]["issued"] if graded else 0
    return pairs


def shaped(net):
    """The network with its populations as images of two or three channels, where their sizes allow it."""
    populations = {
        name: replace(item, shape=(1, item.size // channels, channels)) if channels else item
        for name, item in net.populations.items()
        for channels in [next((at for at in (3, 2) if item.size % at == 0), 0)]
    }
    return replace(net, populations=populations)


@pytest.mark.parametrize("seed", range(48))
def test_axons_of_a_mapped_network(seed):
    """Several slices of one neuron's targets on one core make one axon with the sum of their costs."""
    rng = np.random.default_rng(seed)
    kind = "graded" if seed % 3 == 0 else "spikes"
    net = conv_network(rng, 3, 2, 3, 4) if seed % 2 else shaped(random_network(seed))
    spec = chip(
        noc__concentration=[1, 2, 3][seed % 3],
        mapping__order=["pixel", "channel"][seed // 4 % 2],
        core__timing={**UNIT_TIMING, "axon_in_cycles": seed % 4, "synapse_cycles": 1 + seed // 3 % 2},
        noc__size=[1, 2] if seed % 4 < 2 else [3, 2],
        ports=ports_at([0, 0], [0, 1]),
        core__skip_zero_weights=seed % 5 < 2,
        core__weight_format=FORMATS[seed % len(FORMATS)],
        mapping__partition=["compact", "spread"][seed // 2 % 2],
        core__accumulator__memory={"capacity": "2 KiB", "width": 32, "banks": 4, "ports": "1RW"},
    )
    mapping = map_network(net, spec, kind, 5)
    first_output = mapping.offsets[net.output.name]
    axons, source = mapping.axons, mapping.axons.source()
    inside = axons.terminal < mapping.cores
    found = {
        (int(source[at]), int(axons.terminal[at])): {
            name: int(axons.costs[name][axons.axon["cost"][at]]) for name in (*COST_FIELDS, "macs", "lookup")
        }
        for at in np.flatnonzero(inside)
    }
    assert found == naive_axons(net, spec, mapping, kind)
    assert len(found) == inside.sum()
    costs = axons.costs
    assert np.array_equal(costs["cycles"], sum(costs[name] for name in ("ideal", "conflict", "fetch", "lookup")))
    assert not costs["lookup"][axons.axon["cost"][~inside]].any()
    assert len(np.unique(costs)) == len(costs)
    assert source[~inside].tolist() == list(range(first_output, first_output + net.output.size))
    assert (np.diff(source) >= 0).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("partition", ["compact", "spread"])
@pytest.mark.parametrize("order", ["pixel", "channel"])
def test_synaptic_operations_are_the_fan_out(seed, partition, order):
    """However a layer is cut, a spike meets every one of its non-zero weights once."""
    rng = np.random.default_rng(seed)
    net = conv_network(rng, 4, 2, 3, 5) if seed % 2 else random_network(seed)
    mapping = map_network(net, chip(mapping__partition=partition, mapping__order=order, noc__size=[3, 3]), "spikes", 1)
    sops = np.bincount(mapping.axons.source(), mapping.axons.of("sops"), minlength=mapping.axons.neurons)
    for name, population in net.populations.items():
        first = mapping.offsets[name]
        expected = sum((edge.connection.fan_out() for edge in net.outgoing(name)), np.zeros(population.size, np.int64))
        assert np.array_equal(sops[first : first + population.size], expected), name


@pytest.mark.parametrize("kind", ["spikes", "graded", "bias_current"])
def test_axon_costs_do_not_depend_on_placement(kind):
    net = conv_network(np.random.default_rng(4), 4, 2, 3, 5)
    mappings = [
        map_network(net, chip(mapping__placement=placement, mapping__partition="spread", noc__size=[3, 3]), kind, 5)
        for placement in ("row_major", "traffic")
    ]
    places = [{(part.population, *part.neurons.tolist()): part.terminal for part in item.parts} for item in mappings]
    assert places[0] != places[1]  # else nothing is compared

    def costs(mapping):
        columns = [mapping.axons.of(name) for name in mapping.axons.costs.dtype.names]
        return sorted(zip(mapping.axons.source().tolist(), *(column.tolist() for column in columns), strict=True))

    assert costs(mappings[0]) == costs(mappings[1])


def test_outputs_take_the_ports_in_turn():
    net = layer_chain([np.ones((5, 2))])
    ports = [*ports_at([0, 0], [1, 1]), {**ports_at([0, 0], [1, 0])[1], "name": "second", "cycles_per_event": 7}]
    mapping = map_network(net, chip(ports=ports), "spikes", 1)
    outputs = mapping.axons.source() >= mapping.offsets["l1"]
    assert mapping.axons.terminal[outputs].tolist() == [5, 6, 5, 6, 5]
    assert mapping.axons.of("cycles")[outputs].tolist() == [1, 7, 1, 7, 1]


def test_spikes_times_fan_out_is_what_the_machine_counts():
    """The whole way: synaptic operations counted by the engine are spikes times non-zero weights."""
    from timing_builders import activity

    from accelsim.timing.simulate import simulate

    net = random_network(3)
    events = random_events(3, net.input.size, samples=2, timesteps=4)
    spec = chip()
    machine, mapping = compile_and_build(net, events, spec)
    result = simulate(machine, spec, mapping, "compiled", 1)
    trace = activity(net, events, spec)
    expected = [
        sum(
            int(edge.connection.fan_out()[item.index[item.ptr[sample * 4] : item.ptr[(sample + 1) * 4]]].sum())
            for edge in net.projections
            for item in [trace.populations[edge.source]]
        )
        for sample in range(2)
    ]
    assert result.terminals["sops"].sum(axis=1).tolist() == expected
    assert min(expected) > 0


def test_an_input_may_send_twice_in_one_timestep():
    ptr = np.array([0, 3], np.int64)
    events = EventStream("spikes", 1, 1, 2, ptr, np.array([0, 0, 1], np.int32))
    net = layer_chain([np.array([[1, 0], [0, 1]])], threshold=9)
    machine, mapping = compile_and_build(net, events, chip())
    assert list(itertools.chain(mapping.axons.ptr[:3].tolist())) == [0, 1, 2]
    assert machine.work.spike_index[:3].tolist() == [0, 0, 1]
