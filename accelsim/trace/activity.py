"""The activity trace: spikes and visited neurons of every population, free of any hardware.

Timesteps are those of the network: a population at timestep t sees the spikes that its sources sent at t minus the
delay of the projection, 0 unless stated. The schedule of a chip shifts them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class PopulationActivity:
    """What one population did.

    Attributes
    ----------
    ptr : (samples * timesteps + 1,) int64
        Spikes of sample s at timestep t are ``index[ptr[s * timesteps + t] : ptr[s * timesteps + t + 1]]``.
    index : (n_spikes,) int32
        Neurons that spiked, ascending within a timestep. A readout sends in its last timestep only.
    touched : (samples * timesteps, ceil(n / 8)) uint8
        Bitmap (most significant bit first) of neurons that received a non-zero weight; empty for the input.
    nonzero : (samples * timesteps, ceil(n / 8)) uint8
        Bitmap of neurons of which a state was not zero when the timestep began; empty for the input.
    count : (n_spikes,) uint16 or None
        Spikes of each listed neuron, at least 1; None where each sent one. An input neuron that sends several times in
        a timestep is listed several times.
    """

    ptr: npt.NDArray[np.int64]
    index: npt.NDArray[np.int32]
    touched: npt.NDArray[np.uint8]
    nonzero: npt.NDArray[np.uint8]
    count: npt.NDArray[np.uint16] | None = None

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Spikes of each listed neuron, (n_spikes,)."""
        return np.ones(self.index.size, dtype=np.int64) if self.count is None else self.count.astype(np.int64)

    def summed(self, weight: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return the sums of ``weight``, one per listed neuron, over every sample and timestep."""
        sums = np.concatenate(([0], np.cumsum(weight, dtype=np.int64)))
        return np.asarray(np.diff(sums[self.ptr]))


@dataclass(frozen=True, eq=False)
class ActivityTrace:
    """Activity of a network on a batch of samples.

    Attributes
    ----------
    key : str
        Content hash of network, numerics and input.
    samples, timesteps : int
    populations : dict of str to PopulationActivity
    output : (samples, n_output) float64
        Spikes of a spiking output, or final membranes of a readout, in integer steps or real units.
    first_spike : (samples, n_output) int32
        Timestep of each output's first spike; ``timesteps`` where there is none.
    overflows : dict of str to int
        Saturations of the state by population; zero unless the state is too narrow.
    peak : (samples, n_output) float64 or None
        Largest membrane of a readout at the end of any timestep, as ``output``; None of a spiking output.
    """

    key: str
    samples: int
    timesteps: int
    populations: dict[str, PopulationActivity]
    output: npt.NDArray[np.float64]
    first_spike: npt.NDArray[np.int32]
    overflows: dict[str, int]
    peak: npt.NDArray[np.float64] | None = None

    def spikes(self, name: str) -> npt.NDArray[np.int64]:
        """Return spikes of a population by sample and timestep, (samples, timesteps)."""
        activity = self.populations[name]
        sums = np.diff(activity.ptr) if activity.count is None else activity.summed(activity.counts)
        return sums.reshape(self.samples, self.timesteps)

    def by_neuron(self, name: str, size: int) -> npt.NDArray[np.float64]:
        """Return the spikes of every neuron of a population over all samples and timesteps, (size,)."""
        activity = self.populations[name]
        return np.bincount(activity.index, activity.count, size).astype(np.float64)

    def dense(self, name: str, size: int) -> npt.NDArray[Any]:
        """Return numbers of spikes, (samples, timesteps, size) uint16; an input may list a neuron several times."""
        activity = self.populations[name]
        out = np.zeros((self.samples * self.timesteps, size), dtype=np.uint16)
        step = np.repeat(np.arange(out.shape[0]), np.diff(activity.ptr))
        np.add.at(out, (step, activity.index), 1 if activity.count is None else activity.count)
        return out.reshape(self.samples, self.timesteps, size)
