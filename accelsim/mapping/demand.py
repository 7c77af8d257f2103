"""What a slice of a population needs from the memories of a core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import WeightFormat
from accelsim.errors import MappingError
from accelsim.hardware.spec import CoreSpec, MappingSpec
from accelsim.mapping.patterns import Cut, cut_of
from accelsim.mapping.schedule import Kind as ScheduleKind
from accelsim.mapping.schedule import Schedule
from accelsim.mapping.storage import StoredRows
from accelsim.network.events import Kind
from accelsim.network.graph import Network, Population


@dataclass(frozen=True)
class Demand:
    """Needs of a slice, in the units of the memories: words (of accumulators those of all slots) and axon entries."""

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


class StateLayout(NamedTuple):
    """How the state of a population's neurons lies in memory words.

    All states of a neuron lie beside each other, a bias behind them. Either several neurons share a word, or a neuron
    takes one or more words of its own.

    Attributes
    ----------
    membranes_per_word : int
        Neurons whose states share a word of the membrane memory; 1 where one takes several.
    words_per_membrane : int
        Words that these neurons take: 1, more where a neuron's states are wider than a word, 0 where it has none.
    accumulators_per_word : int
    """

    membranes_per_word: int
    words_per_membrane: int
    accumulators_per_word: int

    def words(self, neurons: int) -> tuple[int, int]:
        """Return the words that some neurons take of the membrane memory, and of one accumulator slot."""
        return -(-neurons // self.membranes_per_word) * self.words_per_membrane, -(
            -neurons // self.accumulators_per_word
        )


def state_layout(core: CoreSpec, population: Population, *, integer: bool, loaded: bool = False) -> StateLayout:
    """Return how a population's state lies in memory; a bias, exported or loaded, is stored beside its membrane.

    Raises
    ------
    MappingError
        If an accumulator is wider than a word.
    """
    accumulator = core.accumulator.bits if integer else 32
    if accumulator > core.accumulator.memory.width:
        raise MappingError(
            f"population {population.name}: core.accumulator.memory.width is {core.accumulator.memory.width} bit, one "
            f"accumulator needs {accumulator} bit ({'integer' if integer else 'float32'})"
        )
    states = 0 if population.model is None else len(population.model.states)
    bits = states * (core.membrane.bits if integer else 32)
    if loaded or (population.bias is not None and bool(np.any(population.bias))):
        bits += accumulator
    words = -(-bits // core.membrane.memory.width)
    membranes = core.membrane.values_in_word(bits) if words == 1 else 1
    return StateLayout(membranes, words, core.accumulator.values_in_word(accumulator))


def room_of(core: CoreSpec) -> Demand:
    """Return what one core offers."""
    return Demand(
        membrane_words=core.membrane.memory.words,
        accumulator_words=core.accumulator.memory.words,
        axons=core.axon_memory.entries,
        synapse_words=core.synapse_memory.words,
    )


def channel_first(population: Population) -> npt.NDArray[np.int32]:
    """Return the neurons of a population channel by channel, (n,)."""
    neurons = np.arange(population.size, dtype=np.int32)
    return neurons.reshape(-1, population.shape[-1]).T.ravel() if len(population.shape) > 1 else neurons


class DemandModel:
    """Demands of parts of one network on one kind of core.

    With ``bias_current`` the port computes the input's projection: its weights are not in the cores, but every target
    has an axon that loads its bias, and room for it.

    Parameters
    ----------
    network, core, weights, kind
    mapping : MappingSpec, optional
        ``order`` and ``slices`` of the chip's mapping: whole pixels and no stated numbers without it.
    schedule : {"pipelined", "native", "sequential"}
    lead : int
        Steps that cores may run ahead of their targets, an accumulator slot each.

    Raises
    ------
    MappingError
        If a number of slices is stated for an unknown population, or is impossible; if the network has no such
        schedule.
    """

    def __init__(
        self,
        network: Network,
        core: CoreSpec,
        weights: WeightFormat,
        kind: Kind = "spikes",
        mapping: MappingSpec | None = None,
        schedule: ScheduleKind = "pipelined",
        lead: int = 0,
    ) -> None:
        self._network, self._core = network, core
        self._known: dict[tuple[str, bytes], list[Demand]] = {}
        plan = Schedule.of(schedule, network, 1)
        self.slots = {name: plan.slots(network, name, lead) for name in network.populations}
        stored = [edge for edge in network.projections if kind != "bias_current" or edge.source != network.input.name]
        self.incoming = {edge.name: StoredRows(edge.connection, core, weights) for edge in stored}
        self._loaded = {edge.target for edge in network.projections if edge not in stored}
        self._by_channel = mapping is not None and mapping.order == "channel"
        self.stated = _stated(network, mapping.slices if mapping is not None else {})

    def layout(self, name: str) -> StateLayout:
        """Return how the state of a population lies in memory."""
        population, integer = self._network.populations[name], self._network.integer
        return state_layout(self._core, population, integer=integer, loaded=name in self._loaded)

    def sequence(self, population: Population) -> npt.NDArray[np.int32]:
        """Return the neurons of a population in the order in which it is cut, (n,)."""
        return channel_first(population) if self._by_channel else np.arange(population.size, dtype=np.int32)

    def granule(self, population: Population) -> int:
        """Return the neurons that stay together: the channels of a pixel, or the pixels of a channel."""
        if len(population.shape) == 1:
            return 1
        channels = population.shape[-1]
        return population.size // channels if self._by_channel else channels

    def state_words(self, name: str, neurons: int) -> tuple[int, int]:
        """Return the membrane and accumulator words of some neurons of a population, all slots together."""
        membranes, accumulators = self.layout(name).words(neurons)
        return membranes, accumulators * self.slots[name]

    def demands(self, name: str, parts: Sequence[npt.NDArray[np.int32]]) -> list[Demand]:
        """Return what each of ``parts``, ascending neurons of population ``name``, needs."""
        cut = cut_of(self._network.populations[name].size, parts)
        key = (name, cut.part.tobytes())
        if key not in self._known:
            self._known[key] = self._demands(name, cut, [len(part) for part in parts])
        return self._known[key]

    def _demands(self, name: str, cut: Cut, sizes: list[int]) -> list[Demand]:
        edges = [edge for edge in self._network.incoming(name) if edge.name in self.incoming]
        axons = np.array(sizes) if name in self._loaded else np.zeros(cut.parts, np.int64)
        words = np.zeros(cut.parts, np.int64)
        for source in dict.fromkeys(edge.source for edge in edges):
            rows = [self.incoming[edge.name] for edge in edges if edge.source == source]
            reached = np.zeros((cut.parts, rows[0].connection.n_source), bool) if len(rows) > 1 else None
            for item in rows:
                more_axons, more_words = item.demand(cut, reached)
                axons, words = axons + more_axons, words + more_words
            axons += 0 if reached is None else np.count_nonzero(reached, axis=1)
        return [
            Demand(*self.state_words(name, size), int(axon), int(word))
            for size, axon, word in zip(sizes, axons, words, strict=True)
        ]


def _stated(network: Network, slices: Mapping[str, int]) -> dict[str, int]:
    known = {name: item for name, item in network.populations.items() if item.model is not None}
    for name, count in slices.items():
        if name not in known:
            raise MappingError(
                f"mapping.slices: expected a population that lives on cores ({', '.join(known)}), got {name!r}"
            )
        if count > known[name].size:
            raise MappingError(
                f"mapping.slices.{name}: expected 1 .. {known[name].size}, one neuron per core at most, got {count}"
            )
    return dict(slices)
