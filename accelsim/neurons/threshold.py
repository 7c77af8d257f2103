r"""A neuron that remembers nothing: it fires where the input of the timestep passes the threshold.

.. math:: s = [I > \theta] \text{ or } [I \ge \theta]

NIR's ``Threshold``. Behind unit weights, with a threshold between 0 and 1, it is the OR of its sources: max pooling of
spikes. No membrane, no reset. In integers the threshold is rounded so that the comparison of whole inputs is the same.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from accelsim.neurons.firing import compare, spread
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import check_arrays, check_rule, quantized_level


@NEURON_MODELS.register("threshold")
@dataclass(frozen=True, eq=False)
class Threshold(NeuronModel):
    """Stateless threshold neurons.

    Attributes
    ----------
    threshold : (n,) float32 or int32
    comparison : {">", ">="}

    Raises
    ------
    NetworkError
        On a threshold that is no finite number, or an unknown comparison.
    """

    states: ClassVar[tuple[str, ...]] = ()
    threshold: Array
    comparison: Comparison

    def __post_init__(self) -> None:
        check_arrays(self)
        check_rule("Threshold", "none", self.comparison)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the threshold."""
        return self.threshold.dtype.type

    def operations(self) -> Operations:
        """Return the comparison."""
        return Operations(additions=0, multiplications=0, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:  # noqa: ARG002
        """Compare; see :meth:`NeuronModel.step`."""
        compare(current, fired, self.threshold, self.comparison == ">=")
        return 0

    def quantized(self, scale: Array) -> Self:
        """Return the model with the threshold in steps of ``scale``."""
        nearest = quantized_level("Threshold.threshold", self.threshold, scale)
        steps = self.threshold.astype(np.float64) / scale
        # A threshold between two whole numbers: the one below decides ">", the one above ">=".
        between = np.abs(steps - nearest) > 1e-6 * np.maximum(np.abs(steps), 1.0)
        rounded = np.floor(steps) if self.comparison == ">" else np.ceil(steps)
        return type(self)(np.where(between, rounded, nearest).astype(np.int32), self.comparison)

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different thresholds."""
        return cls(spread(size, 0.5, 1.5), ">")
