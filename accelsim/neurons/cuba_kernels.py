"""Kernels of neurons behind a synaptic current: both states of a timestep, before any comparison.

``state`` is (2, samples, neurons): current, membrane. The orders are those of :data:`ORDERS`, by their place.
float32 arithmetic is rounded after every operation in the order written here.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.arithmetic import scaled
from accelsim.neurons.kernels import saturate

ORDERS: Final = ("filter", "jump", "factor")


class CubaParameters(NamedTuple):
    """Parameters of a synaptic current and its membrane, each (neurons,) float32 or int32; see ``CubaLIF``."""

    current_rate: npt.NDArray[Any]
    weight: npt.NDArray[Any]
    current_rest: npt.NDArray[Any]
    membrane_rate: npt.NDArray[Any]
    resistance: npt.NDArray[Any]
    rest: npt.NDArray[Any]


@kernel
def cuba_float(
    state: npt.NDArray[np.float32], current: npt.NDArray[np.float32], given: CubaParameters, order: int
) -> None:
    """Integrate current and membrane in float32."""
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            before, voltage = state[0, sample, neuron], state[1, sample, neuron]
            added = given.weight[neuron] * current[sample, neuron]
            rate, pace = given.current_rate[neuron], given.membrane_rate[neuron]
            resistance, rest = given.resistance[neuron], given.rest[neuron]
            if order == 0:
                flow = before + rate * ((given.current_rest[neuron] - before) + added)
                state[1, sample, neuron] = voltage + pace * ((resistance * flow + rest) - voltage)
            elif order == 1:
                jump = before + added
                state[1, sample, neuron] = voltage + pace * ((rest - voltage) + resistance * jump)
                flow = jump + (-rate) * jump
            else:
                flow = rate * before + added
                state[1, sample, neuron] = pace * voltage + resistance * flow
            state[0, sample, neuron] = flow


@kernel
def cuba_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    given: CubaParameters,
    order: int,
    limits: tuple[int, int],
) -> int:
    """Integrate as :func:`cuba_float` does in integers, saturated, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            before, voltage = np.int64(state[0, sample, neuron]), np.int64(state[1, sample, neuron])
            added = scaled(given.weight[neuron], current[sample, neuron])
            rate, pace = given.current_rate[neuron], given.membrane_rate[neuron]
            resistance, rest = given.resistance[neuron], np.int64(given.rest[neuron])
            if order == 0:
                flow = before + scaled(rate, np.int64(given.current_rest[neuron]) - before + added)
                value = voltage + scaled(pace, scaled(resistance, flow) + rest - voltage)
            elif order == 1:
                jump = before + added
                value = voltage + scaled(pace, rest - voltage + scaled(resistance, jump))
                flow = jump - scaled(rate, jump)
            else:
                flow = scaled(rate, before) + added
                value = scaled(pace, voltage) + scaled(resistance, flow)
            saturations += int((flow < low) | (flow > high)) + int((value < low) | (value > high))
            state[0, sample, neuron] = saturate(flow, low, high)
            state[1, sample, neuron] = saturate(value, low, high)
    return saturations
