"""One workload on several chips and on the MAC arrays beside them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import accelsim
from accelsim.errors import AccelsimError, ConfigError
from accelsim.network.events import A_FEW, Limit
from accelsim.pipeline.flow import run
from accelsim.result.comparison import Comparison
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.result.run_result import Quantity, RunResult
from accelsim.result.table import Table, table

MAX_CHIPS: Final = 32

Row = tuple[str, str, str, str, str, float, float, float, float, float, float, bool]
"""The columns of :data:`accelsim.result.comparison.COLUMNS`."""


def compare(
    chips: Sequence[str | Path],
    workload: str | Path = "mnist_conv",
    *,
    samples: int | Limit = A_FEW,
    ann: str | Path | None = None,
    progress: Progress = NO_PROGRESS,
    cache: bool = True,
) -> Comparison:
    """Run a workload on every chip, and as an ANN on the array of every chip.

    An array stands in the table once, however many chips have it: dense, and as the fairest of its variants.

    Parameters
    ----------
    chips : sequence of str or Path
        Presets or hardware files.
    workload, samples, ann, progress, cache
        As in :func:`accelsim.pipeline.flow.run`.

    Raises
    ------
    AccelsimError
        On anything wrong with a chip, the workload or their combination; with the chip's name.
    """
    if not 1 <= len(chips) <= MAX_CHIPS:
        raise ConfigError(f"compare: expected 1 to {MAX_CHIPS} chips, got {len(chips)}")
    rows: list[Row] = []
    runs: dict[str, Any] = {}
    result = None
    for name, chip in zip(_names(chips), chips, strict=True):
        try:
            result = run(chip, workload, samples=samples, progress=progress, cache=cache, ann=ann)
        except AccelsimError as error:
            raise AccelsimError(f"{chip}: {error}") from error
        rows.append(_chip_row(name, result))
        seen = {row[2:] for row in rows}
        rows += [row for row in _array_rows(name, result) if row[2:] not in seen]
        keys = ("command", "hashes")
        runs[name] = {**{key: result.meta[key] for key in keys}, "warnings": list(result.warnings)}
    if result is None:
        raise ConfigError("compare: no chip")
    meta = {"version": accelsim.__version__, "chips": runs}
    return Comparison(str(result.workload["name"]), len(result.samples), _table(rows), meta)


def _names(chips: Sequence[str | Path]) -> list[str]:
    """Return a name for every chip: its file's stem, numbered where that repeats."""
    names: list[str] = []
    for chip in chips:
        stem = Path(chip).stem if str(chip).endswith((".yaml", ".yml")) else str(chip)
        name, number = stem, 2
        while name in names:
            name, number = f"{stem} ({number})", number + 1
        names.append(name)
    return names


def _chip_row(name: str, result: RunResult) -> Row:
    totals = result.totals
    energy = totals["energy_per_inference"].value
    right = totals.get("accuracy", Quantity(math.nan, "", "")).value
    text, place = f"SNN, {result.workload['timesteps']} timesteps", _place(result)
    first = energy + totals["energy_dram_cold"].value
    latency, product = totals["latency"].value, totals["energy_delay"].value
    return (name, "snn", text, *place, energy, totals["energy_static"].value, first, latency, product, right, False)


def _place(result: RunResult, clock: str | None = None) -> tuple[str, str]:
    """Return node and clock as the hardware file states them."""
    return str(result.config["technology"]["node"]), str(clock or result.config["clock"])


def _array_rows(name: str, result: RunResult) -> list[Row]:
    spec = result.config["baseline"]
    array, place = f"{spec['rows']}x{spec['columns']}", _place(result, spec.get("clock"))
    return [
        (
            f"{name}: array", "array", f"{row['description']}, {array} {row['dataflow']}", *place, row["energy_pj"],
            row["energy_static_pj"], row["energy_first_pj"], row["latency_ns"], row["energy_delay"], row["accuracy"],
            bool(row["fairest"]),
        )
        for at, row in enumerate(result.baseline.variants.rows())
        if at == 0 or row["fairest"]
    ]  # fmt: skip


def _table(rows: list[Row]) -> Table:
    columns = list(zip(*rows, strict=True))
    return table(
        "machines",
        ("machine", "", "chip, or the array beside it", columns[0]),
        ("kind", "", "snn: a spiking chip; array: an ANN on a MAC array", columns[1]),
        ("description", "", "what runs", columns[2]),
        ("node", "", "of the process", columns[3]),
        ("clock", "", "of the machine", columns[4]),
        ("energy_pj", "pJ", "dynamic and static energy of an inference, without a cold start", columns[5]),
        ("energy_static_pj", "pJ", "leakage over the inference", columns[6]),
        ("energy_first_pj", "pJ", "first inference: weights fetched from DRAM", columns[7]),
        ("latency_ns", "ns", "of an inference, without a cold start", columns[8]),
        ("energy_delay", "pJ*ns", "energy x latency", columns[9]),
        ("accuracy", "", "share of right predictions; NaN without labels", columns[10]),
        ("fairest", "", "the fairest of the arrays beside its chip", columns[11]),
    )
