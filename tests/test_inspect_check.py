"""``accelsim inspect`` and ``accelsim check``: numbers against counting by hand, files, exit codes."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import REPOSITORY
from network_builders import chain, flatten, neuron_if
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import ConfigError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.workload import load_workload
from accelsim.pipeline import inspect as module
from accelsim.pipeline.check import check
from accelsim.pipeline.inspect import inspect
from accelsim.report.inspection_files import inspection_json, write_figures

run = CliRunner()


@pytest.fixture(scope="module")
def found():
    return inspect("mnist_conv", samples=8, compare=True, threads=1)


def test_numbers_are_those_of_an_execution(found):
    load = load_workload("mnist_conv", 8)
    trace = execute(load.network, load.events, Numerics(32, 32), 1)
    for name, rate in found.rates.items():
        dense = trace.dense(name, load.network.populations[name].size)
        np.testing.assert_allclose(rate, dense.mean(axis=(0, 1)))
        step, neuron = np.nonzero(dense[0])
        np.testing.assert_array_equal(found.raster[name], np.stack([step, neuron], axis=1))
    sops = np.zeros(8)
    for edge, row in zip(load.network.projections, found.connections.rows(), strict=True):
        matrix = edge.connection.dense_matrix() != 0
        done = (trace.dense(edge.source, edge.connection.n_source) @ matrix.sum(axis=0)).sum(axis=1)
        assert row["sops"] == pytest.approx(done.mean())
        assert row["synapses"] == matrix.sum() and row["fan_in"] == pytest.approx(matrix.sum(axis=1).mean())
        sops += done
    np.testing.assert_array_equal(found.samples["sops"], sops)
    np.testing.assert_array_equal(found.samples["prediction"], trace.output.argmax(axis=1))
    assert found.totals["accuracy"].value == (found.samples["prediction"] == load.labels).mean()
    assert found.totals["neurons"].value == load.network.neurons


def test_the_comparison_runs_the_network_as_exported(found):
    plain = inspect("mnist_conv", samples=8, workload_overrides=["network.quantize=none"], threads=1)
    rows = {row["quantity"]: row for row in found.comparison.rows()}
    assert rows["spikes"]["exported"] == plain.totals["spikes"].value
    assert rows["spikes"]["stated"] == found.totals["spikes"].value != plain.totals["spikes"].value
    same = np.mean(plain.samples["prediction"] == found.samples["prediction"])
    assert rows["equal_predictions"]["stated"] == same


def test_blocks_do_not_matter(found, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)  # one sample at a time
    single = inspect("mnist_conv", samples=8, threads=2)
    assert single.totals == found.totals and single.neurobench == found.neurobench
    for name in ("samples", "layers", "connections"):
        mine, theirs = single.tables()[name], found.tables()[name]
        for column in mine.columns:
            np.testing.assert_array_equal(column.values, theirs[column.name])


def test_json_and_figures(found, tmp_path):
    document = json.loads(inspection_json(found))
    assert document["format"] == "accelsim.inspection"
    assert document["totals"]["neurons"]["value"] == found.totals["neurons"].value
    assert document["layers"]["layer"] == list(found.rates)
    assert document["neurobench"]["effective_acs"]["value"] == found.neurobench["effective_acs"].value
    files = write_figures(found, tmp_path / "figures")
    names = {file.name for file in files}
    assert {"rates.png", "raster.svg", "weights.png", "confusion.png", "classes.csv", "comparison.csv"} <= names
    assert all(file.stat().st_size > 0 for file in files)


def test_a_silent_network_without_labels_is_drawn(tmp_path):
    middle = {"f": flatten((1, 2, 2)), "fc": ("Linear", {"weight": np.zeros((2, 4))})}
    chain(tmp_path / "net.nir", (1, 2, 2), middle, neuron_if((2,)), (2,))
    np.savez(tmp_path / "x.npz", input=np.ones((2, 3, 1, 2, 2), np.uint8))
    (tmp_path / "workload.yaml").write_text(
        "name: w\ndescription: d\nnetwork: {file: net.nir, dialect: euler, dt: 1 s, reset: subtract, "
        'threshold_op: ">", quantize: none}\ninput: {file: x.npz, encoding: events}\ntimesteps: 2\ndecoding: rate\n'
        "provenance: {}\n"
    )
    silent = inspect(tmp_path, samples=None, threads=1)
    assert silent.meta["samples"] == 3 and "accuracy" not in silent.totals
    assert "population neurons never spikes" in silent.warnings
    assert json.loads(inspection_json(silent))["samples"]["label"] == [-1] * 3
    write_figures(replace(silent, comparison=None), tmp_path / "figures")
    text = run.invoke(build(), ["inspect", str(tmp_path), "--samples", "0"])
    assert text.exit_code == 0 and "neurons never spikes" in text.output


def test_a_narrow_chip_saturates_and_says_so():
    wide = inspect("mnist_conv", samples=2, threads=1)
    assert wide.totals["saturations"].value == 0
    text = run.invoke(build(), ["inspect", "--samples", "2", "--hw", "core"])
    assert text.exit_code == 0 and "mnist_conv" in text.output and "NeuroBench" in text.output


def test_inspect_prints_json_alone():
    got = run.invoke(build(), ["inspect", "--samples", "1", "--json", "--threads", "1"])
    assert got.exit_code == 0 and json.loads(got.stdout)["meta"]["name"] == "mnist_conv"


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="threads: expected at least 1, got 0"):
        inspect("mnist_conv", samples=1, threads=0)


def test_help_of_both_is_light():
    code = "import sys; from accelsim.cli.app import build; build(); assert 'numba' not in sys.modules, 'numba'"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_a_workload_that_fits():
    fit = check("core", "mnist_conv")
    assert fit.fits and not fit.overflow and fit.cores is not None
    assert sum(fit.cores["neurons"]) == load_workload("mnist_conv", 1).network.neurons
    filled = {row["memory"]: row["fullest"] for row in fit.memories.rows()}
    assert filled["core.synapse_memory"] == max(fit.cores["synapse_words_filled"]) <= 1
    text = run.invoke(build(), ["check", "mnist_conv", "--hw", "core"])
    assert text.exit_code == 0 and "mnist_conv on core: fits, 16 of 16 cores" in text.output


TOO_SMALL = [
    ("core.synapse_memory.capacity=2 KiB", "core.synapse_memory: layer lif2 cut into 16 slices needs 2.227 KiB"),
    ("core.accumulator.memory.capacity=64 B", "core.accumulator.memory: layer lif1 cut into 16 slices needs"),
    ("core.synapse_memory.capacity=3 KiB", "core.synapse_memory: layer lif3 cut into 16 slices needs"),
]


@pytest.mark.parametrize(("override", "message"), TOO_SMALL)
def test_the_first_memory_to_overflow_is_named(override, message):
    fit = check("core", "mnist_conv", overrides=[override])
    assert not fit.fits and fit.cores is None and fit.overflow.startswith(message)
    text = run.invoke(build(), ["check", "--set", override])
    assert text.exit_code == 1 and "does not fit" in text.output


def test_what_is_no_matter_of_size_is_said_too():
    fit = check("core", "mnist_conv", overrides=["core.routing_memory.entry_bits=4"])
    assert not fit.fits and "core.routing_memory.entry_bits: expected at least" in fit.problem and not fit.overflow
