"""Cells of the tables of a page: figures as a person reads them, and rows that tell several seeds in one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from accelsim.report.format import count, percent, quantity
from accelsim.training.bench import Row

Columns = Sequence[tuple[str, str, str]]
"""Key of a row, heading, and how it is told: a unit of :mod:`accelsim.report.format`, ``share``, ``ratio`` or nothing
for counts and names."""


def told(row: Row, key: str, unit: str) -> str:
    """Return a figure of a row as a person reads it; nothing where the row has none."""
    value: Any = row.get(key, "")
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if unit == "share":
        return percent(float(value), 2)
    if unit == "ratio":
        return f"{float(value):.3g}"
    return quantity(float(value), unit) if unit else count(float(value))


def over_seeds(rows: Sequence[Row], columns: Columns, by: str | None = None) -> list[Row]:
    """Return one row for all seeds of a point: mean, and least and most where they differ.

    Parameters
    ----------
    rows : sequence of Row
    columns : sequence
        Of the table. The first column says how many seeds a row tells; columns without a number stay empty.
    by : str or None
        Column that tells points apart; None where all rows are seeds of one.

    Returns
    -------
    list of Row
        None where there is one seed only and ``by`` is not given.
    """
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[by] if by else None, []).append(row)
    if by is None and len(rows) < 2:
        return []
    found = []
    for value, same in groups.items():
        cells = {key: spread([row.get(key) for row in same], unit) for key, _, unit in columns[1:]}
        seeds = "1 seed" if len(same) == 1 else f"mean of {len(same)} seeds"
        found.append(cells | {columns[0][0]: seeds} | ({by: value} if by else {}))
    return found


def spread(values: Sequence[Any], unit: str) -> str:
    """Return the mean of the seeds, and least and most where they differ; nothing for what has no number."""
    if not all(isinstance(value, float | int) for value in values):
        return ""
    mean, least, most = (told({"": of(values)}, "", unit) for of in (fmean, min, max))
    return mean if least == most else f"{mean} ({least} .. {most})"
