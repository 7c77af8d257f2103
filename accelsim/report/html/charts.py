"""Charts of a run, as plotly figures: where time and energy went, stalls over time, activity, samples."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.report.format import count, percent, quantity, words
from accelsim.report.html.parts import Chart, text
from accelsim.report.palette import ANN, PALETTE, SNN
from accelsim.result.classes import confusion
from accelsim.result.run_result import RunResult
from accelsim.result.table import Table

_MAX_BARS: Final = 150
"""Most steps that are drawn as bars; more become areas."""


def height(rows: int) -> int:
    """Return the pixels of a chart with horizontal bars."""
    return 110 + 26 * max(2, rows)


def time(result: RunResult) -> Chart:
    """Cycles of an inference by cause, the largest on top."""
    table = result.causes
    order = [at for at in np.argsort(table["cycles"], kind="stable") if table["cycles"][at] > 0]
    names = [text(words(str(table["cause"][at]))) for at in order]
    meaning = [text(table["meaning"][at]) if "meaning" in table.names else "" for at in order]
    most = ""
    if order:
        most = f"Most of it: {words(str(table['cause'][order[-1]]))}, {percent(table['share'][order[-1]])}."
    bars = {
        "type": "bar", "orientation": "h", "y": names, "x": [float(table["cycles"][at]) for at in order],
        "text": [percent(float(table["share"][at])) for at in order], "textposition": "outside", "cliponaxis": False,
        "customdata": meaning, "marker": {"color": SNN},
        "hovertemplate": "<b>%{y}</b><br>%{x:,.0f} cycles, %{text}<br>%{customdata}<extra></extra>",
    }  # fmt: skip
    layout = {"height": height(len(order)), "xaxis": {"title": {"text": "cycles per inference"}}}
    return Chart("time-by-cause", "Where the time went", most, [bars], layout)


def steps(result: RunResult) -> Chart:
    """Return cycles of every hardware step by cause, stacked."""
    table = result.steps
    causes = [name for name in table.names if name.endswith("_cycles") and table[name].any()]
    lines = [
        _course(table, name, name.removesuffix("_cycles"), PALETTE[at % len(PALETTE)], stacked=True)
        for at, name in enumerate(causes)
    ]
    slowest = int(np.argmax(table["cycles"])) if len(table) else 0
    finding = ""
    if len(table):
        longest = count(float(table["cycles"][slowest]))
        finding = f"The longest of {len(table)} steps is step {table['step'][slowest]} with {longest} cycles."
    layout = _over_steps("cycles, mean over samples") | {"barmode": "stack"}
    return Chart("steps", "Time of every hardware step", finding, lines, layout)


def stalls(result: RunResult) -> Chart:
    """Return cycles lost in every step by what was waited for, summed over all components of the chip."""
    table = result.steps
    names = [name for name in table.names if name.startswith("stall_") and table[name].any()]
    lines = [
        _course(table, name, name.removeprefix("stall_"), PALETTE[at % len(PALETTE)], stacked=False)
        for at, name in enumerate(names)
    ]
    worst = max(names, key=lambda name: float(table[name].sum()), default="")
    finding = "Nothing ever waits."
    if worst:
        lost = count(float(table[worst].sum()))
        finding = f"Most is lost to {words(worst.removeprefix('stall_'))}: {lost} cycles per inference, all components."
        meaning = next(column.definition for column in table.columns if column.name == worst)
        finding += f" {meaning}."
    return Chart("stalls", "Stalls over time", finding, lines, _over_steps("cycles lost, summed over the chip"))


def _over_steps(title: str) -> dict[str, Any]:
    return {
        "height": 380, "hovermode": "x unified", "xaxis": {"title": {"text": "hardware step"}},
        "yaxis": {"title": {"text": title}, "rangemode": "tozero"},
    }  # fmt: skip


def _course(table: Table, column: str, name: str, colour: str, *, stacked: bool) -> dict[str, Any]:
    own = {"x": table["step"].tolist(), "y": table[column].astype(float).tolist(), "name": text(words(name))}
    if stacked and len(table) <= _MAX_BARS:
        return own | {"type": "bar", "marker": {"color": colour}}
    shape = {"type": "scatter", "mode": "lines", "line": {"color": colour, "shape": "hvh", "width": 2}}
    return own | shape | ({"stackgroup": "one"} if stacked else {})


def energy(result: RunResult) -> Chart:
    """Return energy by component of both machines on one scale, dynamic and static apart."""
    machines = (
        ("SNN", "SNN chip", result.components, SNN), ("ANN", "ANN, MAC array", result.baseline.components, ANN),
    )  # fmt: skip
    data, rows, finding = [], 0, ""
    for short, machine, table, colour in machines:
        both = table["dynamic_pj"] + table["static_pj"]
        order = [at for at in np.argsort(both, kind="stable") if both[at] > 0]
        rows += len(order)
        if order and not finding:
            largest = words(str(table["component"][order[-1]]))
            finding = f"The {largest} takes {percent(float(both[order[-1]] / both.sum()), 0)} of the chip's energy."
        for part, opacity in (("dynamic", 1.0), ("static", 0.45)):
            values = [float(table[f"{part}_pj"][at]) for at in order]
            data.append({
                "type": "bar", "orientation": "h", "name": f"{machine}: {part}", "x": [value / 1e3 for value in values],
                "y": [[short] * len(order), [text(words(str(table["component"][at]))) for at in order]],
                "marker": {"color": colour, "opacity": opacity}, "customdata": [quantity(v, "pJ") for v in values],
                "hovertemplate": "%{y}<br>" + part + ": %{customdata}<extra></extra>",
            })  # fmt: skip
    layout = {
        "height": height(rows) + 60, "barmode": "stack", "xaxis": {"title": {"text": "energy per inference [nJ]"}},
        "yaxis": {"type": "multicategory", "dividercolor": "var(--line)"},
    }  # fmt: skip
    return Chart("energy-by-part", "Where the energy went", finding, data, layout)


def layer_shares(result: RunResult) -> Chart:
    """Return what every layer takes of energy, synaptic operations, packets and engine time."""
    table = result.layers
    shares = (
        ("energy", table["energy_pj"]), ("SOPs", table["sops"]),
        *([("packets", table["packets"])] if len(result.cores) else []),
        ("engine cycles", table["synapse_cycles"] + table["scan_cycles"]),
    )  # fmt: skip
    names = [text(name) for name in table["layer"]]
    data = [
        {
            "type": "bar", "name": name, "x": names, "y": (100 * values / (values.sum() or 1)).tolist(),
            "marker": {"color": PALETTE[at]}, "hovertemplate": f"%{{x}}: %{{y:.1f}} % of {name}<extra></extra>",
        }
        for at, (name, values) in enumerate(shares)
    ]  # fmt: skip
    whole = float(table["energy_pj"].sum())
    most = int(np.argmax(table["energy_pj"])) if len(table) else 0
    share = percent(float(table["energy_pj"][most]) / whole, 0) if whole else ""
    finding = f"{table['layer'][most]} takes {share} of the energy." if whole else ""
    layout = {"height": 340, "barmode": "group", "yaxis": {"title": {"text": "share [%]"}}}
    return Chart("layer-shares", "What each layer takes", finding, data, layout)


def rates(result: RunResult) -> Chart:
    """Return spikes per neuron and timestep of every layer over time."""
    table, layers = result.activity, result.layers
    size = dict(zip(layers["layer"].tolist(), layers["neurons"].tolist(), strict=True))
    data = []
    for at, name in enumerate(dict.fromkeys(table["layer"].tolist())):
        own = table["layer"] == name
        rate = table["spikes"][own] / np.maximum(table["timesteps"][own] * max(1, size.get(name, 1)), 1)
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": text(name), "x": table["timestep"][own].tolist(),
            "y": (100 * rate).tolist(), "line": {"color": PALETTE[at % len(PALETTE)], "width": 2},
        })  # fmt: skip
    layout = {
        "height": 340, "hovermode": "x unified", "xaxis": {"title": {"text": "timestep of the network"}},
        "yaxis": {"title": {"text": "firing rate [% of neurons]"}, "rangemode": "tozero"},
    }  # fmt: skip
    spikes, busy = layers["spikes"], int(np.argmax(layers["firing_rate"])) if len(layers) else 0
    rate = percent(float(layers["firing_rate"][busy])) if len(layers) else ""
    finding = f"{layers['layer'][busy]} fires most: {rate} of its neurons per timestep." if spikes.sum() else ""
    return Chart("rates", "Activity over time", finding, data, layout)


def raster(result: RunResult) -> Chart:
    """Return the spikes of the first sample, every layer in a band of its own."""
    table, layers = result.raster, result.layers
    names = layers["layer"].tolist()
    data: list[dict[str, Any]] = []
    for at, (name, size) in enumerate(zip(names, layers["neurons"].tolist(), strict=True)):
        own = table["layer"] == name
        within = table["neuron"][own] / max(1, size)
        data.append({
            "type": "scatter", "mode": "markers", "name": text(name), "x": table["timestep"][own].tolist(),
            "y": (len(names) - 1 - at + 0.08 + 0.84 * within).round(4).tolist(),
            "customdata": table["neuron"][own].tolist(), "showlegend": False,
            "marker": {"color": PALETTE[at % len(PALETTE)], "size": 4, "symbol": "line-ns-open"},
            "hovertemplate": text(name) + "[%{customdata}] at timestep %{x}<extra></extra>",
        })  # fmt: skip
    ticks = [len(names) - 1 - at + 0.5 for at in range(len(names))]
    layout = {
        "height": 120 + 90 * len(names), "xaxis": {"title": {"text": "timestep of the network"}},
        "yaxis": {"tickvals": ticks, "ticktext": [text(name) for name in names], "range": [0, len(names)]},
        "shapes": [
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": {"color": "var(--line)"}}
            for at in range(1, len(names))
        ],
    }  # fmt: skip
    note = table.columns[1].definition.partition("; ")[2]
    finding = f"{len(table)} spikes{f'; {note}' if note else ''}."
    return Chart("raster", "Spikes of the first sample", finding, data, layout)


def samples(result: RunResult) -> Chart:
    """Return energy against latency of every sample."""
    table, data = result.samples, []
    known = table["label"] >= 0
    groups = (("right", known & table["correct"], PALETTE[2], "circle"),
              ("wrong", known & ~table["correct"], PALETTE[5], "x"), ("no label", ~known, SNN, "circle"))  # fmt: skip
    for name, own, colour, symbol in groups:
        if own.any():
            data.append({
                "type": "scatter", "mode": "markers", "name": name, "x": (table["latency_ns"][own] / 1e3).tolist(),
                "y": (table["energy_pj"][own] / 1e3).tolist(), "customdata": np.flatnonzero(own).tolist(),
                "marker": {"color": colour, "symbol": symbol, "size": 9},
                "hovertemplate": "sample %{customdata}: %{x:.4g} us, %{y:.4g} nJ<extra></extra>",
            })  # fmt: skip
    layout = {
        "height": 380, "xaxis": {"title": {"text": "latency [us]"}}, "yaxis": {"title": {"text": "energy [nJ]"}},
    }  # fmt: skip
    return Chart("samples", "Samples", _spread(table["energy_pj"], table["latency_ns"]), data, layout)


def _spread(energy: npt.NDArray[np.float64], latency: npt.NDArray[np.float64]) -> str:
    if not len(energy):
        return ""
    low, high = (quantity(float(pick(energy)), "pJ") for pick in (np.min, np.max))
    fast, slow = (quantity(float(pick(latency)), "ns") for pick in (np.min, np.max))
    return f"Energy lies between {low} and {high}, latency between {fast} and {slow}."


def confusions(result: RunResult) -> Chart | None:
    """Return predictions against labels; None where no sample has a label."""
    matrix = confusion(result.samples["label"], result.samples["prediction"])
    if not matrix.sum():
        return None
    right = percent(float(matrix.trace() / matrix.sum()))
    names = [str(at) for at in range(len(matrix))]
    heat = {
        "type": "heatmap", "z": matrix.tolist(), "x": names, "y": names, "colorscale": "Cividis", "showscale": False,
        "text": [[str(value) if value else "" for value in row] for row in matrix.tolist()],
        "texttemplate": "%{text}" if len(matrix) <= 20 else "", "xgap": 1, "ygap": 1,
        "hovertemplate": "label %{y}, predicted %{x}: %{z} samples<extra></extra>",
    }  # fmt: skip
    layout = {
        "height": 460, "xaxis": {"title": {"text": "prediction"}, "type": "category"},
        "yaxis": {"title": {"text": "label"}, "type": "category", "autorange": "reversed"},
    }  # fmt: skip
    return Chart("confusion", "Predictions", f"{right} of {int(matrix.sum())} samples are right.", [heat], layout)
