"""Energy per inference of every layer of the SNN."""

import numpy as np
from matplotlib.figure import Figure

from accelsim.report.figures.style import label, new_figure, title
from accelsim.report.format import percent, quantity
from accelsim.report.palette import SNN
from accelsim.result.run_result import RunResult

_SCALES = ((1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))


def draw(result: RunResult) -> Figure:
    """Draw one bar per layer, the input at the top."""
    table = result.layers
    energy = table["energy_pj"].astype(float)
    whole, largest = float(energy.sum()), float(energy.max(initial=0.0)) or 1.0
    scale, unit = next(((size, name) for size, name in _SCALES if largest >= size), _SCALES[-1])
    figure = new_figure(9.2, 1.6 + 0.34 * max(1, len(table)))
    axes = figure.subplots()
    at = np.arange(len(table))[::-1]
    axes.barh(at, energy / scale, color=SNN, height=0.7)
    for row, value in zip(at, energy, strict=True):
        text = f"{quantity(float(value), 'pJ')} ({percent(float(value) / whole, 0)})" if whole else ""
        axes.annotate(text, (value / scale, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(at, [label(name, 34) for name in table["layer"]])
    axes.set_xlim(0, largest / scale * 1.25)
    axes.set_xlabel(f"energy per inference [{unit}]")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    if whole:
        most = int(np.argmax(energy))
        finding = f"{label(table['layer'][most])} takes {percent(float(energy[most]) / whole, 0)} of the energy"
        title(axes, finding, f"layers sum to {quantity(whole, 'pJ')}, dynamic and static")
    return figure
