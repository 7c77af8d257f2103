"""The baselines side by side: what each costs, how the SNN stands to it, and which one is the fairest."""

import math
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from accelsim.report.comparison import cold
from accelsim.report.format import ABSENT, clean, factor, percent, quantity, versus
from accelsim.report.parts import ANN, BAD, DIM, GOOD, HEAD, SNN, grid, heading
from accelsim.result.run_result import RunResult

_COLUMNS = (("", "left"), ("energy", "right"), ("first", "right"), ("latency", "right"), ("EDP", "right"),
            ("right", "right"), ("SNN energy", "right"), ("SNN time", "right"))  # fmt: skip


def table(result: RunResult) -> Iterator[RenderableType]:
    """Yield the table of baselines and the sentence that says why one is the fairest."""
    rows = list(result.baseline.variants.rows())
    if not rows:
        return
    yield heading("Which ANN, which array", "per inference; first: weights from DRAM; right: accuracy; *: fairest")
    energy, latency = result.totals.get("energy_per_inference"), result.totals.get("latency")
    lines = [_snn_line(result)]
    first, others = rows[0], [row for row in rows[1:] if str(row["baseline"]).startswith(f"{rows[0]['baseline']}-")]
    for row in (row for row in rows if all(row is not other for other in others)):
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
    yield from _dataflows(first, others)
    yield sentence(result)


def _dataflows(first: dict[str, Any], others: list[dict[str, Any]]) -> Iterator[Text]:
    """Yield one line on the first baseline under every dataflow, the best one first."""
    ranked = sorted([first, *others], key=lambda row: float(row["energy_delay"]))
    if others:
        best = ranked[0]
        more = [f"{row['dataflow']} {factor(row['energy_delay'] / best['energy_delay'])}" for row in ranked[1:]]
        text = f"Dataflows of {clean(first['description'])}, by energy-delay product: {best['dataflow']} is the best"
        yield Text(clean(f"{text}, then {', '.join(more)}; shown: {first['dataflow']}."), style=DIM)


def sentence(result: RunResult) -> Text:
    """Return why the marked baseline is the fairest."""
    return Text(f"* {clean(result.baseline.reason)}.")


def short(result: RunResult) -> Text | None:
    """Return which baseline is the fairest and what it says; None where there is none."""
    rows = list(result.baseline.variants.rows())
    row = next((row for row in rows if row["baseline"] == result.baseline.fairest), None)
    if row is None:
        return None
    found = []
    for name, key, kind in (
        ("energy_per_inference", "energy_pj", "amount"), ("latency", "latency_ns", "time"),
    ):  # fmt: skip
        if name in result.totals:
            word = versus(result.totals[name].value, row[key], kind)
            found.append(f"{word} energy" if kind == "amount" and word != ABSENT else word)
    line = f"Beside the fairest ANN ({clean(row['description'])}): {', '.join(found) or 'nothing to compare'}."
    return Text(line, style=HEAD)


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
