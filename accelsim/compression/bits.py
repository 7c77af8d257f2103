"""Bit fields: unsigned numbers written into and read from a stream of bits, most significant bit first."""

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def write_fields(stream: Bits, offset: Offsets, value: npt.NDArray[np.uint32], width: int) -> None:
    """Write one ``width``-bit field per offset.

    Parameters
    ----------
    stream : (n_bits,) uint8
        One bit per element, written in place.
    offset : (n,) int64
        First bit of each field.
    value : (n,) uint32
    width : int
        0 .. 32.
    """
    for bit in range(width):
        stream[offset + bit] = (value >> np.uint32(width - 1 - bit)) & np.uint32(1)


def read_fields(stream: Bits, offset: Offsets, width: int) -> npt.NDArray[np.uint32]:
    """Return the ``width``-bit field at every offset, (n,) uint32."""
    value = np.zeros(offset.shape, dtype=np.uint32)
    for bit in range(width):
        value = (value << np.uint32(1)) | stream[offset + bit]
    return value


def field_width(largest: int) -> int:
    """Return the bits of an unsigned field that holds 0 .. ``largest``: ceil(log2(largest + 1))."""
    return int(largest).bit_length()


def starts(lengths: npt.NDArray[np.integer]) -> Offsets:
    """Return where consecutive pieces of these lengths start, (n,) int64."""
    ends = np.cumsum(lengths, dtype=np.int64)
    return ends - lengths


def within(counts: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return 0, 1, ... count - 1 for every count, concatenated: ``within([2, 3]) = [0, 1, 0, 1, 2]``."""
    return np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(starts(counts), counts)
