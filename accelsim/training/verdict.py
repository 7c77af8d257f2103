"""What the simulator says about an exported network: predictions, spikes, time and energy, beside the ANN baselines.

The predictions of accelsim's functional engine are compared with the twin's on the samples that the folder holds; then
the first of them run on the chip, cycle by cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from accelsim import pipeline
from accelsim.functional.decoding import predict
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import LoadedArray, load_machine
from accelsim.network.events import ALL
from accelsim.network.workload import load_workload
from accelsim.result.run_result import RunResult
from accelsim.training.recipe_spec import HardwareSpec


def agreement(folder: Path, predictions: Tensor, threads: int) -> float:
    """Return the share of the folder's samples for which accelsim predicts as the twin does.

    Parameters
    ----------
    folder : Path
        A workload.
    predictions : (n,) Tensor
        Of the twin, for the samples of the folder and perhaps more.
    threads : int
    """
    load = load_workload(folder, ALL)
    wide = Numerics(32, 32) if load.network.integer else Numerics(None, None)
    trace = execute(load.network, load.events, wide, threads=threads)
    ours = predict(trace, load.decoding)
    return float(np.mean(ours == predictions[: len(ours)].numpy()))


def cycle_level(
    folder: Path, machines: Sequence[HardwareSpec], samples: int, threads: int, *, baseline: bool = True
) -> dict[str, Any]:
    """Return figures of a workload on machines; names begin with the machine's label.

    Energies pJ per inference, latency ns; ``dynamic_*`` is the dynamic energy of a kind of component. With
    ``baseline``, ``ann_*`` are rows of the baseline's table: dense, zero-gating and ideal zero-skipping 8-bit arrays
    with the same weights, their accuracy that of the timed samples.
    """
    figures: dict[str, Any] = {}
    for machine in machines:
        result = pipeline.run(
            machine.chip, str(folder), samples=samples, overrides=machine.overrides, threads=threads
        )
        own = _figures(result) | (_compared(result) if baseline else {})
        figures |= {f"{machine.label}_{name}": value for name, value in own.items()}
    return figures


def stored_as(machine: HardwareSpec, weights: str) -> HardwareSpec:
    """Return a machine that stores its weights in another format; its label ends with the format."""
    path = "formats.weights" if isinstance(load_machine(machine.chip), LoadedArray) else "core.weight_format"
    overrides = (*machine.overrides, f"{path}={weights}")
    return HardwareSpec(chip=machine.chip, overrides=overrides, name=f"{machine.label}_{weights}")


def _figures(result: RunResult) -> dict[str, float]:
    names = ("energy_per_inference", "energy_dynamic", "energy_static", "latency", "energy_delay", "sops", "spikes")
    figures = {name: result.totals[name].value for name in names}
    for part, pj in zip(result.components["component"], result.components["dynamic_pj"], strict=True):
        figures[f"dynamic_{str(part).replace(' ', '_').replace(':', '_')}"] = float(pj)
    return figures


def _compared(result: RunResult) -> dict[str, float]:
    figures = {"zeta": result.totals["zeta"].value}
    for row in result.baseline.variants.rows():
        label = str(row["baseline"]).replace("-", "_")
        figures[f"ann_{label}_energy"] = float(row["energy_pj"])
        figures[f"ann_{label}_products"] = float(row["products"])
        figures[f"ann_{label}_accuracy"] = float(row["accuracy"])
    models = {str(row["model"]): row for row in result.analytic.rows()}
    figures["op_count_ratio_fp32"] = float(models["horowitz-fp32"]["ratio"])
    return figures
