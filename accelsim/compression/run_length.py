"""Run-length rows: a count, then (zeros before, weight) entries with a 4-bit run of zeros.

A longer run is escaped: an entry of 15 zeros before an explicit zero weight stands for 16 positions, as in EIE (Han et
al., ISCA 2016, section 3). The explicit zero takes a lane. Zeros behind the last weight are not stored: the count of
entries ends the row. A binary weight has no explicit zero, so a row of 1 bit with 16 zeros before a weight is refused.
"""

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import Bits, field_width, read_fields, within, write_fields
from accelsim.compression.codes import from_codes, to_codes, weight_type
from accelsim.compression.format import WEIGHT_FORMATS, Counts, Rows, WeightFormat, nonzero

RUN_BITS = 4
"""Width of the run of zeros, as in EIE."""

_SPAN = 1 << RUN_BITS
"""Positions that an escape stands for."""


@WEIGHT_FORMATS.register("run_length")
class RunLength(WeightFormat):
    """``ceil(log2(run_length + 1)) + (nonzeros + escapes) * (4 + bits)`` per row; one escape per 16 zeros in a row."""

    def row_bits(self, rows: Rows, bits: int) -> Counts:
        """Return the size of the count and of one entry for every weight that is not zero and every escape."""
        row, _, gap = _gaps(rows)
        entries = np.bincount(row, weights=1 + gap // _SPAN, minlength=rows.shape[0]).astype(np.int64)
        return field_width(rows.shape[1]) + entries * (RUN_BITS + bits)

    def issued(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return the weights that are not zero and the explicit zeros of escapes."""
        mask = nonzero(rows)
        row, column, gap = _gaps(rows)
        escapes = gap // _SPAN
        first = np.repeat(column - gap, escapes)
        mask[np.repeat(row, escapes), first + within(escapes) * _SPAN + _SPAN - 1] = True
        return mask

    def _write(self, stream: Bits, start: Counts, rows: Rows, bits: int) -> None:
        row, column = np.nonzero(self.issued(rows))
        counts = np.bincount(row, minlength=rows.shape[0])
        run = column - _before(row, column) - 1
        width = field_width(rows.shape[1])
        write_fields(stream, start, counts.astype(np.uint32), width)
        entry = np.repeat(start + width, counts) + within(counts) * (RUN_BITS + bits)
        write_fields(stream, entry, run.astype(np.uint32), RUN_BITS)
        write_fields(stream, entry + RUN_BITS, to_codes(rows[row, column], bits), bits)

    def _read(self, stream: Bits, start: Counts, shape: tuple[int, int], bits: int) -> Rows:
        width = field_width(shape[1])
        counts = read_fields(stream, start, width).astype(np.int64)
        row = np.repeat(np.arange(shape[0]), counts)
        entry = np.repeat(start + width, counts) + within(counts) * (RUN_BITS + bits)
        steps = read_fields(stream, entry, RUN_BITS).astype(np.int64) + 1
        ends = np.cumsum(steps)
        first = np.concatenate(([0], ends))[np.cumsum(counts) - counts]
        rows = np.zeros(shape, dtype=weight_type(bits))
        column = ends - np.repeat(first, counts) - 1
        rows[row, column] = from_codes(read_fields(stream, entry + RUN_BITS, bits), bits)
        return rows


def _before(row: npt.NDArray[np.intp], column: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Return the column of the entry before each in its row, -1 for the first."""
    before = np.full(row.size, -1, dtype=np.int64)
    same = row[1:] == row[:-1]
    before[1:][same] = column[:-1][same]
    return before


def _gaps(rows: Rows) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Return row, column and zeros before each weight that is not zero."""
    row, column = np.nonzero(rows)
    return row, column, column - _before(row, column) - 1
