"""Dimensions of values in studies: what may be added and compared, and what a product is in.

A dimension is a set of powers of base quantities: mW is energy over time, mm2 is length squared. Units that no quantity
is written in (cycles, 1/s, none) are plain numbers. Values are in the canonical units of :mod:`accelsim.units`, whose
products are canonical again (mW x ns = pJ), so that values of one dimension can be compared as they are.
"""

import re
from collections.abc import Mapping
from typing import Final

Dimension = frozenset[tuple[str, int]]
"""Powers of base quantities other than 0."""

PLAIN: Final[Dimension] = frozenset()
"""Of numbers without a unit."""
_BASES: Final[Mapping[str, Mapping[str, int]]] = {
    "pJ": {"pJ": 1}, "ns": {"ns": 1}, "mW": {"pJ": 1, "ns": -1}, "GHz": {"ns": -1}, "mm": {"mm": 1}, "mm2": {"mm": 2},
    "bit": {"bit": 1}, "K": {"K": 1}, "V": {"V": 1},
}  # fmt: skip
_COUNTS: Final = frozenset({"", "1", "cycle", "1/s"})
_PART: Final = re.compile(r"([*/]?)([A-Za-z0-9]+)")


def dimension_of(unit: str) -> Dimension:
    """Return the dimension of a canonical unit, such as ``pJ*ns`` or ``pJ/bit``; plain for counts.

    Raises
    ------
    ValueError
        If it is not made of canonical units.
    """
    if unit in _COUNTS:
        return PLAIN
    found = PLAIN
    for sign, name in _PART.findall(unit):
        if name not in _BASES:
            raise ValueError(f"expected canonical units, got {unit!r}")
        found = product(found, frozenset(_BASES[name].items()), -1 if sign == "/" else 1)
    return found


def product(one: Dimension, other: Dimension, power: int = 1) -> Dimension:
    """Return the dimension of a product, or with a ``power`` of -1 of a quotient."""
    powers = dict(one)
    for base, count in other:
        powers[base] = powers.get(base, 0) + power * count
    return frozenset((base, count) for base, count in powers.items() if count)


def unit_of(dimension: Dimension) -> str:
    """Return a dimension as text: a canonical unit, a product of them, or ``a plain number``."""
    if not dimension:
        return "a plain number"
    for unit, known in _BASES.items():
        if frozenset(known.items()) == dimension:
            return unit
    powers = dict(dimension)
    above = [base for base in _BASES for _ in range(powers.get(base, 0))]
    below = [f"/{base}" for base in _BASES for _ in range(-powers.get(base, 0))]
    return ("*".join(above) or "1") + "".join(below)
