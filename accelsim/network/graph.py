"""The network as a graph: populations of neurons joined by projections.

Feed-forward only in this version: every edge goes from one depth to the next. What was quantised and pruned at export
is kept exactly as exported.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.neurons.model import NeuronModel


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one model.

    Attributes
    ----------
    name : str
        The node's name in the exported file.
    shape : tuple of int
        ``(n,)`` or ``(height, width, channels)``; neurons are numbered in this order.
    model : NeuronModel or None
        None for the input population.
    bias : (n,) int32 or float32, or None
        Current added in every timestep.
    scale : (n,) float64
        Real value of one integer step of a neuron's input; ones for float32.
    """

    name: str
    shape: tuple[int, ...]
    model: NeuronModel | None
    bias: npt.NDArray[Any] | None = None
    scale: npt.NDArray[np.float64] | None = None

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Projection:
    """A connection with its ends; ``nodes`` are the exported nodes that it came from."""

    source: str
    target: str
    connection: Connection
    nodes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``source->target``."""
        return f"{self.source}->{self.target}"


@dataclass(frozen=True, eq=False)
class Network:
    """Populations in topological order and their projections.

    Attributes
    ----------
    populations : dict of str to Population
        The first is the input, the last the output.
    projections : tuple of Projection
    dt : float
        Timestep of the exported network, s.
    provenance : dict
        What the importer assumed: dialect, reset, comparison, quantisation.

    Raises
    ------
    NetworkError
        On an edge to nowhere, a shape mismatch, a non-finite weight, or an edge that skips a depth.
    """

    name: str
    populations: dict[str, Population]
    projections: tuple[Projection, ...]
    dt: float
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for edge in self.projections:
            for end in (edge.source, edge.target):
                if end not in self.populations:
                    raise NetworkError(f"projection {edge.name}: population {end!r} does not exist")
            _check_projection(edge, self.populations[edge.source], self.populations[edge.target])
        depth = self.depth
        for edge in self.projections:
            if depth[edge.target] != depth[edge.source] + 1:
                raise NetworkError(
                    f"projection {edge.name}: goes from depth {depth[edge.source]} to {depth[edge.target]}; this "
                    "version runs networks whose edges each advance one depth"
                )

    @property
    def input(self) -> Population:
        """The population that the events drive."""
        return next(iter(self.populations.values()))

    @property
    def output(self) -> Population:
        """The population that is read."""
        return next(reversed(self.populations.values()))

    @property
    def integer(self) -> bool:
        """Whether the network runs in integer arithmetic."""
        return all(edge.connection.integer for edge in self.projections)

    @cached_property
    def depth(self) -> dict[str, int]:
        """Number of projections on the longest path from the input to each population."""
        depth = dict.fromkeys(self.populations, 0)
        for _ in self.populations:
            for edge in self.projections:
                depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
        if max(depth.values(), default=0) >= len(self.populations):
            raise NetworkError("the graph has a cycle; this version runs feed-forward networks")
        return depth

    def incoming(self, name: str) -> list[Projection]:
        """Return the projections into population ``name``."""
        return [edge for edge in self.projections if edge.target == name]

    def outgoing(self, name: str) -> list[Projection]:
        """Return the projections out of population ``name``."""
        return [edge for edge in self.projections if edge.source == name]

    @property
    def neurons(self) -> int:
        """Neurons without the input population."""
        return sum(item.size for item in self.populations.values() if item.model is not None)

    def renamed(self, name: str) -> "Network":
        """Return the same network under another name."""
        return replace(self, name=name)


def _check_projection(edge: Projection, source: Population, target: Population) -> None:
    connection = edge.connection
    if (connection.n_source, connection.n_target) != (source.size, target.size):
        raise NetworkError(
            f"projection {edge.name}: joins {connection.n_source} to {connection.n_target} neurons, but {source.name} "
            f"has {source.size} {source.shape} and {target.name} has {target.size} {target.shape}"
        )
    if not np.isfinite(connection.rows).all():
        raise NetworkError(f"projection {edge.name}: a weight is NaN or infinite")
    if target.bias is not None and not np.isfinite(target.bias).all():
        raise NetworkError(f"population {target.name}: a bias is NaN or infinite")
