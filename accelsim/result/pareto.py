"""Which of several points no other point beats: the Pareto front in any number of dimensions, by exact comparison.

A point dominates another if it is at least as good in every dimension and better in one. Equal points do not dominate
each other, so that ties are all kept. A point with a NaN was not measured: it is never on the front and dominates
nothing. Infinities compare as numbers do.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Direction = Literal["min", "max"]
MAX_DIMENSIONS: Final = 64


def pareto_front(values: npt.ArrayLike, directions: Sequence[Direction]) -> npt.NDArray[np.bool_]:
    """Return which points are on the front, (n,).

    Parameters
    ----------
    values : (n, d) float
        One row per point.
    directions : sequence of d ``"min"`` or ``"max"``
        What is better, per column.

    Raises
    ------
    ValueError
        If shapes do not agree or a direction is unknown.
    """
    points: npt.NDArray[Any] = np.array(values, dtype=np.float64)
    if points.ndim != 2 or not 1 <= points.shape[1] <= MAX_DIMENSIONS or points.shape[1] != len(directions):
        expected = f"expected points (n, d) with a direction for each of 1 to {MAX_DIMENSIONS} columns"
        raise ValueError(f"{expected}, got shape {points.shape} and {len(directions)} directions")
    unknown = sorted(set(directions) - {"min", "max"})
    if unknown:
        raise ValueError(f"expected directions min or max, got {', '.join(unknown)}")
    points[:, [direction == "max" for direction in directions]] *= -1
    front = np.zeros(len(points), dtype=bool)
    known = np.flatnonzero(~np.isnan(points).any(axis=1))
    # In lexicographic order only a point before it can dominate a point, and then one on the front does too.
    order = known[np.lexsort(points[known].T[::-1])]
    kept = np.empty_like(points)
    count = 0
    for index in order:
        point, best = points[index], kept[:count]
        if not ((best <= point).all(axis=1) & (best < point).any(axis=1)).any():
            front[index] = True
            kept[count] = point
            count += 1
    return front
