"""What a result keeps for its views: time courses that sum to the totals, a bounded raster, sources of numbers."""

import numpy as np
import pytest
from pipeline_builders import run_flow

from accelsim.hardware.loader import load_chip
from accelsim.pipeline import activity
from accelsim.pipeline import run as run_machine

MEANS = 1e-9


@pytest.fixture(scope="module")
def made():
    return run_flow("mnist_conv", samples=3, overrides=("core.synapse_memory.banks=2",))


def test_steps_sum_to_the_totals(made):
    result, run = made
    steps = result.steps
    stalls = [name for name in steps.names if name.startswith("stall_")]
    assert len(stalls) == 9
    for name in stalls:
        assert steps[name].sum() == pytest.approx(result.totals[name].value, rel=MEANS), name
    for name in ("packets", "sops"):
        assert steps[name].sum() == pytest.approx(result.totals[name].value, rel=MEANS)
    causes = [name for name in steps.names if name.endswith("_cycles")]
    assert np.allclose(sum(steps[name] for name in causes), steps["cycles"])
    assert sum(result.totals[name].value > 0 for name in stalls) >= 5
    fired = run.timing.step_terminals["fired"].sum()
    assert fired == run.timing.terminals["fired"].sum() > 0


def test_routers_sum_to_the_totals(made):
    result, run = made
    for field in ("vc", "switch", "credit", "ejection"):
        total = result.totals[f"stall_router_{field}"].value
        assert result.routers[f"stall_{field}"].sum() == pytest.approx(total, rel=MEANS)
    assert result.routers["flits"].sum() == pytest.approx(run.timing.links.sum() / 3)
    ports = " ".join(result.routers["ports"]).replace(",", " ").split()
    assert sorted(ports) == sorted(port.name for port in run.chip.spec.ports)


def test_activity_is_the_trace(made):
    result, run = made
    for row in result.layers.rows():
        own = result.activity["layer"] == row["layer"]
        assert result.activity["spikes"][own].sum() == pytest.approx(row["spikes"])
        assert result.activity["timesteps"][own].sum() == run.trace.timesteps


def test_raster_is_the_first_sample(made):
    result, run = made
    raster, thinned = result.raster, {}
    assert 0 < len(raster) <= activity.MAX_RASTER
    text = raster.columns[1].definition
    for part in text.partition("shown: ")[2].split(", "):
        if part.startswith("every "):
            every, _, name = part.removeprefix("every ").partition("th neuron of ")
            thinned[name] = int(every)
    for name, item in run.workload.network.populations.items():
        dense = run.trace.dense(name, item.size)[0]
        dense[:, np.arange(item.size) % thinned.get(name, 1) > 0] = 0
        own = raster["layer"] == name
        found = np.zeros_like(dense)
        np.add.at(found, (raster["timestep"][own], raster["neuron"][own]), 1)
        assert np.array_equal(found, dense), name


def test_sizes_are_bounded(made, monkeypatch):
    run = made[1]
    monkeypatch.setattr(activity, "MAX_BINS", 3)
    monkeypatch.setattr(activity, "MAX_RASTER", 20)
    coarse, whole = activity.activity_table(run), made[0].activity
    assert np.unique(coarse["timestep"]).tolist() == [0, 3, 6]
    assert coarse["spikes"].sum() == pytest.approx(whole["spikes"].sum())
    raster = activity.raster_table(run)
    assert 0 < len(raster) <= 20
    assert "shown: every " in raster.columns[1].definition
    monkeypatch.setattr(activity, "MAX_RASTER", 4)
    assert len(activity.raster_table(run)) <= 4


def test_prices_sum_to_the_energy(made):
    result = made[0]
    prices, leaks = result.prices, result.prices["action"] == "leakage"
    assert prices["energy_pj"][~leaks].sum() == pytest.approx(result.totals["energy_dynamic"].value, rel=MEANS)
    assert prices["energy_pj"][leaks].sum() == pytest.approx(result.totals["energy_static"].value, rel=MEANS)
    assert np.allclose(prices["count"] * prices["price_pj"], prices["energy_pj"])
    assert all(prices["source"])
    for row in result.components.rows():
        own = prices["component"] == row["component"]
        assert prices["energy_pj"][own & ~leaks].sum() == pytest.approx(row["dynamic_pj"], rel=MEANS, abs=1e-9)
        assert prices["energy_pj"][own & leaks].sum() == pytest.approx(row["static_pj"], rel=MEANS, abs=1e-9)
    cycles = made[1].timing.step_cycles.sum(axis=1).mean()
    leaking = {row["component"]: row["count"] / cycles for row in prices.rows() if row["action"] == "leakage"}
    fabric = made[1].mapping.fabric
    assert leaking["router"] == pytest.approx(fabric.routers)  # one leaks in every cycle, used or not
    assert leaking["link"] == pytest.approx(len(fabric.link_names))


def test_leakage_of_several_kinds_of_core_and_of_cores_that_sleep():
    result = run_machine("hetero", "mnist_conv", samples=1, threads=1)
    prices, leaks = result.prices, result.prices["action"] == "leakage"
    assert prices["energy_pj"][leaks].sum() == pytest.approx(result.totals["energy_static"].value, rel=MEANS)
    assert {"synapse memory", "synapse memory:dense"} <= set(prices["component"][leaks])


def test_every_parameter_has_a_place(made):
    table = made[0].parameters
    assert all(table["place"])
    rows = {path: (value, place) for path, value, place in zip(*(table[name] for name in table.names), strict=True)}
    assert rows["core.synapse_memory.banks"] == ("2", "--set core.synapse_memory.banks=2")
    assert rows["clock"][1].endswith("core.yaml:" + rows["clock"][1].rpartition(":")[2])
    assert rows["ports.0.name"][0] == load_chip("core").spec.ports[0].name
