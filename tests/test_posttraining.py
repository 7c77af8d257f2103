"""Training-free compression: analyses against naive twins, points against runs of the same workload."""

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from accelsim import pipeline
from accelsim.cli.app import build
from accelsim.errors import ConfigError, NetworkError
from accelsim.functional.dimensions import Covariance
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.workload import load_workload
from accelsim.posttraining.balance import balanced
from accelsim.posttraining.compress import Settings, compress
from accelsim.posttraining.drive import accumulated
from accelsim.posttraining.files import write_compression

FLOAT = ("network.quantize=none",)


@pytest.fixture(scope="module")
def found():
    settings = Settings(pruning=(0.95,), bits=(8, 4), timesteps=(0.5,), thresholds=(99.0,))
    return compress("mnist_conv", "core", samples=6, timed=2, settings=settings)


def rows_of(found):
    return {(row["curve"], row["value"]): row for row in found.points.rows()}


def test_covariance_of_batches_is_that_of_all():
    random = np.random.default_rng(0)
    values = random.normal(size=(40, 3, 2, 6)) @ np.diag([1.0, 2.0, 1.0, 0.5, 3.0, 1.0]) + random.normal(size=6)
    total = Covariance(6)
    for part in np.array_split(values, [3, 4, 4, 20]):
        total.add(part)
    np.testing.assert_allclose(total.matrix, np.cov(values.reshape(-1, 6).T), rtol=1e-10)


def test_as_many_dimensions_as_the_data_has():
    random = np.random.default_rng(1)
    total = Covariance(10)
    total.add(random.normal(size=(500, 3)) @ random.normal(size=(3, 10)))
    assert total.significant(0.999999) == 2  # cumulative share strictly below: one fewer than reach it
    assert total.shares[:3].sum() == pytest.approx(1.0)
    with pytest.raises(NetworkError, match="expected at least 2 vectors, got 0"):
        _ = Covariance(2).matrix


@pytest.mark.parametrize("steps", [1, 8])
@pytest.mark.parametrize("encoding", ["poisson", "graded", "bias_current"])
def test_accumulated_input_is_weights_times_spikes(encoding, steps):
    entries = {"poisson": (), "graded": ("value_bits: 8",), "bias_current": ("value_bits: 8",)}[encoding]
    stated = ["file: digits-idx3-ubyte.gz", f"encoding: {encoding}", *entries]
    stated += ["rate: 0.5", "seed: 1"] if encoding == "poisson" else []
    load = load_workload("mnist_conv", 2, [*FLOAT, f"input={{{', '.join(stated)}}}"])
    trace = execute(load.network, load.events, Numerics(None, None), 1)
    for name in ("lif1", "lif3"):
        (edge,) = load.network.incoming(name)
        if edge.source == load.network.input.name:
            sent = np.zeros((2 * 8, edge.connection.n_source))
            amount = np.ones(load.events.total) if load.events.value is None else load.events.value
            np.add.at(sent, (np.repeat(np.arange(16), np.diff(load.events.ptr)), load.events.index), amount)
            if encoding == "bias_current":
                sent = np.repeat(sent[::8], 8, axis=0)
        else:
            sent = trace.dense(edge.source, edge.connection.n_source).reshape(16, -1).astype(float)
        expected = sent @ edge.connection.dense_matrix().T.astype(np.float64)
        expected = expected.reshape(16 // steps, steps, -1).sum(axis=1)
        np.testing.assert_allclose(accumulated(load.network, name, trace, load.events, steps), expected, atol=1e-6)


def test_the_first_point_and_the_widths_are_runs_of_the_workload(found):
    points = rows_of(found)
    plain = next(row for row in found.points.rows() if row["curve"] == "as it stands")
    for row, overrides in ((plain, ()), (points["bits", 4.0], ("network.quantize={bits: 4, granularity: tensor}",)),
                           (points["timesteps", 4.0], ("timesteps=4",))):  # fmt: skip
        result = pipeline.run("core", "mnist_conv", samples=2, workload_overrides=overrides, threads=1)
        assert row["energy_per_inference"] == result.totals["energy_per_inference"].value
        assert row["latency"] == result.totals["latency"].value
    assert plain["same"] == 1.0 and points["bits", 8.0]["accuracy"] == plain["accuracy"]


def test_pruning_leaves_its_share_and_saves_energy(found):
    points = rows_of(found)
    weights = int(found.layers["weights"].sum())
    assert points["pruning", 0.95]["nonzero"] <= weights - round(0.95 * weights)
    assert points["pruning", 0.95]["energy_per_inference"] < points["bits", 8.0]["energy_per_inference"]


def test_magnitudes_against_a_sorted_list(found):
    load = load_workload("mnist_conv", 1)
    row = next(item for item in found.layers.rows() if item["population"] == "lif2")
    weights = sorted(np.abs(load.network.incoming("lif2")[0].connection.rows.ravel().astype(float)) ** 2)
    gone, total = 0, 0.0
    while total + weights[gone] <= 0.01 * sum(weights):
        total += weights[gone]
        gone += 1
    assert row["weights"] == len(weights)
    assert row["removable"] == pytest.approx(gone / len(weights), abs=2 / len(weights))
    assert 1 <= row["dimensions"] <= row["width"] == 32


def test_a_threshold_is_the_percentile_of_its_input():
    load = load_workload("mnist_conv", 2, FLOAT)
    other = balanced(load.network, load.events, 99.0, 1)
    trace = execute(other, load.events, Numerics(None, None), 1)
    for name in ("lif1", "lif3"):
        level = np.unique(other.populations[name].model.threshold)
        expected = np.percentile(accumulated(other, name, trace, load.events, 1), 99.0)
        assert level.tolist() == [pytest.approx(expected, rel=1e-6)]
    with pytest.raises(NetworkError, match="thresholds are balanced in float32"):
        balanced(load_workload("mnist_conv", 1).network, load.events, 99.0, 1)


def test_what_does_not_fit_keeps_its_accuracy_and_says_why():
    only = Settings(pruning=(), bits=(8,), timesteps=(), thresholds=())
    small = ("core.synapse_memory.capacity=1 KiB",)
    points = compress("mnist_conv", "core", samples=2, timed=1, settings=only, overrides=small).points
    assert np.isnan(points["energy_per_inference"]).all() and (points["accuracy"] == 1.0).all()
    assert set(points["note"]) == {"population lif2: a single neuron does not fit a core"}


def test_a_value_is_one_point_and_no_more_samples_are_timed_than_there_are():
    only = Settings(pruning=(), bits=(8, 8), timesteps=(), thresholds=())
    made = compress("mnist_conv", "core", samples=2, timed=9, settings=only)
    assert made.points["curve"].tolist() == ["as it stands", "bits"]
    assert (made.meta["samples"], made.meta["timed"]) == (2, 2)


def test_files_and_command(found, tmp_path):
    written = write_compression(found, tmp_path)
    assert [path.name for path in written] == ["points.csv", "layers.csv", "curves.png", "curves.svg"]
    with (tmp_path / "points.csv").open() as file:
        assert [row["curve"] for row in csv.DictReader(file)] == found.points["curve"].tolist()
    command = ["compress", "mnist_conv", "--hw", "eyeriss_snn", "--curve", "bits", "--bits", "4", "--samples", "2",
               "--timed", "1", "--threads", "1", "-q", "--out", str(tmp_path / "out")]  # fmt: skip
    done = CliRunner().invoke(build(), command)
    assert done.exit_code == 0, done.output
    assert "bits 4" in done.output and (tmp_path / "out" / "curves.svg").is_file()


@pytest.mark.parametrize(
    ("option", "expected"),
    [(["--bits", "4,x"], "--bits: expected whole numbers"), (["--bits", "1"], r"bits: expected 2\.\.16, got 1"),
     (["--pruning", "1.5"], "pruning: expected more than 0 and less than 1, got 1.5"),
     (["--curve", "width"], "--curve: expected pruning, bits"),
     (["--curve", "pruning", "--bits", "4"], "--bits: expected --curve bits beside it")],
)  # fmt: skip
def test_wrong_options_are_named(option, expected):
    done = CliRunner().invoke(build(), ["compress", *option])
    with pytest.raises(ConfigError, match=expected):
        raise done.exception
