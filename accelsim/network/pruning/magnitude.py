"""Magnitude pruning: the smallest weights become zero, in every projection alike or over the whole network.

Exactly ``round(sparsity * weights)`` weights are zero afterwards (more, where more were before), ties in the order of
storage; with ``scope: layer`` that is PyTorch's ``l1_unstructured``, with ``global`` its ``global_unstructured``.
Source: Han et al., "Learning both weights and connections for efficient neural networks", NeurIPS 2015.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.network.graph import Network
from accelsim.network.pruning.pruner import PRUNERS, Pruner, Pruning, chosen, edge_keys, with_rows


@PRUNERS.register("magnitude")
class Magnitude(Pruner):
    """The smallest weights go."""

    needs: ClassVar[tuple[str, ...]] = ("sparsity", "scope")

    @classmethod
    def prune(cls, network: Network, options: Pruning) -> Network:
        """Zero the smallest weights; see :meth:`Pruner.prune`."""
        free = chosen(network, options)
        rows = {
            key: edge.connection.rows
            for key, edge in zip(edge_keys(network), network.projections, strict=True)
            if edge in free
        }
        share = options.sparsity or 0.0
        if options.scope == "layer":
            return with_rows(network, {key: _smallest_to_zero(item, share) for key, item in rows.items()})
        joined = np.concatenate([item.ravel() for item in rows.values()]) if rows else np.zeros(0)
        ends = np.cumsum([item.size for item in rows.values()])
        parts = np.split(_smallest_to_zero(joined, share), ends[:-1])
        pruned = {key: part.reshape(item.shape) for (key, item), part in zip(rows.items(), parts, strict=True)}
        return with_rows(network, pruned)


def _smallest_to_zero(weights: npt.NDArray[Any], share: float) -> npt.NDArray[Any]:
    number = round(share * weights.size)
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    out = weights.copy()
    out.ravel()[order[:number]] = 0
    return out
