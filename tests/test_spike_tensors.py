"""Spike tensor files: the network that follows from the shapes, the neurons that fire, and every mistake in a file."""

import csv
import io
import itertools
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from accelsim.errors import AccelsimError, ConfigError, EventError, NetworkError
from accelsim.network.spike_tensors import MadeUp, read_spike_tensors
from accelsim.network.workload import load_workload
from accelsim.pipeline import flow

VGG = MadeUp(density=0.4, weight_bits=4, seed=3, kernel=3, padding=1, outputs=5)
MANIFEST = """\
name: recorded
description: a recording
recording:
  file: spikes.npz
  density: 0.4
  weight_bits: 4
  seed: 3
  kernel: 3
  padding: 1
  outputs: 5
provenance: {made: by hand}
"""


def tensors(steps=3):
    """An image, two convolutions of which the second is pooled, a third, pooled into a dense layer, and one more."""
    rng = np.random.default_rng(0)
    shapes = {"conv_1": (2, 6, 4), "conv_2": (3, 6, 4), "conv_3": (2, 3, 2), "fc_0": (4,), "fc_1": (7,)}
    drawn = {name: (rng.random((steps, *shape)) < 0.4).astype(np.uint8) for name, shape in shapes.items()}
    return {"conv_0": np.ones((1, 1, 6, 4), np.uint8), **drawn}


def packed(arrays, **changes):
    members = {}
    for name, array in arrays.items():
        members[f"{name}.shape"], members[f"{name}.bits"] = np.array(array.shape), np.packbits(array)
    members |= {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in members.items() if value is not None}


def save(path, members):
    np.savez_compressed(path, **members)
    return path


@pytest.fixture
def file(tmp_path):
    return save(tmp_path / "spikes.npz", packed(tensors()))




def test_shapes_and_order(file):
    network = read_spike_tensors(file, VGG).network
    shapes = {name: item.shape for name, item in network.populations.items()}
    assert shapes == {
        "input": (6, 4, 2), "conv_1": (6, 4, 3), "conv_2": (6, 4, 2), "conv_3": (3, 2, 4), "fc_0": (7,), "fc_1": (5,),
    }  # fmt: skip
    assert [edge.name for edge in network.projections] == [
        "input->conv_1", "conv_1->conv_2", "conv_2->conv_3", "conv_3->fc_0", "fc_0->fc_1",
    ]  # fmt: skip
    assert network.provenance["left_out"] == ["conv_0"]
    assert network.name == "spikes"


def test_every_spike_lies_where_it_was_recorded(file):
    recording, arrays = read_spike_tensors(file, VGG), tensors()
    trace = recording.trace()
    dense = {
        name: trace.dense(name, item.size).reshape(3, *item.shape)
        for name, item in recording.network.populations.items()
    }
    for name, tensor in (("input", "conv_1"), ("conv_1", "conv_2")):
        np.testing.assert_array_equal(dense[name], arrays[tensor].transpose(0, 2, 3, 1))
    # pooled: the first neuron of each window, and no other
    np.testing.assert_array_equal(dense["conv_2"][:, ::2, ::2], arrays["conv_3"].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(dense["conv_3"][:, 0, 0], arrays["fc_0"])
    np.testing.assert_array_equal(dense["fc_0"], arrays["fc_1"])
    for name, tensor in (("conv_2", "conv_3"), ("conv_3", "fc_0")):
        assert dense[name].sum() == arrays[tensor].sum() > 0
    assert dense["fc_1"].sum() == 0


def test_a_flattened_image_counts_channel_first(tmp_path):
    arrays = tensors()
    arrays["fc_0"] = (np.random.default_rng(1).random((3, 8)) < 0.5).astype(np.uint8)
    arrays["conv_3"] = (np.random.default_rng(2).random((3, 2, 4, 4)) < 0.5).astype(np.uint8)
    del arrays["conv_1"], arrays["conv_2"]
    recording = read_spike_tensors(save(tmp_path / "x.npz", packed(arrays)), VGG)
    spikes = recording.trace().dense("conv_3", 32).reshape(3, 4, 4, 2)
    np.testing.assert_array_equal(spikes[:, ::2, ::2], arrays["fc_0"].reshape(3, 2, 2, 2).transpose(0, 2, 3, 1))


def test_what_a_spike_reaches(file):
    """Touched neurons by a direct loop over pixels and taps of the pooled maps, from the tensors themselves."""
    recording, arrays = read_spike_tensors(file, VGG), tensors()
    trace, edges = recording.trace(), recording.network.projections
    for edge, name in zip(edges[:3], ("conv_1", "conv_2", "conv_3"), strict=True):
        rows, spikes = edge.connection.rows, arrays[name]
        shape = recording.network.populations[edge.target].shape
        expected = np.zeros((3, *shape), bool)
        for step, channel, y, x in np.argwhere(spikes):
            for ky in range(3):
                for kx in range(3):
                    at = (y + 1 - ky, x + 1 - kx)
                    if 0 <= at[0] < shape[0] and 0 <= at[1] < shape[1]:
                        expected[step, at[0], at[1]] |= rows[(channel * 3 + ky) * 3 + kx] != 0
        size = expected[0].size
        touched = np.unpackbits(trace.populations[edge.target].touched, axis=1, count=size).astype(bool)
        np.testing.assert_array_equal(touched.reshape(3, *shape), expected)
        assert 0 < touched.sum() < touched.size
    rows = edges[3].connection.rows  # one row per pooled neuron
    touched = np.unpackbits(trace.populations["fc_0"].touched, axis=1, count=7).astype(bool)
    expected = np.array([(rows[np.flatnonzero(step)] != 0).any(axis=0) for step in arrays["fc_0"]])
    np.testing.assert_array_equal(touched, expected)


def test_weights_have_the_stated_density_width_and_seed(tmp_path):
    arrays = {"conv_1": tensors()["conv_1"], "fc_0": np.ones((3, 6000), np.uint8)}
    arrays["fc_0"][:, 0] = 0
    path = save(tmp_path / "x.npz", packed(arrays))
    made = replace(VGG, density=0.25, weight_bits=4, outputs=10)
    edges = read_spike_tensors(path, made).network.projections
    values, counts = np.unique(np.concatenate([edge.connection.rows.ravel() for edge in edges]), return_counts=True)
    assert values.tolist() == list(range(-7, 8))
    shares = counts / counts.sum()
    assert abs(1 - shares[7] - 0.25) < 0.01
    np.testing.assert_allclose(np.delete(shares, 7), 0.25 / 14, rtol=0.15)
    assert {edge.connection.bits for edge in edges} == {4}

    def rows(options):
        return [edge.connection.rows for edge in read_spike_tensors(path, options).network.projections]

    for ours, same, other in zip(rows(made), rows(made), rows(replace(made, seed=4)), strict=True):
        np.testing.assert_array_equal(ours, same)
        assert (ours != other).any()


def test_a_last_tensor_without_time_says_how_many_neurons_there_are(tmp_path):
    arrays = {**tensors(), "fc_2": np.ones((1, 9), np.uint8)}
    network = read_spike_tensors(save(tmp_path / "x.npz", packed(arrays)), VGG).network
    assert network.output.name == "fc_1"
    assert network.output.size == 9
    assert network.provenance["left_out"] == ["conv_0", "fc_2"]


BROKEN = [
    ({"conv_1__shape": np.array([3, 2, 6])}, r"conv_1\.shape: expected \(timesteps, channels, .* got \(3, 2, 6\)"),
    ({"conv_1__shape": np.array([3, 2, 6, 0])}, r"conv_1\.shape: expected .* got \(3, 2, 6, 0\)"),
    ({"conv_1__shape": np.array([3, -2, 6, -4])}, r"conv_1\.shape: expected .* got \(3, -2, 6, -4\)"),
    ({"conv_1__shape": np.array([1 << 30, 2, 6, 4])}, r"at most 268435456 entries, got \(1073741824, 2"),
    ({"conv_1__shape": np.array([3.0, 2, 6, 4])}, r"conv_1\.shape: expected"),
    ({"conv_1__shape": np.array([4, 2, 6, 4])}, r"conv_1\.bits: expected 24 bytes for .* got uint8 of shape \(18,\)"),
    ({"conv_1__bits": np.zeros(18, np.int64)}, r"conv_1\.bits: expected 18 bytes for .* got int64"),
    ({"conv_2__bits": None}, r"expected an array 'conv_2\.bits', got"),
    ({"conv_2__bits": None, "conv_2__values": np.zeros(216)}, r"conv_2: expected conv_2\.bits, got values behind"),
    ({"conv_2__shape": np.array([2, 3, 6, 6])}, r"conv_2\.shape: expected 3 timesteps, as conv_1 has, got 2"),
    ({"conv_2__bits": np.array([None] * 27)}, r"conv_2\.bits: truncated, corrupt or not a plain array"),
    ({"input__shape": np.array([1, 1])}, r"none of them named input, got conv_0"),
    ({"conv_2__shape": np.array([3, 1, 12, 6])}, r"conv_1: 6 x 4 neurons .* 6 x 4 or 3 x 2, got 12 x 6"),
    ({"fc_1__shape": np.array([3, 7, 1, 1])}, r"fc_0: a convolution behind a dense layer is not represented"),
]


@pytest.mark.parametrize(("changes", "message"), BROKEN)
def test_broken_files(tmp_path, changes, message):
    path = save(tmp_path / "broken.npz", packed(tensors(), **changes))
    with pytest.raises(AccelsimError, match=message) as caught:
        read_spike_tensors(path, VGG)
    assert isinstance(caught.value, EventError | NetworkError)
    assert str(path) in str(caught.value)


def test_a_dense_layer_of_an_impossible_size(tmp_path):
    arrays = {"conv_1": tensors()["conv_1"], "fc_0": np.zeros((3, 7), np.uint8)}
    with pytest.raises(NetworkError, match="expected a multiple of 6 inputs of the dense layer behind, got 7"):
        read_spike_tensors(save(tmp_path / "x.npz", packed(arrays)), VGG)


def test_other_files(tmp_path):
    with pytest.raises(EventError, match="cannot read the file: No such file"):
        read_spike_tensors(tmp_path / "none.npz", VGG)
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(EventError, match="expected an npz file"):
        read_spike_tensors(tmp_path / "text.npz", VGG)
    with pytest.raises(EventError, match=r"expected NAME\.shape of 1\.\.1000 layers, .* got none"):
        read_spike_tensors(save(tmp_path / "x.npz", {"a": np.zeros(2)}), VGG)
    with pytest.raises(EventError, match="expected a layer whose input is spikes, got only conv_0"):
        read_spike_tensors(save(tmp_path / "y.npz", packed({"conv_0": tensors()["conv_0"]})), VGG)


def test_a_truncated_member(tmp_path, file):
    data = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(data, "w") as new:
        for item in old.infolist():
            body = old.read(item.filename)
            new.writestr(item.filename, body[:-3] if item.filename == "conv_2.bits.npy" else body)
    (tmp_path / "cut.npz").write_bytes(data.getvalue())
    with pytest.raises(EventError, match=r"conv_2\.bits: truncated, corrupt"):
        read_spike_tensors(tmp_path / "cut.npz", VGG)


@pytest.mark.parametrize(
    ("name", "value"),
    [("density", 1.5), ("density", float("nan")), ("weight_bits", 1), ("seed", -1), ("kernel", 0), ("outputs", 0)],
)
def test_what_is_made_up_is_checked(name, value):
    with pytest.raises(NetworkError, match=f"{name}: expected .*got {value}"):
        replace(VGG, **{name: value})


def test_a_workload_of_recorded_spikes_runs(tmp_path, file):
    (tmp_path / "workload.yaml").write_text(MANIFEST)
    load = load_workload(tmp_path)
    assert (load.seed, load.timesteps, load.labels) == (3, 3, None)
    assert set(load.hashes) == {"workload.yaml", "spikes.npz"}
    result = flow.run("core", tmp_path, samples=1, threads=1)
    trace = load.recording.trace()
    sops = sum(
        int(edge.connection.fan_out()[trace.populations[edge.source].index].sum()) for edge in load.network.projections
    )
    assert result.totals["sops"].value == sops > 0
    assert result.workload["encoding"] == "recorded"
    assert any("recorded spikes were replayed" in line for line in result.warnings)
    assert any("density 0.4, seed 3" in line for line in result.workload["assumptions"])
    with pytest.raises(EventError, match="asked for 2 samples, the input has 1"):
        load_workload(tmp_path, samples=2)


def test_mistakes_in_the_description_have_a_line(tmp_path, file):
    wrong = MANIFEST.replace("density: 0.4", "density: 2.0").replace("kernel", "kernle")
    (tmp_path / "workload.yaml").write_text(wrong)
    with pytest.raises(ConfigError) as caught:
        load_workload(tmp_path)
    text = str(caught.value)
    assert "workload.yaml:5: recording.density: expected at most 1, got 2.0" in text
    assert "workload.yaml:8: recording.kernle" in text
    assert "Known: density, file, kernel, outputs" in text
    assert "recording.kernel: expected a value, got nothing" in text
    (tmp_path / "workload.yaml").write_text(MANIFEST + "timesteps: 3\n")
    with pytest.raises(ConfigError, match=r"timesteps: .*Known: description, name, provenance, recording"):
        load_workload(tmp_path)


FILES = {
    "vgg9_cifar10": MadeUp(density=0.1, weight_bits=8, seed=1, kernel=3, padding=1, outputs=10),
    "lenet5_mnist": MadeUp(density=0.5, weight_bits=8, seed=1, kernel=5, padding=0, outputs=10),
}


@pytest.mark.parametrize("name", FILES)
def test_row_passes_of_real_files_are_those_of_another_simulator(shared_data, name):
    """Row passes x blocks of 128 filters are the compute cycles of Prosperity's bit-serial models, layer by layer."""
    folder = shared_data / "spike_tensors"
    with (folder / "prosperity_small_oracle.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["network"] == name and row["model"] == "MINT"]
    expected = {row["layer"]: int(row["compute_cycles"]) for row in rows if row["layer"].startswith(("conv", "fc"))}
    recording = read_spike_tensors(folder / f"{name}.npz", FILES[name])
    trace, passes = recording.trace(), {}
    for edge in recording.network.projections:
        runs = np.diff(edge.connection.run_ptr)[trace.populations[edge.source].index].sum()
        passes[edge.target] = int(runs) * -(-edge.connection.run_length // 128)
    assert len(expected) >= 3
    assert {layer: passes[layer] for layer in expected} == expected


def test_the_real_vgg16(shared_data):
    path = shared_data / "spike_tensors" / "vgg16_cifar10_loas.npz"
    recording = read_spike_tensors(path, replace(FILES["vgg9_cifar10"], density=0.0177))
    network = recording.network
    assert network.neurons == 210_954
    assert network.populations["Conv2d_12"].shape == (2, 2, 512)
    channels = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    weights = sum(9 * a * b for a, b in itertools.pairwise(channels)) + 512 * 10
    assert sum(edge.connection.rows.size for edge in network.projections) == weights
    with np.load(path) as raw:
        stored = sum(int(np.unpackbits(raw[key]).sum()) for key in raw.files if key.endswith(".bits"))
    assert sum(events.total for events in recording.spikes.values()) == stored - 3 * 32 * 32
