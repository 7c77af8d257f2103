"""NIR graphs: recorded spikes of four frameworks, chains of linear nodes against direct sums, and every refusal."""

import itertools

import nir
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from network_builders import (
    chain,
    channel_last,
    conv2d,
    flatten,
    lif,
    naive_conv,
    naive_sum_pool,
    neuron_if,
    pool,
    write_graph,
)

from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.network.importers.nir_file import read_nir
from accelsim.neurons.lif import LIF
from accelsim.neurons.readout import Integrator, LeakyIntegrator
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky

EULER = ImportOptions("euler", 1.0, "subtract", ">")
SNNTORCH = ImportOptions("snntorch", 1e-4, "subtract", ">", reset_delay=False)


def run(network, spikes):
    """Run by matrix products and the models' steps; spikes (T, N, size) -> spikes by population."""
    steps, samples, _ = spikes.shape
    found = {network.input.name: spikes}
    for population in list(network.populations.values())[1:]:
        (edge,) = network.incoming(population.name)
        total = found[edge.source].astype(np.float32) @ edge.connection.dense_matrix().T
        total += 0 if population.bias is None else population.bias
        state = np.zeros((samples, population.size), np.float32)
        fired = np.zeros((steps, samples, population.size), np.uint16)
        for step in range(steps):
            population.model.step(state[None], total[step], fired[step], None)
        found[population.name] = fired
    return found


def recorded(data, key):
    """Return a recording (T, N, ...) in neuron order."""
    array = data[key]
    if f"{key}_shape" in data:
        shape = tuple(data[f"{key}_shape"])
        array = np.unpackbits(array, count=int(np.prod(shape))).reshape(shape)
    if array.ndim == 5:
        array = np.moveaxis(array, 2, -1)
    return array.reshape(*array.shape[:2], -1)


RECORDINGS = [
    ("snntorch/snntorch_conv_mnist.nir", "snntorch/snntorch_subtract_nodelay.npz", SNNTORCH, "spk_lif"),
    (
        "snntorch/snntorch_conv_mnist.nir",
        "snntorch/snntorch_zero_nodelay.npz",
        ImportOptions("snntorch", 1e-4, "zero", ">", reset_delay=False),
        "spk_lif",
    ),
    (
        "sinabs/sinabs_iaf_single.nir",
        "sinabs/sinabs_iaf_single.npz",
        ImportOptions("sinabs", 1, "subtract", ">=", spike_mode="single"),
        "spk",
    ),
    (
        "spikingjelly/IF_hard.nir",
        "spikingjelly/IF_hard.npz",
        ImportOptions("spikingjelly", 1e-4, "v_reset", ">="),
        None,
    ),
]


@pytest.mark.parametrize(("file", "recording", "options", "prefix"), RECORDINGS)
def test_recorded_spikes_are_reproduced_free_running(shared_data, file, recording, options, prefix):
    folder = shared_data / "oracles"
    spikes = recorded(np.load(folder / "snntorch" / "snntorch_subtract_nodelay.npz"), "input")
    network = import_network(folder / file, options)
    found = list(run(network, spikes).values())[1:]
    data = np.load(folder / recording)
    keys = ["out_spk"] if prefix is None else [f"{prefix}{layer}" for layer in (1, 2, 3)]
    for layer, key in zip(found[-len(keys) :], keys, strict=True):
        expected = recorded(data, key)
        assert expected.any()
        np.testing.assert_array_equal(layer, expected)


def test_shapes_of_a_published_network(shared_data):
    options = ImportOptions("sinabs", 1.0, "subtract", ">=")
    network = import_network(shared_data / "nir_paper" / "02_cnn" / "cnn_sinabs.nir", options)
    shapes = [population.shape for population in network.populations.values()]
    assert shapes == [(34, 34, 2), (16, 16, 16), (16, 16, 16), (8, 8, 8), (256,), (10,)]
    assert [edge.nodes for edge in network.projections] == [("0",), ("2",), ("4", "5"), ("7", "8", "9"), ("11",)]
    weights = sum(edge.connection.shape.weight_words for edge in network.projections)
    biases = 16 + 16 + 8 + 256 + 10
    assert weights + biases == 39_890  # parameters as published


def test_raw_reading_agrees_with_the_nir_package(shared_data):
    path = shared_data / "oracles" / "snntorch" / "snntorch_conv_mnist.nir"
    ours, theirs = read_nir(path), nir.read(path)
    assert sorted(ours.edges) == sorted(theirs.edges)
    assert ours.version == "1.0.8"
    for name, node in theirs.nodes.items():
        assert ours.nodes[name].type == type(node).__name__
        for key in ("weight", "bias", "tau", "r", "v_threshold", "v_reset"):
            if hasattr(node, key):
                np.testing.assert_array_equal(ours.nodes[name].values[key], getattr(node, key))


def test_a_graph_written_by_the_nir_package_is_read(tmp_path):
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    neurons = nir.LIF(tau=np.full(2, 1e-3), r=np.full(2, 10.0), v_leak=np.zeros(2), v_threshold=np.ones(2))
    nir.write(tmp_path / "net.nir", nir.NIRGraph.from_list(nir.Affine(weight, np.ones(2)), neurons))
    network = import_network(tmp_path / "net.nir", SNNTORCH)
    np.testing.assert_array_equal(network.projections[0].connection.dense_matrix(), weight)
    np.testing.assert_array_equal(network.output.bias, [1, 1])


@st.composite
def chains(draw):
    """[Scale] [pool] [Flatten] linear [Scale], with a random input."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    c, h, w = draw(st.integers(1, 3)), draw(st.integers(2, 6)), draw(st.integers(2, 6))
    dense = draw(st.booleans())
    kind = draw(st.sampled_from([None, "SumPool2d", "AvgPool2d"]))
    before = draw(st.sampled_from([None, "channel", "position"]))
    assume(not (before == "position" and (not dense or kind is not None)))
    return rng, (c, h, w), dense, kind, before, draw(st.booleans()), draw(st.sampled_from([1.0, 0.7]))


@settings(max_examples=60, deadline=None)
@given(chains())
def test_a_chain_equals_its_nodes_in_order(tmp_path_factory, case):
    rng, shape, dense, kind, before, after, gain = case
    middle, x = {}, rng.normal(size=shape)
    current = x
    if before is not None:
        factor = rng.uniform(0.5, 2, shape if before == "position" else (shape[0], 1, 1))
        middle["pre"] = "Scale", {"scale": factor}
        current = current * factor
    if kind is not None:
        window, stride = (2, 2), (1, 2)
        middle["pool"] = pool(kind, window, stride)
        current = naive_sum_pool(current, window, stride, (0, 0)) * (0.25 if kind == "AvgPool2d" else 1.0)
    if dense:
        middle["flatten"] = flatten(current.shape)
        weight, bias = rng.normal(size=(5, current.size)), rng.normal(size=5)
        middle["linear"] = "Affine", {"weight": weight, "bias": bias}
        current = weight @ current.ravel() + bias
    else:
        weight, bias = rng.normal(size=(4, shape[0], 2, 1)), rng.normal(size=4)
        middle["linear"] = conv2d(weight, bias, padding=(1, 0), input_shape=current.shape[1:])
        current = naive_conv(current, weight, (1, 1), ((1, 1), (0, 0)), (1, 1), 1) + bias[:, None, None]
    if after:
        factor = rng.uniform(0.5, 2, current.shape[0]).reshape(-1, *(1,) * (current.ndim - 1))
        middle["post"] = "Scale", {"scale": factor}
        current = current * factor
    path = tmp_path_factory.mktemp("chain") / "net.nir"
    chain(path, shape, middle, neuron_if(current.shape, r=gain), current.shape)
    network = import_network(path, EULER)
    found = network.projections[0].connection.dense_matrix().astype(float) @ channel_last(x) + network.output.bias
    np.testing.assert_allclose(found, channel_last(current) * gain, rtol=1e-4, atol=1e-4)
    assert network.projections[0].nodes == tuple(middle)


def test_neuron_parameters_are_put_in_neuron_order(tmp_path):
    weight = np.ones((2, 1, 1, 1), np.float32)
    threshold = np.arange(1, 9, dtype=float).reshape(2, 2, 2)
    kind, values = neuron_if((2, 2, 2))
    values["v_threshold"] = threshold
    chain(tmp_path / "n.nir", (1, 2, 2), {"conv": conv2d(weight)}, (kind, values), (2, 2, 2))
    network = import_network(tmp_path / "n.nir", EULER)
    assert network.output.shape == (2, 2, 2)
    np.testing.assert_array_equal(network.output.model.threshold, channel_last(threshold))


def test_neurons_behind_a_flatten_keep_the_shape_of_the_convolution(tmp_path):
    rng = np.random.default_rng(0)
    conv, matrix = rng.normal(size=(3, 1, 2, 2)), rng.normal(size=(4, 12))
    threshold = rng.uniform(1, 2, 12)
    kind, values = neuron_if((12,))
    values["v_threshold"] = threshold
    nodes = {
        "input": ("Input", {"shape": (1, 3, 3)}),
        "conv": conv2d(conv),
        "flat": flatten((3, 2, 2)),
        "hidden": (kind, values),
        "linear": ("Linear", {"weight": matrix}),
        "last": neuron_if((4,)),
        "output": ("Output", {"shape": (4,)}),
    }
    names = list(nodes)
    write_graph(tmp_path / "n.nir", nodes, list(itertools.pairwise(names)))
    network = import_network(tmp_path / "n.nir", EULER)
    hidden = network.populations["hidden"]
    assert hidden.shape == (2, 2, 3)
    np.testing.assert_allclose(hidden.model.threshold, channel_last(threshold.reshape(3, 2, 2)), rtol=1e-6)
    values = rng.normal(size=(3, 2, 2))
    found = network.projections[1].connection.dense_matrix() @ channel_last(values)
    np.testing.assert_allclose(found, matrix @ values.ravel(), rtol=1e-4, atol=1e-5)


def test_conv1d_is_a_convolution_of_height_one(tmp_path):
    rng = np.random.default_rng(1)
    weight, x = rng.normal(size=(4, 2, 3)), rng.normal(size=(2, 9))
    values = {"weight": weight, "stride": 2, "padding": 1, "dilation": 1, "groups": 1, "bias": np.zeros(4)}
    values["input_shape"] = 9
    chain(tmp_path / "n.nir", (2, 9), {"conv": ("Conv1d", values)}, neuron_if((4, 5)), (4, 5))
    network = import_network(tmp_path / "n.nir", EULER)
    assert network.input.shape == (1, 9, 2) and network.output.shape == (1, 5, 4)
    expected = naive_conv(x[:, None], weight[:, :, None], (1, 2), ((0, 0), (1, 1)), (1, 1), 1)
    found = network.projections[0].connection.dense_matrix() @ channel_last(x[:, None])
    np.testing.assert_allclose(found, channel_last(expected), rtol=1e-4, atol=1e-5)


def test_padding_same_puts_the_odd_zero_behind(tmp_path):
    rng = np.random.default_rng(2)
    weight, x = rng.normal(size=(1, 1, 2, 3)), rng.normal(size=(1, 4, 4))
    kind, values = conv2d(weight)
    values["padding"] = "same"
    chain(tmp_path / "n.nir", (1, 4, 4), {"conv": (kind, values)}, neuron_if((1, 4, 4)), (1, 4, 4))
    matrix = import_network(tmp_path / "n.nir", EULER).projections[0].connection.dense_matrix()
    expected = naive_conv(x, weight, (1, 1), ((0, 1), (1, 1)), (1, 1), 1)
    np.testing.assert_allclose(matrix @ channel_last(x), channel_last(expected), rtol=1e-4, atol=1e-5)


def test_a_bare_pool_and_a_bare_scale_join_one_to_one(tmp_path):
    rng = np.random.default_rng(3)
    x, factor = rng.normal(size=(2, 4, 4)), rng.uniform(1, 2, (2, 4, 4))
    chain(tmp_path / "p.nir", (2, 4, 4), {"pool": pool("AvgPool2d", (2, 2))}, neuron_if((2, 2, 2)), (2, 2, 2))
    matrix = import_network(tmp_path / "p.nir", EULER).projections[0].connection.dense_matrix()
    np.testing.assert_allclose(matrix @ channel_last(x), channel_last(naive_sum_pool(x, (2, 2), (2, 2), (0, 0)) / 4))
    chain(tmp_path / "s.nir", (2, 4, 4), {"scale": ("Scale", {"scale": factor})}, neuron_if((2, 4, 4)), (2, 4, 4))
    matrix = import_network(tmp_path / "s.nir", EULER).projections[0].connection.dense_matrix()
    np.testing.assert_allclose(matrix @ channel_last(x), channel_last(x * factor), rtol=1e-5)


def test_two_paths_into_one_population_add_currents(tmp_path):
    nodes = {"input": ("Input", {"shape": (2,)}), "output": ("Output", {"shape": (1,)}), "end": neuron_if((1,))}
    edges = [("end", "output")]
    for name, weight, bias in (("a", 2.0, 0.5), ("b", 3.0, 0.25)):
        nodes[name] = neuron_if((2,))
        nodes[f"in_{name}"] = "Linear", {"weight": np.eye(2)}
        nodes[f"out_{name}"] = "Affine", {"weight": np.full((1, 2), weight), "bias": np.array([bias])}
        edges += [("input", f"in_{name}"), (f"in_{name}", name), (name, f"out_{name}"), (f"out_{name}", "end")]
    network = import_network(write_graph(tmp_path / "n.nir", nodes, edges), EULER)
    assert sorted(edge.name for edge in network.incoming("end")) == ["a->end", "b->end"]
    np.testing.assert_array_equal(network.output.bias, [0.75])


def test_dialects_choose_the_model_and_the_leak(tmp_path):
    linear = {"fc": ("Linear", {"weight": np.eye(2, dtype=np.float32)})}
    path = chain(tmp_path / "n.nir", (2,), linear, lif((2,), tau=8e-4, r=8.0), (2,))
    network = import_network(path, SNNTORCH)
    model = network.output.model
    assert isinstance(model, SnnTorchLeaky) and not model.reset_delay
    assert model.leak.dtype == np.float32 and (model.leak == np.float32(0.875)).all()
    np.testing.assert_array_equal(network.projections[0].connection.rows, np.eye(2))  # a gain of one changes nothing
    assert network.provenance["dialect"] == "snntorch" and network.provenance["threshold_op"] == ">"
    assert network.dt == 1e-4

    zero = import_network(path, ImportOptions("snntorch", 1e-4, "zero", ">", reset_delay=False)).output.model
    assert isinstance(zero, LIF) and zero.reset == "value" and not zero.reset_to.any()
    textbook = import_network(path, ImportOptions("euler", 1e-4, "subtract", ">=")).output.model
    assert isinstance(textbook, LIF) and textbook.reset == "subtract" and textbook.comparison == ">="


def test_nir_strict_resets_to_v_reset_and_adds_the_leak_potential(tmp_path):
    neurons = lif((2,), tau=np.array([1e-3, 2e-3]), r=3.0, v_reset=-0.5, v_leak=0.25)
    linear = {"fc": ("Affine", {"weight": np.eye(2), "bias": np.array([1.0, 2.0])})}
    path = chain(tmp_path / "n.nir", (2,), linear, neurons, (2,))
    network = import_network(path, ImportOptions("nir-strict", 1e-4, "v_reset", ">"))
    model = network.output.model
    np.testing.assert_allclose(model.leak, [0.9, 0.95], rtol=1e-6)
    np.testing.assert_array_equal(model.reset_to, np.float32([-0.5, -0.5]))
    gain = 3.0 * np.array([0.1, 0.05])  # v += dt/tau (v_leak - v + r I), forward Euler
    np.testing.assert_allclose(network.projections[0].connection.dense_matrix(), np.diag(gain), rtol=1e-6)
    np.testing.assert_allclose(network.output.bias, gain * [1, 2] + 0.25 * np.array([0.1, 0.05]), rtol=1e-6)


@pytest.mark.parametrize(("kind", "model"), [("LI", LeakyIntegrator), ("I", Integrator)])
def test_readouts(tmp_path, kind, model):
    full = {key: np.full(2, value) for key, value in (("tau", 2.0), ("r", 2.0), ("v_leak", 0.0))}
    values = full if kind == "LI" else {"r": np.ones(2)}
    path = chain(tmp_path / "n.nir", (2,), {"fc": ("Linear", {"weight": np.eye(2)})}, (kind, values), (2,))
    network = import_network(path, EULER)
    assert isinstance(network.output.model, model)
    np.testing.assert_array_equal(network.projections[0].connection.rows, np.eye(2))
