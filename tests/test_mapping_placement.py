"""Placement: never worse than where it started, a permutation of the cores, and deterministic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_builders import chip, conv_network

from accelsim.hardware.topologies.mesh import Mesh
from accelsim.mapping.mapping import map_network
from accelsim.mapping.placement import by_traffic, row_major


def cost(traffic, distance, position) -> float:
    """Sum of packets x hops with each logical terminal at its position; ports stay."""
    at = np.concatenate((position, np.arange(len(position), len(traffic))))
    return float(sum(traffic[a, b] * distance[at[a], at[b]] for a in range(len(traffic)) for b in range(len(traffic))))


def scene(seed: int, size, sparsity: float):
    rng = np.random.default_rng(seed)
    mesh = Mesh(size)
    ports = rng.integers(0, mesh.routers, int(rng.integers(1, 4)))
    routers = np.concatenate((np.arange(mesh.routers), ports))
    terminals = len(routers)
    traffic = rng.integers(0, 50, (terminals, terminals)) * (rng.random((terminals, terminals)) < sparsity)
    return traffic.astype(float), mesh.hops(routers[:, None], routers[None, :]), mesh.routers


@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    sparsity=st.sampled_from([0.1, 0.4, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_traffic_is_never_worse_than_row_major(seed, size, sparsity):
    traffic, distance, cores = scene(seed, size, sparsity)
    given_traffic = traffic.copy()
    start, found = row_major(traffic, distance, cores), by_traffic(traffic, distance, cores)
    assert start.tolist() == list(range(cores))
    assert sorted(found.tolist()) == list(range(cores))
    assert cost(traffic, distance, found) <= cost(traffic, distance, start)
    assert np.array_equal(traffic, given_traffic)
    assert np.array_equal(found, by_traffic(traffic, distance, cores))


@pytest.mark.parametrize("seed", range(8))
def test_no_swap_of_two_cores_is_left_that_helps(seed):
    traffic, distance, cores = scene(seed, (3, 2), 0.4)
    found = by_traffic(traffic, distance, cores)
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
    distance = Mesh((4,)).hops(np.arange(4)[:, None], np.arange(4)[None, :])
    found = by_traffic(traffic, distance, 4)
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
