"""Supply, calibration and overrides: what a hardware file does to sourced prices and leakages."""

import numpy as np
import pytest
from costs_chip import chip
from energy_formulas import value_of

from accelsim.baseline.prices import array_prices
from accelsim.costs.adjust import table_supply
from accelsim.costs.leakage import component_leakage, static_energy
from accelsim.costs.prices import component_prices
from accelsim.errors import ConfigError, CostError, UnknownNameError

SUPPLY = {
    "synapse_memory": 0.7, "router": 1.0, "link": 1.0, "synapse_engine": 0.9, "core_control": 0.9, "input_queue": 0.9,
    "injection_queue": 0.7,
}  # fmt: skip


def change(**blocks):
    return chip(**{f"technology__{name}": value for name, value in blocks.items()})


def calibration(component, factor, **more):
    return {"component": component, "factor": factor, "reason": "fitted to an invented chip", **more}


def leak(component, power):
    return {"component": component, "power": power, "source": "a measurement of the tests"}


def test_every_kind_has_the_supply_of_its_table():
    for kind, volt in SUPPLY.items():
        assert table_supply(chip(core__input_queue=2), False, kind) == pytest.approx(volt)


def test_another_supply_scales_energy_by_its_square_and_leakage_in_proportion():
    plain, moved = component_prices(chip(), False), component_prices(change(supply="0.6 V"), False)
    power, less = component_leakage(chip(), False), component_leakage(change(supply="0.6 V"), False)
    for (kind, action), price in plain.items():
        if action == "event":
            assert moved[kind, action] == price
            continue
        ratio = 0.6 / table_supply(chip(), False, kind)
        assert moved[kind, action].energy_pj == pytest.approx(price.energy_pj * ratio**2)
        assert "to 0.6 V, squared" in moved[kind, action].source
        if not kind.startswith("port"):
            assert less[kind].power_mw == pytest.approx(power[kind].power_mw * ratio)


@pytest.mark.parametrize("volt", ["0.3 V", "1.2 V"])
def test_a_supply_far_from_the_table_is_refused(volt):
    with pytest.raises(CostError, match=r"technology\.supply: expected .* V around the table.s .* V"):
        component_prices(change(supply=volt), False)


def test_calibration_multiplies_and_says_why():
    spec = change(calibration=[calibration("synapse_memory", 2.5), calibration("all", 2)])
    plain, found = component_prices(chip(), False), component_prices(spec, False)
    for (kind, action), price in plain.items():
        factor = 1 if kind.startswith("port") else 5 if kind == "synapse_memory" else 2
        assert found[kind, action].energy_pj == pytest.approx(factor * price.energy_pj)
        assert ("calibration: fitted to an invented chip" in found[kind, action].source) == (factor > 1)
    assert component_leakage(spec, False) == component_leakage(chip(), False)
    leaky = change(calibration=[calibration("router", 3, quantity="leakage")])
    assert component_prices(leaky, False) == plain
    power = component_leakage(leaky, False)["router"].power_mw
    assert power == pytest.approx(3 * component_leakage(chip(), False)["router"].power_mw)


def test_an_override_is_not_calibrated():
    override = {"component": "link", "action": "flit", "energy": "7 pJ", "source": "measured by nobody"}
    spec = change(calibration=[calibration("link", 9)], overrides=[override])
    assert component_prices(spec, False)["link", "flit"].energy_pj == 7


def test_leakage_can_be_overridden_and_reaches_the_static_energy():
    spec = change(leakage_overrides=[leak("router", "5 mW"), leak("port", "1 uW")])
    found = component_leakage(spec, False)
    assert (found["router"].power_mw, found["router"].source) == (5, "a measurement of the tests")
    assert found["port:input"].power_mw == found["port:output"].power_mw == 1e-3
    assert found["link"] == component_leakage(chip(), False)["link"]
    static = static_energy(spec, False, {"router[0,0]": "router"}, np.array([10.0]), set())
    assert static["router[0,0]"] == [50.0]


def test_an_overridden_leakage_asks_no_source():
    everything = [leak(kind, "0 mW") for kind in component_leakage(chip(), False) if not kind.startswith("port")]
    spec = change(node="14 nm", leakage_overrides=everything)
    assert sum(item.power_mw for item in component_leakage(spec, False).values()) == 0
    with pytest.raises(CostError):
        component_leakage(change(node="14 nm", leakage_overrides=everything[1:]), False)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"calibration": [calibration("routers", 2)]}, r"calibration\.0: expected one of all, axon.*got routers"),
        ({"leakage_overrides": [leak("x", "1 mW")]}, r"leakage_overrides\.0: expected one of axon_memory.*got x"),
        ({"leakage_overrides": [leak("link", "1 mW")] * 2}, r"leakage_overrides\.1: link is overridden twice"),
    ],
)
def test_unknown_components_are_refused(block, message):
    for look in (component_prices, component_leakage):
        with pytest.raises(ConfigError, match=message):
            look(change(**block), False)


def test_an_override_of_the_mac_array_is_left_to_the_mac_array():
    override = {"component": "baseline.mac_array", "action": "multiply", "energy": "9 pJ", "source": "by nobody"}
    spec = change(overrides=[override])
    assert component_prices(spec, False) == component_prices(chip(), False)
    assert array_prices(spec).table.prices["baseline.mac_array", "multiply"].energy_pj == 9


@pytest.mark.parametrize(("name", "value"), [
    ("supply", "0.7 V"), ("calibration", [calibration("all", 2)]), ("leakage_overrides", [leak("link", "1 mW")]),
])  # fmt: skip
def test_stated_energies_take_no_corrections(name, value):
    energies = {
        "others": "included", "static_power": "unpublished",
        "actions": [{"component": "link", "action": "flit", "energy": "1 pJ", "source": "invented for the tests"}],
    }
    spec = chip(energies=energies, **{f"technology__{name}": value})
    with pytest.raises(ConfigError, match=rf"technology\.{name}: expected none where energies are stated"):
        component_prices(spec, False)


@pytest.mark.parametrize("float32", [False, True])
def test_every_formula_evaluates_to_its_price(float32):
    for spec in (chip(), change(supply="0.65 V", calibration=[calibration("all", 1.7)]), change(node="28 nm")):
        for key, price in component_prices(spec, float32, payload_bits=5, weight_bits=4).items():
            assert value_of(price.formula) == pytest.approx(price.energy_pj, rel=1e-9), key


def test_the_array_is_moved_and_calibrated_as_the_chip_is():
    plain = array_prices(chip())
    moved = array_prices(change(supply="0.6 V", calibration=[calibration("all", 2)]))
    own = {"baseline.mac_array": 0.9, "baseline.ports": None, "baseline.dram": None}
    for (component, action), price in plain.table.prices.items():
        volt = own.get(component, 0.7)
        factor = 1.0 if volt is None else 2 * (0.6 / volt) ** 2
        found = moved.table.prices[component, action]
        assert found.energy_pj == pytest.approx(factor * price.energy_pj)
        assert value_of(found.formula) == pytest.approx(found.energy_pj)
        assert ("to 0.6 V, squared" in found.source) == (volt is not None)
    for component, power in plain.leakage_mw.items():
        assert moved.leakage_mw[component] == pytest.approx(power * 0.6 / own.get(component, 0.7))


def test_components_of_the_array_are_calibrated_and_overridden_alone():
    plain = array_prices(chip())
    weight, inputs = "baseline.weight_buffer", "baseline.input_buffer"
    spec = change(
        calibration=[calibration(weight, 3), calibration(inputs, 5, quantity="leakage")],
        leakage_overrides=[leak("baseline.mac_array", "1 uW")],
    )
    found = array_prices(spec)
    before, after = (one.table.prices[weight, "read"].energy_pj for one in (plain, found))
    assert after == pytest.approx(3 * before)
    assert found.table.prices[inputs, "read"] == plain.table.prices[inputs, "read"]
    assert found.leakage_mw[inputs] == pytest.approx(5 * plain.leakage_mw[inputs])
    assert found.leakage["baseline.mac_array"].source == "a measurement of the tests"
    assert found.leakage_mw["baseline.mac_array"] == pytest.approx(1e-3)
    assert component_prices(spec, False) == component_prices(chip(), False)
    assert component_leakage(spec, False) == component_leakage(chip(), False)


@pytest.mark.parametrize("blocks", [
    {"calibration": [calibration("baseline.dram", 2)]}, {"leakage_overrides": [leak("baseline.ports", "1 mW")]},
])  # fmt: skip
def test_what_the_array_does_not_have_is_refused(blocks):
    with pytest.raises(UnknownNameError, match=r"baseline\.(dram|ports).*baseline\.mac_array"):
        array_prices(change(**blocks))


def test_a_price_of_the_array_is_replaced():
    override = {"component": "baseline.dram", "action": "bit", "energy": "7 pJ", "source": "measured by nobody"}
    spec = change(overrides=[override], calibration=[calibration("all", 9)])
    assert array_prices(spec).table.prices["baseline.dram", "bit"].energy_pj == 7


def test_a_buffer_of_the_array_off_the_grid_is_named():
    buffer = chip().baseline.weight_buffer.model_copy(update={"capacity": 1 << 29})
    spec = chip().model_copy(update={"baseline": chip().baseline.model_copy(update={"weight_buffer": buffer})})
    with pytest.raises(CostError, match=r"baseline\.weight_buffer: SRAM bank of .* is outside the CACTI 7 grid"):
        array_prices(spec)
