"""A workload without a chip: what it holds, and what it does when it runs, in blocks of samples of bounded memory."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.costs.neurobench import Activity, metrics
from accelsim.errors import ConfigError
from accelsim.functional.decoding import accuracy, predict
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.network.graph import Network
from accelsim.network.workload import Workload, load_workload
from accelsim.pipeline.meta import workload_summary
from accelsim.result.inspection import Inspection
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.result.run_result import Quantity
from accelsim.result.table import Table, table
from accelsim.trace.activity import ActivityTrace

BLOCK_BYTES = 32 << 20
"""Marks of neurons (touched, not zero) that one block of samples may take."""

_MAX_WEIGHTS = 100_000
_WIDE = Numerics(32, 32)
_AS_EXPORTED = ("network.quantize=none", "network.prune=null")


@dataclass(eq=False)
class Outcome:
    """What a run of all samples gave.

    Attributes
    ----------
    predictions : (samples,) int64
    spikes : dict of str to (n,) int64
        Spikes of every neuron, over all samples.
    by_sample : dict of str to (samples,) int64
        ``input_events``, ``spikes``, ``sops``.
    operations : dict of str to int
        Synaptic operations by projection: spikes times non-zero weights.
    overflows : dict of str to int
    raster : dict of str to (spikes, 2) int32
    """

    predictions: npt.NDArray[np.int64]
    spikes: dict[str, npt.NDArray[np.int64]]
    by_sample: dict[str, npt.NDArray[np.int64]]
    operations: dict[str, int]
    activity: Activity
    overflows: dict[str, int] = field(default_factory=dict)
    raster: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)


def inspect(
    workload: str | Path = "mnist_conv",
    *,
    samples: int | None = 16,
    workload_overrides: Sequence[str] = (),
    hw: str | Path | None = None,
    compare: bool = False,
    threads: int | None = None,
    progress: Progress = NO_PROGRESS,
) -> Inspection:
    """Look at a workload and run it functionally.

    Parameters
    ----------
    workload : str or Path
    samples : int or None
        From the start of the input; None for all.
    workload_overrides : sequence of str
    hw : str, Path or None
        A chip whose widths of membranes and accumulators integers have; 32 bit without one.
    compare : bool
        Run the network as it was exported, too: float32 and not pruned.
    threads : int, optional
    progress : Progress

    Raises
    ------
    AccelsimError
        On anything wrong with the workload.
    """
    began = time.perf_counter()
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: expected at least 1, got {threads}")
    workers = threads or os.cpu_count() or 1
    with progress.stage("load"):
        load = load_workload(workload, samples, workload_overrides)
        if compare and load.recording is not None:
            raise ConfigError(f"{workload}: compare: expected a network that runs, got recorded spikes")
        core = None if hw is None else load_chip(hw).spec.core
    limits = _WIDE if core is None else Numerics(core.membrane.bits, core.accumulator.bits)
    outcome = run_samples(load, limits, workers, progress)
    comparison = None
    if compare:
        plain = load_workload(workload, samples, (*workload_overrides, *_AS_EXPORTED))
        comparison = _comparison(load, outcome, plain, run_samples(plain, limits, workers, progress))
    numbers = _totals(load, outcome)
    return Inspection(
        meta={**workload_summary(load), "samples": load.events.samples, "hashes": load.hashes,
              "threads": workers, "wall_time_s": round(time.perf_counter() - began, 3)},
        totals=numbers,
        neurobench=metrics(load.network, outcome.activity, load.timesteps),
        layers=_layers(load, outcome),
        connections=_connections(load, outcome),
        samples=_samples(load, outcome),
        comparison=comparison,
        rates={name: item / (load.events.samples * load.timesteps) for name, item in outcome.spikes.items()},
        raster=outcome.raster,
        weights=_weights(load.network),
        warnings=_warnings(load, outcome),
    )  # fmt: skip


def run_samples(load: Workload, limits: Numerics, workers: int, progress: Progress) -> Outcome:
    """Run all samples of a workload, a block at a time, and keep sums."""
    network, events = load.network, load.events
    limits = limits if network.integer else Numerics(None, None)
    fan_out = [edge.connection.fan_out() for edge in network.projections]
    spikes = {name: np.zeros(item.size, dtype=np.int64) for name, item in network.populations.items()}
    parts: dict[str, list[npt.NDArray[np.int64]]] = {"input_events": [], "spikes": [], "sops": []}
    predictions: list[npt.NDArray[np.int64]] = []
    outcome = Outcome(np.zeros(0, np.int64), spikes, {}, {edge.name: 0 for edge in network.projections}, Activity())
    size = events.samples if load.recording else _block(network, load.timesteps)
    with progress.stage("execute", events.samples) as stage:
        for first in range(0, events.samples, size):
            part = events.part(first, min(first + size, events.samples))
            trace = load.recording.trace() if load.recording else execute(network, part, limits, workers)
            predictions.append(predict(trace, load.decoding))
            outcome.activity.add(network, part, trace)
            for name, total in spikes.items():
                np.add(total, _spikes_of(trace, name, total.size), out=total)
            _by_sample(network, trace, fan_out, parts, outcome.operations)
            for key, number in trace.overflows.items():
                outcome.overflows[key] = outcome.overflows.get(key, 0) + number
            if not first:
                outcome.raster = {name: _raster(trace, name) for name in spikes}
            stage.advance(part.samples)
    outcome.predictions = np.concatenate(predictions)
    outcome.by_sample = {key: np.concatenate(values) for key, values in parts.items()}
    return outcome


def _block(network: Network, timesteps: int) -> int:
    marks = 2 * timesteps * sum((item.size + 7) // 8 for item in network.populations.values())
    return max(1, BLOCK_BYTES // marks)


def _spikes_of(trace: ActivityTrace, name: str, size: int) -> npt.NDArray[np.int64]:
    activity = trace.populations[name]
    if activity.count is None:
        return np.bincount(activity.index, minlength=size)
    return np.bincount(activity.index, weights=activity.count, minlength=size).astype(np.int64)


def _by_sample(
    network: Network,
    trace: ActivityTrace,
    fan_out: Sequence[npt.NDArray[np.int64]],
    parts: dict[str, list[npt.NDArray[np.int64]]],
    operations: dict[str, int],
) -> None:
    own = [name for name, item in network.populations.items() if item.model is not None and item.model.spiking]
    parts["input_events"].append(trace.spikes(network.input.name).sum(axis=1))
    total = np.zeros(trace.samples, dtype=np.int64)
    for name in own:
        total += trace.spikes(name).sum(axis=1)
    parts["spikes"].append(total)
    sops = np.zeros(trace.samples, dtype=np.int64)
    for edge, reach in zip(network.projections, fan_out, strict=True):
        activity = trace.populations[edge.source]
        done = activity.summed(reach[activity.index] * activity.counts).reshape(trace.samples, -1).sum(axis=1)
        operations[edge.name] += int(done.sum())
        sops += done
    parts["sops"].append(sops)


def _raster(trace: ActivityTrace, name: str) -> npt.NDArray[np.int32]:
    activity = trace.populations[name]
    ptr = activity.ptr[: trace.timesteps + 1]
    step = np.repeat(np.arange(trace.timesteps), np.diff(ptr))
    return np.stack([step, activity.index[: ptr[-1]]], axis=1).astype(np.int32)


def _totals(load: Workload, outcome: Outcome) -> dict[str, Quantity]:
    network = load.network
    mean = {key: float(values.mean()) for key, values in outcome.by_sample.items()}
    synapses = sum(int(edge.connection.fan_out().sum()) for edge in network.projections)
    numbers = {
        "neurons": Quantity(float(network.neurons), "", "without the input"),
        "synapses": Quantity(float(synapses), "", "non-zero weights, a shared one as often as it is used"),
        "weights": Quantity(float(sum(edge.connection.rows.size for edge in network.projections)), "", "stored"),
        "input_events": Quantity(mean["input_events"], "", "spikes or values of the input, mean per sample"),
        "spikes": Quantity(mean["spikes"], "", "of all populations but the input, mean per sample"),
        "sops": Quantity(mean["sops"], "", "spikes times non-zero synapses, mean per sample"),
        "saturations": Quantity(float(sum(outcome.overflows.values())), "", "of membranes and accumulators"),
    }
    if load.labels is not None:
        scored = accuracy(outcome.predictions, load.labels)
        numbers["accuracy"] = Quantity(scored.value, "", "share of right predictions")
        numbers["accuracy_low"] = Quantity(scored.low, "", "lower end of the Wilson 95 % interval")
        numbers["accuracy_high"] = Quantity(scored.high, "", "upper end of the Wilson 95 % interval")
    return numbers


def _layers(load: Workload, outcome: Outcome) -> Table:
    network, names = load.network, list(load.network.populations)
    populations = list(network.populations.values())
    runs = load.events.samples * load.timesteps
    rate = [float(outcome.spikes[name].mean()) / runs for name in names]
    return table(
        "layers",
        ("layer", "", "Population", names),
        ("model", "", "Neuron model", ["input" if p.model is None else type(p.model).__name__ for p in populations]),
        ("shape", "", "Height x width x channels, or neurons", ["x".join(map(str, p.shape)) for p in populations]),
        ("neurons", "", "Neurons", [p.size for p in populations]),
        ("spikes", "", "Spikes, mean per sample", [outcome.spikes[name].sum() / load.events.samples for name in names]),
        ("firing_rate", "", "Spikes per neuron and timestep", rate),
        ("largest_rate", "", "Of the most active neuron", [int(outcome.spikes[name].max()) / runs for name in names]),
        ("silent", "", "Neurons that never spiked", [int((outcome.spikes[name] == 0).sum()) for name in names]),
        ("saturations", "", "Values that left the range of the integers", [_saturations(outcome, n) for n in names]),
    )


def _saturations(outcome: Outcome, name: str) -> int:
    return sum(outcome.overflows.get(f"{name}.{part}", 0) for part in ("accumulator", "membrane"))


def _connections(load: Workload, outcome: Outcome) -> Table:
    network = load.network
    edges = network.projections
    rows = [edge.connection.rows for edge in edges]
    fan_out = [edge.connection.fan_out() for edge in edges]
    scales = [network.populations[edge.target].scale for edge in edges]
    synapses = [int(item.sum()) for item in fan_out]
    return table(
        "connections",
        ("connection", "", "Source and target", [edge.name for edge in edges]),
        ("kind", "", "dense or convolution", [edge.connection.shape.kind for edge in edges]),
        ("delay", "timestep", "Between a spike and its integration", [edge.delay for edge in edges]),
        ("weights", "", "Stored weights, shared ones once", [item.size for item in rows]),
        ("zero_share", "", "Of the stored weights", [float(np.mean(item == 0)) for item in rows]),
        ("bits", "", "Stored width of a weight", [edge.connection.bits for edge in edges]),
        ("scale", "", "Real value of an integer step (the largest, if by channel)",
         [1.0 if item is None else float(item.max()) for item in scales]),
        ("synapses", "", "Non-zero weights as often as they are used", synapses),
        ("fan_out", "", "Non-zero synapses of a source neuron, mean",
         [count / edge.connection.n_source for count, edge in zip(synapses, edges, strict=True)]),
        ("fan_in", "", "Non-zero synapses of a target neuron, mean",
         [count / edge.connection.n_target for count, edge in zip(synapses, edges, strict=True)]),
        ("largest_fan_out", "", "Of a source neuron", [int(item.max(initial=0)) for item in fan_out]),
        ("sops", "", "Synaptic operations, mean per sample",
         [outcome.operations[edge.name] / load.events.samples for edge in edges]),
    )  # fmt: skip


def _samples(load: Workload, outcome: Outcome) -> Table:
    label = np.full(load.events.samples, -1) if load.labels is None else load.labels
    return table(
        "samples",
        ("sample", "", "Position in the workload's input", np.arange(load.events.samples)),
        ("label", "", "True class, -1 where unknown", label),
        ("prediction", "", f"Predicted class, decoding {load.decoding}", outcome.predictions),
        ("correct", "", "Whether prediction and label agree", outcome.predictions == label),
        ("input_events", "", "Spikes or values of the input", outcome.by_sample["input_events"]),
        ("spikes", "", "Spikes of all populations but the input", outcome.by_sample["spikes"]),
        ("sops", "", "Spikes times non-zero synapses", outcome.by_sample["sops"]),
    )


def _comparison(load: Workload, outcome: Outcome, plain: Workload, exported: Outcome) -> Table:
    ours, theirs = _totals(load, outcome), _totals(plain, exported)
    keys = [key for key in theirs if key != "saturations"]
    same = float(np.mean(outcome.predictions == exported.predictions))
    return table(
        "comparison",
        ("quantity", "", "Name", [*keys, "equal_predictions"]),
        ("stated", "", "As the workload states", [*(ours[key].value for key in keys), same]),
        ("exported", "", "Without pruning, in float32", [*(theirs[key].value for key in keys), 1.0]),
    )


def _weights(network: Network) -> dict[str, npt.NDArray[np.float64]]:
    found: dict[str, npt.NDArray[np.float64]] = {}
    for edge in network.projections:
        connection, scale = edge.connection, network.populations[edge.target].scale
        step: Any = 1.0 if scale is None else scale[connection.channel.ravel() % scale.size]
        real = connection.rows.ravel().astype(np.float64) * step
        real = real[real != 0]
        found[edge.name] = real[:: -(-real.size // _MAX_WEIGHTS) or 1]
    return found


def _warnings(load: Workload, outcome: Outcome) -> list[str]:
    found = [f"{name}: {number} values left the range of the integers" for name, number in outcome.overflows.items()
             if number]  # fmt: skip
    if load.labels is None:
        found.append("the samples have no labels: no accuracy")
    silent = [name for name, item in outcome.spikes.items() if not item.any() and _spikes(load.network, name)]
    found += [f"population {name} never spikes" for name in silent]
    return found


def _spikes(network: Network, name: str) -> bool:
    model = network.populations[name].model
    return model is None or model.spiking
