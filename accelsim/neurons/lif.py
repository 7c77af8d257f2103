r"""Leaky integrate-and-fire.

.. math::

    v \leftarrow \lambda v + I, \qquad s = [v > \theta], \qquad v \leftarrow v - s\theta
    \text{ (subtract) or } v_\mathrm{reset} \text{ where } s = 1 \text{ (value)}

where ``I`` is the accumulated input plus bias, ``lambda`` the leak factor of a timestep, ``theta`` the threshold; with
the reset "none" the membrane integrates on. The comparison is ``>`` or ``>=``. One spike per timestep; no refractory
period, no floor of the membrane, no synaptic current. With ``lambda = beta`` and ``v_reset = 0`` this is snnTorch's
``Leaky(reset_mechanism="zero", reset_delay=False)`` (Eshraghian et al., Proc. IEEE 2023); its reset by subtraction is
:class:`~accelsim.neurons.snntorch_leaky.SnnTorchLeaky`. In integers ``lambda`` is a multiple of 2**-12, and ``lambda
v`` is truncated toward zero.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from accelsim.neurons.firing import FiringModel
from accelsim.neurons.kernels import leak_add_float, leak_add_integer
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, Operations, Reset, StateRange
from accelsim.neurons.parameters import bounds, check_leak, quantized_leak


@NEURON_MODELS.register("lif")
@dataclass(frozen=True, eq=False)
class LIF(FiringModel):
    """Leaky integrate-and-fire neurons.

    Attributes
    ----------
    leak : (n,) float32 or int32
        Factor on the membrane per timestep, 0 .. 1; integers are in units of 2**-12.
    threshold : (n,) float32 or int32
    reset_to : (n,) float32 or int32
        Membrane after a spike where ``reset`` is "value"; not used by "subtract".
    reset : {"subtract", "value", "none"}
    comparison : {">", ">="}

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    leak: Array
    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        super().__post_init__()
        check_leak("LIF", self.leak)

    def operations(self) -> Operations:
        """Return the leak's product, the addition, the subtraction of such a reset, and the comparison."""
        return Operations(additions=1 + self.reset_additions, multiplications=1, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        membrane, saturations = state[-1], 0
        if self.dtype is np.float32:
            leak_add_float(membrane, self.leak, current)
        else:
            saturations = leak_add_integer(membrane, self.leak, current, *bounds(limits))
        return int(saturations + self.fire(membrane, fired, limits))

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and the leak in units of 2**-12."""
        return type(self)(leak=quantized_leak(self.leak), **self.levels(scale))

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds that subtract."""
        spread = np.linspace(0.5, 1.5, size, dtype=np.float32)
        leak = np.linspace(0.75, 1.0, size, dtype=np.float32)
        return cls(leak, spread, np.zeros(size, dtype=np.float32), "subtract", ">")
