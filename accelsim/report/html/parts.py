"""What a page is made of: sections of charts, tables, facts, notes; the template knows these kinds and no others.

All text is plain text here. The template escapes it; a chart's text is escaped by :func:`text`, because plotly reads
some HTML in labels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from accelsim.report.format import ABSENT, clean, count, percent, quantity
from accelsim.result.table import Table

_TEXT_COLUMNS = ("source", "definition", "value", "place", "path", "expression")


@dataclass(frozen=True)
class Chart:
    """A figure of plotly.

    Attributes
    ----------
    key : str
        Its id on the page.
    title : str
        What it shows.
    finding : str
        What it says, also to those who cannot see it.
    data : list of dict
        Traces.
    layout : dict
        What differs from the page's common layout.
    choices : sequence of (label, list of changes by trace)
        Ways to look at it, offered as a menu; the first is drawn. A change is a dict of trace properties, None leaves
        the trace alone.
    chooses : str
        What the menu is about.
    """

    kind: ClassVar[str] = "chart"
    key: str
    title: str
    finding: str
    data: list[dict[str, Any]]
    layout: dict[str, Any] = field(default_factory=dict)
    choices: Sequence[tuple[str, list[dict[str, Any] | None]]] = ()
    chooses: str = ""

    @property
    def figure(self) -> dict[str, Any]:
        """What the page's script draws; no NaN."""
        choices = [{"label": label, "changes": changes} for label, changes in self.choices]
        return dict(finite({"data": self.data, "layout": self.layout, "choices": choices}))


@dataclass(frozen=True)
class Cell:
    """What is shown, and what a column is sorted by."""

    text: str
    value: float | str
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table; ``columns`` are (title, is a number, definition)."""

    kind: ClassVar[str] = "grid"
    caption: str
    columns: Sequence[tuple[str, bool, str]]
    rows: Sequence[Sequence[Cell]]
    sortable: bool = True


@dataclass(frozen=True)
class Notes:
    """Lines of text."""

    kind: ClassVar[str] = "notes"
    lines: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Code:
    """A line to be copied."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Folded:
    """Parts behind a line that opens them."""

    kind: ClassVar[str] = "folded"
    title: str
    parts: Sequence[Any]


@dataclass(frozen=True)
class Explorer:
    """Points of a study with filters; ``data`` is what the script ``study.js`` reads, without NaN."""

    kind: ClassVar[str] = "explorer"
    data: dict[str, Any]


Part = Chart | Grid | Notes | Facts | Code | Folded | Explorer


@dataclass(frozen=True)
class Section:
    """A heading with parts below it."""

    key: str
    title: str
    note: str
    parts: Sequence[Part]


def text(value: object) -> str:
    """Return text for a label of plotly, which reads some HTML."""
    return clean(value, 400).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def finite(value: Any) -> Any:
    """Return nested lists and dicts with None where a float is not finite: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def words_cell(value: object, mark: str = "") -> Cell:
    """Return a cell of text."""
    shown = clean(value)
    return Cell(shown, shown, mark)


def number_cell(value: float, unit: str, mark: str = "") -> Cell:
    """Return a cell of a number in its unit; sorted by the number, what is not known last."""
    return Cell(quantity(float(value), unit), "" if math.isnan(value) else float(value), mark)


def grid_of(table: Table, caption: str, columns: Sequence[tuple[str, str]] | None = None) -> Grid:
    """Return a result's table as it is; ``columns`` choose and rename, all with their own names if not given."""
    chosen = columns or [(name, heading(name)) for name in table.names]
    found = {column.name: column for column in table.columns}
    kept = [(found[name], title) for name, title in chosen if name in found]
    cells = [[_cell(name, value, unit) for value in values] for name, unit, values in (
        (column.name, column.unit, column.values.tolist()) for column, _ in kept
    )]  # fmt: skip
    heads = [(title, column.values.dtype.kind != "U", column.definition) for column, title in kept]
    return Grid(caption, heads, list(zip(*cells, strict=True)))


def heading(name: str) -> str:
    """Return a column's title: ``energy_pj`` reads ``energy``."""
    return name.removesuffix("_pj").removesuffix("_ns").replace("_", " ")


def _cell(name: str, value: Any, unit: str) -> Cell:
    if isinstance(value, str):
        return words_cell(value if name in _TEXT_COLUMNS else value.replace("_", " "))
    if isinstance(value, bool):
        return Cell("yes" if value else "no", float(value))
    if name.endswith(("_utilisation", "_occupation", "share", "rate", "accuracy")):
        return Cell(percent(float(value)), "" if math.isnan(value) else float(value))
    if unit in {"", "cycle"} and isinstance(value, float):
        return Cell(ABSENT if math.isnan(value) else count(value), "" if math.isnan(value) else value)
    return number_cell(float(value), unit)
