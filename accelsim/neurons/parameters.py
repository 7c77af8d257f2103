"""Checks and conversions that every neuron model's parameters share."""

import dataclasses
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.neurons.model import LEAK_FRACTION_BITS, Array, NeuronModel, StateRange

INT32_RANGE: Final = StateRange.of_bits(32)
"""What an int32 state holds: the bounds where no narrower membrane is given."""

_RESETS: Final = ("subtract", "value", "none")
_COMPARISONS: Final = (">", ">=")


def check_arrays(model: NeuronModel) -> None:
    """Check that a model's array fields are finite, of one length and one of the two arithmetics.

    Raises
    ------
    NetworkError
        Naming the model, the parameter, what was got and what was expected.
    """
    name = type(model).__name__
    arrays = {
        field.name: value
        for field in dataclasses.fields(model)  # type: ignore[arg-type]
        if isinstance(value := getattr(model, field.name), np.ndarray)
    }
    for key, value in arrays.items():
        if value.ndim != 1 or value.size == 0:
            raise NetworkError(f"{name}.{key}: expected one value per neuron, shape (n,), got shape {value.shape}")
        if value.dtype not in (np.dtype(np.int32), np.dtype(np.float32)):
            raise NetworkError(f"{name}.{key}: expected int32 or float32, got {value.dtype}")
        if not np.isfinite(value).all():
            raise NetworkError(f"{name}.{key}: a value is NaN or infinite")
    if len({(value.size, value.dtype) for value in arrays.values()}) > 1:
        found = ", ".join(f"{key} {value.dtype}[{value.size}]" for key, value in arrays.items())
        raise NetworkError(f"{name}: parameters differ in length or arithmetic: {found}")


def check_leak(model: str, leak: Array, name: str = "leak") -> None:
    """Check that a factor is within 0 .. 1 (integers: 0 .. 4096).

    Raises
    ------
    NetworkError
        With the factor that is outside.
    """
    one = 1 << LEAK_FRACTION_BITS if np.issubdtype(leak.dtype, np.integer) else 1
    outside = (leak < 0) | (leak > one)
    if outside.any():
        raise NetworkError(f"{model}.{name}: expected a factor within 0..{one}, got {leak[outside][0]}")


def check_rule(model: str, reset: str, comparison: str) -> None:
    """Check the reset and the comparison.

    Raises
    ------
    NetworkError
        With the known choices.
    """
    if reset not in _RESETS:
        raise NetworkError(f"{model}.reset: expected one of {', '.join(_RESETS)}; got {reset!r}")
    if comparison not in _COMPARISONS:
        raise NetworkError(f"{model}.comparison: expected one of {', '.join(_COMPARISONS)}; got {comparison!r}")


def quantized_leak(leak: Array) -> npt.NDArray[np.int32]:
    """Return float leak factors as integers in units of 2**-12, rounded to nearest even."""
    steps: npt.NDArray[np.int32] = np.rint(leak.astype(np.float64) * (1 << LEAK_FRACTION_BITS)).astype(np.int32)
    return steps


def quantized_level(name: str, level: Array, scale: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return real membrane levels as integer steps of ``scale``, rounded to nearest even.

    Raises
    ------
    NetworkError
        If the model is integer already, the scale is not positive, or a level needs more than 32 bits.
    """
    if level.dtype != np.dtype(np.float32):
        raise NetworkError(f"{name}: the model is in integer arithmetic already")
    if scale.shape not in ((), (1,), level.shape) or not np.isfinite(scale).all() or not (scale > 0).all():
        raise NetworkError(f"{name}: expected one positive scale per neuron, {level.shape}, got {scale.shape}")
    steps = np.rint(level.astype(np.float64) / scale)
    outside = (steps < INT32_RANGE.low) | (steps > INT32_RANGE.high)
    if outside.any():
        raise NetworkError(f"{name}: {level[outside][0]} is {steps[outside][0]:.3g} integer steps; 32 bits hold fewer")
    return np.asarray(steps, dtype=np.int32)


def bounds(limits: StateRange | None) -> tuple[int, int]:
    """Return ``limits`` as (low, high), the range of int32 where there are none."""
    held = INT32_RANGE if limits is None else limits
    return held.low, held.high


