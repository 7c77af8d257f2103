r"""Neurons that fire before they integrate: the spikes of a timestep come from the membrane of the timestep before.

.. math::

    s = [v > \theta], \qquad v \leftarrow (\lambda v + I) - s\theta; \qquad
    \text{behind a synapse: } v' = v - s\theta, \quad i \leftarrow \alpha i + I, \quad v \leftarrow \lambda v' + i

Source: Spyx 1.0.0, ``LIF``, ``IF`` (``lambda = 1``), ``CuBaLIF``; each operation for operation in float32. In integers
the leaks are multiples of 2**-12 and products are truncated toward zero. One spike per timestep; reset by subtraction.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.arithmetic import scaled
from accelsim.neurons.firing import spread
from accelsim.neurons.kernels import saturate
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_leak, quantized_level


class _FireFirst(NeuronModel):
    """What both models share."""

    leak: Array
    threshold: Array

    def __post_init__(self) -> None:
        check_arrays(self)
        check_leak(type(self).__name__, self.leak)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    def operations(self) -> Operations:
        """Return the leaks, the sums, the subtraction of the threshold, and the comparison."""
        count = len(self.states)
        return Operations(additions=count + 1, multiplications=count, comparisons=1)


@NEURON_MODELS.register("fire_first_lif")
@dataclass(frozen=True, eq=False)
class FireFirstLIF(_FireFirst):
    """(Leaky) integrate-and-fire neurons of Spyx.

    Attributes
    ----------
    leak : (n,) float32 or int32
        Factor on the membrane per timestep, 0 .. 1; integers are in units of 2**-12.
    threshold : (n,) float32 or int32

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    leak: Array
    threshold: Array

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        if self.dtype is np.float32:
            _lif_float(state[0], current, fired, self.leak, self.threshold)
            return 0
        return int(_lif_integer(state[0], current, fired, self.leak, self.threshold, bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with the threshold in steps of ``scale`` and the leak in units of 2**-12."""
        threshold = quantized_level("FireFirstLIF.threshold", self.threshold, scale)
        return type(self)(quantized_leak(self.leak), threshold)

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds."""
        return cls(spread(size, 0.75, 1.0), spread(size, 0.3, 1.0))


@NEURON_MODELS.register("fire_first_cuba_lif")
@dataclass(frozen=True, eq=False)
class FireFirstCubaLIF(_FireFirst):
    """The same behind a synaptic current; ``current_leak`` is its factor, the rest as :class:`FireFirstLIF`."""

    states: ClassVar[tuple[str, ...]] = ("current", "membrane")
    current_leak: Array
    leak: Array
    threshold: Array

    def __post_init__(self) -> None:
        super().__post_init__()
        check_leak("FireFirstCubaLIF", self.current_leak, "current_leak")

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        leaks = (self.current_leak, self.leak)
        if self.dtype is np.float32:
            _cuba_float(state, current, fired, leaks, self.threshold)
            return 0
        return int(_cuba_integer(state, current, fired, leaks, self.threshold, bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with the threshold in steps of ``scale`` and the leaks in units of 2**-12."""
        threshold = quantized_level("FireFirstCubaLIF.threshold", self.threshold, scale)
        return type(self)(quantized_leak(self.current_leak), quantized_leak(self.leak), threshold)

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds."""
        return cls(spread(size, 0.3, 0.8), spread(size, 0.75, 1.0), spread(size, 0.3, 1.0))


@kernel
def _lif_float(
    state: npt.NDArray[np.float32],
    current: npt.NDArray[np.float32],
    fired: npt.NDArray[np.uint16],
    leak: npt.NDArray[np.float32],
    threshold: npt.NDArray[np.float32],
) -> None:
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            before, limit = state[sample, neuron], threshold[neuron]
            fires = before > limit
            value = leak[neuron] * before + current[sample, neuron]
            state[sample, neuron] = value - limit if fires else value
            fired[sample, neuron] = fires


@kernel
def _lif_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    fired: npt.NDArray[np.uint16],
    leak: npt.NDArray[np.int32],
    threshold: npt.NDArray[np.int32],
    limits: tuple[int, int],
) -> int:
    low, high = limits
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            before, limit = state[sample, neuron], np.int64(threshold[neuron])
            fires = before > limit
            value = scaled(leak[neuron], before) + np.int64(current[sample, neuron])
            value -= limit if fires else np.int64(0)
            saturations += int((value < low) | (value > high))
            state[sample, neuron] = saturate(value, low, high)
            fired[sample, neuron] = fires
    return saturations


@kernel
def _cuba_float(
    state: npt.NDArray[np.float32],
    current: npt.NDArray[np.float32],
    fired: npt.NDArray[np.uint16],
    leaks: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    threshold: npt.NDArray[np.float32],
) -> None:
    current_leak, leak = leaks
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            before, limit = state[1, sample, neuron], threshold[neuron]
            fires = before > limit
            before = before - limit if fires else before
            synaptic = current_leak[neuron] * state[0, sample, neuron] + current[sample, neuron]
            state[0, sample, neuron] = synaptic
            state[1, sample, neuron] = leak[neuron] * before + synaptic
            fired[sample, neuron] = fires


@kernel
def _cuba_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    fired: npt.NDArray[np.uint16],
    leaks: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]],
    threshold: npt.NDArray[np.int32],
    limits: tuple[int, int],
) -> int:
    current_leak, leak = leaks
    low, high = limits
    saturations = 0
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            before, limit = np.int64(state[1, sample, neuron]), np.int64(threshold[neuron])
            fires = before > limit
            before -= limit if fires else np.int64(0)
            synaptic = scaled(current_leak[neuron], state[0, sample, neuron]) + np.int64(current[sample, neuron])
            saturations += int((synaptic < low) | (synaptic > high))
            synaptic = saturate(synaptic, low, high)
            value = scaled(leak[neuron], before) + synaptic
            saturations += int((value < low) | (value > high))
            state[0, sample, neuron] = synaptic
            state[1, sample, neuron] = saturate(value, low, high)
            fired[sample, neuron] = fires
    return saturations
