r"""Leaky integrate-and-fire with a refractory period.

.. math::

    v \leftarrow \lambda v + I, \qquad s = [v > \theta], \qquad v \leftarrow v_\mathrm{reset} \text{ or } v - \theta
    \text{ where } s = 1

as :class:`~accelsim.neurons.lif.LIF`, but for ``period`` timesteps after a spike the membrane is held: it neither leaks
nor takes input, and the neuron is silent. A period of 0 is the neuron without one. The counter is a state of its own.
In integers ``lambda`` is a multiple of 2**-12, ``lambda v`` is truncated toward zero, and the sum saturates.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.kernels import kernel
from accelsim.neurons.firing import FiringModel, spread
from accelsim.neurons.kernels import leak_add_float, leak_add_integer
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, Operations, Reset, StateRange
from accelsim.neurons.parameters import bounds, check_leak, quantized_leak


@NEURON_MODELS.register("refractory_lif")
@dataclass(frozen=True, eq=False)
class RefractoryLIF(FiringModel):
    """Leaky integrate-and-fire neurons with a refractory period.

    Attributes
    ----------
    leak : (n,) float32 or int32
        Factor on the membrane per timestep, 0 .. 1; integers are in units of 2**-12.
    period : (n,) float32 or int32
        Whole timesteps of silence after a spike, 0 .. 127: the counter is kept beside the membrane.
    threshold, reset_to, reset, comparison
        See :class:`~accelsim.neurons.firing.FiringModel`.

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    states: ClassVar[tuple[str, ...]] = ("refractory", "membrane")
    leak: Array
    period: Array
    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        super().__post_init__()
        check_leak("RefractoryLIF", self.leak)
        wrong = (self.period < 0) | (self.period > 127) | (self.period != np.rint(self.period))
        if wrong.any():
            raise NetworkError(
                f"RefractoryLIF.period: expected whole timesteps, 0..127, got {self.period[wrong][0]}"
            )

    def operations(self) -> Operations:
        """Return the leak's product, the addition and that of the counter, and both comparisons."""
        return Operations(additions=2 + self.reset_additions, multiplications=1, comparisons=2)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        held = state[-1].copy()
        saturations = 0
        if self.dtype is np.float32:
            leak_add_float(state[-1], self.leak, current)
        else:
            saturations = leak_add_integer(state[-1], self.leak, current, *bounds(limits))
        saturations += self.fire(state[-1], fired, limits)
        _hold(state, held, fired, self.period)
        return int(saturations)

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and the leak in units of 2**-12."""
        levels = self.levels(scale)
        return type(self)(leak=quantized_leak(self.leak), period=self.period.astype(np.int32), **levels)

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks, thresholds and periods, reset to zero."""
        zero = np.zeros(size, dtype=np.float32)
        period = (np.arange(size) % 4).astype(np.float32)
        return cls(spread(size, 0.75, 1.0), period, spread(size, 0.3, 1.0), zero, "value", ">")


@kernel
def _hold(
    state: npt.NDArray[Any], held: npt.NDArray[Any], fired: npt.NDArray[np.uint16], period: npt.NDArray[Any]
) -> None:
    """Take back what refractory neurons did, and count their timesteps."""
    for sample in range(held.shape[0]):
        for neuron in range(held.shape[1]):
            if state[0, sample, neuron] > 0:
                state[0, sample, neuron] -= 1
                state[1, sample, neuron] = held[sample, neuron]
                fired[sample, neuron] = 0
            elif fired[sample, neuron]:
                state[0, sample, neuron] = period[neuron]
