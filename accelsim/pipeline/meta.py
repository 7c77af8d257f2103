"""What a result says of itself: versions, hashes, workload summary, warnings."""

import hashlib
import importlib.metadata
import platform
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import accelsim
from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.costs.area import area_problem
from accelsim.costs.parts import slow_memories
from accelsim.hardware.core_types import BASE
from accelsim.hardware.topologies.topology import TOPOLOGIES
from accelsim.mapping.partition import PARTITIONERS
from accelsim.mapping.placement import PLACERS
from accelsim.network.importers.options import METADATA, USER
from accelsim.pearray.dataflow import DATAFLOWS

if TYPE_CHECKING:
    from accelsim.network.workload import Workload
    from accelsim.pipeline.array_flow import ArrayRun
    from accelsim.pipeline.flow import Run

_NAMED = 4
"""Late steps that a warning names."""

_PACKAGES = ("numpy", "numba", "simpy", "pandas", "pydantic", "h5py")


def array_meta(run: "ArrayRun", threads: int, seconds: float) -> dict[str, Any]:
    """Return versions, seed and content hashes of a run on an array; its engine is the closed form."""
    kind = DATAFLOWS.get(run.chip.spec.elements.dataflow)
    parts = {**_models(run), "dataflow": kind}
    return _meta(run, "closed-form", threads, seconds, parts)


def meta(run: "Run", engine: str, threads: int, seconds: float) -> dict[str, Any]:
    """Return versions, seed, engine and content hashes."""
    return _meta(run, engine, threads, seconds, _implementations(run))


def _meta(
    run: "Run | ArrayRun", engine: str, threads: int, seconds: float, parts: dict[str, object]
) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    hashes = {"hardware": run.chip.sha256, "trace": run.trace.key}
    hashes.update({f"workload/{name}": digest for name, digest in run.workload.hashes.items()})
    if run.ann is not None:
        hashes[f"ann/{Path(run.ann).name}"] = hashlib.sha256(Path(run.ann).read_bytes()).hexdigest()
    return {
        "version": accelsim.__version__,
        "versions": {"python": platform.python_version(), **versions},
        "seed": run.workload.seed,
        "engine": engine,
        "threads": threads,
        "wall_time_s": round(seconds, 3),
        "command": _command(run),
        "hashes": hashes,
        "implementations": {
            name: f"{part.__module__}.{getattr(part, '__qualname__', '?')}" for name, part in parts.items()
        },
    }


def _command(run: "Run | ArrayRun") -> str:
    if run.origin is not None:
        return " ".join(["accelsim run", f"--from {shlex.quote(run.origin)}", *_sets(run)])
    words = ["accelsim run", f"--hw {shlex.quote(run.hw)}", f"--workload {shlex.quote(run.workload_name)}"]
    windows = getattr(run, "windows", None)  # an array has no streams
    words.append(f"--samples {windows or run.trace.samples}")
    words += _sets(run)
    words += ["--state carry"] if windows is not None else []
    words += [f"--workload-set {shlex.quote(item)}" for item in run.workload_overrides]
    if run.ann is not None and run.ann != str(run.workload.ann):
        words.append(f"--ann {shlex.quote(run.ann)}")
    return " ".join(words)


def _sets(run: "Run | ArrayRun") -> list[str]:
    return [f"--set {shlex.quote(item)}" for item in run.overrides]


def _models(run: "Run | ArrayRun") -> dict[str, object]:
    return {
        f"neuron model of {name}": type(item.model)
        for name, item in run.workload.network.populations.items()
        if item.model is not None
    }


def _implementations(run: "Run") -> dict[str, object]:
    """Return every replaceable part: a result made with a plug-in says so."""
    spec, parts = run.chip.spec, _models(run)
    for name, core in spec.kinds_of_core.items():
        of = "" if name == BASE else f" of {name}"
        parts[f"weight format{of}"] = WEIGHT_FORMATS.get(core.weight_format)
    parts["topology"] = TOPOLOGIES.get(spec.noc.topology)
    parts["partition"] = PARTITIONERS.get(spec.mapping.partition)
    parts["placement"] = PLACERS.get(spec.mapping.placement)
    return parts


def workload_summary(load: "Workload") -> dict[str, Any]:
    """Return the workload in plain words and numbers."""
    network = load.network
    weights = sum(edge.connection.rows.size for edge in network.projections)
    nonzero = sum(int((edge.connection.rows != 0).sum()) for edge in network.projections)
    return {
        "name": load.name,
        "description": load.description,
        "timesteps": load.timesteps,
        "encoding": "recorded" if load.recording else load.provenance["description"]["input"]["encoding"],
        "decoding": load.decoding,
        "seed": load.seed,
        "arithmetic": "integer" if network.integer else "float32",
        "neurons": network.neurons,
        "synapses_nonzero": sum(int(edge.connection.fan_out().sum()) for edge in network.projections),
        "weights": weights,
        "weights_nonzero": nonzero,
        "weight_bits": sorted({edge.connection.bits for edge in network.projections}),
        "layers": {name: list(item.shape) for name, item in network.populations.items()},
        "assumptions": _assumptions(load),
        "provenance": load.provenance,
    }


def _assumptions(load: "Workload") -> list[str]:
    """Return what nobody stated, by who said it instead, and what was repaired or made up."""
    made = load.provenance["network"]
    by_source: dict[str, list[str]] = {}
    currents = any(len(item.model.states) > 1 for item in load.network.populations.values() if item.model is not None)
    for key, choice in made.get("choices", {}).items():
        idle = choice["value"] in (None, False, 0, "none") or (key == "synapse" and not currents)
        if choice["from"] != USER and not idle:
            by_source.setdefault(choice["from"], []).append(f"{key} {choice['value']}")
    told = {METADATA: "stated by the file"}
    lines = [f"{told.get(source, 'not stated')}: {', '.join(v)} ({source})" for source, v in by_source.items()]
    meanings = dict.fromkeys(made["neurons"].values()) if isinstance(made.get("neurons"), dict) else {}
    lines += [f"neurons: {meaning}" for meaning in meanings]
    lines += [f"weights: random, {made['random_weights']}"] if "random_weights" in made else []
    return [*lines, *(str(item) for item in made.get("repairs", []))]


def _of_the_chip(run: "Run") -> list[str]:
    """Return what the hardware file says of itself: limits, corrections of prices, what it leaves out."""
    spec = run.chip.spec
    found = [f"chip {spec.name}: {limit}" for limit in spec.limits]
    found += [
        f"calibration: {item.quantity} of {item.component} x {item.factor:g}: {item.reason}"
        for item in spec.technology.calibration
    ]
    if spec.technology.supply is not None:
        supply = f"{spec.technology.supply:g} V"
        found.append(f"prices of the chip and of the MAC array are moved to {supply}; ports and DRAM are not")
    dvfs = spec.technology.power.dvfs
    if dvfs is not None and dvfs.policy == "slowest":
        found.append("levels of voltage: a bound on energy; later packets of slower cores are assumed to delay nobody")
    if spec.energies is None and not run.area:
        found.append(f"the area of the chip is not known: {area_problem(spec, not run.workload.network.integer)}")
    if spec.energies is not None and spec.energies.static_power == "unpublished":
        found.append("static power of this chip is not published: none is charged, energies are dynamic only")
    return found


def _late_steps(run: "Run") -> list[str]:
    """Return which steps took longer than the tick."""
    late = np.argwhere(run.timing.late > 0).tolist()
    if not late:
        return []
    tick = run.chip.spec.tick
    named = [
        f"step {step} of sample {sample} by {run.timing.late[sample, step]} cycles" for sample, step in late[:_NAMED]
    ]
    more = f", and {len(late) - _NAMED} more" if len(late) > _NAMED else ""
    return [f"{len(late)} of {run.timing.late.size} steps overran the tick of {tick:g} ns: {', '.join(named)}{more}"]


def array_warnings(run: "ArrayRun") -> list[str]:
    """Return what an array's description leaves out, what does not fit, and what was assumed."""
    spec = run.chip.spec
    found = [f"array {spec.name}: {limit}" for limit in spec.limits]
    found += [
        f"calibration: {item.quantity} of {item.component} x {item.factor:g}: {item.reason}"
        for item in spec.technology.calibration
    ]
    found += run.timing.unfit
    own, beside = spec.elements.rows * spec.elements.columns, spec.baseline.rows * spec.baseline.columns
    if own != beside:
        found.append(f"the MAC array beside has {beside} elements, this one {own}: baseline.rows, baseline.columns")
    found.append("sums and states are exact; the array's widths are priced, they do not narrow the function")
    return found + _of_the_workload(run)


def warnings(run: "Run") -> list[str]:
    """Return what was saturated, approximated or slower than assumed."""
    found = [
        f"{name}: {count} values left the range of the chip's integers"
        for name, count in run.trace.overflows.items()
        if count
    ]
    found += _of_the_chip(run) + _late_steps(run)
    if run.chip.spec.energies is None:  # else the memories are not those of the SRAM source
        found += slow_memories(run.chip.spec)
    if run.mapping.load_target is not None:
        found.append("the port computes the first layer: its operations are priced, its weight memory and time are not")
    if not run.workload.network.integer:
        found.append("the network runs in float32 (32-bit weights and sums), the ANN beside it in integers")
    return found + _of_the_workload(run)


def _of_the_workload(run: "Run | ArrayRun") -> list[str]:
    found = []
    if run.workload.recording is not None:
        found.append("recorded spikes were replayed over random weights; the last layer has none and sends nothing")
    if run.workload.labels is None:
        found.append(_unlabelled(getattr(run, "windows", None)))
    return found


def _unlabelled(windows: int | None) -> str:
    if windows is None:
        return "the samples have no labels: no accuracy"
    return f"one stream of {windows} windows: energies and times are those of all of them, on both sides; no accuracy"
