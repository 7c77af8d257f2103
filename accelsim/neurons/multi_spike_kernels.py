"""Kernels of neurons that send several spikes in a timestep: as many as the threshold goes into the membrane.

float32 arithmetic is rounded after every operation in the order written here.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.arithmetic import scaled
from accelsim.neurons.kernels import saturate


class SpikeRule(NamedTuple):
    """How often a neuron fires and what remains.

    Attributes
    ----------
    threshold, reset_to, floor : (neurons,) int32 or float32
    most : int
        Most spikes of one timestep.
    subtract, floored : bool
        Whether each spike takes the threshold off (else ``reset_to`` is written), and whether ``floor`` acts.
    """

    threshold: npt.NDArray[Any]
    reset_to: npt.NDArray[Any]
    floor: npt.NDArray[Any]
    most: int
    subtract: bool
    floored: bool


@kernel
def integrate_float(
    state: npt.NDArray[np.float32],
    current: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    gain: npt.NDArray[np.float32],
) -> None:
    """Compute ``v = leak * v + gain * I`` in float32; (samples, neurons) and (neurons,)."""
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value = gain[neuron] * current[sample, neuron]
            state[sample, neuron] = leak[neuron] * state[sample, neuron] + value


@kernel
def integrate_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    leak: npt.NDArray[np.int32],
    gain: npt.NDArray[np.int32],
    limits: tuple[int, int],
) -> int:
    """Do :func:`integrate_float` in integers, saturated, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value = scaled(leak[neuron], state[sample, neuron]) + scaled(gain[neuron], current[sample, neuron])
            saturations += int((value < low) | (value > high))
            state[sample, neuron] = saturate(value, low, high)
    return saturations


@kernel
def synapse_float(
    synaptic: npt.NDArray[np.float32], current: npt.NDArray[np.float32], leak: npt.NDArray[np.float32]
) -> None:
    """Compute ``i = leak * (i + I)`` in float32."""
    for sample in range(synaptic.shape[0]):
        for neuron in range(synaptic.shape[1]):
            synaptic[sample, neuron] = leak[neuron] * (synaptic[sample, neuron] + current[sample, neuron])


@kernel
def synapse_integer(
    synaptic: npt.NDArray[np.int32], current: npt.NDArray[Any], leak: npt.NDArray[np.int32], limits: tuple[int, int]
) -> int:
    """Do :func:`synapse_float` in integers, saturated, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(synaptic.shape[0]):
        for neuron in range(synaptic.shape[1]):
            total = np.int64(synaptic[sample, neuron]) + np.int64(current[sample, neuron])
            value = scaled(leak[neuron], total)
            saturations += int((value < low) | (value > high))
            synaptic[sample, neuron] = saturate(value, low, high)
    return saturations


@kernel
def fire_multi_float(state: npt.NDArray[np.float32], fired: npt.NDArray[np.uint16], rule: SpikeRule) -> None:
    """Count the spikes of float32 membranes, reset, and keep them above the floor."""
    zero = np.float32(0.0)
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value, limit = state[sample, neuron], rule.threshold[neuron]
            count = zero
            if rule.most == 1:
                count = np.float32(value >= limit)
            elif value > zero:
                count = min(np.float32(np.trunc(value / limit)), np.float32(rule.most))
            if rule.subtract:
                value = value - count * limit
            elif count != zero:
                value = rule.reset_to[neuron]
            if rule.floored:
                floor = rule.floor[neuron]
                value = max(value - floor, zero) + floor
            state[sample, neuron] = value
            fired[sample, neuron] = np.uint16(count)


@kernel
def fire_multi_integer(
    state: npt.NDArray[np.int32], fired: npt.NDArray[np.uint16], rule: SpikeRule, limits: tuple[int, int]
) -> int:
    """Do :func:`fire_multi_float` in integers, saturated, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            value, limit = np.int64(state[sample, neuron]), np.int64(rule.threshold[neuron])
            count = np.int64(0)
            if value >= limit and (value > 0 or rule.most == 1):
                count = min(value // limit if rule.most > 1 else np.int64(1), np.int64(rule.most))
            if rule.subtract:
                value -= count * limit
            elif count != 0:
                value = np.int64(rule.reset_to[neuron])
            if rule.floored:
                value = max(value, np.int64(rule.floor[neuron]))
            saturations += int((value < low) | (value > high))
            state[sample, neuron] = saturate(value, low, high)
            fired[sample, neuron] = np.uint16(count)
    return saturations
