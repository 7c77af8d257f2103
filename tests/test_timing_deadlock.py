"""A step that cannot end is an error that names the channels that wait for each other, never a hang."""

import itertools
import re
import signal
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from timing_builders import (
    ENGINES,
    axon_tables,
    chip,
    compile_and_build,
    fixed_latency,
    fixed_network,
    layer_chain,
    line,
    network,
    packet_network,
    ports_at,
    router,
    run_packets,
    run_step,
    step_work,
)

from accelsim.errors import ConfigError, DeadlockError
from accelsim.hardware.topologies.ring import Ring
from accelsim.hardware.topologies.topology import TOPOLOGIES, Topology, build_fabric
from accelsim.hardware.topologies.torus import Torus
from accelsim.hardware.topologies.tree import Tree
from accelsim.mapping.trees import build_trees
from accelsim.network.events import EventStream
from accelsim.timing import simulate as simulate_module
from accelsim.timing.deadlock import describe
from accelsim.timing.machine import Machine
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.simulate import simulate

pytestmark = pytest.mark.parametrize("engine", ENGINES)

TIGHT = router(buffer_flits=1)
TIGHT_CLASSES = router(buffer_flits=1, virtual_channels=2)


class ToyRing(Topology):
    """A ring in one direction without datelines: four packets of two links each wait for each other."""

    routers = property(lambda self: self.size[0])
    network_ports = 2

    def neighbour(self, router, port):
        return (router + (-1 if port else 1)) % self.size[0], 1 - port

    def next_port(self, router, target):
        return np.zeros(np.broadcast_shapes(router.shape, target.shape), np.int64)

    def position(self, router):
        return float(router), 0.0

    def hops(self, router, target):
        return (target - router) % self.size[0]


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Compile outside the alarm."""
    for spec in (TIGHT, TIGHT_CLASSES):
        run_step("compiled", network(line(1), spec=spec), axon_tables([[0]], [{}]), step_work([[(1, [0])]]))
    run_step("compiled", *forked(network(line(2)), line(2), [[0, 1], [0]]))
    run_packets("compiled", packet_network(line(1)), [(0, 0, 0, 1)])
    events = EventStream.from_dense(np.ones((1, 1, 2), bool))
    for kept in ("barrier", "dependency"):
        spec = chip(noc__router=TIGHT.model_dump(), synchronization=kept)
        machine, mapping = compile_and_build(layer_chain([np.ones((2, 2))]), events, spec)
        simulate(machine, spec, mapping, "compiled", 1)


@pytest.fixture(autouse=True)
def no_hang(warm):
    """Turn a simulation that does not end into a failure."""

    def late(_number, _frame):
        raise TimeoutError("a step that cannot end was not noticed")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


class Inline(Executor):
    """Runs a task where it is submitted, so that the alarm reaches it."""

    def __init__(self, threads):
        assert threads > 0

    def submit(self, function, /, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


@pytest.fixture
def ring(monkeypatch):
    monkeypatch.setattr(simulate_module, "ThreadPoolExecutor", Inline)
    TOPOLOGIES.names()
    monkeypatch.setitem(TOPOLOGIES._items, "toy-ring", ToyRing)


def named_cycle(message: str) -> list[tuple[int, int, int]]:
    """Return the (router, port, vc) of a message and check that it is a cycle along the ring."""
    assert "channels wait in a cycle: " in message
    found = [tuple(map(int, item)) for item in re.findall(r"router\[(\d+)\]\.in(\d+)\.vc(\d+)", message)]
    assert found[0] == found[-1]
    return found


def everyone_two_ahead(size: int, spec=TIGHT):
    """Each core of a ring sends a packet two links on, all at once."""
    noc = network(ToyRing((size,)), spec=spec)
    axons = axon_tables([[at] for at in range(size)], [{"terminal": (at + 2) % size} for at in range(size)])
    return noc, axons, step_work([[(1, [at] * 3)] for at in range(size)])


@pytest.mark.parametrize("size", [3, 4, 7])
def test_a_ring_without_datelines(engine, size):
    noc, axons, work = everyone_two_ahead(size)
    step = run_step(engine, noc, axons, work)
    assert step.summary["status"][0] == STATUS_DEADLOCK
    assert step.summary["delivered"][0] < 3 * size
    cycle = named_cycle(describe(Machine(noc, axons, None, 1), work))
    assert sorted(cycle[:-1]) == [(at, 1, 0) for at in range(size)]
    assert [b[0] for b in cycle[1:]] == [(a[0] + 1) % size for a in cycle[:-1]]


def test_the_ring_ends_where_one_core_sends(engine):
    noc, axons, _ = everyone_two_ahead(4)
    step = run_step(engine, noc, axons, step_work([[(1, [0] * 5)], [], [], []]))
    assert (step.summary["status"][0], step.summary["delivered"][0]) == (STATUS_DONE, 5)


def around(topology, away, spec=TIGHT_CLASSES):
    """Every core sends three packets to the core so many numbers on."""
    noc = network(topology, spec=spec, input_queue=1)
    size = topology.routers
    axons = axon_tables([[at] for at in range(size)], [{"terminal": (at + away) % size} for at in range(size)])
    return noc, axons, step_work([[(1, [at] * 3)] for at in range(size)])


@pytest.mark.parametrize(("topology", "away"), [(Ring((5,)), 2), (Ring((7,)), 3), (Torus((5, 5)), 12), (Ring((9,)), 5)])
def test_datelines_keep_a_ring_from_waiting_for_itself(engine, topology, away):
    """The same traffic ends with the classes of the topology and does not when all packets have one class."""
    noc, axons, work = around(topology, away)
    step = run_step(engine, noc, axons, work)
    assert step.summary["status"][0] == STATUS_DONE
    broken = noc._replace(vc_class=np.zeros_like(noc.vc_class))
    step = run_step(engine, broken, axons, work)
    assert step.summary["status"][0] == STATUS_DEADLOCK
    cycle = named_cycle(describe(Machine(broken, axons, None, 1), work))
    assert {vc for _, _, vc in cycle} == {0}
    assert all(port < 2 * len(topology.size) for _, port, _ in cycle)


def forked(noc, topology, sets):
    """Return (network, axons, work): core c sends three packets on the tree to the cores ``sets[c]``."""
    rows = [{"terminal": target} for own in sets for target in own]
    ends = np.cumsum([0, *map(len, sets)])
    axons = axon_tables([range(a, b) for a, b in itertools.pairwise(ends)], rows)
    fabric = build_fabric(topology, range(topology.routers))
    home = np.arange(topology.routers)
    trees = build_trees(fabric, home, axons.ptr, axons.axon["terminal"], np.ones(len(rows), int))
    work = step_work([[(1, [at] * 3)] for at in range(topology.routers)])
    axons = axons._replace(root=trees.of_axons(axons.ptr))
    return noc._replace(nodes=trees.nodes, branches=trees.branches), axons, work


@pytest.mark.parametrize("size", [5, 7])
def test_trees_around_a_ring(engine, size):
    """With datelines they end; where all copies have one class, they wait in a cycle that is named."""
    topology = Ring((size,))
    sets = [sorted({(at + 1) % size, (at + 2) % size, (at + size // 2) % size}) for at in range(size)]
    noc, axons, work = forked(network(topology, spec=TIGHT_CLASSES, input_queue=1), topology, sets)
    assert run_step(engine, noc, axons, work).summary["status"][0] == STATUS_DONE
    branches = noc.branches.copy()
    branches["vc_class"] = 0
    broken = noc._replace(branches=branches)
    assert run_step(engine, broken, axons, work).summary["status"][0] == STATUS_DEADLOCK
    cycle = named_cycle(describe(Machine(broken, axons, None, 1), work))
    assert sorted({at for at, _, _ in cycle}) == list(range(size))


def test_trees_around_a_ring_without_datelines(engine):
    topology = ToyRing((4,))
    sets = [sorted({(at + 1) % 4, (at + 2) % 4}) for at in range(4)]
    noc, axons, work = forked(network(topology, spec=TIGHT), topology, sets)
    assert run_step(engine, noc, axons, work).summary["status"][0] == STATUS_DEADLOCK
    assert sorted(named_cycle(describe(Machine(noc, axons, None, 1), work))[:-1]) == [(at, 1, 0) for at in range(4)]


def test_packets_that_no_buffer_holds_wait_for_ever(engine):
    """The mapper refuses such packets; without it the error says who waits."""
    topology = line(3)
    noc, axons, work = forked(network(topology, spec=TIGHT), topology, [[1, 2], [], []])
    noc.nodes["flits"] = axons.costs["flits"] = 2
    assert run_step(engine, noc, axons, work).summary["status"][0] == STATUS_DEADLOCK
    assert "channels wait, none in a cycle: router[0].in" in describe(Machine(noc, axons, None, 1), work)


def test_too_few_channels_for_the_classes(engine):
    with pytest.raises(ConfigError, match=r"virtual_channels: expected at least 2 with topology ring \[5\]: .*; got 1"):
        network(Ring((5,)), spec=TIGHT)
    assert network(Ring((2,)), spec=TIGHT).classes == 1


@pytest.mark.parametrize(("topology", "named"), [(Torus((3, 3)), "without rings"), (Tree((4, 3)), "along dimensions")])
def test_fixed_latency_where_it_would_deadlock_or_has_no_delay(engine, topology, named):
    with pytest.raises(ConfigError, match=f"fixed_latency: expected .*{named}"):
        fixed_network(topology, fixed_latency())


def test_packets_of_a_trace_that_never_arrive(engine):
    noc = packet_network(ToyRing((4,)), TIGHT)
    times = run_packets(engine, noc, [(0, at, (at + 2) % 4, 1) for at in range(4)] * 3)
    assert (times.tail_arrived == -1).sum() > 0


def test_a_packet_longer_than_the_queue_of_its_target(engine):
    """No cycle, but a step that cannot end either: the tail never gets a credit."""
    noc = network(line(2), input_queue=2)
    axons = axon_tables([[0]], [{"terminal": 1, "flits": 3}])
    work = step_work([[(1, [0])], []])
    assert run_step(engine, noc, axons, work).summary["status"][0] == STATUS_DEADLOCK
    assert "router[1].in1.vc0" in describe(Machine(noc, axons, None, 1), work)


@pytest.mark.parametrize("kept", ["barrier", "dependency"])
def test_a_sample_on_a_chip_that_deadlocks(engine, ring, kept):
    """Two layers of two cores each, all of which send around the ring; the message names sample, step and cycle."""
    net = layer_chain([np.ones((32, 8)), np.ones((32, 32))])
    spec = chip(
        noc__topology="toy-ring",
        noc__size=[4],
        noc__router=TIGHT.model_dump(),
        ports=ports_at([0], [1]),
        core__input_queue=1,
        core__neuron_lanes=8,
        mapping__partition="spread",
        synchronization=kept,
    )
    events = np.zeros((2, 3, 8), bool)
    events[1] = True
    machine, mapping = compile_and_build(net, EventStream.from_dense(events), spec)
    with pytest.raises(DeadlockError, match=r"^sample [01], step [0-6] cannot end: ") as caught:
        simulate(machine, spec, mapping, engine, 2)
    assert {at[0] for at in named_cycle(str(caught.value))} == {0, 1, 2, 3}
