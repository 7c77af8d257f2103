"""The bundled workloads as a user runs them: accuracy, encodings, decodings, tables that agree with the trace."""

import math

import numpy as np
import pytest
from pipeline_builders import run_flow

from accelsim.errors import MappingError, WorkloadError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.dense import dense
from accelsim.network.encodings.encoding import ENCODINGS
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.workload import load_workload, workload_names
from accelsim.neurons.readout import LeakyIntegrator


def wilson(correct, samples, z=1.959963984540054):
    """Both ends of the interval, as the roots of (p - share)^2 = z^2 p (1 - p) / n."""
    share = correct / samples
    a, b, c = 1 + z * z / samples, -(2 * share + z * z / samples), share * share
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def test_the_digits_are_read(tmp_path):
    """All 64 digits through the whole flow; the test set's 98.3 % allow four wrong ones (P < 1 %)."""
    result, run = run_flow("mnist_conv", samples=64, threads=2)
    samples = result.samples
    assert len(samples) == 64
    spikes = run.trace.dense("lif4", 10).sum(axis=1)
    predicted = [max(range(10), key=lambda digit: (row[digit], -digit)) for row in spikes.tolist()]
    assert samples["prediction"].tolist() == predicted
    assert samples["label"][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    correct = int((samples["label"] == predicted).sum())
    assert correct >= 60
    totals = result.totals
    assert totals["accuracy"].value == correct / 64 == samples["correct"].mean()
    low, high = wilson(correct, 64)
    assert totals["accuracy_low"].value == pytest.approx(low, abs=1e-12)
    assert totals["accuracy_high"].value == pytest.approx(min(high, 1.0), abs=1e-12)
    assert (np.bincount(samples["label"], minlength=10) > 0).all()


def test_the_recorded_digits_are_read():
    result, run = run_flow("snntorch_conv", samples=32, threads=2)
    assert result.totals["accuracy"].value >= 0.9
    assert not run.workload.network.integer and result.workload["arithmetic"] == "float32"


ENCODED = {
    "latency": "input={file: digits-idx3-ubyte.gz, encoding: latency}",
    "graded": "input={file: digits-idx3-ubyte.gz, encoding: graded, value_bits: 4}",
    "bias_current": "input={file: digits-idx3-ubyte.gz, encoding: bias_current, value_bits: 4}",
    "poisson": "input.rate=0.1",
}


def assert_engines_agree(load, hw="core"):
    (result, run), (again, twin) = (run_flow(load, hw, engine=engine) for engine in ("compiled", "reference"))
    for name, table in result.tables().items():
        for column in table.columns:
            np.testing.assert_array_equal(
                column.values, again.tables()[name][column.name], err_msg=f"{name}.{column.name}"
            )
    for field in ("terminals", "routers", "links", "scans", "step_cycles", "causes", "latency"):
        np.testing.assert_array_equal(getattr(run.timing, field), getattr(twin.timing, field), err_msg=field)
    return result, run


@pytest.mark.parametrize("encoding", ENCODED)
def test_every_encoding_runs_on_both_engines(encoding):
    load = load_workload("mnist_conv", 1, ["timesteps=3", ENCODED[encoding]])
    result, run = assert_engines_agree(load)
    pixels = load.events
    assert result.workload["encoding"] == encoding and encoding in ENCODINGS
    assert result.totals["spikes"].value > 0
    macs = int(run.timing.terminals["macs"].sum())
    sent = int(run.timing.terminals["fired"][:, run.mapping.cores].sum())
    if encoding == "graded":
        assert macs > 0 and sent == pixels.total
        assert run.counters[("port[input]", "event")].sum() == pixels.total
    elif encoding == "bias_current":
        fan_out = load.network.projections[0].connection.fan_out()
        assert macs == 0 and run.counters[("port[input]", "mac")].tolist() == [fan_out[pixels.index].sum()]
        first = run.trace.populations[load.network.projections[0].target].touched[0]
        assert sent == np.unpackbits(first).sum()
    else:
        assert macs == 0 and sent == pixels.total


def test_first_spike_decoding():
    load = load_workload("mnist_conv", 2, ["timesteps=6", "decoding=first_spike"])
    result, run = assert_engines_agree(load)
    spikes = run.trace.dense("lif4", 10).astype(int)
    for row, prediction in zip(spikes, result.samples["prediction"], strict=True):
        when = [next((t for t in range(6) if row[t, digit]), 6) for digit in range(10)]
        assert prediction == min(range(10), key=lambda digit: (when[digit], -row[:, digit].sum(), digit))


def test_membrane_decoding():
    """A leaky readout behind the third layer: one packet per output, at the end."""
    with pytest.raises(WorkloadError, match="expected rate or first_spike, as the output 'lif4' is spiking"):
        load_workload("mnist_conv", 1, ["decoding=membrane"])
    load = load_workload("mnist_conv", 2, ["timesteps=4"])
    old = load.network
    last = old.incoming(old.output.name)[0]
    readout = Population("readout", (10,), LeakyIntegrator(np.full(10, 3584, np.int32)), None, np.ones(10))
    populations = {name: item for name, item in old.populations.items() if name != old.output.name}
    network = Network(
        "readout", {**populations, "readout": readout},
        (*old.projections[:-1], Projection(last.source, "readout", dense(last.connection.dense_matrix(), 8))), old.dt,
    )  # fmt: skip
    load = type(load)(**{**vars(load), "network": network, "decoding": "membrane"})
    result, run = assert_engines_agree(load)
    matrix, sent = last.connection.dense_matrix().astype(int), run.trace.dense(last.source, last.connection.n_source)
    membrane = np.zeros((2, 10), int)
    for step in range(4):
        decayed = np.sign(membrane) * (np.abs(membrane) * 3584 >> 12)
        membrane = decayed + sent[:, step].astype(int) @ matrix.T
    np.testing.assert_array_equal(run.trace.output, membrane)
    np.testing.assert_array_equal(result.samples["prediction"], membrane.argmax(axis=1))
    assert run.counters[("port[output]", "event")].tolist() == [10, 10]


@pytest.mark.parametrize("hw", ["small", "large"])
def test_every_preset_runs_the_default_workload(hw):
    assert_engines_agree(load_workload("mnist_conv", 1, ["timesteps=2"]), hw)


def test_the_function_does_not_depend_on_the_chip():
    one, other = (run_flow("mnist_conv", hw, samples=4)[0].samples for hw in ("core", "small"))
    for name in ("prediction", "spikes", "sops", "input_events"):
        np.testing.assert_array_equal(one[name], other[name])


def test_graded_input_is_refused_without_mac_lanes():
    load = load_workload("mnist_conv", 1, [ENCODED["graded"]])
    with pytest.raises(MappingError, match=r"core\.mac_lanes is 0"):
        run_flow(load, overrides=["core.mac_lanes=0"])


def test_a_silent_sample_between_others():
    """A blank image makes no event: its latency is still a number of cycles, and its neighbours are not touched."""
    load = load_workload("mnist_conv", 2, ["timesteps=3"])
    active = np.zeros((3, 3, load.events.size), bool)
    at = np.repeat(np.arange(6), np.diff(load.events.ptr))
    for step, neuron in zip(at, load.events.index, strict=True):
        active[(0, 2)[step // 3], step % 3, neuron] = True
    changed = {"events": EventStream.from_dense(active), "labels": np.array([7, 0, 2]), "image": None}
    blank = type(load)(**{**vars(load), **changed})
    placed = ["mapping.placement=row_major"]
    (plain, _), (result, run) = run_flow(load, overrides=placed), run_flow(blank, overrides=placed)
    for name in ("latency_cycles", "total_cycles", "sops", "packets", "energy_pj"):
        np.testing.assert_array_equal(result.samples[name][[0, 2]], plain.samples[name])
    assert result.samples["packets"][1] == result.samples["spikes"][1] == 0
    idle = run.chip.spec.core.pipeline_drain + run.chip.spec.barrier.cycles
    assert result.samples["total_cycles"][1] == idle * run.timing.step_cycles.shape[1]
    trace = execute(load.network, load.events, Numerics(16, 16), 1)
    assert result.samples["spikes"][2] == sum(trace.spikes(name)[1].sum() for name in ("lif1", "lif2", "lif3", "lif4"))


@pytest.mark.parametrize("name", workload_names())
def test_a_bundled_workload_is_small_runs_and_says_where_it_comes_from(name):
    load = load_workload(name, 1)
    assert sum(path.stat().st_size for path in load.folder.iterdir()) <= 1 << 20
    assert load.provenance["stated"]["licence"]
    result, _ = run_flow(name, samples=1, threads=1)
    assert result.totals["energy_per_inference"].value > 0
