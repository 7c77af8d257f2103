"""Where the time and the energy of an inference went: share bars on the terminal."""

from collections.abc import Iterator

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from accelsim.report.format import count, percent, quantity, words
from accelsim.report.parts import ANN, DIM, HEAD, SNN, Bar, Cells, grid, heading
from accelsim.result.run_result import RunResult
from accelsim.result.table import Table

_WIDTH = 34


def time(result: RunResult) -> Iterator[RenderableType]:
    """Yield the causes of an inference's cycles, largest first, and a line on its steps."""
    causes = result.causes
    total = result.totals.get("latency_cycles")
    note = f"of {count(total.value)} cycles per inference" if total else ""
    yield heading("Where the time went", note)
    names, cycles, shares = causes["cause"].tolist(), causes["cycles"].tolist(), causes["share"].tolist()
    scale = max(shares, default=0.0) or 1.0
    yield grid(
        (("", "left"), ("", "left"), ("", "right"), ("", "right")),
        (
            (words(names[k]), Bar(shares[k] / scale, _WIDTH), percent(shares[k]), f"{count(cycles[k])} cycles")
            for k in np.argsort(-causes["cycles"], kind="stable")
            if cycles[k] > 0
        ),
    )
    if len(result.steps):
        steps = result.steps["cycles"]
        slowest = int(np.argmax(steps))
        yield Text(
            f"{len(steps)} hardware steps of {count(float(steps.mean()))} cycles on average; the longest is step "
            f"{result.steps['step'][slowest]} with {count(float(steps[slowest]))}",
            style=DIM,
        )


def energy(result: RunResult) -> Iterator[RenderableType]:
    """Yield energy by component of the SNN's chip and of the MAC array, on one scale, static part lighter."""
    yield heading("Where the energy went", "full bar: dynamic, light bar: static; both machines on one scale")
    scale = max(_largest(result.components), _largest(result.baseline.components)) or 1.0
    rows = _components(result.components, scale, "SNN chip", SNN)
    rows += _components(result.baseline.components, scale, "ANN on the MAC array", ANN)
    yield grid((("", "left"), ("", "left"), ("share", "right"), ("dynamic", "right"), ("static", "right")), rows)


def _largest(table: Table) -> float:
    return float(np.max(table["dynamic_pj"] + table["static_pj"])) if len(table) else 0.0


def _components(table: Table, scale: float, title: str, style: str) -> list[Cells]:
    dynamic, static = table["dynamic_pj"], table["static_pj"]
    both = dynamic + static
    total = float(both.sum())
    sums = (quantity(float(part.sum()), "pJ") for part in (dynamic, static))
    rows: list[Cells] = [
        (Text(title, HEAD), Text(quantity(total, "pJ"), HEAD), "", *(Text(text, HEAD) for text in sums))
    ]
    for k in np.argsort(-both, kind="stable"):
        if both[k] > 0:
            bar = Bar(float(both[k]) / scale, _WIDTH, style, float(static[k]) / scale)
            parts = (quantity(float(dynamic[k]), "pJ"), quantity(float(static[k]), "pJ"))
            rows.append((f"  {words(str(table['component'][k]))}", bar, percent(float(both[k]) / total), *parts))
    return rows
