"""SRAM figures from a grid of CACTI 7 runs (``sram_cacti7.csv``; HewlettPackard/cacti, commit 1ffd8dfb).

Exact at the grid's points. Between them, within one cell and kind of ports:

- capacity: the logarithm of every quantity is linear in log capacity;
- word width: every quantity is linear in the width (decoding costs the same, each bit adds its own), which is closer to
  CACTI than a power law (leaving a width out: read energy 3.0 % in the median instead of 5.8 %);
- temperature: log leakage is linear between 300 and 350 K;
- node: energies, area and access time log-log between the two neighbouring nodes; leakage follows no law between nodes
  and is the larger of the two.

The grid is ragged, because CACTI needs about 32 words. Words wider than the grid are equal macros side by side.
Memories below the grid are flip-flops. Nothing is extrapolated.

Not modelled: ECC, redundancy, retention and sleep modes, supplies other than CACTI's (``sram_cacti7_supply.csv``).
"""

import functools
import math
from dataclasses import dataclass
from typing import Final

from accelsim.errors import CostError
from accelsim.hardware.sources.base import SRAM_SOURCES, Derivation, SramFigures, SramSource
from accelsim.hardware.sources.registers import register_memory, register_memory_derivation
from accelsim.hardware.sources.tables import (
    bracket,
    geometric,
    geometric_text,
    log_weight,
    read_table,
    require_choice,
)

_COLUMNS: Final = (
    "read_energy_pj", "write_energy_pj", "leakage_power_300k_mw", "leakage_power_350k_mw", "area_mm2", "access_time_ns",
)
READ, WRITE, COLD, HOT, AREA, ACCESS = range(6)
_FIGURE: Final = {"read_pj": READ, "write_pj": WRITE, "area_mm2": AREA, "access_ns": ACCESS}
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
        low, high = self._widths(width)
        share = 0.0 if low == high else (width - low) / (high - low)
        pairs = zip(self._column(low, bits), self._column(high, bits), strict=True)
        return tuple(first if share == 0 else first + (second - first) * share for first, second in pairs)

    def derivation(self, bits: float, width: float, column: int) -> Derivation:
        """Return how one of the values of :meth:`at` came about."""
        low, high = self._widths(width)
        first = self._column_derivation(low, bits, column)
        if low == high:
            return first
        second, share = self._column_derivation(high, bits, column), (width - low) / (high - low)
        expression = f"({first.expression}) * {1 - share:.12g} + ({second.expression}) * {share:.12g}"
        return Derivation(expression, (*first.points, *second.points))

    def _widths(self, width: float) -> tuple[int, int]:
        widths = list(self.columns)
        if not widths[0] <= width <= widths[-1]:
            raise OutsideGridError(f"width {width:g} bit")
        low, high = (widths[at] for at in bracket(widths, width))
        return low, high

    def _capacities(self, width: int, bits: float) -> tuple[int, int]:
        capacities = list(self.columns[width])
        if not capacities[0] <= bits <= capacities[-1]:
            raise OutsideGridError(f"capacity {bits:g} bit")
        low, high = (capacities[at] for at in bracket(capacities, bits))
        return low, high

    def _column(self, width: int, bits: float) -> Values:
        low, high = self._capacities(width, bits)
        column, weight = self.columns[width], log_weight(low, high, bits)
        return tuple(geometric(first, second, weight) for first, second in zip(column[low], column[high], strict=True))

    def _column_derivation(self, width: int, bits: float, column: int) -> Derivation:
        sizes, rows = dict.fromkeys(self._capacities(width, bits)), self.columns[width]
        low, high = min(sizes), max(sizes)
        text = geometric_text(f"{rows[low][column]:.12g}", f"{rows[high][column]:.12g}", log_weight(low, high, bits))
        name = _COLUMNS[column]
        points = tuple(f"{size // 8} B in {width}-bit words: {name} {rows[size][column]:g}" for size in sizes)
        return Derivation(text, points)


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


@dataclass(frozen=True)
class _Place:
    """A macro in the table: its size, how many lie side by side, and the slices around its node."""

    bits: float
    width: int
    macros: int
    low_nm: int
    high_nm: int
    weight: float
    low: SramSlice
    high: SramSlice

    def values(self) -> Values:
        """Return the values of one macro at the node; leakage is the larger of the two nodes'."""
        below, above = self.low.at(self.bits, self.width), self.high.at(self.bits, self.width)
        return tuple(
            max(first, second) if at in {COLD, HOT} else geometric(first, second, self.weight)
            for at, (first, second) in enumerate(zip(below, above, strict=True))
        )


@SRAM_SOURCES.register("cacti7")
class Cacti7(SramSource):
    """CACTI 7's plain RAM at 22 to 90 nm, 8 bit and wider, 64 B to 4 MiB per bank."""

    def figures(  # noqa: D102 - documented by SramSource
        self, bank_bits: int, width: int, ports: str, node_nm: float, cell: str, temperature_k: float
    ) -> SramFigures:
        place = _place(bank_bits, width, ports, node_nm, cell, temperature_k)
        try:
            values = place.values()
        except OutsideGridError as error:
            if _is_registers(bank_bits, width, place.low):
                return register_memory(bank_bits, width, node_nm)
            raise CostError(_bounds(bank_bits, width, place.low)) from error
        leakage = geometric(values[COLD], values[HOT], (temperature_k - _COLD) / (_HOT - _COLD))
        found = "grid point" if place.bits in place.low.columns.get(place.width, {}) else "interpolated"
        source = f"{_NAME}, {node_nm:g} nm {cell} {ports}, {temperature_k:g} K, "
        source += f"{place.bits / 8:g} B in {place.width}-bit words, {found}"
        if place.low_nm != place.high_nm:
            source += f", between {place.low_nm} and {place.high_nm} nm (leakage: the larger of the two)"
        if place.macros > 1:
            source += f", {place.macros} macros in parallel"
        read, write, area = (place.macros * values[at] for at in (READ, WRITE, AREA))
        supply = cacti_supply(node_nm, cell)
        return SramFigures(read, write, place.macros * leakage, area, values[ACCESS], source, supply)

    def derivation(  # noqa: D102 - documented by SramSource
        self, figure: str, bank_bits: int, width: int, ports: str, node_nm: float, cell: str, temperature_k: float
    ) -> Derivation:
        place = _place(bank_bits, width, ports, node_nm, cell, temperature_k)
        try:
            if figure == "leakage_mw":
                cold, hot = (_over_nodes(place, column) for column in (COLD, HOT))
                weight = (temperature_k - _COLD) / (_HOT - _COLD)
                text = geometric_text(f"({cold.expression})", f"({hot.expression})", weight)
                found = Derivation(text, (*cold.points, *hot.points))
            else:
                found = _over_nodes(place, _FIGURE[figure])
        except OutsideGridError:
            if _is_registers(bank_bits, width, place.low):
                return register_memory_derivation(figure, bank_bits, width, node_nm)
            raise
        if place.macros == 1 or figure == "access_ns":
            return found
        return Derivation(f"{place.macros} * ({found.expression})", found.points)


@functools.cache
def cacti_supply(node_nm: float, cell: str) -> float:
    """Return CACTI's supply, V; between nodes linear, as CACTI interpolates it. Raise CostError off the table."""
    table = [row for row in read_table("sram_cacti7_supply") if row["cell_type"] == cell]
    rows = {int(row["tech_nm"]): float(row["supply_v"]) for row in table}
    nodes = sorted(rows)
    if not rows or not nodes[0] <= node_nm <= nodes[-1]:
        raise CostError(f"SRAM supply: no value for {cell} at {node_nm:g} nm")
    low, high = (nodes[at] for at in bracket(nodes, node_nm))
    return rows[low] + (rows[high] - rows[low]) * (0.0 if low == high else (node_nm - low) / (high - low))


def _place(bank_bits: int, width: int, ports: str, node_nm: float, cell: str, temperature_k: float) -> _Place:
    slices = cacti_slices()
    nodes = sorted({key[0] for key in slices})
    if not nodes[0] <= node_nm <= nodes[-1]:
        raise CostError(f"SRAM node: expected {nodes[0]}..{nodes[-1]} nm, got {node_nm:g} nm")
    require_choice("SRAM cell", cell, sorted({key[1] for key in slices}))
    require_choice("SRAM ports", ports, sorted({key[2] for key in slices}))
    if not _COLD <= temperature_k <= _HOT:
        raise CostError(f"SRAM leakage: expected a temperature of {_COLD:g}..{_HOT:g} K, got {temperature_k:g} K")
    low, high = (nodes[at] for at in bracket(nodes, node_nm))
    part = slices[low, cell, ports]
    macros = math.ceil(width / max(part.columns))
    macro_width = math.ceil(width / macros)
    bits = bank_bits / width * macro_width
    return _Place(
        bits, macro_width, macros, low, high, log_weight(low, high, node_nm), part, slices[high, cell, ports]
    )


def _over_nodes(place: _Place, column: int) -> Derivation:
    low = place.low.derivation(place.bits, place.width, column)
    if place.low_nm == place.high_nm:
        return low
    high = place.high.derivation(place.bits, place.width, column)
    points = tuple(
        f"{node} nm, {point}"
        for node, one in ((place.low_nm, low), (place.high_nm, high))
        for point in one.points
    )
    if column in {COLD, HOT}:
        return Derivation(f"max({low.expression}, {high.expression})", points)
    return Derivation(geometric_text(f"({low.expression})", f"({high.expression})", place.weight), points)


def _is_registers(bank_bits: int, width: int, part: SramSlice) -> bool:
    return bank_bits < min(min(column) for column in part.columns.values()) or bank_bits < _FEW_WORDS * width


def _bounds(bank_bits: int, width: int, part: SramSlice) -> str:
    widths = list(part.columns)
    capacities = [bits for column in part.columns.values() for bits in column]
    return (
        f"SRAM bank of {bank_bits} bit in words of {width} bit is outside the CACTI 7 grid: expected words of at least "
        f"{widths[0]} bit, and {min(capacities) // 8} B to {max(capacities) // 8 // 1024} KiB per bank of at most "
        f"{widths[-1]}-bit words"
    )
