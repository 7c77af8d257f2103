"""Leakage by kind against hand-made sums, and static energy under both policies for unused cores."""

import numpy as np
import pytest
from costs_chip import chip

from accelsim.costs import parts
from accelsim.costs.leakage import component_leakage, static_energy
from accelsim.errors import CostError
from accelsim.hardware.sources.base import NOC_SOURCES, SRAM_SOURCES


def test_every_kind_leaks_and_says_why():
    found = component_leakage(chip(), False)
    assert set(found) == set(parts.kinds(chip()))
    for kind, leakage in found.items():
        assert len(leakage.source) > 15, kind
        assert (leakage.power_mw > 0) != kind.startswith("port:"), kind


def test_memories_leak_in_all_banks():
    bank = SRAM_SOURCES.get("cacti7")().figures(16 * 1024 * 8, 64, "1RW", 45, "itrs-lop", 300)
    found = component_leakage(chip(), False)["synapse_memory"]
    assert found.power_mw == pytest.approx(4 * bank.leakage_mw, rel=1e-12)
    assert found.source.startswith("4 x CACTI 7")


@pytest.mark.parametrize(
    ("float32", "synapse", "neuron"),
    [
        (False, 12 * 0.0023 * 12 / 32 + 4 * 0.08 / 16, 2 * (2 * 0.0023 * 16 / 32 + 0.08 / 4)),
        (True, 12 * 0.053 + 4 * 0.12, 2 * (2 * 0.053 + 0.12)),
    ],
)
def test_engines_leak_in_all_lanes(float32, synapse, neuron):
    found = component_leakage(chip(), float32)
    assert found["synapse_engine"].power_mw == pytest.approx(synapse, rel=1e-12)
    assert found["neuron_engine"].power_mw == pytest.approx(neuron, rel=1e-12)


def test_a_core_without_multipliers_has_none():
    found = component_leakage(chip(core__mac_lanes=0), False)["synapse_engine"]
    assert found.power_mw == pytest.approx(8 * 0.0023 * 12 / 32, rel=1e-12)
    assert "int_mul" not in found.source


def test_queues_and_network():
    found = component_leakage(chip(), False)
    assert found["input_queue"].power_mw == pytest.approx(2 * 16 * 32 * 7e-5)
    assert found["spike_fifo"].power_mw == pytest.approx(32 * 10 * 7e-5)
    assert found["core_control"].power_mw == pytest.approx((40 + 208) * 7e-5)
    noc = NOC_SOURCES.get("dsent")()
    assert found["router"].power_mw == noc.router(5, 32, 2, 4, 45).leakage_mw
    assert found["link"].power_mw == noc.link(32, 1.0, 45).leakage_mw


def test_hot_chips_leak_more():
    cold, hot = (component_leakage(chip(technology__temperature=t), False) for t in ("300 K", "350 K"))
    assert hot["synapse_memory"].power_mw > 2 * cold["synapse_memory"].power_mw


INSTANCES = {
    **{f"core[{core}].{kind}": kind for core in range(3) for kind in parts.CORE_KINDS},
    **{f"router[{at},0]": "router" for at in range(3)}, "link[0,0>1,0]": "link", "port[input]": "port:input",
}


@pytest.mark.parametrize("policy", ["gated", "leaking"])
def test_unused_cores_follow_the_policy(policy):
    time, spec = np.array([10.0, 2500.0]), chip(technology__unused_cores=policy)
    power = component_leakage(spec, False)
    energy = static_energy(spec, False, INSTANCES, time, {"core[1]"})
    assert set(energy) == set(INSTANCES)
    for path, kind in INSTANCES.items():
        off = policy == "gated" and path.startswith(("core[0]", "core[2]"))
        expected = 0.0 if off else power[kind].power_mw
        assert energy[path].tolist() == [expected * 10.0, expected * 2500.0]


def test_milliwatts_times_nanoseconds_are_picojoules():
    energy = static_energy(chip(), True, {"router[0,0]": "router"}, np.array([1e6]), set())
    milliwatt = component_leakage(chip(), True)["router"].power_mw
    assert energy["router[0,0]"][0] * 1e-12 == pytest.approx(milliwatt * 1e-3 * 1e-3)  # J over one millisecond


def test_errors_list_everything():
    with pytest.raises(CostError, match="unknown kind of component bus; known: axon_memory"):
        static_energy(chip(), False, {"x": "bus"}, np.ones(1), set())
    with pytest.raises(CostError) as error:
        component_leakage(chip(technology__node="65 nm", technology__temperature="290 K"), False)
    first, second = str(error.value).splitlines()
    memories = "axon_memory, routing_memory, synapse_memory, membrane_memory, accumulator_memory, injection_queue"
    assert first.startswith(f"{memories}: SRAM leakage: expected a temperature")
    assert second.startswith("router, link: network-on-chip node")
