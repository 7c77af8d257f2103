"""The multiplication of two operands of unequal width: one rule for cores, MAC arrays and layer-serial arrays.

An array multiplier has a row of ``max(a, b)`` cells for every bit of the narrower operand, so that a x b takes the
share ``min(a, b) / max(a, b)`` of the square multiplier of the wider one: in energy, and in leakage and area where the
hardware file states the widths.

Not modelled: gating of the columns that a narrow operand leaves idle in a wider multiplier.
"""

from accelsim.counters import Price
from accelsim.hardware.sources.base import ArithmeticSource


def unequal(a: int, b: int) -> tuple[int, float]:
    """Return the width of the square multiplier that a price is taken from, and the share of its rows."""
    wide, narrow = max(a, b), min(a, b)
    return wide, narrow / wide


def multiply_price(source: ArithmeticSource, a: int, b: int, node_nm: float) -> Price:
    """Return the energy of one integer multiplication of ``a`` by ``b`` bits.

    Raises
    ------
    CostError
        If the source does not cover the wider operand.
    """
    wide, share = unequal(a, b)
    square = source.energy("int_mul", wide, node_nm)
    if share == 1:
        return square
    return Price(
        square.energy_pj * share, f"{square.source} x {share:g} of its rows", f"({square.formula}) * {share:.12g}"
    )
