"""The flow of a layer-serial array on one screen: execute, count in closed form, cost, the same result as of a chip."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from accelsim.baseline.baseline import SnnAccuracy, run_baseline
from accelsim.costs.accounting import EnergyAccount, account
from accelsim.costs.analytic import OperationCounts, analytic_table, operation_counts
from accelsim.counters import Counters, EnergyTable
from accelsim.errors import ConfigError
from accelsim.functional.decoding import accuracy, predict
from accelsim.functional.executor import execute
from accelsim.functional.key import trace_key
from accelsim.functional.numerics import Numerics
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.hardware.loader import load_chip
from accelsim.hardware.sources.base import Leakage
from accelsim.hardware.spec import ChipSpec
from accelsim.network.workload import Workload
from accelsim.pearray.machine import build_dataflow
from accelsim.pearray.prices import MachinePrices, machine_prices
from accelsim.pearray.simulate import ArrayTiming, simulate_array
from accelsim.pipeline import activity, array_tables, meta, sources
from accelsim.pipeline.inputs import ArrayInputs
from accelsim.pipeline.reuse import ALONE, NOT_IN_ARRAY_BASELINE, Reuse, part_of
from accelsim.result.progress import Progress
from accelsim.result.run_result import BaselineResult, RunResult
from accelsim.trace.activity import ActivityTrace
from accelsim.trace.store import cached_trace


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayRun(ArrayInputs):
    """Everything that a run made, for the tables to read."""

    trace: ActivityTrace
    timing: ArrayTiming
    counters: Counters
    energy: EnergyAccount
    prices: EnergyTable
    area: dict[str, float]
    """Of every component, mm2, where a source has it."""
    leakage: Mapping[str, Leakage]
    """Static power by component."""
    baseline: BaselineResult
    operations: OperationCounts

    @property
    def time_ns(self) -> npt.NDArray[np.float64]:
        """Duration of each sample, ns, (samples,)."""
        return np.asarray(self.timing.total / self.chip.spec.clock)


def run_array(inputs: ArrayInputs, threads: int, progress: Progress, *, cache: bool) -> RunResult:
    """Run a workload on an array; parameters and errors as of :func:`accelsim.pipeline.flow.run`."""
    began = time.perf_counter()
    made = measure_array(inputs, threads, progress, cache=cache)
    return RunResult(
        meta=meta.array_meta(made, threads, time.perf_counter() - began),
        config=inputs.chip.data,
        workload=meta.workload_summary(inputs.workload),
        totals=array_tables.totals(made),
        samples=array_tables.samples_table(made),
        layers=array_tables.layers_table(made),
        cores=array_tables.cores_table(),
        components=array_tables.components_table(made),
        causes=array_tables.causes_table(made),
        steps=array_tables.steps_table(),
        links=array_tables.links_table(),
        routers=array_tables.routers_table(),
        activity=activity.activity_table(made),
        raster=activity.raster_table(made),
        prices=sources.prices_table(made),
        parameters=sources.parameters_table(made),
        baseline=made.baseline,
        analytic=analytic_table(made.operations),
        warnings=meta.array_warnings(made),
    )


def measure_array(
    inputs: ArrayInputs, threads: int, progress: Progress, *, cache: bool = True, reuse: Reuse = ALONE
) -> ArrayRun:
    """Execute, count and price: all of a run but its tables; ``reuse`` is what runs of this process share."""
    machine, load = inputs.chip, inputs.workload
    spec, network = machine.spec, load.network
    dataflow = build_dataflow(machine)
    trace = _execute(load, threads, progress, cache=cache, reuse=reuse)
    with progress.stage("simulate", trace.samples) as stage:
        timing = simulate_array(spec, dataflow, network, trace, load.events, stage.advance)
    with progress.stage("cost"):
        prices = _prices(spec, load)
        counters = timing.counters()
        time_ns = timing.total / spec.clock
        static = {name: leak.power_mw * time_ns for name, leak in prices.leakage.items()}
        energy = account(counters, prices.table, prices.components, static)
        right = SnnAccuracy()
        if load.labels is not None:
            scored = accuracy(predict(trace, load.decoding), load.labels)
            right = SnnAccuracy(scored.value, scored.low)
        baseline = reuse.get(
            "baseline",
            lambda: (load, inputs.own, right, False, part_of(machine.data, NOT_IN_ARRAY_BASELINE)),
            lambda: run_baseline(
                host_of(spec), network, load.events, load.image, load.labels, ann=inputs.own, snn=right, resident=False
            ),
        )
        operations = reuse.get(
            "operations", lambda: (load, trace), lambda: operation_counts(network, load.events, trace)
        )
    return ArrayRun(
        **{item.name: getattr(inputs, item.name) for item in fields(inputs)}, trace=trace, timing=timing,
        counters=counters, energy=energy, prices=prices.table, leakage=prices.leakage, baseline=baseline,
        operations=operations, area={name: one.area_mm2 for name, one in prices.area.items()},
    )  # fmt: skip


def require_closed_forms(engine: str) -> None:
    """Raise ConfigError if an engine is asked for: ``compiled`` is what nobody asked for."""
    if engine != "compiled":
        raise ConfigError(f"engine: expected none for an array, whose cycles are closed forms, got {engine}")


def host_of(spec: PeArraySpec) -> ChipSpec:
    """Return a chip that carries the array's MAC array: its technology and clock, without ports and network."""
    core = load_chip("core").spec
    state = core.core.membrane.model_copy(update={"bits": spec.neurons.state_bits})
    return core.model_copy(
        update={
            "name": spec.name,
            "technology": core.technology.model_copy(update=dict(spec.technology)),
            "clock": spec.clock,
            "baseline": spec.baseline,
            "ports": (),
            "core": core.core.model_copy(update={"membrane": state}),
        }
    )


def _prices(spec: PeArraySpec, load: Workload) -> MachinePrices:
    bits = max(edge.connection.bits for edge in load.network.projections)
    if bits == 32:
        raise ConfigError("an array computes in integers: quantise the network (network.quantize in workload.yaml)")
    return machine_prices(spec, bits, max(1, load.events.value_bits))


def _execute(load: Workload, workers: int, progress: Progress, *, cache: bool, reuse: Reuse) -> ActivityTrace:
    limits = Numerics(32, 32) if load.network.integer else Numerics(None, None)
    if load.recording is not None:
        return load.recording.trace(delay=0, zeros_touch=False)

    def make() -> ActivityTrace:
        done = 0
        with progress.stage("execute", load.events.samples) as stage:

            def advance(now: int, _total: int) -> None:
                nonlocal done
                stage.advance(now - done)
                done = now

            return execute(load.network, load.events, limits, workers, advance, delay=0, zeros_touch=False)

    def keyed() -> ActivityTrace:
        key = trace_key(load.network, load.events, limits, delay=0, zeros_touch=False)
        return cached_trace(key, make) if cache else make()

    return reuse.get("trace", lambda: (load, limits, 0, False), keyed)
