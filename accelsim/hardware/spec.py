"""What a chip is: the specification that a YAML file describes, part by part.

Modelled: one clock domain, a network of routers, neuron cores of one or several kinds, I/O ports, the node, where each
energy comes from, and the MAC array of the baseline. Not modelled: analog circuits, on-chip learning, several clock
domains.
Quantities are in the canonical units of :mod:`accelsim.units`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StringConstraints, model_validator

from accelsim.hardware.barrier_spec import BarrierSpec
from accelsim.hardware.core_types import BASE, CoreRunSpec, inherited, problem_of_types
from accelsim.hardware.elastic_spec import ElasticSpec, SourceSynapsesSpec
from accelsim.hardware.layer_serial_spec import LayerSerialSpec
from accelsim.hardware.memory_spec import AxonMemorySpec, DramSpec, SramSpec, StateMemorySpec
from accelsim.hardware.port_spec import PortSpec
from accelsim.hardware.quantities import (
    Count,
    CountOrZero,
    Frequency,
    Length,
    Name,
    Spec,
    Tick,
)
from accelsim.hardware.technology_spec import EnergiesSpec, ProvenanceSpec, TechnologySpec

MAX_ROUTERS = 4096
"""Largest network of routers; routing tables grow with its square."""


class CoreTimingSpec(Spec):
    """Cycles of a core's engines, where an action takes more than its share of a pipeline.

    Beside them stand what banks, lanes and queues add; the shortest are 1 for what occupies an engine and 0 for what is
    hidden in a pipeline.
    """

    scan_cycles: Annotated[Count, Field(le=65536)]
    """A group of ``neuron_lanes`` neurons that is visited; more where a memory bank needs more."""
    update_cycles: Annotated[CountOrZero, Field(le=65536)]
    """Added for a group with a neuron that has input, state or bias."""
    spike_cycles: Annotated[CountOrZero, Field(le=65536)]
    """Added for a group with a neuron that fires."""
    axon_out_cycles: Annotated[Count, Field(le=65536)]
    """One routing entry, read and sent."""
    axon_in_cycles: Annotated[CountOrZero, Field(le=65536)]
    """Added to the rows of every packet: reading its axon where that does not overlap with the row before."""
    synapse_cycles: Annotated[Count, Field(le=65536)]
    """A group of lanes; more where an accumulator bank needs more."""


class CoreSpec(Spec):
    """A neuron core: synapse engine, neuron engine, axon-out, their queues and memories."""

    synapse_lanes: Annotated[Count, Field(le=4096)]
    """Accumulate units: targets of a stored row taken per cycle."""
    mac_lanes: Annotated[CountOrZero, Field(le=4096)]
    """Multiply-accumulate units for packets that carry a value; 0 refuses graded input."""
    neuron_lanes: Annotated[Count, Field(le=4096)]
    """Neurons updated per cycle."""
    accumulator_slots: Annotated[Count, Field(ge=2, le=16)] = 2
    """Steps that accumulators hold apart, for spikes that wait one step: 2 are read and added to in turn; more let
    sources run ahead where ``synchronization`` is ``dependency``."""
    scan: Literal["all", "touched"]
    """Which neurons the neuron engine visits; touched = input, state or bias is not zero."""
    input_queue: Annotated[Count, Field(le=65536)]
    """Flits that wait for the synapse engine, per virtual channel."""
    spike_fifo: Annotated[Count, Field(le=65536)]
    """Fired neurons that wait for axon-out."""
    injection_queue: Annotated[Count, Field(le=65536)]
    """Packets that wait for the router."""
    pipeline_drain: Annotated[CountOrZero, Field(le=10000)]
    """Cycles that empty the pipelines at the end of a step."""
    timing: CoreTimingSpec
    weight_format: Name
    skip_zero_weights: StrictBool
    """True: stored zeros are dropped before the lanes (they are still fetched)."""
    conv_storage: Literal["shared", "unrolled"]
    multi_spike: Literal["repeat", "graded"]
    """What a neuron sends that spikes n times in a timestep: n packets, or one that carries n and is multiplied."""
    axon_memory: AxonMemorySpec
    routing_memory: AxonMemorySpec
    synapse_memory: SramSpec
    membrane: StateMemorySpec
    accumulator: StateMemorySpec
    source_synapses: SourceSynapsesSpec | None = None
    """Left out: a packet names an axon, and the core that it reaches holds the synapses."""


class RouterSpec(Spec):
    """An input-queued virtual-channel router with BookSim2's meaning of every delay (cycles).

    A stage of several cycles is not pipelined, as in BookSim2: it takes up all that waits for it, and the next lot when
    it has finished with this one.
    """

    virtual_channels: Annotated[Count, Field(le=32)]
    buffer_flits: Annotated[Count, Field(le=1024)]
    """Buffer depth of each virtual channel."""
    routing_delay: Annotated[CountOrZero, Field(le=64)]
    """0 is look-ahead routing."""
    speculative: StrictBool
    """True: a head bids for the switch while it asks for a virtual channel."""
    vc_alloc_delay: Annotated[Count, Field(le=64)]
    switch_alloc_delay: Annotated[Count, Field(le=64)]
    switch_delay: Annotated[Count, Field(le=64)]
    link_delay: Annotated[Count, Field(le=64)]
    credit_delay: Annotated[CountOrZero, Field(le=64)]

    @property
    def forks(self) -> bool:
        """Whether its packets may fork."""
        return not self.speculative and (self.vc_alloc_delay, self.switch_alloc_delay) == (1, 1)

    @model_validator(mode="after")
    def _speculates_in_one_cycle(self) -> Self:
        if self.speculative and (self.vc_alloc_delay, self.switch_alloc_delay) != (1, 1):
            raise ValueError("speculative needs a vc_alloc_delay and a switch_alloc_delay of one cycle")
        return self


class FixedLatencySpec(Spec):
    """A network of links with fixed delays and finite queues, as asynchronous ones are (cycles).

    Every router has a queue for each link that leaves it. The packet at its head takes the link as soon as the queue
    that it needs next has room: first come, first served.
    """

    delay: Annotated[tuple[Annotated[Count, Field(le=4096)], ...], Field(min_length=1, max_length=3)]
    """From the queue of one router to that of the next, along each dimension."""
    interval: Annotated[tuple[Annotated[Count, Field(le=4096)], ...], Field(min_length=1, max_length=3)]
    """Between two flits on one link, along each dimension."""
    local_delay: Annotated[Count, Field(le=4096)]
    """From a core to its router, and from a router to its core."""
    queue_packets: Annotated[Count, Field(le=1024)]
    """Packets that wait for a link."""


class MulticastSpec(AxonMemorySpec):
    """Packets that fork; every router's table (key, mask, ports). A packet's ``key_bits`` name its source neuron."""

    key_bits: Annotated[Count, Field(le=128)]


class NocSpec(Spec):
    """Topology and links: one of ``router``, ``fixed_latency``, ``elastic``; without ``multicast`` none forks."""

    topology: Name
    size: Annotated[tuple[Count, ...], Field(min_length=1, max_length=3)]
    """Routers along each dimension; of a tree, its leaves and its levels."""
    concentration: Annotated[Count, Field(le=60)]
    """Cores per router (of a tree, per leaf): core c hangs on router c // concentration."""
    flit_bits: Annotated[Count, Field(le=1024)]
    link_length: Length
    router: RouterSpec | None = None
    fixed_latency: FixedLatencySpec | None = None
    elastic: ElasticSpec | None = None
    multicast: MulticastSpec | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.multicast is not None and not (self.router is not None and self.router.forks):
            raise ValueError("multicast needs a router: not speculative, VC and switch allocation of one cycle each")
        if [self.router, self.fixed_latency, self.elastic].count(None) != 2:
            raise ValueError("expected one of the blocks router, fixed_latency, elastic (the others null or left out)")
        if self.fixed_latency is not None:
            for name in ("delay", "interval"):
                found = len(getattr(self.fixed_latency, name))
                if found != len(self.size):
                    raise ValueError(
                        f"fixed_latency.{name}: expected one value per dimension, {len(self.size)}, got {found}"
                    )
        routers = 1
        for extent in self.size:
            routers *= extent
        if routers > MAX_ROUTERS:
            raise ValueError(f"{routers} routers are more than the {MAX_ROUTERS} that this version simulates")
        return self


MAX_TICK = 10**12
"""Longest tick, cycles."""

class MappingSpec(Spec):
    """How the compiler of this chip cuts and places networks."""

    partition: Name
    """``compact``: as few cores as possible; ``spread``: layers over the spare cores."""
    placement: Name
    """``row_major``: in order; ``column_major``: column by column; ``traffic``: so that packets travel less."""
    order: Literal["pixel", "channel"]
    """What stays together when a layer is cut: the channels of a pixel, or the pixels of a channel."""
    slices: dict[Name, Annotated[Count, Field(le=65536)]] = Field(default_factory=dict)
    """Populations that are cut into a stated number of slices, whatever the partition: equal ones, the rest with the
    last."""


class MacArraySpec(Spec):
    """The ANN baseline: a systolic MAC array with three buffers."""

    rows: Annotated[Count, Field(le=4096)]
    columns: Annotated[Count, Field(le=4096)]
    dataflow: Name
    """A registered one, or ``best``: the one with the least energy-delay product on the network at hand."""
    activation_bits: Annotated[Count, Field(le=32)]
    weight_bits: Annotated[Count, Field(le=32)]
    accumulator_bits: Annotated[Count, Field(le=64)]
    input_buffer: SramSpec
    weight_buffer: SramSpec
    output_buffer: SramSpec
    dram: DramSpec
    clock: Frequency | None = None
    """Left out: the chip's. For chips whose clock is no clock of a synchronous circuit."""
    keep_weights: StrictBool = True
    """False: nothing stays in the weight buffer from one inference to the next, however little it is. Machines that
    fetch their weights for every inference are compared with an array that does."""
    compat: Literal["scalesim"] | None = None
    """Cycles and words as SCALE-Sim 3.0.0 counts them, its defects included; left out: without them."""


class ChipSpec(Spec):
    """A whole chip: the root of a hardware file."""

    machine: Literal["core_mesh"] = "core_mesh"
    """The class of machine: a mesh of cores; ``pe_array`` is described by other keys."""
    name: Name
    description: Annotated[str, StringConstraints(max_length=2000)]
    limits: tuple[Annotated[str, StringConstraints(min_length=8, max_length=600)], ...] = ()
    """What this description cannot represent of the machine that it describes; printed with every result."""
    provenance: dict[str, ProvenanceSpec] = Field(default_factory=dict)
    """Where a published chip's numbers come from, by dotted path, which covers what is below; the longest counts."""
    clock: Frequency
    schedule: Literal["pipelined", "native", "sequential"]
    """``pipelined``: layers run behind each other, so that edges have no delay in the network's time; ``native``: all
    run in every step, and an edge delays by one timestep; ``sequential``: one after the other within a timestep."""
    synchronization: Literal["barrier", "dependency"] = "barrier"
    """What ends a hardware step: a barrier for all, or tokens between neighbours, with which each core enters a step
    when its sources and targets are ready."""
    tick: Tick = "asap"
    """When the next step starts: as soon as this one has ended, or a fixed time after its start; a step that takes
    longer is reported."""
    technology: TechnologySpec
    energies: EnergiesSpec | None = None
    """Left out: energies are derived from ``technology``. The baseline's always are."""
    noc: NocSpec
    core: CoreSpec
    core_types: dict[Name, CoreSpec] = Field(default_factory=dict)
    """Further kinds of core by name; what a kind does not state is as in ``core``."""
    cores: Annotated[tuple[CoreRunSpec, ...], Field(max_length=MAX_ROUTERS)] = ()
    """Which core is of which kind, in the order of their numbers; left out: all are as ``core``."""
    layer_serial: LayerSerialSpec | None = None
    """Left out: a network has to fit as a whole. Stated: one that does not is run group by group from DRAM."""
    ports: Annotated[tuple[PortSpec, ...], Field(max_length=64)]
    """None for a chip whose networks are driven by biases alone and whose output stays on it."""
    barrier: BarrierSpec
    mapping: MappingSpec
    baseline: MacArraySpec

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, data: object) -> object:
        return inherited(data)

    @property
    def kinds_of_core(self) -> dict[str, CoreSpec]:
        """Every kind of core by name, the base first."""
        return {BASE: self.core, **self.core_types}

    def of_kind(self, name: str) -> Self:
        """Return the chip as if all its cores were of one kind."""
        return self.model_copy(update={"core": self.kinds_of_core[name], "core_types": {}, "cores": ()})

    @property
    def lead(self) -> int:
        """Steps that a core may be ahead of its targets beyond what double-buffered accumulators allow."""
        return self.core.accumulator_slots - 2

    @property
    def edge_delay(self) -> int:
        """Timesteps of the network between a spike and its integration."""
        return 1 if self.schedule == "native" else 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.clock <= 0:
            raise ValueError("clock: expected a frequency above zero")
        if self.tick != "asap" and not 1 <= self.tick * self.clock <= MAX_TICK:
            raise ValueError(f"tick: expected 1 to {MAX_TICK} cycles of the clock, got {self.tick * self.clock:g}")
        root = self.barrier.root
        if root is not None and self.barrier.kind in {"tree", "message"} and not self._inside(root):
            raise ValueError(f"barrier.root: router {root} is outside the size {self.noc.size}")
        parts = (self.noc.elastic, self.core.source_synapses, self.barrier.done_tree)
        if parts.count(None) not in {0, len(parts)}:
            raise ValueError("noc.elastic, core.source_synapses, barrier.done_tree: expected all of them or none")
        if self.noc.elastic is not None and (self.synchronization, self.barrier.kind) != ("barrier", "stated"):
            raise ValueError("noc.elastic: expected synchronization: barrier, of the kind stated")
        stated = self.energies is not None
        powered = self.technology.power.problem(self.clock, self.technology.supply, stated=stated)
        types = problem_of_types(self.core, self.core_types, self.cores)
        if powered or types:
            raise ValueError(f"technology: {powered}" if powered else types)
        names = [port.name for port in self.ports]
        if len(set(names)) != len(names):
            raise ValueError(f"ports: names must differ, got {', '.join(names)}")
        for port in self.ports:
            if not self._inside(port.router):
                raise ValueError(f"ports: {port.name} hangs on router {port.router}, outside the size {self.noc.size}")
        return self

    @model_validator(mode="after")
    def _synchronised(self) -> Self:
        if self.synchronization == "barrier":
            if self.lead > 0:
                raise ValueError(
                    f"core.accumulator_slots: expected 2 with a barrier, got {self.core.accumulator_slots} (more let "
                    "cores run ahead, with synchronization: dependency)"
                )
            return self
        if self.tick != "asap":
            raise ValueError("tick: expected asap with synchronization: dependency, where cores begin steps apart")
        if self.schedule == "sequential":
            raise ValueError("synchronization: expected barrier with the schedule sequential, a barrier per depth")
        power = self.technology.power
        if power.sleep or power.dvfs is not None:
            raise ValueError("technology.power: expected synchronization: barrier with sleep and dvfs")
        return self

    def _inside(self, position: tuple[int, ...]) -> bool:
        size = self.noc.size
        return len(position) == len(size) and all(at < extent for at, extent in zip(position, size, strict=True))
