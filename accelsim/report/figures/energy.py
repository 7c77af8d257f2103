"""Energy per inference of the SNN and of the ANN, by component, dynamic and static apart."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.comparison import verdict
from accelsim.report.figures.style import label, legend, new_figure, title
from accelsim.report.format import percent, quantity
from accelsim.report.palette import ANN, SNN
from accelsim.result.run_result import RunResult
from accelsim.result.table import Table

_SCALES = ((1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))


def draw(result: RunResult) -> Figure:
    """Draw one bar per component; both machines share the axis."""
    sides = ((result.components, SNN, "SNN chip"), (result.baseline.components, ANN, "ANN on MAC array"))
    rows = [max(1, len(table)) for table, _, _ in sides]
    figure = new_figure(9.6, 2.0 + 0.34 * sum(rows))
    largest = max([float(np.max(_sum(table))) for table, _, _ in sides if len(table)], default=0.0) or 1.0
    scale, unit = next(((size, name) for size, name in _SCALES if largest >= size), _SCALES[-1])
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=rows)
    for axes, (table, colour, name) in zip((top, bottom), sides, strict=True):
        _bars(axes, table, colour, scale, name)
    top.set_xlim(0, largest / scale * 1.25)
    bottom.set_xlabel(f"energy per inference [{unit}]")
    title(
        top, verdict(result).plain.rstrip("."), "energy per inference by component; share of each machine's own total"
    )
    return figure


def _sum(table: Table) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(table["dynamic_pj"] + table["static_pj"], dtype=np.float64)


def _bars(axes: Axes, table: Table, colour: str, scale: float, name: str) -> None:
    both = _sum(table)
    order = np.argsort(both, kind="stable")
    at = np.arange(len(order))
    total = float(both.sum())
    dynamic, static = table["dynamic_pj"][order] / scale, table["static_pj"][order] / scale
    axes.barh(at, dynamic, color=colour, height=0.7, label="dynamic")
    axes.barh(
        at,
        static,
        left=dynamic,
        color=colour,
        alpha=0.45,
        hatch="////",
        edgecolor="white",
        linewidth=0,
        height=0.7,
        label="static",
    )
    for row, k in enumerate(order):
        text = f"{quantity(float(both[k]), 'pJ')} ({percent(float(both[k]) / total, 0)})" if total else ""
        axes.annotate(text, (both[k] / scale, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(at, [label(table["component"][k]) for k in order])
    axes.set_ylim(-0.6, max(0.6, len(order) - 0.4))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    legend(axes, f"{name}\n{quantity(total, 'pJ')}")
