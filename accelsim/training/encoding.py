"""From images and event frames to what enters the network in every timestep.

``poisson`` draws spikes with the probability ``rate * pixel / 255``: from torch's generator while training, and for a
test from the streams that ``encoding: poisson`` of a workload states, so that accelsim sees the same spikes. ``graded``
gives the value ``pixel / 255`` in every timestep (direct encoding). Frames of events enter as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from accelsim.errors import TrainingError

WHITE = 255.0


@dataclass(frozen=True)
class InputCode:
    """How samples become input.

    Attributes
    ----------
    kind : {"poisson", "graded", "frames"}
    timesteps : int
        Of frames: all that they have, or fewer, then joined in groups.
    rate : float
        Spike probability of a white pixel per timestep, 0..1; of ``poisson``.
    seed : int
        First word of the Philox key of test samples; of ``poisson``.
    """

    kind: Literal["poisson", "graded", "frames"]
    timesteps: int
    rate: float = 0.5
    seed: int = 1

    def training(self, samples: npt.NDArray[np.uint8]) -> Tensor:
        """Return ``(T, B, c, y, x)`` input of a training batch; of ``poisson`` other spikes in every call."""
        if self.kind == "poisson":
            probability = torch.from_numpy(samples).float() * (self.rate / WHITE)
            return (torch.rand(self.timesteps, *probability.shape) < probability).float()
        return self.test(samples, 0)

    def test(self, samples: npt.NDArray[np.uint8], first: int) -> Tensor:
        """Return ``(T, B, c, y, x)`` input of samples ``first, first + 1, ...`` of a file: the same in every call."""
        if self.kind == "frames":
            return torch.from_numpy(joined(samples, self.timesteps)).float().transpose(0, 1)
        if self.kind == "graded":
            values = torch.from_numpy(samples).float() / WHITE
            return values[None].expand(self.timesteps, *values.shape)
        spikes = np.empty((self.timesteps, *samples.shape), dtype=np.bool_)
        for at, sample in enumerate(samples):
            key = np.array([self.seed, first + at], dtype=np.uint64)
            draws = np.random.Generator(np.random.Philox(key=key)).random((self.timesteps, *sample.shape))
            spikes[:, at] = draws < self.rate * sample.astype(np.float64) / WHITE
        return torch.from_numpy(spikes).float()


def joined(frames: npt.NDArray[np.uint8], timesteps: int) -> npt.NDArray[np.uint8]:
    """Return frames ``(n, T, c, y, x)`` with fewer timesteps: groups of them in a row become one, by OR.

    Raises
    ------
    TrainingError
        If there are fewer frames than timesteps.
    """
    have = frames.shape[1]
    if timesteps == have:
        return frames
    if timesteps > have:
        raise TrainingError(f"timesteps: expected at most the {have} frames of a sample, got {timesteps}")
    starts = np.arange(timesteps) * have // timesteps
    return np.maximum.reduceat(frames, starts, axis=1)
