"""What Spike-Thrift found: the accuracy of its stages and the energy of their end, from its table alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from accelsim.training.bench import Row
from accelsim.training.cells import over_seeds
from accelsim.training.judge import E_AC, E_MAC
from accelsim.training.recipe import Figure, Section

_ENERGY: Final = """Op counts are 4.6 pJ per multiply-accumulate and 0.9 pJ per accumulate (45 nm, FP32), as most papers
count. The cycle-level ratios have the same network on the chip and on the MAC array of the same node: the SNN's weights
with rectifiers in place of neurons, every weight multiplied (dense), or only those that are not zero, with activations
that are not zero, where the array skips all else for free. Above one, the SNN needs less."""

_STAGES: Final = (
    ("dense_ann", "dense ANN"), ("compressed_ann", "compressed ANN"), ("converted", "converted"),
    ("trained", "SNN trained"), ("exported", "whole numbers"),
)  # fmt: skip


def sections(rows: Sequence[Row], chip: str) -> list[Section]:
    """Return the page.

    Parameters
    ----------
    rows : sequence of Row
        Of the table of stages, one per seed.
    chip : str
        Label of the chip.
    """
    return [_stages(rows), _energy(rows, chip)]


def _stages(rows: Sequence[Row]) -> Section:
    columns = [
        ("key", "", ""), ("dense_ann", "dense ANN", "share"), ("compressed_ann", "compressed ANN", "share"),
        ("ratio", "fewer weights", "ratio"), ("converted", "converted (first 2,000)", "share"),
        ("trained", "SNN trained", "share"), ("exported", "exported, integers", "share"),
        ("agreement", "accelsim agrees", "share"),
    ]  # fmt: skip
    curve = Figure(
        "stages", "Accuracy from stage to stage", "", "accuracy",
        [(str(row["key"]), [(at, float(row[key])) for at, (key, _) in enumerate(_STAGES, 1)]) for row in rows],
        ticks=tuple(title for _, title in _STAGES),
    )  # fmt: skip
    return Section(
        "Accuracy of every stage", columns=columns, rows=[*rows, *over_seeds(rows, columns)], figures=[curve]
    )


def _energy(rows: Sequence[Row], chip: str) -> Section:
    columns = [
        ("key", "", ""), ("op_count_dense", "op count: dense ANN / SNN", "ratio"),
        ("op_count_compressed", "op count: compressed ANN / SNN", "ratio"),
        ("per_mac", "accumulates per multiplication left", "ratio"),
        (f"{chip}_against_dense", "cycle level: dense array / SNN", "ratio"),
        (f"{chip}_against_skipping", "cycle level: skipping array / SNN", "ratio"),
        (f"{chip}_energy_per_inference", "SNN energy", "pJ"), (f"{chip}_latency", "SNN latency", "ns"),
        (f"{chip}_ann_skipping_8b_accuracy", "accuracy of the skipping array (timed samples)", "share"),
    ]  # fmt: skip
    counted = [row | {"per_mac": E_MAC / (E_AC * float(row["op_count_compressed"]))} for row in rows]
    return Section("Energy", _ENERGY, columns=columns, rows=[*counted, *over_seeds(counted, columns)])
