"""Energy and latency of several machines as horizontal bars on two logarithmic axes, one row per machine.

Not one of the figures of a result: it is drawn from a comparison. The figure grows with the number of machines.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from accelsim.report.figures.style import new_figure, title
from accelsim.report.format import clean, quantity
from accelsim.report.palette import ANN, GREY, SNN
from accelsim.result.comparison import Comparison

Floats = npt.NDArray[np.float64]

_ROW: Final = 0.27
"""Inches of a row."""
_GAP: Final = 0.6
"""Rows between one chip with its arrays and the next."""
_NAMES: Final = {"snn": "SNN chip", "dense": "ANN, dense array", "fairest": "ANN, fairest array"}
_FACES: Final = {"snn": SNN, "dense": "white", "fairest": ANN}
_EDGES: Final = {"snn": SNN, "dense": ANN, "fairest": ANN}
_PANELS: Final = (("energy_pj", "pJ", "energy of an inference"), ("latency_ns", "ns", "latency of an inference"))


def draw(comparison: Comparison) -> Figure:
    """Draw one row per machine in the order of the table, the first at the top."""
    rows = list(comparison.machines.rows())
    kinds = ["snn" if row["kind"] == "snn" else "fairest" if row["fairest"] else "dense" for row in rows]
    height = np.cumsum([_GAP * (at > 0 and kind == "snn") + 1.0 for at, kind in enumerate(kinds)])
    figure = new_figure(11.0, 2.1 + _ROW * float(height[-1]))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (key, unit, text) in zip(panels, _PANELS, strict=True):
        _bars(axes, height, np.asarray(comparison.machines[key], dtype=np.float64), kinds, unit)
        axes.set_xlabel(text)
    panels[0].set_yticks(height, [_name(row, kind) for row, kind in zip(rows, kinds, strict=True)])
    panels[0].set_ylim(float(height[-1]) + 0.8, float(height[0]) - 0.8)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    places = len({(row["node"], row["clock"]) for row in rows})
    what = "shorter is better; logarithmic" + ("; not the same node or clock" if places > 1 else "")
    title(panels[0], f"{clean(comparison.workload, 60)} on {len(rows)} machines", what)
    there = [Patch(facecolor=_FACES[kind], edgecolor=_EDGES[kind], label=name) for kind, name in _NAMES.items()
             if kind in kinds]  # fmt: skip
    figure.legend(handles=there, loc="outside lower center", ncols=len(there))
    return figure


def _name(row: dict[str, Any], kind: str) -> str:
    place = f"{row['node']}, {row['clock']}"
    name = clean(row["machine"], 28)
    return f"{name}  ({clean(place, 24)})" if kind == "snn" else f"{name}, {kind}"


def _bars(axes: Axes, height: Floats, values: Floats, kinds: list[str], unit: str) -> None:
    """Draw the bars of one quantity, each with its number at the end."""
    low, high = _limits(values)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    shown = np.where(values > 0, values, low)
    axes.barh(
        height, shown - low, 0.72, left=low, color=[_FACES[kind] for kind in kinds],
        edgecolor=[_EDGES[kind] for kind in kinds], linewidth=1.2,
    )  # fmt: skip
    for at, value in zip(height, values, strict=True):
        axes.annotate(
            quantity(float(value), unit), (max(float(value), low), at), (4, 0), textcoords="offset points",
            va="center", fontsize=8, color=GREY, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    axes.xaxis.set_major_locator(LogLocator(10.0, numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value, unit)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, axis="x")


def _limits(values: Floats) -> tuple[float, float]:
    """Return the decade below the smallest value, and room for a number beyond the largest."""
    good = values[values > 0]
    if not good.size:
        return 0.1, 10.0
    low = 10.0 ** np.floor(np.log10(float(good.min()) / 1.5))
    high = float(good.max())
    return float(low), float(high * (high / low) ** 0.22)
