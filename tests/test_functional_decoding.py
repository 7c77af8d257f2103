"""Predictions by every rule with ties, and accuracy against published Wilson intervals."""

import numpy as np
import pytest

from accelsim.errors import EventError, WorkloadError
from accelsim.functional.decoding import accuracy, check_decoding, predict
from accelsim.network.graph import Population
from accelsim.neurons.lif import LIF
from accelsim.neurons.readout import LeakyIntegrator
from accelsim.trace.activity import ActivityTrace


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
    with pytest.raises(WorkloadError, match="expected one of rate, membrane, first_spike; got 'ttfs'"):
        predict(trace([[1]], [[1]]), "ttfs")


def test_decoding_must_fit_the_output():
    spiking, readout = (Population("o", (3,), model.example(3)) for model in (LIF, LeakyIntegrator))
    check_decoding(spiking, "rate")
    check_decoding(readout, "membrane")
    with pytest.raises(WorkloadError, match="output o spikes: expected rate or first_spike, got 'membrane'"):
        check_decoding(spiking, "membrane")
    with pytest.raises(WorkloadError, match="output o is a readout: expected membrane, got 'rate'"):
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
