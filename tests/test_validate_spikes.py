"""``accelsim validate spikes``: recordings of four frameworks, and differences that it must find."""

import numpy as np
import pytest
from functional_builders import random_events, random_graph
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import EventError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.multi_spike import MultiSpikeLIF
from accelsim.validation.spike_recording import layer_keys, read_counts
from accelsim.validation.spikes import compare_spikes

INPUT = ["--input", "snntorch/snntorch_subtract_nodelay.npz"]
ORACLES = [
    ("snntorch/snntorch_conv_mnist.nir", "snntorch/snntorch_subtract_nodelay.npz",
     ["--dialect", "snntorch", "--no-reset-delay"], (3, 500)),
    ("snntorch/snntorch_conv_mnist.nir", "snntorch/snntorch_zero_nodelay.npz",
     ["--dialect", "snntorch", "--no-reset-delay", "--reset", "zero"], (3, 286)),
    ("norse/norse_lif_dt1.nir", "norse/norse_lif.npz", [*INPUT, "--dialect", "norse"], (3, None)),
    ("norse/norse_lif_dt0.001.nir", "norse/norse_lif.npz", [*INPUT, "--dialect", "norse"], (3, None)),
    ("sinabs/sinabs_iaf_single.nir", "sinabs/sinabs_iaf_single.npz",
     [*INPUT, "--dialect", "sinabs", "--spike-mode", "single"], (3, 468)),
    ("sinabs/sinabs_iaf_multi.nir", "sinabs/sinabs_iaf_multi.npz", [*INPUT, "--dialect", "sinabs"], (3, 836)),
    ("sinabs/sinabs_lif.nir", "sinabs/sinabs_lif.npz", [*INPUT, "--dialect", "sinabs"], (3, None)),
    ("spikingjelly/IF_hard.nir", "spikingjelly/IF_hard.npz", [*INPUT, "--dialect", "spikingjelly"], (1, 241)),
]  # fmt: skip


def validate(*arguments):
    return CliRunner().invoke(build(), ["validate", "spikes", *map(str, arguments)])


@pytest.mark.parametrize(("network", "recording", "options", "expected"), ORACLES)
def test_recordings_of_frameworks(shared_data, network, recording, options, expected):
    folder = shared_data / "oracles"
    options = [folder / item if item.endswith(".npz") else item for item in options]
    result = validate(folder / network, folder / recording, *options)
    assert result.exit_code == 0, result.output
    *lines, last = result.output.splitlines()[1:]
    layers, spikes = expected
    assert last == f"{layers} layers, 32 samples, 16 timesteps, 0 mismatches"
    assert [line.split()[0] for line in lines] == ["teacher-forced"] * layers + ["free-running"] * layers
    if spikes is not None:
        assert lines[-1].split()[3] == str(spikes)


def test_the_wrong_dialect_differs(shared_data):
    folder = shared_data / "oracles"
    result = validate(
        folder / "sinabs/sinabs_iaf_multi.nir", folder / "sinabs/sinabs_iaf_single.npz",
        "--input", folder / INPUT[1], "--dialect", "sinabs",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "expected 1, got 2" in result.output and not result.output.splitlines()[-1].endswith(" 0 mismatches")


@pytest.mark.slow
def test_sinabs_nmnist(shared_data):
    """Five layers, 300 timesteps, up to 30 spikes a timestep: two differ, at the threshold."""
    folder = shared_data / "sinabs_nmnist"
    result = validate(
        shared_data / "nir_paper/02_cnn/cnn_sinabs.nir", folder / "sinabs313_spikes.npz", "--axes", "nt",
        "--input", folder / "input_10digits_300x2x34x34.npz", "--dialect", "sinabs", "--membrane-floor=-threshold",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "5 layers, 10 samples, 300 timesteps, 0 mismatches"


def _recorded(network, events, names):
    trace = execute(network, events, Numerics(None, None), 1)
    return {name: trace.dense(name, network.populations[name].size).astype(np.uint16) for name in names}


def _counts(events):
    counts = np.zeros((events.samples * events.timesteps, events.size), np.uint16)
    counts[np.repeat(np.arange(len(counts)), np.diff(events.ptr)), events.index] = 1
    return counts.reshape(events.samples, events.timesteps, -1)


@pytest.mark.parametrize("seed", range(12))
def test_a_network_equals_its_own_recording_and_not_a_changed_one(seed):
    """Any graph: recurrence, skips, delays, layers that are not recorded; one entry changed is one mismatch."""
    network = random_graph(seed, integer=False)
    events = random_events(seed, network.input.size, integer=False)
    rng = np.random.default_rng(seed)
    names = [name for name, item in network.populations.items() if item.model is not None]
    kept = [name for name in names if rng.random() < 0.7] or names[-1:]
    recorded, given = _recorded(network, events, kept), _counts(events)
    lines = list(compare_spikes(network, given, recorded))
    assert [line.layer for line in lines] == kept * 2
    assert not sum(line.mismatches for line in lines)
    name = kept[int(rng.integers(len(kept)))]
    recorded[name][-1, -1, 0] ^= 8
    wrong = {(line.layer, line.mode): line for line in compare_spikes(network, given, recorded)}
    for mode in ("teacher-forced", "free-running"):
        assert wrong[name, mode].mismatches == 1
        place = f"sample {events.samples - 1}, timestep {events.timesteps - 1}, neuron 0:"
        assert wrong[name, mode].first.startswith(place)


def _one(model, weight):
    populations = {"in": Population("in", (1,), None), "n": Population("n", (1,), model)}
    return Network("one", populations, (Projection("in", "n", dense(np.full((1, 1), weight, np.float32))),), 1.0)


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("above", [False, True])
def test_a_tie_is_decided_as_recorded_and_has_no_consequences(multi, above):
    """A membrane a rounding off its threshold: the other decision is no mismatch, now or later."""
    threshold, ones = np.full(1, 0.9, np.float32), np.ones(1, np.float32)
    zero = np.zeros(1, np.float32)
    model = (
        MultiSpikeLIF(ones, ones, threshold, zero, None, "subtract", "multi")
        if multi
        else IF(threshold, zero, "subtract", ">=")
    )
    weight = np.float32(0.3) * np.float32(1 + (2e-6 if above else -2e-6))
    network = _one(model, weight)
    given = np.ones((1, 12, 1), np.uint16)
    ours = _recorded(network, EventStream.from_dense(given > 0), ["n"])["n"]
    other = np.zeros_like(ours)
    other[0, 3 if above else 2 :: 3, 0] = 1  # above: recorded one timestep late; below: at once
    assert (ours != other).any()
    for line in compare_spikes(network, given, {"n": other}):
        assert line.mismatches == 0 and line.ties >= line.decided >= 1
    far = _one(model, np.float32(0.3) * np.float32(1 + (2e-3 if above else -2e-3)))
    assert all(line.mismatches for line in compare_spikes(far, given, {"n": other}))


def _write(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_layers_are_matched_by_name_or_as_stated(tmp_path):
    network = random_graph(2, integer=False)
    names = [name for name, item in network.populations.items() if item.model is not None and network.incoming(name)]
    flat = np.zeros((2, 2, 1), np.uint8)
    path = _write(tmp_path / "a.npz", labels=flat, **{f"spk_lif{at + 1}": flat for at in range(len(names))})
    assert list(layer_keys(path, network, {}).values()) == names
    assert layer_keys(path, network, {"labels": names[0]}) == {"labels": names[0]}
    assert layer_keys(_write(tmp_path / "b.npz", out_spk=flat), network, {}) == {"out_spk": network.output.name}
    with pytest.raises(EventError, match="expected one array for each of the layers"):
        layer_keys(_write(tmp_path / "c.npz", x=flat), network, {})
    with pytest.raises(EventError, match="expected an array of the file"):
        layer_keys(path, network, {"labels": "nobody"})


def test_packed_and_plain_counts_and_both_orders(tmp_path):
    rng = np.random.default_rng(0)
    image = (rng.random((3, 2, 2, 4, 5)) < 0.5).astype(np.uint8)
    path = _write(tmp_path / "a.npz", a=image, b=np.packbits(image), b_shape=np.array(image.shape),
                  c=image.swapaxes(0, 1))  # fmt: skip
    found = read_counts(path, {"a": "a", "b": "b"}, "tn")
    expected = image.swapaxes(0, 1).transpose(0, 1, 3, 4, 2).reshape(2, 3, -1)
    assert (found["a"] == expected).all() and (found["b"] == expected).all()
    assert (read_counts(path, {"c": "c"}, "nt")["c"] == expected).all()
    for bad, message in (
        (np.full((1, 1, 1), 0.5), "expected counts of spikes"),
        (np.full((1, 1, 1), -1), "expected counts of spikes"),
        (np.zeros((2, 2)), "expected .timesteps, samples, n."),
        (np.full((1, 1, 1), np.nan), "expected counts of spikes"),
    ):
        with pytest.raises(EventError, match=message):
            read_counts(_write(tmp_path / "b.npz", a=bad), {"a": "a"}, "tn")
    path = _write(tmp_path / "c.npz", b=np.zeros(1, np.uint8), b_shape=np.array([1 << 40, 9, 9]))
    with pytest.raises(EventError, match=r"b_shape: expected positive sizes"):
        read_counts(path, {"b": "b"}, "tn")


def test_sizes_that_do_not_fit_are_an_error():
    network = random_graph(2, integer=False)
    given = np.zeros((1, 4, network.input.size), np.uint16)
    size = network.output.size
    with pytest.raises(EventError, match=f"expected \\(1, 4, {size}\\) samples, timesteps and neurons"):
        list(compare_spikes(network, given, {network.output.name: np.zeros((1, 3, size), np.uint16)}))


def test_integer_networks_have_no_ties(shared_data):
    folder = shared_data / "lava_dl" / "tinynet"
    network = import_network(folder / "tiny.net", ImportOptions())
    given, first, last = (
        np.load(folder / f"{name}.npy").transpose(0, 4, 2, 3, 1).reshape(1, 16, -1)[:, 1:].astype(np.uint16)
        for name in ("input", "layer1", "output")
    )
    lines = list(compare_spikes(network, given, {"layer_1": first, "layer_2": last}))
    assert sum(line.spikes for line in lines) == 2 * (1633 + 92)
    assert not any(line.mismatches or line.ties for line in lines)
