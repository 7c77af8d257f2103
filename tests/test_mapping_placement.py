"""Placement: never worse than where it started, a permutation of the cores, and deterministic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_builders import chip, conv_network

from accelsim.errors import MappingError
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.mapping.mapping import map_network
from accelsim.mapping.placement import by_traffic, column_major, row_major


def cost(traffic, distance, position) -> float:
    """Sum of packets x hops with each logical terminal at its position; ports stay."""
    at = np.concatenate((position, np.arange(len(position), len(traffic))))
    return float(sum(traffic[a, b] * distance[at[a], at[b]] for a in range(len(traffic)) for b in range(len(traffic))))


def alike(cores):
    """One kind of core."""
    return np.zeros(cores, np.int64)


def hops(fabric):
    routers = fabric.terminal_router
    return fabric.topology.hops(routers[:, None], routers[None, :])


def scene(seed: int, size, sparsity: float):
    rng = np.random.default_rng(seed)
    mesh = Mesh(size)
    ports = rng.integers(0, mesh.routers, int(rng.integers(1, 4)))
    routers = np.concatenate((np.arange(mesh.routers), ports))
    terminals = len(routers)
    cores = mesh.routers
    traffic = rng.integers(0, 50, (terminals, terminals)) * (rng.random((terminals, terminals)) < sparsity)
    return traffic.astype(float), build_fabric(mesh, routers.tolist()), cores


@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    sparsity=st.sampled_from([0.1, 0.4, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_traffic_is_never_worse_than_row_major(seed, size, sparsity):
    traffic, fabric, cores = scene(seed, size, sparsity)
    distance = hops(fabric)
    given_traffic = traffic.copy()
    start, found = row_major(traffic, fabric, alike(cores)), by_traffic(traffic, fabric, alike(cores))
    assert start.tolist() == list(range(cores))
    assert sorted(found.tolist()) == list(range(cores))
    assert cost(traffic, distance, found) <= cost(traffic, distance, start)
    assert np.array_equal(traffic, given_traffic)
    assert np.array_equal(found, by_traffic(traffic, fabric, alike(cores)))


@pytest.mark.parametrize("seed", range(8))
def test_no_swap_of_two_cores_is_left_that_helps(seed):
    traffic, fabric, cores = scene(seed, (3, 2), 0.4)
    distance = hops(fabric)
    found = by_traffic(traffic, fabric, alike(cores))
    best = cost(traffic, distance, found)
    for a in range(cores):
        for b in range(a):
            swapped = found.copy()
            swapped[[a, b]] = swapped[[b, a]]
            assert cost(traffic, distance, swapped) >= best - 1e-6


def test_a_chain_that_lies_badly_is_straightened():
    """Cores 0 and 3 of a line talk, the others are silent: they end up beside each other."""
    traffic = np.zeros((4, 4))
    traffic[0, 3] = 7
    found = by_traffic(traffic, build_fabric(Mesh((4,)), range(4)), alike(4))
    assert abs(found[0] - found[3]) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_mapped_network_travels_no_further(seed):
    """packets x hops over all axons, one packet of each neuron, or as many as a profile says."""
    rng = np.random.default_rng(seed)
    net = conv_network(rng, 5, 2, 3, 6)
    profile = {name: rng.integers(0, 9, item.size).astype(float) for name, item in net.populations.items()}
    for rates in (None, profile):
        travelled = []
        for placement in ("row_major", "traffic"):
            spec = chip(noc__size=[4, 3], mapping__placement=placement, mapping__partition="spread")
            mapping = map_network(net, spec, "spikes", 1, rates)
            weight = np.ones(mapping.axons.neurons)
            for name, spikes in (rates or {}).items():
                weight[mapping.offsets[name] : mapping.offsets[name] + len(spikes)] = spikes
            hops = [
                mapping.fabric.hops(int(source), int(target))
                for source, target in zip(mapping.home()[mapping.axons.source()], mapping.axons.terminal, strict=True)
            ]
            travelled.append(float((weight[mapping.axons.source()] * hops).sum()))
        assert travelled[1] < travelled[0]


@pytest.mark.parametrize("each", [1, 2, 4])
def test_column_major_fills_columns(each):
    """Routers of a 3 x 2 mesh are numbered row by row; cores fill the first column, then the second."""
    fabric = build_fabric(Mesh((3, 2)), [core // each for core in range(6 * each)])
    found = column_major(np.zeros((6 * each, 6 * each)), fabric, alike(6 * each))
    assert sorted(found.tolist()) == list(range(6 * each))
    routers = fabric.terminal_router[found].tolist()
    assert routers == [router for router in (0, 3, 1, 4, 2, 5) for _ in range(each)]
    assert (found % each).tolist() == list(range(each)) * 6


def test_column_major_wants_a_plane():
    with pytest.raises(MappingError, match=r"expected a mesh of two dimensions, got mesh \[2, 2, 2\]"):
        column_major(np.zeros((8, 8)), build_fabric(Mesh((2, 2, 2)), range(8)), alike(8))


@pytest.mark.parametrize("each", [1, 2, 4])
def test_cores_hang_on_routers_in_turn(each):
    net = conv_network(np.random.default_rng(1), 4, 2, 3, 5)
    spec = chip(noc__size=[2, 2], noc__concentration=each)
    mapping = map_network(net, spec, "spikes", 1)
    assert mapping.cores == 4 * each
    assert mapping.fabric.terminal_router.tolist() == [at // each for at in range(4 * each)] + [0, 3]
    assert mapping.fabric.ports == 4 + each + 1
