"""Kernels of snnTorch's ``Leaky``: one pass, since the comparison needs the membrane before the leak.

Rounding, truncation and saturation are those of :mod:`accelsim.neurons.kernels`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.kernels import saturate

Parameters = tuple[npt.NDArray[Any], npt.NDArray[Any], bool]


@kernel
def leaky_float(
    state: npt.NDArray[np.float32], current: npt.NDArray[np.float32], fired: npt.NDArray[np.uint16], rule: Parameters
) -> None:
    """Advance float32 neurons by one timestep.

    Parameters
    ----------
    state, current : (samples, neurons) float32
    fired : (samples, neurons) uint16
        Overwritten.
    rule : (leak, threshold, reset_delay)
        (neurons,) float32 twice, and whether the reset acts one timestep late.
    """
    leak, threshold, delay = rule
    zero = np.float32(0.0)
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            before, limit = state[sample, neuron], threshold[neuron]
            pending = limit if before > limit else zero
            value = (leak[neuron] * before + current[sample, neuron]) - pending
            fires = value > limit
            step = (limit if fires else zero) - pending
            state[sample, neuron] = value if delay else value - step
            fired[sample, neuron] = fires


@kernel
def leaky_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[np.int32],
    fired: npt.NDArray[np.uint16],
    rule: Parameters,
    limits: tuple[int, int],
) -> int:
    """Advance integer neurons by one timestep as :func:`leaky_float` does, and return the number of saturations."""
    leak, threshold, delay = rule
    low, high = limits
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            before, limit = np.int64(state[sample, neuron]), np.int64(threshold[neuron])
            pending = limit if before > limit else np.int64(0)
            product = before * np.int64(leak[neuron])
            value = ((product + ((product >> 63) & 4095)) >> 12) + np.int64(current[sample, neuron]) - pending
            saturations += int((value < low) | (value > high))
            value = saturate(value, low, high)
            fires = value > limit
            after = value if delay else value - ((limit if fires else np.int64(0)) - pending)
            saturations += int((after < low) | (after > high))
            state[sample, neuron] = saturate(after, low, high)
            fired[sample, neuron] = fires
    return saturations
