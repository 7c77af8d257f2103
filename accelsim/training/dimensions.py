"""How many channels a layer needs: principal components of its average accumulated membrane potential.

Garg, Panda and Roy 2018 (arXiv 1812.06224): outputs as a matrix (samples and positions) x channels, mean subtracted;
the significant dimensions are the components whose cumulative share of the variance stays below a threshold (0.99 to
0.999). Chowdhury, Garg and Roy (IJCNN 2021) take the potential that a neuron accumulates over the timesteps, divided by
their number, instead of a rectified activation. Whether their accumulation is before resets is not published: here it
is the accumulated input, which no reset touches.

The covariance is summed sample by sample (channels x channels), so memory does not grow with the data.
"""

from __future__ import annotations

import torch
from torch import Tensor

from accelsim.errors import TrainingError


class Covariance:
    """A running covariance of vectors of ``channels`` numbers, in float64 (Chan, Golub and LeVeque 1983)."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._mean = torch.zeros(channels, dtype=torch.float64)
        self._square = torch.zeros(channels, channels, dtype=torch.float64)

    def add(self, values: Tensor) -> None:
        """Add a batch ``(B, channels)`` or ``(B, channels, y, x)``: every position is a vector."""
        rows = values.detach().to(torch.float64)
        rows = rows.movedim(1, -1).reshape(-1, rows.shape[1])
        mean = rows.mean(0)
        centred = rows - mean
        shift, total = mean - self._mean, self._count + len(rows)
        self._square += centred.T @ centred + torch.outer(shift, shift) * (self._count * len(rows) / total)
        self._mean += shift * (len(rows) / total)
        self._count = total

    @property
    def matrix(self) -> Tensor:
        """The covariance ``(channels, channels)``."""
        if self._count < 2:
            raise TrainingError(f"covariance: expected at least 2 vectors, got {self._count}")
        return self._square / (self._count - 1)

    @property
    def shares(self) -> Tensor:
        """Share of the variance of every principal component, the largest first."""
        values = torch.linalg.eigvalsh(self.matrix).flip(0).clamp(min=0.0)
        total = values.sum()
        return values / total if float(total) > 0.0 else values

    def significant(self, variance: float) -> int:
        """Return the number of components whose cumulative share stays below ``variance``, at least 1."""
        below = int((self.shares.cumsum(0) < variance).sum())
        return max(below, 1)
