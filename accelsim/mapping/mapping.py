"""The mapping of a network onto a chip: slices on cores, cores on routers, axons with their costs.

Modelled: capacities of all five memories, unicast routing entries, static row costs with exact bank conflicts.
Not modelled: time-multiplexing of a network that does not fit (an error says what is missing).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import WEIGHT_FORMATS, WeightFormat
from accelsim.errors import MappingError
from accelsim.hardware.spec import ChipSpec, CoreSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES, Fabric, Topology, build_fabric
from accelsim.mapping.axons import AxonBuilder, Axons
from accelsim.mapping.demand import Demand, DemandModel, room_of, values_per_word
from accelsim.mapping.kernels import row_costs
from accelsim.mapping.partition import PARTITIONERS, Slice, pack
from accelsim.mapping.placement import PLACERS
from accelsim.network.events import Kind
from accelsim.network.graph import Network, Projection

Profile = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Part:
    """A slice in its place.

    Attributes
    ----------
    population : str
    low, high : int
        Neurons ``low .. high - 1``.
    terminal : int
        Core (its router's number) or port.
    membrane_word, accumulator_word : int
        First word of the slice in the core's memories.
    membranes_per_word, accumulators_per_word : int
    """

    population: str
    low: int
    high: int
    terminal: int
    membrane_word: int = 0
    accumulator_word: int = 0
    membranes_per_word: int = 1
    accumulators_per_word: int = 1


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on a chip.

    Attributes
    ----------
    fabric : Fabric
        Terminals 0 .. cores - 1 are the cores, in router order; the ports follow in the order of the hardware file.
    cores : int
    parts : tuple of Part
        Core parts in scan order, then the input population's parts at the ports.
    offsets : dict of str to int
        First number of each population in the numbering over all populations.
    axons : Axons
    occupation : dict of int to Demand
        What each used core holds.
    routing_entries : (terminals,) int64
    input_kind : {"spikes", "graded", "bias_current"}
    load_target : str or None
        With ``bias_current``: the population whose biases the port loads.
    """

    fabric: Fabric
    cores: int
    parts: tuple[Part, ...]
    offsets: dict[str, int]
    axons: Axons
    occupation: dict[int, Demand]
    routing_entries: npt.NDArray[np.int64]
    input_kind: Kind
    load_target: str | None

    @property
    def used_cores(self) -> list[int]:
        """Cores that hold neurons, ascending."""
        return sorted(self.occupation)


def map_network(network: Network, chip: ChipSpec, kind: Kind, value_bits: int, profile: Profile | None = None) -> Mapping:
    """Map a network.

    Parameters
    ----------
    network : Network
    chip : ChipSpec
    kind : {"spikes", "graded", "bias_current"}
        What the input events are.
    value_bits : int
        Width of an event's value.
    profile : dict of str to (n,) float64, optional
        Spikes of every neuron, for a placement that follows real traffic; every neuron counts alike without it.

    Raises
    ------
    MappingError
        If the network does not fit (with the layer, the memory, what is missing and what would do), or needs value packets
        on cores without ``mac_lanes``.
    """
    core = chip.core
    if kind == "graded" and core.mac_lanes == 0:
        raise MappingError("input: graded needs packets with values, but core.mac_lanes is 0; use encoded spikes or bias_current")
    weights = WEIGHT_FORMATS.get(core.weight_format)()
    topology = TOPOLOGIES.get(chip.noc.topology)(chip.noc.size)
    room = room_of(core)
    model = DemandModel(network, core, weights)
    slices = PARTITIONERS.get(chip.mapping.partition)(network, model, room, topology.routers)
    chosen = pack(slices, room, topology.routers, core)
    logical = _parts(network, core, slices, chosen)
    fabric = _fabric(topology, chip)
    inputs = _input_parts(network, chip, topology.routers, kind)
    offsets, sources = _offsets(network, kind)
    axons = _build_axons(network, chip, model, weights, logical, offsets, kind, value_bits).build(sources)
    position = _place(chip, fabric, topology.routers, [*logical, *inputs], offsets, axons, profile)
    return _placed(network, chip, topology, fabric, slices, chosen, logical, inputs, offsets, axons, position, kind)


def _parts(network: Network, core: CoreSpec, slices: list[Slice], chosen: list[int]) -> list[Part]:
    used: dict[int, tuple[int, int]] = {}
    parts = []
    for item, terminal in zip(slices, chosen, strict=True):
        membranes, accumulators = values_per_word(core, network.populations[item.population], integer=network.integer)
        membrane_word, accumulator_word = used.get(terminal, (0, 0))
        parts.append(
            Part(item.population, item.low, item.high, terminal, membrane_word, accumulator_word, membranes, accumulators)
        )
        used[terminal] = (membrane_word + item.demand.membrane_words, accumulator_word + item.demand.accumulator_words)
    return parts


def _fabric(topology: Topology, chip: ChipSpec) -> Fabric:
    attachments = list(range(topology.routers)) + [topology.router_at(port.router) for port in chip.ports]
    return build_fabric(topology, attachments)


def _ports(chip: ChipSpec, direction: str, cores: int) -> list[int]:
    return [cores + at for at, port in enumerate(chip.ports) if port.direction in (direction, "both")]


def _input_parts(network: Network, chip: ChipSpec, cores: int, kind: Kind) -> list[Part]:
    """Cut the input population, or with bias_current the biases that it loads, among the input ports."""
    name = network.input.name
    size = network.input.size
    if kind == "bias_current":
        size = network.populations[_first_edge(network).target].size
    ports = _ports(chip, "input", cores)
    bounds = [round(size * at / len(ports)) for at in range(len(ports) + 1)]
    return [Part(name, bounds[at], bounds[at + 1], port) for at, port in enumerate(ports)]


def _first_edge(network: Network) -> Projection:
    edges = network.outgoing(network.input.name)
    if len(edges) != 1:
        raise MappingError(f"input: bias_current loads the biases of one population, the input has {len(edges)} projections")
    return edges[0]


def _offsets(network: Network, kind: Kind) -> tuple[dict[str, int], int]:
    """Number the sources of packets over all populations; a port that loads biases has one source per bias."""
    offsets, total = {}, 0
    for name, population in network.populations.items():
        offsets[name] = total
        loads = kind == "bias_current" and name == network.input.name
        total += network.populations[_first_edge(network).target].size if loads else population.size
    return offsets, total


def packet_flits(chip: ChipSpec, payload: int) -> int:
    """Return the flits of a packet: destination, axon number and ``payload`` bits."""
    terminals = int(np.prod(chip.noc.size)) + len(chip.ports)
    entries = chip.core.axon_memory.memory.capacity // chip.core.axon_memory.entry_bits
    bits = (terminals - 1).bit_length() + max(1, entries - 1).bit_length() + payload
    return -(-bits // chip.noc.flit_bits)


def _build_axons(
    network: Network, chip: ChipSpec, model: DemandModel, weights: WeightFormat, parts: list[Part], offsets: dict[str, int],
    kind: Kind, value_bits: int,
) -> AxonBuilder:
    core, builder = chip.core, AxonBuilder()
    for part in parts:
        for edge in network.incoming(part.population):
            from_input = edge.source == network.input.name
            if from_input and kind == "bias_current":
                loads = np.arange(part.low, part.high) + offsets[edge.source]
                costs = np.zeros((len(loads), 8), dtype=np.int64)
                costs[:, 0] = costs[:, 1] = costs[:, 7] = 1  # one write of the bias beside the membrane
                builder.add(loads, part.terminal, packet_flits(chip, core.accumulator.bits), costs, macs=False)
                continue
            graded = from_input and kind == "graded"
            incoming = model.incoming[edge.name]
            sources = incoming.axons(part.low, part.high)
            connection = edge.connection
            nonzero = (connection.rows != 0).astype(np.uint8)
            issued = nonzero if core.skip_zero_weights else weights.issued(connection.rows).astype(np.uint8)
            costs = np.zeros((connection.n_source, 8), dtype=np.int64)
            row_costs(
                connection.run_ptr, connection.run_row, connection.run_start, part.low, part.high,
                part.accumulator_word * part.accumulators_per_word, issued, nonzero, incoming.row_words(part.low, part.high),
                core.mac_lanes if graded else core.synapse_lanes, core.synapse_memory.banks, core.accumulator.memory.banks,
                part.accumulators_per_word, core.accumulator.memory.rmw_slots, costs,
            )
            flits = packet_flits(chip, value_bits if graded else 0)
            builder.add(sources + offsets[edge.source], part.terminal, flits, costs[sources], macs=graded)
    _output_axons(network, chip, builder, offsets)
    return builder


def _output_axons(network: Network, chip: ChipSpec, builder: AxonBuilder, offsets: dict[str, int]) -> None:
    cores = int(np.prod(chip.noc.size))
    ports = _ports(chip, "output", cores)
    output = network.output
    readout = output.model is not None and not output.model.spiking
    flits = packet_flits(chip, chip.core.membrane.bits if readout else 0)
    neurons = np.arange(output.size)
    for at, terminal in enumerate(ports):
        mine = neurons[at :: len(ports)]
        costs = np.zeros((len(mine), 8), dtype=np.int64)
        costs[:, 0] = costs[:, 1] = chip.ports[terminal - cores].cycles_per_event
        builder.add(mine + offsets[output.name], terminal, flits, costs, macs=False)


def _place(
    chip: ChipSpec, fabric: Fabric, cores: int, parts: list[Part], offsets: dict[str, int], axons: Axons,
    profile: Profile | None,
) -> npt.NDArray[np.int64]:
    home = np.zeros(axons.neurons, dtype=np.int64)
    rate = np.ones(axons.neurons)
    for part in parts:
        home[offsets[part.population] + part.low : offsets[part.population] + part.high] = part.terminal
    for name, spikes in (profile or {}).items():
        rate[offsets[name] : offsets[name] + len(spikes)] = spikes
    traffic = np.zeros((fabric.terminals, fabric.terminals))
    np.add.at(traffic, (home[axons.source], axons.rows["terminal"]), rate[axons.source])
    routers = fabric.terminal_router.astype(np.int64)
    distance = fabric.topology.hops(routers[:, None], routers[None, :])
    return PLACERS.get(chip.mapping.placement)(traffic, distance, cores)


def _placed(
    network: Network, chip: ChipSpec, topology: Topology, fabric: Fabric, slices: list[Slice], chosen: list[int],
    logical: list[Part], inputs: list[Part], offsets: dict[str, int], axons: Axons, position: npt.NDArray[np.int64], kind: Kind,
) -> Mapping:
    terminal = np.arange(fabric.terminals)
    terminal[: topology.routers] = position
    parts = [replace(part, terminal=int(terminal[part.terminal])) for part in logical]
    rows = axons.rows.copy()
    rows["terminal"] = terminal[rows["terminal"]]
    order = np.lexsort((rows["terminal"], axons.source))
    placed = Axons(axons.source[order], rows[order], axons.neurons)
    occupation: dict[int, Demand] = {}
    for item, logical_core in zip(slices, chosen, strict=True):
        core = int(terminal[logical_core])
        occupation[core] = occupation[core] + item.demand if core in occupation else item.demand
    parts.sort(key=lambda part: part.terminal)
    mapping = Mapping(
        fabric=fabric, cores=topology.routers, parts=(*parts, *inputs), offsets=offsets, axons=placed, occupation=occupation,
        routing_entries=_routing_entries(parts, offsets, placed, fabric.terminals), input_kind=kind,
        load_target=_first_edge(network).target if kind == "bias_current" else None,
    )
    _check_routing(chip, mapping)
    return mapping


def _routing_entries(
    parts: list[Part], offsets: dict[str, int], axons: Axons, terminals: int
) -> npt.NDArray[np.int64]:
    ptr, entries = axons.out_ptr(), np.zeros(terminals, dtype=np.int64)
    for part in parts:
        first = offsets[part.population]
        entries[part.terminal] += ptr[first + part.high] - ptr[first + part.low]
    return entries


def _check_routing(chip: ChipSpec, mapping: Mapping) -> None:
    spec = chip.core.routing_memory
    capacity = spec.memory.capacity // spec.entry_bits
    worst = int(np.argmax(mapping.routing_entries[: mapping.cores]))
    need = int(mapping.routing_entries[worst])
    if need > capacity:
        layers = ", ".join(part.population for part in mapping.parts if part.terminal == worst)
        raise MappingError(
            f"core[{worst}] ({layers}): core.routing_memory needs {need} entries of {spec.entry_bits} bit, has {capacity}, "
            f"{need - capacity} missing; it would fit with at least {need * spec.entry_bits} bit, or with the layer on more cores"
        )
