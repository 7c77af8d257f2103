"""SRAM figures from a grid of CACTI 7 runs (``sram_cacti7.csv``; HewlettPackard/cacti, commit 1ffd8dfb).

Exact at the grid's points. Inside a (node, cell, ports) slice the logarithm of every quantity is bilinear in log
capacity and log word width; the grid is ragged, because CACTI needs about 32 words. Leakage is log-linear in
temperature between 300 and 350 K. Words wider than the grid are equal macros side by side. Memories below the grid
are flip-flops. Nothing is extrapolated.

Not modelled: ECC, redundancy, retention and sleep modes, supplies other than CACTI's (0.6..1.3 V by node and cell).
"""

import functools
import math
from dataclasses import dataclass
from typing import Final

from accelsim.errors import CostError
from accelsim.hardware.sources.base import SRAM_SOURCES, SramFigures, SramSource
from accelsim.hardware.sources.registers import register_memory
from accelsim.hardware.sources.tables import bracket, geometric, log_weight, read_table, require_choice

_COLUMNS: Final = (
    "read_energy_pj", "write_energy_pj", "leakage_power_300k_mw", "leakage_power_350k_mw", "area_mm2", "access_time_ns",
)
_COLD, _HOT = 300.0, 350.0
_FEW_WORDS: Final = 64
_NAME: Final = "CACTI 7 (1ffd8dfb), plain RAM, ED^2"

Values = tuple[float, ...]


class OutsideGridError(CostError):
    """A memory lies outside the grid of its slice."""


@dataclass(frozen=True, eq=False)
class SramSlice:
    """The grid of one (node, cell, ports).

    Attributes
    ----------
    columns : dict of word width (bit) to dict of capacity (bit) to values
        Widths and capacities rise; the values stand in the order of the module's columns.
    """

    columns: dict[int, dict[int, Values]]

    def at(self, bits: float, width: float) -> Values:
        """Return the values of a macro; raise OutsideGridError where a column that is needed does not reach."""
        widths = list(self.columns)
        if not widths[0] <= width <= widths[-1]:
            raise OutsideGridError(f"width {width:g} bit")
        low, high = (widths[at] for at in bracket(widths, width))
        weight = log_weight(low, high, width)
        pairs = zip(self._column(low, bits), self._column(high, bits), strict=True)
        return tuple(geometric(first, second, weight) for first, second in pairs)

    def _column(self, width: int, bits: float) -> Values:
        column = self.columns[width]
        capacities = list(column)
        if not capacities[0] <= bits <= capacities[-1]:
            raise OutsideGridError(f"capacity {bits:g} bit")
        low, high = (capacities[at] for at in bracket(capacities, bits))
        weight = log_weight(low, high, bits)
        return tuple(geometric(first, second, weight) for first, second in zip(column[low], column[high], strict=True))


@functools.cache
def cacti_slices() -> dict[tuple[int, str, str], SramSlice]:
    """Return the grid by (node, cell, ports)."""
    slices: dict[tuple[int, str, str], SramSlice] = {}
    rows = sorted(read_table("sram_cacti7"), key=lambda row: (int(row["word_bits"]), int(row["capacity_bytes"])))
    for row in rows:
        part = slices.setdefault((int(row["tech_nm"]), row["cell_type"], row["ports"]), SramSlice({}))
        values = tuple(float(row[name]) for name in _COLUMNS)
        part.columns.setdefault(int(row["word_bits"]), {})[8 * int(row["capacity_bytes"])] = values
    return slices


@SRAM_SOURCES.register("cacti7")
class Cacti7(SramSource):
    """CACTI 7's plain RAM at 22, 28, 32, 40, 45, 65 and 90 nm, 8 bit and wider, 64 B to 4 MiB per bank."""

    def figures(  # noqa: D102 - documented by SramSource
        self, bank_bits: int, width: int, ports: str, node_nm: float, cell: str, temperature_k: float
    ) -> SramFigures:
        slices = cacti_slices()
        require_choice("SRAM node, nm", node_nm, sorted({key[0] for key in slices}))
        require_choice("SRAM cell", cell, sorted({key[1] for key in slices}))
        require_choice("SRAM ports", ports, sorted({key[2] for key in slices}))
        if not _COLD <= temperature_k <= _HOT:
            raise CostError(f"SRAM leakage: expected a temperature of {_COLD:g}..{_HOT:g} K, got {temperature_k:g} K")
        part = slices[int(node_nm), cell, ports]
        widest, smallest = max(part.columns), min(min(column) for column in part.columns.values())
        macros = math.ceil(width / widest)
        macro_width = math.ceil(width / macros)
        macro_bits = bank_bits / width * macro_width
        try:
            values = part.at(macro_bits, macro_width)
        except OutsideGridError as error:
            if bank_bits < smallest or bank_bits < _FEW_WORDS * width:
                return register_memory(bank_bits, width, node_nm)
            raise CostError(_bounds(bank_bits, width, part)) from error
        leakage = geometric(values[2], values[3], (temperature_k - _COLD) / (_HOT - _COLD))
        on_grid = macro_bits in part.columns.get(macro_width, {})
        found = "grid point" if on_grid else "interpolated log-log"
        source = f"{_NAME}, {node_nm:g} nm {cell} {ports}, {temperature_k:g} K, "
        source += f"{macro_bits / 8:g} B in {macro_width}-bit words, {found}"
        if macros > 1:
            source += f", {macros} macros in parallel"
        read, write, area = (macros * values[at] for at in (0, 1, 4))
        return SramFigures(read, write, macros * leakage, area, values[5], source)


def _bounds(bank_bits: int, width: int, part: SramSlice) -> str:
    widths = list(part.columns)
    capacities = [bits for column in part.columns.values() for bits in column]
    return (
        f"SRAM bank of {bank_bits} bit in words of {width} bit is outside the CACTI 7 grid: expected words of at least "
        f"{widths[0]} bit, and {min(capacities) // 8} B to {max(capacities) // 8 // 1024} KiB per bank of at most "
        f"{widths[-1]}-bit words"
    )
