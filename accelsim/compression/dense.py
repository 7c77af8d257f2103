"""Dense rows: every weight is stored, zeros included, and every weight takes a lane."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import Bits, read_fields, write_fields
from accelsim.compression.codes import from_codes, to_codes
from accelsim.compression.format import WEIGHT_FORMATS, Counts, Rows, WeightFormat


@WEIGHT_FORMATS.register("dense")
class Dense(WeightFormat):
    """``run_length * bits`` per row."""

    issues_zeros: ClassVar[bool] = True

    def row_bits(self, rows: Rows, bits: int) -> Counts:
        """Return ``run_length * bits`` for every row."""
        return np.full(rows.shape[0], rows.shape[1] * bits, dtype=np.int64)

    def issued(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return all positions."""
        return np.ones(rows.shape, dtype=np.bool_)

    def _write(self, stream: Bits, start: Counts, rows: Rows, bits: int) -> None:
        write_fields(stream, _offsets(start, rows.shape[1], bits), to_codes(rows, bits).ravel(), bits)

    def _read(self, stream: Bits, start: Counts, shape: tuple[int, int], bits: int) -> Rows:
        return from_codes(read_fields(stream, _offsets(start, shape[1], bits), bits), bits).reshape(shape)


def _offsets(start: Counts, run_length: int, bits: int) -> Counts:
    offsets: Counts = (start[:, np.newaxis] + np.arange(run_length, dtype=np.int64) * bits).ravel()
    return offsets
