"""How a dense systolic array runs matrix products: cycles and buffer accesses in closed form.

A layer is ``groups`` products of ``pixels`` x ``window`` by ``window`` x ``filters``. A dataflow keeps one operand
still in ``rows`` x ``columns`` processing elements, so the product is cut into *folds* that run one after the other;
fill, drain and the load of the still operand are paid in every fold. Modelled: those cycles, and every element that
crosses an edge of the array.

Small groups share the array: where a group leaves more than half of the rows and of the columns free, several stand
in blocks along the diagonal, with zeros beside them. Rows feed all columns of a systolic array, so a group needs rows
of its own: a depthwise 3x3 layer (9 rows, 1 column per group) fills R // 9 columns, no more.

Two modes. ``mended`` (default): every fold costs the full skew, partial sums of a split window are read back before
they are added to, zeros of the padding are made at the edge and not read. ``scalesim``: what SCALE-Sim 3.0.0 reports,
with its 0-based last cycle, the drain of ``rows`` cycles missing from output-stationary, its double count of
output-stationary writes and its missing partial-sum reads; kept for comparison only.

Buffers are packed: an access moves one buffer word, and a word holds several elements that are consecutive along the
fastest axis - input channel for activations, filter for weights and outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.registry import Registry

Counts = npt.NDArray[np.int64]
Mode = Literal["mended", "scalesim"]


@dataclass(frozen=True, eq=False)
class Gemm:
    """Layers as matrix products; every field is (layers,) int64.

    Attributes
    ----------
    pixels, window, filters, groups : (layers,) int64
        Per group: ``pixels`` x ``window`` times ``window`` x ``filters``.
    macs : (layers,) int64
        Products whose activation lies inside the border, over all groups.

    Raises
    ------
    MappingError
        On a size below one, or more products inside the border than there are.
    """

    pixels: Counts
    window: Counts
    filters: Counts
    groups: Counts
    macs: Counts

    def __post_init__(self) -> None:
        if min(int(item.min()) for item in (self.pixels, self.window, self.filters, self.groups)) < 1:
            raise MappingError("MAC array: expected layers with at least one pixel, window element, filter and group")
        if ((self.macs < 0) | (self.macs > self.macs_padded)).any():
            raise MappingError(f"MAC array: {self.macs} MACs inside the border, {self.macs_padded} with padding")

    @property
    def macs_padded(self) -> Counts:
        """Products with those of zero padding, (layers,)."""
        return self.pixels * self.window * self.filters * self.groups

    @property
    def weights(self) -> Counts:
        """Weights of each layer, (layers,)."""
        return self.window * self.filters * self.groups


@dataclass(frozen=True)
class Packing:
    """Elements in one buffer word of each operand."""

    ifmap: int = 1
    filter: int = 1
    ofmap: int = 1


@dataclass(frozen=True, eq=False)
class LayerCost:
    """What a dataflow costs; every field is (layers,), accesses are in buffer words.

    Attributes
    ----------
    cycles, folds : (layers,) int64
    utilisation : (layers,) float64
        Products (padding included) over cycles x processing elements.
    ifmap_reads, filter_reads, ofmap_writes, psum_reads : (layers,) int64
        Words that cross the array's edges; ``psum_reads`` are partial sums read back.
    ifmap_passes, filter_passes : (layers,) int64
        How often each activation and each weight is read from its buffer: what spilling to DRAM would repeat.
    psum_live : (layers,) int64
        Elements whose partial sums wait in the output buffer at the same time; 0 where sums stay in the array.
    psum_passes : (layers,) int64
        How often a partial sum returns to the array.
    """

    cycles: Counts
    folds: Counts
    utilisation: npt.NDArray[np.float64]
    ifmap_reads: Counts
    filter_reads: Counts
    ofmap_writes: Counts
    psum_reads: Counts
    ifmap_passes: Counts
    filter_passes: Counts
    psum_live: Counts
    psum_passes: Counts


Dataflow = Callable[[Gemm, int, int, Packing, Mode], LayerCost]
"""``(gemm, rows, columns, packing, mode) -> LayerCost``."""

DATAFLOWS: Final[Registry[Dataflow]] = Registry("dataflow", "accelsim.baseline.dataflows")

BEST: Final = "best"
"""In place of a dataflow's name: the registered one with the least energy-delay product on the network at hand."""


def ceil_div(numerator: Counts | int, denominator: Counts | int) -> Counts:
    """Return the quotient rounded up."""
    return -(-np.asarray(numerator, dtype=np.int64) // denominator)


def edge_words(extent: Counts, lanes: int, per_word: int) -> Counts:
    """Return words that feed one vector of ``extent`` elements in folds of ``lanes``, each fold reading whole words.

    With one element per word this is ``extent`` itself.
    """
    return extent // lanes * -(-lanes // per_word) + ceil_div(extent % lanes, per_word)


def inside_border(words: Counts, gemm: Gemm, mode: Mode) -> Counts:
    """Return activation reads without zero padding: ``words`` times the share of products inside the border."""
    if mode == "scalesim":
        return words
    share = [-(-int(w) * int(m) // int(p)) for w, m, p in zip(words, gemm.macs, gemm.macs_padded, strict=True)]
    return np.array(share, dtype=np.int64)


def all_folds(gemm: Gemm, high: Counts, wide: Counts, rows: int, columns: int, mode: Mode) -> Counts:
    """Return the folds of all groups, each ``high`` x ``wide``; small groups stand on the array together.

    Raises
    ------
    MappingError
        For grouped layers in mode ``scalesim``: SCALE-Sim has no groups.
    """
    if mode == "scalesim" and (gemm.groups > 1).any():
        raise MappingError("dataflow mode 'scalesim' has no grouped convolutions; use 'mended'")
    together = np.clip(np.minimum(rows // high, columns // wide), 1, gemm.groups)
    return ceil_div(gemm.groups, together) * ceil_div(high, rows) * ceil_div(wide, columns)


def total_cycles(folds: Counts, per_fold: Counts, mode: Mode) -> Counts:
    """Return cycles of folds that run one after the other."""
    return folds * per_fold - (mode == "scalesim")


def overlapped(
    name: str, plain: Dataflow, streamed: Counts, gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode
) -> LayerCost:
    """Return the cost of dataflow ``plain`` without gaps between its folds.

    A second register per element takes ``rows`` cycles to fill or empty while ``streamed`` vectors pass.

    Raises
    ------
    MappingError
        In the mode "scalesim", which knows no such array.
    """
    if mode == "scalesim":
        raise MappingError(f"dataflow mode 'scalesim': SCALE-Sim has no overlapped folds; use {name!r}")
    cost = plain(gemm, rows, columns, packing, mode)
    cycles = cost.folds * np.maximum(streamed, rows) + 2 * rows + columns - 2
    return replace(cost, cycles=cycles, utilisation=array_utilisation(gemm, cycles, rows, columns))


def array_utilisation(gemm: Gemm, cycles: Counts, rows: int, columns: int) -> npt.NDArray[np.float64]:
    """Return products per cycle and processing element."""
    return gemm.macs_padded / (cycles * float(rows * columns))


def layer_costs(
    name: str, gemm: Gemm, rows: int, columns: int, *, packing: Packing | None = None, mode: Mode = "mended"
) -> LayerCost:
    """Return what dataflow ``name`` costs on an array of ``rows`` x ``columns``.

    Parameters
    ----------
    packing : Packing, optional
        Elements per buffer word; one each where not given, so that words are elements.

    Raises
    ------
    UnknownNameError
        If there is no such dataflow.
    MappingError
        See :class:`Gemm` and :func:`total_cycles`.
    """
    return DATAFLOWS.get(name)(gemm, rows, columns, packing or Packing(), mode)
