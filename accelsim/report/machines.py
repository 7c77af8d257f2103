"""A comparison of machines: on the terminal, as files, as a figure.

::

    DIR/comparison.json    everything: {"format": "accelsim.comparison", "version": 1, ...}
    DIR/comparison.csv     the table; header "column [unit]"
    DIR/comparison.png|svg energy against latency
"""

import json
import math
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from accelsim.errors import OutputError
from accelsim.report.files import prepare_folder, write_csv
from accelsim.report.format import ABSENT, clean, factor, percent, quantity
from accelsim.report.parts import ANN, HEAD, SNN, grid
from accelsim.result.comparison import Comparison

FORMAT: Final = "accelsim.comparison"
_COLUMNS = (("", "left"), ("what runs", "left"), ("energy", "right"), ("first", "right"), ("latency", "right"),
            ("EDP", "right"), ("accuracy", "right"))  # fmt: skip


def report(comparison: Comparison) -> Iterator[RenderableType]:
    """Yield the finding and the table."""
    samples = f"{comparison.samples} sample{'s' if comparison.samples != 1 else ''}"
    yield Text(f"{clean(comparison.workload)} | {samples} | per inference", style="dim")
    yield Text(finding(comparison), style=HEAD)
    places = different_places(comparison)
    if places:
        yield Text(places, style="yellow")
    lines = []
    for row in comparison.machines.rows():
        style = SNN if row["kind"] == "snn" else ANN
        mark = "* " if row["fairest"] else "  "
        lines.append((
            Text(mark + clean(row["machine"]), style), clean(row["description"]), quantity(row["energy_pj"], "pJ"),
            quantity(row["energy_first_pj"], "pJ"), quantity(row["latency_ns"], "ns"),
            quantity(row["energy_delay"], "pJ*ns"),
            ABSENT if math.isnan(row["accuracy"]) else percent(row["accuracy"]),
        ))  # fmt: skip
    yield grid(_COLUMNS, lines)
    yield Text("first: weights from DRAM; *: the fairest array beside its chip (docs/baseline.md)", style="dim")


def finding(comparison: Comparison) -> str:
    """Return in one sentence which machine takes the least energy, and which is the fastest."""
    rows = list(comparison.machines.rows())
    found = []
    for key, least, many in (("energy_pj", "least energy", "as much"), ("latency_ns", "fastest", "as long")):
        best, *others = sorted(rows, key=operator.itemgetter(key))
        text = f"{least}: {clean(best['machine'])} ({clean(best['description'])})"
        if others and best[key] > 0:
            text += f", the next takes {factor(others[0][key] / best[key])} {many}"
        found.append(text)
    text = "; ".join(found)
    return f"{text[:1].upper()}{text[1:]}."


def different_places(comparison: Comparison) -> str:
    """Return which machines differ in node or clock, so that the winner is not one of design alone; else nothing."""
    found: dict[str, list[str]] = {}
    for row in comparison.machines.rows():
        found.setdefault(f"{clean(row['node'])}, {clean(row['clock'])}", []).append(clean(row["machine"]))
    if len(found) < 2:
        return ""
    each = [f"{place}: {', '.join(dict.fromkeys(names))}" for place, names in found.items()]
    return f"Not the same node or clock, so not design alone is compared. {'; '.join(each)}."


def to_json(comparison: Comparison) -> str:
    """Return a comparison as JSON text (ASCII; NaN is null)."""
    table = comparison.machines
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "workload": comparison.workload,
        "samples": comparison.samples,
        "meta": comparison.meta,
        "units": {item.name: item.unit for item in table.columns},
        "definitions": {item.name: item.definition for item in table.columns},
        "machines": [
            {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
            for row in table.rows()
        ],
    }
    return json.dumps(document, allow_nan=False, indent=1) + "\n"


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write JSON, CSV and the figure into ``folder``; return the files.

    Raises
    ------
    OutputError
        With the path and the reason.
    """
    from accelsim.report.figures.machines import draw  # noqa: PLC0415 - matplotlib is slow to load
    from accelsim.report.figures.style import styled  # noqa: PLC0415

    prepare_folder(folder)
    files = [folder / f"comparison.{kind}" for kind in ("csv", "png", "svg", "json")]
    try:
        write_csv(comparison.machines, files[0])
        with styled():
            figure = draw(comparison)
            figure.savefig(files[1], metadata={"Software": "accelsim"})
            figure.savefig(files[2], metadata={"Date": None, "Creator": "accelsim"})
        files[3].write_text(to_json(comparison), encoding="ascii")
    except OSError as error:
        raise OutputError(f"cannot write a comparison to {folder}: {error.strerror or error}") from error
    return files
