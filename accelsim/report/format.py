"""Numbers and names as a person reads them: engineering units, ratios in words, text that cannot upset a terminal."""

import math
from typing import Final

from accelsim.result.run_result import Quantity
from accelsim.units import engineering

ABSENT: Final = "-"

_BASE: Final[dict[str, tuple[float, str]]] = {
    "pJ": (1e-12, "J"),
    "ns": (1e-9, "s"),
    "mW": (1e-3, "W"),
    "pJ*ns": (1e-21, "J*s"),
    "GHz": (1e9, "Hz"),
    "pJ/SOP": (1e-12, "J/SOP"),
}

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "amount": ("less", "more"),
    "count": ("fewer", "more"),
    "time": ("faster", "slower"),
}


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Return a value in its canonical unit as text: ``quantity(3.21e6, "pJ") == "3.21 uJ"``; NaN is ``-``."""
    if math.isnan(value):
        return ABSENT
    if unit in _BASE:
        factor, base = _BASE[unit]
        return engineering(value * factor, base, digits)
    if unit == "" or unit.endswith(("cycle", "cycles")):
        return count(value) + (" cycles" if unit else "")
    return f"{value:.{digits}g} {unit}"


def total(totals: dict[str, Quantity], key: str) -> str:
    """Return a headline number as text, ``-`` where the result has none."""
    return quantity(totals[key].value, totals[key].unit) if key in totals else ABSENT


def count(value: float) -> str:
    """Return a count with separators; a mean below 100 keeps its decimals, above a million it is shortened."""
    if not math.isfinite(value):
        return ABSENT if math.isnan(value) else str(value)
    if abs(value) >= 1e7:
        return engineering(value, "", 4).replace(" ", "")
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as per cent; what is not zero never reads as zero."""
    if math.isnan(fraction):
        return ABSENT
    if 0 < abs(fraction) < 0.5 * 10.0 ** -(digits + 2):
        return f"<{10.0**-digits:.{digits}f} %"
    return f"{100 * fraction:.{digits}f} %"


def factor(ratio: float) -> str:
    """Return a factor of at least one: ``1.43x``, ``3.2x``, ``1,240x``."""
    if ratio < 2:
        return f"{ratio:.2f}".rstrip("0").rstrip(".") + "x"
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:,.0f}x"


def versus(snn: float, ann: float, kind: str = "amount") -> str:
    """Say in words how the SNN stands to the ANN: ``SNN 3.2x less``, ``SNN 1.4x more``, ``about equal``.

    Parameters
    ----------
    snn, ann : float
        The same quantity of both, in one unit.
    kind : {"amount", "count", "time"}
        Chooses the words: less/more, fewer/more, faster/slower.
    """
    if not (math.isfinite(snn) and math.isfinite(ann) and snn > 0 and ann > 0):
        return ABSENT
    low, high = _WORDS[kind]
    if max(snn, ann) / min(snn, ann) < 1.005:
        return "about equal"
    return f"SNN {factor(ann / snn)} {low}" if snn < ann else f"SNN {factor(snn / ann)} {high}"


def points(snn: float, ann: float) -> str:
    """Say in words how two fractions differ: ``SNN 0.8 points lower``."""
    difference = 100 * (snn - ann)
    if math.isnan(difference):
        return ABSENT
    if abs(difference) < 0.05:
        return "about equal"
    return f"SNN {abs(difference):.1f} points {'higher' if difference > 0 else 'lower'}"


def words(name: str) -> str:
    """Return an identifier as words, free of control characters: ``noc_stall`` reads ``noc stall``."""
    return clean(name).replace("_", " ")


def clean(text: object, length: int = 4000) -> str:
    """Return text in which every unprintable character is ``?`` (names come from files), at most ``length`` long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in str(text))
    return shown if len(shown) <= length else shown[: length - 2] + ".."
