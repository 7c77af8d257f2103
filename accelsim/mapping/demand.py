"""What a slice of a population needs from the memories of a core.

A core stores, of every row that its neurons use, the part that they use: a dense row is cut to the core's targets, a
shared convolution row is stored once however many positions use it (``conv_storage: shared``) or once per position
(``unrolled``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import WeightFormat
from accelsim.errors import MappingError
from accelsim.hardware.spec import CoreSpec
from accelsim.network.connections.connection import Connection
from accelsim.network.events import Kind
from accelsim.network.graph import Network, Population

RowBits = Callable[[npt.NDArray[Any], int], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Demand:
    """Needs of a slice, in the units of the memories: words and axon entries."""

    membrane_words: int
    accumulator_words: int
    axons: int
    synapse_words: int

    def __add__(self, other: "Demand") -> "Demand":
        return Demand(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def excess(self, room: "Demand") -> dict[str, int]:
        """Return what exceeds ``room``, by name."""
        over = {name: getattr(self, name) - getattr(room, name) for name in self.__dataclass_fields__}
        return {name: amount for name, amount in over.items() if amount > 0}


def values_per_word(core: CoreSpec, population: Population, *, integer: bool, loaded: bool = False) -> tuple[int, int]:
    """Return membranes and accumulators per memory word; a bias, exported or loaded, is stored beside its membrane.

    Raises
    ------
    MappingError
        If a value is wider than a word.
    """
    membrane = core.membrane.bits if integer else 32
    accumulator = core.accumulator.bits if integer else 32
    if loaded or (population.bias is not None and bool(np.any(population.bias))):
        membrane += accumulator
    for name, bits, width in (
        ("membrane", membrane, core.membrane.memory.width),
        ("accumulator", accumulator, core.accumulator.memory.width),
    ):
        if bits > width:
            raise MappingError(
                f"population {population.name}: core.{name}.memory.width is {width} bit, one neuron needs {bits} bit "
                f"({'integer' if integer else 'float32'} state{' and bias' if membrane > 32 or integer else ''})"
            )
    return core.membrane.memory.width // membrane, core.accumulator.memory.width // accumulator


def room_of(core: CoreSpec) -> Demand:
    """Return what one core offers."""
    return Demand(
        membrane_words=core.membrane.memory.words,
        accumulator_words=core.accumulator.memory.words // 2,
        axons=core.axon_memory.memory.capacity // core.axon_memory.entry_bits,
        synapse_words=core.synapse_memory.words,
    )


class IncomingRows:
    """Rows of one connection as a core stores them, with the runs sorted by their first target."""

    def __init__(self, connection: Connection, core: CoreSpec, weights: WeightFormat) -> None:
        self.connection = connection
        self._core, self._format = core, weights
        self._order = np.argsort(connection.run_start, kind="stable")
        self._sorted_start = connection.run_start[self._order]

    @cached_property
    def _source_of_run(self) -> npt.NDArray[np.int64]:
        return np.repeat(np.arange(self.connection.n_source), np.diff(self.connection.run_ptr))

    @cached_property
    def _nonzero(self) -> npt.NDArray[np.int64]:
        """Non-zero weights of every row before each offset, (n_rows, run_length + 1)."""
        counts = np.cumsum(self.connection.rows != 0, axis=1, dtype=np.int64)
        return np.concatenate((np.zeros((len(counts), 1), np.int64), counts), axis=1)

    def runs(self, low: int, high: int) -> npt.NDArray[np.int64]:
        """Return the runs with a target in ``low .. high - 1``."""
        length = self.connection.run_length
        first = np.searchsorted(self._sorted_start, low - length, side="right")
        last = np.searchsorted(self._sorted_start, high, side="left")
        return self._order[first:last]

    def axons(self, low: int, high: int) -> npt.NDArray[np.int64]:
        """Return the source neurons that reach the slice with a non-zero weight, ascending."""
        runs = self.runs(low, high)
        start, row = self.connection.run_start[runs], self.connection.run_row[runs]
        first = np.maximum(low - start, 0)
        last = np.minimum(high - start, self.connection.run_length)
        useful = self._nonzero[row, last] > self._nonzero[row, first]
        return np.unique(self._source_of_run[runs[useful]])

    def stored(self, low: int, high: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """Return every row as stored for the slice.

        Returns
        -------
        words : (n_rows,) int32
            Synapse memory words; 0 where the slice does not use the row.
        issued : (n_rows, run_length) uint8
            Positions that the format hands to the lanes.
        """
        connection, runs = self.connection, self.runs(low, high)
        start, row = connection.run_start[runs], connection.run_row[runs]
        n_rows, length = connection.rows.shape
        first, last = np.full(n_rows, length, np.int64), np.zeros(n_rows, np.int64)
        np.minimum.at(first, row, np.maximum(low - start, 0))
        np.maximum.at(last, row, np.minimum(high - start, length))
        words = np.zeros(n_rows, np.int32)
        issued = np.zeros((n_rows, length), np.uint8)
        used = last > first
        for begin, end in {*zip(first[used].tolist(), last[used].tolist(), strict=True)}:
            chosen = np.nonzero(used & (first == begin) & (last == end))[0]
            rows = connection.rows[chosen, begin:end]
            words[chosen] = -(-self._format.row_bits(rows, connection.bits) // self._core.synapse_memory.width)
            issued[chosen, begin:end] = self._format.issued(rows)
        return words, issued

    def stored_words(self, low: int, high: int) -> int:
        """Return the synapse memory words that the slice occupies."""
        words, _ = self.stored(low, high)
        if self._core.conv_storage == "unrolled":
            return int(words[self.connection.run_row[self.runs(low, high)]].sum())
        return int(words.sum())


class DemandModel:
    """Demands of slices of one network on one kind of core.

    With ``bias_current`` the port computes the input's projection: its weights are not in the cores, but every target
    has an axon that loads its bias, and room for it.
    """

    def __init__(self, network: Network, core: CoreSpec, weights: WeightFormat, kind: Kind = "spikes") -> None:
        self._network, self._core = network, core
        self._known: dict[tuple[str, int, int], Demand] = {}
        stored = [edge for edge in network.projections if kind != "bias_current" or edge.source != network.input.name]
        self.incoming = {edge.name: IncomingRows(edge.connection, core, weights) for edge in stored}
        self._loaded = {edge.target for edge in network.projections if edge not in stored}

    def values_per_word(self, name: str) -> tuple[int, int]:
        """Return membranes and accumulators of a population per memory word."""
        population, integer = self._network.populations[name], self._network.integer
        return values_per_word(self._core, population, integer=integer, loaded=name in self._loaded)

    def demand(self, name: str, low: int, high: int) -> Demand:
        """Return what neurons ``low .. high - 1`` of population ``name`` need."""
        key = (name, low, high)
        if key not in self._known:
            self._known[key] = self._demand(name, low, high)
        return self._known[key]

    def _demand(self, name: str, low: int, high: int) -> Demand:
        membranes, accumulators = self.values_per_word(name)
        rows = [self.incoming[edge.name] for edge in self._network.incoming(name) if edge.name in self.incoming]
        count = high - low
        return Demand(
            membrane_words=-(-count // membranes),
            accumulator_words=-(-count // accumulators),
            axons=sum(len(item.axons(low, high)) for item in rows) + (count if name in self._loaded else 0),
            synapse_words=sum(item.stored_words(low, high) for item in rows),
        )
