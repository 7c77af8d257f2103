"""What ``accelsim check`` prints: the verdict, the memories, the layers, the cores."""

import math
from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.text import Text

from accelsim.report.format import ABSENT, clean, count, percent
from accelsim.report.parts import BAD, DIM, GOOD, HEAD, Cells, grid, heading
from accelsim.report.terminal import print_parts
from accelsim.result.fit import Fit

MAX_CORES: Final = 32
"""Longest table of cores; of more, the fullest are shown."""

_SHORT: Final = ("synapse", "axon", "membrane", "accumulator", "routing")


def print_fit(fit: Fit, console: Console | None = None) -> None:
    """Print whether a workload fits."""
    print_parts(fit_report(fit), console)


def fit_report(fit: Fit) -> Iterator[RenderableType]:
    """Yield the parts in order."""
    meta = fit.meta
    line = Text(f"{clean(meta['workload'])} on {clean(meta['chip'])}: ", style=HEAD)
    if fit.fits:
        line.append("fits" if meta["groups"] == 1 else f"runs in {meta['groups']} groups", style=GOOD)
        one = f", {meta['cores_used']} of {meta['cores']} cores"
        yield line.append(one if meta["groups"] == 1 else ", one after the other (layer_serial)", style="not bold")
        for number, layers in enumerate(meta["group_layers"], 1):
            yield Text(f"  group {number}: {clean(layers, 300)}")
    else:
        yield line.append("does not fit", style=BAD)
        if fit.overflow:
            yield Text("first memory to overflow: " + clean(fit.overflow, 1000), style=BAD)
        yield Text(clean(fit.problem, 2000))
    facts = ", ".join(f"{name.replace('_', ' ')} {meta[name]}" for name in ("weight_format", "schedule", "partition"))
    yield Text(facts, style=DIM)
    yield from _memories(fit)
    yield from _layers(fit)
    yield from _cores(fit)


def _kib(bits: float) -> str:
    return f"{bits / 8192:,.4g} KiB"


def _memories(fit: Fit) -> Iterator[RenderableType]:
    yield heading("Memories", "need: of the network as a whole; what slices hold twice comes on top")
    rows = []
    for row in fit.memories.rows():
        unknown = row["memory"].endswith("routing_memory") and fit.cores is None
        need, chip = row["need_entries"] * row["bits"], row["chip_entries"] * row["bits"]
        share = ABSENT if unknown else percent(need / max(1, chip))
        style = BAD if need > chip else ""
        rows.append((
            str(row["memory"]), _kib(row["core_entries"] * row["bits"]), _kib(chip),
            ABSENT if unknown else _kib(need), Text(share, style=style),
            ABSENT if math.isnan(row["fullest"]) else percent(row["fullest"]),
        ))  # fmt: skip
    titles = [("memory", "left"), ("a core", "right"), ("all cores", "right"), ("need", "right"), ("of all", "right"),
              ("fullest core", "right")]  # fmt: skip
    yield grid(titles, rows)


def _layers(fit: Fit) -> Iterator[RenderableType]:
    if not len(fit.layers):
        return
    yield heading("Layers")
    fields = [name for name in fit.layers.names if name.endswith("_bits")]
    titles = [("layer", "left"), ("neurons", "right"), *((name, "right") for name in _SHORT[: len(fields)]),
              ("cores", "right")]  # fmt: skip
    rows = [
        (
            str(row["layer"]), count(row["neurons"]), *(_kib(row[name]) for name in fields),
            ABSENT if row["cores"] < 0 else str(row["cores"]),
        )
        for row in fit.layers.rows()
    ]  # fmt: skip
    yield grid(titles, rows)


def _cores(fit: Fit) -> Iterator[RenderableType]:
    if fit.cores is None:
        return
    fields = [name for name in fit.cores.names if name.endswith("_filled")]
    rows = list(fit.cores.rows())
    shown = sorted(rows, key=lambda row: -_fullest(row, fields))[:MAX_CORES] if len(rows) > MAX_CORES else rows
    more = f"; the {MAX_CORES} fullest of {len(rows)}" if len(rows) > MAX_CORES else ""
    yield heading("Cores", f"filled fraction of each memory{more}")
    titles = [("core", "left"), ("layers", "left"), ("neurons", "right"), *((name, "right") for name in _SHORT)]
    cells: list[Cells] = [
        (
            str(row["core"]), clean(str(row["layers"]), 40), count(row["neurons"]),
            *(Text(percent(row[name]), style="yellow" if row[name] > 0.9 else "") for name in fields),
        )
        for row in shown
    ]  # fmt: skip
    yield grid(titles, cells)


def _fullest(row: dict[str, Any], fields: list[str]) -> float:
    return max(float(row[name]) for name in fields)
