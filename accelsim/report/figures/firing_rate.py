"""Firing rate of every layer: spikes per neuron and timestep."""

import numpy as np
from matplotlib.figure import Figure

from accelsim.report.figures.style import label, new_figure, title
from accelsim.report.format import count, percent
from accelsim.report.palette import SNN
from accelsim.result.run_result import RunResult


def draw(result: RunResult) -> Figure:
    """Draw one bar per layer with its rate and its spikes per inference."""
    table = result.layers
    rate, spikes = table["firing_rate"].astype(float) * 100, table["spikes"].astype(float)
    figure = new_figure(8.2, 1.9 + 0.36 * max(2, len(table)))
    axes = figure.subplots()
    at = np.arange(len(table))[::-1]
    axes.barh(at, np.nan_to_num(rate), color=SNN, height=0.7)
    for row, value, number in zip(at, rate, spikes, strict=True):
        text = f"{percent(value / 100)}, {count(float(number))} spikes"
        axes.annotate(text, (np.nan_to_num(value), row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(at, [label(name) for name in table["layer"]])
    axes.set_xlim(0, (float(np.nanmax(rate)) if len(rate) and np.isfinite(rate).any() else 0.0) * 1.38 or 1.0)
    axes.set_xlabel("spikes per neuron and timestep [%]")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    if spikes.sum() > 0:
        most = int(np.argmax(spikes))
        finding = f"{label(table['layer'][most])} sends {percent(spikes[most] / spikes.sum(), 0)} of all spikes"
        title(axes, finding, "firing rate and spikes per inference, mean over the samples")
    else:
        title(axes, "No layer spikes")
    return figure
