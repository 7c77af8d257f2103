"""What the grid of quantisation and pruning says: verdict, storage that pays, fronts, breakdown; from its rows alone.

Published figures are those of Schaefer et al.'s plotting data (``mean`` workload, run-length encoding).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from accelsim.result.pareto import pareto_front
from accelsim.training.bench import Row
from accelsim.training.recipe import Figure, Section

FULL_BITS: Final = 8
"""What pruning alone is compared at."""

PAPER_VERDICT: Final = 13.977 / 9.593
"""Energy of 80 % pruning at 8 bit over ternary without pruning (joint)."""

PAPER_STORAGE: Final[Mapping[int, float]] = {2: 0.579, 3: 0.927, 4: 1.040, 6: 1.202, 8: 1.145}
"""Energy of sparse over dense storage of unpruned weights, by bits."""

PAPER_ZEROS: Final[Mapping[int, float]] = {2: 0.679, 3: 0.316, 4: 0.151, 6: 0.036, 8: 0.009}
"""Share of weights that quantisation alone makes zero, by bits."""

Machines = Mapping[str, Sequence[str]]
_ENERGY: Final = "energy_per_inference"
_SHOWN: Final = {_ENERGY: 1e6, "energy_delay": 1e9}
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
        Accuracy that a point may lose to the best 8-bit one and count as equal.
    size : int
        Points that the whole grid has; a page of fewer says so.
    """
    grid = [row | _cheapest(row, machines) for row in rows if row["seed"] == seed]
    return [
        Section("Ternary against 8 bit", columns=_HEADLINE, rows=_headline(rows)),
        Section("Bits or pruning", _VERDICT.format(tolerance=tolerance), columns=_VERDICT_COLUMNS,
                rows=[_verdict(grid, label, tolerance) for label in machines]),
        *_storage(grid, machines),
        *(_fronts(grid, label, formats) for label, formats in machines.items()),
        *(_breakdown(grid, label) for label in machines),
        _all(grid, machines, size),
    ]  # fmt: skip


def best_of(row: Row, label: str, formats: Iterable[str], quantity: str = _ENERGY) -> str:
    """Return the format in which a point takes least of a quantity on a machine."""
    return min(formats, key=lambda name: float(row[f"{label}_{name}_{quantity}"]))


def _cheapest(row: Row, machines: Machines) -> Row:
    found: Row = {}
    for label, formats in machines.items():
        name = best_of(row, label, formats)
        found |= {f"{label}_best": name, f"{label}_least": float(row[f"{label}_{name}_{_ENERGY}"])}
    return found


_HEADLINE: Final = (
    ("bits", "bits", ""), ("seeds", "seeds", ""), ("mean", "accuracy, mean", "share"), ("least", "least", "share"),
    ("most", "most", "share"),
)  # fmt: skip


def _headline(rows: Sequence[Row]) -> list[Row]:
    first = rows[0]["schedule"] if rows else ""
    found: list[Row] = []
    for bits in sorted({int(row["bits"]) for row in rows}):
        same = [
            float(row["exported"])
            for row in rows
            if (row["bits"], row["pruned"], row["schedule"]) == (bits, 0.0, first)
        ]
        if same and bits in (2, FULL_BITS):
            found.append({"bits": bits, "seeds": len(same), "mean": sum(same) / len(same), "least": min(same),
                          "most": max(same)})  # fmt: skip
    return found


_VERDICT: Final = f"""Cheapest network within {{tolerance:g}} of the best unpruned 8-bit accuracy (validation part, seed
of the grid; seeds differ by as much, as the table above shows), each in its cheapest format: by bits alone, by pruning
8-bit weights alone, by both. The last columns are the ratio of the paper's own two points on our network: 80 % pruned
at {FULL_BITS} bit over ternary; published, without leakage: {PAPER_VERDICT:.3f} (45 % more)."""
_VERDICT_COLUMNS: Final = (
    ("machine", "machine", ""), ("bits", "bits alone", ""), ("bits_energy", "", "pJ"), ("pruned", "pruning alone", ""),
    ("pruned_energy", "", "pJ"), ("ratio", "pruning / bits", "ratio"), ("both", "both", ""),
    ("both_energy", "", "pJ"), ("paper", "80 % at 8 bit / ternary", "ratio"),
    ("dynamic", "the same without leakage", "ratio"),
)  # fmt: skip


def _told(row: Row | None) -> str:
    return "none" if row is None else f"{row['bits']} bit, {float(row['pruned']):.0%}, {row['schedule']}"


def _verdict(grid: list[Row], label: str, tolerance: float) -> Row:
    key = f"{label}_least"
    whole = [float(row["validation"]) for row in grid if row["bits"] == FULL_BITS and row["pruned"] == 0.0]
    good = [row for row in grid if float(row["validation"]) >= max(whole, default=2.0) - tolerance]

    def least(rows: Iterable[Row]) -> Row | None:
        return min(rows, key=lambda row: float(row[key]), default=None)

    def energy(row: Row | None) -> float:
        return float("nan") if row is None else float(row[key])

    bits = least(row for row in good if row["pruned"] == 0.0)
    pruned = least(row for row in good if row["bits"] == FULL_BITS)
    both = least(good)
    ternary, paper = _point(grid, 2, 0.0), _point(grid, FULL_BITS, 0.8)
    return {
        "machine": label, "bits": _told(bits), "bits_energy": energy(bits), "pruned": _told(pruned),
        "pruned_energy": energy(pruned), "ratio": energy(pruned) / energy(bits), "both": _told(both),
        "both_energy": energy(both), "paper": energy(paper) / energy(ternary),
        "dynamic": _dynamic(paper, label) / _dynamic(ternary, label),
    }  # fmt: skip


def _dynamic(row: Row | None, label: str) -> float:
    return float("nan") if row is None else float(row[f"{label}_{row[f'{label}_best']}_energy_dynamic"])


def _point(grid: Sequence[Row], bits: int, pruned: float) -> Row | None:
    """Return a point of the first schedule that has it."""
    return next((row for row in grid if row["bits"] == bits and row["pruned"] == pruned), None)


def _ratio(row: Row, label: str, name: str) -> float:
    return float(row[f"{label}_{name}_{_ENERGY}"]) / float(row[f"{label}_dense_{_ENERGY}"])


_STORAGE: Final = """Energy with weights stored sparsely over the same weights stored densely, on the same machine.
First without pruning: zeros are those of quantisation. Then the share of weights left below which a format pays
(between two points of the grid, on a straight line), `always` or `never` where the grid has no crossing."""


def _storage(grid: list[Row], machines: Machines) -> list[Section]:
    first = grid[0]["schedule"] if grid else ""
    joint = [row for row in grid if row["schedule"] == first]
    bits = sorted({int(row["bits"]) for row in joint})
    plain = {number: _point(joint, number, 0.0) for number in bits}
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


def _fronts(grid: list[Row], label: str, formats: Sequence[str]) -> Section:
    best = [float(row[f"{label}_least"]) for row in grid]
    kept = pareto_front(list(zip(best, (float(row["exported"]) for row in grid), strict=True)), ("min", "max"))
    rows = sorted((row for row, on in zip(grid, kept, strict=True) if on), key=lambda row: float(row[f"{label}_least"]))
    figures = []
    for quantity, words in ((_ENERGY, "energy, uJ"), ("energy_delay", "energy x delay, nJ ms")):
        series = []
        for name in formats:
            scale, key = _SHOWN[quantity], f"{label}_{name}_{quantity}"
            points = [(float(row[key]) / scale, float(row["exported"])) for row in grid]
            on = pareto_front(points, ("min", "max"))
            series.append((name, [point for point, best_one in zip(points, on, strict=True) if best_one]))
        title = f"Fronts on {label}: accuracy against {words.split(',')[0]}"
        figures.append(Figure(f"{label}_{quantity}", title, words, "accuracy", series, log_x=True))
    columns = [("key", "", ""), ("exported", "accuracy", "share"), ("density", "weights left", "share"),
               (f"{label}_best", "format", ""), (f"{label}_least", "energy", "pJ")]  # fmt: skip
    return Section(f"Front on {label}", columns=columns, rows=rows, figures=figures)


def _breakdown(grid: list[Row], label: str) -> Section:
    points = {
        "ternary": _point(grid, 2, 0.0), "8 bit": _point(grid, FULL_BITS, 0.0),
        "8 bit, 80 % pruned": _point(grid, FULL_BITS, 0.8),
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
    rows += [line("leakage", "energy_static"), line("together", _ENERGY)]
    columns = [("part", "", ""), *((title, title, "pJ") for title in found)]
    return Section(f"Where the energy goes on {label}", columns=columns, rows=rows)


def _all(grid: list[Row], machines: Machines, size: int) -> Section:
    columns = [("key", "", ""), ("exported", "accuracy", "share"), ("density", "weights left", "share"),
               ("agreement", "accelsim agrees", "share")]  # fmt: skip
    for label in machines:
        columns += [(f"{label}_least", f"energy on {label}", "pJ"), (f"{label}_best", "format", "")]
    text = f"{len(grid)} of {size} points; the same command continues." if len(grid) < size else f"{size} points."
    return Section("Grid", text, columns=columns, rows=grid)
