r"""SpikingJelly's ``LIFNode``, as that framework computes it.

.. math::

    h = v + (I - (v - v_0)) / \tau \text{ (decay\_input)}, \qquad h = (v - (v - v_0) / \tau) + I, \qquad
    s = [h \ge \theta]

and then ``v = v_reset`` where it spikes (hard reset; ``v_0 = v_reset``, at which a sample begins) or ``h - theta``
(soft reset; ``v_0 = 0``). Source: SpikingJelly 2.0.0, ``lif.reference.charge`` and ``BaseNode``. In integers the
division is a product with ``1 / tau`` as a multiple of 2**-12, truncated toward zero. One spike per timestep.
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


@NEURON_MODELS.register("spikingjelly_lif")
@dataclass(frozen=True, eq=False)
class SpikingJellyLIF(FiringModel):
    """Leaky integrate-and-fire neurons of SpikingJelly.

    Attributes
    ----------
    tau : (n,) float32 or int32
        Time constant in timesteps, at least 1; in integers 1 / tau in units of 2**-12.
    rest : (n,) float32 or int32
        Membrane that the leak leads to, and at which a sample begins.
    decay_input : bool
        Whether the input is divided by ``tau`` as well.
    threshold, reset_to, reset, comparison
        See :class:`~accelsim.neurons.firing.FiringModel`.

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    tau: Array
    rest: Array
    decay_input: bool
    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        super().__post_init__()
        integer = np.issubdtype(self.tau.dtype, np.integer)
        share = self.tau if integer else np.reciprocal(np.maximum(self.tau, np.float32(1e-30)))
        check_leak("SpikingJellyLIF", share, "1/tau")

    def initial(self) -> Array | None:
        """Return the rest potential."""
        return self.rest[None] if self.rest.any() else None

    def operations(self) -> Operations:
        """Return the quotient, the three sums, and the comparison."""
        return Operations(additions=3 + self.reset_additions, multiplications=1, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        saturations = 0
        if self.dtype is np.float32:
            _charge_float(state[-1], current, self.tau, self.rest, self.decay_input)
        else:
            saturations = _charge_integer(state[-1], current, self.tau, self.rest, self.decay_input, bounds(limits))
        return int(saturations + self.fire(state[-1], fired, limits))

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and 1 / tau in units of 2**-12."""
        levels = self.levels(scale)
        return type(self)(
            tau=quantized_factor("SpikingJellyLIF.tau", np.reciprocal(self.tau)),
            rest=quantized_level("SpikingJellyLIF.rest", self.rest, scale),
            decay_input=self.decay_input,
            **levels,
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different time constants, reset to zero, whose input decays."""
        zero = np.zeros(size, dtype=np.float32)
        return cls(spread(size, 1.5, 4.0), zero, True, spread(size, 0.2, 0.5), zero, "value", ">=")


@kernel
def _charge_float(
    membrane: npt.NDArray[np.float32],
    current: npt.NDArray[np.float32],
    tau: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
    decay_input: bool,
) -> None:
    for sample in range(membrane.shape[0]):
        for neuron in range(membrane.shape[1]):
            before, value = membrane[sample, neuron], current[sample, neuron]
            above = before - rest[neuron]
            if decay_input:
                membrane[sample, neuron] = before + (value - above) / tau[neuron]
            else:
                membrane[sample, neuron] = before - above / tau[neuron] + value


@kernel
def _charge_integer(
    membrane: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    share: npt.NDArray[np.int32],
    rest: npt.NDArray[np.int32],
    decay_input: bool,
    limits: tuple[int, int],
) -> int:
    low, high = limits
    saturations = 0
    for sample in range(membrane.shape[0]):
        for neuron in range(membrane.shape[1]):
            before, added = np.int64(membrane[sample, neuron]), np.int64(current[sample, neuron])
            above = before - np.int64(rest[neuron])
            if decay_input:
                value = before + scaled(share[neuron], added - above)
            else:
                value = before - scaled(share[neuron], above) + added
            saturations += int((value < low) | (value > high))
            membrane[sample, neuron] = saturate(value, low, high)
    return saturations
