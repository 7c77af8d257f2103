"""The parts of a chip as the energy sources need them: memories, queues, registers, routers, by kind of component.

A *kind* is one design that is instantiated many times (``synapse_memory``, ``router``); a *path* names one instance
(``core[3].synapse_memory``). Prices and leakage are per kind; ports are kinds of their own, ``port:NAME``. What a core
of another kind than the base consists of carries the name of that kind of core: ``synapse_memory:NAME``.

Not modelled: decoders and sequencers of a core, its clock tree, pads, phase-locked loops.
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from accelsim.errors import CostError
from accelsim.hardware.core_types import BASE
from accelsim.hardware.cores import cores_of
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.sources.base import (
    ARITHMETIC_SOURCES,
    NOC_SOURCES,
    SRAM_SOURCES,
    ArithmeticSource,
    Derivation,
    LinkFigures,
    NocSource,
    RouterFigures,
    SramFigures,
    SramSource,
)
from accelsim.hardware.sources.registers import register_memory, register_memory_derivation
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES

CORE_KINDS: Final = (
    "axon_memory",
    "routing_memory",
    "synapse_memory",
    "membrane_memory",
    "accumulator_memory",
    "synapse_engine",
    "neuron_engine",
    "input_queue",
    "spike_fifo",
    "injection_queue",
    "core_control",
)
"""Kinds that a core is made of; the policy for unused cores applies to them."""

NETWORK_KINDS: Final = ("router", "link")

MULTICAST_TABLE: Final = "multicast_table"
"""Kind of the key/mask table of a router, on chips with ``noc.multicast``."""

DRAM: Final = "dram"
"""Kind and path of the DRAM of layer-serial execution."""

_MACRO_WORDS: Final = 64
_FLOAT_BITS: Final = 32
_NARROWEST_MACRO: Final = 8
_FIGURES_KEPT: Final = 256
"""Figures of different macros, routers and links that a process keeps: every run asks for each of its own often."""

T = TypeVar("T")
Units = tuple[float, str, int]
"""Count, operation and bits of equal arithmetic units."""


@dataclass(frozen=True)
class Queue:
    """A FIFO: entries over all virtual channels, and bits of one entry."""

    entries: int
    bits: int


def port_kind(name: str) -> str:
    """Return the kind of the I/O port called ``name``."""
    return f"port:{name}"


def network_kinds(chip: ChipSpec) -> tuple[str, ...]:
    """Return the kinds that the network is made of."""
    return NETWORK_KINDS if chip.noc.multicast is None else (*NETWORK_KINDS, MULTICAST_TABLE)


def of_core(kind: str, core: str) -> str:
    """Return the kind of a component in a core of the kind ``core``; what is not in a core is the same for all."""
    return kind if core == BASE or kind not in CORE_KINDS else f"{kind}:{core}"


def by_core(chip: ChipSpec, make: Callable[[ChipSpec], Mapping[str, T]]) -> dict[str, T]:
    """Return what ``make`` gives by kind of component, for every kind of core of a chip.

    Parameters
    ----------
    chip : ChipSpec
    make : callable
        From a chip whose cores are all of one kind to a value by kind of component.
    """
    found: dict[str, T] = {}
    for name in chip.kinds_of_core:
        found.update({of_core(kind, name): value for kind, value in make(chip.of_kind(name)).items()})
    return found


def core_of(chip: ChipSpec, kind: str) -> tuple[ChipSpec, str]:
    """Return the chip as if all its cores were those that a kind of component is of, and its name without them."""
    plain, _, name = kind.partition(":")
    return (chip.of_kind(name), plain) if plain in CORE_KINDS and name else (chip, kind)


def dram_kinds(chip: ChipSpec) -> list[str]:
    """Return the kind of the DRAM where a chip has one for its own."""
    return [DRAM] if chip.layer_serial is not None else []


def kinds(chip: ChipSpec) -> list[str]:
    """Return every kind of component of a chip."""
    inside = [of_core(kind, name) for name in chip.kinds_of_core for kind in CORE_KINDS]
    return [*inside, *network_kinds(chip), *dram_kinds(chip), *(port_kind(port.name) for port in chip.ports)]


def instances(chip: ChipSpec) -> dict[str, int]:
    """Return how many there are of every kind."""
    topology = TOPOLOGIES.get(chip.noc.topology)(chip.noc.size)
    ways = range(topology.network_ports)
    links = sum(topology.neighbour(router, port) is not None for router in range(topology.routers) for port in ways)
    cores = cores_of(chip)
    found = {of_core(kind, name): len(cores.numbers(name)) for name in cores.kinds for kind in CORE_KINDS}
    outside = dict.fromkeys(network_kinds(chip), topology.routers) | {"link": links}
    outside |= dict.fromkeys(dram_kinds(chip), 1)
    outside |= {port_kind(port.name): 1 for port in chip.ports}
    return {**found, **outside}


def arithmetic(chip: ChipSpec) -> ArithmeticSource:
    """Return the chip's arithmetic source."""
    return ARITHMETIC_SOURCES.get(chip.technology.arithmetic_source)()


def memories(chip: ChipSpec) -> dict[str, SramSpec]:
    """Return the memories of a core by kind, and the table of a router that forks."""
    core, multicast = chip.core, chip.noc.multicast
    tables = {} if multicast is None else {MULTICAST_TABLE: multicast.memory}
    return {
        **tables,
        "axon_memory": core.axon_memory.memory,
        "routing_memory": core.routing_memory.memory,
        "synapse_memory": core.synapse_memory,
        "membrane_memory": core.membrane.memory,
        "accumulator_memory": _both_halves(core.accumulator.memory),
    }


def _both_halves(memory: SramSpec) -> SramSpec:
    """Return the accumulators with all their banks: those of the slot that is read, and those of the next."""
    return memory.model_copy(update={"banks": 2 * memory.banks})


def bank_figures(chip: ChipSpec, memory: SramSpec) -> SramFigures:
    """Return the figures of one bank of a memory, from the chip's SRAM source at its node, cell and temperature."""
    return _sram_figures(chip, memory.capacity // memory.banks, memory.width, memory.ports)


def _sram_figures(chip: ChipSpec, bits: int, width: int, ports: str) -> SramFigures:
    technology = chip.technology
    source = SRAM_SOURCES.get(technology.sram_source)
    return _figures(source, bits, width, ports, technology.node, technology.sram_cell, technology.temperature)


@functools.lru_cache(maxsize=_FIGURES_KEPT)
def _figures(source: type[SramSource], *macro: Any) -> SramFigures:
    return source().figures(*macro)


def accumulator_bits(chip: ChipSpec, float32: bool) -> int:
    """Return the width of one accumulator."""
    return _FLOAT_BITS if float32 else chip.core.accumulator.bits


def membrane_bits(chip: ChipSpec, float32: bool) -> int:
    """Return the width of one membrane."""
    return _FLOAT_BITS if float32 else chip.core.membrane.bits


def neuron_index_bits(chip: ChipSpec, float32: bool) -> int:
    """Return the bits that name one neuron of a core: ceil(log2(membranes that its membrane memory holds))."""
    state, bits = chip.core.membrane, membrane_bits(chip, float32)
    memory = state.memory
    neurons = memory.words * state.values_in_word(bits) if bits <= memory.width else memory.capacity // bits
    return max(1, math.ceil(math.log2(max(neurons, 2))))


def queues(chip: ChipSpec, float32: bool) -> dict[str, Queue]:
    """Return the queues of a core by kind; the input queue exists once per virtual channel."""
    core, flit = chip.core, chip.noc.flit_bits
    return {
        "input_queue": Queue(core.input_queue * (chip.noc.router.virtual_channels if chip.noc.router else 1), flit),
        "spike_fifo": Queue(core.spike_fifo, neuron_index_bits(chip, float32)),
        "injection_queue": Queue(core.injection_queue, flit),
    }


def queue_figures(chip: ChipSpec, queue: Queue) -> SramFigures:
    """Return the figures of a queue: flip-flops below 64 entries, else a 1R1W macro of at least 8-bit words."""
    technology = chip.technology
    if queue.entries < _MACRO_WORDS:
        return register_memory(queue.entries * queue.bits, queue.bits, technology.node)
    width = max(queue.bits, _NARROWEST_MACRO)
    return _sram_figures(chip, queue.entries * width, width, "1R1W")


def bank_derivation(chip: ChipSpec, memory: SramSpec, figure: str) -> Derivation:
    """Return how a figure of :func:`bank_figures` came about."""
    technology = chip.technology
    source = SRAM_SOURCES.get(technology.sram_source)()
    bank = memory.capacity // memory.banks
    place = (technology.node, technology.sram_cell, technology.temperature)
    return source.derivation(figure, bank, memory.width, memory.ports, *place)


def queue_derivation(chip: ChipSpec, queue: Queue, figure: str) -> Derivation:
    """Return how a figure of :func:`queue_figures` came about."""
    technology = chip.technology
    if queue.entries < _MACRO_WORDS:
        return register_memory_derivation(figure, queue.entries * queue.bits, queue.bits, technology.node)
    width = max(queue.bits, _NARROWEST_MACRO)
    source = SRAM_SOURCES.get(technology.sram_source)()
    place = (technology.node, technology.sram_cell, technology.temperature)
    return source.derivation(figure, queue.entries * width, width, "1R1W", *place)


def pipeline_bits(chip: ChipSpec, float32: bool) -> int:
    """Return the flip-flops of a core's pipelines: one accumulator per lane, one membrane per neuron lane, one flit."""
    core = chip.core
    lanes = (core.synapse_lanes + core.mac_lanes) * accumulator_bits(chip, float32)
    return lanes + core.neuron_lanes * membrane_bits(chip, float32) + chip.noc.flit_bits


def queue_control_bits(chip: ChipSpec, float32: bool) -> int:
    """Return the flip-flops that run in every cycle: a read and a write pointer per queue."""
    return sum(2 * math.ceil(math.log2(queue.entries + 1)) for queue in queues(chip, float32).values())


def engine_units(chip: ChipSpec, float32: bool, multiplier_bits: int) -> dict[str, tuple[Units, ...]]:
    """Return the arithmetic units of a core's engines by kind."""
    core, sums, state = chip.core, accumulator_bits(chip, float32), membrane_bits(chip, float32)
    add, multiply, compare = ("fp_add", "fp_mul", "fp_add") if float32 else ("int_add", "int_mul", "int_compare")
    wide = _FLOAT_BITS if float32 else multiplier_bits
    return {
        "synapse_engine": ((core.synapse_lanes + core.mac_lanes, add, sums), (core.mac_lanes, multiply, wide)),
        "neuron_engine": tuple((core.neuron_lanes, op, state) for op in (add, multiply, compare)),
    }


def router_ports(chip: ChipSpec) -> int:
    """Return the ports of the chip's one router design: links, cores and I/O ports of its busiest router."""
    noc = chip.noc
    return _busiest(noc.topology, noc.size, noc.concentration, tuple(port.router for port in chip.ports))


@functools.lru_cache(maxsize=64)
def _busiest(name: str, size: tuple[int, ...], concentration: int, places: tuple[tuple[int, ...], ...]) -> int:
    topology = TOPOLOGIES.get(name)(size)
    extra = [concentration] * topology.core_routers + [0] * (topology.routers - topology.core_routers)
    for place in places:
        extra[topology.router_at(place)] += 1
    ways = range(topology.network_ports)
    return max(
        io + sum(topology.neighbour(router, port) is not None for port in ways) for router, io in enumerate(extra)
    )


def router_figures(chip: ChipSpec) -> RouterFigures:
    """Return the figures of one router."""
    spec = chip.noc.router
    if spec is None:
        raise CostError(
            f"noc source {chip.technology.noc_source}: figures for routers only, not for fixed_latency; state them as "
            "technology.overrides, or all energies of the chip as energies"
        )
    design = (router_ports(chip), chip.noc.flit_bits, spec.virtual_channels, spec.buffer_flits, chip.technology.node)
    return _router_figures(NOC_SOURCES.get(chip.technology.noc_source), *design)


@functools.lru_cache(maxsize=_FIGURES_KEPT)
def _router_figures(source: type[NocSource], *design: Any) -> RouterFigures:
    return source().router(*design)


def link_figures(chip: ChipSpec) -> LinkFigures:
    """Return the figures of one directed link."""
    source = NOC_SOURCES.get(chip.technology.noc_source)
    return _link_figures(source, chip.noc.flit_bits, chip.noc.link_length, chip.technology.node)


@functools.lru_cache(maxsize=_FIGURES_KEPT)
def _link_figures(source: type[NocSource], *wire: Any) -> LinkFigures:
    return source().link(*wire)


def slow_memories(chip: ChipSpec) -> list[str]:
    """Return a warning for every memory slower than the clock; the timing model takes one cycle all the same."""
    period = 1.0 / chip.clock
    found = []
    for kind, memory in by_core(chip, memories).items():
        access = bank_figures(chip, memory).access_ns
        if access is not None and access > period:
            found.append(f"{kind}: an access takes {access:.3g} ns, longer than the clock period of {period:.3g} ns")
    return found


def evaluate(recipes: Iterable[tuple[str, Callable[[], T]]]) -> list[T]:
    """Call every recipe and return the results.

    Raises
    ------
    CostError
        One line per distinct problem with the names that it concerns, all of them at once.
    """
    results: list[T] = []
    problems: dict[str, list[str]] = {}
    for name, recipe in recipes:
        try:
            results.append(recipe())
        except CostError as error:
            problems.setdefault(str(error), []).append(name)
    if problems:
        raise CostError("\n".join(f"{', '.join(names)}: {text}" for text, names in problems.items()))
    return results
