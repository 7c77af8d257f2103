"""Bits or pruning: the cheapest network of equal accuracy by either alone and by both, told over seeds.

Published figures are those of Schaefer et al.'s plotting data (``mean`` workload, run-length encoding).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Final

from accelsim.training.bench import Row
from accelsim.training.cells import Columns, over_seeds, spread
from accelsim.training.recipe import Section

FULL_BITS: Final = 8
"""What pruning alone is compared at."""

PAPER_VERDICT: Final = 13.977 / 9.593
"""Energy of 80 % pruning at 8 bit over ternary without pruning (joint)."""

ENERGY: Final = "energy_per_inference"
Machines = Mapping[str, Sequence[str]]


def compared(rows: Sequence[Row], machines: Machines) -> list[Row]:
    """Return rows with what they are compared by.

    Parameters
    ----------
    rows : sequence of Row
    machines : mapping of str to sequence of str
        Labels of machines to their formats.

    Returns
    -------
    list of Row
        Beside what they had: ``point`` (without the seed), ``lost`` and ``held_lost`` (accuracy of the test and the
        validation part that the unpruned 8-bit network of the seed has more; NaN where there is none yet), and of
        every machine ``LABEL_best`` (format with the least energy), ``LABEL_least`` and ``LABEL_dynamic`` (pJ, in it).
    """
    whole = {row["seed"]: row for row in reversed(rows) if (row["bits"], row["pruned"]) == (FULL_BITS, 0.0)}
    found = []
    for row in rows:
        start = whole.get(row["seed"], {})
        added: Row = {"point": f"{row['bits']} bit, {float(row['pruned']):.0%} pruned, {row['schedule']}"}
        for name, part in (("lost", "exported"), ("held_lost", "validation")):
            added[name] = float(start.get(part, "nan")) - float(row[part])
        for label, formats in machines.items():
            best = min(formats, key=lambda name: float(row[f"{label}_{name}_{ENERGY}"]))
            added |= {f"{label}_best": best, f"{label}_least": float(row[f"{label}_{best}_{ENERGY}"]),
                      f"{label}_dynamic": float(row[f"{label}_{best}_energy_dynamic"])}  # fmt: skip
        found.append(row | added)
    return found


def found_at(rows: Sequence[Row], bits: int, pruned: float) -> Row | None:
    """Return a point of the first schedule that has it."""
    return next((row for row in rows if row["bits"] == bits and row["pruned"] == pruned), None)


def verdict(rows: Sequence[Row], machines: Machines, seed: int, tolerance: float) -> list[Section]:
    """Return what bits alone and pruning alone come to over seeds, and which of them is cheaper.

    Parameters
    ----------
    rows : sequence of Row
        As :func:`compared` returns them.
    machines : mapping of str to sequence of str
    seed : int
        That of the grid.
    tolerance : float
        Accuracy that a point may lose and count as equal.
    """
    points: dict[str, list[Row]] = {}
    for row in rows:
        points.setdefault(str(row["point"]), []).append(row)
    most = max((len(same) for same in points.values()), default=0)
    shared = [same for same in points.values() if len(same) == most and _alone(same[0])]
    columns: list[tuple[str, str, str]] = [
        ("seeds", "", ""), ("point", "", ""), ("exported", "accuracy", "share"),
        ("lost", "loses to 8 bit", "share"), ("density", "weights left", "share"),
        *((f"{label}_least", f"energy on {label}", "pJ") for label in machines),
    ]  # fmt: skip
    told = over_seeds([row for same in sorted(shared, key=_order) for row in same], columns, "point")
    grid = [[row] for row in rows if row["seed"] == seed]
    return [
        Section("Bits alone, pruning alone", _ALONE, columns=columns, rows=told),
        Section("Bits or pruning", _VERDICT.format(tolerance=tolerance), columns=_COLUMNS,
                rows=[_judged(shared, grid, label, tolerance) for label in machines]),
    ]  # fmt: skip


_ALONE: Final = """Mean of the seeds, least and most in brackets; energies in the cheapest format of every machine.
Losses are those to the unpruned 8-bit network of the same seed."""
_VERDICT: Final = f"""Cheapest network that loses at most {{tolerance:g}} to the unpruned 8-bit one (validation part,
mean of the seeds): by bits alone, by pruning 8-bit weights alone, and by both (seed of the grid). Ratios are those of
energies of a seed. The last columns are the paper's own two points on our network: 80 % pruned at {FULL_BITS} bit over
ternary; published, without leakage: {PAPER_VERDICT:.3f} (45 % more)."""
_COLUMNS: Final[Columns] = (
    ("machine", "machine", ""), ("bits", "bits alone", ""), ("bits_energy", "", "pJ"), ("pruned", "pruning alone", ""),
    ("pruned_energy", "", "pJ"), ("ratio", "pruning / bits", "ratio"), ("both", "both", ""),
    ("both_energy", "", "pJ"), ("paper", "80 % at 8 bit / ternary", "ratio"),
    ("dynamic", "the same without leakage", "ratio"),
)  # fmt: skip

Point = Sequence[Row]
"""The seeds of a point."""


def _alone(row: Row) -> bool:
    return bool(row["pruned"] == 0.0 or row["bits"] == FULL_BITS)


def _order(same: Point) -> tuple[float, int]:
    return float(same[0]["pruned"]), int(same[0]["bits"])


def _judged(shared: Sequence[Point], grid: Sequence[Point], label: str, tolerance: float) -> Row:
    key = f"{label}_least"

    def cheapest(points: Iterable[Point], which: Callable[[Row], bool] = lambda _: True) -> Point:
        good = [same for same in points if which(same[0]) and _mean(same, "held_lost") <= tolerance]
        return min(good, key=lambda same: _mean(same, key), default=())

    bits = cheapest(shared, lambda row: row["pruned"] == 0.0)
    pruned = cheapest(shared, lambda row: row["bits"] == FULL_BITS)
    both = cheapest(grid)
    firsts = {(same[0]["bits"], same[0]["pruned"]): same for same in reversed(shared)}
    ternary, paper = firsts.get((2, 0.0), ()), firsts.get((FULL_BITS, 0.8), ())
    return {
        "machine": label, "bits": _name(bits), "bits_energy": _mean(bits, key), "pruned": _name(pruned),
        "pruned_energy": _mean(pruned, key), "ratio": _ratio(pruned, bits, key), "both": _name(both),
        "both_energy": _mean(both, key), "paper": _ratio(paper, ternary, key),
        "dynamic": _ratio(paper, ternary, f"{label}_dynamic"),
    }  # fmt: skip


def _name(same: Point) -> str:
    return str(same[0]["point"]) if same else "none"


def _mean(same: Point, key: str) -> float:
    return fmean(float(row[key]) for row in same) if same else float("nan")


def _ratio(above: Point, below: Point, key: str) -> str:
    """Return the ratio of a figure of two points, over the seeds that both have."""
    others = {row["seed"]: float(row[key]) for row in below}
    ratios = [float(row[key]) / others[row["seed"]] for row in above if row["seed"] in others]
    return spread(ratios, "ratio") if ratios else ""
