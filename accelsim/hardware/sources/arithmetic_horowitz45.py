"""Arithmetic energies from Horowitz, ISSCC 2014, Fig. 1.1.9 (45 nm, 0.9 V), doi:10.1109/ISSCC.2014.6757323.

Published: integer add 8/16/32 bit, integer multiply 8/32 bit, floating-point add and multiply 16/32 bit. Between
published widths the integer energies follow the power law through the two neighbours, outside them the power law
through the narrowest and widest (add n^0.868, multiply n^1.977). Other nodes through
:mod:`accelsim.hardware.sources.scaling`; 45 nm stays at 0.9 V, as published.

A comparison is priced as a subtraction, that is, as an addition. Leakage is not published by Horowitz; it is
Aladdin's at 40 nm (Shao et al., ISCA 2014), linear in width for adders, quadratic for multipliers (n^2 cells),
unscaled, at no stated temperature. Areas are Aladdin's too, by the same laws of width, moved to the node by Stillmaker
and Baas' area factors; a comparator has its own.
"""

import functools
from typing import Final

from accelsim.counters import Price
from accelsim.errors import CostError
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, Area, ArithmeticSource, Leakage
from accelsim.hardware.sources.registers import ALADDIN_NM, aladdin_row
from accelsim.hardware.sources.scaling import area_ratio, energy_ratio, node_supply, scaled
from accelsim.hardware.sources.tables import bracket, geometric, log_weight, read_table, require_choice

OPERATIONS: Final = ("int_add", "int_mul", "int_compare", "fp_add", "fp_mul")
_HOROWITZ_NM: Final = 45
_MAX_BITS: Final = 64
_LEAKAGE: Final = {
    "int_add": ("int_add", 1), "int_compare": ("int_add", 1), "int_mul": ("int_mul", 2),
    "fp_add": ("fp32_add_3stage", 1), "fp_mul": ("fp32_mul_3stage", 1),
}
"""Operation to Aladdin's unit (32 bit) and the exponent of its width."""


@functools.cache
def _published(op: str) -> dict[int, float]:
    rows = (row for row in read_table("op_energy") if row["category"] == "arithmetic" and "Horowitz" in row["source"])
    return dict(sorted((int(row["bits"]), float(row["value"])) for row in rows if row["op"] == op))


def _integer(op: str, bits: int) -> tuple[float, str, str]:
    """Return the energy at 45 nm, how it was found in words, and as arithmetic."""
    table = _published(op)
    if bits in table:
        return table[bits], "published", f"{table[bits]:g}"
    widths = list(table)
    if widths[0] < bits < widths[-1]:
        low, high = (widths[at] for at in bracket(widths, bits))
    else:
        low, high = widths[0], widths[-1]
    weight = log_weight(low, high, bits)
    text = f"{table[low]:g} * ({table[high]:g} / {table[low]:g})**{weight:.12g}"
    return geometric(table[low], table[high], weight), f"power law through {low} and {high} bit", text


@ARITHMETIC_SOURCES.register("horowitz45")
class Horowitz45(ArithmeticSource):
    """Horowitz's 45 nm energies, scaled to the node; Aladdin's leakage."""

    def energy(self, op: str, bits: int, node_nm: float) -> Price:  # noqa: D102 - documented by ArithmeticSource
        _check(op, bits)
        unit = "int_add" if op == "int_compare" else op
        if unit.startswith("int"):
            at_45, how, text = _integer(unit, bits)
        else:
            at_45, how, text = _published(unit)[bits], "published", f"{_published(unit)[bits]:g}"
        energy, moved = scaled(at_45, _HOROWITZ_NM, node_nm)
        text += f" * {energy / at_45:.12g}" if moved else ""
        as_what = " (a comparison is a subtraction)" if op == "int_compare" else ""
        return Price(energy, f"Horowitz ISSCC 2014, 45 nm, {unit} {bits} bit{as_what}, {how}{moved}", text)

    def leakage(self, op: str, bits: int, node_nm: float) -> Leakage:  # noqa: D102 - documented by ArithmeticSource
        _check(op, bits)
        energy_ratio(node_nm)
        unit, exponent = _LEAKAGE[op]
        if op.startswith("fp") and bits != 32:
            raise CostError(f"arithmetic leakage {op}: expected 32 bit, got {bits} bit")
        power = float(aladdin_row(unit)["leakage_mw"]) * (bits / 32) ** exponent
        law = "" if bits == 32 else f" x ({bits}/32)" + (f"^{exponent}" if exponent > 1 else "")
        return Leakage(power, f"Aladdin {ALADDIN_NM} nm {unit}{law}, not scaled to {node_nm:g} nm")

    def area(self, op: str, bits: int, node_nm: float) -> Area:  # noqa: D102 - documented by ArithmeticSource
        _check(op, bits)
        unit, exponent = ("comparator", 1) if op == "int_compare" else _LEAKAGE[op]
        ratio, moved = area_ratio(ALADDIN_NM, node_nm)
        area = float(aladdin_row(unit)["area_um2"]) * 1e-6 * (bits / 32) ** exponent * ratio
        return Area(area, f"Aladdin {ALADDIN_NM} nm {unit}, {bits} bit{moved}")

    def supply(self, node_nm: float) -> float:
        """Return the supply at which the node's row is taken, V."""
        return node_supply(node_nm)


def _check(op: str, bits: int) -> None:
    require_choice("arithmetic operation", op, OPERATIONS)
    if op.startswith("fp"):
        require_choice(f"arithmetic {op}, bits", bits, list(_published(op)))
    elif not 1 <= bits <= _MAX_BITS:
        raise CostError(f"arithmetic {op}: expected 1..{_MAX_BITS} bit, got {bits} bit")
