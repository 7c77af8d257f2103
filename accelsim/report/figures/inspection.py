"""Figures of a workload: firing rates, the spikes of one sample, weights."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.report.figures.style import label, new_figure, title
from accelsim.report.format import count, percent
from accelsim.report.palette import GREY, PALETTE, SNN
from accelsim.result.inspection import Inspection

_MAX_LAYERS: Final = 12
_MAX_DOTS: Final = 20_000
_BINS: Final = 40


def draw_rates(inspection: Inspection) -> Figure:
    """Draw, for every layer, how many neurons fire at which rate."""
    rates = {name: item for name, item in inspection.rates.items() if _spiking(inspection, name)}
    figure, panels = _panels(rates, "spikes per neuron and timestep", "share of neurons")
    for (name, rate), axes in zip(rates.items(), panels, strict=False):
        active = rate[rate > 0]
        axes.hist(rate, bins=_BINS, weights=np.full(rate.size, 1 / max(1, rate.size)), color=SNN)
        axes.set_xlim(left=0)
        mean = f"mean {percent(float(rate.mean()))}, {percent(1 - active.size / max(1, rate.size))} silent"
        title(axes, label(name), mean, chars=40)
    return figure


def draw_raster(inspection: Inspection) -> Figure:
    """Draw a dot where a neuron spiked in the first sample, a panel per layer, at most 20 000 dots each."""
    raster = {name: item for name, item in inspection.raster.items() if _spiking(inspection, name)}
    raster = dict(list(raster.items())[:_MAX_LAYERS])
    figure = new_figure(9.0, 1.0 + 1.75 * len(raster))
    panels = figure.subplots(len(raster), 1, sharex=True, squeeze=False)[:, 0]
    steps = int(inspection.meta["timesteps"])
    for at, ((name, spikes), axes) in enumerate(zip(raster.items(), panels, strict=True)):
        shown = spikes[:: -(-len(spikes) // _MAX_DOTS) or 1]
        size = inspection.rates[name].size
        dot = float(np.clip(2400 / max(1, len(shown)), 0.4, 14))
        axes.scatter(shown[:, 0], shown[:, 1], s=dot, marker="s", linewidths=0, color=PALETTE[at % len(PALETTE)])
        axes.set_xlim(-0.5, steps - 0.5)
        axes.set_ylim(-0.5, size - 0.5)
        axes.set_ylabel("neuron")
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_major_locator().set_params(integer=True)
        title(axes, label(name), f"{count(size)} neurons; dots: spiked, once or more", chars=70)
    panels[-1].set_xlabel("timestep of sample 0")
    return figure


def draw_weights(inspection: Inspection) -> Figure:
    """Draw the distribution of the weights that are not zero, a panel per connection."""
    figure, panels = _panels(inspection.weights, "weight", "share of non-zero weights")
    zero = dict(zip(inspection.connections["connection"], inspection.connections["zero_share"], strict=True))
    bits = dict(zip(inspection.connections["connection"], inspection.connections["bits"], strict=True))
    for (name, weights), axes in zip(inspection.weights.items(), panels, strict=False):
        if weights.size:
            axes.hist(weights, bins=_BINS, weights=np.full(weights.size, 1 / weights.size), color=SNN)
            axes.axvline(0, color=GREY, linewidth=0.7)
        title(axes, label(name), f"{bits[name]} bit, {percent(float(zero[name]))} of those stored are 0", chars=40)
    return figure


def _spiking(inspection: Inspection, name: str) -> bool:
    models = dict(zip(inspection.layers["layer"], inspection.layers["model"], strict=True))
    return bool(models[name] == "input") or len(inspection.raster[name]) > 0 or bool(inspection.rates[name].any())


def _panels(items: "dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]", x: str, y: str) -> tuple[
    Figure, list[Axes]
]:  # fmt: skip
    number = max(1, min(len(items), _MAX_LAYERS))
    columns = min(3, number)
    rows = -(-number // columns)
    figure = new_figure(3.6 * columns, 0.3 + 2.6 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[number:]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(y)
    for axes in list(grid.flat[:number])[-columns:]:
        axes.set_xlabel(x)  # the lowest panel of every column
    return figure, list(grid.flat[:number])
