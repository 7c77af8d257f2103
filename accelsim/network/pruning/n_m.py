"""N:M sparsity: of every M consecutive weights along the input of one output, at most N stay, the largest.

The input of a dense layer is its source neurons as they are numbered (channel-last), that of a convolution (input
channel, ky, kx), as a kernel is flattened for a matrix product; groups of a grouped convolution stay apart. A rest of
fewer than M weights keeps N as well. Source: Mishra et al., "Accelerating sparse deep neural networks",
arXiv:2104.08378.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Network
from accelsim.network.pruning.pruner import PRUNERS, Pruner, Pruning, chosen, edge_keys, with_rows


@PRUNERS.register("n_m")
class NOfM(Pruner):
    """N of M stay."""

    needs: ClassVar[tuple[str, ...]] = ("n", "m")

    @classmethod
    def prune(cls, network: Network, options: Pruning) -> Network:
        """Zero all but the N largest of every M; see :meth:`Pruner.prune`."""
        free = chosen(network, options)
        n, m = options.n or 1, options.m or 1
        pruned = {
            key: _largest_stay(edge.connection, n, m)
            for key, edge in zip(edge_keys(network), network.projections, strict=True)
            if edge in free
        }
        return with_rows(network, pruned)


def _largest_stay(connection: Connection, n: int, m: int) -> npt.NDArray[Any]:
    rows = connection.rows
    length = connection.shape.window if connection.shape.kind == "conv" else len(rows)
    out = rows.copy()
    for first in range(0, len(rows), length):
        for start in range(first, min(first + length, len(rows)), m):
            part = out[start : min(start + m, first + length)]
            if len(part) > n:
                smallest = np.argsort(np.abs(part), axis=0, kind="stable")[: len(part) - n]
                np.put_along_axis(part, smallest, 0, axis=0)
    return out
