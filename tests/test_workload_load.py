"""Workload folders: the bundled ones load, inputs reach the neurons in order, and every mistake is located."""

import hashlib
import shutil

import numpy as np
import pytest
from network_builders import chain, flatten, lif, neuron_if

from accelsim.errors import AccelsimError, ConfigError, EventError, NetworkError, UnknownNameError, WorkloadError
from accelsim.network.events import A_FEW, Limit
from accelsim.network.workload import load_workload, workload_folder, workload_names
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky
from accelsim.pipeline.flow import run

MANIFEST = """\
name: tiny
description: two pixels high, three wide
network:
  file: net.nir
  dialect: euler
  dt: 1 s
  reset: subtract
  threshold_op: ">"
  quantize: none
input:
  file: images.idx
  encoding: latency
labels: labels.idx
timesteps: 4
decoding: rate
provenance:
  made: by hand
"""
PIXELS = np.array([[[255, 0, 51], [102, 0, 0]], [[0, 0, 0], [0, 0, 1]]], np.uint8)


def idx(array):
    return (
        bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.astype(np.uint8).tobytes()
    )


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "tiny"
    path.mkdir()
    (path / "workload.yaml").write_text(MANIFEST)
    (path / "images.idx").write_bytes(idx(PIXELS))
    (path / "labels.idx").write_bytes(idx(np.array([1, 0])))
    middle = {"f": flatten((1, 2, 3)), "fc": ("Linear", {"weight": np.arange(12.0).reshape(2, 6)})}
    chain(path / "net.nir", (1, 2, 3), middle, neuron_if((2,)), (2,))
    return path


def edit(folder, *changes):
    text = MANIFEST
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "workload.yaml").write_text(text)
    return folder


def test_a_folder_is_loaded_whole(folder):
    workload = load_workload(folder)
    assert (workload.name, workload.timesteps, workload.decoding, workload.seed) == ("tiny", 4, "rate", None)
    assert workload.description == "two pixels high, three wide" and workload.folder == folder
    assert workload.network.name == "tiny" and workload.network.input.shape == (2, 3, 1)
    assert workload.labels.tolist() == [1, 0]
    # (1 - x/255) 4: 255 at 0, 102 at floor(2.4), 51 at floor(3.2), 1 at floor(3.98)
    ptr = workload.events.ptr.tolist()
    assert ptr == [0, 1, 1, 2, 3, 3, 3, 3, 4] and workload.events.index.tolist() == [0, 3, 2, 5]
    assert workload.provenance["stated"] == {"made": "by hand"}
    assert workload.provenance["network"]["dialect"] == "euler"
    assert workload.provenance["description"]["network"]["dt"] == "1 s"
    assert workload.hashes == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("workload.yaml", "net.nir", "images.idx", "labels.idx")
    }


def test_the_file_itself_a_relative_path_and_fewer_samples(folder, monkeypatch):
    assert load_workload(folder / "workload.yaml", samples=1).events.samples == 1
    assert load_workload(folder, samples=1).labels.tolist() == [1]
    monkeypatch.chdir(folder.parent)
    assert load_workload("tiny").name == "tiny"
    with pytest.raises(EventError, match="asked for 3 samples, the input has 2"):
        load_workload(folder, samples=3)
    with pytest.raises(WorkloadError, match="samples: expected at least 1, got 0"):
        load_workload(folder, samples=0)


def test_overrides_change_the_description(folder):
    workload = load_workload(folder, overrides=["timesteps=2", "network.quantize={bits: 4, granularity: channel}"])
    assert workload.timesteps == workload.events.timesteps == 2
    assert workload.network.integer and workload.network.projections[0].connection.bits == 4
    assert workload.provenance["network"]["quantization"]["bits"] == 4
    assert workload.provenance["description"]["timesteps"] == 2


def test_graded_input_enters_the_scale_of_an_integer_network(folder):
    graded = [("encoding: latency", "encoding: graded\n  value_bits: 8")]
    real = load_workload(edit(folder, *graded))
    assert real.events.value.dtype == np.float32 and real.events.value_scale == 1.0
    integer = load_workload(edit(folder, *graded, ("quantize: none", "quantize: {bits: 5, granularity: tensor}")))
    assert integer.events.value.tolist()[:3] == [255, 51, 102]
    # The weights 0..11 are on a grid of step 1 already: the scale is that of the input alone.
    np.testing.assert_allclose(integer.network.output.scale, 1 / 255)
    assert integer.network.output.model.threshold.tolist() == [255, 255]


def test_a_flat_input_counts_pixels_as_the_framework_flattens_them(folder):
    middle = {"fc": ("Linear", {"weight": np.arange(12.0).reshape(2, 6)})}
    chain(folder / "net.nir", (6,), middle, neuron_if((2,)), (2,))
    workload = load_workload(folder)
    assert workload.network.input.shape == (6,) and workload.events.index.tolist() == [0, 3, 2, 5]


def test_poisson_takes_its_seed_from_the_file(folder):
    edit(folder, ("encoding: latency", "encoding: poisson\n  rate: 1.0\n  seed: 9"))
    workload = load_workload(folder)
    assert workload.seed == 9
    draw = np.random.Generator(np.random.Philox(key=np.array([9, 1], np.uint64))).random((4, 1, 2, 3))
    expected = np.count_nonzero(draw < PIXELS[1] / 255)
    assert workload.events.ptr[-1] - workload.events.ptr[4] == expected


def test_recorded_events_and_labels_of_one_npz(folder):
    spikes = np.random.default_rng(0).random((5, 2, 1, 2, 3)) < 0.5
    np.savez(folder / "x.npz", input=np.packbits(spikes), input_shape=spikes.shape, y=np.array([0, 1]))
    edit(
        folder,
        ("file: images.idx\n  encoding: latency", "file: x.npz\n  encoding: events"),
        ("labels: labels.idx", "labels: {file: x.npz, key: y}"),
    )
    workload = load_workload(folder)
    assert workload.events.total == np.count_nonzero(spikes[:4]) and workload.labels.tolist() == [0, 1]
    assert set(workload.hashes) == {"workload.yaml", "net.nir", "x.npz"}


def test_bundled_workloads_load(shared_data):
    assert "snntorch_conv" in workload_names()
    for name in workload_names():
        workload = load_workload(name, samples=1)
        assert workload.name == name and workload.events.total > 0
        assert (workload.labels is None) == (name == "dense_256")  # random spikes
        assert (workload_folder() / name / "README.md").is_file()


def test_snntorch_conv_is_the_recording(shared_data):
    workload = load_workload("snntorch_conv")
    data = np.load(shared_data / "oracles" / "snntorch" / "snntorch_subtract_nodelay.npz")
    spikes = np.unpackbits(data["input"]).reshape(data["input_shape"])
    assert (workload.events.samples, workload.timesteps) == (32, 16)
    np.testing.assert_array_equal(np.diff(workload.events.ptr), spikes.sum(axis=(2, 3, 4)).T.ravel())
    np.testing.assert_array_equal(workload.labels, data["labels"])
    assert not workload.network.integer and isinstance(workload.network.output.model, SnnTorchLeaky)


DT = "network.dt: expected a time such as '1 ns'"
LOCATED = [
    (("dt: 1 s", "dt: 1"), f"6: {DT}, got 1"),
    (("dt: 1 s", "dt: 1 V"), f"6: {DT} in one of ps, ns, us, ms, s; got unit 'V' in '1 V'"),
    (("dt: 1 s", "dt: 0 s"), "6: network.dt: expected more than 0, got '0 s'"),
    (("reset: subtract", "spike_mode: many"), "7: network.spike_mode: expected 'single' or 'multi', got 'many'"),
    (("reset: subtract", "refractory: 128"), "7: network.refractory: expected at most 127, got 128"),
    (("  quantize: none\n", ""), "3: network.quantize: expected a value, got nothing: the key is missing"),
    (
        ("dialect: euler", "dialect: eulr"),
        "5: network.dialect: expected a known dialect, got 'eulr'. Known: euler, nir-strict",
    ),
    (
        ("reset: subtract", "reset: soft"),
        "7: network.reset: expected 'subtract', 'zero', 'v_reset' or 'none', got 'soft'",
    ),
    (('op: ">"', 'op: "<"'), "8: network.threshold_op: expected '>' or '>=', got '<'"),
    (("quantize: none", "quantize: 8"), "9: network.quantize: expected a mapping of keys or 'none' or 'grid', got 8"),
    (
        ("quantize: none", "quantize: {bits: 1, granularity: row}"),
        "9: network.quantize.bits: expected 2..16, 'ternary' or 'binary', got 1",
    ),
    (
        ("encoding: latency", "encoding: ttfs"),
        "12: input.encoding: expected a known encoding, got 'ttfs'. Known: bias_current",
    ),
    (
        ("encoding: latency", "encoding: latency\n  rate: 0.5"),
        "13: input.rate: expected no such key for encoding latency, got 0.5",
    ),
    (
        ("encoding: latency", "encoding: graded"),
        "10: input.value_bits: expected a value for encoding graded, got nothing",
    ),
    (("encoding: latency", "encoding: poisson\n  rate: 2\n  seed: 1"), "13: input.rate: expected at most 1, got 2"),
    (("labels: labels.idx", "labels: 3"), "13: labels: expected text or a mapping of keys, got 3"),
    (("labels: labels.idx", "labels: {file: x}"), "13: labels.key: expected a value, got nothing: the key is missing"),
    (("timesteps: 4", "timesteps: 4.0"), "14: timesteps: expected an integer, got 4.0"),
    (("timesteps: 4", "timesteps: 0"), "14: timesteps: expected at least 1, got 0"),
    (
        ("decoding: rate", "decoding: argmax"),
        "15: decoding: expected 'rate', 'membrane', 'membrane_max' or 'first_spike', got 'argmax'",
    ),
    (
        ("name: tiny", "nmae: tiny"),
        "1: nmae: expected a known key, got 'nmae'; did you mean 'name'? Known: ann, decoding, description",
    ),
    (("name: tiny", "name: tiny\nname: two"), "2: name: repeated key, first written in line 1"),
]


@pytest.mark.parametrize(("change", "message"), LOCATED)
def test_mistakes_in_the_description_are_located(folder, change, message):
    edit(folder, change)
    with pytest.raises(ConfigError) as caught:
        load_workload(folder)
    assert any(problem.startswith(f"{folder / 'workload.yaml'}:{message}") for problem in caught.value.problems), str(
        caught.value
    )


def test_all_mistakes_of_a_file_are_told_at_once(folder):
    edit(folder, ("dt: 1 s", "dt: 1"), ("timesteps: 4", "timesteps: 0"), ("decoding: rate", "decoding: x"))
    with pytest.raises(ConfigError) as caught:
        load_workload(folder)
    lines = [
        int(problem.removeprefix(str(folder / "workload.yaml")).split(":")[1]) for problem in caught.value.problems
    ]
    assert lines == [6, 14, 15]
    edit(folder, ("quantize: none", "quantize: {bits: 1, granularity: row, x: 1}"))
    with pytest.raises(ConfigError) as caught:
        load_workload(folder)
    assert len(caught.value.problems) == 3  # and none for the alternative 'none'


MISFITS = [
    (
        ("decoding: rate", "decoding: membrane"),
        WorkloadError,
        "expected rate or first_spike, as the output 'neurons' is spiking",
    ),
    (("file: net.nir", "file: gone.nir"), NetworkError, "gone.nir: cannot read the network file: No such file"),
    (("file: images.idx", "file: gone.idx"), EventError, "gone.idx: cannot read the file: No such file"),
    (("labels: labels.idx", "labels: images.idx"), EventError, "expected an idx file of bytes with 1 axes"),
    (("threshold_op", "reset_delay: true\n  threshold_op"), NetworkError, "reset_delay: expected false, got true"),
    (("  dt: 1 s\n", ""), NetworkError, r"dt: expected a positive time, got nothing; .* stated \(network.dt\)"),
    (("  reset: subtract\n", ""), NetworkError, "reset: expected subtract or zero or v_reset or none, got nothing"),
    (('  threshold_op: ">"\n', ""), NetworkError, "threshold_op: expected '>' or '>=', got nothing"),
    (("reset: subtract", "spike_mode: multi\n  reset: zero"), NetworkError, "spike_mode: expected no such choice"),
    (
        ("quantize: none", "quantize: {bits: binary, granularity: tensor}"),
        NetworkError,
        "network.quantize: population neurons: bin",
    ),
]


@pytest.mark.parametrize(("change", "kind", "message"), MISFITS)
def test_parts_that_do_not_fit_together(folder, change, kind, message):
    edit(folder, change)
    with pytest.raises(kind, match=message):
        load_workload(folder)


def test_labels_are_checked_against_samples_and_outputs(folder):
    (folder / "labels.idx").write_bytes(idx(np.array([1, 0, 1])))
    with pytest.raises(EventError, match=r"labels.idx: expected 2 labels, one per sample of images.idx, got 3"):
        load_workload(folder)
    (folder / "labels.idx").write_bytes(idx(np.array([1, 2])))
    with pytest.raises(EventError, match=r"labels.idx: label 1: 2 is outside 0..1"):
        load_workload(folder)


def test_images_are_checked_against_the_network(folder):
    (folder / "images.idx").write_bytes(idx(np.ones((2, 3, 2))))
    with pytest.raises(
        WorkloadError, match=r"shape of a sample: expected \(2, 3, 1\), .* network tiny, got \(3, 2, 1\)"
    ):
        load_workload(folder)
    (folder / "images.idx").write_bytes(idx(np.zeros((2, 2, 3))))
    with pytest.raises(EventError, match=r"images.idx: the input has no event: every pixel is zero"):
        load_workload(folder)


def test_a_readout_is_decoded_by_its_membrane(folder):
    middle = {"f": flatten((1, 2, 3)), "fc": ("Linear", {"weight": np.arange(12.0).reshape(2, 6)})}
    kind, values = lif((2,), tau=2.0, r=2.0)
    readout = ("LI", {key: values[key] for key in ("tau", "r", "v_leak")})
    assert kind == "LIF"
    chain(folder / "net.nir", (1, 2, 3), middle, readout, (2,))
    with pytest.raises(
        WorkloadError, match="expected membrane or membrane_max, as the output 'neurons' is a readout that does not"
    ):
        load_workload(folder)
    assert not load_workload(edit(folder, ("decoding: rate", "decoding: membrane"))).network.output.model.spiking


def test_unknown_names_and_empty_folders(folder):
    with pytest.raises(
        UnknownNameError, match=r"unknown workload 'snntorch_con'; did you mean 'snntorch_conv'\? Known: .*snntorch_"
    ):
        load_workload("snntorch_con")
    (folder / "workload.yaml").unlink()
    with pytest.raises(
        WorkloadError, match=r"workload.yaml: expected a workload folder with workload.yaml, or the name of a bundled"
    ):
        load_workload(folder)
    shutil.rmtree(folder)
    with pytest.raises(AccelsimError, match="expected a workload folder"):
        load_workload(folder)


def test_a_limit_may_be_more_than_there_is():
    most = load_workload("mnist_conv").events.samples
    assert load_workload("mnist_conv", Limit(most + 5, exact=False)).events.samples == most
    assert load_workload("dense_256", A_FEW).events.samples == 1
    for name in ("mnist_conv", "dense_256"):
        with pytest.raises(EventError, match=r"asked for 1000 samples, the input has \d+"):
            load_workload(name, 1000)


def test_a_workload_may_name_its_ann(folder):
    assert load_workload(folder).ann is None
    assert "assumed" in run("core", folder, cache=False).baseline.activations
    edit(folder, ("labels: labels.idx", "labels: labels.idx\nann: net.nir"))
    assert load_workload(folder).ann == folder / "net.nir"
    found = run("core", folder, cache=False)
    assert found.baseline.activations.startswith("activations of the given ANN")
    assert "ann/net.nir" in found.meta["hashes"] and "--ann" not in found.meta["command"]
    edit(folder, ("labels: labels.idx", "labels: labels.idx\nann: gone.nir"))
    with pytest.raises(AccelsimError, match=r"gone\.nir"):
        run("core", folder, cache=False)
