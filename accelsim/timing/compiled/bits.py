"""Bit masks as sets of small numbers."""

from typing import Any

import numpy as np

from accelsim.kernels import inlined

_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_POSITION = np.zeros(64, dtype=np.uint8)
for _bit in range(64):
    _POSITION[((0x03F79D71B4CB0A89 << _bit) & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit


@inlined
def lowest_bit(mask: Any) -> int:
    """Return the position of the lowest set bit (de Bruijn multiplication; Leiserson, Prokop and Randall 1998)."""
    bits = np.uint64(mask)
    alone = bits & (~bits + np.uint64(1))
    return np.int64(_POSITION[(alone * _DE_BRUIJN) >> np.uint64(58)])  # type: ignore[return-value]
