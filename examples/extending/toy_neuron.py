r"""A neuron with a linear leak: the membrane moves towards zero by a constant, and needs no multiplier.

.. math::

    v \leftarrow \mathrm{sign}(v) \max(|v| - \lambda, 0) + I, \qquad s = [v \ge \theta], \qquad v \leftarrow v - s\theta
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from accelsim.neurons.kernels import Rule, add_float, add_integer, fire_float, fire_integer
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, quantized_level


@NEURON_MODELS.register("linear_leak")
@dataclass(frozen=True, eq=False)
class LinearLeak(NeuronModel):
    """Neurons with a linear leak and reset by subtraction; ``leak`` and ``threshold`` are (n,) float32 or int32."""

    leak: Array
    threshold: Array

    def __post_init__(self) -> None:
        check_arrays(self)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    def operations(self) -> Operations:
        """Return the leak, the input and the reset as additions; the leak stops at zero with a second comparison."""
        return Operations(additions=3, multiplications=0, comparisons=2)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        rule = Rule(self.threshold, np.zeros_like(self.threshold), subtract=True, inclusive=True)
        membrane = state[-1]
        if self.dtype is np.float32:
            membrane[...] = np.copysign(np.maximum(np.abs(membrane) - self.leak, np.float32(0)), membrane)
            add_float(membrane, current)
            fire_float(membrane, fired, rule)
            return 0
        wide = membrane.astype(np.int64)  # the magnitude of the lowest int32 needs 33 bits
        membrane[...] = np.sign(wide) * np.maximum(np.abs(wide) - self.leak, 0)
        low, high = bounds(limits)
        saturations = add_integer(membrane, current, low, high)
        return int(saturations + fire_integer(membrane, fired, rule, low, high))

    def quantized(self, scale: Array) -> Self:
        """Return the model with leak and threshold in steps of ``scale``."""
        return type(self)(
            quantized_level("LinearLeak.leak", self.leak, scale),
            quantized_level("LinearLeak.threshold", self.threshold, scale),
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds."""
        return cls(np.linspace(0.0, 0.25, size, dtype=np.float32), np.linspace(0.5, 1.5, size, dtype=np.float32))
