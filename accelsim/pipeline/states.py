"""Columns of a run's tables on what cores were bound by, and on how long their parts were busy, idle and asleep."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from accelsim.costs.power_use import SIDE_OF
from accelsim.timing.bounds import BOUNDS

if TYPE_CHECKING:
    from accelsim.pipeline.flow import Run

Columns = list[tuple[str, str, str, Any]]

_MEANING = {
    "compute": "its lanes, or its neuron engine",
    "memory": "weights, accumulator banks or axons",
    "traffic": "packets, full queues or the network",
    "barrier": "others to be done, drain and barrier",
}


def core_columns(run: "Run") -> Columns:
    """Return what every core was bound by: shares of its time, steps by verdict, the verdict; and its mean supply."""
    bounds, used = run.steps.bounds, run.mapping.used_cores
    total = np.maximum(bounds.cycles.sum(axis=(0, 2)), 1)
    verdicts = bounds.verdicts()
    held = set(used)
    cycles = bounds.cycles.sum(axis=0)
    columns: Columns = [
        (f"{name}_share", "", f"Share of its time that went to {_MEANING[name]}", cycles[:, at] / total)
        for at, name in enumerate(BOUNDS)
    ]
    columns += [
        (f"{name}_steps", "", f"Steps of an inference that are {name}-bound", bounds.steps[:, :, at].mean(axis=0))
        for at, name in enumerate(BOUNDS)
    ]
    text = "Where most of its time went; nothing for a core without neurons"
    columns.append(("bound", "", text, [name if core in held else "" for core, name in enumerate(verdicts)]))
    dvfs = run.chip.spec.technology.power.dvfs
    if dvfs is not None:
        volts = np.array([level.voltage for level in dvfs.levels])
        at_level = run.steps.power.cycles.sum(axis=0)
        mean = at_level @ volts / np.maximum(at_level.sum(axis=1), 1)
        columns.append(("mean_voltage", "V", "Supply, mean over time", mean))
    return columns


def component_columns(run: "Run", kinds: Iterable[str]) -> Columns:
    """Return shares of time in which components of used cores were busy, idle and asleep; NaN for others."""
    power, used = run.steps.power, list(run.mapping.used_cores)
    names = [kind.partition(":")[0] for kind in kinds]
    known = np.array([name in SIDE_OF for name in names])
    busy = np.array([power.share("busy", name, used) if name in SIDE_OF else np.nan for name in names])
    asleep = np.array([power.share("asleep", name, used) if name in SIDE_OF else np.nan for name in names])
    idle = np.where(known, 1 - busy - asleep, np.nan)
    where = "in used cores, NaN outside cores"
    return [
        ("busy_share", "", f"Share of the time that its engine worked, {where}", busy),
        ("idle_share", "", f"Share of the time that it was awake and did nothing, {where}", idle),
        ("asleep_share", "", f"Share of the time that it slept, {where}", asleep),
    ]
