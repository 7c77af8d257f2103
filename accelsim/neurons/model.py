"""What a neuron model is.

A model is a frozen dataclass of parameters, one value per neuron of its population (or one for all), and a pure step
over a batch. Order within a timestep, for every model: leak, add the accumulated input and the bias, saturate, compare,
reset, saturate. The comparison is strict (``>``) or not (``>=``), the reset subtracts the threshold or writes a value;
both are stated, never assumed. States are zero when a sample begins, unless the model says otherwise (``initial``).
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

MOST_SPIKES = (1 << 16) - 1
"""Most spikes that a neuron can send in one timestep: what uint16 holds."""

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
    """False: a readout, whose membrane is read at the end of a sample."""

    states: ClassVar[tuple[str, ...]] = ("membrane",)
    """Names of a neuron's state variables, as they are stored; the membrane is the last. None for a neuron that
    remembers nothing."""

    @property
    def most_spikes(self) -> int | None:
        """Most spikes of a neuron in one timestep; None: as many as MOST_SPIKES."""
        return 1

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
        state : (states, samples, neurons) int32 or float32
            In the order of ``states``, the membrane last; overwritten.
        current : (samples, neurons) int32 or float32
            Accumulated input plus bias of this timestep.
        fired : (samples, neurons) uint16
            Overwritten with the number of spikes of every neuron: 0 or 1, or up to ``most_spikes``.
        limits : StateRange or None
            Saturation of every integer state (None: the range of int32); not used in float32.

        Returns
        -------
        int
            Saturations, counted after the addition and after the reset; 0 in float32.
        """

    def step_touched(
        self, state: Array, current: Array, fired: Array, limits: StateRange | None, touched: npt.NDArray[np.uint8]
    ) -> int:
        """Advance a batch by one timestep, as :meth:`step`, knowing which neurons were reached.

        For models to which a weight sum of zero is not the same as no input; all others ignore it.

        Parameters
        ----------
        touched : (samples, neurons) uint8
            1 where a weight reached the neuron in this timestep, or a constant current does in all.
        """
        del touched
        return self.step(state, current, fired, limits)

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

    def initial(self) -> Array | None:
        """Return the states when a sample begins, (states, neurons); None: all are zero."""
        return None

    def quiet(self) -> bool:
        """Tell whether a neuron with zero state and zero current stays so (and may be skipped by ``scan: touched``)."""
        state = np.zeros((len(self.states), 1, self.size), dtype=self.dtype)
        fired = np.zeros((1, self.size), dtype=np.uint16)
        self.step(state, np.zeros(fired.shape, dtype=self.dtype), fired, None)
        return not state.any() and not fired.any()

    @property
    @abstractmethod
    def dtype(self) -> type[np.generic]:
        """``numpy.int32`` or ``numpy.float32``: the arithmetic of this instance."""
