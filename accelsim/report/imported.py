"""What ``accelsim import`` prints: layers, connections, choices with their sources, repairs, what was written."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Console, RenderableType
from rich.text import Text

from accelsim.network.graph import Network, Projection
from accelsim.network.workload_writer import Imported
from accelsim.report.format import clean, count, percent
from accelsim.report.parts import HEAD, grid, heading
from accelsim.report.terminal import print_parts

_STATED = ("dialect", "dt_s", "reset", "reset_delay", "threshold_op", "spike_mode", "order", "delays", "weights")


def print_imported(imported: Imported, console: Console | None = None) -> None:
    """Print what was read and written."""
    print_parts(imported_report(imported), console)


def imported_report(imported: Imported) -> Iterator[RenderableType]:
    """Yield the parts in order."""
    network = imported.network
    edges = network.projections
    synapses = sum(int(edge.connection.fan_out().sum()) for edge in edges)
    weights = sum(edge.connection.rows.size for edge in edges)
    zeros = weights - sum(int(np.count_nonzero(edge.connection.rows)) for edge in edges)
    line = Text(clean(network.name), style=HEAD)
    facts = [
        f"format {network.provenance.get('format', 'unknown')}",
        f"{count(network.neurons)} neurons",
        f"{count(synapses)} synapses",
        f"{count(weights)} weights, {percent(zeros / max(1, weights))} zero",
        "integers" if network.integer else "float32",
    ]
    yield line.append("  " + " | ".join(clean(fact) for fact in facts), style="not bold")
    yield heading("Layers")
    titles = [("layer", "left"), ("model", "left"), ("shape", "left"), ("neurons", "right"), ("bias", "left")]
    yield grid(titles, [
        (clean(item.name), "input" if item.model is None else type(item.model).__name__, "x".join(map(str, item.shape)),
         count(item.size), "no" if item.bias is None else "yes")
        for item in network.populations.values()
    ])  # fmt: skip
    yield heading("Connections", "scale: real value of one step of an integer weight")
    titles = [("connection", "left"), ("kind", "left"), ("weights", "right"), ("zero", "right"), ("bits", "right"),
              ("scale", "right"), ("synapses", "right"), ("delay", "right")]  # fmt: skip
    yield grid(titles, [_connection(network, edge) for edge in edges])
    yield from _choices(network.provenance)
    repairs = network.provenance.get("repairs") or []
    if repairs:
        yield heading("Repaired or left out")
        for repair in repairs:
            yield Text(f"- {clean(repair, 300)}")
    yield heading("Mind") if imported.notes else Text("")
    for note in imported.notes:
        yield Text("! ", style="yellow").append(clean(note, 400), style="default")
    yield Text(f"\nWritten: {imported.folder} ({', '.join(imported.files)})")


def _connection(network: Network, edge: Projection) -> tuple[str, ...]:
    rows = edge.connection.rows
    return (
        clean(edge.name),
        edge.connection.shape.kind,
        count(rows.size),
        percent(1.0 - np.count_nonzero(rows) / max(1, rows.size)),
        str(edge.connection.bits),
        _scale(network.populations[edge.target].scale) if network.integer else "",
        count(int(edge.connection.fan_out().sum())),
        str(edge.delay),
    )


def _scale(scale: Any) -> str:
    if scale is None or not scale.size:
        return ""
    low, high = float(scale.min()), float(scale.max())
    return f"{low:.4g}" if low == high else f"{low:.4g}..{high:.4g}"


def _choices(provenance: dict[str, Any]) -> Iterator[RenderableType]:
    choices = provenance.get("choices") or {}
    rows = [(key, f"{one['value']}", clean(one["from"])) for key, one in choices.items() if one["value"] is not None]
    if "dialect" in choices:
        known: tuple[str, ...] = ()
    else:
        known = tuple(key for key in _STATED if key != "dt_s" or "dt" not in choices)
    rows += [
        (key, clean(str(provenance[key]), 100), "the file or its format")
        for key in known
        if key in provenance and isinstance(provenance[key], str | int | float | bool)
    ]
    if rows:
        yield heading("Choices", "what the file does not say itself, and who said it")
        yield grid([("choice", "left"), ("value", "left"), ("from", "left")], rows)
