r"""Current-based leaky integrate-and-fire: a synaptic current in front of the membrane, in three orders.

.. math::

    \text{filter:}\quad & i \leftarrow i + \epsilon\,((i_0 - i) + w I), & v &\leftarrow v + \eta\,((r i + v_0) - v) \\
    \text{jump:}\quad & j = i + w I, \quad i \leftarrow j - \epsilon j, & v &\leftarrow v + \eta\,((v_0 - v) + r j) \\
    \text{factor:}\quad & i \leftarrow \epsilon i + w I, & v &\leftarrow \eta v + r i

then the comparison and the reset. ``epsilon`` and ``eta`` are timestep over time constant of current and membrane
(filter, jump) or the factors that are kept (factor). NIR's ``CubaLIF`` by the forward Euler method, current first, is
"filter" (Pedersen et al., Nature Communications 2024), also Norse 1.1.0's ``LIBox`` followed by ``LIFBox``; Norse's
``LIFCell`` is "jump"; SpikingJelly 2.0.0's ``CUBALIFNode`` is "factor". Each operation for operation. In integers the
factors are multiples of 2**-12 and every product is truncated toward zero. One spike per timestep.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.arithmetic import quantized_factor
from accelsim.neurons.cuba_kernels import ORDERS, CubaParameters, cuba_float, cuba_integer
from accelsim.neurons.firing import FiringModel, spread
from accelsim.neurons.model import NEURON_MODELS, Array, Comparison, NeuronModel, Operations, Reset, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_level

Order = Literal["filter", "jump", "factor"]


@NEURON_MODELS.register("cuba_lif")
@dataclass(frozen=True, eq=False)
class CubaLIF(FiringModel):
    """Current-based leaky integrate-and-fire neurons.

    Attributes
    ----------
    order : {"filter", "jump", "factor"}
    current_rate, membrane_rate : (n,) float32 or int32
        Timestep over time constant, or the factor that is kept ("factor"), 0 .. 1; integers are in units of 2**-12.
    weight, resistance : (n,) float32 or int32
        Factors on the input and on the current; integers are in units of 2**-12.
    current_rest, rest : (n,) float32 or int32
        What current and membrane decay to; a sample begins there. The first is known to "filter" only; "factor" decays
        to zero, so the second is only where a sample begins.
    threshold, reset_to, reset, comparison
        See :class:`~accelsim.neurons.firing.FiringModel`.

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, out of range, or a rest that the order does not know.
    """

    states: ClassVar[tuple[str, ...]] = ("current", "membrane")
    order: Order
    current_rate: Array
    weight: Array
    current_rest: Array
    membrane_rate: Array
    resistance: Array
    rest: Array
    threshold: Array
    reset_to: Array
    reset: Reset
    comparison: Comparison

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cuba(self)

    def initial(self) -> Array | None:
        """Return the rest of current and membrane."""
        return initial_cuba(self)

    def operations(self) -> Operations:
        """Return the products and sums of both states, and the comparison."""
        return Operations(additions=cuba_additions(self.order) + self.reset_additions, multiplications=4, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        saturations = integrate_cuba(self, state, current, limits)
        return saturations + self.fire(state[-1], fired, limits)

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and factors in units of 2**-12."""
        return type(self)(order=self.order, **quantized_cuba(self, scale), **self.levels(scale))

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different time constants in the order "filter"."""
        one, zero = np.ones(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        rates = spread(size, 0.5, 0.9), one, zero, spread(size, 0.4, 0.8), one, zero
        return cls("filter", *rates, spread(size, 0.1, 0.3), zero, "value", ">")


@NEURON_MODELS.register("cuba_li")
@dataclass(frozen=True, eq=False)
class CubaLI(NeuronModel):
    """Current-based leaky integrators, read at the end of a sample: NIR's ``CubaLI``; see :class:`CubaLIF`."""

    spiking: ClassVar[bool] = False
    states: ClassVar[tuple[str, ...]] = ("current", "membrane")
    order: Order
    current_rate: Array
    weight: Array
    current_rest: Array
    membrane_rate: Array
    resistance: Array
    rest: Array

    def __post_init__(self) -> None:
        check_arrays(self)
        check_cuba(self)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.membrane_rate.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.membrane_rate.dtype.type

    def initial(self) -> Array | None:
        """Return the rest of current and membrane."""
        return initial_cuba(self)

    def operations(self) -> Operations:
        """Return the products and sums of both states."""
        return Operations(additions=cuba_additions(self.order), multiplications=4, comparisons=0)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        fired[...] = 0
        return integrate_cuba(self, state, current, limits)

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and factors in units of 2**-12."""
        return type(self)(order=self.order, **quantized_cuba(self, scale))

    @classmethod
    def example(cls, size: int) -> Self:
        """Return integrators of different time constants in the order "jump"."""
        one, zero = np.ones(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        return cls("jump", spread(size, 0.5, 0.9), one, zero, spread(size, 0.4, 0.8), one, zero)


def check_cuba(model: CubaLIF | CubaLI) -> None:
    """Check order and ranges.

    Raises
    ------
    NetworkError
    """
    name = type(model).__name__
    if model.order not in ORDERS:
        raise NetworkError(f"{name}.order: expected one of {', '.join(ORDERS)}; got {model.order!r}")
    check_leak(name, model.current_rate, "current_rate")
    check_leak(name, model.membrane_rate, "membrane_rate")
    if model.order != "filter" and model.current_rest.any():
        raise NetworkError(f"{name}.current_rest: expected 0 in the order {model.order!r}, which has no such level")


def initial_cuba(model: CubaLIF | CubaLI) -> Array | None:
    """Return (2, neurons) rest levels, or None where all are zero."""
    levels = np.stack([model.current_rest, model.rest])
    return levels if levels.any() else None


def cuba_additions(order: Order) -> int:
    """Return the additions of one update of both states."""
    return {"filter": 6, "jump": 5, "factor": 2}[order]


def integrate_cuba(model: CubaLIF | CubaLI, state: Array, current: Array, limits: StateRange | None) -> int:
    """Advance current and membrane in place; return the number of saturations."""
    given = CubaParameters(
        model.current_rate, model.weight, model.current_rest, model.membrane_rate, model.resistance, model.rest
    )
    order = ORDERS.index(model.order)
    if model.dtype is np.float32:
        cuba_float(state, current, given, order)
        return 0
    return int(cuba_integer(state, current, given, order, bounds(limits)))


def quantized_cuba(model: CubaLIF | CubaLI, scale: Array) -> dict[str, Any]:
    """Return the six arrays of a model in integer arithmetic, by name."""
    name = type(model).__name__
    levels = {"current_rest", "rest"}
    keys = ("current_rate", "weight", "current_rest", "membrane_rate", "resistance", "rest")
    return {
        key: quantized_level(f"{name}.{key}", getattr(model, key), scale)
        if key in levels
        else quantized_factor(f"{name}.{key}", getattr(model, key))
        for key in keys
    }
