"""Input events: which input neurons are active at each timestep of each sample, and with what value.

Coordinate form, sorted by (sample, timestep, neuron). ``kind`` says what an event means on the machine: ``spikes``
(one bit), ``graded`` (a packet with a value, multiplied at the synapse) or ``bias_current`` (values given once per
sample, turned into a constant current of the first layer at the port).
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError

Kind = Literal["spikes", "graded", "bias_current"]


@dataclass(frozen=True, eq=False)
class EventStream:
    """Events of a batch of samples.

    Attributes
    ----------
    kind : {"spikes", "graded", "bias_current"}
    samples, timesteps, size : int
        Batch, steps per sample and number of input neurons.
    ptr : (samples * timesteps + 1,) int64
        Events of sample s at timestep t are ``ptr[s * timesteps + t] : ptr[s * timesteps + t + 1]``.
    index : (n_events,) int32
        Input neuron, channel-last, ascending within a timestep; one that spikes several times in a timestep is listed
        as often.
    value : (n_events,) int32 or float32, or None
        Value of each event; None for spikes.
    value_bits : int
        Width of a value, bit; 1 for spikes.
    value_scale : float
        Real value of one integer step of ``value``; 1 for spikes and floats.
    """

    kind: Kind
    samples: int
    timesteps: int
    size: int
    ptr: npt.NDArray[np.int64]
    index: npt.NDArray[np.int32]
    value: npt.NDArray[Any] | None = None
    value_bits: int = 1
    value_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.samples < 1 or self.timesteps < 1:
            raise EventError(f"expected at least one sample and timestep, got {self.samples} and {self.timesteps}")
        if self.ptr.shape != (self.samples * self.timesteps + 1,) or self.ptr[0] != 0 or (np.diff(self.ptr) < 0).any():
            raise EventError("event pointers do not describe samples x timesteps in order")
        if self.ptr[-1] != self.index.size:
            raise EventError(f"{self.index.size} events, but the pointers describe {self.ptr[-1]}")
        outside = (self.index < 0) | (self.index >= self.size)
        if outside.any():
            at = int(np.argmax(outside))
            raise EventError(f"event {at}: neuron {self.index[at]} is outside 0..{self.size - 1}")
        if (self.value is None) != (self.kind == "spikes"):
            raise EventError(f"events of kind {self.kind!r} {'need' if self.value is None else 'take no'} values")

    @property
    def total(self) -> int:
        """Number of events."""
        return int(self.index.size)

    def take(self, samples: int) -> "EventStream":
        """Return the first ``samples`` samples.

        Raises
        ------
        EventError
            If there are fewer.
        """
        if not 1 <= samples <= self.samples:
            raise EventError(f"asked for {samples} samples, the input has {self.samples}")
        return self.part(0, samples)

    def part(self, first: int, last: int) -> "EventStream":
        """Return samples ``first`` to ``last - 1``."""
        ptr = self.ptr[first * self.timesteps : last * self.timesteps + 1]
        events = slice(int(ptr[0]), int(ptr[-1]))
        value = None if self.value is None else self.value[events]
        return replace(self, samples=last - first, ptr=ptr - ptr[0], index=self.index[events], value=value)

    @classmethod
    def from_dense(cls, active: npt.NDArray[Any]) -> "EventStream":
        """Return the spikes of a boolean (samples, timesteps, size) array."""
        samples, timesteps, size = active.shape
        flat = active.reshape(samples * timesteps, size)
        counts = np.count_nonzero(flat, axis=1)
        ptr = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        return cls("spikes", samples, timesteps, size, ptr, np.nonzero(flat)[1].astype(np.int32))
