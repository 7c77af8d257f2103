"""The mapping of a network onto a chip: parts on cores, cores on routers, axons with their costs.

Modelled: capacities of all five memories, accumulator slots for every step that a spike may wait, routing entries (one
per core reached, or one and multicast trees with the routers' tables), static row costs with exact bank conflicts. Not
modelled: time-multiplexing of a network that does not fit (an error says what is missing).
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import WEIGHT_FORMATS, adds_zeros
from accelsim.errors import MappingError
from accelsim.hardware.core_types import BASE
from accelsim.hardware.cores import Cores, cores_of
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES, Fabric, Topology, build_fabric
from accelsim.mapping.axons import Axons
from accelsim.mapping.demand import Demand, DemandModel
from accelsim.mapping.multicast import multicast_trees
from accelsim.mapping.parts import Draft, Part, draft
from accelsim.mapping.placement import PLACERS
from accelsim.mapping.synapses import address_bits, build_axons, value_widths
from accelsim.mapping.trees import Trees
from accelsim.network.events import Kind
from accelsim.network.graph import Network

Profile = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on a chip.

    Attributes
    ----------
    fabric : Fabric
        Terminals 0 .. cores - 1 are the cores, ``noc.concentration`` on each router in turn; the ports follow in the
        order of the hardware file.
    cores : int
    layout : Cores
        Which core is of which kind.
    parts : tuple of Part
        Core parts by terminal, in scan order, then the input population's parts at the ports.
    offsets : dict of str to int
        First number of each population among the packet sources.
    axons : Axons
    occupation : dict of int to Demand
        What each used core holds.
    routing_entries : (terminals,) int64
    load_target : str or None
        With ``bias_current``: the population whose biases the port loads.
    graded : frozenset of str
        Populations whose packets carry a value: graded events, or numbers of spikes on a chip with ``multi_spike:
        graded``. A neuron of any other population that spikes several times at once sends as many packets.
    value_bits : int
        Width of the widest value that is multiplied at a synapse, bit; 1 where none is.
    trees : Trees or None
        With ``noc.multicast``: how each packet forks; without it a neuron sends a packet to every core.
    """

    fabric: Fabric
    cores: int
    layout: Cores
    parts: tuple[Part, ...]
    offsets: dict[str, int]
    axons: Axons
    occupation: dict[int, Demand]
    routing_entries: npt.NDArray[np.int64]
    load_target: str | None
    graded: frozenset[str]
    value_bits: int
    trees: Trees | None = None

    @property
    def used_cores(self) -> list[int]:
        """Cores that hold neurons, ascending."""
        return sorted(self.occupation)

    def packets_per_spike(self) -> npt.NDArray[np.int64]:
        """Return the packets that every packet source sends for a spike, (sources,)."""
        reached = np.diff(self.axons.ptr)
        return reached if self.trees is None else np.minimum(reached, 1)

    def flits_per_spike(self) -> npt.NDArray[np.int64]:
        """Return the flits that routers pass on for a spike of every packet source, (sources,)."""
        if self.trees is not None:
            return self.trees.flit_hops()
        routers, home = self.fabric.terminal_router.astype(np.int64), self.home()
        hops = self.fabric.topology.hops(routers[home[self.axons.source()]], routers[self.axons.terminal]) + 1
        return np.diff(np.concatenate(([0], np.cumsum(hops * self.axons.of("flits"))))[self.axons.ptr])

    def home(self) -> npt.NDArray[np.int64]:
        """Return the terminal of every packet source, (sources,)."""
        return _home(self.parts, self.offsets, self.axons.neurons)


def map_network(
    network: Network,
    chip: ChipSpec,
    kind: Kind,
    value_bits: int,
    profile: Profile | None = None,
    *,
    leaving: frozenset[str] | None = None,
    plan: Draft | None = None,
) -> Mapping:
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
    leaving : frozenset of str, optional
        Populations that send to the output ports: the network's output if not given.
    plan : Draft, optional
        What :func:`draft_network` made of the same network for a chip of the same memories; made if not given.

    Raises
    ------
    MappingError
        If the network does not fit (with the layer, the memory, what is missing and what would do), needs value
        packets on cores without ``mac_lanes``, or recurs faster than the schedule allows.
    """
    if plan is None:
        plan = draft_network(network, chip, kind, value_bits)
    widths = value_widths(network, chip, kind, value_bits)
    layout, fabric = cores_of(chip), fabric_of(chip)
    outside = frozenset({network.output.name}) if leaving is None else leaving
    axons = build_axons(network, chip, layout, plan, widths, outside)
    place = np.arange(fabric.terminals)
    place[: layout.count] = _positions(chip, fabric, layout, plan, axons, profile or {})
    mapping = _placed(fabric, layout, plan, axons, place, widths)
    _check_entries(chip, mapping)
    _check_packets(chip, mapping)
    if chip.noc.multicast is not None:
        trees = multicast_trees(chip.noc, fabric, mapping.home(), mapping.axons)
        entries = np.bincount(mapping.home(), np.diff(mapping.axons.ptr) > 0, fabric.terminals).astype(np.int64)
        mapping = replace(mapping, trees=trees, routing_entries=entries)
    _check_routing(mapping)
    return mapping


def draft_network(network: Network, chip: ChipSpec, kind: Kind, value_bits: int) -> Draft:
    """Cut a network into parts that fit a chip's cores: what does not depend on lanes, banks, queues and routers.

    Parameters and errors as of :func:`map_network`.
    """
    if chip.core.source_synapses is not None:
        raise MappingError(
            f"{chip.name}: core.source_synapses: networks are not placed on cores that hold synapses at their source; "
            "such a chip runs networks from its own memory images, as accelsim validate yana does"
        )
    widths = value_widths(network, chip, kind, value_bits)
    layout = cores_of(chip)
    multiplies = frozenset(edge.target for edge in network.projections if edge.source in widths)
    _check_lanes(network, layout, widths)
    return draft(network, chip, demand_models(network, chip, layout, kind), layout, kind, multiplies)


def fabric_of(chip: ChipSpec) -> Fabric:
    """Return the routers and links of a chip, with its cores and ports on them."""
    places = tuple(port.router for port in chip.ports)
    topology = TOPOLOGIES.get(chip.noc.topology)
    return _fabric(topology, tuple(chip.noc.size), cores_of(chip).count, chip.noc.concentration, places)


@functools.lru_cache(maxsize=16)
def _fabric(
    topology: type[Topology], size: tuple[int, ...], cores: int, on_each: int, ports: tuple[tuple[int, ...], ...]
) -> Fabric:
    found = topology(size)
    return build_fabric(found, [*(core // on_each for core in range(cores)), *map(found.router_at, ports)])


def demand_models(network: Network, chip: ChipSpec, layout: Cores, kind: Kind) -> dict[str, DemandModel]:
    """Return what populations need on every kind of core.

    Raises
    ------
    MappingError
        If kinds differ in whether a stored zero is added, or as :class:`accelsim.mapping.demand.DemandModel`.
    """
    models = {}
    adds = {}
    for name, core in layout.kinds.items():
        weights = WEIGHT_FORMATS.get(core.weight_format)()
        models[name] = DemandModel(network, core, weights, kind, chip.mapping, chip.schedule, chip.lead)
        adds[name] = adds_zeros(core.weight_format, skip_zero_weights=core.skip_zero_weights)
    if len(set(adds.values())) > 1:
        raise MappingError(
            "core_types: expected kinds of core that agree in whether a stored zero is added (weight_format and "
            "skip_zero_weights), since which neurons are updated depends on it, got "
            + ", ".join(f"{name}: {'added' if added else 'skipped'}" for name, added in adds.items())
        )
    return models


def place_of(layout: Cores, core: int) -> str:
    """Return where the hardware file describes a core."""
    name = layout.name(core)
    return name if name == BASE else f"core_types.{name}"


def _home(parts: tuple[Part, ...], offsets: dict[str, int], sources: int) -> npt.NDArray[np.int64]:
    home = np.zeros(sources, dtype=np.int64)
    for part in parts:
        home[offsets[part.population] + part.neurons] = part.terminal
    return home


def _positions(
    chip: ChipSpec, fabric: Fabric, layout: Cores, plan: Draft, axons: Axons, profile: Profile
) -> npt.NDArray[np.int64]:
    """Return the place of every logical core."""
    home = _home((*plan.parts, *plan.inputs), plan.offsets, plan.sources)
    rate = np.ones(plan.sources)
    for name, spikes in profile.items():
        if plan.load_target is not None and plan.offsets[name] == 0:
            continue  # the port loads every bias once, whatever the input's events are
        rate[plan.offsets[name] : plan.offsets[name] + len(spikes)] = spikes
    source, size = axons.source(), fabric.terminals
    traffic = np.zeros((size, size))
    traffic.ravel()[:] = np.bincount(home[source] * size + axons.terminal, rate[source], size * size)
    positions = PLACERS.get(chip.mapping.placement)(traffic, fabric, layout.kind)
    if sorted(positions.tolist()) != list(range(layout.count)):
        raise MappingError(f"placement {chip.mapping.placement!r} does not give every core a position of its own")
    if (layout.kind[positions] != layout.kind).any():
        raise MappingError(f"placement {chip.mapping.placement!r} puts a core where one of another kind is")
    return positions


def _check_lanes(network: Network, layout: Cores, widths: dict[str, int]) -> None:
    """Refuse values on cores that cannot multiply."""
    if layout.each(lambda core: core.mac_lanes).any():
        return
    if network.input.name in widths:
        raise MappingError(
            "input: graded needs packets with values, but core.mac_lanes is 0; use encoded spikes or bias_current"
        )
    for name in widths:
        if network.outgoing(name):
            raise MappingError(
                f"population {name}: its neurons may spike several times in a timestep, which core.multi_spike graded "
                "sends as a value, but core.mac_lanes is 0; use core.multi_spike repeat"
            )


def _placed(
    fabric: Fabric, layout: Cores, plan: Draft, axons: Axons, place: npt.NDArray[np.int64], widths: dict[str, int]
) -> Mapping:
    """Rename logical cores to places."""
    parts = sorted(
        (replace(part, terminal=int(place[part.terminal])) for part in plan.parts), key=lambda part: part.terminal
    )
    home = _home((*parts, *plan.inputs), plan.offsets, plan.sources)
    return Mapping(
        fabric=fabric,
        cores=layout.count,
        layout=layout,
        parts=(*parts, *plan.inputs),
        offsets=plan.offsets,
        axons=axons.placed(place),
        occupation={int(place[core]): demand for core, demand in plan.occupation.items()},
        routing_entries=np.bincount(home, np.diff(axons.ptr), fabric.terminals).astype(np.int64),
        load_target=plan.load_target,
        graded=frozenset(widths),
        value_bits=max(widths.values(), default=1),
    )


def _check_entries(chip: ChipSpec, mapping: Mapping) -> None:
    """Refuse routing entries that cannot name a destination and an axon."""
    need = address_bits(chip, mapping.layout)
    widths = mapping.layout.each(lambda core: core.routing_memory.entry_bits)
    core = int(np.argmin(widths))
    have = int(widths[core])
    if have < need:
        raise MappingError(
            f"{place_of(mapping.layout, core)}.routing_memory.entry_bits: expected at least {need} (the key of a "
            f"multicast packet, or destination and axon of {mapping.fabric.terminals} terminals and the axon memory's "
            f"entries), got {have}"
        )


def _check_packets(chip: ChipSpec, mapping: Mapping) -> None:
    """Refuse packets that are longer than the queue that must hold them whole."""
    own = mapping.layout.each(lambda core: core.input_queue)
    depth = np.concatenate((own, np.array([port.input_queue for port in chip.ports], np.int64)))
    flits, target = mapping.axons.of("flits"), mapping.axons.terminal
    worst = int(np.argmax(flits - depth[target])) if len(target) else 0
    if len(target) and flits[worst] > depth[target[worst]]:
        terminal = int(target[worst])
        inside = terminal < mapping.cores
        name = place_of(mapping.layout, terminal) if inside else f"ports[{terminal - mapping.cores}]"
        raise MappingError(
            f"{name}.input_queue holds {depth[terminal]} flits, a packet has {flits[worst]} of "
            f"{chip.noc.flit_bits} bit; deepen the queue or widen noc.flit_bits"
        )


def _check_routing(mapping: Mapping) -> None:
    room = mapping.layout.each(lambda core: core.routing_memory.entries)
    worst = int(np.argmax(mapping.routing_entries[: mapping.cores] - room))
    need, capacity = int(mapping.routing_entries[worst]), int(room[worst])
    spec = mapping.layout.of(worst).routing_memory
    if need > capacity:
        layers = ", ".join(part.population for part in mapping.parts if part.terminal == worst)
        raise MappingError(
            f"core[{worst}] ({layers}): {place_of(mapping.layout, worst)}.routing_memory needs {need} entries of "
            f"{spec.entry_bits} bit, has {capacity}, {need - capacity} missing; it would fit with at least "
            f"{need * spec.entry_bits} bit, or with the layer on more cores"
        )
