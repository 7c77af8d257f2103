"""The quantised ANN against dense float matrices, and its counts against brute force."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.baseline.ann import ASSUMED, RECURRENT, ann_input, quantised, run_ann
from accelsim.baseline.layers import integer_weights, pooled_inputs
from accelsim.errors import EventError
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.quantize import Quantization, quantize
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.readout import Integrator

SHAPE = (6, 6, 2)
BIAS = np.linspace(-1, 1, 108, dtype=np.float32)


def threshold_neurons(threshold: np.ndarray) -> IF:
    values = threshold.astype(np.float32)
    return IF(threshold=values, reset_to=np.zeros_like(values), reset="subtract", comparison=">=")


def network(seed: int = 0) -> Network:
    """A convolution, a pooled dense layer and a readout, with thresholds and biases."""
    rng = np.random.default_rng(seed)
    conv, shape = convolution(rng.normal(size=(3, 2, 3, 3)).astype(np.float32), SHAPE, padding=(1, 1))
    hidden = dense(rng.normal(size=(5, 27)).astype(np.float32), pool=Pool((2, 2), (2, 2)), input_shape=shape)
    last = dense(rng.normal(size=(4, 5)).astype(np.float32))
    populations = {
        "in": Population("in", SHAPE, None),
        "a": Population("a", shape, threshold_neurons(rng.uniform(0.5, 2, 108)), BIAS),
        "b": Population("b", (5,), threshold_neurons(np.full(5, 1.5))),
        "out": Population("out", (4,), Integrator.example(4), rng.normal(size=4).astype(np.float32)),
    }
    edges = (Projection("in", "a", conv), Projection("a", "b", hidden), Projection("b", "out", last))
    return Network("small", populations, edges, 1e-3)


def float_ann(net: Network, values: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Dense float twin; returns the output and the unpooled input of every layer."""
    inputs = []
    for edge in net.projections:
        target = net.populations[edge.target]
        inputs.append(values)
        values = values @ edge.connection.dense_matrix().T.astype(float)
        values = values + (0 if target.bias is None else target.bias)
        if hasattr(target.model, "threshold"):
            values = np.maximum(values / target.model.threshold, 0)
    return values, inputs


def events(samples: int = 3, seed: int = 1) -> EventStream:
    return EventStream.from_dense(np.random.default_rng(seed).random((samples, 10, 72)) < 0.3)


def test_wide_operands_give_the_float_network() -> None:
    net, stream = network(), events()
    found = run_ann(net, stream, None, activation_bits=24, weight_bits=24)
    expected, _ = float_ann(net, ann_input(stream)[0])
    np.testing.assert_allclose(found.output, expected, rtol=1e-4, atol=1e-4)


def test_eight_bits_are_near_and_two_bits_are_not() -> None:
    net, stream = network(), events()
    expected, _ = float_ann(net, ann_input(stream)[0])
    spread = np.abs(expected).max()
    assert np.abs(run_ann(net, stream, None, 8, 8).output - expected).max() < 0.03 * spread
    assert np.abs(run_ann(net, stream, None, 2, 2).output - expected).max() > 0.03 * spread


def test_integer_network_keeps_its_weights_and_its_function() -> None:
    net, stream = network(), events()
    whole = quantize(net, Quantization(8, "tensor"))
    run = run_ann(whole, stream, None, activation_bits=24, weight_bits=8)
    assert not any(layer.weights_quantised for layer in run.layers)
    steps, _ = float_ann(whole, ann_input(stream)[0])
    np.testing.assert_allclose(run.output, steps * whole.output.scale, rtol=1e-4, atol=1e-4)
    assert all(layer.weights_quantised for layer in run_ann(net, stream, None, 8, 8).layers)
    assert all(layer.weights_quantised for layer in run_ann(whole, stream, None, 8, 4).layers)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 8))
def test_effective_macs_and_zeros_by_brute_force(seed: int, bits: int) -> None:
    net, stream = network(seed), events(2, seed)
    run = run_ann(net, stream, None, bits, 8)
    first = net.projections[0].connection
    levels = quantised(ann_input(stream)[0], bits)[0]
    weights = np.abs(first.dense_matrix()) > 0.5 * np.abs(first.rows).max() / 127
    np.testing.assert_array_equal(run.layers[0].effective_macs, (levels != 0) @ weights.sum(axis=0))
    np.testing.assert_allclose(run.layers[0].zero_fraction, np.mean(levels == 0, axis=1))
    for layer, edge in zip(run.layers, net.projections, strict=True):
        assert (layer.effective_macs <= edge.connection.shape.macs).all()
    assert run.layers[1].pool_additions == 27 * 3


def test_delays_do_not_matter_and_cycles_carry_zeros() -> None:
    """One pass: the same as without delays, in whatever order the populations are named, and without the loop."""
    net, values = network(), np.random.default_rng(3).random((3, 72))
    plain = run_ann(net, events(), values, 8, 8)
    first, second, last = net.projections
    late = (replace(second, delay=2), last, replace(first, delay=1))
    names = ["in", "b", "a", "out"]
    delayed = Network("late", {name: net.populations[name] for name in names}, late, 1e-3)
    np.testing.assert_array_equal(run_ann(delayed, events(), values, 8, 8).output, plain.output)
    around = Projection("b", "a", dense(np.ones((108, 5), np.float32)), delay=1)
    looped = run_ann(Network("loop", net.populations, (*net.projections, around), 1e-3), events(), values, 8, 8)
    np.testing.assert_array_equal(looped.output, plain.output)
    assert looped.layers[3].zero_fraction.tolist() == [1.0] * 3 and not looped.layers[3].effective_macs.any()
    assert RECURRENT in looped.activations and RECURRENT not in plain.activations


def test_pool_is_multiplied_once() -> None:
    connection = network().projections[1].connection
    pooled = pooled_inputs(connection)
    values = np.arange(108.0)[None]
    image = values.reshape(3, 2, 3, 2, 3).sum(axis=(1, 3)).ravel()
    np.testing.assert_array_equal(np.sort(pooled.sums(values)[0]), np.sort(image))
    stored = connection.fan_out_stored()[pooled.source]
    assert stored.sum() == connection.shape.macs


def test_integer_levels_are_symmetric() -> None:
    connection = dense(np.array([[-2.0, 0.5], [1.0, 0.0]], dtype=np.float32))
    rows, step, rounded = integer_weights(connection, 3)
    assert rounded
    assert step == pytest.approx(2 / 3)
    np.testing.assert_array_equal(rows, [[-3, 2], [1, 0]])
    assert quantised(np.array([[-1.0, 0.5]]), 8)[0].tolist() == [[-127, 64]]
    assert quantised(np.array([[1.0, 0.5]]), 8)[0].tolist() == [[255, 128]]
    assert quantised(np.zeros((1, 2)), 8)[0].tolist() == [[0, 0]]


def test_input_is_the_mean_of_events_the_current_or_the_image() -> None:
    stream = EventStream.from_dense(np.array([[[1, 0], [1, 1]], [[0, 0], [0, 1]]], dtype=bool))
    np.testing.assert_array_equal(ann_input(stream)[0], [[1.0, 0.5], [0.0, 0.5]])
    ptr, index = np.array([0, 2, 2, 2, 2]), np.array([0, 1], np.int32)
    current = EventStream("bias_current", 1, 4, 2, ptr, index, np.array([3, 4]), 8, 0.5)
    np.testing.assert_array_equal(ann_input(current)[0], [[1.5, 2.0]])
    image = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert ann_input(stream, image)[0].tolist() == image.tolist()
    assert ann_input(stream, image)[1].startswith("the analog image")
    with pytest.raises(EventError, match=r"expected an image of \(2, 2\)"):
        ann_input(stream, image[:1])
    with pytest.raises(EventError, match="NaN"):
        ann_input(stream, image * np.nan)


def test_label_says_that_activations_are_assumed_and_accuracy_counts() -> None:
    run = run_ann(network(), events(4), None, 8, 8)
    assert run.activations.startswith(ASSUMED)
    best = run.output.argmax(axis=1)
    assert run.accuracy(best) == 1.0
    assert run.accuracy((best + np.array([1, 0, 0, 0])) % 4) == 0.75
    assert np.isnan(run.accuracy(None))
    with pytest.raises(EventError, match="3 labels for 4 samples"):
        run.accuracy(best[:3])
    with pytest.raises(EventError, match="2 inputs for a network with 72"):
        run_ann(network(), EventStream.from_dense(np.ones((1, 1, 2), bool)), None, 8, 8)
