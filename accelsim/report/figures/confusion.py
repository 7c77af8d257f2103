"""The confusion matrix: samples by label and prediction, shaded by the share of the label."""

import numpy as np
from matplotlib.figure import Figure

from accelsim.report.figures.style import SEQUENTIAL, new_figure, title
from accelsim.report.format import percent
from accelsim.result.classes import confusion
from accelsim.result.run_result import RunResult

_MAX_NUMBERS = 24
"""Most classes whose cells carry their number."""


def draw(result: RunResult) -> Figure:
    """Draw the matrix of a result; without labels, say so."""
    return draw_matrix(confusion(result.samples["label"], result.samples["prediction"]))


def draw_matrix(matrix: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Figure:
    """Draw a matrix of samples by (label, prediction)."""
    size = len(matrix)
    side = float(np.clip(0.42 * size, 3.2, 8.0))
    figure = new_figure(side + 1.9, side + 1.2)
    axes = figure.subplots()
    if not matrix.sum():
        axes.set_axis_off()
        title(axes, "No sample has a label: no confusion matrix")
        return figure
    share = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    image = axes.imshow(share, cmap=SEQUENTIAL, vmin=0, vmax=1)
    if size <= _MAX_NUMBERS:
        for label, found in np.argwhere(matrix):
            dark = share[label, found] < 0.5
            axes.text(
                found, label, str(matrix[label, found]), ha="center", va="center", fontsize=8,
                color="white" if dark else "black",
            )  # fmt: skip
    ticks = range(0, size, max(1, size // 16))
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the label's samples", format=lambda x, _: f"{x:.0%}")
    correct, samples = int(matrix.trace()), int(matrix.sum())
    recall = matrix.diagonal() / np.where(matrix.sum(axis=1) > 0, matrix.sum(axis=1), np.nan)
    worst = int(np.nanargmin(recall))
    finding = f"{correct} of {samples} right ({percent(correct / samples)})"
    title(axes, finding, f"lowest recall: class {worst}, {percent(float(recall[worst]))}", chars=48)
    return figure
