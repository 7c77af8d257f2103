"""Loihi as SANA-FE has it: the machine's counts and energies in every timestep, on both engines, against the twin."""

import dataclasses

import numpy as np
import pytest
import sanafe_twin
from test_sanafe_network import installed  # noqa: F401 - a fixture
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.costs.analytic_models.sanafe_latency import CoreLatencies, simple_latency
from accelsim.validation.sanafe_compare import compare, latencies, run_own, sanafe_chip, simple_cycles
from accelsim.validation.sanafe_network import CORES, read_dvs_network
from accelsim.validation.sanafe_peer import PeerRun
from accelsim.validation.sanafe_rules import step_counts

TIMESTEPS = 25


@pytest.fixture(scope="module")
def dvs(tmp_path_factory):
    file = tmp_path_factory.mktemp("sanafe") / "net.npz"
    np.savez(file, **sanafe_twin.synthetic_arrays())
    return read_dvs_network(file)


@pytest.fixture(scope="module")
def twin(dvs):
    return sanafe_twin.counts(dvs.arrays, *sanafe_twin.simulate(dvs.arrays, TIMESTEPS))


@pytest.fixture(scope="module", params=["compiled", "reference"])
def own(request, dvs):
    return run_own(dvs, TIMESTEPS, request.param)


@pytest.fixture(scope="module")
def as_peer(twin):
    """What SANA-FE would return, from the twin."""
    totals, energy, latency = twin
    steps = {"fired": totals["fired"], "updated": totals["updated"], "spikes": totals["events"]}
    steps["hops"] = totals["hops_x"] + totals["hops_y"]
    steps |= {f"{part}_energy": values * 1e-12 for part, values in energy.items()}
    steps["total_energy"] = sum(energy.values()) * 1e-12
    steps["sim_time"] = latency * 1e-10
    return PeerRun("twin", {"packets_sent": int(totals["packets"].sum())}, steps, 0, 0, 0, 0, 0)


def test_every_timestep_is_the_twins(own, twin):
    totals, energy, _ = twin
    for name in ("fired", "updated", "packets", "received", "events", "hops_x", "hops_y"):
        assert (own.steps[name] == totals[name]).all(), name
    for part, values in energy.items():
        np.testing.assert_allclose(own.energies[part], values, rtol=1e-12)
    assert own.energy_pj == pytest.approx(sum(values.sum() for values in energy.values()), rel=1e-12)


def test_simple_latency_is_the_twins_and_its_parts_are_lower_bounds(own, dvs, twin):
    """A core of ours sends while it updates, so that only each of both is a bound, as its synapses are."""
    rules = step_counts(dvs.network, own.trace)
    assert own.barrier == sanafe_twin.BARRIER  # 42 cores on 11 tiles
    assert (simple_cycles(own, rules) == twin[2]).all()
    every, none = latencies(own.chip), dict.fromkeys(("visit", "update", "spike", "axon_out", "axon_in", "synapse"), 0)
    for names in (("visit", "update", "spike"), ("axon_out",), ("axon_in", "synapse")):
        part = CoreLatencies(**{**none, **{name: getattr(every, name) for name in names}})
        bound = simple_latency(rules.cores, part, own.barrier)
        assert (own.cycles >= bound).all() and (bound > own.barrier).any(), names


def test_the_comparison_finds_nothing(own, dvs, as_peer):
    lines = list(compare(dvs, own, as_peer))
    assert len(lines) == 6 + 10 and not any(line.difference for line in lines)


@pytest.mark.parametrize("name", ["fired", "updated", "packets", "events", "hops"])
def test_a_count_that_is_off_by_one_is_found(own, dvs, as_peer, name):
    steps = {key: values.copy() for key, values in own.steps.items()}
    steps[name][7] += 1
    lines = list(compare(dvs, dataclasses.replace(own, steps=steps), as_peer))
    wrong = [line for line in lines if line.difference]
    assert len(wrong) == 2  # against the rules and against SANA-FE
    assert "1 of 25 timesteps differ; first timestep 7: expected" in wrong[0].difference


def test_an_energy_that_is_off_is_found(own, dvs, as_peer):
    energies = {**own.energies, "synapse": own.energies["synapse"] * (1 + 1e-8)}
    wrong = [line for line in compare(dvs, dataclasses.replace(own, energies=energies), as_peer) if line.difference]
    assert [line.quantity for line in wrong] == ["synapse energy, pJ, SANA-FE twin"]


def test_the_chip_has_the_published_cores():
    chip = sanafe_chip()
    assert chip.mapping.slices == CORES and chip.ports == () and chip.schedule == "native"
    assert dataclasses.astuple(latencies(chip)) == (60, 37, 300, 51, 160, 38)
    assert chip.noc.size == (8, 4) and chip.noc.concentration == 4 and chip.clock == 10


def test_the_command_on_the_published_network(installed):  # noqa: F811
    """No wheel, no test: the file is SANA-FE's."""
    words = [] if installed is None else ["--wheel", str(installed)]
    found = CliRunner().invoke(build(), ["validate", "sanafe", *words, "--timesteps", "30"])
    assert found.exit_code == 0, found.output
    assert "0 differ (compiled engine)" in found.output


def test_the_command_fails_on_a_difference(monkeypatch, dvs, tmp_path):
    file = tmp_path / "net.npz"
    np.savez(file, **dvs.arrays)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    arguments = ["validate", "sanafe", "--wheel", str(file), "--timesteps", "9"]
    assert CliRunner().invoke(build(), arguments).exit_code == 0
    monkeypatch.setattr("accelsim.validation.sanafe_rules.TILE_CORES", 2)
    found = CliRunner().invoke(build(), arguments)
    assert found.exit_code == 1 and "hops, rules" in found.output and "1 differ" in found.output
