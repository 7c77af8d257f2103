"""Neuron models for tests alone: one with two states that spikes several times, and one without a state."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accelsim.neurons.model import NeuronModel, Operations
from accelsim.neurons.parameters import bounds, check_arrays, quantized_level


@dataclass(frozen=True, eq=False)
class Burster(NeuronModel):
    """A low-pass current, ``i = i / 2 + I``, ``v = v + i``, and as many spikes as the threshold fits into ``v``.

    ``most`` bounds the spikes of a timestep (None: what a count holds); integers halve toward zero.
    """

    states: ClassVar = ("current", "membrane")
    threshold: np.ndarray
    most: int | None = 5

    def __post_init__(self):
        check_arrays(self)

    @property
    def size(self):
        return int(self.threshold.size)

    @property
    def dtype(self):
        return self.threshold.dtype.type

    @property
    def most_spikes(self):
        return self.most

    def operations(self):
        return Operations(additions=3, multiplications=1, comparisons=1)

    def step(self, state, current, fired, limits):
        if self.dtype is np.float32:
            state[0] = state[0] * np.float32(0.5) + current
            state[1] += state[0]
            count = np.floor(state[1] / self.threshold)
            fired[...] = np.clip(count, 0, 65535 if self.most is None else self.most)
            state[1] -= fired.astype(np.float32) * self.threshold
            return 0
        low, high = bounds(limits)
        wide = state.astype(np.int64)
        before = np.sign(wide[0]) * (np.abs(wide[0]) // 2) + current
        wide[0] = np.clip(before, low, high)
        total = wide[1] + wide[0]
        wide[1] = np.clip(total, low, high)
        fired[...] = np.clip(wide[1] // self.threshold, 0, 65535 if self.most is None else self.most)
        state[0], state[1] = wide[0], wide[1] - fired.astype(np.int64) * self.threshold
        return int((before != wide[0]).sum() + (total != wide[1]).sum())

    def quantized(self, scale):
        return type(self)(quantized_level("Burster.threshold", self.threshold, scale), self.most)

    @classmethod
    def example(cls, size):
        return cls(np.linspace(0.5, 1.5, size, dtype=np.float32))


@dataclass(frozen=True, eq=False)
class Gate(NeuronModel):
    """Spikes where the input of the timestep is above a threshold; remembers nothing."""

    states: ClassVar = ()
    threshold: np.ndarray

    def __post_init__(self):
        check_arrays(self)

    @property
    def size(self):
        return int(self.threshold.size)

    @property
    def dtype(self):
        return self.threshold.dtype.type

    def operations(self):
        return Operations(additions=0, multiplications=0, comparisons=1)

    def step(self, state, current, fired, limits):
        fired[...] = current > self.threshold
        return 0

    def quantized(self, scale):
        return type(self)(quantized_level("Gate.threshold", self.threshold, scale))

    @classmethod
    def example(cls, size):
        return cls(np.linspace(0.5, 1.5, size, dtype=np.float32))


def naive_burst(model, n, states, current, low, high):
    """One neuron and timestep of a Burster in Python integers; returns states, spikes and saturations."""
    kept, v = states
    wanted = int(np.sign(kept)) * (abs(kept) // 2) + current
    kept = min(max(wanted, low), high)
    total = v + kept
    v = min(max(total, low), high)
    threshold = int(model.threshold[n])
    count = 0
    while count < (65535 if model.most is None else model.most) and v - threshold >= 0:
        v, count = v - threshold, count + 1
    return [kept, v], count, int(wanted != kept) + int(total != v + count * threshold)


def naive_gate(model, n, _states, current, _low, _high):
    """As :func:`naive_burst`, for a Gate."""
    return [], int(current > int(model.threshold[n])), 0
