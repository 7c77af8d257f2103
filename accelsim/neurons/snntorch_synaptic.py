r"""snnTorch's ``Synaptic``: a leaky integrate-and-fire neuron behind a synaptic current, as that framework computes it.

.. math::

    i \leftarrow \alpha i + I, \qquad r = [v > \theta], \qquad m = \beta v + i - r\theta, \qquad s = [m > \theta],
    \qquad v \leftarrow m \text{ (delayed reset) or } m - (s - r)\theta \text{ (not delayed)}

A reset to zero is ``m = (1 - r)(beta v + i)``, and without delay ``v = m - (s - r) m``; "none" leaves the membrane.
Source: snnTorch 1.0.0, ``Synaptic.forward``; ``RSynaptic`` adds a recurrent projection that is one timestep late. In
integers ``alpha`` and ``beta`` are multiples of 2**-12, products are truncated toward zero, and ``i``, ``m`` and ``v``
saturate.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.firing import spread
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_leak, quantized_level
from accelsim.neurons.snntorch_kernels import RESETS, SynapticRule, synaptic_float, synaptic_integer


@NEURON_MODELS.register("snntorch_synaptic")
@dataclass(frozen=True, eq=False)
class SnnTorchSynaptic(NeuronModel):
    """Current-based neurons with snnTorch's resets.

    Attributes
    ----------
    current_leak, leak : (n,) float32 or int32
        Factors on current and membrane per timestep, 0 .. 1; integers are in units of 2**-12.
    threshold : (n,) float32 or int32
    reset_delay : bool
        Whether the reset acts one timestep after the spike.
    reset : {"subtract", "zero", "none"}

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    states: ClassVar[tuple[str, ...]] = ("current", "membrane")
    current_leak: Array
    leak: Array
    threshold: Array
    reset_delay: bool
    reset: Literal["subtract", "zero", "none"] = "subtract"

    def __post_init__(self) -> None:
        check_arrays(self)
        check_leak("SnnTorchSynaptic", self.current_leak, "current_leak")
        check_leak("SnnTorchSynaptic", self.leak)
        if self.reset not in RESETS:
            raise NetworkError(f"SnnTorchSynaptic.reset: expected one of {', '.join(RESETS)}; got {self.reset!r}")

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    def operations(self) -> Operations:
        """Return both leaks, both sums, the subtraction of the threshold, and both comparisons."""
        return Operations(additions=3, multiplications=2, comparisons=2)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        kind = RESETS.index(self.reset)
        rule = SynapticRule(self.current_leak, self.leak, self.threshold, kind, self.reset_delay)
        if self.dtype is np.float32:
            synaptic_float(state, current, fired, rule)
            return 0
        return int(synaptic_integer(state, current, fired, rule, bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with the threshold in steps of ``scale`` and the leaks in units of 2**-12."""
        threshold = quantized_level("SnnTorchSynaptic.threshold", self.threshold, scale)
        return type(self)(
            quantized_leak(self.current_leak), quantized_leak(self.leak), threshold, self.reset_delay, self.reset
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds, whose reset is late."""
        return cls(spread(size, 0.3, 0.8), spread(size, 0.75, 1.0), spread(size, 0.5, 1.5), reset_delay=True)
