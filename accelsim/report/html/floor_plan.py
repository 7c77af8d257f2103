"""The chip as it lies: cores coloured by what they do, links by their load; any topology, by its positions alone."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.report.format import count, percent, quantity
from accelsim.report.html.parts import Chart, heading, text
from accelsim.result.run_result import RunResult
from accelsim.result.table import Table

_LOADS: Final = ("#8A8A8A", "#F2C14E", "#F08A24", "#D94F04", "#8E1B00")
"""Colours of links, the idle ones first."""
_TILE: Final = 0.62
"""Width of a router's cores, in distances between neighbours."""
_NAMED: Final = 100
"""Most cores that carry their number."""

Floats = npt.NDArray[np.float64]


def floor_plan(result: RunResult) -> Chart:
    """Return the chip with the views of its cores as a menu."""
    cores, links = result.cores, result.links
    places = np.stack([result.routers["x"], result.routers["y"]], axis=1).astype(float).reshape(-1, 2)
    near = _distance(places)
    at, tile = _core_places(cores, near)
    extent = np.ptp(places, axis=0) / near + 1 if len(places) else np.ones(2)
    scale = min(800 / extent[0], 560 / extent[1], 110)
    size = max(6.0, 0.92 * tile / near * scale)
    data = [*_links(links, near), _core_trace(cores, at, size), *_ports(result.routers, near)]
    views = [[None] * (len(data) - 1) + [None] for _ in _views(cores)]
    position = next(k for k, trace in enumerate(data) if trace.get("name") == "cores")
    changes: list[tuple[str, list[dict[str, Any] | None]]] = []
    for (label, view), row in zip(_views(cores), views, strict=True):
        own: list[dict[str, Any] | None] = list(row)
        own[position] = view
        changes.append((label, own))
    first = changes[0][1][position] or {}
    data[position] = data[position] | first | {"marker": data[position]["marker"] | first["marker"]}
    none = {"visible": False, "showgrid": False, "zeroline": False}
    layout = {
        "height": int(min(700, max(260, extent[1] * scale + 140))), "xaxis": none | {"constrain": "domain"},
        "yaxis": none | {"autorange": "reversed", "scaleanchor": "x"}, "hovermode": "closest",
    }  # fmt: skip
    return Chart("floor-plan", "The chip: cores and links", _finding(result), data, layout, changes, "Colour shows")


def _distance(places: Floats) -> float:
    """Return the distance between the nearest routers."""
    unique = np.unique(places, axis=0)
    if len(unique) < 2:
        return 1.0
    sample = unique[:400]
    gaps = np.hypot(*(sample[:, None] - sample[None, :]).transpose(2, 0, 1))
    return float(gaps[gaps > 0].min())


def _core_places(cores: Table, near: float) -> tuple[Floats, float]:
    """Return where each core is drawn, those of one router side by side, and how large."""
    router = np.stack([cores["x"], cores["y"]], axis=1).astype(float).reshape(-1, 2)
    _, home, number = np.unique(router, axis=0, return_inverse=True, return_counts=True)
    side = math.ceil(math.sqrt(int(number.max(initial=1))))
    tile = _TILE * near / side
    seen: dict[int, int] = {}
    out = router.copy()
    for at, place in enumerate(home.ravel().tolist()):
        turn = seen.get(place, 0)
        seen[place] = turn + 1
        out[at] += (np.array([turn % side, turn // side]) - (side - 1) / 2) * tile
    return out, tile


def _views(cores: Table) -> list[tuple[str, dict[str, Any]]]:
    """Return the ways to colour cores: busy engines, energy, filled memories."""
    names = [name for name in cores.names if name.endswith("_utilisation")]
    names += ["energy_pj", "packets"] + [name for name in cores.names if name.endswith("_occupation")]
    found = []
    for name in names:
        values = cores[name].astype(float)
        title, factor = _title(name)
        top = float(values.max(initial=0.0)) or 1.0
        letters = ["#000000" if value > 0.55 * top else "#FFFFFF" for value in values]
        bar = {"title": {"text": title, "side": "right"}, "thickness": 14, "len": 0.8}
        marker = {"color": (values * factor).tolist(), "cmin": 0, "cmax": top * factor, "colorbar": bar}
        found.append((title, {"marker": marker, "textfont": {"color": letters}}))
    return found


def _title(name: str) -> tuple[str, float]:
    if name.endswith("_utilisation"):
        return f"{heading(name.removesuffix('_utilisation'))} engine busy [%]", 100.0
    if name.endswith("_occupation"):
        return f"{heading(name.removesuffix('_occupation'))} filled [%]", 100.0
    return ("energy [nJ]", 1e-3) if name == "energy_pj" else (f"{heading(name)} per inference", 1.0)


def _core_trace(cores: Table, at: Floats, size: float) -> dict[str, Any]:
    number = [str(core) for core in cores["core"].tolist()]
    hover = []
    for row in cores.rows():
        lines = [f"<b>core {row['core']}</b> at ({row['x']:g}, {row['y']:g}): {text(row['layers'] or 'unused')}"]
        lines += [f"{row['neurons']} neurons, {count(row['packets'])} packets, {quantity(row['energy_pj'], 'pJ')}"]
        lines += [
            f"{heading(name.rpartition('_')[0])} {'busy' if name.endswith('n') and 'util' in name else 'filled'} "
            f"{percent(row[name])}"
            for name in cores.names
            if name.endswith(("_utilisation", "_occupation"))
        ]
        hover.append("<br>".join(lines))
    outline = {"color": "var(--dim)", "width": 1}
    return {
        "type": "scatter", "name": "cores", "showlegend": False, "x": at[:, 0].tolist(), "y": at[:, 1].tolist(),
        "mode": "markers+text" if len(cores) <= _NAMED and size >= 16 else "markers", "text": number,
        "textposition": "middle center", "hovertext": hover, "hoverinfo": "text",
        "marker": {"symbol": "square", "size": size, "colorscale": "Cividis", "line": outline},
    }  # fmt: skip


def _links(links: Table, near: float) -> list[dict[str, Any]]:
    """Return one trace of lines per load class, and one of points in their middles that say what they are."""
    if not len(links):
        return []
    start = np.stack([links["from_x"], links["from_y"]], axis=1).astype(float)
    end = np.stack([links["to_x"], links["to_y"]], axis=1).astype(float)
    load = links["load"].astype(float)
    top = float(load.max()) or 1.0
    level = np.where(load > 0, 1 + np.minimum((4 * load / top).astype(int), 3), 0)
    traces, middles = [], np.zeros((len(links), 2))
    curves = [_curve(one, two, near) for one, two in zip(start, end, strict=True)]
    for at, curve in enumerate(curves):
        middles[at] = curve[len(curve) // 2]
    for step, colour in enumerate(_LOADS):
        own = np.flatnonzero(level == step)
        if not own.size:
            continue
        gap = np.full((1, 2), np.nan)
        line = np.concatenate([np.concatenate([curves[at], gap]) for at in own])
        name = "idle" if step == 0 else f"up to {top * step / 4:.2g} flit/cycle"
        traces.append({
            "type": "scatter", "mode": "lines", "name": name, "x": line[:, 0].tolist(), "y": line[:, 1].tolist(),
            "line": {"color": colour, "width": 1.0 + 1.3 * step}, "hoverinfo": "skip",
        })  # fmt: skip
    flits = links["flits"].tolist()
    hover = [
        f"link ({a[0]:g}, {a[1]:g}) to ({b[0]:g}, {b[1]:g})<br>{count(number)} flits per inference, "
        f"{value:.3g} flit/cycle"
        for a, b, number, value in zip(start, end, flits, load.tolist(), strict=True)
    ]
    traces.append({
        "type": "scatter", "mode": "markers", "name": "links", "showlegend": False, "x": middles[:, 0].tolist(),
        "y": middles[:, 1].tolist(), "hovertext": hover, "hoverinfo": "text",
        "marker": {"size": 10, "color": [_LOADS[at] for at in level.tolist()], "opacity": 0.01},
    })  # fmt: skip
    return traces


def _curve(start: Floats, end: Floats, near: float) -> Floats:
    """Return a link's line: on the right-hand side of its direction, bent where it passes over other routers."""
    along = end - start
    far = float(np.hypot(*along))
    if far == 0:
        return np.stack([start, end])
    side = np.array([-along[1], along[0]]) / far
    bend = 0.0 if far < 1.01 * near else 0.22 * near + 0.05 * far
    way = np.linspace(0.0, 1.0, 3 if bend == 0 else 13)[:, None]
    return np.asarray(start + along * way + side * (0.09 * near + 4 * bend * way * (1 - way)))


def _ports(routers: Table, near: float) -> list[dict[str, Any]]:
    own = [at for at, name in enumerate(routers["ports"].tolist()) if name]
    if not own:
        return []
    names = [text(routers["ports"][at]) for at in own]
    return [{
        "type": "scatter", "mode": "markers+text", "name": "I/O ports", "text": names, "textposition": "top center",
        "x": (routers["x"][own].astype(float) - 0.38 * near).tolist(),
        "y": (routers["y"][own].astype(float) - 0.38 * near).tolist(), "hoverinfo": "text",
        "marker": {"symbol": "triangle-right", "size": 11, "color": "var(--accent)"}, "cliponaxis": False,
    }]  # fmt: skip


def _finding(result: RunResult) -> str:
    cores, links = result.cores, result.links
    parts = []
    if len(cores) and cores["synapse_utilisation"].max() > 0:
        busy = int(np.argmax(cores["synapse_utilisation"]))
        share = percent(float(cores["synapse_utilisation"][busy]), 0)
        parts.append(f"The busiest synapse engine is that of core {cores['core'][busy]}: {share} of the time.")
    if len(links) and links["load"].max() > 0:
        k = int(np.argmax(links["load"]))
        ends = "({:g}, {:g}) to ({:g}, {:g})".format(*(links[key][k] for key in ("from_x", "from_y", "to_x", "to_y")))
        parts.append(f"The busiest link, {ends}, carries {links['load'][k]:.3g} flits per cycle.")
    return " ".join(parts)
