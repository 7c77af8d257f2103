"""SANA-FE's network, rules and simple latency against a naive twin; the published one where its wheel is at hand."""

import importlib.util
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sanafe_twin
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.costs.analytic_models.sanafe_latency import CoreLatencies, simple_latency
from accelsim.errors import NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions
from accelsim.validation.sanafe_network import CORES, MEMBER, read_dvs_network
from accelsim.validation.sanafe_peer import describe, package_folder, run_peer
from accelsim.validation.sanafe_rules import channel_first, step_counts

LATENCIES = CoreLatencies(60, 37, 300, 51, 160, 38)


@pytest.fixture
def archive(tmp_path):
    file = tmp_path / "net.npz"
    np.savez(file, **sanafe_twin.synthetic_arrays())
    return file


def test_the_importer_of_any_archive_reads_the_same_network(archive, tmp_path):
    ours, theirs = import_network(archive, ImportOptions()), read_dvs_network(archive).network
    assert list(ours.populations) == list(theirs.populations)
    for one, other in zip(ours.projections, theirs.projections, strict=True):
        assert (one.connection.rows == other.connection.rows).all() and one.name == other.name
    assert (ours.populations["pixels"].bias == theirs.populations["pixels"].bias).all()
    arrays = sanafe_twin.synthetic_arrays()
    del arrays["dense1"]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(NetworkError, match=r"expected inputs, conv1 \.\., dense1 and 6 thresholds"):
        import_network(tmp_path / "bad.npz", ImportOptions())


@pytest.fixture(scope="session")
def installed():
    """The folder with the package sanafe: installed here, or in the Python that SANAFE_PYTHON names."""
    if importlib.util.find_spec("sanafe") is not None:
        return None
    if "SANAFE_PYTHON" not in os.environ:
        pytest.skip("SANA-FE is not installed, and SANAFE_PYTHON names no Python that has it")
    return package_folder(os.environ["SANAFE_PYTHON"])


def run(dvs, timesteps):
    return execute(dvs.network, dvs.silence(timesteps), Numerics(32, 32), 1, delay=1, zeros_touch=True)


def check(dvs, timesteps):
    """Compare spikes, updates, every count in every timestep, and the simple latency; return the twin's totals."""
    trace = run(dvs, timesteps)
    spikes, updated = sanafe_twin.simulate(dvs.arrays, timesteps)
    for name, sent in zip(CORES, spikes, strict=True):
        population = dvs.network.populations[name]
        assert (trace.dense(name, population.size)[0] == sent[:, channel_first(population)]).all(), name
    found = step_counts(dvs.network, trace)
    totals, energy, latency = sanafe_twin.counts(dvs.arrays, spikes, updated)
    for name in ("fired", "updated", "packets", "events", "hops_x", "hops_y"):
        assert (getattr(found, name) == totals[name]).all(), name
    assert (simple_latency(found.cores, LATENCIES, sanafe_twin.BARRIER) == latency).all()
    assert not any(trace.overflows.values())
    return totals, energy, latency


@pytest.mark.parametrize("seed", range(3))
def test_a_small_network_of_that_kind(seed, tmp_path):
    file = tmp_path / "net.npz"
    np.savez(file, **sanafe_twin.synthetic_arrays(seed))
    totals, _, _ = check(read_dvs_network(file), 40)
    assert all(totals[name].sum() > 100 for name in ("fired", "packets", "hops_x", "hops_y"))
    assert (totals["updated"] < totals["updated"].max()).any()


def test_the_published_run(installed):
    """The totals from which leak, stride and cores of the layers follow."""
    totals, energy, latency = check(read_dvs_network(installed), 1000)
    hops = totals["hops_x"].sum() + totals["hops_y"].sum()
    found = (*(int(totals[name].sum()) for name in ("fired", "events", "packets", "updated")), int(hops))
    assert found == (365_277, 51_549_374, 2_482_643, 15_539_753, 4_741_519)
    assert sum(part.sum() for part in energy.values()) * 1e-9 == pytest.approx(3.440570683, rel=1e-9)
    assert latency.sum() * 1e-7 == pytest.approx(23.951, abs=5e-4)


@pytest.mark.validate
def test_sanafe_itself():
    interpreter = os.environ.get("SANAFE_PYTHON")
    if interpreter is None:
        pytest.skip("SANAFE_PYTHON names no Python with SANA-FE")
    dvs = read_dvs_network(package_folder(interpreter))
    totals, energy, latency = check(dvs, 30)
    peer = run_peer(dvs, 30, "simple", interpreter)
    for ours, theirs in (("fired", "fired"), ("updated", "updated"), ("events", "spikes")):
        assert (peer.steps[theirs] == totals[ours]).all(), ours
    assert (peer.steps["hops"] == totals["hops_x"] + totals["hops_y"]).all()
    for part, values in energy.items():
        np.testing.assert_allclose(peer.steps[f"{part}_energy"] * 1e12, values, rtol=1e-9)
    np.testing.assert_allclose(peer.steps["sim_time"] * 1e10, latency, rtol=1e-12)


def test_a_wheel_a_folder_and_a_file_are_the_same(archive, tmp_path):
    (tmp_path / MEMBER).parent.mkdir(parents=True)
    (tmp_path / MEMBER).write_bytes(archive.read_bytes())
    with zipfile.ZipFile(tmp_path / "sanafe-0.whl", "w") as wheel:
        wheel.write(archive, MEMBER)
    arrays = [read_dvs_network(place).arrays for place in (archive, tmp_path, tmp_path / "sanafe-0.whl")]
    for found in arrays[1:]:
        assert found.keys() == arrays[0].keys()
        assert all((found[name] == arrays[0][name]).all() for name in found)


def test_what_the_runner_is_told(archive):
    """Biases, strides, kernels and flat weights as the file has them."""
    dvs = read_dvs_network(archive)
    layers = describe(dvs, trace=True)["layers"]
    assert [(layer["name"], layer["cores"]) for layer in layers] == [*CORES.items()]
    assert [layer["stride"] for layer in layers] == [[1, 1], [2, 2], [1, 1], [1, 1], [1, 1], [1, 1]]
    assert [layer["neurons"] for layer in layers] == [int(np.prod(item)) for item in sanafe_twin.shapes_of(dvs.arrays)]
    assert layers[0]["biases"] == dvs.arrays["inputs"].tolist() and not any(layer["biases"] for layer in layers[1:])
    assert layers[2]["weights"] == dvs.arrays["conv2"].ravel().tolist() and layers[2]["kernel"] == [3, 3, 4]
    assert layers[-1]["kernel"] is None and layers[-1]["inputs"] == [3, 3, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros(399)}, "expected a square image, got 399 pixels"),
        ({"conv2": np.full((3, 3, 3, 4), 512.0)}, r"conv2: expected 10-bit numbers, got 512 \.\. 512"),
        ({"conv1": np.full((3, 3, 1, 3), 0.5)}, "conv1: expected whole numbers"),
        ({"dense1": np.zeros((5, 4))}, r"dense1: expected 18 rows, got \(5, 4\)"),
        ({"extra": np.zeros(1)}, r"expected conv1, .* got conv1 \(3, 3, 1, 3\)"),
    ],
)
def test_files_that_are_refused(tmp_path, change, message):
    np.savez(tmp_path / "net.npz", **{**sanafe_twin.synthetic_arrays(), **change})
    with pytest.raises(NetworkError, match=message):
        read_dvs_network(tmp_path / "net.npz")


def test_places_that_are_refused(tmp_path):
    (tmp_path / "net.npz").write_bytes(b"no archive")
    with pytest.raises(NetworkError, match="expected a NumPy archive"):
        read_dvs_network(tmp_path / "net.npz")
    for place in (tmp_path, tmp_path / "none.npz", tmp_path / "none.whl"):
        with pytest.raises(NetworkError, match=r"expected a folder, a \.whl or an .npz file with sanafe/examples"):
            read_dvs_network(place)
    with pytest.raises(NetworkError, match="expected a Python with the package sanafe"):
        package_folder(tmp_path / "python")


@pytest.mark.skipif(importlib.util.find_spec("sanafe") is not None, reason="SANA-FE is installed")
def test_without_a_wheel_the_command_says_what_to_do():
    found = CliRunner().invoke(build(), ["validate", "sanafe"])
    assert isinstance(found.exception, NetworkError)
    assert "SANA-FE is not installed here" in str(found.exception) and "--wheel" in str(found.exception)


def test_the_runner_needs_nothing_of_accelsim():
    import accelsim.validation.sanafe_runner as runner

    assert "accelsim" not in {line.split()[1] for line in Path(runner.__file__).read_text().splitlines() if
                              line.startswith(("import ", "from "))}  # fmt: skip
