"""The one table of units, and the canonical unit of every dimension.

Inside accelsim a quantity of a dimension is always in its canonical unit: energy pJ, time ns, power mW (so mW x ns =
pJ), frequency GHz (so cycles / GHz = ns), length mm, area mm2, capacity bit, temperature K, voltage V, energy density
pJ/bit. Files carry quantities as strings with a unit (``"4.2 pJ"``); bare numbers are counts.
"""

import math
import re
from typing import Final

CANONICAL: Final[dict[str, str]] = {
    "energy": "pJ", "time": "ns", "power": "mW", "frequency": "GHz", "length": "mm", "node": "nm", "area": "mm2",
    "capacity": "bit", "temperature": "K", "voltage": "V", "bit_energy": "pJ/bit", "bandwidth": "bit/ns",
}

_UNITS: Final[dict[str, dict[str, float]]] = {
    "energy": {"fJ": 1e-3, "pJ": 1.0, "nJ": 1e3, "uJ": 1e6, "mJ": 1e9, "J": 1e12},
    "time": {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9},
    "power": {"nW": 1e-6, "uW": 1e-3, "mW": 1.0, "W": 1e3},
    "frequency": {"kHz": 1e-6, "MHz": 1e-3, "GHz": 1.0},
    "length": {"nm": 1e-6, "um": 1e-3, "mm": 1.0},
    "node": {"nm": 1.0},
    "area": {"um2": 1e-6, "mm2": 1.0},
    "capacity": {"bit": 1, "B": 8, "KiB": 8 * 1024, "MiB": 8 * 1024**2, "GiB": 8 * 1024**3},
    "temperature": {"K": 1.0},
    "voltage": {"mV": 1e-3, "V": 1.0},
    "bit_energy": {"fJ/bit": 1e-3, "pJ/bit": 1.0},
    "bandwidth": {"MB/s": 8e-3, "GB/s": 8.0},
}

_EXAMPLE: Final[dict[str, str]] = {"capacity": "KiB", "frequency": "MHz", "bandwidth": "GB/s", "node": "nm"}

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z][A-Za-z0-9/]*)\s*")


class UnitError(ValueError):
    """A quantity has no unit, an unknown one, or one of another dimension."""


def parse_quantity(text: object, dimension: str) -> float:
    """Read ``"4.2 pJ"`` and return the number in the canonical unit of its dimension.

    Parameters
    ----------
    text : object
        The value from the file; anything but a string with number and unit is refused.
    dimension : str
        A key of :data:`CANONICAL`.

    Raises
    ------
    UnitError
        With what was expected and what was got.
    """
    units = _UNITS[dimension]
    expected = f"expected a {dimension.replace('_', ' ')} such as '1 {_EXAMPLE.get(dimension, CANONICAL[dimension])}'"
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UnitError(f"{expected}, got {text!r}")
    number, unit = match.groups()
    if unit not in units:
        raise UnitError(f"{expected} in one of {', '.join(units)}; got unit {unit!r} in {text!r}")
    value = float(number) * units[unit]
    if not math.isfinite(value):
        raise UnitError(f"{expected}, got {text!r}, which is not finite")
    return value


def parse_any(text: object) -> tuple[float, str]:
    """Read a quantity of any dimension: ``"4 mm2"`` gives ``(4.0, "area")``; nm are a length.

    Raises
    ------
    UnitError
        If it is no quantity, or its unit is unknown.
    """
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    unit = match[2] if match is not None else ""
    for dimension, units in _UNITS.items():
        if unit in units:
            return parse_quantity(text, dimension), dimension
    known = sorted({name for units in _UNITS.values() for name in units})
    raise UnitError(f"expected a number with a unit, one of {', '.join(known)}; got {text!r}")


_PREFIXES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"),
                    (1e-12, "p"), (1e-15, "f"))


def engineering(value: float, unit: str, digits: int = 3) -> str:
    """Return ``value`` (in the base unit) with an SI prefix: ``engineering(4.2e-12, "J") == "4.2 pJ"``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    for factor, prefix in _PREFIXES:
        if abs(value) >= factor * 0.9995:
            return f"{value / factor:.{digits}g} {prefix}{unit}".strip()
    return f"{value:.{digits}g} {unit}".strip()
