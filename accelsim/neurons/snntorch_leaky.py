r"""snnTorch's ``Leaky``, as that framework computes it.

.. math::

    r = [v > \theta], \qquad m = \lambda v + I - r\theta, \qquad s = [m > \theta], \qquad
    v \leftarrow m \text{ (delayed reset) or } m - (s - r)\theta \text{ (not delayed)}

where ``I`` is the accumulated input plus bias, ``lambda`` the leak factor ``beta`` and ``theta`` the threshold. The
delayed reset is snnTorch's default. Without delay it differs from the textbook's subtraction
(:class:`~accelsim.neurons.lif.LIF`) where a membrane stays above its threshold after a spike: the pending reset is
subtracted before the comparison and put back after it. A reset to zero is ``m = lambda (1 - r) v + I``, and without
delay ``v = m - (s - r) m``; the recurrent ``RLeaky`` drops the input too: ``m = (1 - r)(lambda v + I)``. "none":
``m = lambda v + I``. Source: snnTorch 1.0.0, ``Leaky.forward``, with and without ``reset_delay`` (Eshraghian et al.,
Proc. IEEE 2023). In integers ``lambda`` is a multiple of 2**-12, ``lambda v`` is truncated toward zero, and ``m`` and
``v`` saturate.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_leak, quantized_level
from accelsim.neurons.snntorch_kernels import RESETS, LeakyRule, leaky_float, leaky_integer


@NEURON_MODELS.register("snntorch_leaky")
@dataclass(frozen=True, eq=False)
class SnnTorchLeaky(NeuronModel):
    """Leaky integrate-and-fire neurons with snnTorch's resets.

    Attributes
    ----------
    leak : (n,) float32 or int32
        Factor on the membrane per timestep, 0 .. 1; integers are in units of 2**-12.
    threshold : (n,) float32 or int32
    reset_delay : bool
        Whether the reset acts one timestep after the spike.
    reset : {"subtract", "zero", "none"}
    clears_input : bool
        Whether a pending reset to zero drops the input of the timestep too (``RLeaky``).

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    leak: Array
    threshold: Array
    reset_delay: bool
    reset: Literal["subtract", "zero", "none"] = "subtract"
    clears_input: bool = False

    def __post_init__(self) -> None:
        check_arrays(self)
        if self.reset not in RESETS:
            raise NetworkError(f"SnnTorchLeaky.reset: expected one of {', '.join(RESETS)}; got {self.reset!r}")
        check_leak("SnnTorchLeaky", self.leak)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    def operations(self) -> Operations:
        """Return the leak's product, addition, subtraction of the threshold, and both comparisons."""
        return Operations(additions=2, multiplications=1, comparisons=2)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        rule = LeakyRule(self.leak, self.threshold, RESETS.index(self.reset), self.reset_delay, self.clears_input)
        if self.dtype is np.float32:
            leaky_float(state[-1], current, fired, rule)
            return 0
        return int(leaky_integer(state[-1], current, fired, rule, bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with the threshold in steps of ``scale`` and the leak in units of 2**-12."""
        threshold = quantized_level("SnnTorchLeaky.threshold", self.threshold, scale)
        return type(self)(
            quantized_leak(self.leak), threshold, self.reset_delay, self.reset, clears_input=self.clears_input
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds, reset without delay."""
        spread = np.linspace(0.5, 1.5, size, dtype=np.float32)
        return cls(np.linspace(0.75, 1.0, size, dtype=np.float32), spread, reset_delay=False)
