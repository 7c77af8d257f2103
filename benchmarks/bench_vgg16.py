"""VGG16 from recorded spikes, at full cycle level, in a fresh process: load, build, trace, map and simulate.

The spike tensors are not part of the repository: ``SPIKE_TENSORS=folder`` with ``vgg16_cifar10_loas.npz``, else the
folder that the tests read. Skipped without them.
"""

import os
import resource
import shutil
import time
from pathlib import Path

from common import fresh_process, print_table, quantity

from accelsim.hardware.loader import load_chip
from accelsim.mapping.mapping import map_network
from accelsim.network.spike_tensors import MadeUp, read_spike_tensors
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate

FILE = "vgg16_cifar10_loas.npz"
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "spike_tensors"
CHIP = ["noc.size=[16, 16]", "core.weight_format=csr"]
"""Changes of the preset ``large``: 256 cores, and weights stored with indices, as 98 % of them are zero."""

MADE_UP = {"density": 0.0177, "weight_bits": 8, "seed": 1, "kernel": 3, "padding": 1, "outputs": 10}

WALL_BAR, PEAK_BAR = 10.0, 1024.0
"""Seconds and MiB, kernels compiled."""


def tensors() -> Path | None:
    path = Path(os.environ.get("SPIKE_TENSORS", FOLDER)) / FILE
    return path if path.is_file() else None


def write_workload(folder: Path, tensors: Path) -> None:
    """Write a workload folder that `accelsim run` takes."""
    shutil.copyfile(tensors, folder / FILE)
    stated = "".join(f"  {name}: {value}\n" for name, value in MADE_UP.items())
    (folder / "workload.yaml").write_text(
        "name: vgg16\ndescription: recorded spikes of a sparse VGG16 over random weights\n"
        f"recording:\n  file: {FILE}\n{stated}provenance: {{}}\n"
    )


def stages(path: str) -> dict[str, float]:
    """Run once and return what it took: seconds by stage, MiB, and counts."""
    took: dict[str, float] = {}
    lap = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal lap
        now = time.perf_counter()
        took[stage], lap = now - lap, now

    recording = read_spike_tensors(Path(path), MadeUp(**MADE_UP))
    chip = load_chip("large", CHIP).spec
    done("load, build")
    trace = recording.trace(delay=chip.edge_delay)
    done("trace")
    mapping = map_network(recording.network, chip, "spikes", 1)
    done("map")
    machine = build_machine(recording.network, chip, mapping, trace)
    done("machine")
    timing = simulate(machine, chip, mapping, "compiled", 2)
    done("simulate")
    took["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took["neurons"] = recording.network.neurons
    for name in ("packets_in", "sops"):
        took[name] = int(timing.terminals[name].sum())
    took["hops"] = int(timing.links.sum())
    took["cycles"] = int(timing.step_cycles.sum())
    return took


def timed(path: str) -> dict[str, float]:
    """Return the stages of a fresh process, and its seconds from start to end, interpreter and imports included."""
    began = time.perf_counter()
    took = fresh_process(stages, path)
    return {**took, "whole process": time.perf_counter() - began}


def main() -> None:
    path = tensors()
    if path is None:
        print(f"\nVGG16: skipped, {FILE} not found in $SPIKE_TENSORS or beside the repository")
        return
    fresh_process(stages, str(path))  # compiles what is not cached
    runs = [timed(str(path)) for _ in range(3)]
    names = ("load, build", "trace", "map", "machine", "simulate", "whole process")
    rows = [(*(f"{run[name]:.2f}" for name in names), f"{run['peak']:.0f} MiB") for run in runs]
    rows.append((*[""] * (len(names) - 1), f"bar {WALL_BAR:.0f}", f"bar {PEAK_BAR:.0f} MiB"))
    print_table("VGG16 from recorded spikes on 256 cores, fresh processes, 2 threads, s", (*names, "peak"), rows)
    counts = {"neurons": "neurons", "packets_in": "packets", "hops": "flits over links", "sops": "SOPs"}
    last = runs[-1]
    words = [f"{quantity(last[name])}{text}" for name, text in {**counts, "cycles": "cycles"}.items()]
    print(", ".join(words))


if __name__ == "__main__":
    main()
