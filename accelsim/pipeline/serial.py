"""Layer-serial execution: groups of a network that does not fit, one after the other, a window of timesteps at a time.

For every window of a sample, every group is loaded, gets back its states and the spikes that it reads, runs the
window's timesteps as a simulation of its own, and hands over states and spikes. Spikes are those of the whole network.
Cycles of transfers that no execution hides are the cause ``dram``; with two buffers a load begins with the execution
before it. Not modelled: loads that begin before the sample does, spikes that go on while a transfer lasts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.costs.counting import component_kinds, count
from accelsim.costs.parts import DRAM
from accelsim.costs.power_use import PowerUse
from accelsim.costs.stated import priced_actions
from accelsim.counters import Counters
from accelsim.errors import ConfigError, MappingError
from accelsim.hardware.layer_serial_spec import LayerSerialSpec
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.axons import Axons
from accelsim.mapping.demand import Demand
from accelsim.mapping.groups import Group
from accelsim.mapping.mapping import Mapping
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.pipeline.observers import StepObservers, observers
from accelsim.pipeline.transfers import Transfers, transfer_cycles, transfers
from accelsim.pipeline.windows import section_trace, window_length
from accelsim.timing.bounds import BOUNDS, CoreBounds
from accelsim.timing.causes import CAUSES
from accelsim.timing.engine import Chunk
from accelsim.timing.machine import build_machine
from accelsim.timing.records import ROUTER_COUNT, TERMINAL_COUNT
from accelsim.timing.simulate import TimingResult, simulate
from accelsim.trace.activity import ActivityTrace

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Ran:
    """A group that has run: samples are windows in its timing and counters; ``by_step`` is (windows, steps) each."""

    group: Group
    timing: TimingResult
    counters: Counters
    moved: Transfers
    seen: StepObservers
    by_step: tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Serial:
    """A network that ran group by group, in the form of one that fits."""

    mapping: Mapping
    timing: TimingResult
    counters: Counters
    steps: StepObservers


def run_serial(
    network: Network,
    chip: ChipSpec,
    groups: Sequence[Group],
    trace: ActivityTrace,
    events: EventStream,
    engine: str,
    threads: int,
    progress: Callable[[int], None] | None = None,
) -> Serial:
    """Run groups one after the other.

    Parameters
    ----------
    network, chip
    groups
        In the order in which they run.
    trace : ActivityTrace
        Of the whole network.
    events : EventStream
    engine, threads, progress
        As :func:`accelsim.timing.simulate.simulate`.

    Raises
    ------
    MappingError
        If the chip says nothing of DRAM, or spikes cannot leave it.
    ConfigError
        If a sample is not a whole number of windows.
    """
    spec = chip.layer_serial
    if spec is None:
        raise MappingError("layer_serial: expected a block that says how groups are loaded, got none")
    if not any(port.direction in {"output", "both"} for port in chip.ports):
        raise MappingError("layer_serial: spikes between groups leave the chip, but it has no output port")
    if chip.technology.power.dvfs is not None:
        raise ConfigError("technology.power.dvfs: levels of cores that run group by group are not modelled")
    length = window_length(spec.timesteps_per_load, trace.timesteps)
    ran = [_run(network, chip, group, trace, events, length, engine, threads, progress) for group in groups]
    timing = _timing(ran, chip, spec, trace.samples)
    return Serial(_mapping(network, ran), timing, _counters(ran, chip, trace.samples), _steps(ran, chip, timing))


def _run(
    network: Network, chip: ChipSpec, group: Group, trace: ActivityTrace, events: EventStream, length: int,
    engine: str, threads: int, progress: Callable[[int], None] | None,
) -> _Ran:  # fmt: skip
    part = section_trace(network, group.section, trace, length)
    own = group.section.network
    machine = build_machine(own, chip, group.mapping, part)
    windows = trace.timesteps // length
    by_step = tuple(np.zeros((windows, machine.work.steps), dtype) for dtype in (TERMINAL_COUNT, ROUTER_COUNT))

    seen = observers(chip, group.mapping, machine, engine)

    def observe(chunk: Chunk, cycles: Int64s) -> None:
        seen.add(chunk, cycles)
        step = (chunk.first + np.arange(len(chunk.steps))) % by_step[0].size
        for total, counts in zip(by_step, (chunk.terminals, chunk.routers), strict=True):
            flat = counts.view(np.int64).reshape(*counts.shape, -1).sum(axis=1)
            np.add.at(total.reshape(-1).view(np.int64).reshape(total.size, -1), step, flat)

    timing = simulate(machine, chip, group.mapping, engine, threads, progress, observe=observe)
    head = part.populations[own.input.name]
    if group.kind == "spikes":
        stream = EventStream("spikes", part.samples, length, own.input.size, head.ptr, head.index)
    else:
        stream = replace(events, samples=part.samples, timesteps=length)
    counters = count(chip, own, group.mapping, timing, part, stream, seen.power)
    moved = transfers(network, group, chip, trace, length)
    _count_transfers(counters, group, moved)
    return _Ran(group, timing, counters, moved, seen, (by_step[0], by_step[1]))


def _count_transfers(counters: Counters, group: Group, moved: Transfers) -> None:
    """Add the bits of DRAM, and the words that loads and states write into the chip's memories and read from them."""
    counters.add(DRAM, "read", (moved.load + moved.enter).ravel())
    counters.add(DRAM, "write", moved.leave.ravel())
    later, earlier = np.ones(moved.load.shape, np.int64), np.ones(moved.load.shape, np.int64)
    later[:, 0], earlier[:, -1] = 0, 0  # windows that get states back, and that hand them over
    for core, held in group.mapping.occupation.items():
        path = f"core[{core}]"
        counters.add(f"{path}.synapse_memory", "write", held.synapse_words)
        counters.add(f"{path}.axon_memory", "write", held.axons)
        counters.add(f"{path}.routing_memory", "write", int(group.mapping.routing_entries[core]))
        membranes, sums = moved.words.by_core[core]  # the clearing of membranes between samples is their restoring here
        counters.add(f"{path}.membrane_memory", "read", membranes * earlier.ravel())
        counters.add(f"{path}.accumulator_memory", "read", sums * earlier.ravel())
        counters.add(f"{path}.accumulator_memory", "write", sums * later.ravel())


def _counters(ran: Sequence[_Ran], chip: ChipSpec, samples: int) -> Counters:
    total = Counters(samples)
    kinds, priced = component_kinds(chip, ran[0].group.mapping), priced_actions(chip)
    for item in ran:
        for (path, action), number in item.counters.counts.items():
            if priced(kinds[path], action):
                total.add(path, action, number.reshape(samples, -1).sum(axis=1))
    return total


def _timing(ran: Sequence[_Ran], chip: ChipSpec, spec: LayerSerialSpec, samples: int) -> TimingResult:
    """Return the counts of all groups and windows by sample, transfers added to the steps beside them."""
    cycles, causes = [], []
    windows = ran[0].moved.load.shape[1]
    busy = [item.timing.step_cycles.sum(axis=1).reshape(samples, windows) for item in ran]
    dram = CAUSES.index("dram")
    for window in range(windows):
        for at, item in enumerate(ran):
            load, enter, leave = (
                transfer_cycles(bits[:, window], spec.dram, chip.clock)
                for bits in (item.moved.load, item.moved.enter, item.moved.leave)
            )
            if spec.double_buffered and (window, at) != (0, 0):
                before = busy[at - 1][:, window] if at else busy[-1][:, window - 1]
                load = np.maximum(load - before, 0)
            own = item.timing.step_cycles.reshape(samples, windows, -1)[:, window].copy()
            why = item.timing.causes.reshape(samples, windows, own.shape[1], -1)[:, window].copy()
            for step, moved in ((0, load + enter), (-1, leave)):
                own[:, step] += moved
                why[:, step, dram] += moved
            cycles.append(own)
            causes.append(why)
    step_cycles = np.concatenate(cycles, axis=1)
    order, parts = [], 0
    for item in ran:
        order += [parts + index for index in item.timing.part_order]
        parts += len(item.group.mapping.parts)
    return replace(
        ran[0].timing,
        terminals=_records([item.timing.terminals for item in ran], samples),
        routers=_records([item.timing.routers for item in ran], samples),
        links=np.asarray(sum(_by_sample(item.timing.links, samples) for item in ran)),
        scans=np.concatenate([_records([item.timing.scans], samples) for item in ran], axis=1),
        part_order=order,
        step_terminals=np.concatenate([item.by_step[0] for item in ran], axis=1).ravel(),
        step_routers=np.concatenate([item.by_step[1] for item in ran], axis=1).ravel(),
        step_cycles=step_cycles,
        causes=np.concatenate(causes, axis=1),
        latency=step_cycles.sum(axis=1),
    )


def _steps(ran: Sequence[_Ran], chip: ChipSpec, timing: TimingResult) -> StepObservers:
    """Return bounds and power of all groups and windows by sample; all cores are awake while transfers last."""
    samples, first = len(timing.step_cycles), ran[0].seen
    cores = first.bounds.cycles.shape[1]
    bounds, waits = CoreBounds(samples, 1, cores), timing.causes[:, :, CAUSES.index("dram")].sum(axis=1)
    bounds.cycles += sum(_by_sample(item.seen.bounds.cycles, samples) for item in ran)
    bounds.cycles[:, :, BOUNDS.index("traffic")] += waits[:, None]
    bounds.steps += sum(_by_sample(item.seen.bounds.steps, samples) for item in ran)
    power = PowerUse.of(chip, samples, 1, cores, first.power.columns, first.power.after)
    for item in ran:
        own = item.seen.power
        for name in ("busy", "cycles", "ticks"):
            total = getattr(power, name)
            total += _by_sample(getattr(own, name), samples)
        for kind in power.asleep:
            power.asleep[kind] += _by_sample(own.asleep[kind], samples)
            power.wakes[kind] += _by_sample(own.wakes[kind], samples)
    power.cycles[:, :, 0] += waits[:, None]
    power.ticks[:, :, 0] += waits[:, None]
    return StepObservers(bounds, power)


def _by_sample(values: npt.NDArray[Any], samples: int) -> npt.NDArray[Any]:
    return np.asarray(values.reshape(samples, -1, *values.shape[1:]).sum(axis=1))


def _records(items: Sequence[npt.NDArray[Any]], samples: int) -> npt.NDArray[Any]:
    """Return the sums of records over windows and groups; of peaks, the largest."""
    total = np.zeros((samples, *items[0].shape[1:]), items[0].dtype)
    for item in items:
        for name in item.dtype.names or ():
            values = item[name].reshape(samples, -1, *item.shape[1:])
            if name == "queue_peak":
                total[name] = np.maximum(total[name], values.max(axis=1))
            else:
                total[name] += values.sum(axis=1)
    return total


def _mapping(network: Network, ran: Sequence[_Ran]) -> Mapping:
    """Return the mappings of all groups as one: what a core holds is the most that it ever holds of anything."""
    mappings = [item.group.mapping for item in ran]
    offsets, total = {}, 0
    for name, population in network.populations.items():
        offsets[name] = total
        total += _sources(mappings[0], network, name) if name == network.input.name else population.size
    parts, occupation = [], dict[int, Demand]()
    routing = np.zeros_like(mappings[0].routing_entries)
    for item, mapping in zip(ran, mappings, strict=True):
        for part in mapping.parts:
            inside = part.terminal < mapping.cores
            name = part.population if inside else network.input.name
            first = item.group.section.pieces[name][0] if inside else 0
            parts.append(replace(part, population=name, neurons=part.neurons + np.int32(first)))
        for core, held in mapping.occupation.items():
            known = occupation.get(core, Demand(0, 0, 0, 0))
            fields = Demand.__dataclass_fields__
            occupation[core] = Demand(*(max(getattr(known, key), getattr(held, key)) for key in fields))
        routing = np.maximum(routing, mapping.routing_entries)
    return replace(
        mappings[-1],
        parts=tuple(parts),
        offsets=offsets,
        axons=_axons([(item.group.mapping, _numbers(network, item, offsets)) for item in ran], total),
        occupation=occupation,
        routing_entries=routing,
        load_target=mappings[0].load_target,
        graded=frozenset().union(*(mapping.graded for mapping in mappings)),
        value_bits=max(mapping.value_bits for mapping in mappings),
    )


def _sources(mapping: Mapping, network: Network, name: str) -> int:
    return network.populations[mapping.load_target or name].size


def _numbers(network: Network, ran: _Ran, offsets: dict[str, int]) -> Int64s:
    """Return the whole network's number of every packet source of a group."""
    section, mapping = ran.group.section, ran.group.mapping
    numbers = np.empty(mapping.axons.neurons, np.int64)
    if mapping.load_target is None:
        outside = [offsets[name] + np.arange(network.populations[name].size) for name in section.sources]
    else:
        outside = [offsets[network.input.name] + np.arange(network.populations[mapping.load_target].size)]
    head = np.concatenate([np.zeros(0, np.int64), *outside])
    numbers[: len(head)] = head
    for name, (first, last) in section.pieces.items():
        begin = mapping.offsets[name]
        numbers[begin : begin + last - first] = offsets[name] + np.arange(first, last)
    return numbers


def _axons(groups: Sequence[tuple[Mapping, Int64s]], total: int) -> Axons:
    source = np.concatenate([numbers[mapping.axons.source()] for mapping, numbers in groups])
    axon = np.concatenate([mapping.axons.axon for mapping, _ in groups])
    known = np.cumsum([0, *(len(mapping.axons.costs) for mapping, _ in groups)])
    axon["cost"] += np.repeat(known[:-1], [len(mapping.axons.axon) for mapping, _ in groups]).astype(np.int32)
    order = np.argsort(source, kind="stable")
    ptr = np.concatenate(([0], np.cumsum(np.bincount(source, minlength=total)))).astype(np.int64)
    return Axons(ptr, axon[order], np.concatenate([mapping.axons.costs for mapping, _ in groups]))
