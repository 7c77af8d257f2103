"""Kernels of the neuron models: leak and add, then compare and reset.

float32 arithmetic is rounded after every operation in the order written here (no fused multiply-add, no fastmath).
Integers are computed in 64 bits and saturated to ``low .. high``. Integer leak factors are multiples of 2**-12; the
product is truncated toward zero, as a sign-magnitude multiplier does.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, kernel

Float = npt.NDArray[np.float32]
Integer = npt.NDArray[np.int32]


class Rule(NamedTuple):
    """When a neuron fires and what it is reset to.

    Attributes
    ----------
    threshold, reset_to : (neurons,) int32 or float32
    subtract : bool
        True: subtract the threshold; False: write ``reset_to``.
    inclusive : bool
        True: fires at ``state >= threshold``; False: at ``state > threshold``.
    """

    threshold: npt.NDArray[Any]
    reset_to: npt.NDArray[Any]
    subtract: bool
    inclusive: bool


@inlined
def saturate(value: Any, low: int, high: int) -> Any:
    """Return ``value`` within ``low .. high``."""
    return min(max(value, low), high)


@kernel
def leak_add_float(state: Float, leak: Float, current: Float) -> None:
    """Compute ``state = leak * state + current`` in float32.

    Parameters
    ----------
    state, current : (samples, neurons) float32
    leak : (neurons,) float32
    """
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            state[sample, neuron] = leak[neuron] * state[sample, neuron] + current[sample, neuron]


@kernel
def add_float(state: Float, current: Float) -> None:
    """Compute ``state = state + current`` in float32; shapes as :func:`leak_add_float`."""
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            state[sample, neuron] = state[sample, neuron] + current[sample, neuron]


@kernel
def leak_add_integer(state: Integer, leak: Integer, current: Integer, low: int, high: int) -> int:
    """Compute ``state = saturate(trunc(state * leak / 4096) + current)`` and return the number of saturations.

    Parameters
    ----------
    state, current : (samples, neurons) int32
    leak : (neurons,) int32
        Factor in units of 2**-12.
    low, high : int
    """
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            product = np.int64(state[sample, neuron]) * np.int64(leak[neuron])
            # An arithmetic shift rounds toward minus infinity: 4095 more turns that into toward zero.
            value = ((product + ((product >> 63) & 4095)) >> 12) + np.int64(current[sample, neuron])
            saturations += int((value < low) | (value > high))
            state[sample, neuron] = saturate(value, low, high)
    return saturations


@kernel
def add_integer(state: Integer, current: Integer, low: int, high: int) -> int:
    """Compute ``state = saturate(state + current)`` and return the number of saturations."""
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value = np.int64(state[sample, neuron]) + np.int64(current[sample, neuron])
            saturations += int((value < low) | (value > high))
            state[sample, neuron] = saturate(value, low, high)
    return saturations


@kernel
def integrate_fire_integer(
    state: Integer,
    current: Integer,
    fired: npt.NDArray[np.uint16],
    threshold: Integer,
    reset_to: Integer,
    subtract: bool,
    inclusive: bool,
    low: int,
    high: int,
) -> int:
    """Do :func:`add_integer` and :func:`fire_integer` in one pass; return the number of saturations.

    The fields of a :class:`Rule` come one by one: numba takes them in half the time.
    """
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            total = np.int64(state[sample, neuron]) + np.int64(current[sample, neuron])
            value, limit = saturate(total, low, high), np.int64(threshold[neuron])
            fires = value >= limit if inclusive else value > limit
            after = value - limit if subtract else np.int64(reset_to[neuron])
            after = after if fires else value
            saturations += int((total < low) | (total > high)) + int((after < low) | (after > high))
            state[sample, neuron] = saturate(after, low, high)
            fired[sample, neuron] = fires
    return saturations


@kernel
def fire_float(state: Float, fired: npt.NDArray[np.uint16], rule: Rule) -> None:
    """Compare float32 states with the threshold and reset those that fire.

    Parameters
    ----------
    state : (samples, neurons) float32
    fired : (samples, neurons) uint16
        Overwritten.
    rule : Rule
    """
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value, limit = state[sample, neuron], rule.threshold[neuron]
            fires = value >= limit if rule.inclusive else value > limit
            after = value - limit if rule.subtract else rule.reset_to[neuron]
            state[sample, neuron] = after if fires else value
            fired[sample, neuron] = fires


@kernel
def fire_integer(state: Integer, fired: npt.NDArray[np.uint16], rule: Rule, low: int, high: int) -> int:
    """Compare integer states as :func:`fire_float` does, saturate the reset, and return the number of saturations."""
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value, limit = np.int64(state[sample, neuron]), np.int64(rule.threshold[neuron])
            fires = value >= limit if rule.inclusive else value > limit
            after = value - limit if rule.subtract else np.int64(rule.reset_to[neuron])
            value = after if fires else value
            saturations += int((value < low) | (value > high))
            state[sample, neuron] = saturate(value, low, high)
            fired[sample, neuron] = fires
    return saturations
