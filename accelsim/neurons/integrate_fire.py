r"""Integrate-and-fire without leak.

.. math::

    v \leftarrow v + I, \qquad s = [v > \theta], \qquad v \leftarrow v - s\theta
    \text{ (subtract) or } v_\mathrm{reset} \text{ where } s = 1 \text{ (value)}

where ``I`` is the accumulated input plus bias and ``theta`` the threshold; the comparison is ``>`` or ``>=``. One spike
per timestep; no refractory period and no floor of the membrane. NIR's ``IF`` with ``r = 1`` (Pedersen et al., Nature
Communications 2024); SpikingJelly's ``IFNode`` compares with ``>=``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from accelsim.neurons.kernels import Rule, add_float, fire_float, integrate_fire_integer
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, NeuronModel, Operations, Reset, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_rule, quantized_level


@NEURON_MODELS.register("if")
@dataclass(frozen=True, eq=False)
class IF(NeuronModel):
    """Integrate-and-fire neurons.

    Attributes
    ----------
    threshold : (n,) float32 or int32
    reset_to : (n,) float32 or int32
        Membrane after a spike where ``reset`` is "value"; not used by "subtract".
    reset : {"subtract", "value"}
    comparison : {">", ">="}

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic.
    """

    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        check_arrays(self)
        check_rule("IF", self.reset, self.comparison)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    @cached_property
    def _rule(self) -> Rule:
        return Rule(self.threshold, self.reset_to, self.reset == "subtract", self.comparison == ">=")

    def operations(self) -> Operations:
        """Return the addition and, where the reset subtracts, the subtraction, and the comparison."""
        return Operations(additions=2 if self.reset == "subtract" else 1, multiplications=0, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        rule = self._rule
        if self.dtype is np.float32:
            add_float(state[-1], current)
            fire_float(state[-1], fired, rule)
            return 0
        return int(integrate_fire_integer(state[-1], current, fired, *rule, *bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale``."""
        return type(self)(
            threshold=quantized_level("IF.threshold", self.threshold, scale),
            reset_to=quantized_level("IF.reset_to", self.reset_to, scale),
            reset=self.reset,
            comparison=self.comparison,
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different thresholds that are reset to zero at or above them."""
        spread = np.linspace(0.5, 1.5, size, dtype=np.float32)
        return cls(spread, np.zeros(size, dtype=np.float32), "value", ">=")
