"""What a weight format is: a lossless encoding of stored rows, and the positions that occupy accumulate lanes.

A row is the run of weights that one axon reaches. Rows are encoded one after another without padding; where a row
starts is known from the axon table, so it is no part of the encoding. Padding to memory words is the synapse memory's
matter.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import Bits, starts
from accelsim.compression.codes import check_weights
from accelsim.errors import MappingError
from accelsim.registry import Registry

WEIGHT_FORMATS: Registry[type["WeightFormat"]] = Registry("weight format", "accelsim.compression")

Rows = npt.NDArray[Any]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded rows.

    Attributes
    ----------
    data : (ceil(row_bits.sum() / 8),) uint8
        The rows' bits one after another, most significant bit of a byte first, zeros at the end.
    row_bits : (n_rows,) int64
        Bits of each row.
    """

    data: npt.NDArray[np.uint8]
    row_bits: Counts


def nonzero(rows: Rows) -> npt.NDArray[np.bool_]:
    """Return which weights are not zero, (n_rows, run_length)."""
    return np.not_equal(rows, 0)


def nonzeros(rows: Rows) -> Counts:
    """Return the number of weights of each row that are not zero, (n_rows,)."""
    return np.asarray(np.count_nonzero(rows, axis=1), dtype=np.int64)


def adds_zeros(weight_format: str, *, skip_zero_weights: bool) -> bool:
    """Whether a spike adds the zeros of its rows too: the format hands them to the lanes, and nothing skips them."""
    return WEIGHT_FORMATS.get(weight_format).issues_zeros and not skip_zero_weights


class WeightFormat(ABC):
    """Base of all weight formats.

    ``rows`` are always (n_rows, run_length): integers that ``bits`` hold (1 .. 16; 1 is binary, -1 or +1), or float32
    with ``bits`` 32.
    """

    issues_zeros: ClassVar[bool] = False
    """Whether every weight of a row occupies a lane, zeros included: a spike then touches every target of its rows."""

    def encode(self, rows: Rows, bits: int) -> Encoded:
        """Encode rows.

        Raises
        ------
        MappingError
            If a weight does not fit in ``bits``.
        """
        check_weights(rows, bits)
        row_bits = self.row_bits(rows, bits)
        stream = np.zeros(int(row_bits.sum()), dtype=np.uint8)
        self._write(stream, starts(row_bits), np.ascontiguousarray(rows), bits)
        return Encoded(np.packbits(stream), row_bits)

    def decode(self, encoded: Encoded, n_rows: int, run_length: int, bits: int) -> Rows:
        """Return the rows, exactly as they were: (n_rows, run_length) int32, or float32 for 32 bits.

        Raises
        ------
        MappingError
            If the data does not have the size that the rows state.
        """
        total = int(encoded.row_bits.sum())
        if encoded.row_bits.shape != (n_rows,) or encoded.data.size != (total + 7) // 8:
            raise MappingError(
                f"encoded weights: expected {n_rows} rows in {(total + 7) // 8} bytes, "
                f"got {encoded.row_bits.size} rows in {encoded.data.size} bytes"
            )
        stream = np.unpackbits(encoded.data, count=total)
        return self._read(stream, starts(encoded.row_bits), (n_rows, run_length), bits)

    @abstractmethod
    def row_bits(self, rows: Rows, bits: int) -> Counts:
        """Return the encoded size of every row without encoding it, (n_rows,) int64."""

    @abstractmethod
    def issued(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return which positions occupy an accumulate lane when the row is read, (n_rows, run_length)."""

    @abstractmethod
    def _write(self, stream: Bits, start: Counts, rows: Rows, bits: int) -> None:
        """Write the bits of checked rows, row i from ``start[i]`` on."""

    @abstractmethod
    def _read(self, stream: Bits, start: Counts, shape: tuple[int, int], bits: int) -> Rows:
        """Return the rows of a stream of bits."""
