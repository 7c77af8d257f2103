"""Delta rows: a count, the width of a gap, then (zeros before, weight) for every weight that is not zero.

The width is chosen row by row, as wide as the row's largest gap, so that no gap needs an escape.
"""

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import Bits, field_width, read_fields, within, write_fields
from accelsim.compression.codes import from_codes, to_codes, weight_type
from accelsim.compression.format import WEIGHT_FORMATS, Counts, Rows, WeightFormat, nonzero, nonzeros


@WEIGHT_FORMATS.register("delta")
class Delta(WeightFormat):
    """A header, and ``nonzeros * (width of the largest gap + bits)`` per row."""

    def row_bits(self, rows: Rows, bits: int) -> Counts:
        """Return the size of the header and of one entry for every weight that is not zero."""
        return sum(_header(rows.shape[1])) + nonzeros(rows) * (_widths(rows) + bits)

    def issued(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return the weights that are not zero: nothing else is stored, so nothing else takes a lane."""
        return nonzero(rows)

    def _write(self, stream: Bits, start: Counts, rows: Rows, bits: int) -> None:
        count_bits, width_bits = _header(rows.shape[1])
        counts, widths = nonzeros(rows), _widths(rows)
        write_fields(stream, start, counts.astype(np.uint32), count_bits)
        write_fields(stream, start + count_bits, widths.astype(np.uint32), width_bits)
        row, column, gap = _gaps(rows)
        entry = _entries(start, rows.shape[1], counts, widths + bits)
        for width in np.unique(widths).tolist():
            mine = widths[row] == width
            write_fields(stream, entry[mine], gap[mine].astype(np.uint32), width)
            write_fields(stream, entry[mine] + width, to_codes(rows[row[mine], column[mine]], bits), bits)

    def _read(self, stream: Bits, start: Counts, shape: tuple[int, int], bits: int) -> Rows:
        count_bits, width_bits = _header(shape[1])
        counts = read_fields(stream, start, count_bits).astype(np.int64)
        widths = read_fields(stream, start + count_bits, width_bits).astype(np.int64)
        row = np.repeat(np.arange(shape[0]), counts)
        entry = _entries(start, shape[1], counts, widths + bits)
        gap, codes = np.zeros(row.size, dtype=np.int64), np.zeros(row.size, dtype=np.uint32)
        for width in np.unique(widths).tolist():
            mine = widths[row] == width
            gap[mine] = read_fields(stream, entry[mine], width)
            codes[mine] = read_fields(stream, entry[mine] + width, bits)
        ends = np.cumsum(gap + 1)
        before = np.concatenate(([0], ends))[np.cumsum(counts) - counts]
        rows = np.zeros(shape, dtype=weight_type(bits))
        rows[row, ends - np.repeat(before, counts) - 1] = from_codes(codes, bits)
        return rows


def _header(run_length: int) -> tuple[int, int]:
    """Return the bits of the count, and of the width of a gap."""
    return field_width(run_length), field_width(field_width(run_length))


def _gaps(rows: Rows) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Counts]:
    """Return row, column and zeros before each weight that is not zero."""
    row, column = np.nonzero(rows)
    before = np.full(row.size, -1, dtype=np.int64)
    before[1:] = np.where(row[1:] == row[:-1], column[:-1], -1)
    return row, column, column - before - 1


def _widths(rows: Rows) -> Counts:
    """Return the bits of each row's largest gap, (n_rows,)."""
    row, _, gap = _gaps(rows)
    largest = np.zeros(rows.shape[0], dtype=np.int64)
    np.maximum.at(largest, row, gap)
    return np.array([field_width(value) for value in largest.tolist()], dtype=np.int64)


def _entries(start: Counts, run_length: int, counts: Counts, size: Counts) -> Counts:
    """Return the first bit of every entry."""
    return np.repeat(start + sum(_header(run_length)), counts) + within(counts) * np.repeat(size, counts)
