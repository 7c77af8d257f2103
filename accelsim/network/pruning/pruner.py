"""What a pruning method is: a network in, one with more zeros, or fewer neurons, out.

Nothing is trained again. What is pruned are stored weights: a shared kernel of a convolution counts once, weights of a
pool that is part of a projection are those with its factor. Weights that are zero already count as pruned.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.graph import Network, Projection
from accelsim.registry import Registry

PRUNERS: Registry[type["Pruner"]] = Registry("pruning method", "accelsim.network.pruning")


@dataclass(frozen=True)
class Pruning:
    """A method with its parameters; None where it does not take one.

    Attributes
    ----------
    method : str
    sparsity : float or None
        Share of weights, or of channels, that goes.
    scope : {"layer", "global"} or None
        Whether the share holds for every projection or for all together.
    n, m : int or None
        At most ``n`` of ``m`` weights along the input stay.
    keep : tuple of str
        Populations whose input is left as it is.
    """

    method: str
    sparsity: float | None = None
    scope: Literal["layer", "global"] | None = None
    n: int | None = None
    m: int | None = None
    keep: tuple[str, ...] = ()


class Pruner(ABC):
    """Base of all pruning methods."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of :class:`Pruning` that must be stated; the others must not be."""

    @classmethod
    @abstractmethod
    def prune(cls, network: Network, options: Pruning) -> Network:
        """Return the network without what is pruned.

        Raises
        ------
        NetworkError
            If a population that is named does not exist, or the network has no such structure.
        """


def prune(network: Network, options: Pruning) -> Network:
    """Prune a network and note what was done in its provenance.

    Raises
    ------
    NetworkError
        As :meth:`Pruner.prune`.
    """
    for name in options.keep:
        if name not in network.populations or network.populations[name].model is None:
            known = ", ".join(name for name, item in network.populations.items() if item.model is not None)
            raise NetworkError(f"keep: expected a population of neurons ({known}), got {name!r}")
    done = PRUNERS.get(options.method).prune(network, options)
    before, after = _sizes(network), _sizes(done)
    report: dict[str, Any] = {
        name: {key: [before[name][key], after[name][key]] for key in before[name]} for name in after
    }
    stated = {key: value for key, value in vars(options).items() if value not in (None, ())}
    return replace(done, provenance={**done.provenance, "pruning": {**stated, "projections": report}})


def chosen(network: Network, options: Pruning) -> list[Projection]:
    """Return the projections that may be pruned."""
    return [edge for edge in network.projections if edge.target not in options.keep]


def with_rows(network: Network, rows: dict[str, npt.NDArray[Any]]) -> Network:
    """Return the network with other weights in the projections named."""
    edges = tuple(
        replace(edge, connection=replace(edge.connection, rows=rows[key])) if key in rows else edge
        for key, edge in zip(edge_keys(network), network.projections, strict=True)
    )
    return replace(network, projections=edges)


def edge_keys(network: Network) -> list[str]:
    """Return a name for every projection, with a number where two join the same populations."""
    keys: list[str] = []
    for edge in network.projections:
        same = sum(key.split("#")[0] == edge.name for key in keys)
        keys.append(f"{edge.name}#{same + 1}" if same else edge.name)
    return keys


def _sizes(network: Network) -> dict[str, dict[str, int]]:
    return {
        key: {
            "weights": int(edge.connection.rows.size),
            "nonzero": int(np.count_nonzero(edge.connection.rows)),
            "neurons": network.populations[edge.target].size,
        }
        for key, edge in zip(edge_keys(network), network.projections, strict=True)
    }
