r"""Integrate-and-fire without leak.

.. math::

    v \leftarrow v + I, \qquad s = [v > \theta], \qquad v \leftarrow v - s\theta
    \text{ (subtract) or } v_\mathrm{reset} \text{ where } s = 1 \text{ (value)}

where ``I`` is the accumulated input plus bias and ``theta`` the threshold; the comparison is ``>`` or ``>=``; with the
reset "none" the membrane integrates on. One spike
per timestep; no refractory period and no floor of the membrane. NIR's ``IF`` with ``r = 1`` (Pedersen et al., Nature
Communications 2024); SpikingJelly's ``IFNode`` compares with ``>=``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from accelsim.neurons.firing import FiringModel
from accelsim.neurons.kernels import Rule, add_float, add_integer, integrate_fire_integer
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, Operations, Reset, StateRange
from accelsim.neurons.parameters import bounds


@NEURON_MODELS.register("if")
@dataclass(frozen=True, eq=False)
class IF(FiringModel):
    """Integrate-and-fire neurons.

    Attributes
    ----------
    threshold : (n,) float32 or int32
    reset_to : (n,) float32 or int32
        Membrane after a spike where ``reset`` is "value"; not used by "subtract".
    reset : {"subtract", "value", "none"}
    comparison : {">", ">="}
    starts_at_reset : bool
        Whether a sample begins at ``reset_to``, as in Norse and SpikingJelly, and not at zero.

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic.
    """

    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison
    starts_at_reset: bool = False

    def initial(self) -> Array | None:
        """Return the reset potential where a sample begins there."""
        return self.reset_to[None] if self.starts_at_reset and self.reset_to.any() else None

    @cached_property
    def _rule(self) -> Rule:
        return Rule(self.threshold, self.reset_to, self.reset == "subtract", self.comparison == ">=")

    def operations(self) -> Operations:
        """Return the addition and, where the reset subtracts, the subtraction, and the comparison."""
        return Operations(additions=1 + self.reset_additions, multiplications=0, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        if self.dtype is np.float32:
            add_float(state[-1], current)
            return self.fire(state[-1], fired, limits)
        if self.reset == "none":
            return int(add_integer(state[-1], current, *bounds(limits)) + self.fire(state[-1], fired, limits))
        return int(integrate_fire_integer(state[-1], current, fired, *self._rule, *bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale``."""
        return type(self)(**self.levels(scale), starts_at_reset=self.starts_at_reset)

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different thresholds that are reset to zero at or above them."""
        spread = np.linspace(0.5, 1.5, size, dtype=np.float32)
        return cls(spread, np.zeros(size, dtype=np.float32), "value", ">=")
