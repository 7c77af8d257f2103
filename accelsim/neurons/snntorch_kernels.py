"""Kernels of snnTorch's neurons: one pass, since the comparison needs the membrane before the leak.

Rounding, truncation and saturation are those of :mod:`accelsim.neurons.kernels`. The kinds of reset are those of
:data:`RESETS`, by their place.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, kernel
from accelsim.neurons.arithmetic import scaled
from accelsim.neurons.kernels import saturate

RESETS: Final = ("subtract", "zero", "none")


class LeakyRule(NamedTuple):
    """Parameters of :class:`~accelsim.neurons.snntorch_leaky.SnnTorchLeaky`.

    Attributes
    ----------
    leak, threshold : (neurons,) int32 or float32
    kind : int
        Place of the reset in RESETS.
    delay : bool
        Whether the reset acts one timestep late.
    clears_input : bool
        Whether a pending reset to zero drops the input of the timestep too.
    """

    leak: npt.NDArray[Any]
    threshold: npt.NDArray[Any]
    kind: int
    delay: bool
    clears_input: bool


class SynapticRule(NamedTuple):
    """Parameters of :class:`~accelsim.neurons.snntorch_synaptic.SnnTorchSynaptic`; see :class:`LeakyRule`."""

    current_leak: npt.NDArray[Any]
    leak: npt.NDArray[Any]
    threshold: npt.NDArray[Any]
    kind: int
    delay: bool


@inlined
def settled(value: Any, limit: Any, pending: Any, fires: Any, kind: int, delay: bool) -> Any:
    """Return the membrane that is kept: after the reset where that is not late, less the one taken off already."""
    kept = value
    if not delay and kind == 0:
        if fires and not pending:
            kept = value - limit
        elif pending and not fires:
            kept = value + limit
    elif not delay and kind == 1:
        if fires and not pending:
            kept = value - value
        elif pending and not fires:
            kept = value + value
    return kept


@kernel
def leaky_float(
    state: npt.NDArray[np.float32], current: npt.NDArray[np.float32], fired: npt.NDArray[np.uint16], rule: LeakyRule
) -> None:
    """Advance float32 neurons by one timestep.

    Parameters
    ----------
    state, current : (samples, neurons) float32
    fired : (samples, neurons) uint16
        Overwritten.
    rule : LeakyRule
    """
    zero = np.float32(0.0)
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            before, limit = state[sample, neuron], rule.threshold[neuron]
            pending = before > limit
            if rule.kind == 1 and pending:
                value = zero if rule.clears_input else current[sample, neuron]
            else:
                value = rule.leak[neuron] * before + current[sample, neuron]
                if rule.kind == 0 and pending:
                    value = value - limit
            fires = value > limit
            state[sample, neuron] = settled(value, limit, pending, fires, rule.kind, rule.delay)
            fired[sample, neuron] = fires


@kernel
def leaky_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[np.int32],
    fired: npt.NDArray[np.uint16],
    rule: LeakyRule,
    limits: tuple[int, int],
) -> int:
    """Advance integer neurons by one timestep as :func:`leaky_float` does, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(state.shape[0]):
        for neuron in range(state.shape[1]):
            before, limit = np.int64(state[sample, neuron]), np.int64(rule.threshold[neuron])
            pending = before > limit
            value = np.int64(current[sample, neuron])
            if rule.kind == 1 and pending:
                value = np.int64(0) if rule.clears_input else value
            else:
                value += scaled(rule.leak[neuron], before) - (limit if rule.kind == 0 and pending else np.int64(0))
            saturations += int((value < low) | (value > high))
            value = saturate(value, low, high)
            fires = value > limit
            after = settled(value, limit, pending, fires, rule.kind, rule.delay)
            saturations += int((after < low) | (after > high))
            state[sample, neuron] = saturate(after, low, high)
            fired[sample, neuron] = fires
    return saturations


@kernel
def synaptic_float(
    state: npt.NDArray[np.float32], current: npt.NDArray[np.float32], fired: npt.NDArray[np.uint16], rule: SynapticRule
) -> None:
    """Advance float32 neurons with a synaptic current by one timestep; ``state`` is (2, samples, neurons)."""
    zero = np.float32(0.0)
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            before, limit = state[1, sample, neuron], rule.threshold[neuron]
            synaptic = rule.current_leak[neuron] * state[0, sample, neuron] + current[sample, neuron]
            pending = before > limit
            value = rule.leak[neuron] * before + synaptic
            if pending and rule.kind == 0:
                value = value - limit
            elif pending and rule.kind == 1:
                value = zero
            fires = value > limit
            state[0, sample, neuron] = synaptic
            state[1, sample, neuron] = settled(value, limit, pending, fires, rule.kind, rule.delay)
            fired[sample, neuron] = fires


@kernel
def synaptic_integer(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    fired: npt.NDArray[np.uint16],
    rule: SynapticRule,
    limits: tuple[int, int],
) -> int:
    """Advance integer neurons as :func:`synaptic_float` does, and return the number of saturations."""
    low, high = limits
    saturations = 0
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            before, limit = np.int64(state[1, sample, neuron]), np.int64(rule.threshold[neuron])
            synaptic = scaled(rule.current_leak[neuron], state[0, sample, neuron]) + np.int64(current[sample, neuron])
            saturations += int((synaptic < low) | (synaptic > high))
            synaptic = saturate(synaptic, low, high)
            pending = before > limit
            value = scaled(rule.leak[neuron], before) + synaptic
            if pending and rule.kind == 0:
                value -= limit
            elif pending and rule.kind == 1:
                value = np.int64(0)
            saturations += int((value < low) | (value > high))
            value = saturate(value, low, high)
            fires = value > limit
            after = settled(value, limit, pending, fires, rule.kind, rule.delay)
            saturations += int((after < low) | (after > high))
            state[0, sample, neuron] = synaptic
            state[1, sample, neuron] = saturate(after, low, high)
            fired[sample, neuron] = fires
    return saturations
