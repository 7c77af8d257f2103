"""Arithmetic energies, node scaling and flip-flops against the published numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.errors import CostError, UnknownNameError
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES
from accelsim.hardware.sources.registers import register_figures, register_memory
from accelsim.hardware.sources.scaling import energy_ratio, stillmaker_factor
from accelsim.hardware.sources.tables import bracket, geometric

SOURCE = ARITHMETIC_SOURCES.get("horowitz45")()

HOROWITZ = [
    ("int_add", 8, 0.03), ("int_add", 16, 0.05), ("int_add", 32, 0.1), ("int_mul", 8, 0.2), ("int_mul", 32, 3.1),
    ("fp_add", 16, 0.4), ("fp_add", 32, 0.9), ("fp_mul", 16, 1.1), ("fp_mul", 32, 3.7),
]


@pytest.mark.parametrize(("op", "bits", "energy"), HOROWITZ)
def test_published_values_are_exact_at_45_nm(op, bits, energy):
    price = SOURCE.energy(op, bits, 45)
    assert price.energy_pj == energy
    assert price.source == f"Horowitz ISSCC 2014, 45 nm, {op} {bits} bit, published"


def test_power_laws_outside_the_published_widths():
    assert SOURCE.energy("int_add", 4, 45).energy_pj == pytest.approx(0.03 * 0.5**0.868, rel=1e-3)
    assert SOURCE.energy("int_add", 64, 45).energy_pj == pytest.approx(0.1 * 2**0.868, rel=1e-3)
    assert SOURCE.energy("int_mul", 4, 45).energy_pj == pytest.approx(0.2 * 0.5**1.977, rel=1e-3)
    assert SOURCE.energy("int_mul", 16, 45).energy_pj == pytest.approx(0.2 * 2**1.977, rel=1e-3)
    assert "power law through 8 and 32 bit" in SOURCE.energy("int_mul", 16, 45).source


@pytest.mark.parametrize("op", ["int_add", "int_mul", "int_compare"])
def test_energy_rises_with_width(op):
    energies = [SOURCE.energy(op, bits, 45).energy_pj for bits in range(1, 65)]
    assert (np.diff(energies) > 0).all()


def test_a_comparison_is_a_subtraction_and_says_so():
    compare = SOURCE.energy("int_compare", 16, 45)
    assert compare.energy_pj == SOURCE.energy("int_add", 16, 45).energy_pj
    assert "a comparison is a subtraction" in compare.source


def test_stillmaker_corrigendum():
    assert round(stillmaker_factor("HP32", 0.9), 4) == 0.4571
    assert round(stillmaker_factor("65", 1.3), 3) == 2.604
    assert stillmaker_factor("HP32", 0.9) / stillmaker_factor("65", 1.3) == pytest.approx(0.1755, abs=1e-4)


@pytest.mark.parametrize(
    ("node", "against_one_volt"), [(65, 1.95), (32, 0.53), (20, 0.23), (16, 0.16), (14, 0.11), (10, 0.082), (7, 0.056)]
)
def test_node_ratios(node, against_one_volt):
    one_volt = 1.018 - 0.3107 + 0.1539
    at_45 = 1.018 * 0.81 - 0.3107 * 0.9 + 0.1539
    assert energy_ratio(node)[0] * at_45 / one_volt == pytest.approx(against_one_volt, rel=0.025)


def test_nodes_without_a_row_are_interpolated_and_flagged():
    high, low = energy_ratio(32)[0], energy_ratio(20)[0]
    ratio, how = energy_ratio(28)
    exponent = np.log(high / low) / np.log(32 / 20)
    assert ratio == pytest.approx(low * (28 / 20) ** exponent, rel=1e-12)
    assert how == "Stillmaker & Baas 2017, 28 nm interpolated log-log between HP20 at 0.9 V and HP32 at 0.9 V"
    assert energy_ratio(45) == (1.0, "Stillmaker & Baas 2017, HP45 at 0.9 V")


@given(st.floats(7, 90), st.floats(7, 90))
def test_smaller_nodes_need_less_energy(one, two):
    small, large = sorted((one, two))
    assert energy_ratio(small)[0] <= energy_ratio(large)[0] * (1 + 1e-12)


def test_scaled_prices_carry_the_factor():
    price = SOURCE.energy("fp_mul", 32, 32)
    assert price.energy_pj == pytest.approx(3.7 * 0.4571 / 0.6989, rel=1e-3)
    assert price.source.endswith("published, x0.6541 from 45 nm (Stillmaker & Baas 2017, HP32 at 0.9 V)")


@pytest.mark.parametrize(
    ("op", "bits", "power"),
    [
        ("int_add", 32, 0.0023), ("int_add", 16, 0.00115), ("int_compare", 32, 0.0023), ("int_mul", 32, 0.08),
        ("int_mul", 8, 0.005), ("fp_add", 32, 0.053), ("fp_mul", 32, 0.12),
    ],
)
def test_leakage_is_aladdins(op, bits, power):
    leakage = SOURCE.leakage(op, bits, 28)
    assert leakage.power_mw == pytest.approx(power, rel=1e-12)
    assert leakage.source.startswith("Aladdin 40 nm") and leakage.source.endswith("not scaled to 28 nm")


def test_flip_flops():
    one = register_figures(40)
    assert (one.access_pj, one.leakage_mw) == (0.009, 7e-5)
    assert one.area_mm2 == pytest.approx(5.98e-6)
    moved = register_figures(45)
    assert moved.access_pj == pytest.approx(0.009 / energy_ratio(40)[0], rel=1e-12)
    memory = register_memory(320, 32, 40)
    assert memory.read_pj == memory.write_pj == pytest.approx(0.288)
    assert memory.leakage_mw == pytest.approx(320 * 7e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: SOURCE.energy("int_div", 8, 45),
            "arithmetic operation: expected one of int_add, int_mul, int_compare, fp_add, fp_mul, got int_div",
        ),
        (lambda: SOURCE.energy("fp_add", 8, 45), "arithmetic fp_add, bits: expected one of 16, 32, got 8"),
        (lambda: SOURCE.energy("int_add", 65, 45), "arithmetic int_add: expected 1..64 bit, got 65 bit"),
        (lambda: SOURCE.energy("int_add", 0, 45), "arithmetic int_add: expected 1..64 bit, got 0 bit"),
        (lambda: SOURCE.energy("int_add", 8, 5), "node scaling: expected a node of 7..90 nm, got 5 nm"),
        (lambda: SOURCE.leakage("int_add", 8, 130), "node scaling: expected a node of 7..90 nm, got 130 nm"),
        (lambda: SOURCE.leakage("fp_add", 16, 45), "arithmetic leakage fp_add: expected 32 bit, got 16 bit"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(CostError) as error:
        call()
    assert str(error.value) == message


def test_unknown_source_lists_the_known():
    with pytest.raises(UnknownNameError) as error:
        ARITHMETIC_SOURCES.get("horowitz")
    assert str(error.value).startswith("unknown arithmetic source 'horowitz'; did you mean 'horowitz45'? Known:")


def test_interpolation_helpers():
    grid = (2, 4, 8)
    assert [bracket(grid, value) for value in (1, 2, 3, 4, 8, 9)] == [(0, 1), (0, 0), (0, 1), (1, 1), (2, 2), (1, 2)]
    assert geometric(0.1, 0.7, 0.0) == 0.1
    assert geometric(0.1, 0.7, 1.0) == 0.7
    assert geometric(2.0, 8.0, 0.5) == pytest.approx(4.0)
