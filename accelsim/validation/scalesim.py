"""Layers that SCALE-Sim 3.0.0 ran: read a table of them and compare every figure.

A row is a layer on an array. What ran stands in the columns ``ifmap_h``, ``ifmap_w``, ``filter_h``, ``filter_w``,
``channels``, ``num_filters``, ``stride`` (or ``M_out_pixels``, ``K_window``, ``N_filters`` of a matrix product),
``array_rows``, ``array_cols``, ``dataflow``; ``sram_kib_each`` where the memories were run too, and
``dram_bw_words_per_cycle_each`` where their bandwidth was given. Every other column that :data:`FIGURES` knows is
compared where it is not empty.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from accelsim.baseline.dataflow import Gemm, LayerCost, ceil_div, layer_costs
from accelsim.errors import ConfigError, MappingError
from accelsim.validation.scalesim_memory import Memory, Replay, replay
from accelsim.validation.scalesim_order import KINDS, Layer

_SHAPE: Final = ("ifmap_h", "ifmap_w", "filter_h", "filter_w", "channels", "num_filters", "stride")
_PRODUCT: Final = ("M_out_pixels", "K_window", "N_filters")
_ARRAY: Final = ("array_rows", "array_cols")
_NAMES: Final = ("network", "layer", "layer_index")
_MAX_BYTES: Final = 1 << 26
_MAX_SIZE: Final = 1 << 24
_MAX_PRODUCTS: Final = 1 << 50


@dataclass(frozen=True)
class Case:
    """A layer on an array, with what our model says about it."""

    layer: Layer
    dataflow: str
    rows: int
    columns: int
    memory: Memory | None

    @cached_property
    def gemm(self) -> Gemm:
        """The layer as a matrix product."""
        layer = self.layer
        sizes = [np.array([item], dtype=np.int64) for item in (layer.pixels, layer.window, layer.filters)]
        return Gemm(sizes[0], sizes[1], sizes[2], np.ones(1, dtype=np.int64), sizes[0] * sizes[1] * sizes[2])

    @cached_property
    def cost(self) -> LayerCost:
        """As SCALE-Sim counts."""
        return layer_costs(self.dataflow, self.gemm, self.rows, self.columns, mode="scalesim")

    @cached_property
    def mended(self) -> LayerCost:
        """As the default counts, without SCALE-Sim's defects."""
        return layer_costs(self.dataflow, self.gemm, self.rows, self.columns)

    @cached_property
    def replay(self) -> Replay | None:
        """With SCALE-Sim's memories; None where the row does not say their size."""
        if self.memory is None:
            return None
        return replay(self.layer, self.dataflow, self.rows, self.columns, self.memory)

    @cached_property
    def used(self) -> float:
        """Mean share of processing elements in use over the folds."""
        pixels, window, filters = self.layer.pixels, self.layer.window, self.layer.filters
        high, wide = {"ws": (window, filters), "is": (window, pixels), "os": (pixels, filters)}[self.dataflow]
        folds = int(ceil_div(high, self.rows)) * int(ceil_div(wide, self.columns))
        return high * wide / (folds * self.rows * self.columns)

    @property
    def cycles(self) -> int:
        """Last cycle, with the stalls of SCALE-Sim's memories where it ran them."""
        return int(self.cost.cycles[0]) if self.replay is None else self.replay.cycles

    @property
    def compute_utilisation(self) -> float:
        """SCALE-Sim's, which counts ``columns - 1`` cycles too many per fold of ``ws`` and ``is``."""
        streamed = {"ws": self.layer.pixels, "is": self.layer.filters, "os": self.layer.window}[self.dataflow]
        fold = (int(self.cost.cycles[0]) + 1) // int(self.cost.folds[0])
        return self.used * streamed / (fold + (0 if self.dataflow == "os" else self.columns - 1))


Figure = Callable[[Case], float | None]


def _memory(name: str) -> Figure:
    def figure(case: Case) -> float | None:
        return None if case.replay is None else float(getattr(case.replay, name))

    return figure


FIGURES: Final[Mapping[str, Figure]] = {
    "M_out_pixels": lambda case: case.layer.pixels,
    "K_window": lambda case: case.layer.window,
    "N_filters": lambda case: case.layer.filters,
    "macs": lambda case: float(case.gemm.macs[0]),
    "folds": lambda case: float(case.cost.folds[0]),
    "compute_cycles": lambda case: case.cycles,
    "closed_form_cycles": lambda case: float(case.cost.cycles[0]),
    "overall_util_pct": lambda case: 100 * float(case.gemm.macs[0]) / (case.cycles * case.rows * case.columns),
    "mapping_eff_pct": lambda case: 100 * case.used,
    "compute_util_pct": lambda case: 100 * case.compute_utilisation,
    "sram_ifmap_reads_words": lambda case: float(case.cost.ifmap_reads[0]),
    "sram_filter_reads_words": lambda case: float(case.cost.filter_reads[0]),
    "sram_ofmap_writes_words": lambda case: float(case.cost.ofmap_writes[0]),
    "sram_ofmap_writes_fixed_words": lambda case: float(case.mended.ofmap_writes[0]),
    "os_cycles_2R_fix": lambda case: float(case.mended.cycles[0]) if case.dataflow == "os" else None,
    "stall_cycles": _memory("stalls"),
    "total_cycles": _memory("cycles"),
    "total_cycles_incl_prefetch": _memory("span"),
    "dram_ifmap_reads_words": _memory("ifmap_dram"),
    "dram_filter_reads_words": _memory("filter_dram"),
    "dram_ofmap_writes_words": _memory("ofmap_dram"),
}
"""What is compared, by column: None where a row does not say enough."""


@dataclass(frozen=True)
class RowResult:
    """One row: how many figures were compared, and one line per figure that differs."""

    compared: int
    mismatches: tuple[str, ...]


def compare_file(path: Path) -> Iterator[RowResult]:
    """Yield the comparison of every row of a table.

    Raises
    ------
    ConfigError
        If the file cannot be read, has no row, lacks a column, or a row is wrong; with file and line.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: expected at most {_MAX_BYTES} bytes, got {path.stat().st_size}")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a table: {getattr(error, 'strerror', None) or error}") from error
    try:
        reader = csv.DictReader(text.splitlines(), strict=True)
        columns = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = columns
        shape = _check_columns(path, columns)
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ConfigError(f"{path}: not a table of comma-separated values: {error}") from error
    if not rows:
        raise ConfigError(f"{path}: expected rows below the header, found none")
    for line, row in rows:
        yield _compare_row(f"{path}:{line}", row, shape)


def _check_columns(path: Path, columns: list[str]) -> tuple[str, ...]:
    shape = _SHAPE if set(_SHAPE) <= set(columns) else _PRODUCT
    missing = [name for name in (*shape, *_ARRAY, "dataflow") if name not in columns]
    if missing:
        wanted = f"{', '.join(_SHAPE)} (or {', '.join(_PRODUCT)}), {', '.join(_ARRAY)}, dataflow"
        got = ", ".join(columns) or "none"
        raise ConfigError(f"{path}:1: no column {', '.join(missing)}; expected {wanted}; got {got}")
    if len(set(columns)) != len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise ConfigError(f"{path}:1: columns {', '.join(twice)} repeat")
    if not any(name in FIGURES and name not in shape for name in columns):
        raise ConfigError(f"{path}:1: nothing to compare; known figures: {', '.join(FIGURES)}")
    return shape


def _compare_row(where: str, row: Mapping[str | None, str | None], shape: tuple[str, ...]) -> RowResult:
    if None in row or None in row.values():
        raise ConfigError(f"{where}: expected as many values as there are columns")
    case = _case(where, row, shape)
    names = [text for name in _NAMES if (text := row.get(name))]
    label = " ".join([*names, case.dataflow, f"{case.rows}x{case.columns}"])
    compared, mismatches = 0, []
    for name, figure in FIGURES.items():
        text = (row.get(name) or "").strip()
        if not text or name in shape:
            continue
        recorded = _number(where, name, text)
        try:
            found = figure(case)
        except MappingError as error:
            raise ConfigError(f"{where}: {name}: {error}") from error
        if found is None:
            continue
        compared += 1
        if abs(recorded - found) > (_half_digit(text) if name.endswith("_pct") else 0):
            mismatches.append(f"{where}: {label}: {name}: recorded {text}, ours {found:.9g}")
    return RowResult(compared, tuple(mismatches))


def _case(where: str, row: Mapping[str | None, str | None], shape: tuple[str, ...]) -> Case:
    size = {name: _size(where, row, name) for name in (*shape, *_ARRAY)}
    if shape is _SHAPE:
        layer = Layer(*(size[name] for name in _SHAPE))
        if layer.filter_height > layer.height or layer.filter_width > layer.width:
            raise ConfigError(f"{where}: a filter larger than its input: {layer}")
    else:
        layer = Layer(size["M_out_pixels"], 1, 1, 1, size["K_window"], size["N_filters"])
    products = layer.pixels * layer.window * layer.filters
    if products > _MAX_PRODUCTS:
        raise ConfigError(f"{where}: expected at most {_MAX_PRODUCTS} products, got {products}")
    dataflow = (row["dataflow"] or "").strip()
    if dataflow not in KINDS:
        raise ConfigError(f"{where}: dataflow: expected one of {', '.join(KINDS)}, got {dataflow!r}")
    memory = None
    if (row.get("sram_kib_each") or "").strip():
        given = (row.get("dram_bw_words_per_cycle_each") or "").strip()
        bandwidth = _size(where, row, "dram_bw_words_per_cycle_each") if given else None
        memory = Memory(1024 * _size(where, row, "sram_kib_each"), bandwidth)
    return Case(layer, dataflow, size["array_rows"], size["array_cols"], memory)


def _half_digit(text: str) -> float:
    """Return half a unit of the last digit that a percentage was recorded with."""
    return 0.5001 * 10.0 ** -len(text.partition(".")[2])


def _number(where: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"{where}: {name}: expected a number, got {text!r}") from None
    if not np.isfinite(value):
        raise ConfigError(f"{where}: {name}: expected a finite number, got {text!r}")
    return value


def _size(where: str, row: Mapping[str | None, str | None], name: str) -> int:
    text = (row[name] or "").strip()
    value = _number(where, name, text)
    if value != int(value) or not 1 <= value <= _MAX_SIZE:
        raise ConfigError(f"{where}: {name}: expected an integer between 1 and {_MAX_SIZE}, got {text!r}")
    return int(value)
