r"""Neurons that send several spikes in a timestep, with an optional floor of the membrane, as sinabs computes them.

.. math::

    v \leftarrow \alpha v + g I, \qquad n = \lfloor v / \theta \rfloor \text{ where } v > 0, \qquad
    v \leftarrow v - n\theta, \qquad v \leftarrow \max(v, v_\mathrm{min})

``alpha`` is the leak factor of a timestep (1: ``IAF``), ``g`` the gain of the input (``1 - alpha``: ``norm_input``).
With one spike at most, ``n = [v >= theta]`` (``SingleSpike``). A reset to a value writes it in place of the subtraction
(``MembraneReset``). Behind a synapse the input is ``i = beta (i + I)``. Sources: sinabs 3.1.3 ``lif_forward_single``,
``MultiSpike``, ``SingleSpike``, floor as ``relu(v - v_min) + v_min``; Rockpool 3.1.0 ``LIFNeuronTorch``, ``LIFTorch``
are the same without floor (``g = 1``). Each operation for operation in float32. In integers ``alpha``, ``beta`` and
``g`` are multiples of 2**-12 and products are truncated toward zero.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.arithmetic import quantized_factor
from accelsim.neurons.firing import spread
from accelsim.neurons.model import MOST_SPIKES, NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.multi_spike_kernels import (
    SpikeRule,
    fire_multi_float,
    fire_multi_integer,
    integrate_float,
    integrate_integer,
    synapse_float,
    synapse_integer,
)
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_level


class _MultiSpike(NeuronModel):
    """What both models share."""

    leak: Array
    gain: Array
    threshold: Array
    reset_to: Array
    floor: Array | None
    reset: Literal["subtract", "value"]
    spike_mode: Literal["single", "multi"]

    def __post_init__(self) -> None:
        name = type(self).__name__
        check_arrays(self)
        check_leak(name, self.leak)
        if self.reset not in {"subtract", "value"}:
            raise NetworkError(f"{name}.reset: expected one of subtract, value; got {self.reset!r}")
        if self.spike_mode not in {"single", "multi"}:
            raise NetworkError(f"{name}.spike_mode: expected one of single, multi; got {self.spike_mode!r}")
        if (self.threshold <= 0).any():
            raise NetworkError(f"{name}.threshold: expected more than 0, got {self.threshold.min()}")

    @property
    def most_spikes(self) -> int | None:
        """One in the mode "single", else as many as fit."""
        return 1 if self.spike_mode == "single" else None

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.threshold.dtype.type

    def operations(self) -> Operations:
        """Return the products of leak, gain and synapse, the sums, and the comparisons with threshold and floor."""
        synapse = len(self.states) - 1
        multiplications = 2 + synapse + (1 if self.spike_mode == "multi" else 0)
        return Operations(2 + synapse, multiplications, 1 if self.floor is None else 2)

    def integrate_and_fire(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance membranes (samples, neurons) by the current, and fire; return the number of saturations."""
        floored = self.floor is not None
        floor = self.reset_to if self.floor is None else self.floor
        most = 1 if self.spike_mode == "single" else MOST_SPIKES
        rule = SpikeRule(self.threshold, self.reset_to, floor, most, self.reset == "subtract", floored)
        if self.dtype is np.float32:
            integrate_float(state, current, self.leak, self.gain)
            fire_multi_float(state, fired, rule)
            return 0
        saturations = integrate_integer(state, current, self.leak, self.gain, bounds(limits))
        return int(saturations + fire_multi_integer(state, fired, rule, bounds(limits)))

    def in_integers(self, scale: Array) -> dict[str, Any]:
        """Return what this class holds in integer arithmetic, as keyword arguments."""
        name = type(self).__name__
        return {
            "leak": quantized_factor(f"{name}.leak", self.leak),
            "gain": quantized_factor(f"{name}.gain", self.gain),
            "threshold": quantized_level(f"{name}.threshold", self.threshold, scale),
            "reset_to": quantized_level(f"{name}.reset_to", self.reset_to, scale),
            "floor": None if self.floor is None else quantized_level(f"{name}.floor", self.floor, scale),
            "reset": self.reset,
            "spike_mode": self.spike_mode,
        }


@NEURON_MODELS.register("multi_spike_lif")
@dataclass(frozen=True, eq=False)
class MultiSpikeLIF(_MultiSpike):
    """(Leaky) integrate-and-fire neurons of sinabs.

    Attributes
    ----------
    leak, gain : (n,) float32 or int32
        Factors on membrane and input; integers are in units of 2**-12.
    threshold, reset_to : (n,) float32 or int32
        ``reset_to`` is the membrane after a spike where ``reset`` is "value".
    floor : (n,) float32 or int32, or None
        Lowest membrane.
    reset : {"subtract", "value"}
    spike_mode : {"single", "multi"}

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    leak: Array
    gain: Array
    threshold: Array
    reset_to: Array
    floor: Array | None
    reset: Literal["subtract", "value"]
    spike_mode: Literal["single", "multi"]

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        return self.integrate_and_fire(state[-1], current, fired, limits)

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and factors in units of 2**-12."""
        return type(self)(**self.in_integers(scale))

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds with a floor."""
        one, zero = np.ones(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        return cls(spread(size, 0.75, 1.0), one, spread(size, 0.25, 0.625), zero, -one, "subtract", "multi")


@NEURON_MODELS.register("multi_spike_cuba_lif")
@dataclass(frozen=True, eq=False)
class MultiSpikeCubaLIF(_MultiSpike):
    """The same behind a synaptic current; ``current_leak`` is its factor, the rest as :class:`MultiSpikeLIF`."""

    states: ClassVar[tuple[str, ...]] = ("current", "membrane")
    current_leak: Array
    leak: Array
    gain: Array
    threshold: Array
    reset_to: Array
    floor: Array | None
    reset: Literal["subtract", "value"]
    spike_mode: Literal["single", "multi"]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_leak("MultiSpikeCubaLIF", self.current_leak, "current_leak")

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        saturations = 0
        if self.dtype is np.float32:
            synapse_float(state[0], current, self.current_leak)
        else:
            saturations = synapse_integer(state[0], current, self.current_leak, bounds(limits))
        return int(saturations + self.integrate_and_fire(state[-1], state[0], fired, limits))

    def quantized(self, scale: Array) -> Self:
        """Return the model with levels in steps of ``scale`` and factors in units of 2**-12."""
        current_leak = quantized_factor("MultiSpikeCubaLIF.current_leak", self.current_leak)
        return type(self)(current_leak=current_leak, **self.in_integers(scale))

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different leaks and thresholds without a floor."""
        one, zero = np.ones(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        leaks = np.float32(0.75) * one, spread(size, 0.75, 1.0)
        return cls(*leaks, one, spread(size, 0.25, 0.625), zero, None, "subtract", "multi")
