"""Multicast: trees, the tables of the routers, packets that fork, and what cannot be forked."""

import itertools

import numpy as np
import pytest
from timing_builders import (
    CHIP,
    ENGINES,
    axon_tables,
    chip,
    compile_and_build,
    differences,
    layer_chain,
    line,
    network,
    router,
    run_step,
    step_work,
)

from accelsim.costs.counting import component_kinds
from accelsim.costs.leakage import component_leakage
from accelsim.costs.parts import MULTICAST_TABLE
from accelsim.costs.prices import component_prices
from accelsim.errors import MappingError
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.ring import Ring
from accelsim.hardware.topologies.topology import TOPOLOGIES, build_fabric
from accelsim.hardware.topologies.torus import Torus
from accelsim.hardware.topologies.tree import Tree
from accelsim.mapping.mapping import map_network
from accelsim.mapping.multicast import key_ranks, table_entries
from accelsim.mapping.trees import build_trees
from accelsim.network.events import EventStream
from accelsim.testing.topology import find_cycle
from accelsim.timing.records import STATUS_DONE
from accelsim.timing.simulate import simulate

TABLE = {"key_bits": 14, "entry_bits": 40, "memory": {"capacity": "2 KiB", "width": 64, "banks": 1, "ports": "1RW"}}


def repr_of(item):
    return f"{type(item).__name__.lower()}{'x'.join(map(str, item.size))}" if hasattr(item, "size") else str(item)


FABRICS = [Mesh((4, 3)), Torus((5, 3)), Torus((4, 4)), Ring((8,)), Tree((8, 4)), TOPOLOGIES.get("crossbar")((1,))]


def random_trees(seed, topology):
    rng = np.random.default_rng(seed)
    cores = [*range(topology.core_routers), *([0] * 5 if topology.routers == 1 else [0])]
    fabric = build_fabric(topology, cores)
    home = rng.integers(0, len(cores), 40)
    kinds = [np.flatnonzero(rng.random(len(cores)) < share) for share in (0.1, 0.3, 0.5, 0.9)]
    sets = [kinds[kind] for kind in rng.integers(0, len(kinds), len(home))]
    ptr = np.concatenate(([0], np.cumsum([len(own) for own in sets])))
    terminal = np.concatenate(sets).astype(np.int32)
    return fabric, home, sets, build_trees(fabric, home, ptr, terminal, np.full(len(terminal), 2))


def route(fabric, source, target):
    """(router, port) of every output port that a unicast packet passes."""
    router, way = int(fabric.terminal_router[source]), []
    while router >= 0:
        way.append((router, int(fabric.route[router, target])))
        router = int(fabric.link_router[way[-1]])
    return way


def bits(mask):
    return [port for port in range(64) if mask >> port & 1]


@pytest.mark.parametrize("topology", FABRICS, ids=repr_of)
def test_trees_are_unions_of_unicast_routes(topology):
    for seed in range(4):
        fabric, home, sets, trees = random_trees(seed, topology)
        hops = trees.flit_hops()
        for neuron, targets in enumerate(sets):
            union = {step for target in targets for step in route(fabric, home[neuron], target)}
            assert hops[neuron] == 2 * len(union)
            if not len(targets):
                assert trees.root[neuron] == -1
                continue
            walked = list(trees.walk(int(trees.root[neuron]), fabric))
            assert {(router, port) for router, _, ports in walked for port in bits(ports)} == union
            assert len({router for router, _, _ in walked}) == len(walked)


def naive_entries(fabric, home, trees):
    """Halve the keys until all that pass a router want the same ports; what goes straight on wants no entry."""
    rank, width = key_ranks(home, trees.root, fabric.terminals)
    wants = [{} for _ in range(fabric.routers)]
    for neuron in np.flatnonzero(trees.root >= 0):
        for at, entry, ports in trees.walk(int(trees.root[neuron]), fabric):
            ahead = None if entry < 0 else fabric.topology.straight(entry)
            wants[at][int(home[neuron]) << width | int(rank[neuron])] = ports, ahead is None or ports != 1 << ahead

    def count(own):
        if not any(needed for _, needed in own.values()):
            return 0
        if len({ports for ports, _ in own.values()}) == 1:
            return 1
        half = 1 << (max(own).bit_length() - 1)
        while True:
            low = {key: want for key, want in own.items() if not key & half}
            high = {key: want for key, want in own.items() if key & half}
            if low and high:
                return count_below(low, half) + count_below(high, half)
            half >>= 1

    def count_below(own, half):
        return count({key & (half - 1): want for key, want in own.items()})

    return [count(own) for own in wants]


@pytest.mark.parametrize("topology", FABRICS, ids=repr_of)
def test_entries_of_the_tables(topology):
    for seed in range(6):
        fabric, home, _, trees = random_trees(seed, topology)
        assert table_entries(fabric, home, trees).tolist() == naive_entries(fabric, home, trees)


def test_entries_by_hand():
    """Core 0 of a line to core 2: an entry at either end, none in between; equal neurons share them."""
    fabric = build_fabric(line(4), range(4))
    home = np.zeros(4, np.int64)
    trees = build_trees(fabric, home, np.arange(5), np.full(4, 2, np.int32), np.ones(4, int))
    assert table_entries(fabric, home, trees).tolist() == [1, 0, 1, 0]
    trees = build_trees(fabric, home, np.arange(5), np.array([2, 2, 2, 3], np.int32), np.ones(4, int))
    assert table_entries(fabric, home, trees).tolist() == [1, 0, 2, 1]  # at 2: keys 0 and 1, key 2; 3 goes straight on


RINGS = [Ring((5,)), Ring((8,)), Torus((4, 4)), Torus((5, 3)), Torus((3, 4, 5))]


@pytest.mark.parametrize("topology", RINGS, ids=repr_of)
def test_classes_of_trees_order_the_channels(topology):
    """Channels (router, port, class) that a copy may hold and wait for form no cycle, over many random trees."""
    waits = {}
    for seed in range(12):
        fabric, _, _, trees = random_trees(seed, topology)
        for root in np.unique(trees.root[trees.root >= 0]).tolist():
            follow(fabric, trees, root, None, waits)
    assert any(vc_class == 1 for _, _, vc_class in waits)
    assert find_cycle(waits) == []


def follow(fabric, trees, node, before, waits):
    at = int(trees.router[node])
    for port, goal, fresh in trees.branches[trees.nodes["first"][node] : trees.nodes["last"][node]].tolist():
        if goal < 0:
            continue
        kept = before is not None and fabric.ring[fabric.link_port[before[:2]]] == fabric.ring[port]
        here = (at, port, before[2] if kept else fresh)
        waits.setdefault(here, [])
        if before is not None:
            waits[before].append(here)
        follow(fabric, trees, goal, here, waits)


def everyone_to_every_set(topology, flits, vcs):
    """Every core has a neuron for every set of cores; all fire in the same cycle into buffers of one packet."""
    cores = topology.core_routers
    sets = [list(own) for size in range(1, cores + 1) for own in itertools.combinations(range(cores), size)]
    noc = network(topology, range(cores), router(virtual_channels=vcs, buffer_flits=flits), input_queue=flits)
    rows = [{"terminal": target, "flits": flits} for own in sets for target in own] * cores
    reaches, at = [], 0
    for own in sets * cores:
        reaches.append(range(at, at + len(own)))
        at += len(own)
    axons = axon_tables(reaches, rows)
    home = np.repeat(np.arange(cores), len(sets))
    fabric = build_fabric(topology, range(cores))
    trees = build_trees(fabric, home, axons.ptr, axons.axon["terminal"], np.full(len(rows), flits))
    work = step_work([[(1, np.flatnonzero(home == core).tolist())] for core in range(cores)])
    noc = noc._replace(nodes=trees.nodes, branches=trees.branches)
    return noc, axons._replace(root=trees.of_axons(axons.ptr)), work, int(trees.flit_hops().sum())


SMALL = [(line(3), 1), (line(4), 2), (Mesh((2, 2)), 1), (Mesh((2, 2)), 3), (Mesh((3, 2)), 2), (Ring((4,)), 1)]
SMALL += [(Ring((5,)), 2), (Torus((3, 2)), 2), (Tree((4, 3)), 2), (Tree((3, 2)), 1)]


@pytest.mark.parametrize(("topology", "flits"), SMALL, ids=repr_of)
def test_all_trees_at_once_end(topology, flits):
    noc, axons, work, hops = everyone_to_every_set(topology, flits, max(1, topology.classes))
    steps = [run_step(engine, noc, axons, work) for engine in ENGINES]
    assert differences(*steps) == []
    assert steps[0].summary["status"][0] == STATUS_DONE
    assert steps[0].links.sum() == steps[0].total("flits") == hops
    assert steps[0].total("destinations") == steps[0].summary["delivered"][0] == axons.ptr[-1]
    assert steps[0].total("flits_in") == steps[0].total("flits_out") + steps[0].total("replicas")


def on_a_chip(multicast, engine="compiled", **changes):
    """Two layers over several cores; every neuron of the first reaches all of the second."""
    net = layer_chain([np.ones((24, 8)), np.ones((24, 24))])
    spec = chip(mapping__partition="spread", noc__multicast=multicast, noc__size=[3, 2], **changes)
    events = EventStream.from_dense(np.ones((1, 3, 8), bool))
    machine, mapping = compile_and_build(net, events, spec)
    return spec, mapping, simulate(machine, spec, mapping, engine, 1)


def test_a_chip_with_and_without():
    (_, plain, unicast), (spec, mapping, forked) = on_a_chip(None), on_a_chip(TABLE)
    assert mapping.packets_per_spike().sum() < plain.packets_per_spike().sum()
    for name in ("packets_in", "destinations", "sops", "fired"):
        assert unicast.terminals[name].sum() == forked.terminals[name].sum()
    assert forked.terminals["packets_out"].sum() < unicast.terminals["packets_out"].sum()
    assert forked.routers["flits"].sum() < unicast.routers["flits"].sum()
    assert forked.routers["replicas"].sum() > 0
    assert unicast.routers["lookups"].sum() == unicast.routers["replicas"].sum() == 0
    fields = component_kinds(spec, mapping)
    assert sum(kind == MULTICAST_TABLE for kind in fields.values()) == 6
    assert component_prices(spec, False)[MULTICAST_TABLE, "read"].energy_pj > 0
    assert component_leakage(spec, False)[MULTICAST_TABLE].power_mw > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_tokens_are_packets_for_one_terminal_and_read_no_table(engine):
    """Without a barrier the trees, the reads of tables and the copies are the same; tokens add their unicast routes."""
    (_, _, barrier), (spec, mapping, tokens) = (
        on_a_chip(TABLE, engine, **changes) for changes in ({}, {"synchronization": "dependency"})
    )
    for name in ("lookups", "replicas"):
        assert np.array_equal(barrier.routers[name].sum(axis=0), tokens.routers[name].sum(axis=0)), name
    for name in ("packets_out", "packets_in", "destinations", "sops"):
        assert np.array_equal(barrier.terminals[name].sum(axis=0), tokens.terminals[name].sum(axis=0)), name
    source = np.repeat(mapping.home(), np.diff(mapping.axons.ptr))
    pairs = set(zip(source.tolist(), mapping.axons.axon["terminal"].tolist(), strict=True))
    fabric, steps = mapping.fabric, tokens.step_cycles.size
    hops = 0
    for u, v in pairs | {(v, u) for u, v in pairs}:
        router = fabric.terminal_router[u]
        while router >= 0:
            router, hops = fabric.link_router[router, fabric.route[router, v]], hops + 1
    assert tokens.terminals["tokens_in"].sum() == len(pairs | {(v, u) for u, v in pairs}) * steps > 0
    assert tokens.routers["flits"].sum() - barrier.routers["flits"].sum() == hops * steps
    assert spec.synchronization == "dependency"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noc__flit_bits": 8, "noc__router__buffer_flits": 1}, r"buffer_flits: expected at least the longest .* 2 fl"),
        ({"noc__multicast__key_bits": 5}, r"key_bits: expected at least \d+ \(a terminal, and the most neurons"),
        ({"noc__multicast__entry_bits": 32}, r"entry_bits: expected at least \d+ \(key, mask and a bit"),
        ({"noc__multicast__memory__capacity": "8 B"}, r"^router\[\d,\d\]: noc.multicast.memory needs \d+ entries"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    net = layer_chain([np.ones((24, 8)), np.ones((24, 24))])
    copy = {**TABLE, "memory": dict(TABLE["memory"])}
    spec = chip(mapping__partition="spread", noc__size=[3, 2], noc__multicast=copy, **changes)
    with pytest.raises(MappingError, match=message):
        map_network(net, spec, "spikes", 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noc__router": None, "noc__fixed_latency": {"delay": [1, 1], "interval": [1, 1], "local_delay": 1,
                                                       "queue_packets": 1}}, "multicast needs a router"),
        ({"noc__router__speculative": True}, "multicast needs a router: not speculative"),
        ({"noc__router__vc_alloc_delay": 2}, "multicast needs a router: not speculative"),
    ],
)  # fmt: skip
def test_networks_that_do_not_fork(changes, message):
    assert "multicast" not in CHIP["noc"]
    with pytest.raises(ValueError, match=message):
        chip(noc__multicast=TABLE, **changes)


def test_neurons_that_reach_nothing_have_no_hops():
    """Some of them, or all: then there is no node either."""
    fabric = build_fabric(TOPOLOGIES.get("mesh")((2, 1)), [0, 1])
    home, terminal, flits = np.array([0, 0]), np.array([1], np.int32), np.array([3])
    assert build_trees(fabric, home, np.array([0, 1, 1]), terminal, flits).flit_hops().tolist() == [6, 0]
    nothing = build_trees(fabric, home, np.zeros(3, np.int64), terminal[:0], flits[:0])
    assert nothing.flit_hops().tolist() == [0, 0]
