"""What the grid of quantisation and pruning says: storage that pays, fronts, breakdown; from its rows alone.

The verdict of bits against pruning is :mod:`accelsim.training.recipes.quant_prune_verdict`. Published figures are those
of Schaefer et al.'s plotting data (``mean`` workload, run-length encoding).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from accelsim.result.pareto import pareto_front
from accelsim.training.bench import Row
from accelsim.training.recipe import Figure, Section
from accelsim.training.recipes.quant_prune_verdict import (
    ENERGY,
    FULL_BITS,
    Machines,
    compared,
    found_at,
    verdict,
)

PAPER_STORAGE: Final[Mapping[int, float]] = {2: 0.579, 3: 0.927, 4: 1.040, 6: 1.202, 8: 1.145}
"""Energy of sparse over dense storage of unpruned weights, by bits."""

PAPER_ZEROS: Final[Mapping[int, float]] = {2: 0.679, 3: 0.316, 4: 0.151, 6: 0.036, 8: 0.009}
"""Share of weights that quantisation alone makes zero, by bits."""

_SHOWN: Final = {ENERGY: 1e6, "energy_delay": 1e9}
"""pJ in uJ, pJ ns in nJ ms."""


def sections(rows: Sequence[Row], machines: Machines, seed: int, tolerance: float, size: int) -> list[Section]:
    """Return the page.

    Parameters
    ----------
    rows : sequence of Row
        Of all seeds.
    machines : mapping of str to sequence of str
        Labels of machines to their formats.
    seed : int
        Whose rows are the grid; the others are repetitions of headline points.
    tolerance : float
        Accuracy that a point may lose to the unpruned 8-bit one of its seed and count as equal.
    size : int
        Points that the whole grid has; a page of fewer says so.
    """
    points = compared(rows, machines)
    grid = sorted((row for row in points if row["seed"] == seed), key=_place)
    return [
        *verdict(points, machines, seed, tolerance),
        *_storage(grid, machines),
        *(_fronts(grid, label, formats) for label, formats in machines.items()),
        *(_breakdown(grid, label) for label in machines),
        _all(grid, machines, size),
    ]  # fmt: skip


def _place(row: Row) -> tuple[str, int, float]:
    return str(row["schedule"]), int(row["bits"]), float(row["pruned"])


def _ratio(row: Row, label: str, name: str) -> float:
    return float(row[f"{label}_{name}_{ENERGY}"]) / float(row[f"{label}_dense_{ENERGY}"])


_STORAGE: Final = """Energy with weights stored sparsely over the same weights stored densely, on the same machine.
First without pruning: zeros are those of quantisation. Then the share of weights left below which a format pays
(between two points of the grid, on a straight line), `always` or `never` where the grid has no crossing."""


def _storage(grid: list[Row], machines: Machines) -> list[Section]:
    first = grid[0]["schedule"] if grid else ""
    joint = [row for row in grid if row["schedule"] == first]
    bits = sorted({int(row["bits"]) for row in joint})
    plain = {number: found_at(joint, number, 0.0) for number in bits}
    table: list[Row] = [
        {"name": "zeros of quantisation"}
        | {str(number): f"{1.0 - float(row['density']):.1%}" for number, row in plain.items() if row},
        {"name": "published: zeros"} | {str(number): f"{PAPER_ZEROS[number]:.1%}" for number in bits
                                       if number in PAPER_ZEROS},
    ]
    pays: list[Row] = []
    figures = []
    densities = sorted(float(row["density"]) for row in joint if row["bits"] == max(bits))
    for label, formats in machines.items():
        series: list[tuple[str, list[tuple[float, float]]]] = []
        for name in formats:
            if name == "dense":
                series.append((name, [(density, 1.0) for density in densities]))
                continue
            table.append(
                {"name": f"{label}, {name}"}
                | {str(number): f"{_ratio(row, label, name):.3f}" for number, row in plain.items() if row}
            )
            lines = {
                number: sorted((float(row["density"]), _ratio(row, label, name)) for row in joint
                               if row["bits"] == number)
                for number in bits
            }  # fmt: skip
            pays.append({"name": f"{label}, {name}"} | {str(number): crossing(line) for number, line in lines.items()})
            series.append((name, lines[max(bits)]))
        figures.append(Figure(f"storage_{label}", f"Sparse over dense storage on {label}, {max(bits)} bit",
                              "share of weights left", "energy, sparse / dense", series))  # fmt: skip
    table.append({"name": "published, rle"} | {str(number): f"{PAPER_STORAGE[number]:.3f}" for number in bits
                                      if number in PAPER_STORAGE})
    columns = [("name", "", ""), *((str(number), f"{number} bit", "") for number in bits)]
    return [
        Section("Where sparse storage pays", _STORAGE, columns=columns, rows=table),
        Section("Weights left below which it pays", columns=columns, rows=pays, figures=figures),
    ]


def crossing(line: Sequence[tuple[float, float]]) -> str:
    """Return, of ascending (density, ratio), the largest density below which the ratio is less than 1."""
    for (low, below), (high, above) in reversed(list(pairwise(line))):
        if below < 1.0 <= above:
            return f"{low + (high - low) * (1.0 - below) / (above - below):.0%}"
    return "always" if all(ratio < 1.0 for _, ratio in line) else "never"


_DEPTH: Final = 0.08
_FRONT: Final = f"""Of the grid, in the cheapest format of every point; on the front by the accuracy of the validation
part, told by that of the test part. The figures have a front for every format, down to {_DEPTH:.0%} below the best
accuracy."""


def _fronts(grid: list[Row], label: str, formats: Sequence[str]) -> Section:
    best = [float(row[f"{label}_least"]) for row in grid]
    chosen = [float(row["validation"]) for row in grid]
    kept = pareto_front(list(zip(best, chosen, strict=True)), ("min", "max"))
    rows = sorted((row for row, on in zip(grid, kept, strict=True) if on), key=lambda row: float(row[f"{label}_least"]))
    figures = []
    for quantity, words in ((ENERGY, "energy, uJ"), ("energy_delay", "energy x delay, nJ ms")):
        series = []
        for name in formats:
            scale, key = _SHOWN[quantity], f"{label}_{name}_{quantity}"
            points = [(float(row[key]) / scale, float(row["exported"])) for row in grid]
            on = pareto_front([(cost, held) for (cost, _), held in zip(points, chosen, strict=True)], ("min", "max"))
            series.append((name, [point for point, best_one in zip(points, on, strict=True) if best_one]))
        title = f"Fronts on {label}: accuracy against {words.split(',')[0]}"
        floor = max(float(row["exported"]) for row in grid) - _DEPTH if grid else None
        figures.append(Figure(f"{label}_{quantity}", title, words, "accuracy", series, log_x=True, floor=floor))
    columns = [("key", "", ""), ("exported", "accuracy", "share"), ("density", "weights left", "share"),
               (f"{label}_best", "format", ""), (f"{label}_least", "energy", "pJ")]  # fmt: skip
    return Section(f"Front on {label}", _FRONT, columns=columns, rows=rows, figures=figures)


def _breakdown(grid: list[Row], label: str) -> Section:
    points = {
        "ternary": found_at(grid, 2, 0.0), "8 bit": found_at(grid, FULL_BITS, 0.0),
        "8 bit, 80 % pruned": found_at(grid, FULL_BITS, 0.8),
    }  # fmt: skip
    found = {title: row for title, row in points.items() if row is not None}
    prefix = {title: f"{label}_{row[f'{label}_best']}" for title, row in found.items()}
    parts = {
        key.removeprefix(f"{prefix[title]}_dynamic_"): None
        for title, row in found.items()
        for key in row
        if key.startswith(f"{prefix[title]}_dynamic_")
    }

    def line(name: str, key: str) -> Row:
        return {"part": name} | {title: row.get(f"{prefix[title]}_{key}", 0.0) for title, row in found.items()}

    rows: list[Row] = [{"part": "format"} | {title: row[f"{label}_best"] for title, row in found.items()}]
    rows += [line(part.replace("_", " "), f"dynamic_{part}") for part in parts]
    rows += [line("leakage", "energy_static"), line("together", ENERGY)]
    columns = [("part", "", ""), *((title, title, "pJ") for title in found)]
    return Section(f"Where the energy goes on {label}", columns=columns, rows=rows)


def _all(grid: list[Row], machines: Machines, size: int) -> Section:
    columns = [("key", "", ""), ("exported", "accuracy", "share"), ("density", "weights left", "share"),
               ("agreement", "accelsim agrees", "share")]  # fmt: skip
    for label in machines:
        columns += [(f"{label}_least", f"energy on {label}", "pJ"), (f"{label}_best", "format", "")]
    text = f"{len(grid)} of {size} points; the same command continues." if len(grid) < size else f"{size} points."
    return Section("Grid", text, columns=columns, rows=grid)
