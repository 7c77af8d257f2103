"""A section of a network: some of its populations, whole or in part, as a network of their own.

What the section's populations read from outside becomes its input population: one outside population as it is, several
one behind the other. Spikes of the section are those of the whole network, since every population that is taken in part
is alone with its inputs, and nothing outside the section is needed but what its input lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.pruning.channels import part_of

Pieces = Mapping[str, tuple[int, int]]
"""First neuron, and one behind the last, of every population that is taken."""


@dataclass(frozen=True, eq=False)
class Section:
    """Part of a network.

    Attributes
    ----------
    network : Network
    pieces : mapping of str to (int, int)
    sources : tuple of str
        Populations of the whole that make up the input, in order.
    leaving : frozenset of str
        Populations whose spikes are needed outside of it, or are the whole's output.
    """

    network: Network
    pieces: Pieces
    sources: tuple[str, ...]
    leaving: frozenset[str]


def section_of(network: Network, pieces: Pieces) -> Section:
    """Return a section of a network.

    Raises
    ------
    NetworkError
        If a population that is taken in part is read within the section, or a run of weights crosses its border.
    """
    taken = [name for name in network.populations if name in pieces]
    edges = [edge for edge in network.projections if edge.target in pieces]
    whole = {name for name in taken if pieces[name] == (0, network.populations[name].size)}
    for edge in edges:
        if edge.source in pieces and not {edge.source, edge.target} <= whole:
            raise NetworkError(f"projection {edge.name}: a population is cut that is read in the same section")
    outside = {edge.source for edge in edges} - set(pieces)
    sources = tuple(name for name in network.populations if name in outside)
    sizes = [network.populations[name].size for name in sources]
    first = dict(zip(sources, np.cumsum([0, *sizes]).tolist(), strict=False))
    if len(sources) == 1:
        head = replace(network.populations[sources[0]], model=None, bias=None)
    else:
        head = Population(network.input.name, (sum(sizes),), None)
    populations = {head.name: head}
    populations.update({name: _piece(network.populations[name], *pieces[name]) for name in taken})
    projections = []
    for edge in edges:
        connection = _reaching(edge, *pieces[edge.target])
        if edge.source in pieces:
            projections.append(replace(edge, connection=connection))
        else:
            connection = _behind(connection, first[edge.source], head.size)
            projections.append(replace(edge, source=head.name, connection=connection, number=0))
    made = Network(network.name, populations, tuple(projections), network.dt, network.provenance)
    needed = {edge.source for edge in network.projections if edge.target not in pieces} | {network.output.name}
    return Section(made, pieces, sources, frozenset(needed & set(taken)))


def _piece(population: Population, first: int, last: int) -> Population:
    if (first, last) == (0, population.size) or population.model is None:
        return population
    mask = np.zeros(population.size, bool)
    mask[first:last] = True

    def cut(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        return values[first:last] if values is not None and values.shape == mask.shape else values

    model = part_of(population.model, mask)
    bias, scale = cut(population.bias), cut(population.scale)
    return replace(population, shape=(last - first,), model=model, bias=bias, scale=scale)


def _reaching(edge: Projection, first: int, last: int) -> Connection:
    """Return the part of a connection that reaches the neurons ``first .. last - 1``."""
    connection = edge.connection
    if (first, last) == (0, connection.n_target):
        return connection
    start, length = connection.run_start, connection.run_length
    low, high = np.maximum(start, first) - start, np.minimum(start + length, last) - start
    taken = high > low
    if taken.any() and ((low[taken] != low[taken][0]) | (high[taken] != high[taken][0])).any():
        raise NetworkError(f"projection {edge.name}: its runs of weights cross the border {first} or {last}")
    begin, end = (int(low[taken][0]), int(high[taken][0])) if taken.any() else (0, length)
    ptr = np.concatenate(([0], np.cumsum(taken)))[connection.run_ptr]
    return replace(
        connection,
        rows=np.ascontiguousarray(connection.rows[:, begin:end]),
        channel=np.ascontiguousarray(connection.channel[:, begin:end]),
        run_ptr=ptr.astype(np.int64),
        run_row=connection.run_row[taken],
        run_start=(start[taken] + begin - first).astype(np.int32),
        n_target=last - first,
        geometry=None,
    )


def _behind(connection: Connection, first: int, size: int) -> Connection:
    """Return a connection whose sources are the neurons from ``first`` on of a population of ``size``."""
    if (first, size) == (0, connection.n_source):
        return connection
    before, after = np.zeros(first, np.int64), np.full(size - first - connection.n_source, connection.run_ptr[-1])
    ptr = np.concatenate((before, connection.run_ptr, after))
    return replace(connection, run_ptr=ptr, n_source=size, geometry=None)
