"""Cutting a network that does not fit into groups that do, in the order in which they can run.

A group is a run of populations in topological order; nothing leads from a later group back to an earlier one, so each
can run a whole batch of timesteps before the next. As many populations as fit make a group. One that fits no chip by
itself is cut into slices, each a group, unless it is recurrent.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from accelsim.errors import MappingError, NetworkError
from accelsim.hardware.cores import Cores, cores_of
from accelsim.hardware.memory_spec import AxonMemorySpec, SramSpec
from accelsim.hardware.spec import ChipSpec, CoreSpec
from accelsim.mapping.mapping import Mapping, map_network
from accelsim.network.events import Kind
from accelsim.network.graph import Network
from accelsim.network.section import Pieces, Section, section_of

_MOST_SLICES = 4096


@dataclass(frozen=True, eq=False)
class Group:
    """What runs at a time: a section of the network, mapped to the whole chip.

    Attributes
    ----------
    section : Section
    mapping : Mapping
    kind : {"spikes", "graded", "bias_current"}
        What its input events are.
    value_bits : int
        Width of their values.
    """

    section: Section
    mapping: Mapping
    kind: Kind
    value_bits: int


def group_network(network: Network, chip: ChipSpec, kind: Kind, value_bits: int) -> list[Group]:
    """Return the groups of a network that does not fit a chip, in the order in which they run.

    Raises
    ------
    MappingError
        If even a slice of one population does not fit, or a recurrent part does not fit as a whole.
    """
    room = _half(chip) if chip.layer_serial is not None and chip.layer_serial.double_buffered else chip
    runs = _runs(network)
    groups: list[Group] = []
    at = 0
    while at < len(runs):
        problem: MappingError | None = None
        for last in range(len(runs), at, -1):
            pieces = {name: (0, network.populations[name].size) for run in runs[at:last] for name in run}
            try:
                groups.append(_group(network, room, pieces, kind, value_bits))
            except MappingError as error:
                problem = error
                continue
            at, problem = last, None
            break
        if problem is not None:
            groups += _slices(network, room, runs[at], kind, value_bits, problem)
            at += 1
    return groups


def _runs(network: Network) -> list[list[str]]:
    """Return the populations but the input in order, those together that lead back to each other."""
    names = [name for name in network.order if name != network.input.name]
    place = {name: at for at, name in enumerate(names)}
    ends = list(range(len(names)))  # the last population that must be with this one
    for edge in network.projections:
        if edge.source in place and place[edge.source] > place[edge.target]:
            ends[place[edge.target]] = max(ends[place[edge.target]], place[edge.source])
    runs: list[list[str]] = []
    reach = -1
    for at, name in enumerate(names):
        if at > reach:
            runs.append([])
        runs[-1].append(name)
        reach = max(reach, ends[at])
    return runs


def _group(network: Network, chip: ChipSpec, pieces: Pieces, kind: Kind, value_bits: int) -> Group:
    section = section_of(network, pieces)
    first = network.input.name in section.sources
    if first and kind != "spikes" and len(section.sources) > 1:
        raise MappingError(
            f"layer_serial: {', '.join(pieces)} read values of the input beside spikes of {section.sources[-1]}, which "
            "a group's input cannot mix; encode the input to spikes"
        )
    own = (kind, value_bits) if first else _values(network, chip, section)
    mapping = map_network(section.network, chip, *own, leaving=section.leaving)
    return Group(section, mapping, *own)


def _values(network: Network, chip: ChipSpec, section: Section) -> tuple[Kind, int]:
    """Return what spikes of earlier groups are: numbers where neurons spike several times and the chip sends values."""
    models = [network.populations[name].model for name in section.sources]
    most = [model.most_spikes for model in models if model is not None and model.most_spikes != 1]
    if chip.core.multi_spike == "repeat" or not most:
        return "spikes", 1
    raise MappingError(
        "layer_serial: numbers of spikes are not kept between groups (core.multi_spike: graded); use repeat"
    )


def _slices(
    network: Network, chip: ChipSpec, run: list[str], kind: Kind, value_bits: int, problem: MappingError
) -> list[Group]:
    """Cut one population into the fewest equal slices that fit."""
    name = run[0]
    population = network.populations[name]
    recurrent = len(run) > 1 or any(edge.source == name for edge in network.incoming(name))
    if recurrent:
        raise MappingError(f"layer_serial: {', '.join(run)} lead back to each other and do not fit together: {problem}")
    step = population.shape[-1] if len(population.shape) > 1 else 1
    for count in _counts(population.size // step):
        bounds = [population.size // step * at // count * step for at in range(count + 1)]
        try:
            return [
                _group(network, chip, {name: (first, last)}, kind, value_bits)
                for first, last in itertools.pairwise(bounds)
            ]
        except NetworkError as error:
            raise MappingError(f"layer_serial: population {name} cannot be cut: {error}") from None
        except MappingError as error:
            problem = error
    raise problem


def _counts(units: int) -> Iterator[int]:
    count = 2
    while count <= min(units, _MOST_SLICES):
        yield count
        count += max(1, count // 4)


def _half(chip: ChipSpec) -> ChipSpec:
    """Return the chip with half of the memories that a load writes: the other half takes the next load.

    Raises
    ------
    MappingError
        If a memory has no half of whole words in every bank.
    """

    def halved(memory: SramSpec, place: str) -> SramSpec:
        if memory.capacity % (2 * memory.width * memory.banks):
            raise MappingError(f"layer_serial.double_buffered: {place}.capacity has no half of whole words per bank")
        return memory.model_copy(update={"capacity": memory.capacity // 2})

    def table(spec: AxonMemorySpec, place: str) -> AxonMemorySpec:
        return spec.model_copy(update={"memory": halved(spec.memory, f"{place}.memory")})

    def core(spec: CoreSpec) -> CoreSpec:
        return spec.model_copy(
            update={
                "synapse_memory": halved(spec.synapse_memory, "core.synapse_memory"),
                "axon_memory": table(spec.axon_memory, "core.axon_memory"),
                "routing_memory": table(spec.routing_memory, "core.routing_memory"),
            }
        )

    kinds = {name: core(spec) for name, spec in chip.core_types.items()}
    return chip.model_copy(update={"core": core(chip.core), "core_types": kinds})


def held_bits(group: Group, chip: ChipSpec) -> dict[str, int]:
    """Return the bits that a group's load writes into each memory of the chip: weights, axons and routes."""
    cores: Cores = cores_of(chip)
    bits = {"synapse_memory": 0, "axon_memory": 0, "routing_memory": 0}
    for number, held in group.mapping.occupation.items():
        core = cores.of(number)
        bits["synapse_memory"] += held.synapse_words * core.synapse_memory.width
        bits["axon_memory"] += held.axons * core.axon_memory.entry_bits
        bits["routing_memory"] += int(group.mapping.routing_entries[number]) * core.routing_memory.entry_bits
    return bits
