r"""Non-spiking readouts: a leaky and a plain integrator, read at the end of a sample.

.. math:: v \leftarrow \lambda v + I \quad (\text{leaky}), \qquad v \leftarrow v + I

where ``I`` is the accumulated input plus bias and ``lambda`` the leak factor of one timestep; NIR's ``LI`` and ``I``.
In integers ``lambda`` is a multiple of 2**-12, ``lambda v`` is truncated toward zero, and the sum saturates.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.kernels import add_float, add_integer, leak_add_float, leak_add_integer
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_leak


@NEURON_MODELS.register("li")
@dataclass(frozen=True, eq=False)
class LeakyIntegrator(NeuronModel):
    """Leaky integrators.

    Attributes
    ----------
    leak : (n,) float32 or int32
        Factor on the membrane per timestep, 0 .. 1; integers are in units of 2**-12.

    Raises
    ------
    NetworkError
        If a factor is out of range.
    """

    spiking: ClassVar[bool] = False
    leak: Array

    def __post_init__(self) -> None:
        check_arrays(self)
        check_leak("LeakyIntegrator", self.leak)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.leak.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the leak."""
        return self.leak.dtype.type

    def operations(self) -> Operations:
        """Return one product (leak) and one addition."""
        return Operations(additions=1, multiplications=1, comparisons=0)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        fired[...] = 0
        if self.dtype is np.float32:
            leak_add_float(state[-1], self.leak, current)
            return 0
        return int(leak_add_integer(state[-1], self.leak, current, *bounds(limits)))

    def quantized(self, scale: Array) -> Self:  # noqa: ARG002 - a readout has no level to convert
        """Return the model with the leak in units of 2**-12."""
        if self.dtype is not np.float32:
            raise NetworkError("LeakyIntegrator: the model is in integer arithmetic already")
        return type(self)(quantized_leak(self.leak))

    @classmethod
    def example(cls, size: int) -> Self:
        """Return integrators of different leaks."""
        return cls(np.linspace(0.75, 1.0, size, dtype=np.float32))


@NEURON_MODELS.register("i")
@dataclass(frozen=True, eq=False)
class Integrator(NeuronModel):
    """Plain integrators.

    Attributes
    ----------
    neurons : int
    arithmetic : numpy.int32 or numpy.float32

    Raises
    ------
    NetworkError
        On fewer than one neuron or another arithmetic.
    """

    spiking: ClassVar[bool] = False
    neurons: int
    arithmetic: type[np.generic]

    def __post_init__(self) -> None:
        if self.neurons < 1:
            raise NetworkError(f"Integrator.neurons: expected at least 1, got {self.neurons}")
        if self.arithmetic not in (np.int32, np.float32):
            raise NetworkError(f"Integrator.arithmetic: expected numpy.int32 or numpy.float32, got {self.arithmetic!r}")

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.neurons

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic as given."""
        return self.arithmetic

    def operations(self) -> Operations:
        """Return one addition."""
        return Operations(additions=1, multiplications=0, comparisons=0)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        fired[...] = 0
        if self.arithmetic is np.float32:
            add_float(state[-1], current)
            return 0
        return int(add_integer(state[-1], current, *bounds(limits)))

    def quantized(self, scale: Array) -> Self:  # noqa: ARG002 - a readout has no level to convert
        """Return the model in integer arithmetic."""
        if self.arithmetic is not np.float32:
            raise NetworkError("Integrator: the model is in integer arithmetic already")
        return type(self)(self.neurons, np.int32)

    @classmethod
    def example(cls, size: int) -> Self:
        """Return float32 integrators."""
        return cls(size, np.float32)
