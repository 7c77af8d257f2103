r"""Leaky integrate-and-fire by the forward Euler method, with the input inside the difference.

.. math::

    v \leftarrow v + \eta\,((r I + v_\mathrm{rest}) - v), \qquad s = [v > \theta], \qquad v \leftarrow v_\mathrm{reset}
    \text{ where } s = 1 \text{ (value)},\; v - s\theta \text{ (subtract)},\; v \text{ (none)}

where ``eta`` is the timestep over the time constant of the membrane and ``r`` a resistance. Norse 1.1.0's ``LIFBox``
(``r = 1``), operation for operation; its membrane starts at ``v_rest``. The same equation with the product of the
leak taken first is :class:`~accelsim.neurons.lif.LIF`. In integers ``eta`` and ``r`` are multiples of 2**-12 and both
products are truncated toward zero. One spike per timestep; no refractory period.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.arithmetic import quantized_factor, scaled
from accelsim.neurons.firing import FiringModel, spread
from accelsim.neurons.kernels import saturate
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, Operations, Reset, StateRange
from accelsim.neurons.parameters import bounds, check_leak, quantized_level


@NEURON_MODELS.register("euler_lif")
@dataclass(frozen=True, eq=False)
class EulerLIF(FiringModel):
    """Leaky integrate-and-fire neurons, forward Euler.

    Attributes
    ----------
    share : (n,) float32 or int32
        Timestep over time constant, 0 .. 1; integers are in units of 2**-12.
    resistance : (n,) float32 or int32
        Factor on the input; integers are in units of 2**-12.
    rest : (n,) float32 or int32
        Membrane that the leak leads to, and at which a sample begins.
    threshold, reset_to, reset, comparison
        See :class:`~accelsim.neurons.firing.FiringModel`.

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    share: Array
    resistance: Array
    rest: Array
    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        super().__post_init__()
        check_leak("EulerLIF", self.share, "share")

    def initial(self) -> Array | None:
        """Return the rest potential."""
        return self.rest[None] if self.rest.any() else None

    def operations(self) -> Operations:
        """Return two products (share, resistance), the three sums of the difference, and the comparison."""
        return Operations(additions=3 + self.reset_additions, multiplications=2, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        saturations = 0
        if self.dtype is np.float32:
            euler_float(state[-1], current, self.share, self.resistance, self.rest)
        else:
            saturations = euler_integer(state[-1], current, self.share, self.resistance, self.rest, bounds(limits))
        return int(saturations + self.fire(state[-1], fired, limits))

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and factors in units of 2**-12."""
        return type(self)(
            share=quantized_factor("EulerLIF.share", self.share),
            resistance=quantized_factor("EulerLIF.resistance", self.resistance),
            rest=quantized_level("EulerLIF.rest", self.rest, scale),
            **self.levels(scale),
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different time constants and rest potentials that are reset to zero."""
        one, zero = np.ones(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        return cls(spread(size, 0.3, 0.9), one, zero, spread(size, 0.2, 0.5), zero, "value", ">")


@kernel
def euler_float(
    membrane: npt.NDArray[np.float32],
    current: npt.NDArray[np.float32],
    share: npt.NDArray[np.float32],
    resistance: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
) -> None:
    """Compute ``v = v + share * ((resistance * I + rest) - v)`` in float32; (samples, neurons) and (neurons,)."""
    for sample in range(membrane.shape[0]):
        for neuron in range(membrane.shape[1]):
            before = membrane[sample, neuron]
            difference = (resistance[neuron] * current[sample, neuron] + rest[neuron]) - before
            membrane[sample, neuron] = before + share[neuron] * difference


@kernel
def euler_integer(
    membrane: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    share: npt.NDArray[np.int32],
    resistance: npt.NDArray[np.int32],
    rest: npt.NDArray[np.int32],
    limits: tuple[int, int],
) -> int:
    """Do :func:`euler_float` in integers, saturated, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(membrane.shape[0]):
        for neuron in range(membrane.shape[1]):
            before = np.int64(membrane[sample, neuron])
            difference = scaled(resistance[neuron], current[sample, neuron]) + np.int64(rest[neuron]) - before
            value = before + scaled(share[neuron], difference)
            saturations += int((value < low) | (value > high))
            membrane[sample, neuron] = saturate(value, low, high)
    return saturations
