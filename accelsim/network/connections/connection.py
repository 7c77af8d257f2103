"""A connection as stored rows of weights and the runs of consecutive targets that they reach.

Every layer has the same form. A *row* is a run of weights as a memory holds it; a *run* places one row on
consecutive target neurons. A dense layer has one row and one run per source neuron. A convolution has one row per
(input channel, ky, kx) - its output channels - and, per source neuron, one run for each kernel tap inside the border:
weights are shared, never unrolled. Pooling in front of a layer only changes which runs a source has.

Neurons of a shaped population are numbered channel-last, (y, x, channel), so that the targets of a row are consecutive.
"""

import functools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from accelsim.network.connections.kernels import sum_runs


@dataclass(frozen=True)
class LayerShape:
    """The layer as a matrix product, for a MAC array: ``pixels`` x ``window`` x ``filters`` per group.

    ``macs`` counts products inside the border only, ``macs_padded`` the products with zero padding as well.
    """

    kind: Literal["dense", "conv"]
    pixels: int
    window: int
    filters: int
    groups: int
    macs: int
    macs_padded: int
    input_words: int
    output_words: int
    weight_words: int


@dataclass(frozen=True)
class Geometry:
    """How a convolution, or the pool in front of a layer, was laid out, (y, x) each; what an export needs.

    Rows and runs hold all of it, spread out. A connection of which a part was taken away keeps the whole's: compare
    with the runs before it is believed.
    """

    source: tuple[int, int, int]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pool: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True, eq=False)
class Connection:
    """Weights between two populations.

    Attributes
    ----------
    rows : (n_rows, run_length) int32 or float32
        Stored weights; integer weights are in steps of ``scale``.
    run_ptr : (n_source + 1,) int64
        Runs of source neuron i are ``run_ptr[i] : run_ptr[i + 1]``.
    run_row : (n_runs,) int32
        Row of each run.
    run_start : (n_runs,) int32
        First target neuron of each run; it covers ``run_start .. run_start + run_length - 1``.
    channel : (n_rows, run_length) int32
        Output channel of each weight, for scales per channel.
    n_source, n_target : int
    shape : LayerShape
    bits : int
        Stored width of one weight: 2..16, 1 (binary), or 32 for float32.
    geometry : Geometry or None
        Of convolutions and pools; None where it is not known.
    """

    rows: npt.NDArray[Any]
    run_ptr: npt.NDArray[np.int64]
    run_row: npt.NDArray[np.int32]
    run_start: npt.NDArray[np.int32]
    channel: npt.NDArray[np.int32]
    n_source: int
    n_target: int
    shape: LayerShape
    bits: int
    geometry: Geometry | None = None

    @property
    def integer(self) -> bool:
        """Whether the weights are integers."""
        return bool(np.issubdtype(self.rows.dtype, np.integer))

    @property
    def run_length(self) -> int:
        """Targets of one run."""
        return int(self.rows.shape[1])

    def fan_out(self) -> npt.NDArray[np.int64]:
        """Return the number of non-zero synapses of each source neuron, (n_source,)."""
        return self._fan_out

    def fan_out_stored(self) -> npt.NDArray[np.int64]:
        """Return the number of synapses of each source neuron, stored zeros included, (n_source,)."""
        return np.diff(self.run_ptr) * self.run_length

    def absolute_input(self) -> npt.NDArray[np.float64]:
        """Return the largest possible magnitude of accumulated input per target with unit spikes, (n_target,)."""
        total = np.zeros(self.n_target)
        sum_runs(np.abs(self.rows.astype(np.float64)), self.run_row, self.run_start, total)
        return total

    def dense_matrix(self) -> npt.NDArray[Any]:
        """Return the connection as a (n_target, n_source) matrix; for tests and small layers."""
        matrix = np.zeros((self.n_target, self.n_source), dtype=self.rows.dtype)
        source = np.repeat(np.arange(self.n_source), np.diff(self.run_ptr))
        for offset in range(self.run_length):
            np.add.at(matrix, (self.run_start + offset, source), self.rows[self.run_row, offset])
        return matrix

    @functools.cached_property
    def _fan_out(self) -> npt.NDArray[np.int64]:
        found = self._sum_over_runs(np.count_nonzero(self.rows, axis=1))
        found.flags.writeable = False
        return found

    def _sum_over_runs(self, per_row: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        totals = np.concatenate(([0], np.cumsum(per_row[self.run_row], dtype=np.int64)))
        return totals[self.run_ptr[1:]] - totals[self.run_ptr[:-1]]
