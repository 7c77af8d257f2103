"""The network as a graph: populations of neurons joined by projections.

Any graph: skip connections, several projections into one population or between the same two, recurrence. A projection
may delay; around a cycle something must, otherwise the order of its populations within a timestep would be undefined.
What was quantised and pruned at export is kept exactly as exported.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.digest import network_digest
from accelsim.neurons.model import NeuronModel

MAX_DELAY: Final = 4096
"""Longest delay of a projection, timesteps: spikes are kept for so long."""


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
    """A connection with its ends.

    Attributes
    ----------
    source, target : str
    connection : Connection
    nodes : tuple of str
        The exported nodes that it came from.
    delay : int
        Timesteps of the network between a spike and its integration. A delay per source neuron or per synapse is
        several projections between the same two populations, each with its share of the weights.
    number : int
        Which of the projections between the same two populations it is; the network counts them.

    Raises
    ------
    NetworkError
        On a delay below 0 or above MAX_DELAY.
    """

    source: str
    target: str
    connection: Connection
    nodes: tuple[str, ...] = ()
    delay: int = 0
    number: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.delay <= MAX_DELAY:
            raise NetworkError(f"projection {self.name}: expected a delay of 0..{MAX_DELAY}, got {self.delay}")

    @property
    def name(self) -> str:
        """``source->target``, and ``source->target#2`` for the second one between the same two."""
        return f"{self.source}->{self.target}" + (f"#{self.number + 1}" if self.number else "")


@dataclass(frozen=True, eq=False)
class Network:
    """Populations and their projections.

    Attributes
    ----------
    populations : dict of str to Population
        The first is the input, the last the output.
    projections : tuple of Projection
        Numbered, where several join the same two populations, in this order.
    dt : float
        Timestep of the exported network, s.
    provenance : dict
        What the importer assumed: dialect, reset, comparison, quantisation.

    Raises
    ------
    NetworkError
        On an edge to nowhere or into the input, a shape mismatch, a non-finite weight, or a cycle without delay.
    """

    name: str
    populations: dict[str, Population]
    projections: tuple[Projection, ...]
    dt: float
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "projections", _numbered(self.projections))
        for edge in self.projections:
            for end in (edge.source, edge.target):
                if end not in self.populations:
                    raise NetworkError(f"projection {edge.name}: population {end!r} does not exist")
            if edge.target == self.input.name:
                raise NetworkError(f"projection {edge.name}: leads into the input population")
            _check_projection(edge, self.populations[edge.source], self.populations[edge.target])
        _ = self.order

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
    def digest(self) -> str:
        """SHA-256 of everything that the function depends on; see :mod:`accelsim.network.digest`."""
        return network_digest(self)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Populations so that every projection without delay leads to a later one."""
        waits = {name: {edge.source for edge in self.incoming(name) if edge.delay == 0} for name in self.populations}
        done: dict[str, None] = {}
        while len(done) < len(waits):
            ready = [name for name, sources in waits.items() if name not in done and sources <= done.keys()]
            if not ready:
                raise NetworkError(
                    f"projections form a cycle without delay: {' -> '.join(_cycle(waits, done))}; one of them needs a "
                    "delay of at least one timestep"
                )
            done.update(dict.fromkeys(ready))
        return tuple(done)

    @cached_property
    def depth(self) -> dict[str, int]:
        """Number of projections on the longest path without delay to each population."""
        depth = dict.fromkeys(self.populations, 0)
        for name in self.order:
            before = [depth[edge.source] for edge in self.incoming(name) if edge.delay == 0]
            depth[name] = max(before, default=-1) + 1
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


def _numbered(projections: tuple[Projection, ...]) -> tuple[Projection, ...]:
    """Return the projections, those between the same two populations counted."""
    seen: dict[tuple[str, str], int] = {}
    out = []
    for edge in projections:
        number = seen.get((edge.source, edge.target), 0)
        seen[edge.source, edge.target] = number + 1
        out.append(edge if edge.number == number else replace(edge, number=number))
    return tuple(out)


def _cycle(waits: dict[str, set[str]], done: Collection[str]) -> list[str]:
    """Return a cycle among the populations that are not ``done``, its first again at the end, along the edges."""
    path = [next(name for name in waits if name not in done)]
    while path[-1] not in path[:-1]:
        path.append(next(name for name in waits if name in waits[path[-1]] and name not in done))
    return path[path.index(path[-1]) :][::-1]


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
