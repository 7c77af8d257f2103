"""Numbers as text: ratios name the winner in both directions, nothing reads as what it is not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.report.format import clean, count, factor, percent, points, quantity, versus


@pytest.mark.parametrize(
    ("snn", "ann", "kind", "text"),
    [
        (1.0, 3.2, "amount", "SNN 3.2x less"),
        (1.4, 1.0, "amount", "SNN 1.4x more"),
        (1.0, 5.0, "count", "SNN 5.0x fewer"),
        (7.0, 1.0, "count", "SNN 7.0x more"),
        (1.0, 2.5, "time", "SNN 2.5x faster"),
        (1234.0, 1.0, "time", "SNN 1,234x slower"),
        (1.0, 1.004, "amount", "about equal"),
        (1.07, 1.0, "amount", "SNN 1.07x more"),
        (0.0, 1.0, "amount", "-"),
        (math.nan, 1.0, "amount", "-"),
        (1.0, math.inf, "amount", "-"),
    ],
)
def test_versus(snn: float, ann: float, kind: str, text: str) -> None:
    assert versus(snn, ann, kind) == text


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_versus_swaps_its_words_with_its_sides(snn: float, ann: float) -> None:
    one, two = versus(snn, ann), versus(ann, snn)
    swap = {"less": "more", "more": "less", "equal": "equal"}
    assert one.split()[-1] == swap[two.split()[-1]]
    assert one.split()[:-1] == two.split()[:-1]
    if "about" not in one:
        assert ("less" in one) == (snn < ann)
        told = float(one.split()[1].removesuffix("x").replace(",", ""))
        assert told == pytest.approx(max(snn / ann, ann / snn), rel=0.03)


def test_points_of_accuracy() -> None:
    assert points(0.9375, 0.98) == "SNN 4.2 points lower"
    assert points(0.99, 0.98) == "SNN 1.0 points higher"
    assert points(0.98, 0.98) == "about equal"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.21e6, "pJ", "3.21 uJ"),
        (1.2e5, "ns", "120 us"),
        (0.5, "mW", "500 uW"),
        (1.5e11, "pJ*ns", "150 pJ*s"),
        (24000.0, "cycle", "24,000 cycles"),
        (1100.0, "", "1,100"),
        (math.nan, "pJ", "-"),
        (0.0, "pJ", "0 J"),
        (0.2, "GHz", "200 MHz"),
        (2.5, "mm2", "2.5 mm2"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_small_things_are_not_zero() -> None:
    assert percent(0.0001) == "<0.1 %"
    assert percent(0.0) == "0.0 %"
    assert percent(0.004, 0) == "<1 %"
    assert count(0.25) == "0.25"
    assert count(12_345.6) == "12,346"
    assert count(12_345_678) == "12.35M"


@given(st.floats(1, 1e5))
def test_factor_is_within_its_rounding(ratio: float) -> None:
    assert float(factor(ratio)[:-1].replace(",", "")) == pytest.approx(ratio, rel=0.03)


def test_clean_disarms_control_characters() -> None:
    assert clean("a\x1b[31mb\nc") == "a?[31mb?c"
    assert clean("x" * 50, 10) == "x" * 8 + ".."
