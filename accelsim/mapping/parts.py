"""Slices in their place: which terminal executes which neurons, and where their state lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.hardware.cores import Cores
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.assign import assign
from accelsim.mapping.demand import Demand, DemandModel
from accelsim.mapping.partition import PARTITIONERS, pack
from accelsim.mapping.patterns import Patterns, cut_of, find_patterns
from accelsim.mapping.storage import Held, held_rows
from accelsim.network.events import Kind
from accelsim.network.graph import Network, Projection


@dataclass(frozen=True, eq=False)
class Part:
    """A slice in its place.

    Attributes
    ----------
    population : str
    neurons : (n,) int32
        Ascending numbers in the population; a neuron's place in this list is its local address.
    terminal : int
        Core or port.
    membrane_word, accumulator_word : int
        First word of the slice in the membrane memory, and in every slot of the accumulators.
    membranes_per_word, words_per_membrane, accumulators_per_word : int
        See :class:`accelsim.mapping.demand.StateLayout`.
    """

    population: str
    neurons: npt.NDArray[np.int32]
    terminal: int
    membrane_word: int = 0
    accumulator_word: int = 0
    membranes_per_word: int = 1
    words_per_membrane: int = 1
    accumulators_per_word: int = 1


@dataclass(frozen=True, eq=False)
class Draft:
    """A network cut into parts on logical cores, before the cores have a place.

    Attributes
    ----------
    parts : tuple of Part
        Parts on cores.
    inputs : tuple of Part
        Parts of the input population at the ports.
    occupation : dict of int to Demand
        What each used core holds.
    offsets : dict of str to int
        First number of each population in the numbering of packet sources.
    sources : int
        Packet sources of all populations.
    cores : int
        Cores of the chip; the ports are numbered after them.
    kind : {"spikes", "graded", "bias_current"}
    load_target : str or None
        With ``bias_current``: the population whose biases the port loads.
    models : mapping of str to DemandModel
        By kind of core.
    known : dict
        What :meth:`pieces` has made.
    """

    parts: tuple[Part, ...]
    inputs: tuple[Part, ...]
    occupation: dict[int, Demand]
    offsets: dict[str, int]
    sources: int
    cores: int
    kind: Kind
    load_target: str | None
    models: Mapping[str, DemandModel]
    known: dict[tuple[str, bytes], tuple[Patterns, Held]] = field(default_factory=dict, repr=False)

    def parts_of(self, population: str) -> list[Part]:
        """Return the parts of a population on cores."""
        return [part for part in self.parts if part.population == population]

    def pieces(self, edge: Projection, modulo: npt.NDArray[np.int64]) -> tuple[Patterns, Held]:
        """Return how a projection's runs fall into the parts of its target, and what these store.

        Parameters
        ----------
        edge : Projection
        modulo : (parts,) int64
            By part: accumulator addresses that differ by a multiple of it cost the same.
        """
        key = edge.name, modulo.tobytes()
        if key not in self.known:
            parts = self.parts_of(edge.target)
            first = np.array([part.accumulator_word * part.accumulators_per_word for part in parts], np.int64)
            cut = cut_of(edge.connection.n_target, [part.neurons for part in parts])
            patterns = find_patterns(edge.connection, cut, first, modulo)
            self.known[key] = patterns, held_rows(patterns, len(parts))
        return self.known[key]


def ports_of(chip: ChipSpec, direction: str, cores: int) -> list[int]:
    """Return the terminals of the ports of a direction; ports are numbered after the cores."""
    return [cores + at for at, port in enumerate(chip.ports) if port.direction in (direction, "both")]


def draft(
    network: Network,
    chip: ChipSpec,
    models: Mapping[str, DemandModel],
    cores: Cores,
    kind: Kind,
    multiplies: frozenset[str],
) -> Draft:
    """Cut a network into parts.

    Parameters
    ----------
    network, chip
    models : mapping of str to DemandModel
        By kind of core.
    cores, kind
    multiplies : frozenset of str
        Populations that values reach.

    Raises
    ------
    MappingError
        If it does not fit, ``bias_current`` is asked for an input with several projections, or an input with
        projections meets a chip without input port.
    """
    cut = PARTITIONERS.get(chip.mapping.partition)
    parts: list[Part] = []
    occupation: dict[int, Demand] = {}
    begun: dict[int, int] = {}
    for name, populations in assign(network, cores, models, multiplies).items():
        model, spec, numbers = models[name], cores.kinds[name], cores.numbers(name)
        slices = cut(populations, model, spec, len(numbers))
        for item, place in zip(slices, pack(slices, spec, len(numbers)), strict=True):
            core = int(numbers[place])
            held, begin = occupation.get(core, Demand(0, 0, 0, 0)), begun.get(core, 0)
            layout = model.layout(item.population)
            parts.append(Part(item.population, item.neurons, core, held.membrane_words, begin, *layout))
            occupation[core] = held + item.demand
            begun[core] = begin + layout.words(len(item.neurons))[1]
    load_target = _only_projection(network).target if kind == "bias_current" else None
    input_sources = network.populations[load_target or network.input.name].size
    offsets, total = {}, 0
    for name, population in network.populations.items():
        offsets[name] = total
        total += input_sources if name == network.input.name else population.size
    ports = ports_of(chip, "input", cores.count)
    if not ports and network.outgoing(network.input.name):
        raise MappingError(
            f"ports: {network.input.name} sends events into the network, but the chip has no input port: expected one "
            "with direction input or both, got "
            + (", ".join(f"{port.name} ({port.direction})" for port in chip.ports) or "no ports")
        )
    bounds = [round(input_sources * at / len(ports)) for at in range(1, len(ports))]
    everyone = np.split(np.arange(input_sources, dtype=np.int32), bounds)[: len(ports)]
    inputs = [Part(network.input.name, neurons, port) for neurons, port in zip(everyone, ports, strict=True)]
    return Draft(tuple(parts), tuple(inputs), occupation, offsets, total, cores.count, kind, load_target, models)


def _only_projection(network: Network) -> Projection:
    edges = network.outgoing(network.input.name)
    if len(edges) != 1:
        raise MappingError(
            f"input: bias_current loads the biases of one population, but the input has {len(edges)} projections"
        )
    return edges[0]
