"""How predictions and labels agree, class by class: the confusion matrix, recalls, and Wilson intervals."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.result.table import Table, table

_Z95: Final = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


def wilson(correct: int, samples: int) -> tuple[float, float]:
    """Return the Wilson score interval of a share at 95 %; (0, 1) of no samples.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    if not samples:
        return 0.0, 1.0
    share, spread = correct / samples, _Z95**2 / samples
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    low = 0.0 if correct == 0 else centre - half
    high = 1.0 if correct == samples else centre + half
    return low, high


def confusion(labels: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return the samples by (label, prediction), square up to the largest class; samples without label are left out.

    Parameters
    ----------
    labels, predicted : (samples,) int
        Labels below 0 are unknown.
    """
    known = labels >= 0
    true, found = labels[known].astype(np.int64), predicted[known].astype(np.int64)
    size = int(max(true.max(initial=-1), found.max(initial=-1))) + 1
    return np.bincount(true * size + found, minlength=size * size).reshape(size, size)


def confusion_table(labels: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]) -> Table:
    """Return one row per pair of label and prediction that occurs."""
    matrix = confusion(labels, predicted)
    true, found = np.nonzero(matrix)
    return table(
        "confusion",
        ("label", "", "True class", true),
        ("prediction", "", "Predicted class", found),
        ("samples", "", "Samples of this label with this prediction", matrix[true, found]),
    )


def classes_table(labels: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]) -> Table:
    """Return one row per class that is a label or a prediction of some sample."""
    matrix = confusion(labels, predicted)
    truth, found = matrix.sum(axis=1), matrix.sum(axis=0)
    which = np.flatnonzero((truth > 0) | (found > 0))
    correct = matrix.diagonal()[which]
    bounds = np.array([wilson(int(good), int(all_)) for good, all_ in zip(correct, truth[which], strict=True)])
    bounds = bounds.reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        recall, precision = correct / truth[which], correct / found[which]
    return table(
        "classes",
        ("class", "", "Class", which),
        ("samples", "", "Samples with this label", truth[which]),
        ("predicted", "", "Samples with this prediction", found[which]),
        ("correct", "", "Samples with this label and this prediction", correct),
        ("recall", "", "correct / samples; NaN where no sample has the label", recall),
        ("recall_low", "", "Lower end of the Wilson 95 % interval of the recall", bounds[:, 0]),
        ("recall_high", "", "Upper end of the Wilson 95 % interval of the recall", bounds[:, 1]),
        ("precision", "", "correct / predicted; NaN where no sample is predicted so", precision),
    )
