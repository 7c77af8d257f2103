"""Every registered topology holds the contract, and the contract suite notices topologies that do not."""

import itertools

import numpy as np
import pytest

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import TOPOLOGIES, Topology, build_fabric
from accelsim.hardware.topologies.torus import Torus
from accelsim.hardware.topologies.tree import Tree
from accelsim.testing.contract import ContractError
from accelsim.testing.topology import channel_dependencies, check_topology, find_cycle


@pytest.mark.parametrize("name", TOPOLOGIES.names())
def test_contract(name):
    check_topology(TOPOLOGIES.get(name))


def test_registered_names():
    assert {"mesh", "torus", "ring", "tree", "crossbar"} <= set(TOPOLOGIES.names())


@pytest.mark.parametrize("size", [(2,), (3,), (5,), (8,), (4, 3), (6, 5), (2, 3, 4)])
def test_a_torus_goes_the_shorter_way(size):
    """Distances of a search over the links alone."""
    torus = Torus(size)
    every = np.arange(torus.routers)
    told = torus.hops(every[:, None], every[None, :])
    for source in range(torus.routers):
        seen, reached, away = {source}, [source], 0
        while reached:
            assert all(told[source, router] == away for router in reached)
            ways = itertools.product(reached, range(torus.network_ports))
            behind = {entry[0] for entry in (torus.neighbour(*way) for way in ways) if entry}
            reached, away = sorted(behind - seen), away + 1
            seen |= behind


def test_equal_ways_around_are_used_by_turns():
    ring = build_fabric(Torus((6,)), range(6))
    assert [int(ring.route[at, (at + 3) % 6]) for at in range(6)] == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("size", "arity", "routers"), [((8, 4), 2, 15), ((16, 3), 4, 21), ((5, 2), 5, 6), ((1, 1), 1, 1)]
)
def test_trees(size, arity, routers):
    tree = Tree(size)
    assert (tree.arity, tree.routers, tree.core_routers) == (arity, routers, size[0])
    assert tree.router_at((0, size[1] - 1)) == routers - 1
    with pytest.raises(ConfigError, match="has 1 routers, got place 1"):
        tree.router_at((1, size[1] - 1))


@pytest.mark.parametrize(
    ("name", "size"), [("tree", (6, 3)), ("tree", (8,)), ("tree", (1, 2)), ("ring", (3, 3)), ("crossbar", (2,))]
)
def test_sizes_that_do_not_exist(name, size):
    with pytest.raises(ConfigError, match=r"^noc.size: expected .*, got \["):
        TOPOLOGIES.get(name)(size)


class Ring(Topology):
    """One direction, no datelines: routes of three links and more can wait for each other."""

    def __init__(self, size):
        super().__init__(size)
        if len(size) != 1 or size[0] < 3:
            raise ConfigError("a ring has one dimension and three routers")

    routers = property(lambda self: self.size[0])
    network_ports = 2

    def neighbour(self, router, port):
        step = -1 if port else 1
        return (router + step) % self.size[0], 1 - port

    def next_port(self, router, target):
        return np.zeros(np.broadcast_shapes(router.shape, target.shape), np.int64)

    def position(self, router):
        return float(router), 0.0

    def hops(self, router, target):
        return (target - router) % self.size[0]


class Unreachable(Mesh):
    def next_port(self, router, target):
        return np.where(target == self.routers - 1, 0, super().next_port(router, target))


class WrongHops(Mesh):
    def hops(self, router, target):
        return super().hops(router, target) + (np.abs(target - router) == 3) * 2


class WrongEntry(Mesh):
    def neighbour(self, router, port):
        behind = super().neighbour(router, port)
        return behind and (behind[0], port)


class Funnel(Ring):
    """Two one-way links end at one input port."""

    def neighbour(self, router, port):
        return (1, 0) if port == 0 and router in (0, 2) else None


class YThenX(Mesh):
    """Odd targets are routed y first: turns of both kinds close cycles."""

    def next_port(self, router, target):
        other = np.zeros(np.broadcast_shapes(router.shape, target.shape), np.int64)
        for dimension in range(len(self.size)):
            step = self._coordinate(target, dimension) - self._coordinate(router, dimension)
            other = np.where(step > 0, 2 * dimension, np.where(step < 0, 2 * dimension + 1, other))
        return np.where(target % 2 == 1, other, super().next_port(router, target))


class NoDatelines(Torus):
    classes = 1


class EqualClasses(Torus):
    def vc_class(self, router, target):
        return np.zeros_like(super().vc_class(router, target))


class ThirdClass(Torus):
    def vc_class(self, router, target):
        return super().vc_class(router, target) * 2


class OnePlace(Mesh):
    def position(self, router):
        return 0.0, float(router % 2)


class Transposed(Mesh):
    def router_at(self, position):
        return super().router_at(position) if len(position) == 1 else int(position[-1])


class NoBroadcast(Mesh):
    def hops(self, router, target):
        return super().hops(router.ravel(), target.ravel())


class Nowhere(Mesh):
    def __init__(self, size):
        super().__init__(size)
        raise ConfigError("not today")


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Ring, r"channels wait in a cycle: router\[\d\].out0.class0 -> "),
        (NoDatelines, "channels wait in a cycle"),
        (EqualClasses, "channels wait in a cycle"),
        (ThirdClass, "a class that does not exist"),
        (YThenX, "channels wait in a cycle"),
        (Unreachable, "does not arrive"),
        (WrongHops, "hops says"),
        (WrongEntry, "whose own link leads to"),
        (Funnel, "and so does"),
        (OnePlace, "are drawn in 2 places"),
        (Transposed, "router_at"),
        (NoBroadcast, "does not broadcast"),
        (Nowhere, "exists in none of the sizes"),
    ],
)
def test_contract_notices(broken, sentence):
    with pytest.raises(ContractError, match=sentence):
        check_topology(broken)


def naive_has_cycle(waits):
    """Remove channels that wait for nobody until none is left, or only cycles are."""
    left = {channel: set(after) for channel, after in waits.items()}
    for after in list(left.values()):
        for channel in after:
            left.setdefault(channel, set())
    while free := [channel for channel, after in left.items() if not after]:
        for channel in free:
            del left[channel]
        for after in left.values():
            after -= set(free)
    return bool(left)


@pytest.mark.parametrize("seed", range(60))
def test_cycles_are_found(seed):
    rng = np.random.default_rng(seed)
    channels = [(int(n), 0, 0) for n in range(8)]
    count = int(rng.integers(2, 14))
    waits = {channel: [] for channel in channels}
    for source, target in rng.integers(0, 8, (count, 2)):
        if source != target:
            waits[channels[source]].append(channels[target])
    cycle = find_cycle(waits)
    assert bool(cycle) == naive_has_cycle(waits)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert all(b in waits[a] for a, b in itertools.pairwise(cycle))


def test_dependencies_of_a_line():
    waits = channel_dependencies(build_fabric(Mesh((4,)), range(4)))
    assert waits == {
        (0, 0, 0): [(1, 0, 0)],
        (1, 0, 0): [(2, 0, 0)],
        (2, 0, 0): [],
        (3, 1, 0): [(2, 1, 0)],
        (2, 1, 0): [(1, 1, 0)],
        (1, 1, 0): [],
    }
