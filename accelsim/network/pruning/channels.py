"""Structured pruning: whole output channels of hidden populations go, those with the smallest sum of magnitudes.

A channel is a feature map, or a neuron of a population of shape (n,). Its neurons, the weights into them and those out
of them are removed: populations and projections really shrink. ``round(sparsity * channels)`` go from every population
but the input, the output, and those in ``keep``; one stays at least. A neuron that goes no longer sends what its bias
made it send. Source: Li et al., "Pruning filters for efficient ConvNets", ICLR 2017.
"""

import dataclasses
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection, LayerShape
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.pruning.pruner import PRUNERS, Pruner, Pruning
from accelsim.neurons.model import NeuronModel

Kept = npt.NDArray[np.int64]


@PRUNERS.register("channels")
class Channels(Pruner):
    """The weakest channels go."""

    needs: ClassVar[tuple[str, ...]] = ("sparsity",)

    @classmethod
    def prune(cls, network: Network, options: Pruning) -> Network:
        """Remove channels; see :meth:`Pruner.prune`."""
        for population in list(network.populations.values()):
            if population.model is None or population is network.output or population.name in options.keep:
                continue
            channels = population.shape[-1]
            number = min(round((options.sparsity or 0.0) * channels), channels - 1)
            if number and network.incoming(population.name):
                strength = _strength(network, population, channels)
                weakest = np.argsort(strength, kind="stable")[:number]
                network = _without(network, population, np.setdiff1d(np.arange(channels), weakest))
        return network


def _strength(network: Network, population: Population, channels: int) -> npt.NDArray[np.float64]:
    total = np.zeros(channels)
    for edge in network.incoming(population.name):
        connection = edge.connection
        magnitude = np.abs(connection.rows.astype(np.float64))
        total += np.bincount(connection.channel.ravel(), weights=magnitude.ravel(), minlength=channels)[:channels]
    return total


def _without(network: Network, population: Population, kept: Kept) -> Network:
    channels = population.shape[-1]
    mask = np.tile(np.isin(np.arange(channels), kept), population.size // channels)
    smaller = replace(
        population,
        shape=(*population.shape[:-1], len(kept)),
        model=None if population.model is None else part_of(population.model, mask),
        bias=None if population.bias is None else population.bias[mask],
        scale=None if population.scale is None else population.scale[mask],
    )
    edges: list[Projection] = []
    for edge in network.projections:
        connection = edge.connection
        try:
            if edge.target == population.name:
                connection = _fewer_targets(connection, channels, kept)
            if edge.source == population.name:
                connection = _fewer_sources(connection, channels, kept)
        except NetworkError as error:
            raise NetworkError(f"projection {edge.name}: {error}; keep population {population.name}") from None
        edges.append(replace(edge, connection=connection))
    populations = {**network.populations, population.name: smaller}
    return replace(network, populations=populations, projections=tuple(edges))


def part_of(model: NeuronModel, mask: npt.NDArray[np.bool_]) -> NeuronModel:
    """Return the model of some of its neurons; ``mask`` is (n,) bool."""
    arrays: dict[str, Any] = {
        item.name: value[mask]
        for item in dataclasses.fields(model)  # type: ignore[arg-type]
        if isinstance(value := getattr(model, item.name), np.ndarray) and value.shape == mask.shape
    }
    changed: NeuronModel = replace(model, **arrays)  # type: ignore[type-var]
    return changed


def _fewer_targets(connection: Connection, channels: int, kept: Kept) -> Connection:
    """Drop the columns of rows that reach channels which go."""
    if connection.run_length % channels or (connection.run_start % channels).any():
        raise NetworkError("runs reach part of the channels (a grouped convolution), so channels cannot be removed")
    columns = np.isin(np.arange(connection.run_length) % channels, kept)
    number = np.full(int(connection.channel.max()) + 1, -1)
    used = np.unique(connection.channel[:, columns]) if columns.any() else np.zeros(0, np.int64)
    number[used] = np.arange(used.size)
    return replace(
        connection,
        rows=np.ascontiguousarray(connection.rows[:, columns]),
        run_start=(connection.run_start // channels * len(kept)).astype(np.int32),
        channel=number[connection.channel[:, columns]].astype(np.int32),
        n_target=connection.n_target // channels * len(kept),
        shape=_scaled(connection.shape, ("filters", "macs", "macs_padded", "output_words", "weight_words"), channels,
                      len(kept)),
    )  # fmt: skip


def _fewer_sources(connection: Connection, channels: int, kept: Kept) -> Connection:
    """Drop the runs of sources that go, and the rows that nothing uses any more."""
    if connection.shape.groups > 1:
        raise NetworkError("a grouped convolution reads part of the channels, so channels cannot be removed")
    stays = np.isin(np.arange(connection.n_source) % channels, kept)
    runs = np.diff(connection.run_ptr)
    taken = np.repeat(stays, runs)
    before = np.zeros(len(connection.rows), dtype=bool)
    before[connection.run_row] = True
    after = np.zeros_like(before)
    after[connection.run_row[taken]] = True
    rows = after | ~before
    number = np.cumsum(rows) - 1
    return replace(
        connection,
        rows=np.ascontiguousarray(connection.rows[rows]),
        channel=np.ascontiguousarray(connection.channel[rows]),
        run_ptr=np.concatenate(([0], np.cumsum(runs[stays]))),
        run_row=number[connection.run_row[taken]].astype(np.int32),
        run_start=connection.run_start[taken],
        n_source=int(stays.sum()),
        shape=_scaled(connection.shape, ("window", "macs", "macs_padded", "input_words", "weight_words"), channels,
                      len(kept)),
    )  # fmt: skip


def _scaled(shape: LayerShape, names: tuple[str, ...], channels: int, kept: int) -> LayerShape:
    return replace(shape, **{name: getattr(shape, name) * kept // channels for name in names})
