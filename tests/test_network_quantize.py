"""Quantisation: grids are recognised exactly, other weights are rounded, scales reach every part of a neuron."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import NetworkError
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.quantize import Quantization, quantize
from accelsim.network.quantize_levels import integer_levels
from accelsim.neurons.lif import LIF


def neurons(size, threshold=1.0):
    ones = np.ones(size, np.float32)
    return LIF(ones * np.float32(0.875), ones * np.float32(threshold), ones * 0, "subtract", ">")


def network(weights, bias=None, threshold=1.0):
    size = weights.shape[0]
    populations = {
        "input": Population("input", (weights.shape[1],), None),
        "out": Population("out", (size,), neurons(size, threshold), bias, np.ones(size)),
    }
    return Network("net", populations, (Projection("input", "out", dense(weights.astype(np.float32))),), 1e-3)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 16), st.floats(1e-4, 10), st.floats(0.01, 8), st.integers(0, 2**31))
def test_weights_on_the_export_grid_keep_their_integers(bits, scale, gain, seed):
    limit = 2 ** (bits - 1) - 1
    rng = np.random.default_rng(seed)
    codes = rng.integers(-limit, limit + 1, 60)
    codes[0] = limit
    exported = (codes * scale).astype(np.float32)  # as a training tool writes them
    folded = (exported.astype(np.float64) * gain).astype(np.float32)  # and an importer scales them
    levels = integer_levels(folded.astype(np.float64), bits)
    assert levels.recognised
    np.testing.assert_array_equal(levels.integers, codes)
    assert levels.scale == pytest.approx(scale * gain, rel=1e-6)


def test_a_coarser_grid_is_recognised_with_its_own_step():
    codes = np.array([-24, -6, 0, 2, 20])  # even integers, as Loihi stores 8-bit weights
    levels = integer_levels(codes * 0.5, 8)
    assert levels.recognised and levels.scale == 1.0
    np.testing.assert_array_equal(levels.integers, codes // 2)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 16), st.integers(0, 2**31))
def test_other_weights_are_rounded_to_half_a_step(bits, seed):
    weights = np.random.default_rng(seed).normal(size=200).astype(np.float32).astype(np.float64)
    limit = 2 ** (bits - 1) - 1
    levels = integer_levels(weights, bits)
    assert levels.scale == pytest.approx(np.abs(weights).max() / limit) or levels.recognised
    assert np.abs(levels.integers).max() <= limit
    assert np.abs(weights - levels.integers * levels.scale).max() <= levels.scale * (0.5 + 1e-9)
    if bits <= 7:
        assert not levels.recognised  # 200 normal draws do not lie on 63 levels


def test_ternary_follows_the_rule_of_ternary_weight_networks():
    weights = np.array([1.0, -0.9, 0.2, -0.1, 0.0, 0.6])
    levels = integer_levels(weights, "ternary")
    threshold = 0.7 * (1 + 0.9 + 0.2 + 0.1 + 0.6) / 6
    assert 0.2 < threshold < 0.6
    np.testing.assert_array_equal(levels.integers, [1, -1, 0, 0, 0, 1])
    assert levels.scale == pytest.approx((1 + 0.9 + 0.6) / 3) and not levels.recognised


def test_exact_ternary_and_binary_are_kept():
    ternary = integer_levels(np.array([0.25, -0.25, 0.0, 0.0]), "ternary")
    assert ternary.recognised and ternary.scale == 0.25 and ternary.integers.tolist() == [1, -1, 0, 0]
    binary = integer_levels(np.array([0.25, -0.25]), "binary")
    assert binary.recognised and binary.scale == 0.25 and binary.integers.tolist() == [1, -1]
    mixed = integer_levels(np.array([0.5, -0.25]), "binary")
    assert not mixed.recognised and mixed.scale == 0.375 and mixed.integers.tolist() == [1, -1]


def test_scale_reaches_weights_bias_threshold_and_report():
    weights = np.array([[127, -3], [5, 64]]) * 0.01
    bias = np.array([0.1, -0.05], np.float32)
    net = quantize(network(weights, bias), Quantization(8, "tensor"))
    out = net.populations["out"]
    connection = net.projections[0].connection
    assert net.integer and connection.bits == 8 and connection.rows.dtype == np.int32
    np.testing.assert_array_equal(connection.dense_matrix(), [[127, -3], [5, 64]])
    np.testing.assert_allclose(out.scale, 0.01, rtol=1e-6)
    np.testing.assert_array_equal(out.bias, [10, -5])
    np.testing.assert_array_equal(out.model.threshold, [100, 100])
    np.testing.assert_array_equal(out.model.leak, [3584, 3584])
    report = net.provenance["quantization"]
    assert report["populations"]["out"]["weights"] == "recognised"
    assert report["populations"]["out"]["max_error_steps"] < 1e-4


def test_per_channel_gives_each_dense_neuron_its_scale_and_threshold():
    weights = np.array([[127, 1], [0, 127]]) * np.array([[0.01], [0.02]])
    net = quantize(network(weights), Quantization(8, "channel"))
    out = net.populations["out"]
    np.testing.assert_allclose(out.scale, [0.01, 0.02], rtol=1e-6)
    np.testing.assert_array_equal(out.model.threshold, [100, 50])
    np.testing.assert_array_equal(net.projections[0].connection.dense_matrix(), [[127, 1], [0, 127]])


def test_per_channel_scales_repeat_over_the_positions_of_a_convolution():
    weights = np.zeros((2, 1, 1, 1), np.float32)
    weights[:, 0, 0, 0] = 1.27, 2.54
    connection, shape = convolution(weights, (2, 2, 1))
    populations = {
        "input": Population("input", (2, 2, 1), None),
        "out": Population("out", shape, neurons(8), None, np.ones(8)),
    }
    net = quantize(
        Network("net", populations, (Projection("input", "out", connection),), 1e-3), Quantization(8, "channel")
    )
    np.testing.assert_allclose(net.populations["out"].scale, np.tile([0.01, 0.02], 4), rtol=1e-6)
    np.testing.assert_array_equal(net.projections[0].connection.rows, [[127, 127]])


def test_projections_into_one_population_share_their_scale():
    def layer(name):
        return Population(name, (1,), neurons(1), None, np.ones(1))

    one, big = np.ones((1, 1), np.float32), np.full((1, 1), 1.27, np.float32)
    names = ["input", "a", "b", "out"]
    populations = {"input": Population("input", (1,), None), **{name: layer(name) for name in names[1:]}}
    edges = (("input", "a", one), ("input", "b", one), ("a", "out", one * np.float32(0.01)), ("b", "out", big))
    net = Network("net", populations, tuple(Projection(s, t, dense(w)) for s, t, w in edges), 1e-3)
    done = quantize(net, Quantization(8, "tensor"))
    assert [edge.connection.rows.item() for edge in done.projections] == [127, 127, 1, 127]
    assert [edge.name for edge in done.projections] == [edge.name for edge in net.projections]


def test_input_scale_enters_the_first_population_only():
    populations = {
        "input": Population("input", (1,), None),
        "a": Population("a", (1,), neurons(1), np.array([0.5], np.float32), np.ones(1)),
        "b": Population("b", (1,), neurons(1), None, np.ones(1)),
    }
    weights = dense(np.full((1, 1), 1.27, np.float32))
    net = Network("net", populations, (Projection("input", "a", weights), Projection("a", "b", weights)), 1e-3)
    done = quantize(net, Quantization(8, "tensor"), input_scale=1 / 255)
    np.testing.assert_allclose(done.populations["a"].scale, 0.01 / 255, rtol=1e-6)
    np.testing.assert_allclose(done.populations["b"].scale, 0.01, rtol=1e-6)
    assert done.populations["a"].model.threshold.item() == round(255 / 0.01)
    assert done.populations["a"].bias.item() == round(0.5 * 255 / 0.01)


def test_values_of_the_input_and_spikes_do_not_share_a_scale():
    """A recurrent first layer: integers of 1/255 steps of the input and of whole spikes cannot be added."""
    net = network(np.ones((3, 2)))
    around = Projection("out", "out", dense(np.ones((3, 3), np.float32)), delay=2)
    recurrent = Network("net", net.populations, (*net.projections, around), 1e-3)
    assert [edge.delay for edge in quantize(recurrent, Quantization(8, "tensor")).projections] == [0, 2]
    with pytest.raises(NetworkError, match=r"population out: adds values of the input, in steps of 0\.0039"):
        quantize(recurrent, Quantization(8, "tensor"), input_scale=1 / 255)


def test_a_channel_without_weights_still_resolves_its_bias():
    weights = np.array([[1.27], [0.0]])
    net = quantize(network(weights, np.array([0.0, 0.3], np.float32)), Quantization(8, "channel"))
    out = net.populations["out"]
    assert out.bias[1] * out.scale[1] == pytest.approx(0.3, abs=0.005)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Quantization(1, "tensor"), r"expected bits 2..16, 'ternary' or 'binary', got 1"),
        (lambda: Quantization(17, "tensor"), "got 17"),
        (lambda: Quantization(8, "row"), "expected granularity 'tensor' or 'channel', got 'row'"),
        (
            lambda: quantize(network(np.array([[1.0, 0.0]])), Quantization("binary", "tensor")),
            "population out: binary weights cannot be zero, but 1 of 2 are; use 'ternary'",
        ),
        (
            lambda: quantize(network(np.array([[1e-9]]), np.array([1e3], np.float32)), Quantization(8, "tensor")),
            r"population out: neuron 0: bias 1000 is .* steps of .*, beyond 32 bit|threshold",
        ),
        (
            lambda: quantize(quantize(network(np.eye(2)), Quantization(8, "tensor")), Quantization(4, "tensor")),
            "network net: its weights are integers already",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(NetworkError, match=message):
        call()
