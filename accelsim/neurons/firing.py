"""Neurons that compare their membrane with a threshold and reset it: what such models share.

A reset subtracts the threshold, writes a value, or does nothing ("none": the membrane integrates on). One spike per
timestep.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.kernels import Rule, fire_float, fire_integer
from accelsim.neurons.model import Array, Comparison, NeuronModel, Reset, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_rule, quantized_level


class FiringModel(NeuronModel):
    """Base of models with a threshold, a reset and a comparison.

    Attributes
    ----------
    threshold, reset_to : (n,) float32 or int32
        ``reset_to`` is the membrane after a spike where ``reset`` is "value".
    reset : {"subtract", "value", "none"}
    comparison : {">", ">="}
    """

    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        check_arrays(self)
        check_rule(type(self).__name__, self.reset, self.comparison)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    def fire(self, membrane: Array, fired: Array, limits: StateRange | None) -> int:
        """Compare and reset membranes (samples, neurons) in place; return the number of saturations."""
        inclusive = self.comparison == ">="
        if self.reset == "none":
            compare(membrane, fired, self.threshold, inclusive)
            return 0
        rule = Rule(self.threshold, self.reset_to, self.reset == "subtract", inclusive)
        if self.dtype is np.float32:
            fire_float(membrane, fired, rule)
            return 0
        return int(fire_integer(membrane, fired, rule, *bounds(limits)))

    def levels(self, scale: Array) -> dict[str, Any]:
        """Return what this class holds in integer arithmetic, as keyword arguments; see :func:`quantized_level`."""
        name = type(self).__name__
        return {
            "threshold": quantized_level(f"{name}.threshold", self.threshold, scale),
            "reset_to": quantized_level(f"{name}.reset_to", self.reset_to, scale),
            "reset": self.reset,
            "comparison": self.comparison,
        }

    @property
    def reset_additions(self) -> int:
        """Additions of a reset: one where it subtracts."""
        return 1 if self.reset == "subtract" else 0


@kernel
def compare(
    membrane: npt.NDArray[Any], fired: npt.NDArray[np.uint16], threshold: npt.NDArray[Any], inclusive: bool
) -> None:
    """Write into ``fired`` whether each membrane (samples, neurons) reaches its threshold; nothing is reset."""
    for sample in range(membrane.shape[0]):
        for neuron in range(membrane.shape[1]):
            value, limit = membrane[sample, neuron], threshold[neuron]
            fired[sample, neuron] = value >= limit if inclusive else value > limit


def spread(size: int, low: float, high: float) -> npt.NDArray[np.float32]:
    """Return float32 values from ``low`` to ``high``, for examples."""
    return np.linspace(low, high, size, dtype=np.float32)
