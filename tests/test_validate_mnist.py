"""The default workload on the whole MNIST test set, in accelsim's own integer arithmetic."""

import dataclasses
import time

import numpy as np
import pytest

from accelsim.functional.decoding import accuracy, predict
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.network.encodings.encoding import ENCODINGS, EncodingOptions
from accelsim.network.images import read_images, read_labels
from accelsim.network.workload import load_workload

pytestmark = pytest.mark.validate

BATCH = 1000


@pytest.fixture(scope="module")
def test_set(shared_data):
    folder = shared_data / "mnist"
    return read_images(folder / "t10k-images-idx3-ubyte.gz"), read_labels(folder / "t10k-labels-idx1-ubyte.gz")


def test_the_bundled_digits_are_the_first_of_the_test_set(test_set):
    load = load_workload("mnist_conv")
    np.testing.assert_array_equal(read_images(load.folder / "digits-idx3-ubyte.gz"), test_set[0][:64])
    np.testing.assert_array_equal(load.labels, test_set[1][:64])


def test_accuracy_on_ten_thousand_digits(test_set):
    images, labels = test_set
    assert images.shape == (10_000, 28, 28, 1)
    load = load_workload("mnist_conv")
    stated = load.provenance["description"]["input"]
    core = load_chip("core").spec.core
    limits = Numerics(core.membrane.bits, core.accumulator.bits)
    options = EncodingOptions(load.timesteps, integer=True, rate=stated["rate"], seed=stated["seed"])
    began = time.monotonic()
    events = ENCODINGS.get(stated["encoding"]).encode(images, options)
    np.testing.assert_array_equal(events.index[: load.events.total], load.events.index)
    np.testing.assert_array_equal(events.ptr[: len(load.events.ptr)], load.events.ptr)
    predicted, overflows = [], 0
    for first in range(0, len(images), BATCH):
        span = events.ptr[first * load.timesteps : (first + BATCH) * load.timesteps + 1]
        part = dataclasses.replace(events, samples=BATCH, ptr=span - span[0], index=events.index[span[0] : span[-1]])
        trace = execute(load.network, part, limits, 2)
        predicted.append(predict(trace, load.decoding))
        overflows += sum(trace.overflows.values())
    took = time.monotonic() - began
    found = accuracy(np.concatenate(predicted), labels)
    assert overflows == 0
    assert found.value >= 0.975
    assert found.value == pytest.approx(load.provenance["stated"]["test_accuracy"], abs=5e-4)
    assert found.low < found.value < found.high and found.high - found.low < 0.01
    assert took < 60


def test_size_and_sparsity():
    load = load_workload("mnist_conv")
    weights = np.concatenate([edge.connection.rows.ravel() for edge in load.network.projections])
    assert load.network.integer and {edge.connection.bits for edge in load.network.projections} == {8}
    assert np.abs(weights).max() <= 127
    zeros = 1 - np.count_nonzero(weights) / weights.size
    assert zeros >= 0.5
    assert zeros == pytest.approx(load.provenance["stated"]["zero_weights"], abs=5e-5)
    assert weights.size == 400 + 4608 + 200_704 + 1280
    assert load.network.neurons == 16 * 14 * 14 + 32 * 7 * 7 + 128 + 10
    assert sum(path.stat().st_size for path in load.folder.iterdir() if path.is_file()) < 1 << 20
