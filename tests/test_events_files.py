"""idx and npz files: what was written is read, and every damage has its message."""

import gzip
import zipfile

import numpy as np
import pytest

from accelsim.errors import EventError
from accelsim.network import images, npz
from accelsim.network.event_files import read_events, read_npz_labels
from accelsim.network.images import read_images, read_labels


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, 4, 5)).astype(np.uint8)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read_plain_and_packed(tmp_path, pictures, pack):
    (tmp_path / "x").write_bytes(pack(idx(pictures)))
    (tmp_path / "y").write_bytes(pack(idx(np.arange(3, dtype=np.uint8))))
    np.testing.assert_array_equal(read_images(tmp_path / "x"), pictures[..., None])
    np.testing.assert_array_equal(read_labels(tmp_path / "y"), [0, 1, 2])


def test_mnist_itself(shared_data):
    labels = read_labels(shared_data / "mnist" / "t10k-labels-idx1-ubyte.gz")
    assert labels.shape == (10_000,) and labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert read_images(shared_data / "mnist" / "t10k-images-idx3-ubyte.gz").shape == (10_000, 28, 28, 1)


GOOD = idx(np.ones((3, 4, 5), np.uint8))

IDX = [
    (GOOD[:-1], r"expected 60 bytes for shape \(3, 4, 5\), got only 59: truncated"),
    (GOOD + b"x", r"expected 60 bytes for shape \(3, 4, 5\), got more"),
    (GOOD[:9], "truncated in its header"),
    (b"", r"expected an idx file of bytes with 3 or 4 axes \(magic 00000803 or 00000804\), got ''"),
    (idx(np.ones(3, np.uint8)), "got '00000801'"),
    (idx(np.ones((0, 4, 5), np.uint8)), r"empty: its shape is \(0, 4, 5\)"),
    (GOOD[:4] + b"\xff" * 12, "is 79228162458924105385300197375 bytes, the limit is 1073741824"),
    (gzip.compress(GOOD, mtime=0)[:-10], "the gzip data is truncated or corrupt"),
    (gzip.compress(GOOD, mtime=0)[:12] + b"\x00" * 30, "the gzip data is truncated or corrupt"),
]


@pytest.mark.parametrize(("content", "message"), IDX)
def test_damaged_idx(tmp_path, content, message):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(EventError, match=message) as caught:
        read_images(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_every_truncation_of_idx_is_an_error(tmp_path):
    for whole in (GOOD, gzip.compress(GOOD)):
        for length in range(len(whole)):
            (tmp_path / "x").write_bytes(whole[:length])
            with pytest.raises(EventError):
                read_images(tmp_path / "x")


def test_missing_files(tmp_path):
    with pytest.raises(EventError, match="cannot read the file: No such file"):
        read_images(tmp_path / "gone")
    with pytest.raises(EventError, match="cannot read the file: No such file"):
        read_events(tmp_path / "gone", 1)


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def active():
    return np.random.default_rng(1).random((6, 2, 3, 4, 5)) < 0.2  # T, N, C, H, W


def as_dense(stream):
    out = np.zeros((stream.samples * stream.timesteps, stream.size), bool)
    out[np.repeat(np.arange(out.shape[0]), np.diff(stream.ptr)), stream.index] = True
    return out.reshape(stream.samples, stream.timesteps, stream.size)


def test_packed_and_plain_spikes_become_channel_last(tmp_path, active):
    expected = active.transpose(1, 0, 3, 4, 2).reshape(2, 6, -1)
    packed = save(tmp_path / "p.npz", input=np.packbits(active), input_shape=active.shape)
    plain = save(tmp_path / "u.npz", input=active.astype(np.uint8))
    for path in (packed, plain):
        stream, shape = read_events(path, 6)
        assert shape == (4, 5, 3)
        np.testing.assert_array_equal(as_dense(stream), expected)


def test_the_first_timesteps_of_a_recording_are_used(tmp_path, active):
    path = save(tmp_path / "p.npz", input=np.packbits(active), input_shape=active.shape)
    stream, _ = read_events(path, 4)
    np.testing.assert_array_equal(as_dense(stream), active.transpose(1, 0, 3, 4, 2).reshape(2, 6, -1)[:, :4])
    with pytest.raises(EventError, match="expected at least 7 timesteps, the recording has 6"):
        read_events(path, 7)


def test_coordinates_agree_with_the_packed_form(tmp_path, active):
    expected = active.transpose(1, 0, 3, 4, 2)
    sample, t, y, x, c = np.nonzero(expected)
    shape = np.array(expected.shape)
    by_pixel, _ = read_events(save(tmp_path / "a.npz", sample=sample, t=t, y=y, x=x, c=c, shape=shape), 6)
    neuron = (y * 5 + x) * 3 + c
    by_neuron, inner = read_events(save(tmp_path / "b.npz", sample=sample, t=t, neuron=neuron, shape=shape), 6)
    assert inner == (4, 5, 3)
    for stream in (by_pixel, by_neuron):
        np.testing.assert_array_equal(as_dense(stream), expected.reshape(2, 6, -1))


def coordinates(**change):
    arrays = {"sample": [0, 0, 1], "t": [0, 2, 1], "neuron": [1, 3, 0], "shape": [2, 3, 4]} | change
    return {key: np.array(value) for key, value in arrays.items()}


NPZ = [
    (coordinates(neuron=[1, 4, 0]), r"event 1: neuron 4 is outside 0..3"),
    (coordinates(t=[0, 3, 1]), r"event 1: t 3 is outside 0..2"),
    (coordinates(sample=[0, 0, -1]), r"event 2: sample -1 is outside 0..1"),
    (
        coordinates(t=[2, 0, 1]),
        r"event 1: sample 0, t 0 comes after sample 0, t 2; expected events in the order of sample and",
    ),
    (coordinates(sample=[1, 0, 0]), r"event 1: sample 0, t 2 comes after sample 1, t 0"),
    (
        coordinates(t=[0, 0, 1], neuron=[1, 1, 0]),
        r"neuron 1 spikes twice in sample 0, t 0; numbers of spikes are given as",
    ),
    (coordinates(t=[0, 2]), r"t: 2 entries, but 'sample' has 3"),
    (coordinates(t=[0.0, 2.0, 1.0]), r"t: expected integers with one axis, got float64 of shape \(3,\)"),
    (coordinates(sample=np.zeros(0, int), t=np.zeros(0, int), neuron=np.zeros(0, int)), "the input has no event"),
    (coordinates(shape=[2, 3]), r"shape: expected \(samples, timesteps, n\) or .*, got \(2, 3\)"),
    (coordinates(shape=[2, 3, 0]), r"shape: expected .*, got \(2, 3, 0\)"),
    (coordinates(shape=[1 << 40, 1 << 40, 4]), r"shape: expected .* of at most 1073741824 entries"),
    ({"a": np.ones(2)}, r"expected 'input' \(with 'input_shape'\), or 'sample', 't', 'shape' .*; got a"),
    ({"input": np.zeros((2, 1, 3), np.uint8)}, "the input has no event"),
    ({"input": np.full((2, 1, 3), -1)}, r"input: expected numbers of spikes, integers 0..65535, got int64 -1..-1"),
    ({"input": np.full((2, 1, 3), 0.5)}, r"input: expected numbers of spikes, integers 0..65535, got float64"),
    (
        {"input": np.zeros((2, 1), np.uint8)},
        r"expected \(timesteps, samples, ...\) with 3 or 5 axes, got shape \(2, 1\)",
    ),
    ({"input": np.zeros(3, np.uint8)}, "expected an array 'input_shape', got input"),
    (
        {"input": np.zeros(3, np.uint8), "input_shape": np.array([2, 3, 7])},
        r"expected 6 packed bytes for \(2, 3, 7\), got 3 uint8",
    ),
    (
        {"input": np.array([{}, {}], dtype=object)},
        "input: truncated, corrupt or not a plain array: expected numbers, got object",
    ),
]


@pytest.mark.parametrize(("arrays", "message"), NPZ)
def test_malformed_npz(tmp_path, arrays, message):
    path = save(tmp_path / "x.npz", **arrays)
    with pytest.raises(EventError, match=message) as caught:
        read_events(path, 1 if "shape" not in arrays else min(3, int(arrays["shape"][1])))
    assert str(caught.value).startswith(f"{path}: ")


def test_pixel_coordinates_need_the_shape_of_an_image(tmp_path):
    arrays = coordinates()
    arrays |= {"y": arrays["t"], "x": arrays["t"], "c": arrays["t"]}
    del arrays["neuron"]
    with pytest.raises(EventError, match=r"'y', 'x', 'c' need a shape \(samples, timesteps, height, width, channels\)"):
        read_events(save(tmp_path / "x.npz", **arrays), 1)


def test_a_damaged_npz_is_an_error(tmp_path, active):
    path = save(tmp_path / "p.npz", input=np.packbits(active), input_shape=active.shape)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(EventError):
            read_events(path, 6)
    for place in range(20):
        rng = np.random.default_rng(place)
        damaged = bytearray(whole)
        damaged[int(rng.integers(0, len(whole) - 8)) :][:8] = rng.bytes(8)
        start = int(rng.integers(0, len(whole) - 8))
        damaged[start : start + 8] = rng.bytes(8)
        path.write_bytes(damaged)
        try:
            stream, _ = read_events(path, 6)
        except EventError:
            continue
        assert stream.size == 60


def test_a_header_cannot_ask_for_more_than_the_file_holds(tmp_path, active):
    path = tmp_path / "p.npz"
    with zipfile.ZipFile(path, "w") as file:
        header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }"
        member = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117) + b"\n" + b"\x00" * 16
        file.writestr("input.npy", member)
    with pytest.raises(
        EventError, match=r"input: truncated, corrupt .*: 16 bytes for shape \(1099511627776,\) of uint8"
    ):
        read_events(path, 1)


def test_size_limits(tmp_path, monkeypatch, active, pictures):
    path = save(tmp_path / "p.npz", input=np.packbits(active), input_shape=active.shape)
    monkeypatch.setattr(npz, "MAX_BYTES", 100)
    with pytest.raises(EventError, match=r"input: .* bytes, the limit is 100"):
        read_events(path, 6)
    (tmp_path / "x").write_bytes(idx(pictures))
    monkeypatch.setattr(images, "MAX_BYTES", 59)
    with pytest.raises(EventError, match=r"shape \(3, 4, 5\) is 60 bytes, the limit is 59"):
        read_images(tmp_path / "x")


def test_labels_of_an_npz(tmp_path):
    path = save(tmp_path / "p.npz", labels=np.array([3, 1]))
    assert read_npz_labels(path, "labels").tolist() == [3, 1]
    with pytest.raises(EventError, match="expected an array 'label', got labels"):
        read_npz_labels(path, "label")


def test_numbers_of_spikes_are_listed_as_often(tmp_path):
    spikes = np.random.default_rng(3).integers(0, 4, (5, 2, 2, 3, 4)).astype(np.uint8)
    np.savez(tmp_path / "x.npz", input=spikes.astype(np.float32))
    events, shape = read_events(tmp_path / "x.npz", 5)
    assert shape == (3, 4, 2) and events.total == spikes.sum()
    dense = np.zeros((2 * 5, 24), int)
    np.add.at(dense, (np.repeat(np.arange(10), np.diff(events.ptr)), events.index), 1)
    np.testing.assert_array_equal(dense.reshape(2, 5, 3, 4, 2), spikes.transpose(1, 0, 3, 4, 2))
