"""Bit masks as sets of small numbers."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from accelsim.kernels import inlined


@intrinsic
def _trailing_zeros(_context: Any, _mask: Any) -> Any:
    """Count trailing zeros of a word that is not zero: one instruction."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@inlined
def lowest_bit(mask: Any) -> int:
    """Return the position of the lowest set bit."""
    return np.int64(_trailing_zeros(np.uint64(mask)))  # type: ignore[call-arg, return-value]
