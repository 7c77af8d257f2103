"""What a neuron model is.

A model is a frozen dataclass of parameters, one value per neuron of its population (or one for all), and a pure step
over a batch. Order within a timestep, for every model: leak, add the accumulated input and the bias, saturate, compare,
reset, saturate. The comparison is strict (``>``) or not (``>=``), the reset subtracts the threshold or writes a value;
both are stated, never assumed.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from accelsim.registry import Registry

Array = npt.NDArray[Any]
Reset = Literal["subtract", "value", "none"]
Comparison = Literal[">", ">="]

NEURON_MODELS: Registry[type["NeuronModel"]] = Registry("neuron model", "accelsim.neurons")

LEAK_FRACTION_BITS = 12
"""Integer leak factors are multiples of 2**-12."""


@dataclass(frozen=True)
class Operations:
    """Arithmetic of one neuron update, for the cost model."""

    additions: int
    multiplications: int
    comparisons: int


@dataclass(frozen=True)
class StateRange:
    """Bounds that the state saturates at; ``None`` in float32."""

    low: int
    high: int

    @classmethod
    def of_bits(cls, bits: int) -> Self:
        """Return the range of a two's complement integer of ``bits``."""
        return cls(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


class NeuronModel(ABC):
    """Base of all neuron models."""

    spiking: ClassVar[bool] = True
    """False: a readout, whose state is read at the end of a sample."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of neurons that the parameters describe."""

    @abstractmethod
    def operations(self) -> Operations:
        """Return the arithmetic of one update."""

    @abstractmethod
    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep, in place, and return how many states saturated.

        Parameters
        ----------
        state : (samples, neurons) int32 or float32
            Membranes, overwritten.
        current : (samples, neurons) int32 or float32
            Accumulated input plus bias of this timestep.
        fired : (samples, neurons) uint8
            Overwritten with 1 where a neuron spikes.
        limits : StateRange or None
            Saturation of an integer state (None: the range of int32); not used in float32.

        Returns
        -------
        int
            Saturations, counted after the addition and after the reset; 0 in float32.
        """

    @abstractmethod
    def quantized(self, scale: Array) -> Self:
        """Return the model in integer arithmetic.

        Parameters
        ----------
        scale : (neurons,) float64
            Real value of one integer step of the neuron's accumulated input.
        """

    @classmethod
    @abstractmethod
    def example(cls, size: int) -> Self:
        """Return a float32 instance for contract tests."""

    def quiet(self) -> bool:
        """Tell whether a neuron with zero state and zero current stays so (and may be skipped by ``scan: touched``)."""
        state = np.zeros((1, self.size), dtype=self.dtype)
        fired = np.zeros((1, self.size), dtype=np.uint8)
        self.step(state, np.zeros_like(state), fired, None)
        return not state.any() and not fired.any()

    @property
    @abstractmethod
    def dtype(self) -> type[np.generic]:
        """``numpy.int32`` or ``numpy.float32``: the arithmetic of this instance."""
