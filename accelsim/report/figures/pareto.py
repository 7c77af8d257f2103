"""A Pareto front among the points that it was taken from, for screen and paper.

Two objectives: one plot, the front as a staircase. More: one plot for every pair, with the points of the whole front
marked; a point that looks beaten in one pair is not in another. Groups differ in colour and in shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from accelsim.report.figures.style import label, new_figure, title
from accelsim.report.format import quantity
from accelsim.report.palette import PALETTE

Floats = npt.NDArray[np.float64]
MOST_OBJECTIVES: Final = 5
_SHAPES: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
_LOG_FROM: Final = 10.0
"""Ratio of largest to smallest from which an axis is logarithmic."""
_DOTS: Final = "#C4C4C4"


@dataclass(frozen=True, eq=False)
class FrontPlot:
    """What is drawn.

    Attributes
    ----------
    study : str
    names, units, directions : sequence of str
        Of the objectives.
    values : (n, d) float
    groups : (n,) str
    front, knee : (n,) bool
        On the front of its group; at the knee of it.
    heading : str
        What groups are told by; empty where there is one.
    """

    study: str
    names: Sequence[str]
    units: Sequence[str]
    directions: Sequence[str]
    values: Floats
    groups: npt.NDArray[Any]
    front: npt.NDArray[np.bool_]
    knee: npt.NDArray[np.bool_]
    heading: str = ""


def draw(plot: FrontPlot) -> Figure:
    """Draw the front of two to five objectives; a single one against the order of its values."""
    count = min(len(plot.names), MOST_OBJECTIVES)
    if count == 2:
        figure = new_figure(6.4, 4.4)
        axes = figure.subplots()
        _pair(axes, plot, 0, 1, staircase=True)
        _name(axes, plot, 0, 1)
        better = "lower left" if set(plot.directions) == {"min"} else "arrows in the names point to better"
        title(axes, f"{label(plot.study, 40)}: {int(plot.front.sum())} of {len(plot.values)} points on the front",
              f"grey: beaten by another point; ring: knee; better: {better}", chars=52)  # fmt: skip
        _legend(axes, plot)
        return figure
    if count < 2:
        figure = new_figure(6.4, 4.4)
        axes = figure.subplots()
        order = np.argsort(plot.values[:, 0])
        axes.plot(plot.values[order, 0], np.arange(1, len(order) + 1), color=PALETTE[0], drawstyle="steps-post")
        axes.set_xlabel(_axis(plot, 0))
        axes.set_ylabel("points up to here")
        title(axes, f"{label(plot.study, 40)}: {len(plot.values)} points")
        return figure
    size = 2.5 * (count - 1) + 1.2
    figure = new_figure(size + 0.6, size)
    grid = figure.subplots(count - 1, count - 1, squeeze=False)
    for row in range(count - 1):
        for column in range(count - 1):
            axes = grid[row][column]
            if column > row:
                axes.set_visible(False)
                continue
            _pair(axes, plot, column, row + 1, staircase=False)
            _name(axes, plot, column if row == count - 2 else None, row + 1 if column == 0 else None)
    text = f"{label(plot.study, 40)}: {int(plot.front.sum())} of {len(plot.values)} points on the front"
    figure.suptitle(text, x=0.02, ha="left", fontsize=11.5, fontweight="bold")
    if plot.heading:
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper right", bbox_to_anchor=(0.98, 0.93), title=label(plot.heading, 40))
    return figure


def _pair(axes: Axes, plot: FrontPlot, first: int, second: int, *, staircase: bool) -> None:
    x, y = plot.values[:, first], plot.values[:, second]
    for axis, values in ((axes.xaxis, x), (axes.yaxis, y)):
        if values.min() > 0 and values.max() >= _LOG_FROM * values.min():
            (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
            axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if staircase else (1.0, 3.0), numticks=6))
            axis.set_minor_formatter(NullFormatter())
    axes.scatter(x[~plot.front], y[~plot.front], s=9, color=_DOTS, linewidths=0, zorder=1, rasterized=len(x) > 5000)
    for at, name in enumerate(dict.fromkeys(plot.groups.tolist())):
        rows = np.flatnonzero(plot.front & (plot.groups == name))
        colour, shape = PALETTE[at % len(PALETTE)], _SHAPES[at % len(_SHAPES)]
        if staircase and len(rows) > 1:
            order = rows[np.lexsort((y[rows], x[rows]))]
            rising = plot.directions[first] == "max"
            step = "steps-pre" if rising else "steps-post"
            axes.plot(x[order], y[order], color=colour, linewidth=1.1, drawstyle=step, alpha=0.8, zorder=2)
        axes.scatter(x[rows], y[rows], s=26, marker=shape, color=colour, edgecolors="white", linewidths=0.5, zorder=3,
                     label=label(name))  # fmt: skip
        bend = rows[plot.knee[rows]]
        axes.scatter(x[bend], y[bend], s=110, facecolors="none", edgecolors=colour, linewidths=1.4, zorder=4)
    axes.grid(visible=True)


def _name(axes: Axes, plot: FrontPlot, first: int | None, second: int | None) -> None:
    for axis, at in ((axes.xaxis, first), (axes.yaxis, second)):
        if at is None:
            axis.set_ticklabels([])
            continue
        axis.set_label_text(_axis(plot, at))
        unit = plot.units[at]
        if unit:
            axis.set_major_formatter(FuncFormatter(lambda value, _, unit=unit: quantity(value, unit)))


def _axis(plot: FrontPlot, at: int) -> str:
    arrow = "" if plot.directions[at] == "min" else " \N{UPWARDS ARROW}"
    return f"{label(plot.names[at], 40)}{arrow}"


def _legend(axes: Axes, plot: FrontPlot) -> None:
    if plot.heading:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title=label(plot.heading, 40))
