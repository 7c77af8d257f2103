"""Cutting and packing: every neuron once, within every capacity, in as few cores as possible or over all of them."""

import itertools

import numpy as np
import pytest
from functional_builders import random_graph, random_network
from timing_builders import chip, conv_network, layer_chain, ports_at

from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.errors import MappingError
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.demand import Demand, DemandModel, room_of, state_layout
from accelsim.mapping.mapping import map_network
from accelsim.mapping.partition import compact, equal_slices, fewest_slices, pack, spread
from accelsim.mapping.schedule import Schedule


def on_cores(net):
    return [item for item in net.populations.values() if item.model is not None]


def model_of(net, spec: ChipSpec) -> DemandModel:
    return DemandModel(net, spec.core, WEIGHT_FORMATS.get(spec.core.weight_format)(), mapping=spec.mapping)


def any_network(seed: int):
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:
        return random_network(seed)
    if seed % 3 == 1:
        return conv_network(rng, int(rng.integers(2, 6)), 2, int(rng.integers(1, 5)), 6)
    sizes = rng.integers(1, 50, 4)
    return layer_chain([rng.integers(-3, 4, (b, a)) for a, b in itertools.pairwise(sizes)])


def small_chip(seed: int) -> ChipSpec:
    """Capacities of the order of the networks, so that layers are cut, packed, or both."""
    rng = np.random.default_rng(seed)
    width = int(rng.choice([32, 64]))
    words = int(rng.choice([8, 16, 160]))
    size = [2, 1] if words == 160 else [4, 4]
    memory = {"width": width, "banks": 1, "ports": "1RW"}
    return chip(
        noc__size=size,
        ports=ports_at([0, 0], [1, 0]),
        core__synapse_memory__capacity="64 KiB",
        mapping__partition=str(rng.choice(["compact", "spread"])),
        mapping__order=str(rng.choice(["pixel", "channel"])),
        core__conv_storage=str(rng.choice(["shared", "unrolled"])),
        core__weight_format=str(rng.choice(["dense", "csr"])),
        core__membrane__memory={"capacity": f"{words * width // 8} B", **memory},
        core__accumulator__memory={"capacity": f"{2 * words * width // 8} B", **memory},
    )


def naive_demand(net, spec: ChipSpec, part) -> Demand:
    """What a part needs, from the dense matrices of its projections (rows of a dense layer, or of a kernel)."""
    core, population = spec.core, net.populations[part.population]
    biased = population.bias is not None and bool((population.bias != 0).any())
    membrane_bits = core.membrane.bits * len(population.model.states) + (core.accumulator.bits if biased else 0)
    count = len(part.neurons)
    slots = Schedule.of(spec.schedule, net, 1).slots(net, part.population)
    everyone = {edge.source: set() for edge in net.incoming(part.population)}
    mine = set(part.neurons.tolist())
    zeros = core.weight_format == "dense" and not core.skip_zero_weights
    words = 0
    for edge in net.incoming(part.population):
        matrix = edge.connection.dense_matrix()
        joined = edge.connection
        reached = everyone[edge.source]
        used: dict[int, list[set[int]]] = {}
        for source in range(joined.n_source):
            for run in range(joined.run_ptr[source], joined.run_ptr[source + 1]):
                row, start = int(joined.run_row[run]), int(joined.run_start[run])
                inside = {at for at in range(joined.run_length) if start + at in mine}
                if inside:
                    used.setdefault(row, []).append(inside)
                if any(zeros or joined.rows[row, at] for at in inside):
                    reached.add(source)
        assert reached >= {s for s in range(joined.n_source) if matrix[part.neurons, s].any()}
        encode = WEIGHT_FORMATS.get(core.weight_format)()
        for row, cuts in used.items():
            stored = joined.rows[row, sorted(set().union(*cuts))]
            each = -(-int(encode.row_bits(stored[None, :], joined.bits)[0]) // core.synapse_memory.width)
            words += each * (len(cuts) if core.conv_storage == "unrolled" else 1)
    axons = sum(len(sources) for sources in everyone.values())
    width = core.membrane.memory.width
    return Demand(
        -(-count // (width // membrane_bits)) if 0 < membrane_bits <= width else count * -(-membrane_bits // width),
        slots * -(-count // (core.accumulator.memory.width // core.accumulator.bits)),
        axons,
        words,
    )


@pytest.mark.parametrize("chunk", range(4))
def test_every_neuron_once_and_every_capacity_kept(chunk):
    cut = shared = 0
    for seed in range(15 * chunk, 15 * (chunk + 1)):
        net, spec = any_network(seed), small_chip(seed)
        mapping = map_network(net, spec, "spikes", 1)
        owners = {name: np.zeros(item.size, np.int64) for name, item in net.populations.items()}
        held: dict[int, Demand] = {}
        for part in mapping.parts:
            assert len(part.neurons), "an empty slice"
            assert (np.diff(part.neurons) > 0).all()
            owners[part.population][part.neurons] += 1
            if part.terminal < mapping.cores:
                assert net.populations[part.population].model is not None
                known = held.get(part.terminal, Demand(0, 0, 0, 0))
                held[part.terminal] = known + naive_demand(net, spec, part)
            else:
                assert part.population == net.input.name
        assert all((count == 1).all() for count in owners.values()), seed
        room = room_of(spec.core)
        for core, demand in held.items():
            assert demand == mapping.occupation[core], (seed, core)
            assert demand.excess(room) == {}
        assert mapping.used_cores == sorted(held)
        hidden = [part for part in mapping.parts if part.terminal < mapping.cores]
        cut += len(hidden) > len(net.populations) - 1
        shared += len(held) < len(hidden)
        check_addresses(mapping, net, spec)
    assert min(cut, shared) >= 2, (cut, shared)


@pytest.mark.parametrize("schedule", ["pipelined", "native"])
def test_graphs_need_their_states_slots_and_shared_axons(schedule):
    for seed in range(25):
        net, spec = random_graph(seed, slow=True), small_chip(3)
        spec = spec.model_copy(update={"schedule": schedule})
        mapping = map_network(net, spec, "spikes", 1)
        held: dict[int, Demand] = {}
        for part in mapping.parts:
            if part.terminal < mapping.cores:
                known = held.get(part.terminal, Demand(0, 0, 0, 0))
                held[part.terminal] = known + naive_demand(net, spec, part)
        assert held == mapping.occupation, seed


def check_addresses(mapping, net, spec) -> None:
    """Slices of one core lie beside each other in its memories, without overlap."""
    core = spec.core
    for used in mapping.used_cores:
        taken = {"membrane": set(), "accumulator": set()}
        for part in (part for part in mapping.parts if part.terminal == used):
            layout = state_layout(core, net.populations[part.population], integer=True)
            assert (part.membranes_per_word, part.words_per_membrane, part.accumulators_per_word) == layout
            assert layout.words_per_membrane == 1
            per_word = (layout.membranes_per_word, layout.accumulators_per_word)
            firsts = (part.membrane_word, part.accumulator_word)
            rooms = (core.membrane.memory.words, core.accumulator.memory.words // 2)
            for words, first, each, room in zip(taken.values(), firsts, per_word, rooms, strict=True):
                mine = set(range(first, first + -(-len(part.neurons) // each)))
                assert not mine & words
                assert max(mine) < room
                words.update(mine)


@pytest.mark.parametrize("neurons", range(1, 15))
@pytest.mark.parametrize("per_core", [1, 2, 3])
def test_compact_uses_the_fewest_cores(neurons, per_core):
    """Dense layers of ``neurons``, cores that hold ``per_core`` of them: their quotient in slices, none empty."""
    net = layer_chain([np.ones((neurons, 2))])
    one = {"width": 32, "banks": 1, "ports": "1RW"}
    spec = chip(
        noc__size=[4, 4],
        core__membrane={"bits": 32, "memory": {**one, "capacity": f"{4 * per_core} B"}},
        core__accumulator={"bits": 32, "memory": {**one, "capacity": f"{8 * per_core} B"}},
    )
    slices = compact(on_cores(net), model_of(net, spec), spec.core, 16)
    assert np.concatenate([item.neurons for item in slices]).tolist() == list(range(neurons))
    assert all(len(item.neurons) for item in slices)
    assert len(slices) == -(-neurons // per_core)


@pytest.mark.parametrize("seed", range(12))
def test_compact_could_not_do_with_fewer_equal_slices(seed):
    net, spec = any_network(seed), small_chip(seed + 1)
    model, room = model_of(net, spec), room_of(spec.core)
    for population in net.populations.values():
        if population.model is None:
            continue
        parts = len(fewest_slices(model, population, spec.core, 16))
        fits = [
            count
            for count in range(1, parts + 1)
            if not any(item.demand.excess(room) for item in equal_slices(model, population, count))
        ]
        assert fits[:1] == [parts], population.name


def test_slices_of_a_shaped_population_are_whole_pixels():
    net = conv_network(np.random.default_rng(1), 4, 2, 3, 5)
    spec = chip(noc__size=[3, 3], mapping__partition="spread")
    slices = [item for item in spread(on_cores(net), model_of(net, spec), spec.core, 9) if item.population == "conv"]
    assert len(slices) > 1
    assert all(item.neurons[0] % 3 == 0 and len(item.neurons) % 3 == 0 for item in slices)


def test_spread_fills_the_spare_cores_with_the_largest_layer():
    net = layer_chain([np.ones((40, 3)), np.ones((10, 40)), np.ones((2, 10))])
    spec = chip(noc__size=[4, 2])
    model = model_of(net, spec)
    few, many = (cut(on_cores(net), model, spec.core, 8) for cut in (compact, spread))
    assert [item.population for item in few] == ["l1", "l2", "l3"]
    assert [item.population for item in many] == ["l1"] * 5 + ["l2"] * 2 + ["l3"]
    sizes = [len(item.neurons) for item in many]
    assert sizes == [8, 8, 8, 8, 8, 5, 5, 2]


def test_spread_cuts_no_neuron():
    net = layer_chain([np.ones((3, 2)), np.ones((2, 3))])
    spec = chip(noc__size=[4, 4], mapping__partition="spread")
    mapping = map_network(net, spec, "spikes", 1)
    hidden = [(part.population, len(part.neurons)) for part in mapping.parts if part.terminal < mapping.cores]
    assert sorted(hidden) == [("l1", 1)] * 3 + [("l2", 1)] * 2


def test_several_slices_share_a_core_where_cores_are_few():
    net = layer_chain([np.ones((4, 3))] + [np.ones((4, 4))] * 5)
    spec = chip(noc__size=[2, 1], ports=ports_at([0, 0], [1, 0]))
    mapping = map_network(net, spec, "spikes", 1)
    hidden = [part for part in mapping.parts if part.terminal < mapping.cores]
    assert [(part.population, part.terminal) for part in hidden] == [(f"l{at}", 0) for at in range(1, 7)]
    assert [part.membrane_word for part in hidden] == [0, 2, 4, 6, 8, 10]
    assert mapping.used_cores == [0]


def test_pack_takes_the_first_core_with_room():
    net = layer_chain([np.ones((n, n)) for n in (8, 8, 8)])
    spec = chip(core__membrane__memory={"capacity": "32 B", "width": 32, "banks": 1, "ports": "1RW"})
    slices = compact(on_cores(net), model_of(net, spec), spec.core, 4)  # 4 words each, 8 words per core
    assert pack(slices, spec.core, 3) == [0, 1, 2]
    assert pack(slices, spec.core, 2) == [0, 0, 1]


@pytest.mark.parametrize("seed", range(10))
def test_unrolled_storage_is_never_smaller(seed):
    rng = np.random.default_rng(seed)
    net = conv_network(rng, int(rng.integers(2, 6)), 2, 3, 4)
    size = net.populations["conv"].size
    low = int(rng.integers(0, size - 1))
    high = int(rng.integers(low + 1, size + 1))
    words = {}
    for storage in ("shared", "unrolled"):
        model = model_of(net, chip(core__conv_storage=storage))
        words[storage] = model.demands("conv", [np.arange(low, high, dtype=np.int32)])[0].synapse_words
    assert words["unrolled"] >= words["shared"] > 0
    every = [np.arange(size, dtype=np.int32)]
    whole = [model_of(net, chip(core__conv_storage=name)).demands("conv", every)[0].synapse_words for name in words]
    assert whole[1] > whole[0]


def test_a_bias_takes_room_beside_its_membrane():
    net = random_network(1)
    core = chip().core
    biased = [name for name, item in net.populations.items() if item.bias is not None and (item.bias != 0).any()]
    assert biased
    assert state_layout(core, net.populations[biased[0]], integer=True) == (1, 1, 2)
    plain = next(name for name, item in net.populations.items() if item.bias is None and item.model is not None)
    assert state_layout(core, net.populations[plain], integer=True) == (2, 1, 2)


@pytest.mark.parametrize("partition", ["compact", "spread"])
@pytest.mark.parametrize("order", ["pixel", "channel"])
def test_stated_slices(partition, order):
    """48 neurons (4 x 4 pixels of 3 channels) in 5 slices: 9 each in the order of the cut, 12 in the last."""
    net = conv_network(np.random.default_rng(1), 4, 2, 3, 5)
    spec = chip(noc__size=[3, 3], mapping__partition=partition, mapping__order=order, mapping__slices={"conv": 5})
    mapping = map_network(net, spec, "spikes", 1)
    parts = [part.neurons for part in mapping.parts if part.population == "conv"]
    in_order = np.arange(48) if order == "pixel" else np.arange(48).reshape(16, 3).T.ravel()
    bounds = [0, 9, 18, 27, 36, 48]
    assert [part.tolist() for part in parts] == [
        sorted(in_order[low:high].tolist()) for low, high in itertools.pairwise(bounds)
    ]
    others = sum(part.population == "out" for part in mapping.parts)
    assert others == (4 if partition == "spread" else 1)


def test_whole_channels_stay_together():
    net = conv_network(np.random.default_rng(1), 4, 2, 6, 5)
    spec = chip(noc__size=[2, 2], mapping__partition="spread", mapping__order="channel", mapping__slices={"out": 1})
    parts = [part.neurons for part in map_network(net, spec, "spikes", 1).parts if part.population == "conv"]
    assert [sorted({int(neuron) % 6 for neuron in part}) for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert [len(part) for part in parts] == [32, 32, 32]


@pytest.mark.parametrize(
    ("slices", "words"),
    [
        ({"cnov": 2}, "population that lives on cores (conv, out), got 'cnov'"),
        ({"in": 2}, "population that lives on cores (conv, out), got 'in'"),
        ({"out": 6}, "mapping.slices.out: expected 1 .. 5"),
    ],
)
def test_impossible_slices(slices, words):
    net = conv_network(np.random.default_rng(1), 4, 2, 3, 5)
    with pytest.raises(MappingError) as caught:
        map_network(net, chip(mapping__slices=slices), "spikes", 1)
    assert words in str(caught.value)


def test_stated_slices_that_do_not_fit():
    net = layer_chain([np.ones((100, 2))])
    memory = {"width": 32, "banks": 1, "ports": "1RW", "capacity": "32 B"}
    with pytest.raises(MappingError, match=r"slices.l1: one of 2 slices .* needs 25 words .* state more slices"):
        map_network(net, chip(core__membrane__memory=memory, mapping__slices={"l1": 2}), "spikes", 1)
