"""What a sweep of regularisers says: which of them helps which machine, from its rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from accelsim.report.format import percent
from accelsim.training.bench import Row
from accelsim.training.recipe import Figure, Section

PLAIN: Final = "none"
"""Name of the network without a regulariser."""


@dataclass(frozen=True)
class Machine:
    """What counts for a machine: accuracy of its network, and the figure to be small."""

    name: str
    title: str
    network: str
    accuracy: str
    chosen: str
    """Accuracy on the validation part, by which points are chosen."""
    least: str
    axis: str
    scale: float = 1.0

    def shown(self, chip: str) -> str:
        """Return the column of the figure to be small."""
        return self.least.format(chip=chip)


MACHINES: Final = (
    Machine("sops", "spiking machine", "SNN", "exported", "validation", "{chip}_energy_per_inference",
            "energy on the chip, uJ", 1e6),
    Machine("macs", "array that skips zeros", "ANN", "ann", "ann_validation", "effective_macs",
            "effective multiply-accumulates"),
)  # fmt: skip


def best_points(rows: Sequence[Row], machine: Machine, chip: str, seeds: Sequence[int], allowed: float) -> list[Row]:
    """Return of every regulariser the cheapest point that counts as equal, told over the seeds that it has.

    Parameters
    ----------
    rows : sequence of Row
    machine : Machine
    chip : str
        Label of the chip.
    seeds : sequence of int
        Those that are told.
    allowed : float
        Accuracy of the validation part that a point may lose, mean of its seeds, to the one without a regulariser.
    """
    twins = {row["seed"]: row for row in rows if row["name"] == PLAIN}
    found: list[Row] = []
    for name in dict.fromkeys(row["name"] for row in rows if row["name"] != PLAIN):
        good = [
            same for same in _points(rows, seeds)
            if same[0]["name"] == name and fmean(_lost(row, twins, machine.chosen) for row in same) <= allowed
        ]  # fmt: skip
        if good:
            best = min(good, key=lambda same: fmean(float(row[machine.shown(chip)]) for row in same))
            found.append(_told(best, twins, machine, chip))
    return found


def _points(rows: Sequence[Row], seeds: Sequence[int]) -> list[list[Row]]:
    """Return the rows of every point, those of seeds with a network without a regulariser."""
    known = {row["seed"] for row in rows if row["name"] == PLAIN} & set(seeds)
    found: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        if row["name"] != PLAIN and row["seed"] in known:
            found.setdefault((str(row["name"]), float(row["strength"])), []).append(row)
    return list(found.values())


def _lost(row: Row, twins: Mapping[int, Row], accuracy: str) -> float:
    return float(twins[row["seed"]][accuracy]) - float(row[accuracy])


def _told(same: Sequence[Row], twins: Mapping[int, Row], machine: Machine, chip: str) -> Row:
    keys = {"sops": f"{chip}_sops", "energy": f"{chip}_energy_per_inference", "macs": "effective_macs",
            "array": "skipping_energy"}  # fmt: skip
    losses = [_lost(row, twins, machine.accuracy) for row in same]
    return {
        "name": same[0]["name"], "strength": same[0]["strength"], "seeds": len(same),
        "ann_lost": fmean(_lost(row, twins, "ann") for row in same),
        "snn_lost": fmean(_lost(row, twins, "exported") for row in same),
        "spread": f"{percent(min(losses), 2)} to {percent(max(losses), 2)}",
        **{label: fmean(float(twins[row["seed"]][key]) for row in same) / fmean(float(row[key]) for row in same)
           for label, key in keys.items()},
    }  # fmt: skip


def sections(rows: Sequence[Row], chip: str, seeds: Sequence[int], allowed: float) -> list[Section]:
    """Return the page; parameters as those of :func:`best_points`."""
    ratios = [
        ("name", "", ""), ("strength", "strength", ""), ("seeds", "seeds", ""), ("ann_lost", "ANN loses", "share"),
        ("snn_lost", "SNN loses", "share"), ("spread", "least to most", ""), ("sops", "SOPs, fewer", "ratio"),
        ("energy", f"energy on {chip}, less", "ratio"), ("macs", "effective MACs, fewer", "ratio"),
        ("array", "energy of the array, less", "ratio"),
    ]  # fmt: skip
    sweep = [
        ("key", "", ""), ("ann", "ANN", "share"), ("exported", "SNN", "share"),
        ("effective_macs", "effective MACs of the ANN", ""), (f"{chip}_sops", "SOPs of the SNN", ""),
        ("skipping_energy", "skipping array", "pJ"), (f"{chip}_energy_per_inference", f"SNN on {chip}", "pJ"),
        ("agreement", "accelsim agrees", "share"),
    ]  # fmt: skip
    helps = [
        Section(f"What helps: {machine.title}",
                _BEST.format(loss=allowed, network=machine.network, least=machine.axis.split(",")[0]),
                columns=ratios, rows=best_points(rows, machine, chip, seeds, allowed),
                figures=[_figure(rows, machine, chip)])
        for machine in MACHINES
    ]  # fmt: skip
    twins = {row["seed"]: row for row in rows if row["name"] == PLAIN}
    repeated = [_told(same, twins, MACHINES[0], chip) for same in _points(rows, seeds) if len(same) == len(seeds) > 1]
    return [*helps, Section("Repeated points", _REPEATED, columns=ratios, rows=repeated),
            Section("Sweep", columns=sweep, rows=rows)]  # fmt: skip


_REPEATED: Final = """All points that have all seeds: the best ones, those that only seemed to be the best, and those
that the parameters name. Means of the seeds; least and most are the SNN's losses."""
_SHOWN: Final = 0.95
"""Least accuracy in a figure; the table has all points."""
_BEST: Final = """Of every regulariser the point with the least {least} at which the {network} loses at most {loss:g}
accuracy of the validation part, mean of the seeds, to the one without a regulariser. (Points that seem to do at the
first seed are repeated with the others.) Losses are of the test part, against the network of the same seed without a
regulariser, which has the same first weights and order of samples; losses and factors are means over seeds, least and
most the {network}'s losses. Points below 0.95 stand in the last table alone."""


def _figure(rows: Sequence[Row], machine: Machine, chip: str) -> Figure:
    column = machine.shown(chip)
    series = [
        (name, [(float(row[column]) / machine.scale, float(row[machine.accuracy])) for row in rows
                if row["name"] == name])
        for name in dict.fromkeys(row["name"] for row in rows)
    ]  # fmt: skip
    return Figure(machine.name, machine.title.capitalize(), machine.axis, f"accuracy of the {machine.network}", series,
                  log_x=True, lines=False, floor=_SHOWN)  # fmt: skip
