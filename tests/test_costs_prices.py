"""Prices by kind and action: closed forms from the sources, overrides, and errors that list everything."""

import numpy as np
import pytest
from costs_chip import CHIP, chip

from accelsim.costs import parts
from accelsim.costs.prices import build_energy_table, component_prices
from accelsim.counters import Counters
from accelsim.errors import ConfigError, CostError
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, NOC_SOURCES, SRAM_SOURCES
from accelsim.hardware.sources.scaling import energy_ratio

COUNTED = {
    "axon_memory": "read write", "routing_memory": "read write",
    "synapse_memory": "read write", "membrane_memory": "read write",
    "accumulator_memory": "read write", "synapse_engine": "add mac", "neuron_engine": "add multiply compare",
    "input_queue": "write read", "spike_fifo": "write read", "injection_queue": "write read",
    "router": "buffer_write buffer_read crossbar arbitration clock", "link": "flit", "port:input": "event mac",
    "port:output": "event mac", "core_control": "clock_active clock_idle",
}
FLIP_FLOP_45 = 0.009 / energy_ratio(40)[0]


@pytest.mark.parametrize("float32", [False, True])
def test_every_counted_action_has_a_price_with_a_source(float32):
    prices = component_prices(chip(), float32)
    assert set(prices) == {(kind, action) for kind, actions in COUNTED.items() for action in actions.split()}
    for key, price in prices.items():
        assert price.energy_pj > 0, key
        assert len(price.source) > 15, key


def test_memories_are_priced_by_the_bank():
    prices, source = component_prices(chip(), False), SRAM_SOURCES.get("cacti7")()
    bank = source.figures(16 * 1024 * 8, 64, "1RW", 45, "itrs-lop", 300)
    assert prices["synapse_memory", "read"].energy_pj == bank.read_pj
    assert prices["synapse_memory", "write"].energy_pj == bank.write_pj
    membrane = source.figures(1024 * 8, 32, "1R1W", 45, "itrs-lop", 300)
    assert prices["membrane_memory", "write"].energy_pj == membrane.write_pj
    half = source.figures(512 * 8, 32, "1R1W", 45, "itrs-lop", 300)  # the same memory, its banks twice: two halves
    assert prices["accumulator_memory", "read"].energy_pj == half.read_pj


def test_integer_engines():
    prices = component_prices(chip(), False)
    add, multiply = 0.03 * (0.05 / 0.03) ** np.log2(12 / 8), 0.2
    assert prices["synapse_engine", "add"].energy_pj == pytest.approx(add, rel=1e-12)
    assert prices["synapse_engine", "mac"].energy_pj == pytest.approx(multiply + add, rel=1e-12)
    assert prices["port:output", "mac"] == prices["synapse_engine", "mac"]
    assert prices["neuron_engine", "add"].energy_pj == 0.05
    assert prices["neuron_engine", "compare"].energy_pj == 0.05
    assert prices["neuron_engine", "multiply"].energy_pj == pytest.approx(0.2 * (3.1 / 0.2) ** 0.5)


def test_float_engines():
    prices = component_prices(chip(), True)
    assert prices["synapse_engine", "add"].energy_pj == 0.9
    assert prices["synapse_engine", "mac"].energy_pj == pytest.approx(4.6)
    assert prices["neuron_engine", "multiply"].energy_pj == 3.7
    assert prices["neuron_engine", "compare"].energy_pj == 0.9


def test_unequal_operands_use_their_share_of_the_array():
    square = component_prices(chip(), False)["synapse_engine", "mac"].energy_pj
    add = component_prices(chip(), False)["synapse_engine", "add"].energy_pj
    narrow = component_prices(chip(), False, weight_bits=4)["synapse_engine", "mac"]
    assert narrow.energy_pj - add == pytest.approx((square - add) / 2)
    assert "x 0.5 of its rows" in narrow.source


def test_queues():
    prices = component_prices(chip(), False)
    assert prices["input_queue", "write"].energy_pj == pytest.approx(32 * FLIP_FLOP_45)
    assert parts.neuron_index_bits(chip(), False) == 10  # 2 KiB of 16-bit membranes are 1024 neurons
    assert parts.neuron_index_bits(chip(), True) == 9
    assert prices["spike_fifo", "read"].energy_pj == pytest.approx(10 * FLIP_FLOP_45)
    macro = SRAM_SOURCES.get("cacti7")().figures(128 * 32, 32, "1R1W", 45, "itrs-lop", 300)
    assert prices["injection_queue", "write"].energy_pj == macro.write_pj


def test_a_queue_of_narrow_entries_is_a_macro_of_bytes():
    few = {"capacity": "64 B", "width": 16, "banks": 1, "ports": "1RW"}
    spec = chip(core__spike_fifo=256, core__membrane__memory=few)
    assert parts.neuron_index_bits(spec, False) == 5
    macro = SRAM_SOURCES.get("cacti7")().figures(256 * 8, 8, "1R1W", 45, "itrs-lop", 300)
    assert component_prices(spec, False)["spike_fifo", "read"].energy_pj == macro.read_pj


def test_clock_counts_flip_flops():
    prices = component_prices(chip(), False)
    pointers = 2 * (6 + 6 + 8)  # queues of 32 (two channels), 32 and 128 entries
    pipeline = (8 + 4) * 12 + 2 * 16 + 32
    assert prices["core_control", "clock_idle"].energy_pj == pytest.approx(pointers * FLIP_FLOP_45)
    assert prices["core_control", "clock_active"].energy_pj == pytest.approx((pointers + pipeline) * FLIP_FLOP_45)


def test_network_and_ports():
    prices, source = component_prices(chip(), False), NOC_SOURCES.get("dsent")()
    router = source.router(5, 32, 2, 4, 45)
    for name in ("buffer_write", "buffer_read", "crossbar", "arbitration"):
        assert prices["router", name].energy_pj == getattr(router, f"{name}_pj")
    assert prices["router", "clock"].energy_pj == router.clock_pj_per_cycle
    assert prices["link", "flit"].energy_pj == source.link(32, 1.0, 45).energy_pj
    assert prices["port:input", "event"].energy_pj == 1.5
    assert prices["port:output", "event"].source == "invented for the tests"


@pytest.mark.parametrize(
    ("size", "places", "ports"),
    [
        ([4, 4], [[0, 0], [3, 3]], 5),  # ports in corners use the ways that lead nowhere
        ([4, 4], [[1, 1], [3, 3]], 6), ([1, 1], [[0, 0], [0, 0]], 3), ([2, 2], [[0, 0], [1, 1]], 4),
        ([2, 2], [[0, 0], [0, 0]], 5), ([3], [[0], [2]], 3), ([3, 3, 3], [[0, 0, 0], [2, 2, 2]], 7),
    ],
)
def test_router_ports_are_those_of_the_busiest_router(size, places, ports):
    both = [{**port, "router": place} for port, place in zip(CHIP["ports"], places, strict=True)]
    for cores in (1, 2, 4):
        spec = chip(noc__size=size, noc__concentration=cores, ports=both)
        assert parts.router_ports(spec) == ports - 1 + cores


def override(component, action, energy="7 pJ"):
    return {"component": component, "action": action, "energy": energy, "source": "measured elsewhere"}


def test_overrides_replace_one_price():
    plain = component_prices(chip(), False)
    spec = chip(technology__overrides=[override("synapse_memory", "read"), override("port", "mac", "3 pJ")])
    changed = component_prices(spec, False)
    assert changed["synapse_memory", "read"].energy_pj == 7
    assert changed["synapse_memory", "read"].source == "measured elsewhere"
    assert changed["port:input", "mac"].energy_pj == changed["port:output", "mac"].energy_pj == 3
    touched = {("synapse_memory", "read"), ("port:input", "mac"), ("port:output", "mac")}
    assert {key for key in plain if plain[key] != changed[key]} == touched


def test_an_overridden_source_is_not_asked():
    spec = chip(technology__node="65 nm")
    with pytest.raises(CostError) as error:
        component_prices(spec, False)
    assert str(error.value) == (
        "router.buffer_write, router.buffer_read, router.crossbar, router.arbitration, router.clock, link.flit: "
        "network-on-chip node, nm (or between 22 and 45): expected one of 11, 22, 32, 45, got 65.0"
    )
    names = [("router", name) for name in COUNTED["router"].split()] + [("link", "flit")]
    spec = chip(technology__node="65 nm", technology__overrides=[override(*name) for name in names])
    assert component_prices(spec, False)["link", "flit"].energy_pj == 7


def test_unknown_and_repeated_overrides_are_all_listed():
    wrong = [override("synapse_memory", "erase"), override("link", "flit"), override("link", "flit")]
    with pytest.raises(ConfigError) as error:
        component_prices(chip(technology__overrides=wrong), False)
    first, second = error.value.problems
    assert first.startswith("technology.overrides.0: expected one of accumulator_memory.read, ")
    assert first.endswith("; got synapse_memory.erase")
    assert "port.event" in first and "router.clock" in first
    assert second == "technology.overrides.2: link.flit is overridden twice"


def test_every_problem_of_the_sources_is_listed_once():
    spec = chip(technology__temperature="400 K", noc__flit_bits=8)
    with pytest.raises(CostError) as error:
        component_prices(spec, False)
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("axon_memory.read, axon_memory.write, routing_memory.read, routing_memory.write, ")
    assert lines[0].endswith("SRAM leakage: expected a temperature of 300..350 K, got 400 K")
    assert lines[1].endswith("router.clock: router flit bits: expected 16..128, got 8")


def test_table_by_path_and_missing_prices():
    components = {"core[3].synapse_memory": "synapse_memory", "router[1,2]": "router", "port[input]": "port:input"}
    table = build_energy_table(chip(), False, components)
    prices = component_prices(chip(), False)
    assert set(table.prices) == {
        (path, action) for path, kind in components.items() for action in COUNTED[kind].split()
    }
    assert table.prices["core[3].synapse_memory", "read"] == prices["synapse_memory", "read"]
    counters = Counters(2)
    counters.add("router[1,2]", "clock", np.array([3, 5]))
    energy = table.energy(counters)["router[1,2]", "clock"]
    assert energy.tolist() == [3 * prices["router", "clock"].energy_pj, 5 * prices["router", "clock"].energy_pj]
    counters.add("router[1,2]", "teleport", 1)
    counters.add("core[4].synapse_memory", "read", 1)
    with pytest.raises(CostError, match=r"no energy for core\[4\]\.synapse_memory\.read, router\[1,2\]\.teleport"):
        table.energy(counters)
    with pytest.raises(CostError, match=r"unknown kind of component memory, sram; known: axon_memory, .*, port:output"):
        build_energy_table(chip(), False, {"a": "sram", "b": "memory"})


def test_slow_memories_are_named():
    assert parts.slow_memories(chip()) == []
    (warning,) = parts.slow_memories(chip(clock="900 MHz", core__synapse_memory={
        "capacity": "1 MiB", "width": 64, "banks": 1, "ports": "1RW"}))
    assert warning.startswith("synapse_memory: an access takes ")
    assert warning.endswith("longer than the clock period of 1.11 ns")


def test_arithmetic_source_is_the_chips():
    assert isinstance(parts.arithmetic(chip()), ARITHMETIC_SOURCES.get("horowitz45"))
