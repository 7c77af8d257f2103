"""The activity trace: spikes and visited neurons of every population, free of any hardware.

Timesteps are those of the zero-delay network: layer l at timestep t sees the spikes of layer l-1 at timestep t. The
schedule of a chip shifts them.
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
        Neurons that sent a packet, ascending within a timestep. A readout sends in its last timestep only.
    touched : (samples * timesteps, ceil(n / 8)) uint8
        Bitmap (most significant bit first) of neurons that received a non-zero weight; empty for the input.
    nonzero : (samples * timesteps, ceil(n / 8)) uint8
        Bitmap of neurons whose state was not zero when the timestep began; empty for the input.
    """

    ptr: npt.NDArray[np.int64]
    index: npt.NDArray[np.int32]
    touched: npt.NDArray[np.uint8]
    nonzero: npt.NDArray[np.uint8]


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
        Spike counts of a spiking output, or final membranes of a readout, in integer steps or real units.
    first_spike : (samples, n_output) int32
        Timestep of each output's first spike; ``timesteps`` where there is none.
    overflows : dict of str to int
        Saturations of the state by population; zero unless the state is too narrow.
    """

    key: str
    samples: int
    timesteps: int
    populations: dict[str, PopulationActivity]
    output: npt.NDArray[np.float64]
    first_spike: npt.NDArray[np.int32]
    overflows: dict[str, int]

    def spikes(self, name: str) -> npt.NDArray[np.int64]:
        """Return spikes of a population by sample and timestep, (samples, timesteps)."""
        return np.diff(self.populations[name].ptr).reshape(self.samples, self.timesteps)

    def dense(self, name: str, size: int) -> npt.NDArray[Any]:
        """Return spikes of a population as (samples, timesteps, size) uint8."""
        activity = self.populations[name]
        out = np.zeros((self.samples * self.timesteps, size), dtype=np.uint8)
        step = np.repeat(np.arange(out.shape[0]), np.diff(activity.ptr))
        out[step, activity.index] = 1
        return out.reshape(self.samples, self.timesteps, size)
