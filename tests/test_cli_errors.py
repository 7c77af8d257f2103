"""Every bad input through the real command line: exit code 2, a message that says where and what, no traceback."""

import re
import shutil
import sys
import time

import h5py
import numpy as np
import pytest
from network_builders import chain, flatten, lif, neuron_if, write_graph

from accelsim.cli.app import main
from accelsim.network.workload import workload_folder

MANIFEST = """\
name: tiny
description: two pixels high, three wide
network:
  file: net.nir
  dialect: euler
  dt: 1 s
  reset: subtract
  threshold_op: ">"
  quantize: {bits: 8, granularity: tensor}
input:
  file: events.npz
  encoding: events
timesteps: 4
decoding: rate
provenance:
  made: by hand
"""
IMAGES = ("file: events.npz\n  encoding: events", "file: images.idx\n  encoding: {encoding}")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run the command line in this process; return exit code, stdout, stderr."""
    monkeypatch.setenv("ACCELSIM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["accelsim", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "tiny"
    path.mkdir()
    (path / "workload.yaml").write_text(MANIFEST)
    network(path)
    coordinates(path)
    return path


def network(folder, weight=None, shape=(1, 2, 3), neurons=None):
    weight = np.linspace(-0.4, 1, 12).reshape(2, 6) if weight is None else weight
    middle = {"f": flatten(shape), "fc": ("Linear", {"weight": weight})}
    (folder / "net.nir").unlink(missing_ok=True)
    chain(folder / "net.nir", shape, middle, neurons or neuron_if((2,)), (2,))


def coordinates(folder, sample=(0, 0, 1, 1), t=(0, 2, 1, 3), neuron=(0, 5, 3, 2), shape=(2, 4, 2, 3, 1)):
    y, x, c = np.unravel_index(np.clip(np.asarray(neuron, np.int64), 0, 5), (2, 3, 1))
    y = np.where(np.asarray(neuron) > 5, neuron, y)
    columns = {"sample": sample, "t": t, "y": y, "x": x, "c": c, "shape": shape}
    np.savez(folder / "events.npz", **{name: np.asarray(value, np.int64) for name, value in columns.items()})


def edit(folder, old, new):
    text = (folder / "workload.yaml").read_text()
    assert old in text
    (folder / "workload.yaml").write_text(text.replace(old, new))


def images(folder, pixels, encoding, extra=""):
    header = bytes([0, 0, 8, 3]) + np.array(pixels.shape, dtype=">u4").tobytes()
    (folder / "images.idx").write_bytes(header + pixels.astype(np.uint8).tobytes())
    edit(folder, IMAGES[0], IMAGES[1].format(encoding=encoding) + extra)


def refused(done, pattern):
    code, out, err = done
    assert code == 2, (code, out, err)
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("error: ")
    assert re.search(pattern, err), err


def test_the_good_input_runs(command, folder):
    """The inputs below are this one with one thing wrong each."""
    code, out, err = command("run", "--workload", folder, "--samples", 2)
    assert (code, err) == (0, "") and "workload tiny" in out


def test_a_good_folder_is_written(command, folder, tmp_path):
    """The folders below are this one with one thing wrong each."""
    code, _, err = command("run", "--workload", folder, "--samples", 2, "--out", tmp_path / "out", "--no-figures")
    assert (code, err) == (0, "")
    assert (tmp_path / "out" / "result.json").stat().st_size > 1000
    code, again, err = command("report", tmp_path / "out")
    assert (code, err) == (0, "") and "workload tiny" in again


HARDWARE = {
    "unknown key": (
        "core: {synapse_lane: 8}\n",
        r"chip\.yaml:2: core\.synapse_lane: expected a known key, got 'synapse_lane'; did you mean 'synapse_lanes'\?",
    ),
    "wrong unit": ("clock: 5 pJ\n", r"chip\.yaml:2: clock: expected a frequency .*; got unit 'pJ' in '5 pJ'"),
    "no unit": ("clock: 200\n", r"chip\.yaml:2: clock: expected a frequency such as '1 MHz', got 200"),
    "repeated key": (
        "core: {scan: all}\ncore: {scan: touched}\n",
        r"chip\.yaml:3: core: repeated key, first written in line 2",
    ),
    "negative capacity": (
        "core: {synapse_memory: {capacity: -64 KiB}}\n",
        r"chip\.yaml:2: core\.synapse_memory\.capacity: expected .*-64 KiB",
    ),
    "capacity of zero": (
        "core: {synapse_memory: {capacity: 0 KiB}}\n",
        r"chip\.yaml:2: core\.synapse_memory\.capacity: expected .*0 KiB",
    ),
    "negative count": (
        "core: {synapse_lanes: -8}\n",
        r"chip\.yaml:2: core\.synapse_lanes: expected at least 1, got -8",
    ),
    "unsupported node": (
        "technology: {node: 5 nm}\n",
        r"synapse_memory\.read.*: SRAM node: expected 22..90 nm, got 5 nm",
    ),
    "tag that runs code": ('name: !!python/object/apply:os.system ["touch {marker}"]\n', r"chip\.yaml:2: .*tag"),
    "tag of another kind": ('name: !!python/name:os.system ""\n', r"chip\.yaml:2: .*tag"),
    "10^9 cores": ("noc: {size: [31623, 31623]}\n", r"chip\.yaml:2: noc: .*1000014129 routers are more than the 4096"),
    "10^9 lanes": ("core: {synapse_lanes: 1000000000}\n", r"chip\.yaml:2: core\.synapse_lanes: expected at most 4096"),
    "not yaml": ("core: [\n", r"chip\.yaml:\d+: "),
    "extends nothing": (None, r"chip\.yaml:1: extends: unknown hardware preset 'cor'; did you mean 'core'\?"),
    "unknown topology": ("noc: {topology: mehs}\n", r"unknown topology 'mehs'; did you mean 'mesh'\?"),
}


@pytest.mark.parametrize("case", HARDWARE)
def test_hardware_files(command, folder, tmp_path, case):
    text, pattern = HARDWARE[case]
    file, marker = tmp_path / "chip.yaml", tmp_path / "was_run"
    file.write_text("extends: cor\n" if text is None else "extends: core\n" + text.replace("{marker}", str(marker)))
    began = time.monotonic()
    refused(command("run", "--hw", file, "--workload", folder, "--samples", 1), pattern)
    assert time.monotonic() - began < 5  # loose: it is refused before anything is built
    assert not marker.exists()


def test_names_and_options(command, folder, tmp_path):
    run = ("run", "--workload", folder, "--samples", 1)
    for words, pattern in (
        (
            ("--hw", tmp_path / "gone.yaml"),
            r"gone\.yaml: expected a readable YAML file, got: No such file or directory",
        ),
        (("--hw", "cor"), r"preset 'cor'; did you mean 'core'\? Known: core, .*large, "),
        (
            ("--set", "core.synapse_memory.bank=8"),
            r"--set core\.synapse_memory\.bank=8: .*mean core\.synapse_memory\.banks",
        ),
        (("--set", "core.synapse_lanes"), r"--set core\.synapse_lanes: expected dotted\.path=value, got no '='"),
        (("--set", "core.synapse_lanes=8 pJ"), r"core\.synapse_lanes: expected an integer, got '8 pJ'"),
        (("--set", "noc.size=[31623, 31623]"), r"1000014129 routers are more than the 4096"),
    ):
        refused(command(*run, *words), pattern)
    refused(
        command("run", "--workload", "mnist_con"), r"unknown workload 'mnist_con'; did you mean 'mnist_conv'\? Known: "
    )
    refused(command("run", "--workload", tmp_path / "gone"), r"gone: expected a workload folder with workload\.yaml")
    refused(command("run", "--workload", folder, "--samples", 3), r"asked for 3 samples, the input has 2")
    refused(command("run", "--samples", 65), r"asked for 65 samples, the input has 64")


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (("--samples", "0"), r"--samples"),
        (("--threads", "0"), r"--threads"),
        (("--engine", "fast"), r"unknown engine 'fast'.* Known: compiled, reference"),
        (("--hardware", "core"), r"No such option: --hardware"),
    ],
)
def test_wrong_usage(command, words, pattern):
    code, out, err = command("run", *words)
    assert (code, out) == (2, "") and re.search(pattern, err) and "Traceback" not in err


def not_nir(folder):
    (folder / "net.nir").write_text("this is a text file\n")


def truncated(folder):
    whole = (workload_folder() / "mnist_conv" / "network.nir").read_bytes()
    (folder / "net.nir").write_bytes(whole[: len(whole) // 2])


def hdf5_without_a_graph(folder):
    (folder / "net.nir").unlink()
    with h5py.File(folder / "net.nir", "w") as file:
        file["x"] = np.arange(3)


def nan_weight(folder):
    weight = np.ones((2, 6))
    weight[1, 2] = np.nan
    network(folder, weight)


def infinite_threshold(folder):
    network(folder, neurons=neuron_if((2,), threshold=np.inf))


def unsupported_node(folder):
    (folder / "net.nir").unlink()
    nodes = {"input": ("Input", {"shape": (6,)}), "odd": ("Conv3d", {}),
             "output": ("Output", {"shape": (6,)})}  # fmt: skip
    write_graph(folder / "net.nir", nodes, [("input", "odd"), ("odd", "output")])


def weights_of_another_shape(folder):
    network(folder, np.ones((2, 5)))


def input_of_another_shape(folder):
    network(folder, np.ones((2, 12)), shape=(1, 3, 4))


def neurons_of_another_shape(folder):
    network(folder, neurons=lif((3,), tau=2.0, r=2.0))


def event_out_of_range(folder):
    coordinates(folder, neuron=(0, 9, 3, 2))


def negative_time(folder):
    coordinates(folder, t=(0, -1, 1, 3))


def late_event(folder):
    coordinates(folder, t=(0, 2, 1, 4))


def time_goes_back(folder):
    coordinates(folder, t=(2, 0, 1, 3))


def samples_go_back(folder):
    coordinates(folder, sample=(1, 1, 0, 0))


def no_events(folder):
    coordinates(folder, sample=(), t=(), neuron=())


def no_file(folder):
    (folder / "events.npz").unlink()


def truncated_events(folder):
    whole = (folder / "events.npz").read_bytes()
    (folder / "events.npz").write_bytes(whole[: len(whole) // 2])


def pickled_events(folder):
    np.savez(folder / "events.npz", input=np.array([{"a": 1}], dtype=object), input_shape=np.array([1]))


def black_images(folder):
    images(folder, np.zeros((2, 2, 3)), "latency")


def too_long(folder):
    edit(folder, "timesteps: 4", "timesteps: 5")


def wrong_labels(folder):
    edit(folder, "timesteps: 4", "labels: {file: events.npz, key: t}\ntimesteps: 4")


def unknown_key(folder):
    edit(folder, "decoding: rate", "decoding: rate\ntimestep: 4")


def tag(folder):
    edit(folder, "made: by hand", "made: !!python/object/apply:os.getcwd []")


WORKLOADS = [
    (not_nir, r"net\.nir: .*HDF5"),
    (truncated, r"net\.nir: .*truncated"),
    (hdf5_without_a_graph, r"net\.nir: .*(NIR|node)"),
    (nan_weight, r"net\.nir: .*fc.*(NaN|finite)"),
    (infinite_threshold, r"net\.nir: .*neurons.*(infinite|finite)"),
    (unsupported_node, r"net\.nir: .*odd.*Conv3d"),
    (weights_of_another_shape, r"net\.nir: .*fc.*5"),
    (input_of_another_shape, r"events\.npz: shape of a sample: expected \(3, 4, 1\), .*, got \(2, 3, 1\)"),
    (neurons_of_another_shape, r"net\.nir: .*neurons.*3"),
    (event_out_of_range, r"events\.npz: y: entry 1: 9 is outside 0\.\.1|events\.npz: .*y.* 9 .*0\.\.1"),
    (negative_time, r"events\.npz: .*t.* -1 .*0\.\.3"),
    (late_event, r"events\.npz: .*t.* 4 .*0\.\.3"),
    (time_goes_back, r"events\.npz: .*(order|before|earlier|sorted)"),
    (samples_go_back, r"events\.npz: .*(order|before|earlier|sorted)"),
    (no_events, r"events\.npz: the input has no event"),
    (no_file, r"events\.npz: cannot read the file: No such file or directory"),
    (truncated_events, r"events\.npz: expected an npz file, got another format or a truncated one"),
    (pickled_events, r"events\.npz: input: truncated, corrupt or not a plain array: expected numbers, got object"),
    (black_images, r"images\.idx: the input has no event: every pixel is zero"),
    (too_long, r"events\.npz: expected at least 5 timesteps, the recording has 4"),
    (wrong_labels, r"events\.npz: expected 2 labels, one per sample of events\.npz, got 4"),
    (unknown_key, r"workload\.yaml:15: timestep: expected a known key, got 'timestep'; did you mean 'timesteps'\?"),
    (tag, r"workload\.yaml:16: .*tag"),
]


@pytest.mark.parametrize(("spoil", "pattern"), WORKLOADS, ids=lambda item: getattr(item, "__name__", ""))
def test_workloads(command, folder, spoil, pattern):
    spoil(folder)
    refused(command("run", "--workload", folder, "--samples", 1), pattern)


def test_too_large_for_the_chip(command):
    one = ("--set", "noc.size=[1, 1]", "--set", "ports[1].router=[0, 0]")
    refused(
        command("run", "--samples", 1, *one),
        r"population \S+ does not fit 1 cores: core\.\S+ would have to hold \d+ words .* hold \d+ words .* missing",
    )
    two = ("--set", "noc.size=[2, 2]", "--set", "ports[1].router=[1, 1]")
    refused(
        command("run", "--samples", 1, *two),
        r"the network needs \d+ cores, the chip has 4: core\.\S+ is the scarcest, \d+ words .* needed",
    )


def test_graded_input_needs_mac_lanes(command, folder):
    images(folder, np.arange(12).reshape(2, 2, 3) * 20, "graded", "\n  value_bits: 4")
    run = ("run", "--workload", folder, "--samples", 1)
    refused(
        command(*run, "--set", "core.mac_lanes=0"), r"input: graded needs packets with values, but core\.mac_lanes is 0"
    )
    assert command(*run)[0] == 0


@pytest.mark.parametrize("place", ["file", "file/below", "full"])
def test_a_folder_that_cannot_be_written(command, folder, tmp_path, place):
    (tmp_path / "file").write_text("not a folder\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "result.json").mkdir()
    refused(
        command("run", "--workload", folder, "--samples", 1, "--out", tmp_path / place, "--no-figures"),
        re.escape(str(tmp_path)),
    )
    assert (tmp_path / "file").read_text() == "not a folder\n"


def test_reports_of_nothing(command, tmp_path):
    refused(command("report", tmp_path / "gone"), r"gone")
    (tmp_path / "result.json").write_text('{"version": 1, ')
    refused(command("report", tmp_path), r"result\.json: ")
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
