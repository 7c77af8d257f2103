"""Layers as the array sees them: pooled inputs, integer weights, matrix products.

A sum pool in front of a layer is fused into the runs of its connection: the sources of one pooling window share the
same list of runs. Grouping sources by that list gives the pooled map back, so that an ANN multiplies pooled
activations, once. Where pooling windows overlap, a source belongs to several of them; its list is then unlike any
other, and activations are counted before the pool (the function stays exact, effective products are bounded by all).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.baseline.dataflow import Gemm
from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Projection


@dataclass(frozen=True, eq=False)
class PooledInputs:
    """Sources of a connection grouped by what they reach.

    Attributes
    ----------
    group : (n_source,) int64
        Group of each source; -1 where it reaches nothing.
    source : (n_groups,) int64
        One source of each group.
    """

    group: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]

    @property
    def additions(self) -> int:
        """Additions of the pool: members beyond the first of each group."""
        return int(np.count_nonzero(self.group >= 0) - self.source.size)

    def sums(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the sums of ``values`` (samples, n_source) by group, (samples, n_groups)."""
        reaching = self.group >= 0
        out = np.zeros((values.shape[0], self.source.size))
        for sample in range(values.shape[0]):
            out[sample] = np.bincount(
                self.group[reaching], weights=values[sample, reaching], minlength=self.source.size
            )
        return out


def pooled_inputs(connection: Connection) -> PooledInputs:
    """Return the sources grouped by identical lists of runs; one each where there is no pool."""
    known: dict[tuple[bytes, bytes], int] = {}
    group = np.full(connection.n_source, -1, dtype=np.int64)
    source: list[int] = []
    for at in range(connection.n_source):
        runs = slice(int(connection.run_ptr[at]), int(connection.run_ptr[at + 1]))
        if runs.start == runs.stop:
            continue
        key = (connection.run_row[runs].tobytes(), connection.run_start[runs].tobytes())
        if key not in known:
            known[key] = len(source)
            source.append(at)
        group[at] = known[key]
    return PooledInputs(group, np.array(source, dtype=np.int64))


def integer_weights(connection: Connection, bits: int) -> tuple[npt.NDArray[np.int32], float, bool]:
    """Return weights of at most ``bits``: integers, their step, and whether they were quantised here.

    Integer weights that fit stay exactly as exported. Others are rounded to symmetric levels ``-(2**(bits - 1) - 1)``
    to ``2**(bits - 1) - 1``, one step per tensor, the largest magnitude on the outermost level.

    Returns
    -------
    rows : (n_rows, run_length) int32
    step : float
        Stored weight is ``rows * step``; 1 where nothing was quantised.
    quantised : bool
    """
    rows: npt.NDArray[Any] = connection.rows
    if connection.integer and connection.bits <= bits:
        return rows.astype(np.int32), 1.0, False
    top = max((1 << (bits - 1)) - 1, 1)
    largest = float(np.abs(rows).max(initial=0))
    step = largest / top if largest > 0 else 1.0
    return np.rint(rows / step).astype(np.int32), step, True


def gemm_of(projections: Sequence[Projection]) -> Gemm:
    """Return the projections as matrix products, in order."""
    shapes = [edge.connection.shape for edge in projections]

    def column(name: str) -> npt.NDArray[np.int64]:
        return np.array([getattr(shape, name) for shape in shapes], dtype=np.int64)

    return Gemm(column("pixels"), column("window"), column("filters"), column("groups"), column("macs"))
