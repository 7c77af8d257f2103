"""The tables below the headlines: layers, cores, counts with their spread, links, analytic models."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import RenderableType
from rich.text import Text

from accelsim.report.format import ABSENT, clean, count, percent, quantity, total, versus
from accelsim.report.parts import DIM, grid, heading
from accelsim.result.run_result import RunResult

MAX_CORES = 16
"""Longest table of cores; a larger chip shows the busiest and sums up the rest."""
_SHOWN_CORES = 8
_SPREAD = (
    ("energy", "energy_pj", "pJ"),
    ("latency", "latency_ns", "ns"),
    ("latency in cycles", "latency_cycles", ""),
    ("spikes", "spikes", ""),
    ("SOPs", "sops", ""),
    ("SOPs issued (with stored zeros)", "sops_issued", ""),
    ("packets", "packets", ""),
    ("flit-hops", "flit_hops", ""),
)
_OF_NETWORKS = 2
"""Rows at its end that an array has not."""


def counts(result: RunResult) -> Iterator[RenderableType]:
    """Yield what an inference did, as mean and spread over the samples."""
    samples = result.samples
    yield heading("One inference", f"over {len(samples)} sample{'s' if len(samples) != 1 else ''}")
    rows = []
    for name, key, unit in _SPREAD if len(result.cores) else _SPREAD[:-_OF_NETWORKS]:
        values = np.asarray(samples[key], dtype=np.float64)
        if len(values):
            deviation = quantity(float(values.std(ddof=1)), unit) if len(values) > 1 else ABSENT
            cells = [quantity(float(at), unit) for at in (values.mean(), values.min(), values.max())]
            rows.append((name, cells[0], deviation, *cells[1:]))
    yield grid((("", "left"), ("mean", "right"), ("std", "right"), ("min", "right"), ("max", "right")), rows)
    more = [
        ("neuron updates", "neuron_updates"),
        ("input events", "input_events"),
        ("energy per SOP", "energy_per_sop"),
        ("cycles between samples back to back", "throughput_interval_cycles"),
    ]
    lines = [f"{name} {total(result.totals, key)}" for name, key in more if key in result.totals]
    if lines:
        yield Text("; ".join(lines), style=DIM)


def layers(result: RunResult) -> Iterator[RenderableType]:
    """Yield the table of layers."""
    table = result.layers
    whole = float(np.sum(table["energy_pj"]))
    if not len(result.cores):
        yield from _array_layers(result, whole)
        return
    yield heading("Layers", "per inference; scan, synapse: busy cycles of the engines, summed over the layer's cores")
    rows = [
        (
            str(row["layer"]),
            count(row["neurons"]),
            count(row["cores"]),
            count(row["spikes"]),
            percent(row["firing_rate"]),
            count(row["sops"]),
            count(row["packets"]),
            count(row["scan_cycles"]),
            count(row["synapse_cycles"]),
            quantity(row["energy_pj"], "pJ"),
            percent(row["energy_pj"] / whole, 0) if whole else ABSENT,
        )
        for row in table.rows()
    ]
    titles = ("layer", "neurons", "cores", "spikes", "rate", "SOPs", "packets", "scan", "synapse", "energy", "share")
    yield grid([(title, "left" if title == "layer" else "right") for title in titles], rows)


def _array_layers(result: RunResult, whole: float) -> Iterator[RenderableType]:
    yield heading("Layers", "per inference; elements: cycles of the products, then what else a layer waits for")
    waits = ("synapse_cycles", "dram_wait_cycles", "buffer_wait_cycles", "scan_cycles")
    rows = [
        (
            str(row["layer"]), count(row["neurons"]), count(row["spikes"]), percent(row["firing_rate"]),
            count(row["sops"]), *(count(row[name]) for name in waits), quantity(row["energy_pj"], "pJ"),
            percent(row["energy_pj"] / whole, 0) if whole else ABSENT,
        )
        for row in result.layers.rows()
    ]  # fmt: skip
    titles = ("layer", "neurons", "spikes", "rate", "SOPs", "elements", "DRAM", "buffers", "updates", "energy", "share")
    yield grid([(title, "left" if title == "layer" else "right") for title in titles], rows)


def cores(result: RunResult) -> Iterator[RenderableType]:
    """Yield the table of used cores; a chip with many shows the busiest and the mean of the others."""
    table = result.cores
    used = np.flatnonzero(table["neurons"] > 0)
    used = used[np.argsort(-table["energy_pj"][used], kind="stable")]
    if not len(table):
        return  # a layer-serial array
    note = "those with the most energy first; synapse, neuron: busy engines"
    yield heading("Cores", f"{len(used)} of {len(table)} used, {note}")
    if not len(used):
        return
    shown = used if len(used) <= MAX_CORES else used[:_SHOWN_CORES]
    engines = [name for name in table.names if name.endswith("_utilisation")]
    memories = [name for name in table.names if name.endswith("_occupation")]
    numbers = ["neurons", *engines, "packets", "energy_pj"]
    bounds = [name for name in table.names if name.endswith("_share")]

    def row(head: str, layers: str, of: npt.NDArray[Any]) -> tuple[str, ...]:
        fill = {name: float(np.mean(table[name][of])) for name in memories}
        fullest = max(fill, key=lambda name: fill[name], default=None)
        memory = f"{_title(fullest).removesuffix(' mem')} {_cell(fullest, fill[fullest])}" if fullest else ABSENT
        shares = {name.removesuffix("_share"): float(np.mean(table[name][of])) for name in bounds}
        verdict = max(shares, key=lambda name: shares[name], default=None)
        bound = f"{verdict} {percent(shares[verdict], 0)}" if verdict else ABSENT
        return (head, layers, *(_cell(name, float(np.mean(table[name][of]))) for name in numbers), memory, bound)

    rows = [
        row(f"{table['core'][k]} ({table['x'][k]},{table['y'][k]})", clean(table["layers"][k], 22), np.array([k]))
        for k in shown
    ]
    rest = used[len(shown) :]
    if len(rest):
        rows.append(row("others", f"mean of {len(rest)}", rest))
    titles = ["core (x,y)", "layers", *(_title(name) for name in numbers), "fullest memory", "bound by"]
    yield grid([(title, "left" if at < 2 else "right") for at, title in enumerate(titles)], rows)
    unused = float(table["energy_pj"].sum() - table["energy_pj"][used].sum())
    if len(used) < len(table):
        yield Text(f"{len(table) - len(used)} unused cores: {quantity(unused, 'pJ')} together", style=DIM)


def power(result: RunResult) -> Iterator[RenderableType]:
    """Yield one line on what slept and at which supply cores ran, where a chip has either."""
    table, cores = result.components, result.cores
    found = []
    if "asleep_share" in table.names:
        slept = zip(table["component"].tolist(), table["asleep_share"].tolist(), strict=True)
        found += [f"{clean(name)} {percent(share, 0)}" for name, share in slept if share > 0]
    parts = [f"asleep, of the time of used cores: {', '.join(found)}"] if found else []
    if "mean_voltage" in cores.names:
        volts = cores["mean_voltage"][cores["neurons"] > 0]
        parts += [f"supply of used cores {volts.min():.3g} to {volts.max():.3g} V, mean over time"] * (len(volts) > 0)
    if parts:
        yield Text("; ".join(parts), style=DIM)


def links(result: RunResult) -> Iterator[RenderableType]:
    """Yield one line on the busiest link."""
    load = result.links["load"]
    if not len(load):
        return
    k = int(np.argmax(load))
    ends = [int(result.links[key][k]) for key in ("from_x", "from_y", "to_x", "to_y")]
    yield Text(
        f"busiest of {len(load)} links: ({ends[0]},{ends[1]}) to ({ends[2]},{ends[3]}) with {load[k]:.3g} flits per "
        f"cycle; mean {float(load.mean()):.3g}",
        style=DIM,
    )


_AREAS = (
    ("memories", ("axon memory", "routing memory", "synapse memory", "membrane memory", "accumulator memory")),
    ("arithmetic", ("synapse engine", "neuron engine")),
    ("queues and control", ("input queue", "spike fifo", "injection queue", "core control")),
    ("routers", ("router",)),
    ("links", ("link",)),
)


def area(result: RunResult) -> Iterator[RenderableType]:
    """Yield one line on the area of the chip, where it is known, and one on that of the array."""
    array = result.baseline.totals.get("area")
    if array is not None:
        yield Text(f"array area {array.value:.3g} mm2; {array.definition}", style=DIM)
    if "area" not in result.totals:
        return
    line = f"chip area {result.totals['area'].value:.3g} mm2"
    table = result.components
    if "area_mm2" in table.names and np.isfinite(table["area_mm2"]).any():
        each = dict(zip(table["component"].tolist(), table["area_mm2"].tolist(), strict=True))
        sums = [(name, sum(each.get(kind, 0.0) for kind in kinds)) for name, kinds in _AREAS]
        line += ": " + ", ".join(f"{name} {value:.3g}" for name, value in sums)
    yield Text(f"{line}; {result.totals['area'].definition}", style=DIM)


def analytic(result: RunResult) -> Iterator[RenderableType]:
    """Yield the literature's op-count models and how far each is from the simulated energy of the SNN."""
    if not len(result.analytic):
        return
    yield heading("What op-count models would have said", "energy per inference by number of operations")
    simulated = result.totals["energy_per_inference"].value if "energy_per_inference" in result.totals else float("nan")
    rows = [
        (
            str(row["model"]),
            quantity(row["snn_pj"], "pJ"),
            quantity(row["ann_pj"], "pJ"),
            percent(row["snn_pj"] / simulated, 0) if simulated > 0 else ABSENT,
            str(row.get("verdict", "")) or versus(row["snn_pj"], row["ann_pj"]),
        )
        for row in result.analytic.rows()
    ]
    titles = ("model", "SNN", "ANN", "of simulated SNN", "SNN against ANN")
    yield grid([(title, "left" if title in {"model", "SNN against ANN"} else "right") for title in titles], rows)
    if "zeta" in result.totals:
        yield Text(
            f"spikes per neuron weighted by MACs (zeta): {result.totals['zeta'].value:.3g}. With equal layers a "
            "compute-only model gives (E_MAC / E_AC) / zeta, so a published 12.2x presupposes 0.42 (fp32) or 2.6 "
            "(int32), 8x to 14x 0.64 to 0.37 (fp32) or 4.0 to 2.3 (int32)",
            style=DIM,
        )


def _cell(name: str, value: float) -> str:
    if name.endswith(("_utilisation", "_occupation")):
        return percent(value)
    return quantity(value, "pJ") if name == "energy_pj" else count(value)


def _title(name: str) -> str:
    short = name.removesuffix("_utilisation").removesuffix("_memory_occupation").removesuffix("_occupation")
    if name.endswith("_utilisation"):
        return short
    return f"{short} mem" if name.endswith("_occupation") else short.removesuffix("_pj")
