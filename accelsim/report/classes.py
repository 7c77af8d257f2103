"""Accuracy class by class on the terminal: the confusion matrix where it fits, and the classes that fare worst."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from accelsim.report.format import percent
from accelsim.report.parts import DIM, Cells, grid, heading
from accelsim.result.classes import confusion
from accelsim.result.table import Table

MAX_MATRIX: Final = 12
"""Most classes whose matrix is printed."""

_WORST: Final = 5


def classes(samples: Table, by_class: Table) -> Iterator[RenderableType]:
    """Yield the section of a result: nothing where no sample has a label, no matrix where all predictions are right.

    Parameters
    ----------
    samples : Table
        With columns ``label`` and ``prediction``.
    by_class : Table
        :func:`accelsim.result.classes.classes_table` of them.
    """
    number = int(by_class["samples"].sum()) if len(by_class) else 0
    if not number:
        return
    matrix = confusion(samples["label"], samples["prediction"])
    if matrix.trace() == number:
        yield heading("Classes")
    elif len(matrix) <= MAX_MATRIX:
        yield heading("Classes", "samples by label (rows) and prediction (columns); recall with its 95 % interval")
        yield _matrix(matrix, by_class)
    else:
        yield heading("Classes", f"{len(by_class)} classes; tables/confusion.csv has the matrix")
    yield from _worst(matrix, by_class, number)


def _matrix(matrix: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", by_class: Table) -> RenderableType:
    rows: list[Cells] = []
    recalls = {row["class"]: row for row in by_class.rows()}
    for label, counts in enumerate(matrix):
        row = recalls.get(label)
        cells = [Text(str(value) if value else ".", style="" if value and at == label else DIM if not value else "red")
                 for at, value in enumerate(counts.tolist())]  # fmt: skip
        known = row is not None and row["samples"] > 0
        recall = percent(row["recall"]) if row is not None and known else "-"
        bounds = f"{100 * row['recall_low']:.0f}-{100 * row['recall_high']:.0f} %" if row is not None and known else ""
        rows.append((str(label), *cells, recall, bounds))
    titles = [("", "left"), *((str(at), "right") for at in range(len(matrix))), ("recall", "right"), ("", "right")]
    return grid(titles, rows)


def _worst(
    matrix: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", by_class: Table, number: int
) -> Iterator[RenderableType]:
    wrong = matrix - np.diag(matrix.diagonal())
    total = int(wrong.sum())
    if not total:
        yield Text(f"All {number} predictions are right", style=DIM)
        return
    pairs = np.argsort(wrong, axis=None, kind="stable")[::-1][:_WORST]
    told = [f"{at // len(matrix)} as {at % len(matrix)} ({wrong.flat[at]}x)" for at in pairs if wrong.flat[at]]
    yield Text(f"{total} of {number} wrong; most often {', '.join(told)}", style=DIM)
    if len(matrix) > MAX_MATRIX:
        known = [row for row in by_class.rows() if row["samples"]]
        known.sort(key=lambda row: row["recall"])
        worst = ", ".join(f"{row['class']} ({percent(row['recall'])} of {row['samples']})" for row in known[:_WORST])
        yield Text(f"Lowest recall: {worst}", style=DIM)
