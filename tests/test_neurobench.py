"""NeuroBench's metrics equal those that NeuroBench 2.3.0 printed, and accumulates those of published spike tensors."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accelsim.costs.neurobench import Activity, footprint, metrics
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.spike_tensors import MadeUp, read_spike_tensors
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky

BUFFERS = 3 * 5 * 4
"""snnTorch registers five float32 scalars in each of the three layers of neurons; they are no weights of ours."""


def leaky(size):
    """snnTorch's default: the reset acts one timestep late."""
    return SnnTorchLeaky(np.full(size, 0.9, np.float32), np.ones(size, np.float32), reset_delay=True)


def network_of(weights):
    """1x28x28 - conv 8, stride 2 - conv 16, stride 2 - fc 10, the network of the recordings."""
    first, shape = convolution(weights["conv1.weight"], (28, 28, 1), stride=(2, 2), padding=(1, 1))
    second, inner = convolution(weights["conv2.weight"], shape, stride=(2, 2), padding=(1, 1))
    columns = weights["fc.weight"].reshape(10, inner[2], inner[0], inner[1]).transpose(0, 2, 3, 1).reshape(10, -1)
    last = dense(np.ascontiguousarray(columns))
    populations = {"input": Population("input", (28, 28, 1), None)}
    for name, size, key in (("lif1", shape, "conv1"), ("lif2", inner, "conv2"), ("lif3", (10,), "fc")):
        number = int(np.prod(size))
        populations[name] = Population(name, size, leaky(number), np.resize(weights[f"{key}.bias"], number))
    names = list(populations)
    edges = tuple(Projection(names[at], names[at + 1], item) for at, item in enumerate((first, second, last)))
    return Network("neurobench", populations, edges, 1e-4)


def images(shared_data):
    with np.load(Path(shared_data) / "oracles" / "snntorch" / "snntorch_subtract_nodelay.npz") as file:
        shape = file["input_shape"]
        spikes = np.unpackbits(file["input"], count=int(np.prod(shape))).reshape(shape)
        labels = file["labels"]
    return EventStream.from_dense(spikes.transpose(1, 0, 3, 4, 2).reshape(shape[1], shape[0], -1)), labels


@pytest.mark.parametrize("share", ["0", "0.5", "0.8"])
def test_every_metric_of_neurobench(shared_data, share):
    folder = shared_data / "oracles" / "neurobench"
    expected = json.loads((folder / "metrics.json").read_text())[f"snn_prune{share}"]
    with np.load(folder / f"weights_prune{share}.npz") as file:
        network = network_of(dict(file))
    events, labels = images(shared_data)
    activity = Activity()
    correct = 0
    for first in (0, 20):  # blocks of samples add up
        part = events.part(first, min(first + 20, 32))
        trace = execute(network, part, Numerics(None, None), 1)
        activity.add(network, part, trace)
        correct += int((trace.output.argmax(axis=1) == labels[first : first + part.samples]).sum())
    found, theirs = metrics(network, activity, 16), expected["neurobench"]
    assert found["footprint"].value + BUFFERS == theirs["Footprint"]
    assert found["footprint"].value / 4 == theirs["ParameterCount"]
    assert round(found["connection_sparsity"].value, 4) == theirs["ConnectionSparsity"]
    assert found["activation_sparsity"].value == pytest.approx(theirs["ActivationSparsity"], rel=1e-12)
    for name, value in theirs["ActivationSparsityByLayer"].items():
        assert activity.silent[name] / activity.outputs[name] == pytest.approx(value, rel=1e-12)
    operations = theirs["SynapticOperations"]
    assert found["effective_acs"].value == operations["Effective_ACs"]
    assert found["effective_macs"].value == operations["Effective_MACs"]
    assert found["dense"].value == operations["Dense"]
    assert found["membrane_updates"].value == theirs["MembraneUpdates"]
    assert [value / 32 for value in activity.acs.values()] == expected["independent"]["ac_per_layer"]
    assert correct / 32 == theirs["ClassificationAccuracy"]


def small(weights, bias=None, leak=None):
    weights = np.asarray(weights, np.float32)
    size = len(weights)
    model = IF(np.full(size, 2.5, np.float32), np.zeros(size, np.float32), "subtract", ">")
    if leak is not None:
        model = SnnTorchLeaky(np.full(size, leak, np.float32), np.full(size, 2.5, np.float32), reset_delay=False)
    source = Population("input", (weights.shape[1],), None)
    populations = {"input": source, "out": Population("out", (size,), model, bias)}
    return Network("small", populations, (Projection("input", "out", dense(weights)),), 1.0)


def measured(network, spikes, **how):
    events = EventStream.from_dense(np.array(spikes, bool)[None])
    events = replace(events, **how)
    activity = Activity()
    activity.add(network, events, execute(network, events, Numerics(None, None), 1))
    return activity


def test_membranes_that_cannot_have_changed_are_not_counted():
    spikes = [[1, 0], [0, 0], [0, 1], [0, 0]]
    weights = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    # Timestep 0 counts all three; later, without leak, the one neuron that a weight reaches.
    assert measured(small(weights), spikes).membrane_updates == 3 + 0 + 1 + 0
    # A leak moves what is not zero: the first neuron from timestep 1 on.
    assert measured(small(weights, leak=0.5), spikes).membrane_updates == 3 + 1 + 2 + 2
    bias = np.array([0, 0, 0.25], np.float32)
    assert measured(small(weights, bias), spikes).membrane_updates == 3 + 1 + 2 + 1


def test_several_spikes_at_once_are_values_and_count_once():
    network = small([[1.0, 1.0], [0.0, 1.0]])
    events = EventStream("spikes", 1, 2, 2, np.array([0, 3, 4]), np.array([0, 0, 1, 1], np.int32))
    activity = Activity()
    activity.add(network, events, execute(network, events, Numerics(None, None), 1))
    assert activity.macs == {"input->out": 3} and activity.acs == {"input->out": 2}


def test_values_are_multiplied():
    network = small([[1.0, 1.0], [0.0, 1.0]])
    value = np.array([0.5, 0.25], np.float32)
    graded = EventStream("graded", 1, 3, 2, np.array([0, 2, 2, 2]), np.array([0, 1], np.int32), value, 8)
    steady = replace(graded, kind="bias_current")
    for events, expected in ((graded, 3), (steady, 9)):
        activity = Activity()
        activity.add(network, events, execute(network, events, Numerics(None, None), 1))
        assert activity.macs == {"input->out": expected} and activity.acs == {"input->out": 0}


def test_a_shared_bias_counts_once():
    network = small(np.ones((4, 2)))
    population = network.populations["out"]
    shaped = replace(population, shape=(2, 1, 2), bias=np.array([1, 2, 1, 2], np.float32))
    for bias, biases in ((shaped.bias, 2), (np.arange(4, dtype=np.float32), 4)):
        populations = {**network.populations, "out": replace(shaped, bias=bias)}
        assert footprint(replace(network, populations=populations)) == 4 * 8 + 4 * biases


ACS = [23.600e6, 12.764e6, 17.546e6, 13.097e6, 10.397e6, 3.191e6, 0.383e6]
"""Effective accumulates of the recorded VGG9, exact zero-padding, all weights non-zero; their sum is 80.98 M."""


def test_accumulates_of_recorded_spike_tensors(shared_data):
    made_up = MadeUp(density=1.0, weight_bits=8, seed=1, kernel=3, padding=1, outputs=10)
    recording = read_spike_tensors(shared_data / "spike_tensors" / "vgg9_cifar10.npz", made_up)
    activity = Activity()
    activity.add(recording.network, recording.events, recording.trace())
    found = list(activity.acs.values())[: len(ACS)]
    assert [round(value / 1e6, 3) for value in found] == [value / 1e6 for value in ACS]
    assert round(sum(found) / 1e6, 2) == 80.98
