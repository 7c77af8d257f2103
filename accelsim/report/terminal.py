"""The terminal report: a result on one screen and a half, the finding first.

Colour only where the output is a terminal; elsewhere plain text 100 columns wide.
"""

import io
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

from rich.console import Console, RenderableType
from rich.text import Text

from accelsim.report import baselines, breakdown, classes, comparison, details
from accelsim.report.format import clean
from accelsim.report.parts import DIM, HEAD, heading
from accelsim.result.run_result import RunResult

PLAIN_WIDTH: Final = 100
_MAX_WIDTH: Final = 120
_MIN_WIDTH: Final = 80


def make_console(file: IO[str] | None = None) -> Console:
    """Return a console for the report: the terminal's width within bounds, or plain text of a fixed width."""
    stream = sys.stdout if file is None else file
    if not stream.isatty():
        return Console(file=stream, width=PLAIN_WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    console.width = min(max(console.width, _MIN_WIDTH), _MAX_WIDTH)
    return console


def print_parts(parts: Iterable[RenderableType], console: Console | None = None) -> None:
    """Print the parts of a report, in order."""
    target = make_console() if console is None else console
    for part in parts:
        target.print(part)


def print_report(result: RunResult, console: Console | None = None) -> None:
    """Print the report of a result."""
    print_parts(report(result), console)


def report_text(result: RunResult) -> str:
    """Return the report as plain text, 100 columns wide."""
    stream = io.StringIO()
    print_report(result, make_console(stream))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def report(result: RunResult) -> Iterator[RenderableType]:
    """Yield the parts of the report in order."""
    yield from _header(result)
    yield comparison.table(result)
    yield Text(clean(f"ANN: {result.baseline.name}; activations: {result.baseline.activations}"), style=DIM)
    yield from baselines.table(result)
    yield from classes.classes(result.samples, result.derived_tables()["classes"])
    yield from breakdown.time(result)
    yield from breakdown.energy(result)
    yield from details.counts(result)
    yield from details.layers(result)
    yield from details.cores(result)
    yield from details.power(result)
    yield from details.links(result)
    yield from details.area(result)
    yield from details.analytic(result)
    yield from _warnings(result)
    yield from _footer(result)


def _header(result: RunResult) -> Iterator[RenderableType]:
    line = Text("accelsim", style=HEAD)
    line.append(f" {clean(result.meta.get('version', ''))}  ", style=DIM)
    number = len(result.samples)
    facts = [
        f"chip {result.config.get('name', '?')}",
        f"workload {result.workload.get('name', '?')}",
        f"{number} sample{'s' if number != 1 else ''}",
        f"{result.meta.get('engine', '?')} engine",
    ]
    line.append(" | ".join(clean(fact) for fact in facts))
    yield line
    more = [
        f"{key} {result.workload[key]}"
        for key in ("timesteps", "encoding", "decoding")
        if _short(result.workload.get(key))
    ]
    more += [str(result.config[key]) for key in ("clock",) if _short(result.config.get(key))]
    if more:
        yield Text(" | ".join(clean(item, 120) for item in more), style=DIM)
    finding = Text("\n").append(comparison.verdict(result))
    fairest = baselines.short(result)
    yield (finding.append("\n").append(fairest) if fairest else finding).append("\n")


def _short(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _warnings(result: RunResult) -> Iterator[RenderableType]:
    assumed = result.workload.get("assumptions", [])
    notes = [str(item) for item in result.warnings]
    notes += [str(item) for item in assumed] if isinstance(assumed, list | tuple) else []
    if notes:
        yield heading("Mind")
        for note in notes:
            yield Text("! ", style="yellow").append(clean(note, 400), style="default")


def _footer(result: RunResult) -> Iterator[RenderableType]:
    meta = result.meta
    yield heading("Reproduce")
    if meta.get("command"):
        yield Text(clean(meta["command"], 1000), overflow="fold")
    facts = [f"{key} {meta[key]}" for key in ("seed", "threads") if meta.get(key) is not None]
    facts += [f"{name} {version}" for name, version in _items(meta.get("versions"))]
    facts += [f"{name} sha {str(value)[:12]}" for name, value in _items(meta.get("hashes"))]
    if _short(meta.get("wall_time_s")):
        facts.append(f"took {float(meta['wall_time_s']):.3g} s")
    if facts:
        yield Text(", ".join(clean(fact, 200) for fact in facts), style=DIM)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
