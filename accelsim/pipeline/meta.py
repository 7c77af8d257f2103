"""What a result says of itself: versions, hashes, workload summary, warnings."""

import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

import accelsim
from accelsim.costs.parts import slow_memories

if TYPE_CHECKING:
    from accelsim.network.workload import Workload
    from accelsim.pipeline.flow import Run

_PACKAGES = ("numpy", "numba", "simpy", "pandas", "pydantic", "h5py")


def meta(run: "Run", engine: str, threads: int, seconds: float) -> dict[str, Any]:
    """Return versions, seed, engine and content hashes."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    hashes = {"hardware": run.chip.sha256, "trace": run.trace.key}
    hashes.update({f"workload/{name}": digest for name, digest in run.workload.hashes.items()})
    return {
        "version": accelsim.__version__,
        "versions": {"python": platform.python_version(), **versions},
        "seed": run.workload.seed,
        "engine": engine,
        "threads": threads,
        "wall_time_s": round(seconds, 3),
        "command": _command(run),
        "hashes": hashes,
    }


def _command(run: "Run") -> str:
    words = ["accelsim run", f"--hw {run.hw}", f"--workload {run.workload.name}", f"--samples {run.trace.samples}"]
    return " ".join([*words, *(f"--set {item}" for item in run.overrides)])


def workload_summary(load: "Workload") -> dict[str, Any]:
    """Return the workload in plain words and numbers."""
    network = load.network
    weights = sum(edge.connection.rows.size for edge in network.projections)
    nonzero = sum(int((edge.connection.rows != 0).sum()) for edge in network.projections)
    return {
        "name": load.name,
        "description": load.description,
        "timesteps": load.timesteps,
        "encoding": load.provenance["description"]["input"]["encoding"],
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
    made = load.provenance["network"]
    lines = [f"{name}: {made[name]}" for name in ("dialect", "reset", "threshold_op", "order") if name in made]
    return [", ".join(lines)] if lines else []


def warnings(run: "Run") -> list[str]:
    """Return what was saturated, approximated or slower than assumed."""
    found = [
        f"{name}: {count} values left the range of the chip's integers"
        for name, count in run.trace.overflows.items()
        if count
    ]
    found += slow_memories(run.chip.spec)
    if run.workload.labels is None:
        found.append("the samples have no labels: no accuracy")
    return found
