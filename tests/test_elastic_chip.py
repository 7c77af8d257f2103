"""What an elastic chip refuses, its lists of hot neurons, and the neuron that leaks when it is reached."""

import numpy as np
import pytest
from elastic_cases import core_spec, noc_spec, tree_spec

from accelsim.errors import ConfigError, ConservationError, MappingError, NetworkError
from accelsim.hardware.loader import load_chip
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.mapping.mapping import map_network
from accelsim.network.workload import load_workload
from accelsim.neurons.lazy_lif import LazyLIF
from accelsim.testing.neuron_model import check_neuron_model
from accelsim.timing.elastic_netlist import elastic_tables
from accelsim.timing.elastic_work import SourceRoutes, listed_steps


def tables(size=(2, 2), terminals=None, ports=1, **core):
    fabric = build_fabric(Mesh(size), [0, 1, 2, 3, 0] if terminals is None else terminals)
    return elastic_tables(fabric, noc_spec(), core_spec(**core), tree_spec(), [1] * ports)


def test_what_an_elastic_network_refuses():
    for size, terminals, ports, core, told in (
        ((2, 2, 1), None, 1, {}, "expected a mesh of two dimensions"),
        ((2, 2), [0, 0, 1, 1, 2, 2, 3, 3, 0], 1, {}, "one core per router"),
        ((2, 2), [0, 1, 2, 3, 1], 1, {}, "different routers with x = 0, got routers .1."),
        ((2, 2), [0, 1, 2, 3, 0, 0], 2, {}, "different routers with x = 0"),
        ((2, 2), None, 1, {"relays": [[2, 0]]}, r"relays: \(2, 0\) is outside the size \(2, 2\)"),
        ((2, 2), None, 1, {"readouts": [[0, 0]]}, "either one of the relays or one of the readouts"),
        ((17, 16), [*range(272), 0], 1, {}, "at most 256 routers, got 272"),
    ):
        with pytest.raises(ConfigError, match=told):
            tables(size, terminals, ports, **core)


@pytest.mark.parametrize(("change", "told"), [
    ("noc.elastic=null", "expected one of the blocks router, fixed_latency, elastic"),
    ("core.source_synapses=null", "noc.elastic, core.source_synapses, barrier.done_tree: expected all of them or none"),
    ("noc.elastic.skid_words=1", "noc.elastic.skid_words: expected"),
])  # fmt: skip
def test_the_blocks_come_together(change, told):
    with pytest.raises(ConfigError, match=told):
        load_chip("yana", [change])


def test_the_mapper_refuses_a_chip_of_memory_images():
    network = load_workload("mnist_conv", 1).network
    with pytest.raises(MappingError, match=r"core\.source_synapses: .*accelsim validate yana"):
        map_network(network, load_chip("yana").spec, "spikes", 1)


def routes(*own, owner):
    flat = [route for item in own for route in item]
    ptr = np.concatenate(([0], np.cumsum([len(item) for item in own]))).astype(np.int64)
    columns = np.array(flat, np.int64).reshape(-1, 2)
    return SourceRoutes(ptr, columns[:, 0].astype(np.int32), columns[:, 1], np.array(owner, np.int32))


CHAIN = routes([(1, 3), (1, 2)], [(1, 2)], [(3, 4)], [(3, 4)], [], owner=[-1, -1, 1, 1, 3])
"""Channels 0 and 1, neurons 2 and 3 on core 1, neuron 4 on the readout, core 3."""


def listed(events, fired, idle_steps="skip"):
    return listed_steps(tables(), CHAIN, tree_spec(idle_steps=idle_steps), events, fired)


def test_neurons_are_updated_in_the_order_in_which_they_were_reached():
    steps = listed([[1, 0, 1], [], [], [], [0]], [[], [3], [], [], []])
    assert [(step.number, step.events, step.hot, step.fired) for step in steps] == [
        (0, 3, 0, 0), (1, 0, 2, 1), (2, 0, 1, 0), (4, 1, 0, 0),
    ]  # fmt: skip
    work = steps[1].work
    assert work.burst_cycles.tolist() == [2] and work.fired.tolist() == [3]  # neuron 2 first, by channel 1
    assert len(listed([[1, 0, 1], [], [], [], [0]], [[], [3], [], [], []], "run")) == 5


def test_a_spike_without_input_and_two_sources_of_a_core_are_refused():
    with pytest.raises(ConservationError, match="step 1: 1 neurons fire that were not reached"):
        listed([[1], []], [[], [3]])
    both = routes([(1, 2), (3, 3)], [], [(3, 3)], [], owner=[-1, -1, 1, 3])
    with pytest.raises(ConfigError, match=r"core\[3\]: packets of several sources reach it in step 1"):
        listed_steps(tables(), both, tree_spec(), [[0], [0]], [[], [2]])


def test_lazy_leak():
    check_neuron_model(LazyLIF)
    leak = np.array([0, 128, 64, 32], np.int32)
    model = LazyLIF(np.array([100], np.int32), np.array([1 << 16], np.int32), leak, 16, 8)
    state, fired = np.zeros((2, 1, 1), np.int32), np.zeros((1, 1), np.uint16)
    seen = []
    for current, reached in ((50, 1), (0, 0), (0, 1), (-7, 1), (0, 0), (0, 0), (0, 0), (1, 1), (99, 1)):
        model.step_touched(state, np.array([[current]], np.int32), fired, None, np.array([[reached]], np.uint8))
        seen.append((int(state[1, 0, 0]), int(fired[0, 0])))
    # 50; untouched; 50 x 64/256 = 12.5; 6 - 7; three steps without input: gone; 0 + 1; floor(0.5) + 99
    assert seen == [(50, 0), (50, 0), (12, 0), (-1, 0), (-1, 0), (-1, 0), (-1, 0), (1, 0), (99, 0)]
    model.step_touched(state, np.array([[51]], np.int32), fired, None, np.ones((1, 1), np.uint8))
    assert (int(state[1, 0, 0]), int(fired[0, 0])) == (0, 1)  # floor(49.5 + 51) = 100, at the threshold


@pytest.mark.parametrize(("changes", "told"), [
    ({"threshold": np.zeros(1, np.int32)}, "threshold: expected at least 1, got 0"),
    ({"gain": np.zeros(2, np.int32)}, "gain: expected 1 values, got 2"),
    ({"gain": np.full(1, 70000, np.int32)}, r"gain: expected 0..65536, got 70000..70000"),
    ({"leak": np.full(2, 300, np.int32)}, r"leak: expected 0..256, got 300..300"),
    ({"leak": np.zeros(1, np.int32)}, r"leak: expected 2..4096 factors, got 1"),
    ({"leak": np.zeros((2, 2), np.int32)}, r"leak: expected int32 of shape"),
    ({"leak_bits": 17}, "leak_bits: expected at most gain_bits = 16"),
])  # fmt: skip
def test_lazy_leak_refuses(changes, told):
    one = np.ones(1, np.int32)
    good = {"threshold": one, "gain": one, "leak": np.zeros(2, np.int32), "gain_bits": 16, "leak_bits": 8}
    with pytest.raises(NetworkError, match=told):
        LazyLIF(**{**good, **changes})
    with pytest.raises(NetworkError, match="integer arithmetic already"):
        LazyLIF(**good).quantized(np.ones(1))
