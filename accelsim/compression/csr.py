"""Compressed sparse rows: a count, then (position, weight) for every weight that is not zero."""

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import Bits, field_width, read_fields, within, write_fields
from accelsim.compression.codes import from_codes, to_codes, weight_type
from accelsim.compression.format import WEIGHT_FORMATS, Counts, Rows, WeightFormat, nonzero, nonzeros


@WEIGHT_FORMATS.register("csr")
class Csr(WeightFormat):
    """``ceil(log2(run_length + 1)) + nonzeros * (ceil(log2(run_length)) + bits)`` per row."""

    def row_bits(self, rows: Rows, bits: int) -> Counts:
        """Return the size of the count and of one entry for every weight that is not zero."""
        count, position = _widths(rows.shape[1])
        return count + nonzeros(rows) * (position + bits)

    def issued(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return the weights that are not zero."""
        return nonzero(rows)

    def _write(self, stream: Bits, start: Counts, rows: Rows, bits: int) -> None:
        count, position = _widths(rows.shape[1])
        row, column = np.nonzero(rows)
        counts = np.bincount(row, minlength=rows.shape[0])
        write_fields(stream, start, counts.astype(np.uint32), count)
        entry = np.repeat(start + count, counts) + within(counts) * (position + bits)
        write_fields(stream, entry, column.astype(np.uint32), position)
        write_fields(stream, entry + position, to_codes(rows[row, column], bits), bits)

    def _read(self, stream: Bits, start: Counts, shape: tuple[int, int], bits: int) -> Rows:
        count, position = _widths(shape[1])
        counts = read_fields(stream, start, count).astype(np.int64)
        entry = np.repeat(start + count, counts) + within(counts) * (position + bits)
        rows = np.zeros(shape, dtype=weight_type(bits))
        column = read_fields(stream, entry, position)
        rows[np.repeat(np.arange(shape[0]), counts), column] = from_codes(
            read_fields(stream, entry + position, bits), bits
        )
        return rows


def _widths(run_length: int) -> tuple[int, int]:
    """Return the widths of the count and of a position, bit."""
    return field_width(run_length), field_width(run_length - 1)
