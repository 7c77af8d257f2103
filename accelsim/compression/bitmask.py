"""Bitmask rows: one bit per position, then the weights that are not zero.

Source: SparTen (Gondimalla et al., MICRO 2019), whose sparse vectors have the same two parts.
"""

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import Bits, read_fields, within, write_fields
from accelsim.compression.codes import from_codes, to_codes, weight_type
from accelsim.compression.format import WEIGHT_FORMATS, Counts, Rows, WeightFormat, nonzero, nonzeros


@WEIGHT_FORMATS.register("bitmask")
class Bitmask(WeightFormat):
    """``run_length + nonzeros * bits`` per row."""

    def row_bits(self, rows: Rows, bits: int) -> Counts:
        """Return ``run_length + nonzeros * bits`` for every row."""
        mask_bits: int = rows.shape[1]
        return nonzeros(rows) * bits + mask_bits

    def issued(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return the weights that are not zero."""
        return nonzero(rows)

    def _write(self, stream: Bits, start: Counts, rows: Rows, bits: int) -> None:
        mask = nonzero(rows)
        stream[_positions(start, rows.shape[1])] = mask
        write_fields(stream, _values(start, mask, bits), to_codes(rows[mask], bits), bits)

    def _read(self, stream: Bits, start: Counts, shape: tuple[int, int], bits: int) -> Rows:
        mask = stream[_positions(start, shape[1])].astype(np.bool_)
        rows = np.zeros(shape, dtype=weight_type(bits))
        rows[mask] = from_codes(read_fields(stream, _values(start, mask, bits), bits), bits)
        return rows


def _positions(start: Counts, run_length: int) -> Counts:
    """Return the bit of every position of the mask, (n_rows, run_length)."""
    positions: Counts = start[:, np.newaxis] + np.arange(run_length, dtype=np.int64)
    return positions


def _values(start: Counts, mask: npt.NDArray[np.bool_], bits: int) -> Counts:
    """Return the first bit of every stored weight, (nonzeros,)."""
    counts = np.count_nonzero(mask, axis=1)
    offsets: Counts = np.repeat(start + mask.shape[1], counts) + within(counts) * bits
    return offsets
