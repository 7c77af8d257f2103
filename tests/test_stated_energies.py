"""Energies by event: closed forms from the counts, what is refused, and that derived chips do not notice."""

import json

import numpy as np
import pytest
from functional_builders import random_events, random_network
from hypothesis import given
from hypothesis import strategies as st
from pipeline_builders import run_flow, workload_of
from timing_builders import chip

from accelsim.costs.prices import component_prices
from accelsim.costs.stated import EVENTS
from accelsim.errors import ConfigError
from accelsim.hardware.loader import load_chip
from accelsim.timing.causes import CAUSES

NAMES = {
    ("neuron_engine", "visit"): 51.2, ("neuron_engine", "update"): 21.6, ("neuron_engine", "spike"): 69.3,
    ("synapse_engine", "event"): 35.5, ("routing_memory", "read"): 111.0, ("link", "flit_x"): 3.0,
    ("link", "flit_y"): 4.2, ("port", "event"): 0.5,
}  # fmt: skip
SOURCE = "invented for the tests"


def block(names=NAMES, power="2 mW"):
    actions = [
        {"component": kind, "action": action, "energy": f"{energy} pJ", "source": SOURCE}
        for (kind, action), energy in names.items()
    ]
    return {"actions": actions, "others": "included", "static_power": {"power": power, "source": SOURCE}}


def as_override(value):
    return f"energies={json.dumps(value)}"


@pytest.mark.parametrize("seed", range(3))
def test_counts_times_stated_energies(seed):
    network = random_network(seed)
    events = random_events(seed, network.input.size, samples=2, timesteps=5)
    result, run = run_flow(workload_of(network, events), overrides=[as_override(block())])
    terminals, links, fabric = run.timing.terminals, run.timing.links, run.mapping.fabric
    cores = terminals[:, : run.mapping.cores]
    parts = [run.mapping.parts[index] for index in run.timing.part_order]
    inside = [at for at, part in enumerate(parts) if part.terminal < run.mapping.cores]
    joined = fabric.link_router >= 0
    x, y = joined.copy(), joined.copy()
    x[:, 2:], y[:, :2], y[:, 4:] = False, False, False
    ports = terminals[:, run.mapping.cores :]
    scans = run.timing.scans[:, inside]
    expected = (
        scans["visited"].sum(axis=1) * 51.2 + scans["updated"].sum(axis=1) * 21.6 + cores["fired"].sum(axis=1) * 69.3
        + cores["issued"].sum(axis=1) * 35.5 + cores["packets_out"].sum(axis=1) * 111.0
        + links[:, x].sum(axis=1) * 3.0 + links[:, y].sum(axis=1) * 4.2
        + (ports["fired"] + ports["packets_in"]).sum(axis=1) * 0.5
    )  # fmt: skip
    assert links[:, x].sum() > 0 and links[:, y].sum() > 0
    np.testing.assert_allclose(run.energy.total().dynamic, expected, rtol=1e-12)
    np.testing.assert_allclose(run.energy.total().static, 2.0 * run.time_ns, rtol=1e-12)
    shares = {name: split.static for name, split in run.energy.by_core().items() if split.static.any()}
    assert set(shares) == {f"core[{core}]" for core in run.mapping.used_cores}
    for share in shares.values():
        np.testing.assert_allclose(share, 2.0 * run.time_ns / len(shares), rtol=1e-12)
    leaks = [row for row in result.prices.rows() if row["action"] == "leakage"]
    assert [row["component"] for row in leaks] == ["core control"]
    np.testing.assert_allclose(leaks[0]["energy_pj"], 2.0 * run.time_ns.mean(), rtol=1e-9)
    assert {action for _, action in run.counters.counts} <= {action for _, action in NAMES}
    assert not any("an access takes" in line for line in result.warnings)


def test_the_baseline_keeps_the_technology():
    network = random_network(1)
    load = workload_of(network, random_events(1, network.input.size))
    plain, stated = run_flow(load)[0], run_flow(load, overrides=[as_override(block())])[0]
    assert plain.baseline.totals == stated.baseline.totals


def test_derived_chips_price_and_count_no_events():
    network = random_network(1)
    _, run = run_flow(workload_of(network, random_events(1, network.input.size)))
    assert not EVENTS & set(component_prices(load_chip("core").spec, False))
    kinds = run.energy.kinds
    assert not EVENTS & {(kinds[path], action) for path, action in run.counters.counts}


def test_flits_without_dimensions():
    network = random_network(2)
    load = workload_of(network, random_events(2, network.input.size))
    _, run = run_flow(load, overrides=[as_override(block({("link", "flit"): 3.0}))])
    joined = run.mapping.fabric.link_router >= 0
    np.testing.assert_allclose(run.energy.total().dynamic, 3.0 * run.timing.links[:, joined].sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({("membrane", "read"): 1}, r"actions\[0\]: expected one of accumulator_memory\.read, .*got membrane\.read"),
        ({("link", "flit"): 1, ("link", "flit_x"): 1}, "expected link.flit or link.flit_x, flit_y, flit_z, got both"),
    ],
)
def test_what_is_refused(names, message):
    with pytest.raises(ConfigError, match=message):
        component_prices(chip(energies=block(names)), False)


def test_nothing_is_stated_twice():
    twice = block({("link", "flit"): 1})
    twice["actions"] *= 2
    with pytest.raises(ConfigError, match=r"energies\.actions\[1\]: link\.flit is stated twice"):
        component_prices(chip(energies=twice), False)


@given(st.dictionaries(st.integers(2, 40), st.integers(0, 1000), max_size=5), st.integers(1, 50))
def test_the_barrier_of_a_table_is_the_entry_at_or_below(table, routers):
    table[1] = 7
    spec = chip(barrier__cycles={str(key): value for key, value in table.items()})
    at = routers
    while at not in table:
        at -= 1
    assert spec.barrier.cycles_of(routers) == table[at]
    assert chip(barrier__cycles=12).barrier.cycles_of(routers) == 12


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{2: 5}", "barrier.cycles: expected cycles by numbers of routers from 1 on, got 2"),
        ("{1: -5}", "barrier.cycles: expected at least 0 of 1 routers, got -5"),
        ("{1: 5, x: 6}", "barrier.cycles: expected cycles by numbers of routers from 1 on, got 1, x"),
        ("1.5", "barrier.cycles: expected an integer, got 1.5"),
        ("{}", "barrier.cycles: expected cycles by numbers of routers from 1 on, got "),
        ("true", "barrier.cycles: expected an integer, got True"),
        ("1000001", "barrier.cycles: expected at most 1000000, got 1000001"),
    ],
)
def test_barriers_that_are_refused(value, message):
    with pytest.raises(ConfigError) as error:
        load_chip("core", [f"barrier.cycles={value}"])
    assert str(error.value).endswith(message)


def test_the_barrier_follows_the_routers_in_use():
    network = random_network(1)
    load = workload_of(network, random_events(1, network.input.size))
    _, run = run_flow(load, overrides=["barrier.cycles={1: 100, 2: 200, 5: 500}"])
    used = len(run.mapping.used_cores)
    expected = 100 if used < 2 else 200 if used < 5 else 500
    assert used > 1 and (run.timing.causes[:, :, CAUSES.index("barrier")] == expected).all()
