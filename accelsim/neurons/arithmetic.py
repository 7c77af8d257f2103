"""Integer products of the neuron models, and the conversion of their factors.

Factors are multiples of 2**-12; a product is truncated toward zero, as a sign-magnitude multiplier does.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.kernels import inlined
from accelsim.neurons.model import LEAK_FRACTION_BITS

LARGEST_FACTOR: Final = float(1 << 18)
"""Largest magnitude of a factor in integer arithmetic: products stay within 64 bits."""


@inlined
def scaled(factor: Any, value: Any) -> Any:
    """Return ``trunc(factor * value / 4096)`` in 64 bits."""
    product = np.int64(factor) * np.int64(value)
    # An arithmetic shift rounds toward minus infinity: 4095 more turns that into toward zero.
    return (product + ((product >> 63) & 4095)) >> 12


def quantized_factor(name: str, factor: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return float factors as integers in units of 2**-12, rounded to nearest even.

    Raises
    ------
    NetworkError
        If the factor is an integer already, or larger than LARGEST_FACTOR.
    """
    if factor.dtype != np.dtype(np.float32):
        raise NetworkError(f"{name}: the model is in integer arithmetic already")
    if (np.abs(factor) > LARGEST_FACTOR).any():
        raise NetworkError(f"{name}: expected at most {LARGEST_FACTOR:g} in integers, got {np.abs(factor).max():g}")
    steps: npt.NDArray[np.int32] = np.rint(factor.astype(np.float64) * (1 << LEAK_FRACTION_BITS)).astype(np.int32)
    return steps
