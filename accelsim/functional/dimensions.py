"""How many channels a layer needs: principal components of its average accumulated membrane potential.

Garg, Panda and Roy 2018 (arXiv 1812.06224): outputs as a matrix (samples and positions) x channels, mean subtracted;
the significant dimensions are the components whose cumulative share of the variance stays below a threshold (0.99 to
0.999). Chowdhury, Garg and Roy (IJCNN 2021) take the potential that a neuron accumulates over the timesteps, divided by
their number, instead of a rectified activation. Whether their accumulation is before resets is not published: here it
is the accumulated input, which no reset touches.

The covariance is summed batch by batch (channels x channels), so memory does not grow with the data.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError

Floats = npt.NDArray[np.float64]


class Covariance:
    """A running covariance of vectors of ``channels`` numbers, in float64 (Chan, Golub and LeVeque 1983)."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._mean = np.zeros(channels)
        self._square = np.zeros((channels, channels))

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Add vectors ``(..., channels)``: every position of every sample is one."""
        vectors = rows.reshape(-1, rows.shape[-1]).astype(np.float64)
        if not len(vectors):
            return
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        shift, total = mean - self._mean, self._count + len(vectors)
        self._square += centred.T @ centred + np.outer(shift, shift) * (self._count * len(vectors) / total)
        self._mean += shift * (len(vectors) / total)
        self._count = total

    @property
    def matrix(self) -> Floats:
        """The covariance ``(channels, channels)``.

        Raises
        ------
        NetworkError
            Of fewer than two vectors.
        """
        if self._count < 2:
            raise NetworkError(f"covariance: expected at least 2 vectors, got {self._count}")
        return np.asarray(self._square / (self._count - 1))

    @property
    def shares(self) -> Floats:
        """Share of the variance of every principal component, the largest first."""
        values = np.clip(np.linalg.eigvalsh(self.matrix)[::-1], 0.0, None)
        total = float(values.sum())
        return np.asarray(values / total if total > 0.0 else values)

    def significant(self, variance: float) -> int:
        """Return the number of components whose cumulative share stays below ``variance``, at least 1."""
        return max(int((np.cumsum(self.shares) < variance).sum()), 1)
