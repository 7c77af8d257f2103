"""Energy against latency of several machines, with lines of equal energy-delay product.

Not one of the figures of a result: it is drawn from a comparison.
"""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from accelsim.report.figures.style import label, new_figure, title
from accelsim.report.palette import ANN, GREY, SNN
from accelsim.result.comparison import Comparison

Floats = npt.NDArray[np.float64]

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns"))
_ENERGIES = ((1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))


def draw(comparison: Comparison) -> Figure:
    """Draw one mark per machine: chips as circles, arrays as squares, the fairest of them filled."""
    table = comparison.machines
    energy, latency = (np.asarray(table[name], dtype=np.float64) for name in ("energy_pj", "latency_ns"))
    per_time, time = _scale(latency, _TIMES)
    per_energy, unit = _scale(energy, _ENERGIES)
    x, y = latency / per_time, energy / per_energy
    figure = new_figure(9.6, 5.6)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    shown = {("snn", False): (SNN, "o", SNN), ("array", False): (ANN, "s", "white"), ("array", True): (ANN, "s", ANN)}
    names = {("snn", False): "SNN chip", ("array", False): "ANN, dense array", ("array", True): "ANN, fairest array"}
    kinds = list(zip(table["kind"].tolist(), table["fairest"].tolist(), strict=True))
    for key, (edge, mark, face) in shown.items():
        at = [row for row, kind in enumerate(kinds) if kind == key]
        if at:
            axes.scatter(
                x[at], y[at], s=70, marker=mark, edgecolors=edge, facecolors=face, linewidths=1.6, label=names[key],
                zorder=3,
            )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    (left, right), (low, high) = _limits(x), _limits(y)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    for product in 10.0 ** np.arange(np.floor(np.log10(left * low)), np.ceil(np.log10(right * high)) + 1):
        axes.plot([left, right], [product / left, product / right], color="#CCCCCC", linewidth=0.8, zorder=1)
    _names(axes, x, y, table["machine"].tolist())
    axes.set_xlabel(f"latency of an inference [{time}]")
    axes.set_ylabel(f"energy of an inference [{unit}]")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    title(
        axes,
        f"Energy and latency of {label(comparison.workload)} on {len(table)} machines",
        "lower left is better; grey: equal energy-delay product, a decade from line to line",
    )
    return figure


def _scale(values: Floats, scales: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    smallest = float(values[values > 0].min(initial=np.inf))
    return next((item for item in scales if smallest >= item[0]), scales[-1])


def _limits(values: Floats) -> tuple[float, float]:
    good = values[values > 0]
    if not good.size:
        return 0.1, 10.0
    return float(good.min()) / 2.2, float(good.max()) * 2.2


def _names(axes: Axes, x: Floats, y: Floats, names: list[str]) -> None:
    """Write the names beside the marks, on the side that keeps them inside and apart."""
    middle = float(np.sqrt(np.prod(axes.get_xlim())))
    for row, name in enumerate(names):
        side = -1 if x[row] > middle else 1
        axes.annotate(
            label(name), (x[row], y[row]), (8 * side, 0), textcoords="offset points", va="center",
            ha="left" if side > 0 else "right", fontsize=9, color=GREY,
        )  # fmt: skip
