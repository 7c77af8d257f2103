"""Data sets from local files: contents, missing files, damaged files, and the made-up gestures."""

import gzip
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from accelsim.errors import EventError, TrainingError  # noqa: E402
from accelsim.training.data.augment import augmented  # noqa: E402
from accelsim.training.data.dataset import DataOptions, read_dataset  # noqa: E402
from accelsim.training.data.gestures import GESTURES, clip, clips  # noqa: E402


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


def test_mnist_is_split_by_the_seed(tmp_path):
    images = np.arange(30 * 4 * 4).reshape(30, 4, 4) % 251
    for part, count in (("train", 20), ("t10k", 10)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images[:count])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    data = read_dataset("mnist", tmp_path, DataOptions(validation=5, seed=3))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [15, 5, 10]
    together = np.concatenate([data.train.inputs, data.validation.inputs])
    assert {item.tobytes() for item in together} == {item.astype(np.uint8).tobytes() for item in images[:20]}
    again = read_dataset("fashion_mnist", tmp_path, DataOptions(validation=5, seed=4))
    assert not np.array_equal(again.validation.labels, data.validation.labels)


def test_augmented_images_are_moved_and_mirrored():
    torch.manual_seed(0)
    images = np.zeros((400, 1, 12, 12), np.uint8)
    images[:, 0, 6, 5] = 9
    found = np.argwhere(augmented(images) == 9)
    assert len(found) == 400
    down, right = found[:, 2] - 6, found[:, 3]
    assert set(down) == set(range(-4, 5))
    assert set(right) == set(range(1, 11))
    torch.manual_seed(0)
    np.testing.assert_array_equal(np.argwhere(augmented(images) == 9), found)
    with pytest.raises(TrainingError, match=r"augment: expected images .* got shape \(2, 3, 1, 4, 4\)"):
        augmented(np.zeros((2, 3, 1, 4, 4), np.uint8))


def test_missing_files_are_named_with_their_source(tmp_path):
    (tmp_path / "t10k-labels-idx1-ubyte.gz").touch()
    with pytest.raises(TrainingError, match=r"missing: train-images.*Nothing is downloaded: get MNIST \(Y. LeCun"):
        read_dataset("mnist", tmp_path, DataOptions())
    with pytest.raises(TrainingError, match="data set cifar10: expected --data"):
        read_dataset("cifar10", None, DataOptions())


def test_cifar_in_both_forms(tmp_path):
    random = np.random.default_rng(0)
    rows = random.integers(0, 256, (12, 3073)).astype(np.uint8)
    rows[:, 0] %= 10
    for at in range(1, 6):
        rows.tofile(tmp_path / f"data_batch_{at}.bin")
    rows.tofile(tmp_path / "test_batch.bin")
    data = read_dataset("cifar10", tmp_path, DataOptions(validation=6))
    assert data.shape == (3, 32, 32) and len(data.train) == 54
    np.testing.assert_array_equal(data.test.inputs[3].ravel(), rows[3, 1:])
    planes = rows[:, 1:].reshape(12, 3, 32, 32).transpose(0, 2, 3, 1)
    for part in ("train", "test"):
        np.savez(tmp_path / f"cifar10_{part}.npz", images=planes, labels=rows[:, 0])
    again = read_dataset("cifar10", tmp_path, DataOptions(validation=2))
    np.testing.assert_array_equal(again.test.inputs, data.test.inputs)
    (tmp_path / "train.bin").write_bytes(b"\0" * 3074)
    (tmp_path / "test.bin").write_bytes(b"\0" * 3000)
    with pytest.raises(EventError, match=r"test.bin: expected records of 3074 bytes, got 3000 bytes"):
        read_dataset("cifar100", tmp_path, DataOptions(validation=0))


def test_nmnist_of_the_published_events(shared_data):
    data = read_dataset("nmnist", shared_data / "nmnist", DataOptions(timesteps=5, validation=10, train=40, test=20))
    assert data.events and data.train.inputs.shape == (30, 5, 2, 34, 34)
    assert 0.01 < data.test.inputs.mean() < 0.3
    assert set(data.test.labels) <= set(range(10))


def test_labels_that_do_not_fit_are_refused(tmp_path):
    images = np.zeros((20, 4, 4))
    for part, labels in (("train", np.arange(20)), ("t10k", np.arange(12) % 10)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels)
    with pytest.raises(TrainingError, match=r"t10k-labels.*a label of each of the 20 images of t10k-images.*, got 12"):
        read_dataset("mnist", tmp_path, DataOptions(validation=5))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.arange(20) % 10)
    with pytest.raises(TrainingError, match="data set mnist, train: expected labels of 0 to 9, got 0 to 19"):
        read_dataset("mnist", tmp_path, DataOptions(validation=1, seed=1))
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(20) % 10)
    with pytest.raises(TrainingError, match="mnist, test: expected at least one sample, got none"):
        read_dataset("mnist", tmp_path, DataOptions(validation=5, test=0))


def test_the_digest_knows_samples_and_labels(tmp_path):
    read = partial(read_dataset, "synthetic_gestures", None)
    one, same, other = (read(DataOptions(4, 11, seed, 22, 22)) for seed in (1, 1, 2))
    assert one.digest == same.digest != other.digest
    changed = replace(one, test=replace(one.test, labels=one.test.labels[::-1].copy()))
    assert changed.digest != one.digest


def test_recordings_of_nmnist_as_published(tmp_path):
    for part, number in (("Train", 3), ("Test", 1)):
        for digit in range(10):
            folder = tmp_path / part / f"{digit}"
            folder.mkdir(parents=True)
            for at in range(number):
                rows = [[digit, at, 128, 0, 1], [33, 33, 0, 1, 0]]  # x, y, polarity and time
                (folder / f"{at:05d}.bin").write_bytes(bytes(np.array(rows, np.uint8)))
    data = read_dataset("nmnist", tmp_path, DataOptions(4, 10, 0))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [20, 10, 10]
    np.testing.assert_array_equal(data.test.labels, np.arange(10))
    assert data.test.inputs.shape == (10, 4, 2, 34, 34)
    assert [int(sample.sum()) for sample in data.test.inputs] == [2] * 10
    assert all(data.test.inputs[digit, 0, 1, 0, digit] and data.test.inputs[digit, 3, 0, 33, 33] for digit in range(10))
    for path in (tmp_path / "Test" / "7").iterdir():
        path.unlink()
    with pytest.raises(EventError, match=r"Test/7: expected .bin files of the digit 7, got none"):
        read_dataset("nmnist", tmp_path, DataOptions(4, 10, 0))
    with pytest.raises(TrainingError, match=r"expected nmnist\*.npz, or Train and Test; missing: Train, Test"):
        read_dataset("nmnist", tmp_path / "Train", DataOptions(4, 10, 0))


def test_gestures_depend_on_seed_and_number_alone():
    first, again = clips(22, 6, 1, 0), clips(11, 6, 1, 0)
    np.testing.assert_array_equal(first.inputs[:11], again.inputs)
    assert not np.array_equal(first.inputs[:11], clips(11, 6, 2, 0).inputs)
    assert first.inputs.shape == (22, 6, 2, 32, 32) and len(GESTURES) == 11
    assert 0.002 < first.inputs.mean() < 0.2


def test_gestures_to_choose_by_are_neither_trained_nor_tested_on():
    less, more = (read_dataset("synthetic_gestures", None, DataOptions(4, number, 1, 22, 22)) for number in (11, 33))
    np.testing.assert_array_equal(less.train.inputs, more.train.inputs)
    np.testing.assert_array_equal(less.validation.inputs, more.validation.inputs[:11])
    assert [len(part) for part in (more.train, more.validation, more.test)] == [22, 33, 22]
    parts = [{item.tobytes() for item in part.inputs} for part in (more.train, more.validation, more.test)]
    assert len(set.union(*parts)) == 22 + 33 + 22


@pytest.mark.parametrize(("gesture", "axis", "sign"), [("right", 1, 1), ("left", 1, -1), ("down", 0, 1), ("up", 0, -1)])
def test_a_shape_moves_where_its_name_says(gesture, axis, sign):
    """Where it arrives it gets brighter, where it leaves darker."""
    for seed in range(8):
        frames = clip(gesture, 8, np.random.default_rng(seed)).astype(float)
        place = [
            float((frames[:, channel].sum(0) * np.indices((32, 32))[axis]).sum() / frames[:, channel].sum())
            for channel in (1, 0)
        ]
        assert sign * (place[0] - place[1]) > 0


def test_growing_is_shrinking_backwards():
    grown, shrunk = (clip(name, 8, np.random.default_rng(5)) for name in ("grow", "shrink"))
    quiet = slice(None)
    np.testing.assert_allclose(grown[quiet, 1].sum(), shrunk[quiet, 0].sum(), atol=30)
    assert grown[:, 1].sum() > 2 * grown[:, 0].sum()
