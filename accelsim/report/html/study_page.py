"""The report of a study as one HTML file: its points to explore, what moves them, what failed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from accelsim.report.format import count, quantity
from accelsim.report.html.page import render, write_page
from accelsim.report.html.parts import Cell, Explorer, Facts, Folded, Grid, Notes, Part, Section, finite, words_cell
from accelsim.report.html.sensitivity import sensitivity
from accelsim.result.pareto import pareto_front

if TYPE_CHECKING:
    import pandas as pd

MAX_POINTS: Final = 20_000
"""Most points of a page."""
_CHOICES: Final = 16
"""Most different values of an axis that are boxes to tick; more become a range."""
_DEFAULT: Final = (("energy_per_inference", "min"), ("latency", "min"))
_MAX_FAILED: Final = 100


@dataclass(frozen=True, eq=False)
class StudyData:
    """What a page needs of a study.

    Attributes
    ----------
    name, description, version : str
        ``version`` is accelsim's.
    points : DataFrame
        Columns ``id``, ``status``, ``error``, the axes, and totals by name.
    axes : sequence of str
    quantities : mapping of total to (unit, definition)
    objectives : sequence of (total, "min" or "max")
        Energy and latency if empty.
    """

    name: str
    description: str
    version: str
    points: "pd.DataFrame"
    axes: Sequence[str]
    quantities: Mapping[str, tuple[str, str]]
    objectives: Sequence[tuple[str, str]] = ()


def write_study_page(data: StudyData, path: Path) -> None:
    """Write the report of a study.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_page(study_page(data), path)


def study_page(data: StudyData) -> str:
    """Return the report of a study as HTML."""
    points = data.points
    done = points[points["status"] == "done"]
    shown = done.iloc[:MAX_POINTS]
    objectives = [(name, way) for name, way in data.objectives or _DEFAULT if name in shown.columns]
    states = {str(state): int(number) for state, number in points["status"].value_counts().items()}
    told = ", ".join(f"{count(number)} {state}" for state, number in states.items())
    summary = [_facts(data, states), *_best(data, shown, objectives)]
    sections = [Section("summary", "Summary", data.description, summary)]
    if len(shown) and objectives:
        note = "Drag over points, or use the filters; every chart and the table show what is left."
        if len(done) > len(shown):
            note += f" The first {MAX_POINTS:,} of {len(done):,} points."
        sections.append(Section("explorer", "Explorer", note, [Explorer(_explorer(data, shown, objectives))]))
        chart = sensitivity(
            {name: shown[name].tolist() for name in data.axes},
            {name: shown[name].to_numpy(np.float64) for name, _ in objectives},
        )
        if chart is not None:
            sections.append(Section("sensitivity", "Sensitivity", "", [chart]))
    sections.append(Section("axes", "Axes", "", [_axes(data)]))
    if len(done) < len(points):
        sections.append(Section("left-out", "Points without a place", "", [_left_out(data)]))
    finding = f"{count(len(points))} points: {told}." if len(points) else "No point has been evaluated yet."
    return render(f"Study {data.name}", "", [finding], sections, data.version, ["study.js"])


def _facts(data: StudyData, states: Mapping[str, int]) -> Facts:
    items = [("points", count(len(data.points))), *((state, count(number)) for state, number in states.items())]
    return Facts([*items, ("axes", count(len(data.axes)))])


def _best(data: StudyData, shown: "pd.DataFrame", objectives: Sequence[tuple[str, str]]) -> list[Part]:
    rows = []
    for name, way in objectives:
        values = shown[name].to_numpy(np.float64)
        if not np.isfinite(values).any():
            continue
        at = int(np.nanargmin(values) if way == "min" else np.nanargmax(values))
        setting = ", ".join(f"{axis} = {shown[axis].iloc[at]}" for axis in data.axes)
        best = quantity(float(values[at]), _unit(data, name))
        rows.append([words_cell(name.replace("_", " ")), Cell(best, float(values[at])), words_cell(setting),
                     words_cell(str(shown["id"].iloc[at])[:10])])  # fmt: skip
    columns = [("objective", False, ""), ("best", True, ""), ("where", False, ""), ("point", False, "")]
    return [Grid("The best point by each objective alone", columns, rows, sortable=False)] if rows else []


def _unit(data: StudyData, name: str) -> str:
    return data.quantities[name][0] if name in data.quantities else ""


def _explorer(data: StudyData, shown: "pd.DataFrame", objectives: Sequence[tuple[str, str]]) -> dict[str, Any]:
    columns = [_axis(name, shown[name].tolist()) for name in data.axes if name in shown.columns]
    taken = {name for name, _ in objectives}
    totals = [name for name, _ in objectives] + [name for name in data.quantities if name not in taken]
    for name in totals:
        if name not in shown.columns:
            continue
        values = shown[name].to_numpy(np.float64)
        known = np.unique(values[np.isfinite(values)])
        if len(known) < 2 and name not in taken:
            continue
        rounded = [float(f"{value:.6g}") for value in values.tolist()]
        columns.append({"name": name, "label": _label(name, _unit(data, name)), "kind": "number", "values": rounded,
                        "total": True, "unit": _unit(data, name)})  # fmt: skip
    costs = np.stack([shown[name].to_numpy(np.float64) for name, _ in objectives], axis=1)
    front = pareto_front(costs, ["max" if way == "max" else "min" for _, way in objectives])
    identities = [str(name)[:10] for name in shown["id"]]
    found = {"columns": columns, "objectives": [[name, way] for name, way in objectives], "ids": identities}
    return dict(finite({**found, "front": front.tolist()}))


def _label(name: str, unit: str) -> str:
    return f"{name.replace('_', ' ')} [{unit}]" if unit else name.replace("_", " ")


def _axis(name: str, values: list[Any]) -> dict[str, Any]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    different = len({str(value) for value in values})
    if numbers and different > _CHOICES:
        return {"name": name, "label": name, "kind": "number", "values": values, "total": False, "unit": ""}
    order = sorted(set(values)) if numbers else list(dict.fromkeys(str(value) for value in values))
    names = [str(value) for value in order][: 4 * _CHOICES]
    index = {value: at for at, value in enumerate(names)}
    codes = [index.get(str(value), -1) for value in values]
    return {"name": name, "label": name, "kind": "choice", "names": names, "values": codes, "total": False, "unit": ""}


def _axes(data: StudyData) -> Grid:
    rows = []
    for name in data.axes:
        values = list(dict.fromkeys(str(value) for value in data.points[name])) if name in data.points.columns else []
        listed = ", ".join(values[:30]) + (f", ... ({len(values)} in all)" if len(values) > 30 else "")
        rows.append([words_cell(name), Cell(count(len(values)), float(len(values))), words_cell(listed)])
    return Grid("What varies", [("axis", False, ""), ("values", True, ""), ("which", False, "")], rows)


def _left_out(data: StudyData) -> Folded:
    rest = data.points[data.points["status"] != "done"]
    rows = []
    for at in range(min(len(rest), _MAX_FAILED)):
        row = rest.iloc[at]
        why = row["error"] or row.get("violations", "")
        setting = ", ".join(f"{axis} = {row[axis]}" for axis in data.axes)
        reason = "" if why is None or (isinstance(why, float) and math.isnan(why)) else str(why)
        texts = (str(row["id"])[:10], row["status"], reason, setting)
        rows.append([words_cell(item) for item in texts])
    columns = [("point", False, ""), ("status", False, ""), ("why", False, ""), ("where", False, "")]
    more = [Notes([f"{len(rest) - _MAX_FAILED} more"])] if len(rest) > _MAX_FAILED else []
    return Folded(f"{count(len(rest))} points failed or violate a constraint", [Grid("Points", columns, rows), *more])
