"""What ``accelsim inspect`` prints: the network, its choices, its input, its activity, its accuracy."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from accelsim.report.classes import classes
from accelsim.report.format import clean, count, percent
from accelsim.report.parts import DIM, HEAD, grid, heading
from accelsim.report.terminal import print_parts
from accelsim.result.inspection import Inspection
from accelsim.result.run_result import Quantity

_CHOICES = ("dialect", "reset", "threshold_op", "order")
_SHARES = ("connection_sparsity", "activation_sparsity")


def print_inspection(inspection: Inspection, console: Console | None = None) -> None:
    """Print an inspection."""
    print_parts(inspection_report(inspection), console)


def inspection_report(inspection: Inspection) -> Iterator[RenderableType]:
    """Yield the parts in order."""
    meta = inspection.meta
    line = Text(clean(meta["name"]), style=HEAD)
    facts = [f"{meta['samples']} samples", f"{meta['timesteps']} timesteps", f"encoding {meta['encoding']}",
             f"decoding {meta['decoding']}", f"{meta['arithmetic']} arithmetic"]  # fmt: skip
    yield line.append("  " + " | ".join(clean(fact) for fact in facts), style="not bold")
    yield Text(clean(meta["description"], 400), style=DIM)
    yield from _finding(inspection)
    yield from _layers(inspection)
    yield from _connections(inspection)
    yield from _choices(meta)
    yield from _input(inspection)
    yield from classes(inspection.samples, inspection.tables()["classes"])
    yield from _comparison(inspection)
    yield from _neurobench(inspection.neurobench)
    if inspection.warnings:
        yield heading("Mind")
        for note in inspection.warnings:
            yield Text("! ", style="yellow").append(clean(note, 400), style="default")


def _finding(inspection: Inspection) -> Iterator[RenderableType]:
    totals = inspection.totals
    text = Text("\n")
    if "accuracy" in totals:
        bounds = f"{100 * totals['accuracy_low'].value:.1f}-{percent(totals['accuracy_high'].value)}"
        text.append(f"Accuracy {percent(totals['accuracy'].value)} (95 % interval {bounds})", style=HEAD)
        text.append("; ")
    text.append(
        f"{count(totals['spikes'].value)} spikes and {count(totals['sops'].value)} synaptic operations per sample, "
        f"{count(totals['neurons'].value)} neurons, {count(totals['synapses'].value)} synapses"
    )
    yield text


def _layers(inspection: Inspection) -> Iterator[RenderableType]:
    yield heading("Layers", "rate: spikes per neuron and timestep; silent: neurons that never spiked")
    titles = [("layer", "left"), ("model", "left"), ("shape", "left"), ("neurons", "right"), ("spikes/sample", "right"),
              ("rate", "right"), ("largest", "right"), ("silent", "right")]  # fmt: skip
    rows = [
        (
            str(row["layer"]), str(row["model"]), str(row["shape"]), count(row["neurons"]), count(row["spikes"]),
            percent(row["firing_rate"]), percent(row["largest_rate"]), percent(row["silent"] / max(1, row["neurons"])),
        )
        for row in inspection.layers.rows()
    ]  # fmt: skip
    yield grid(titles, rows)


def _connections(inspection: Inspection) -> Iterator[RenderableType]:
    yield heading("Connections", "fan-in, fan-out: non-zero synapses of a neuron, mean")
    titles = [("connection", "left"), ("kind", "left"), ("weights", "right"), ("zero", "right"), ("bits", "right"),
              ("synapses", "right"), ("fan-in", "right"), ("fan-out", "right"), ("SOPs/sample", "right")]  # fmt: skip
    rows = [
        (
            str(row["connection"]) + (f" (delay {row['delay']})" if row["delay"] else ""), str(row["kind"]),
            count(row["weights"]), percent(row["zero_share"]), str(row["bits"]), count(row["synapses"]),
            count(row["fan_in"]), count(row["fan_out"]), count(row["sops"]),
        )
        for row in inspection.connections.rows()
    ]  # fmt: skip
    yield grid(titles, rows)


def _choices(meta: dict[str, Any]) -> Iterator[RenderableType]:
    made = meta["provenance"].get("network", {})
    stated = [f"{key} {made[key]}" for key in _CHOICES if key in made]
    quantised = made.get("quantization")
    if quantised:
        populations = quantised["populations"]
        kept = [name for name, item in populations.items() if item["weights"] == "recognised"]
        worst = max((item["max_error_steps"] for item in populations.values()), default=0.0)
        width = f"{quantised['bits']} bit by {quantised['granularity']}"
        stated.append(f"weights {quantised['scheme']}, {width}: kept exactly in {len(kept)} of {len(populations)} "
                      f"layers, else within {worst:.2g} steps")  # fmt: skip
    pruned = made.get("pruning")
    if pruned:
        told = ", ".join(f"{key} {value}" for key, value in pruned.items() if key not in ("projections", "method"))
        stated.append(f"pruned by {pruned['method']} ({told})")
    if stated:
        yield heading("Choices")
        yield Text(clean("; ".join(stated), 1000))


def _input(inspection: Inspection) -> Iterator[RenderableType]:
    events = inspection.samples["input_events"]
    rate = next(iter(inspection.rates.values()))
    yield heading("Input")
    yield Text(
        f"{count(float(events.mean()))} events per sample ({count(float(events.min()))} to "
        f"{count(float(events.max()))}); {percent(float((rate == 0).mean()))} of {count(rate.size)} inputs never active"
    )
    recorded = inspection.meta["provenance"].get("input", {})
    if recorded:
        told = ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in recorded["events"].items() if value)
        yield Text(clean(f"format {recorded['format']}: events {told}", 400), style=DIM)


def _comparison(inspection: Inspection) -> Iterator[RenderableType]:
    if inspection.comparison is None:
        return
    yield heading("Against the network as exported", "float32, not pruned")
    shares = {"accuracy", "accuracy_low", "accuracy_high", "equal_predictions"}
    rows = []
    for row in inspection.comparison.rows():
        show = percent if row["quantity"] in shares else count
        rows.append((str(row["quantity"]).replace("_", " "), show(row["stated"]), show(row["exported"])))
    yield grid([("", "left"), ("as stated", "right"), ("as exported", "right")], rows)


def _neurobench(metrics: dict[str, Quantity]) -> Iterator[RenderableType]:
    yield heading("NeuroBench", "its metrics by its definitions, per sample")
    rows = [
        (
            name.replace("_", " "),
            (percent(item.value, 2) if name in _SHARES else f"{count(item.value)} {item.unit}").rstrip(),
            item.definition,
        )
        for name, item in metrics.items()
    ]
    yield grid([("", "left"), ("", "right"), ("", "left")], rows)
