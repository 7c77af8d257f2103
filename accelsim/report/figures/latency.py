"""Where the cycles of an inference went: by cause, and how long each layer kept its engines busy."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.figures.style import label, legend, new_figure, title
from accelsim.report.format import count, percent, total, words
from accelsim.report.palette import PALETTE
from accelsim.result.run_result import RunResult


def draw(result: RunResult) -> Figure:
    """Draw causes above and layers below; layers overlap in time, so only the causes sum to the latency."""
    causes = np.flatnonzero(result.causes["cycles"] > 0)
    layers = result.layers
    figure = new_figure(9.2, 3.0 + 0.34 * (max(1, len(causes)) + max(1, len(layers))))
    top, bottom = figure.subplots(2, 1, height_ratios=[max(2, len(causes)), max(2, len(layers))])
    _causes(top, result)
    _layers(bottom, result)
    return figure


def _causes(axes: Axes, result: RunResult) -> None:
    table = result.causes
    order = [k for k in np.argsort(table["cycles"], kind="stable") if table["cycles"][k] > 0]
    cycles = table["cycles"][order].astype(float)
    axes.barh(np.arange(len(order)), cycles, color=PALETTE[0], height=0.7)
    for row, k in enumerate(order):
        text = f"{count(float(table['cycles'][k]))} ({percent(float(table['share'][k]), 0)})"
        axes.annotate(text, (cycles[row], row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(np.arange(len(order)), [label(table["cause"][k], 34) for k in order])
    _finish(axes, float(cycles.max()) if len(cycles) else 1.0, "cycles of an inference")
    if order:
        most = words(str(table["cause"][order[-1]]))
        finding = f"The largest share of the time goes to {most}: {percent(float(table['share'][order[-1]]), 0)}"
        title(axes, finding, f"all causes sum to the latency of {total(result.totals, 'latency_cycles')}")


def _layers(axes: Axes, result: RunResult) -> None:
    table = result.layers
    engines = [name for name in table.names if name.endswith("_cycles")]
    at = np.arange(len(table))[::-1]
    left = np.zeros(len(table))
    for k, name in enumerate(engines):
        cycles = table[name].astype(float)
        axes.barh(
            at,
            cycles,
            left=left,
            color=PALETTE[k % len(PALETTE)],
            height=0.7,
            label=label(name.removesuffix("_cycles")),
        )
        left += cycles
    for row, end in zip(at, left, strict=True):
        axes.annotate(count(float(end)), (end, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(at, [label(name) for name in table["layer"]])
    _finish(axes, float(left.max()) if len(left) else 1.0, "busy cycles, summed over the layer's cores")
    legend(axes, "engine")
    if len(left) and left.sum() > 0:
        busiest = int(np.argmax(left))
        finding = (
            f"{label(table['layer'][busiest])} keeps the engines busy longest: {percent(left[busiest] / left.sum(), 0)}"
        )
        title(axes, finding, "engines of different layers and cores work at the same time")


def _finish(axes: Axes, largest: float, text: str) -> None:
    axes.set_xlim(0, (largest or 1.0) * 1.22)
    axes.set_xlabel(f"{text} [cycle]")
    axes.xaxis.set_major_formatter(lambda value, _: count(value))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
