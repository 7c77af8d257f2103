"""The flow on one screen: load > execute > map > time > cost.

Execute first, time second, cost last: the activity trace is free of hardware and reused, the counters are integers,
prices come last.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.baseline.baseline import SnnAccuracy, run_baseline
from accelsim.baseline.given import load_ann
from accelsim.compression.format import adds_zeros
from accelsim.costs.accounting import EnergyAccount, account
from accelsim.costs.analytic import OperationCounts, analytic_table, operation_counts
from accelsim.costs.area import chip_area
from accelsim.costs.counting import component_kinds, count
from accelsim.costs.leakage import charged_leakage, static_energy
from accelsim.costs.power_use import PowerUse
from accelsim.costs.prices import build_energy_table
from accelsim.counters import Counters, EnergyTable
from accelsim.errors import ConfigError, MappingError
from accelsim.functional.decoding import accuracy, predict
from accelsim.functional.executor import execute
from accelsim.functional.key import trace_key
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import LoadedArray, LoadedChip, load_machine
from accelsim.hardware.sources.base import Leakage
from accelsim.mapping.groups import Group, group_network
from accelsim.mapping.mapping import Mapping, draft_network, map_network
from accelsim.mapping.partition import PARTITIONERS
from accelsim.mapping.schedule import Schedule
from accelsim.network.events import A_FEW, Limit
from accelsim.network.workload import Workload, load_workload
from accelsim.pipeline import activity, breakdown, meta, sources, tables, totals
from accelsim.pipeline.array_flow import require_closed_forms, run_array
from accelsim.pipeline.inputs import ArrayInputs, ChipInputs
from accelsim.pipeline.observers import StepObservers, observers
from accelsim.pipeline.reuse import ALONE, NOT_IN_BASELINE, NOT_IN_DRAFT, NOT_IN_MAPPING, Reuse, part_of
from accelsim.pipeline.serial import run_serial
from accelsim.pipeline.stream import State, one_stream, windows_of
from accelsim.pipeline.throughput import sample_interval
from accelsim.pipeline.timeline import TimelineRequest
from accelsim.report.timeline import write_timeline
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.result.run_result import BaselineResult, RunResult
from accelsim.timing.machine import Machine, build_machine
from accelsim.timing.simulate import Spread, TimingResult, simulate
from accelsim.timing.timeline import record
from accelsim.trace.activity import ActivityTrace
from accelsim.trace.store import cached_trace

_OWN: Final = "accelsim.mapping."


@dataclass(frozen=True, eq=False, kw_only=True)
class Run(ChipInputs):
    """Everything that a run made, for the tables to read."""

    trace: ActivityTrace
    mapping: Mapping
    machine: Machine | None
    timing: TimingResult
    steps: StepObservers
    counters: Counters
    energy: EnergyAccount
    prices: EnergyTable
    area: dict[str, float]
    """By kind of component, mm2; empty where no source covers the whole chip."""
    baseline: BaselineResult
    operations: OperationCounts
    interval: float | None
    """Cycles from the start of a sample to that of the next, back to back; None where that was not simulated."""

    @property
    def leakage(self) -> dict[str, Leakage]:
        """Static power of one instance by kind of component."""
        bits = _multiplier_bits(self.workload, self.mapping)
        return charged_leakage(self.chip.spec, not self.workload.network.integer, multiplier_bits=bits)

    @property
    def time_ns(self) -> npt.NDArray[np.float64]:
        """Duration of each sample with its barriers, ns, (samples,)."""
        return np.asarray(self.timing.step_cycles.sum(axis=1) / self.chip.spec.clock)


def run(
    hw: str | Path | LoadedChip | LoadedArray = "core",
    workload: str | Path = "mnist_conv",
    *,
    samples: int | Limit = A_FEW,
    overrides: Sequence[str] = (),
    workload_overrides: Sequence[str] = (),
    engine: str = "compiled",
    threads: int | None = None,
    seed: int | None = None,
    progress: Progress = NO_PROGRESS,
    cache: bool = True,
    ann: str | Path | None = None,
    timeline: TimelineRequest | None = None,
    back_to_back: bool = False,
    state: State = "reset",
    origin: str | None = None,
    spread: Spread | None = None,
) -> RunResult:
    """Simulate a workload on a chip, or on a layer-serial array, and price it beside the same network as an ANN.

    Parameters
    ----------
    hw : str, Path, LoadedChip or LoadedArray
        Name of a preset, a hardware file, or a machine that is loaded already, overrides included.
    workload : str or Path
        Name of a bundled workload, or a folder with a ``workload.yaml``.
    samples : int or Limit
        Samples from the start of the workload's input; 16, or all of a shorter input, if not given.
    overrides : sequence of str
        ``core.synapse_memory.banks=8``: changes of the chip, in order.
    workload_overrides : sequence of str
        ``network.quantize.bits=4``: changes of the workload, in order.
    engine : str
        ``compiled``, ``reference`` or a registered one.
    threads : int, optional
        All cores of the machine if not given; results do not depend on it.
    seed : int, optional
        Replaces the seed of a random encoding.
    progress : Progress
    cache : bool
        Reuse and keep activity traces.
    ann : str or Path, optional
        Network file of an ANN for the baseline, integrate-and-fire nodes standing for rectifiers, in place of the one
        that the workload names; without either, the workload's own weights run as an ANN.
    timeline : TimelineRequest, optional
        Steps to write as a timeline.
    back_to_back : bool
        Simulate all samples once more as one run, for the throughput of samples that follow each other at once.
    state : {"reset", "carry"}
        ``carry``: the samples are windows of one stream, in which states go on; they become one long sample without a
        label, beside one inference of the ANN for each of them. For streams that do not fit the memory there is
        :func:`accelsim.pipeline.stream.run_stream`.
    origin : str, optional
        Point of a study that this run repeats, told in the result.
    spread : callable, optional
        Has the steps of samples simulated elsewhere, see :func:`accelsim.timing.simulate.simulate`; ``threads`` says by
        how many.

    Returns
    -------
    RunResult

    Raises
    ------
    AccelsimError
        On anything wrong with the chip, the workload or their combination.
    """
    began = time.perf_counter()
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: expected at least 1, got {threads}")
    workers = threads or os.cpu_count() or 1
    with progress.stage("load"):
        chip = hw if isinstance(hw, LoadedChip | LoadedArray) else load_machine(hw, overrides)
        seeds = () if seed is None else (f"input.seed={seed}",)
        load = load_workload(workload, samples, (*workload_overrides, *seeds))
        windows = load.events.samples if state == "carry" else None
        if windows is not None and back_to_back:
            raise ConfigError("back to back, state carry: expected one of them: a stream is one sample")
        if windows is not None:
            load = one_stream(load)
        file = load.ann if ann is None else Path(ann)
        own = None if file is None else load_ann(file, load.network)
        name = chip.spec.name if isinstance(hw, LoadedChip | LoadedArray) else str(hw)
        given: dict[str, Any] = {
            "hw": name, "workload_name": str(workload), "overrides": tuple(overrides), "workload": load, "own": own,
            "workload_overrides": (*workload_overrides, *seeds), "ann": None if file is None else str(file),
            "origin": origin,
        }  # fmt: skip
    if isinstance(chip, LoadedArray):
        if timeline is not None:
            raise ConfigError("timeline: expected a mesh of cores, got an array: its cycles are closed forms")
        if back_to_back or windows is not None:
            raise ConfigError("back to back, state carry: expected a mesh of cores, got an array")
        require_closed_forms(engine)
        return run_array(ArrayInputs(chip=chip, **given), workers, progress, cache=cache)
    with progress.stage("load"):
        Schedule.of(chip.spec.schedule, load.network, load.timesteps)  # one without a schedule is not even executed
        inputs = ChipInputs(chip=chip, windows=windows, back_to_back=back_to_back, **given)
    made = measure(inputs, engine, workers, progress, cache=cache, spread=spread)
    if timeline is not None:
        with progress.stage("timeline"):
            _write_timeline(made, timeline)
    return RunResult(
        meta=meta.meta(made, engine, workers, time.perf_counter() - began),
        config=chip.data,
        workload=meta.workload_summary(load),
        totals=totals.totals(made),
        samples=tables.samples_table(made),
        layers=breakdown.layers_table(made),
        cores=breakdown.cores_table(made),
        components=tables.components_table(made),
        causes=tables.causes_table(made),
        steps=tables.steps_table(made),
        links=tables.links_table(made),
        routers=tables.routers_table(made),
        activity=activity.activity_table(made),
        raster=activity.raster_table(made),
        prices=sources.prices_table(made),
        parameters=sources.parameters_table(made),
        baseline=made.baseline,
        analytic=analytic_table(made.operations),
        warnings=meta.warnings(made),
    )


def _write_timeline(made: Run, wanted: TimelineRequest) -> None:
    if made.machine is None:
        raise ConfigError("timeline: the steps of a network that runs group by group are not recorded")
    recorded = record(
        made.machine, made.chip.spec, made.mapping, made.timing, workload=made.workload.name, sample=wanted.sample,
        steps=wanted.steps,
    )  # fmt: skip
    write_timeline(recorded, wanted.path)


def measure(
    inputs: ChipInputs,
    engine: str,
    workers: int,
    progress: Progress = NO_PROGRESS,
    *,
    cache: bool = True,
    reuse: Reuse = ALONE,
    admit: Callable[[Mapping, dict[str, float]], None] | None = None,
    spread: Spread | None = None,
) -> Run:
    """Execute, map, time and price: all of a run but the reading of files and the writing of tables.

    Parameters
    ----------
    inputs : ChipInputs
    engine, workers, progress, cache
        As in :func:`run`.
    reuse : Reuse
        What runs of this process share.
    admit : callable, optional
        Called with the mapping and the area by kind before anything is timed; may raise to stop.
    spread : callable, optional
        As in :func:`run`.
    """
    chip, load = inputs.chip, inputs.workload
    network, spec = load.network, chip.spec
    trace = _execute(chip, load, workers, progress, cache=cache, reuse=reuse)
    with progress.stage("map"):
        profile = {name: trace.by_neuron(name, network.populations[name].size) for name in trace.populations}
        placed = reuse.get(
            "mapping",
            lambda: (load, part_of(chip.data, NOT_IN_MAPPING)),
            lambda: _place(chip, load, profile, reuse),
        )
        mapping = placed if isinstance(placed, Mapping) else placed[0].mapping
        area = _area(chip, load, mapping)
        if admit is not None:
            admit(mapping, area)
        machine = build_machine(network, spec, mapping, trace) if isinstance(placed, Mapping) else None
    interval = None
    with progress.stage("simulate", machine.jobs if machine else 1) as stage:
        if machine is not None:
            seen = observers(spec, mapping, machine, engine)
            timing = simulate(machine, spec, mapping, engine, workers, stage.advance, seen.add, spread)
            interval = sample_interval(network, spec, mapping, trace, engine, workers) if inputs.back_to_back else None
        elif not isinstance(placed, Mapping):
            if inputs.back_to_back:
                raise ConfigError("back to back: samples of a network that runs group by group do not overlap")
            ran = run_serial(network, spec, placed, trace, load.events, engine, workers)
            mapping, timing, counters, seen = ran.mapping, ran.timing, ran.counters, ran.steps
            stage.advance(1)
    with progress.stage("cost"):
        if machine is not None:
            counters = count(spec, network, mapping, timing, trace, load.events, seen.power)
        prices, energy = _cost(chip, load, mapping, timing, counters, seen.power)
        baseline = _baseline(inputs, trace, reuse, resident=isinstance(placed, Mapping))
        operations = reuse.get(
            "operations", lambda: (load, trace), lambda: operation_counts(network, load.events, trace)
        )
    return Run(
        **{item.name: getattr(inputs, item.name) for item in fields(inputs)}, trace=trace, mapping=mapping,
        machine=machine, timing=timing, steps=seen, counters=counters, energy=energy, prices=prices, area=area,
        baseline=baseline, operations=operations, interval=interval,
    )  # fmt: skip


def _place(
    chip: LoadedChip, load: Workload, profile: dict[str, npt.NDArray[np.float64]], reuse: Reuse
) -> Mapping | list[Group]:
    """Map a network, or cut it into groups where it does not fit and the chip says how to run them."""
    network, events, spec = load.network, load.events, chip.spec
    own = PARTITIONERS.get(spec.mapping.partition).__module__.startswith(_OWN)
    try:
        plan = reuse.get(
            "draft",
            lambda: (load, part_of(chip.data, NOT_IN_DRAFT if own else NOT_IN_MAPPING)),
            lambda: draft_network(network, spec, events.kind, events.value_bits),
        )
        return map_network(network, spec, events.kind, events.value_bits, profile, plan=plan)
    except MappingError:
        if spec.layer_serial is None:
            raise
        return group_network(network, spec, events.kind, events.value_bits)


def _baseline(inputs: ChipInputs, trace: ActivityTrace, reuse: Reuse, *, resident: bool) -> BaselineResult:
    chip, load = inputs.chip, inputs.workload
    right = SnnAccuracy()
    if load.labels is not None:
        scored = accuracy(predict(trace, load.decoding), load.labels)
        right = SnnAccuracy(scored.value, scored.low)
    return reuse.get(
        "baseline",
        lambda: (load, inputs.own, right, resident, inputs.windows, part_of(chip.data, NOT_IN_BASELINE)),
        lambda: run_baseline(
            chip.spec, load.network, windows_of(load.events, inputs.windows or 1), load.image, load.labels,
            ann=inputs.own, snn=right, resident=resident, inferences=inputs.windows or 1,
        ),
    )


def _execute(
    chip: LoadedChip, load: Workload, workers: int, progress: Progress, *, cache: bool, reuse: Reuse = ALONE
) -> ActivityTrace:
    core = chip.spec.core
    integer = load.network.integer
    limits = Numerics(core.membrane.bits, core.accumulator.bits) if integer else Numerics(None, None)
    zeros_touch = adds_zeros(core.weight_format, skip_zero_weights=core.skip_zero_weights)
    delay = chip.spec.edge_delay
    if load.recording is not None:
        return load.recording.trace(delay=delay, zeros_touch=zeros_touch)

    def make() -> ActivityTrace:
        done = 0
        with progress.stage("execute", load.events.samples) as stage:

            def advance(now: int, _total: int) -> None:
                nonlocal done
                stage.advance(now - done)
                done = now

            return execute(load.network, load.events, limits, workers, advance, delay=delay, zeros_touch=zeros_touch)

    def keyed() -> ActivityTrace:
        key = trace_key(load.network, load.events, limits, delay=delay, zeros_touch=zeros_touch)
        return cached_trace(key, make) if cache else make()

    return reuse.get("trace", lambda: (load, limits, delay, zeros_touch), keyed)


def _area(chip: LoadedChip, load: Workload, mapping: Mapping) -> dict[str, float]:
    kinds = component_kinds(chip.spec, mapping)
    return chip_area(chip.spec, not load.network.integer, kinds, multiplier_bits=_multiplier_bits(load, mapping))


def _multiplier_bits(load: Workload, mapping: Mapping) -> int:
    return max(mapping.value_bits, load.events.value_bits, *(edge.connection.bits for edge in load.network.projections))


def _cost(
    chip: LoadedChip, load: Workload, mapping: Mapping, timing: TimingResult, counters: Counters, power: PowerUse
) -> tuple[EnergyTable, EnergyAccount]:
    spec, float32 = chip.spec, not load.network.integer
    kinds = component_kinds(spec, mapping)
    bits = max(edge.connection.bits for edge in load.network.projections)
    payload = max(mapping.value_bits, load.events.value_bits)
    prices = build_energy_table(spec, float32, kinds, payload_bits=payload, weight_bits=bits)
    used = {f"core[{core}]" for core in mapping.used_cores}
    time_ns = timing.step_cycles.sum(axis=1) / spec.clock
    bits = _multiplier_bits(load, mapping)
    static = static_energy(spec, float32, kinds, time_ns, used, multiplier_bits=bits, power=power)
    return prices, account(counters, prices, kinds, static)
