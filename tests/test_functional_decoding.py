"""Predictions by every rule with ties, and accuracy against published Wilson intervals."""

import numpy as np
import pytest

from accelsim.errors import EventError, WorkloadError
from accelsim.functional.decoding import accuracy, check_decoding, predict
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.quantize import Quantization, quantize
from accelsim.neurons.lif import LIF
from accelsim.neurons.readout import LeakyIntegrator
from accelsim.trace.activity import ActivityTrace
from accelsim.trace.file import load_trace, save_trace


def trace(output, first_spike):
    output = np.array(output, np.float64)
    return ActivityTrace("k", len(output), 9, {}, output, np.array(first_spike, np.int32), {})


def test_rate_and_membrane_take_the_first_largest():
    item = trace([[1, 3, 3], [0, 0, 0], [5, 1, 2]], [[9] * 3] * 3)
    assert predict(item, "rate").tolist() == [1, 0, 0]
    assert predict(item, "membrane").tolist() == [1, 0, 0]


def test_first_spike_then_count_then_index():
    item = trace([[9, 1, 1], [1, 2, 2], [0, 0, 0]], [[4, 3, 9], [2, 2, 2], [9, 9, 9]])
    assert predict(item, "first_spike").tolist() == [1, 1, 0]


def test_unknown_decoding():
    with pytest.raises(WorkloadError, match="expected one of rate, membrane, membrane_max, first_spike; got 'ttfs'"):
        predict(trace([[1]], [[1]]), "ttfs")


def test_decoding_must_fit_the_output():
    spiking, readout = (Population("o", (3,), model.example(3)) for model in (LIF, LeakyIntegrator))
    check_decoding(spiking, "rate")
    check_decoding(readout, "membrane")
    with pytest.raises(WorkloadError, match="output o spikes: expected rate or first_spike, got 'membrane'"):
        check_decoding(spiking, "membrane")
    with pytest.raises(WorkloadError, match="output o is a readout: expected membrane or membrane_max, got 'rate'"):
        check_decoding(readout, "rate")


@pytest.mark.parametrize(
    ("correct", "samples", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (score without continuity correction)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval(correct, samples, low, high):
    labels = np.zeros(samples, np.int64)
    predicted = np.ones(samples, np.int64)
    predicted[:correct] = 0
    result = accuracy(predicted, labels)
    assert (result.correct, result.samples, result.value) == (correct, samples, correct / samples)
    assert result.low == pytest.approx(low, abs=5e-5)
    assert result.high == pytest.approx(high, abs=5e-5)
    mirrored = accuracy(1 - predicted, labels)
    assert mirrored.low == pytest.approx(1 - high, abs=5e-5)


def test_accuracy_needs_labels():
    with pytest.raises(EventError, match="one label per prediction"):
        accuracy(np.zeros(3, np.int64), np.zeros(2, np.int64))


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_membrane_over_time_is_that_of_a_loop(seed, tmp_path):
    rng = np.random.default_rng(seed)
    weights = (rng.integers(-40, 41, (3, 5)) / 4).astype(np.float32)
    leak = np.full(3, 0.5, np.float32)
    bias = np.float32([-1, -2, -1.5])  # membranes below zero throughout are not mistaken for zero
    populations = {
        "input": Population("input", (5,), None),
        "out": Population("out", (3,), LeakyIntegrator(leak), bias, np.ones(3)),
    }
    network = Network("n", populations, (Projection("input", "out", dense(weights)),), 1.0)
    spikes = rng.random((4, 7, 5)) < 0.2
    done = execute(network, EventStream.from_dense(spikes), Numerics(None, None), 2)
    membrane = np.zeros((4, 3))
    largest = np.full((4, 3), -np.inf)
    for step in range(7):
        membrane = membrane * 0.5 + spikes[:, step] @ weights.T + bias
        largest = np.maximum(largest, membrane)
    np.testing.assert_allclose(done.peak, largest, rtol=1e-5)
    assert predict(done, "membrane_max").tolist() == largest.argmax(axis=1).tolist()
    assert predict(done, "membrane").tolist() == membrane.argmax(axis=1).tolist()
    save_trace(done, tmp_path / "trace.npz")
    np.testing.assert_array_equal(load_trace(tmp_path / "trace.npz").peak, done.peak)
    integer = execute(quantize(network, Quantization(8, "tensor")), EventStream.from_dense(spikes), Numerics(16, 16), 1)
    np.testing.assert_allclose(integer.peak, largest, atol=2 * 10 / 127 * 2)


def test_membranes_over_time_of_an_output_that_spikes():
    with pytest.raises(WorkloadError, match="membrane_max needs a readout, the output spikes"):
        predict(trace([[1]], [[1]]), "membrane_max")
