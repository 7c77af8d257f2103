"""What SCALE-Sim 3.0.0's array wants, cycle by cycle, and in which order its prefetcher wants the same words.

Every edge of the array asks for at most one word per lane and cycle, skewed by a cycle per lane; folds follow each
other along the rows of the array first. Addresses: ifmaps channel-last, filters one after the other.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel

Words = npt.NDArray[np.int64]

WS, IS, OS = 0, 1, 2
KINDS: Final = {"ws": WS, "is": IS, "os": OS}
IFMAP, FILTER, OFMAP = 0, 1, 2


@dataclass(frozen=True)
class Layer:
    """A convolution as SCALE-Sim reads it from its topology file; sizes in elements."""

    height: int
    width: int
    filter_height: int
    filter_width: int
    channels: int
    filters: int
    stride: int = 1

    @property
    def out_width(self) -> int:
        """Columns of the output; a last window may hang over the border."""
        return -(-(self.width - self.filter_width + self.stride) // self.stride)

    @property
    def pixels(self) -> int:
        """Pixels of the output."""
        return -(-(self.height - self.filter_height + self.stride) // self.stride) * self.out_width

    @property
    def window(self) -> int:
        """Elements of a filter."""
        return self.filter_height * self.filter_width * self.channels


def addresses(layer: Layer) -> Words:
    """Return the address of every window element, (pixels, window); -1 where a window hangs over the border."""
    row, column = np.divmod(np.arange(layer.pixels)[:, None], layer.out_width)
    tap, channel = np.divmod(np.arange(layer.window), layer.channels)
    down, right = np.divmod(tap, layer.filter_width)
    at_row, at_column = row * layer.stride + down, column * layer.stride + right
    inside = (at_row < layer.height) & (at_column < layer.width)
    return np.where(inside, (at_row * layer.width + at_column) * layer.channels + channel, -1).astype(np.int64)


def _stacked(first: int, second: int, lanes: int, diagonal: bool) -> tuple[Words, Words]:
    """Return (first, second) indices of a matrix cut in slices of ``lanes`` along its second axis, stacked.

    Read row by row or along its anti-diagonals from below; the second index may lie outside (padding).
    """
    high = -(-second // lanes) * first
    if diagonal:
        row, lane = _diagonal(high, lanes)
    else:
        row, lane = np.divmod(np.arange(high * lanes, dtype=np.int64), lanes)
    return row % first, row // first * lanes + lane


def ifmap_order(shape: tuple[int, ...], kind: int, rows: int, columns: int) -> tuple[Words, Words]:
    """Return (pixel, element) of the ifmap's words in the order of the prefetcher; both may lie outside (padding)."""
    pixels, window = shape
    if kind == WS:
        return _stacked(pixels, window, rows, diagonal=True)
    element, pixel = _stacked(window, pixels, columns if kind == IS else rows, diagonal=kind == OS)
    return pixel, element


def filter_order(shape: tuple[int, ...], kind: int, rows: int, columns: int) -> tuple[Words, Words]:
    """Return (element, filter) of the filters' words in the order of the prefetcher; both may lie outside (padding)."""
    window, filters = shape
    if kind == IS:
        one, element = _stacked(filters, window, rows, diagonal=True)
        return element, one
    return _stacked(window, filters, columns, diagonal=kind == OS)


@kernel
def _diagonal(high: int, wide: int) -> tuple[Words, Words]:
    row, column = np.empty(high * wide, np.int64), np.empty(high * wide, np.int64)
    at = 0
    for diagonal in range(high + wide - 1):
        for line in range(min(diagonal, high - 1), max(0, diagonal - wide + 1) - 1, -1):
            row[at], column[at] = line, diagonal - line
            at += 1
    return row, column


@kernel
def wanted(
    kind: int, operand: int, at: int, lane: int, row_fold: int, column_fold: int, sizes: Words
) -> tuple[int, int]:
    """Return what ``lane`` of an operand wants in cycle ``at`` of a fold, (-1, -1) if nothing.

    Indices are (pixel, element) of the ifmap, (element, filter) of the filter, (pixel, filter) of the ofmap. ``sizes``:
    pixels, window, filters, rows, columns.
    """
    if kind == OS:
        return _output_stationary(operand, at, lane, row_fold * sizes[3], column_fold * sizes[4] + lane, sizes)
    window, rows, other = sizes[1], sizes[3], column_fold * sizes[4] + lane
    across, along = (sizes[2], sizes[0]) if kind == WS else (sizes[0], sizes[2])
    streams_pixels = kind == WS
    if operand == OFMAP:
        streamed = at - lane - (2 * rows - 1)
        good = 0 <= streamed < along and other < across
        first, second = (streamed, other) if streams_pixels else (other, streamed)
    elif (operand == FILTER) == streams_pixels:  # the operand that stays, loaded from below
        element = row_fold * rows + rows - 1 - at
        good = at < rows and element < window and other < across
        first, second = (element, other) if streams_pixels else (other, element)
    else:
        element, streamed = row_fold * rows + lane, at - lane - rows
        good = element < window and 0 <= streamed < along
        first, second = (streamed, element) if streams_pixels else (element, streamed)
    return (first, second) if good else (-1, -1)


@kernel
def _output_stationary(operand: int, at: int, lane: int, top: int, one: int, sizes: Words) -> tuple[int, int]:
    pixels, window, filters, rows = sizes[0], sizes[1], sizes[2], sizes[3]
    if operand == OFMAP:
        back = at - lane - (window - 1)
        pixel = top + rows - 1 - back
        good = 0 <= back < rows and pixel < pixels and one < filters
        return (pixel, one) if good else (-1, -1)
    element = at - lane
    inside = 0 <= element < window
    if operand == IFMAP:
        return (top + lane, element) if inside and top + lane < pixels else (-1, -1)
    return (element, one) if inside and one < filters else (-1, -1)
