"""Curves of compression as tables and a figure."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.errors import OutputError
from accelsim.posttraining.compress import Compression
from accelsim.report.figures.style import new_figure, styled
from accelsim.report.files import prepare_folder, write_csv
from accelsim.report.format import clean
from accelsim.report.palette import GREY, PALETTE

Ints = npt.NDArray[np.intp]

_WORDS: Final = {
    "pruning": "share of weights pruned", "bits": "bits of a weight", "timesteps": "timesteps",
    "thresholds": "percentile of a threshold",
}  # fmt: skip


def write_compression(found: Compression, folder: Path) -> list[Path]:
    """Write ``points.csv``, ``layers.csv`` and ``curves.png`` and ``.svg``; return the files.

    Raises
    ------
    OutputError
        With the path and the reason.
    """
    prepare_folder(folder)
    written = [folder / "points.csv", folder / "layers.csv", folder / "curves.png", folder / "curves.svg"]
    try:
        write_csv(found.points, written[0])
        write_csv(found.layers, written[1])
        with styled():
            drawn = draw_curves(found)
            for path in written[2:]:
                drawn.savefig(path)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from None
    return written


def draw_curves(found: Compression) -> Figure:
    """Draw accuracy with its interval above energy, a column of axes per curve; dashed: the workload as it stands."""
    points = found.points
    curves = [name for name in dict.fromkeys(points["curve"].tolist()) if name in _WORDS]
    figure = new_figure(2.7 * max(len(curves), 2) + 0.6, 4.6)
    grid = figure.subplots(2, max(len(curves), 1), squeeze=False, sharex="col", sharey="row")
    for at, name in enumerate(curves):
        rows = np.flatnonzero(points["curve"] == name)
        rows = rows[np.argsort(points["value"][rows], kind="stable")]
        _accuracy(grid[0][at], found, rows)
        _energy(grid[1][at], found, rows)
        grid[1][at].set_xlabel(_WORDS[name])
        for axes in grid[:, at]:
            axes.grid(visible=True, axis="y")
    if curves:
        grid[0][0].set_ylabel("accuracy")
        grid[1][0].set_ylabel("energy, uJ per inference")
    meta = found.meta
    names = f"{clean(meta['workload'], 40)} on {clean(meta['machine'], 40)}"
    text = f"{names}, without training ({meta['samples']} samples)"
    figure.suptitle(text, x=0.02, ha="left", fontsize=11.5, fontweight="bold")
    return figure


def _accuracy(axes: Axes, found: Compression, rows: Ints) -> None:
    points = found.points
    value, low, high = (points[key][rows] for key in ("accuracy", "accuracy_low", "accuracy_high"))
    error = np.maximum(np.stack([value - low, high - value]), 0.0)
    axes.errorbar(points["value"][rows], value, error, color=PALETTE[0], marker="o", markersize=4, linewidth=1.2,
                  elinewidth=0.8, capsize=2)  # fmt: skip
    axes.axhline(points["accuracy"][0], color=GREY, linestyle="--", linewidth=0.9)


def _energy(axes: Axes, found: Compression, rows: Ints) -> None:
    points = found.points
    energy = points["energy_per_inference"]
    axes.plot(points["value"][rows], energy[rows] / 1e6, color=PALETTE[1], marker="s", markersize=4, linewidth=1.2)
    axes.axhline(energy[0] / 1e6, color=GREY, linestyle="--", linewidth=0.9)
    axes.set_ylim(bottom=0.0)
