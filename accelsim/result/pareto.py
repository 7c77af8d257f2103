"""Which of several points no other point beats: the Pareto front in any number of dimensions, by exact comparison.

A point dominates another if it is at least as good in every dimension and better in one. Equal points do not dominate
each other, so that ties are all kept. A point with a NaN was not measured: it is never on the front and dominates
nothing; :func:`without_nan` refuses it by name. Infinities compare as numbers do.

Distinct points are sorted lexicographically: only a point before it can dominate a point. In two dimensions a running
minimum decides, in three the dominance count of Kung, Luccio and Preparata (J. ACM 22:4, 1975) by divide and conquer,
level by level over whole arrays: O(n log n) and O(n log^2 n). In more, blocks of points are compared with the front so
far, O(n x front).
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Direction = Literal["min", "max"]
MAX_DIMENSIONS: Final = 64
_BLOCK: Final = 256
_CELLS: Final = 1 << 20
"""Comparisons at once, which bounds the memory."""

Ints = npt.NDArray[np.int32]


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
    points = minimised(values, directions)
    front = np.zeros(len(points), dtype=bool)
    known = np.flatnonzero(~np.isnan(points).any(axis=1))
    if not known.size:
        return front
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in points[known].T]).astype(np.int32)
    order = np.lexsort(ranks.T[::-1])
    ranks = ranks[order]
    first = np.concatenate(([True], (ranks[1:] != ranks[:-1]).any(axis=1)))
    beaten = _beaten(ranks[first])
    front[known[order]] = ~beaten[np.cumsum(first) - 1]
    return front


def minimised(values: npt.ArrayLike, directions: Sequence[Direction]) -> npt.NDArray[np.float64]:
    """Return a copy in which less is better in every column; parameters and errors as :func:`pareto_front`."""
    points: npt.NDArray[Any] = np.array(values, dtype=np.float64)
    if points.ndim != 2 or not 1 <= points.shape[1] <= MAX_DIMENSIONS or points.shape[1] != len(directions):
        expected = f"expected points (n, d) with a direction for each of 1 to {MAX_DIMENSIONS} columns"
        raise ValueError(f"{expected}, got shape {points.shape} and {len(directions)} directions")
    unknown = sorted(set(directions) - {"min", "max"})
    if unknown:
        raise ValueError(f"expected directions min or max, got {', '.join(unknown)}")
    points[:, [direction == "max" for direction in directions]] *= -1
    return points


def without_nan(values: npt.ArrayLike, objectives: Sequence[str], points: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return values of which none is NaN.

    Parameters
    ----------
    values : (n, d) float
    objectives : sequence of d str
    points : sequence of n str
        Names for the error.

    Raises
    ------
    ValueError
        Naming the objective and the points.
    """
    found = np.asarray(values, dtype=np.float64).reshape(len(points), len(objectives))
    wrong = []
    for at, name in enumerate(objectives):
        missing = np.flatnonzero(np.isnan(found[:, at]))
        if missing.size:
            shown = ", ".join(points[row] for row in missing[:5])
            more = f" and {missing.size - 5} more" if missing.size > 5 else ""
            wrong.append(f"{name}: expected a number at every point, got none at {shown}{more}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return found


def _beaten(ranks: Ints) -> npt.NDArray[np.bool_]:
    """Return which of distinct points, in lexicographic order, another one dominates."""
    dimensions = ranks.shape[1]
    if dimensions == 1:
        return np.arange(len(ranks)) > 0
    if dimensions == 2:
        best = np.minimum.accumulate(ranks[:, 1])
        return np.concatenate(([False], best[:-1] <= ranks[1:, 1]))
    if dimensions == 3:
        return _beaten_in_3d(ranks[:, 1], ranks[:, 2])
    return _beaten_by_blocks(ranks)


def _beaten_in_3d(y: Ints, z: Ints) -> npt.NDArray[np.bool_]:
    """Return where an earlier point has no larger y and no larger z.

    On every level, pairs of halves of the sequence are treated all at once: sorted by y inside a pair, the smallest z
    of its first half so far is compared with the z of its second half. Earlier pairs are lifted out of reach.
    """
    count = len(y)
    beaten = np.zeros(count, dtype=bool)
    by_y = np.lexsort((np.arange(count), y))  # equal y: the earlier point first
    top = int(z.max()) + 1
    half = 1
    while half < count:
        pair = by_y // (2 * half)
        order = by_y[np.argsort(pair, kind="stable")]
        pair = order // (2 * half)
        late = (order // half) % 2 == 1
        lift = -pair.astype(np.int64) * (top + 1)
        smallest = np.minimum.accumulate(np.where(late, top, z[order]) + lift)
        beaten[order] |= late & (smallest - lift <= z[order])
        half *= 2
    return beaten


def _beaten_by_blocks(ranks: Ints) -> npt.NDArray[np.bool_]:
    """Compare blocks of points, the best sums first, with the front so far and among themselves."""
    order = np.argsort(ranks.sum(axis=1), kind="stable")
    beaten = np.zeros(len(ranks), dtype=bool)
    front = np.empty_like(ranks)
    held = 0
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        step = max(1, _CELLS // max(1, len(block)))
        for first in range(0, held, step):
            block = block[~_no_better(ranks[block], front[first : min(first + step, held)])]
        block = block[~_dominated(ranks[block], ranks[block])]
        beaten[order[start : start + _BLOCK]] = True
        beaten[block] = False
        front[held : held + len(block)] = ranks[block]
        held += len(block)
    return beaten


def _no_better(points: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """Return which points are no better in any dimension than one of the others."""
    worse = np.ones((len(points), len(others)), dtype=bool)
    for point, other in zip(points.T, others.T, strict=True):
        worse &= other[None, :] <= point[:, None]
    return np.asarray(worse.any(axis=1))


def _dominated(points: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """Return which of distinct points one of the others dominates; a point does not dominate itself."""
    no_worse = np.ones((len(points), len(others)), dtype=bool)
    same = no_worse.copy()
    for point, other in zip(points.T, others.T, strict=True):
        no_worse &= other[None, :] <= point[:, None]
        same &= other[None, :] == point[:, None]
    return np.asarray((no_worse & ~same).any(axis=1))
