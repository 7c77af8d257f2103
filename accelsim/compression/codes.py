"""Weights as bit patterns: two's complement integers, one-bit signs and float32.

A width of 1 is a binary weight: 1 stands for +1, 0 for -1 (Courbariaux et al., "BinaryConnect", NeurIPS 2015), so a
zero has no pattern. A width of 32 is the IEEE pattern of a float32.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError


def check_weights(rows: npt.NDArray[Any], bits: int) -> None:
    """Check that rows are two-dimensional and of the type and range of ``bits``; a binary weight may also be zero.

    Raises
    ------
    MappingError
        With the type or the weight that does not fit.
    """
    if rows.ndim != 2 or 0 in rows.shape:
        raise MappingError(f"weights: expected rows of shape (n_rows, run_length), got {rows.shape}")
    if bits == 32:
        if rows.dtype != np.dtype(np.float32):
            raise MappingError(f"weights of 32 bit: expected float32, got {rows.dtype}")
        return
    if not 1 <= bits <= 16 or not np.issubdtype(rows.dtype, np.integer):
        raise MappingError(f"weights: expected integers of 1..16 bit or float32 of 32, got {rows.dtype} of {bits} bit")
    low, high = (-1, 1) if bits == 1 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    outside = (rows < low) | (rows > high)
    if outside.any():
        raise MappingError(f"weights of {bits} bit: expected {low}..{high}, got {rows[outside][0]}")


def to_codes(weights: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint32]:
    """Return the bit patterns of checked weights, uint32 of the same shape.

    Raises
    ------
    MappingError
        If a binary weight is zero.
    """
    if bits == 32:
        return weights.view(np.uint32)
    if bits == 1:
        if (weights == 0).any():
            raise MappingError("weights of 1 bit: a zero must be stored, but one bit holds -1 or +1 only; use 2 bit")
        return (weights > 0).astype(np.uint32)
    return weights.astype(np.int32).view(np.uint32) & np.uint32((1 << bits) - 1)


def from_codes(codes: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[Any]:
    """Return the weights of bit patterns: float32 for 32 bits, else int32."""
    if bits == 32:
        return codes.view(np.float32)
    if bits == 1:
        return np.where(codes == 1, 1, -1).astype(np.int32)
    shift = np.int32(32 - bits)
    signed: npt.NDArray[np.int32] = (codes << np.uint32(32 - bits)).view(np.int32) >> shift
    return signed


def weight_type(bits: int) -> type[np.generic]:
    """Return the type of decoded weights."""
    return np.float32 if bits == 32 else np.int32
