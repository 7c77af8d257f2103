"""The baselines side by side: what each costs, how the SNN stands to it, and which one is the fairest."""

import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from accelsim.report.comparison import cold
from accelsim.report.format import ABSENT, clean, percent, quantity, versus
from accelsim.report.parts import ANN, BAD, GOOD, HEAD, SNN, grid, heading
from accelsim.result.run_result import RunResult

_COLUMNS = (("", "left"), ("energy", "right"), ("first", "right"), ("latency", "right"), ("EDP", "right"),
            ("accuracy", "right"), ("SNN energy", "right"), ("SNN latency", "right"))  # fmt: skip


def table(result: RunResult) -> Iterator[RenderableType]:
    """Yield the table of baselines and the sentence that names the fairest."""
    rows = list(result.baseline.variants.rows())
    if not rows:
        return
    yield heading("Which ANN, which array", "per inference; first: weights from DRAM; *: the fairest")
    energy, latency = result.totals.get("energy_per_inference"), result.totals.get("latency")
    lines = [_snn_line(result)]
    for row in rows:
        mark = "* " if row["fairest"] else "  "
        against = [
            _word(versus(item.value, row[key], kind) if item else ABSENT)
            for item, key, kind in ((energy, "energy_pj", "amount"), (latency, "latency_ns", "time"))
        ]
        right = row["accuracy"]
        lines.append((
            Text(mark + clean(row["description"]), ANN if row["fairest"] else ""), quantity(row["energy_pj"], "pJ"),
            quantity(row["energy_first_pj"], "pJ"), quantity(row["latency_ns"], "ns"),
            quantity(row["energy_delay"], "pJ*ns"), ABSENT if math.isnan(right) else percent(right, 0), *against,
        ))  # fmt: skip
    yield grid(_COLUMNS, lines)
    yield sentence(result)


def sentence(result: RunResult) -> Text:
    """Return which baseline is the fairest, what it says, and why."""
    rows = {row["baseline"]: row for row in result.baseline.variants.rows()}
    row = rows.get(result.baseline.fairest)
    if row is None:
        return Text(clean(result.baseline.reason))
    line = Text(f"Fairest here: {clean(row['description'])}", style=HEAD)
    found = []
    for name, key, kind in (
        ("energy_per_inference", "energy_pj", "amount"), ("latency", "latency_ns", "time"),
    ):  # fmt: skip
        if name in result.totals:
            word = versus(result.totals[name].value, row[key], kind)
            found.append(f"{word} energy" if kind == "amount" and word != ABSENT else word)
    if found:
        line.append(f": {', '.join(found)}")
    return line.append(f". Why: {clean(result.baseline.reason)}.", style="not bold")


def _snn_line(result: RunResult) -> tuple[str | Text, ...]:
    totals = result.totals
    first = cold(totals)
    shown = [
        quantity(item.value, item.unit) if item else ABSENT
        for item in (totals.get("energy_per_inference"), first, totals.get("latency"), totals.get("energy_delay"))
    ]
    right = totals.get("accuracy")
    return (Text("  SNN chip", SNN), *shown, percent(right.value, 0) if right else ABSENT, "", "")


def _word(text: str) -> Text:
    """Return ``3.2x less`` in green, ``1.4x more`` in red."""
    short = text.removeprefix("SNN ")
    good = short.endswith(("less", "faster"))
    bad = short.endswith(("more", "slower"))
    return Text(short, GOOD if good else BAD if bad else "")
