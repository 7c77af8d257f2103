"""From what the engines counted to counters by component path and action.

Paths: ``core[3].synapse_memory``, ``router[1,2]``, ``link[1,2->2,2]``, ``port[input]``. Every component of the chip
is listed, also those that did nothing, because they leak.
"""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.costs.parts import CORE_KINDS, MULTICAST_TABLE, dram_kinds, of_core, port_kind
from accelsim.costs.power_use import PowerUse, level_names
from accelsim.costs.stated import priced_actions
from accelsim.counters import Counters
from accelsim.errors import ConservationError, CostError
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.timing.simulate import TimingResult
from accelsim.trace.activity import ActivityTrace

Samples = npt.NDArray[np.int64]


def component_kinds(chip: ChipSpec, mapping: Mapping) -> dict[str, str]:
    """Return every component of the chip and its kind."""
    inside = {name: [(f".{kind}", of_core(kind, name)) for kind in CORE_KINDS] for name in mapping.layout.kinds}
    kinds = {
        f"core[{core}]{end}": kind for core in range(mapping.cores) for end, kind in inside[mapping.layout.name(core)]
    }
    kinds.update(dict.fromkeys(mapping.fabric.router_names, "router"))
    if chip.noc.multicast is not None:
        kinds.update({f"{name}.{MULTICAST_TABLE}": MULTICAST_TABLE for name in mapping.fabric.router_names})
    kinds.update(dict.fromkeys(mapping.fabric.link_names.values(), "link"))
    kinds.update({name: name for name in dram_kinds(chip)})
    kinds.update({f"port[{port.name}]": port_kind(port.name) for port in chip.ports})
    return kinds


def count(
    chip: ChipSpec,
    network: Network,
    mapping: Mapping,
    timing: TimingResult,
    trace: ActivityTrace,
    events: EventStream,
    power: PowerUse | None = None,
) -> Counters:
    """Return the counters of a run: every action that has an energy of its own on this chip.

    Parameters
    ----------
    power : PowerUse, optional
        Where cores sleep or run at several levels; actions at a lower level end in its voltage.

    Raises
    ------
    CostError
        If cores sleep or have levels, and ``power`` is not given.
    ConservationError
        If synaptic operations or packets differ from those recounted from spikes and stored fan-out.
    """
    counters = _counted(chip, network, mapping, timing, timing.step_cycles.sum(axis=1), power)
    if events.kind == "bias_current":
        first = next(port.name for port in chip.ports if port.direction in ("input", "both"))
        counters.add(f"port[{first}]", "mac", _input_operations(network, events))
    _check(mapping, timing, _expected(network, mapping, trace))
    return _priced(chip, mapping, counters)


def count_actions(
    chip: ChipSpec, network: Network, mapping: Mapping, timing: TimingResult, cycles: Samples
) -> Counters:
    """Return the counters of a run whose spikes are not at hand any more; see :class:`StreamCheck`."""
    return _priced(chip, mapping, _counted(chip, network, mapping, timing, cycles))


class StreamCheck:
    """Recounts a stream from its spikes, window by window, to be compared with what the chip counted in all."""

    def __init__(self, network: Network, mapping: Mapping) -> None:
        self._network, self._mapping = network, mapping
        self._expected = _Expected(*np.zeros((3, 1), np.int64))

    def expect(self, trace: ActivityTrace) -> None:
        """Add a window."""
        window = _expected(self._network, self._mapping, trace)
        self._expected = _Expected(*(total + own for total, own in zip(self._expected, window, strict=True)))

    def compare(self, timing: TimingResult) -> None:
        """Raise a ConservationError if the chip counted anything else."""
        _check(self._mapping, timing, self._expected)


def _priced(chip: ChipSpec, mapping: Mapping, counters: Counters) -> Counters:
    """Return what has an energy of its own on this chip."""
    kinds, priced = component_kinds(chip, mapping), priced_actions(chip)
    endings = tuple(level for level in level_names(chip) if level)

    @functools.cache
    def kept(kind: str, action: str) -> bool:
        return priced(kind, without_level(action, endings))

    counts = counters.counts.items()
    return Counters(counters.samples, {key: number for key, number in counts if kept(kinds[key[0]], key[1])})


def _counted(
    chip: ChipSpec,
    network: Network,
    mapping: Mapping,
    timing: TimingResult,
    cycles: Samples,
    power: PowerUse | None = None,
) -> Counters:
    counters = Counters(len(cycles))
    if power is None and (chip.technology.power.sleep or chip.technology.power.dvfs is not None):
        raise CostError("technology.power: sleep and dvfs need the counts of every step")
    levels = level_names(chip)
    for core in mapping.used_cores if chip.technology.unused_cores == "gated" else range(mapping.cores):
        for at, level in enumerate(levels):
            whole = _CoreCounts(timing.terminals[:, core], timing.scans, cycles, level)
            found = whole if power is None else _at_level(whole, power, core, at)
            _count_core(counters, network, mapping, timing, core, found, chip.technology.power.clock_gating)
        for kind, steps in ({} if power is None else power.wakes).items():
            counters.add(f"core[{core}].{kind}", "wake", steps[:, core])
    gated = chip.technology.power.router_clock == "gated"
    for router, name in enumerate(mapping.fabric.router_names):
        flits = timing.routers["flits"][:, router]
        for action in ("buffer_write", "buffer_read", "crossbar", "arbitration"):
            counters.add(name, action, flits)
        counters.add(name, "clock", router_cycles(chip, timing.routers[:, router], cycles) if gated else cycles)
        if chip.noc.multicast is not None:
            counters.add(f"{name}.{MULTICAST_TABLE}", "read", timing.routers["lookups"][:, router])
    for (router, port), name in mapping.fabric.link_names.items():
        counters.add(name, "flit", timing.links[:, router, port])
        dimension = mapping.fabric.topology.dimension(port)
        if dimension is not None:
            counters.add(name, f"flit_{'xyz'[dimension]}", timing.links[:, router, port])
    for at, port_spec in enumerate(chip.ports):
        done = timing.terminals[:, mapping.cores + at]
        counters.add(f"port[{port_spec.name}]", "event", done["fired"] + done["packets_in"])
    return counters


@dataclass(frozen=True, eq=False)
class _CoreCounts:
    """What one core did at one level: its counts, those of all scans, and the cycles of its clock."""

    done: npt.NDArray[Any]
    scans: npt.NDArray[Any]
    cycles: Samples
    level: str


def _at_level(whole: _CoreCounts, power: PowerUse, core: int, level: int) -> _CoreCounts:
    ticks = power.ticks[:, core, level]
    if power.terminals is None or power.scans is None:
        return whole
    return _CoreCounts(power.terminals[:, core, level], power.scans[:, :, level], ticks, whole.level)


def without_level(action: str, endings: tuple[str, ...]) -> str:
    """Return an action without the level that it ends in."""
    return next((action.removesuffix(ending) for ending in endings if action.endswith(ending)), action)


def router_cycles(chip: ChipSpec, counts: npt.NDArray[Any], cycles: Samples) -> Samples:
    """Return the cycles in which a gated router has a clock, an upper bound.

    Every flit takes the cycles of all stages alone, and as many more as it waits; flits that are in the router at the
    same time share them.
    """
    spec = chip.noc.router
    stages = 1
    if spec is not None:
        stages = 1 + spec.routing_delay + spec.vc_alloc_delay + spec.switch_alloc_delay + spec.switch_delay
    waits = counts["stall_vc"] + counts["stall_switch"] + counts["stall_credit"] + counts["stall_ejection"]
    return np.asarray(np.minimum(cycles, counts["flits"] * stages + waits))


def _count_core(
    counters: Counters,
    network: Network,
    mapping: Mapping,
    timing: TimingResult,
    core: int,
    found: _CoreCounts,
    clock_gating: str,
) -> None:
    done, path, level, cycles = found.done, f"core[{core}]", found.level, found.cycles
    scanned = np.zeros(counters.samples, dtype=np.int64)
    membrane, accumulator = scanned.copy(), done["state_words"].copy()
    for column, index in enumerate(timing.part_order):
        part = mapping.parts[index]
        if part.terminal != core:
            continue
        scan, model = found.scans[:, column], network.populations[part.population].model
        scanned += scan["cycles"]
        membrane += scan["membrane_words"]
        accumulator += scan["accumulator_words"]
        if model is not None:
            operations = model.operations()
            counters.add(f"{path}.neuron_engine", f"add{level}", scan["visited"] * operations.additions)
            counters.add(f"{path}.neuron_engine", f"multiply{level}", scan["visited"] * operations.multiplications)
            counters.add(f"{path}.neuron_engine", f"compare{level}", scan["visited"] * operations.comparisons)
        counters.add(f"{path}.neuron_engine", f"visit{level}", scan["visited"])
        counters.add(f"{path}.neuron_engine", f"update{level}", scan["updated"])
    cleared = mapping.occupation[core].membrane_words if core in mapping.occupation and not level else 0
    for kind, action, number in (
        ("axon_memory", "read", done["packets_in"]),
        ("routing_memory", "read", done["routing_reads"]),
        ("synapse_memory", "read", done["words"]),
        ("membrane_memory", "read", membrane),
        ("membrane_memory", "write", membrane + cleared + done["loads"]),
        ("accumulator_memory", "read", accumulator),
        ("accumulator_memory", "write", accumulator),
        ("synapse_engine", "add", done["issued"] - done["macs"]),
        ("synapse_engine", "mac", done["macs"]),
        ("synapse_engine", "event", done["issued"]),
        ("neuron_engine", "spike", done["fired"]),
        ("input_queue", "write", done["flits_in"]),
        ("input_queue", "read", done["flits_in"]),
        ("spike_fifo", "write", done["fired"]),
        ("spike_fifo", "read", done["fired"]),
        ("injection_queue", "write", done["flits_out"]),
        ("injection_queue", "read", done["flits_out"]),
    ):
        counters.add(f"{path}.{kind}", f"{action}{level}", number)
    active = np.minimum(cycles, done["row_cycles"] + scanned)
    clocked = cycles if clock_gating == "none" else active
    counters.add(f"{path}.core_control", f"clock_active{level}", clocked)
    idle = np.zeros_like(cycles) if clock_gating == "cores" else cycles - clocked
    counters.add(f"{path}.core_control", f"clock_idle{level}", idle)


def _input_operations(network: Network, events: EventStream) -> Samples:
    fan_out = sum(edge.connection.fan_out() for edge in network.outgoing(network.input.name))
    done = np.concatenate(([0], np.cumsum(np.asarray(fan_out)[events.index])))
    first = np.arange(events.samples) * events.timesteps
    return np.asarray(done[events.ptr[first + 1]] - done[events.ptr[first]], dtype=np.int64)


def synaptic_operations(network: Network, mapping: Mapping, trace: ActivityTrace) -> dict[str, Samples]:
    """Return packets x non-zero fan-out by projection, (samples,) each, recounted from the trace.

    A neuron that spikes several times at once counts as often as it sends a packet. The projection from the input is
    left out with ``bias_current``: the port computes it.
    """
    operations = {}
    for edge in network.projections:
        if mapping.load_target is not None and edge.source == network.input.name:
            continue
        activity = trace.populations[edge.source]
        done = edge.connection.fan_out()[activity.index] * _packets(mapping, trace, edge.source)
        operations[edge.name] = activity.summed(done).reshape(trace.samples, -1).sum(axis=1)
    return operations


def _packets(mapping: Mapping, trace: ActivityTrace, name: str) -> Samples:
    """Return how often each listed neuron of a population sends to each of its targets."""
    activity = trace.populations[name]
    return np.ones(activity.index.size, dtype=np.int64) if name in mapping.graded else activity.counts


def packets_sent(mapping: Mapping, trace: ActivityTrace, name: str, weight: Samples) -> Samples:
    """Return ``weight``, one per source neuron, summed over the packets of a population, (samples,)."""
    activity = trace.populations[name]
    done = weight[mapping.offsets[name] + activity.index] * _packets(mapping, trace, name)
    return np.asarray(activity.summed(done).reshape(trace.samples, -1).sum(axis=1))


class _Expected(NamedTuple):
    """Synaptic operations, packets and deliveries of every sample, recounted from the trace; (samples,) each."""

    operations: Samples
    packets: Samples
    deliveries: Samples


def _expected(network: Network, mapping: Mapping, trace: ActivityTrace) -> _Expected:
    nothing = np.zeros(trace.samples, dtype=np.int64)
    operations = sum(synaptic_operations(network, mapping, trace).values(), nothing)
    sends, entries = mapping.packets_per_spike(), np.diff(mapping.axons.ptr)
    packets, deliveries = nothing.copy(), nothing.copy()
    for name in trace.populations:
        if mapping.load_target is None or name != network.input.name:
            packets += packets_sent(mapping, trace, name, sends)
            deliveries += packets_sent(mapping, trace, name, entries)
    return _Expected(operations, packets, deliveries)


def _check(mapping: Mapping, timing: TimingResult, expected: _Expected) -> None:
    counted = timing.terminals["sops"].sum(axis=1)
    if (expected.operations != counted).any():
        at = int(np.argmax(expected.operations != counted))
        raise ConservationError(
            f"sample {at}: the chip counted {counted[at]} synaptic operations, spikes x fan-out give "
            f"{expected.operations[at]}"
        )
    loaded = mapping.load_target is not None
    for field, packets in (("routing_reads", expected.packets), ("destinations", expected.deliveries)):
        made = timing.terminals[field]
        counted = (made[:, : mapping.cores] if loaded else made).sum(axis=1)
        if (packets != counted).any():
            at = int(np.argmax(packets != counted))
            raise ConservationError(
                f"sample {at}: the chip sent {counted[at]} packets, spikes x routing entries give {packets[at]} "
                f"({field})"
            )
