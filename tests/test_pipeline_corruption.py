"""A count or an energy that is wrong anywhere between the engines and the report stops the run."""

import pytest
from pipeline_builders import layered_network, random_events, run_flow, workload_of

from accelsim.counters import EnergyTable
from accelsim.errors import ConservationError, CostError
from accelsim.pipeline import flow
from accelsim.timing.engine import ENGINES


@pytest.fixture(scope="module")
def load():
    network = layered_network(1)
    return workload_of(network, random_events(1, network.input.size, "spikes"))


def corrupted(monkeypatch, change):
    engine = ENGINES.get("compiled")

    def broken(machine, chunk):
        engine(machine, chunk)
        if chunk.first == 0:
            change(chunk)

    monkeypatch.setitem(ENGINES._items, "compiled", broken)


def more(*names):
    def change(chunk):
        for name in names:
            chunk.terminals[name][0, 0] += 1

    return change


COUNTS = r"job 0: \d+ packets made, \d+ injected; \d+ deliveries asked for, \d+ processed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (more("packets_in"), COUNTS),
        (more("packets_out"), COUNTS),
        (more("routing_reads"), COUNTS),
        (more("flits_in"), "job 0"),
        (more("flits_out"), "job 0"),
        (
            more("packets_in", "packets_out", "routing_reads", "destinations"),
            r"sample 0: the chip sent \d+ packets, .* give \d+",
        ),
        (more("sops"), r"sample 0: the chip counted \d+ synaptic operations, .* give \d+"),
    ],
)
def test_a_corrupted_count_is_an_error(load, monkeypatch, change, message):
    corrupted(monkeypatch, lambda chunk: None)
    run_flow(load)
    corrupted(monkeypatch, change)
    with pytest.raises(ConservationError, match=message):
        run_flow(load)


def test_a_negative_count_is_an_error(load, monkeypatch):
    def change(chunk):
        chunk.terminals["words"][0] -= 10**6

    corrupted(monkeypatch, change)
    with pytest.raises(ConservationError, match=r"negative count of core\[\d+\]\.synapse_memory\.read"):
        run_flow(load)


def test_corrupted_energy_is_an_error(load, monkeypatch):
    energy = EnergyTable.energy

    def wrong(table, counters):
        found = energy(table, counters)
        key = max(found, key=lambda key: found[key].sum())
        found[key] = found[key] * (1 + 1e-9)
        return found

    monkeypatch.setattr(EnergyTable, "energy", wrong)
    with pytest.raises(ConservationError, match=r"energy by action, sample 0: .* recomputed it is"):
        run_flow(load)


def test_energy_of_a_forgotten_component_is_an_error(load, monkeypatch):
    account = flow.account

    def wrong(counters, prices, kinds, static):
        path = next(path for path in static if static[path].any())
        return account(counters, prices, {name: kind for name, kind in kinds.items() if name != path}, static)

    monkeypatch.setattr(flow, "account", wrong)
    with pytest.raises(CostError, match="energy of unknown components"):
        run_flow(load)
