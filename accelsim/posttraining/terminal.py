"""Curves of compression on the terminal."""

import math
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from accelsim.posttraining.compress import Compression
from accelsim.report.format import clean, count, percent, quantity
from accelsim.report.parts import DIM, HEAD, grid, heading
from accelsim.report.terminal import print_parts


def print_compression(found: Compression, console: Console | None = None) -> None:
    """Print points and layers."""
    print_parts(compression_report(found), console)


def compression_report(found: Compression) -> Iterator[RenderableType]:
    """Yield the parts in order."""
    meta = found.meta
    line = Text(f"{clean(meta['workload'])} on {clean(meta['machine'])}", style=HEAD)
    facts = f"  accuracy on {meta['samples']} samples, energy on {meta['timed']}, nothing is trained"
    yield line.append(facts, style="not bold")
    right = ("accuracy", "same", "weights", "spikes", "SOPs", "energy", "latency")
    rows, notes = [], dict[str, None]()
    for row in found.points.rows():
        value = row["value"]
        energy, latency = row["energy_per_inference"], row["latency"]
        rows.append(
            (
                row["curve"] if math.isnan(value) else f"{row['curve']} {value:g}", percent(row["accuracy"]),
                percent(row["same"]), count(row["nonzero"]), count(row["spikes"]), count(row["sops"]),
                "-" if math.isnan(energy) else quantity(energy, "pJ"),
                "-" if math.isnan(latency) else quantity(latency, "ns"),
            )
        )  # fmt: skip
        if row["note"]:
            notes[row["note"]] = None
    yield heading("Points")
    yield grid([("point", "left"), *((name, "right") for name in right)], rows)
    yield heading("Layers", "what may go, before anything goes")
    columns = ("weights", "zeros", "removable", "width", "significant")
    yield grid(
        [("population", "left"), *((name, "right") for name in columns)],
        [
            (clean(row["population"]), count(row["weights"]), percent(row["zeros"]), percent(row["removable"]),
             count(row["width"]), count(row["dimensions"]))
            for row in found.layers.rows()
        ],
    )  # fmt: skip
    for note in notes:
        yield Text("! ", style="yellow").append(f"no energy: {clean(note, 400)}", style=DIM)
