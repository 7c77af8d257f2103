"""The network on a map: routers as squares filled by core utilisation, links as arrows coloured by load.

Routers lie at (x, y) with y downwards. Links that wrap around (tori, rings) are drawn as arcs. Links that
begin and end at one router (local ports) have no place on the map and are said in the subtitle.
"""

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from accelsim.report.figures.style import SEQUENTIAL, new_figure, title
from accelsim.report.format import count
from accelsim.report.palette import GREY
from accelsim.result.run_result import RunResult

_HALF: Final = 0.24
"""Half the side of a router's square; routers are 1 apart."""
_APART: Final = 0.09
"""Offset of the two directions of a link from their common line."""
_MAX_NUMBERS: Final = 64
"""Most links that are labelled with their flits."""


def draw(result: RunResult) -> Figure:
    """Draw the map of a chip of any size up to two dimensions."""
    links, cores = result.links, result.cores
    x = np.concatenate([cores["x"], links["from_x"], links["to_x"]]).astype(int)
    y = np.concatenate([cores["y"], links["from_y"], links["to_y"]]).astype(int)
    width, height = (int(x.max()) + 1, int(y.max()) + 1) if len(x) else (1, 1)
    cell = float(np.clip(9.0 / max(width, height), 0.32, 3.0 if max(width, height) == 1 else 1.5))
    figure = new_figure(max(6.4, 2.9 + cell * width), max(3.2, 1.7 + cell * height))
    axes = figure.subplots()
    load = links["load"].astype(float)
    heat = Normalize(0, float(load.max()) if len(load) and load.max() > 0 else 1.0)
    fill = Normalize(0, 1)
    _routers(axes, result, fill, cell)
    across = (links["from_x"] != links["to_x"]) | (links["from_y"] != links["to_y"])
    for k in np.flatnonzero(across)[np.argsort(load[across], kind="stable")]:
        _link(axes, result, int(k), heat, cell, numbers=int(across.sum()) <= _MAX_NUMBERS)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(0, width, max(1, width // 16)))
    axes.set_yticks(range(0, height, max(1, height // 16)))
    axes.tick_params(length=0)
    axes.set_xlabel("router x")
    axes.set_ylabel("router y")
    axes.spines[:].set_visible(False)
    _scales(figure, axes, heat, fill, has_links=bool(across.any()))
    _title(axes, result, across)
    return figure


def _title(axes: Axes, result: RunResult, across: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> None:
    load, links = result.links["load"], result.links
    local = int((~across).sum())
    note = f"; {local} local links not drawn" if local else ""
    if not across.any():
        title(axes, "One router: no links between routers", f"core utilisation{note}")
    elif load[across].max() <= 0:
        title(axes, "No flit crosses a link", f"flits per cycle and core utilisation{note}")
    else:
        k = int(np.flatnonzero(across)[np.argmax(load[across])])
        ends = tuple(int(links[key][k]) for key in ("from_x", "from_y", "to_x", "to_y"))
        finding = f"Busiest link ({ends[0]},{ends[1]}) to ({ends[2]},{ends[3]}): {load[k]:.2g} flits per cycle"
        detail = (
            f"numbers: flits per inference{note}"
            if int(across.sum()) <= _MAX_NUMBERS
            else f"mean of an inference{note}"
        )
        title(axes, finding, detail)


def _loads() -> ListedColormap:
    """Return the colours of loads; the palest tenth is left out so that every arrow stands off the paper."""
    return ListedColormap(colormaps[SEQUENTIAL](np.linspace(0.9, 0.0, 256)))


def _busy() -> ListedColormap:
    return ListedColormap(colormaps["Greens"](np.linspace(0.0, 0.85, 256)))


def _routers(axes: Axes, result: RunResult, fill: Normalize, cell: float) -> None:
    cores = result.cores
    places = np.stack([cores["x"], cores["y"]], axis=1).astype(int)
    for x, y in np.unique(places, axis=0).tolist():
        here = (places == (x, y)).all(axis=1) & (cores["neurons"] > 0)
        used = bool(here.any())
        busy = float(cores["synapse_utilisation"][here].mean()) if used else 0.0
        face = _busy()(fill(busy)) if used else "white"
        axes.add_patch(
            Rectangle(
                (x - _HALF, y - _HALF),
                2 * _HALF,
                2 * _HALF,
                facecolor=face,
                edgecolor=GREY,
                linewidth=0.9,
                linestyle="-" if used else ":",
                zorder=2,
            )
        )
        if cell >= 0.7:
            dark = used and busy > 0.6
            axes.text(
                x,
                y,
                f"{100 * busy:.0f}%" if used else "",
                ha="center",
                va="center",
                fontsize=8,
                zorder=3,
                color="white" if dark else "black",
            )


def _link(axes: Axes, result: RunResult, k: int, heat: Normalize, cell: float, *, numbers: bool) -> None:
    links = result.links
    start = np.array([links["from_x"][k], links["from_y"][k]], dtype=float)
    end = np.array([links["to_x"][k], links["to_y"][k]], dtype=float)
    step = end - start
    far = float(np.hypot(*step))
    along = step / far
    side = np.array([-along[1], along[0]]) * _APART
    load = float(links["load"][k])
    colour = _loads()(heat(load)) if load > 0 else "#D0D0D0"
    bend = f"arc3,rad={0.72 / far:.3f}" if far > 1.01 else "arc3"
    axes.add_patch(
        FancyArrowPatch(
            tuple(start + along * _HALF + side),
            tuple(end - along * _HALF + side),
            connectionstyle=bend,
            arrowstyle="-|>",
            mutation_scale=7 + 4 * cell,
            linewidth=0.8 + 1.8 * min(1.0, cell) * heat(load),
            color=colour,
            shrinkA=0,
            shrinkB=0,
            zorder=4 if load > 0 else 1,
        )
    )
    if numbers and load > 0 and far <= 1.01:
        x, y = (start + end) / 2 + side * 2.1
        upright = abs(along[1]) > 0.5
        axes.text(
            x,
            y,
            count(float(links["flits"][k])),
            fontsize=6.5,
            ha="center",
            va="center",
            zorder=5,
            color="#222222",
            rotation=90 if upright else 0,
        )


def _scales(figure: Figure, axes: Axes, heat: Normalize, fill: Normalize, *, has_links: bool) -> None:
    if has_links:
        bar = figure.colorbar(ScalarMappable(heat, _loads()), ax=axes, shrink=0.8, aspect=30, pad=0.04)
        bar.set_label("link load [flit/cycle]")
    bar = figure.colorbar(ScalarMappable(fill, _busy()), ax=axes, shrink=0.8, aspect=30, pad=0.04)
    bar.set_label("synapse engine busy [fraction of time]")
