"""A study and its front on the terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from accelsim.report.format import clean, percent, quantity
from accelsim.report.parts import DIM, HEAD, grid
from accelsim.study.front import Front
from accelsim.study.reader import StudyFile
from accelsim.study.study import Study

SHOWN: Final = 10
"""Digits of an identity."""
_MOST_ROWS: Final = 40
_MOST_ERRORS: Final = 5


def plan(study: StudyFile, folder: Path, points: int, different: int, there: int) -> Iterator[RenderableType]:
    """Yield what a sweep would do."""
    yield Text(f"study {clean(study.spec.name)}", style=HEAD)
    for axis in study.space.axes:
        values = "continuous" if axis.interval else ", ".join(clean(value, 24) for value in axis.values[:12])
        more = f" and {len(axis.values) - 12} more" if len(axis.values) > 12 else ""
        yield Text(f"  {clean(axis.name)}: {values}{more}")
    left = f"{different - there} to run" if there or not different else "all to run"
    yield Text(f"{points} points, {different} different, {there} in {clean(folder)}, {left}")


def summary(study: Study) -> Iterator[RenderableType]:
    """Yield how a sweep ended."""
    counts = study.counts()
    total = sum(counts.values())
    parts = [f"{counts[name]} {name}" for name in ("done", "infeasible", "failed") if counts.get(name)]
    yield Text(f"study {clean(study.name)}: {total} points, {', '.join(parts) or 'none'}", style=HEAD)
    if counts.get("failed"):
        rows = [row for row in study.rows() if row["status"] == "failed"]
        for row in rows[:_MOST_ERRORS]:
            first = row["error"].splitlines()[0] if row["error"] else "?"
            yield Text(f"! {row['id'][:SHOWN]}: ", style="yellow").append(clean(first, 400), style="default")
        if len(rows) > _MOST_ERRORS:
            yield Text(f"! and {len(rows) - _MOST_ERRORS} more; see points.csv", style="yellow")
    if counts.get("done"):
        after = f"next: accelsim pareto {clean(study.folder)}"
    elif counts.get("infeasible"):
        after = "no point is within all constraints; points.csv says which of them each one breaks"
    else:
        after = "no point is done" + ("; --retry-failed runs those that failed again" if counts else "")
    yield Text(f"Files: {clean(study.folder)}; {after}", style=DIM)


def front(study: Study, found: Front) -> Iterator[RenderableType]:
    """Yield the front as a table, with hypervolumes."""
    goals = ", ".join(f"{item.name} ({item.direction})" for item in found.objectives)
    table = found.table
    yield Text(f"study {clean(study.name)} | {len(found.points)} points | {clean(goals)}", style=DIM)
    yield Text(f"{len(table)} points that no other point beats", style=HEAD)
    axes = [name for name in study.axes if table[name].astype(str).nunique() > 1 or len(table) == 1]
    columns = [("", "left"), ("point", "left"), *((name.rpartition(".")[2], "left") for name in axes)]
    columns += [(item.name, "right") for item in found.objectives]
    columns += [("group", "left")] if found.group else []
    lines = []
    for _, row in table.head(_MOST_ROWS).iterrows():
        line: list[Any] = ["*" if row["knee"] else " ", f"#{row['id'][:SHOWN]}"]
        line += [clean(row[name], 24) for name in axes]
        line += [_shown(found, item.name, row[item.name]) for item in found.objectives]
        line += [clean(row["group"], 24)] if found.group else []
        lines.append(tuple(line))
    yield grid(tuple(columns), lines)
    if len(table) > _MOST_ROWS:
        yield Text(f"and {len(table) - _MOST_ROWS} more; --out writes all of them", style=DIM)
    corner = ", ".join(f"{name} {_shown(found, name, value)}" for name, value in found.reference.items())
    volumes = ", ".join(
        percent(value) if found.group is None else f"{clean(label)} {percent(value)}"
        for label, value in found.hypervolumes.items()
    )
    yield Text(f"hypervolume {volumes} of the box between the best values and {corner}", style=DIM)
    yield Text("*: the knee of its front; rerun a point: accelsim run --from " f"{clean(study.folder)}/#ID", style=DIM)


def _shown(found: Front, name: str, value: float) -> str:
    unit = found.units[name]
    if not unit:
        return percent(value) if "accuracy" in name else f"{value:,.6g}"
    return quantity(value, unit)
