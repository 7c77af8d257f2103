"""What spatio-temporal pruning found: widths, timesteps, bits and noise, told over seeds; from its tables alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Final

from accelsim.training.bench import Row
from accelsim.training.cells import over_seeds
from accelsim.training.judge import E_AC, E_MAC
from accelsim.training.recipe import Figure, Section


def sections(tables: Callable[[str], Sequence[Row]], chip: str, wide: float) -> list[Section]:
    """Return the page.

    Parameters
    ----------
    tables : callable
        Name of a table to its rows.
    chip : str
        Label of the chip.
    wide : float
        Multiply-accumulates of the ANN before its widths were chosen.
    """
    return [_widths(tables("narrow")), _timesteps(tables("lower")), _bits(tables("bits"), chip, wide),
            _noise(tables("noise"))]  # fmt: skip


def _widths(rows: Sequence[Row]) -> Section:
    columns = [
        ("key", "", ""), ("wide_widths", "widths before", ""), ("widths", "after", ""),
        ("wide_weights", "weights before", ""), ("weights", "after", ""), ("ratio", "fewer", "ratio"),
        ("wide_ann", "wide ANN", "share"), ("narrow_ann", "narrow ANN", "share"),
    ]  # fmt: skip
    return Section("Widths", columns=columns, rows=[*rows, *over_seeds(rows, columns)])


def _timesteps(rows: Sequence[Row]) -> Section:
    columns = [("key", "", ""), ("timesteps", "T", ""), ("accuracy", "accuracy (first samples)", "share"),
               ("spikes", "spikes", "")]  # fmt: skip
    series = [
        (f"seed {seed}", [(float(row["timesteps"]), float(row["accuracy"])) for row in rows if row["seed"] == seed])
        for seed in sorted({int(row["seed"]) for row in rows})
    ]
    curve = Figure("timesteps", "Accuracy while timesteps are lowered", "timesteps", "accuracy", series, log_x=True)
    return Section("Timesteps", columns=columns, rows=over_seeds(rows, columns, "timesteps"), figures=[curve])


_BITS: Final = """Every number of bits is trained from the network of the one before. Op counts are 4.6 pJ per
multiply-accumulate and 0.9 pJ per accumulate (45 nm, FP32): against the ANN before its widths were chosen, as the paper
counts, and against the narrow ANN with the same weights that are not zero. The cycle-level ratios have the narrow
network on chip and array. All test samples."""


def _bits(rows: Sequence[Row], chip: str, wide: float) -> Section:
    columns = [
        ("key", "", ""), ("bits", "bits", ""), ("exported", "accuracy", "share"),
        ("agreement", "accelsim agrees", "share"), (f"{chip}_energy_per_inference", "SNN energy", "pJ"),
        (f"{chip}_latency", "SNN latency", "ns"), ("op_count_wide", "op count: wide ANN / SNN", "ratio"),
        ("op_count_compressed", "op count: narrow ANN / SNN", "ratio"),
        (f"{chip}_against_dense", "dense array / SNN", "ratio"),
        (f"{chip}_against_skipping", "skipping array / SNN", "ratio"),
    ]  # fmt: skip
    counted = [row | {"op_count_wide": E_MAC * wide / (E_AC * float(row[f"{chip}_sops"]))} for row in rows]
    return Section("Bits", _BITS, columns=columns, rows=over_seeds(counted, columns, "bits"))


def _noise(rows: Sequence[Row]) -> Section:
    columns = [("key", "", ""), ("noise", "standard deviation", "ratio"), ("ann", "ANN (first samples)", "share"),
               ("snn", "SNN (first samples)", "share")]  # fmt: skip
    levels = sorted({float(row["noise"]) for row in rows})

    def mean(network: str) -> list[tuple[float, float]]:
        return [(at, fmean(float(row[network]) for row in rows if row["noise"] == at)) for at in levels]

    series = [("ANN, mean of seeds", mean("ann")), ("SNN, mean of seeds", mean("snn"))]
    figure = Figure("noise", "Gaussian noise on the input", "standard deviation", "accuracy", series)
    return Section("Noise", columns=columns, rows=over_seeds(rows, columns, "noise"), figures=[figure])
