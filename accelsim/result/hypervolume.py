"""How much of the space a front dominates, and where it bends: hypervolume and knee.

The hypervolume is the volume between a front and a reference point that is worse than all of it (Zitzler and Thiele,
PPSN 1998): in two dimensions a sum of rectangles, in more the exclusive volumes of While, Bradstreet and Barone, "A
Fast Way of Calculating Exact Hypervolumes" (IEEE Trans. Evol. Comput. 16:1, 2012). Exact up to rounding of floats.

The knee is the point that lies farthest from the plane through the ends of the front, towards the better side, with
every objective scaled to the extent of the front (Das, Structural Optimization 18, 1999).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accelsim.result.pareto import Direction, minimised, pareto_front

Floats = npt.NDArray[np.float64]


def hypervolume(values: npt.ArrayLike, directions: Sequence[Direction], reference: Sequence[float]) -> float:
    """Return the volume that points dominate, bounded by the reference.

    Parameters
    ----------
    values : (n, d) float
        Points without NaN; those that are not better than the reference in every dimension add nothing.
    directions : sequence of d ``"min"`` or ``"max"``
    reference : sequence of d float

    Raises
    ------
    ValueError
        If shapes do not agree, a direction is unknown, or a number is NaN or infinite where it must not be.
    """
    points = minimised(values, directions)
    corner = minimised(np.asarray(reference, dtype=np.float64).reshape(1, -1), directions)[0]
    if np.isnan(points).any() or not np.isfinite(corner).all() or np.isneginf(points).any():
        raise ValueError("expected points without NaN and a finite reference that bounds the volume")
    points = points[(points < corner).all(axis=1)]
    return _volume(_front(points), corner)


def knee(values: npt.ArrayLike, directions: Sequence[Direction]) -> int | None:
    """Return the row of a front at its knee; None where the front has fewer than three different points or no extent.

    Parameters
    ----------
    values : (n, d) float
        Points of a front.
    directions : sequence of d ``"min"`` or ``"max"``
    """
    points = minimised(values, directions)
    if len(np.unique(points, axis=0)) < 3 or not np.isfinite(points).all():
        return None
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    wide = extent > 0
    scaled = (points[:, wide] - low[wide]) / extent[wide]
    return int(np.argmin(scaled.sum(axis=1)))


def _front(points: Floats) -> Floats:
    distinct = np.unique(points, axis=0)
    return distinct[pareto_front(distinct, ["min"] * points.shape[1])]


def _volume(front: Floats, corner: Floats) -> float:
    """Return the volume of a front in which less is better."""
    if not len(front):
        return 0.0
    if len(front) == 1:
        return float(np.prod(corner - front[0]))
    if front.shape[1] == 1:
        return float(corner[0] - front[:, 0].min())
    if front.shape[1] == 2:
        ordered = front[np.argsort(front[:, 0])]
        above = np.concatenate(([corner[1]], ordered[:-1, 1]))
        return float(((corner[0] - ordered[:, 0]) * (above - ordered[:, 1])).sum())
    return _by_last(front, corner) if front.shape[1] == 3 else _exclusive(front, corner)


def _by_last(front: Floats, corner: Floats) -> float:
    """Return the volume as slices of equal last coordinate."""
    ordered = front[np.argsort(front[:, -1], kind="stable")]
    edges = np.concatenate((ordered[:, -1], corner[-1:]))
    total, base = 0.0, ordered[:0, :-1]
    for at in range(len(ordered)):
        base = _front(np.vstack((base, ordered[at, :-1])))
        if edges[at + 1] > edges[at]:
            total += float(edges[at + 1] - edges[at]) * _volume(base, corner[:-1])
    return total


def _exclusive(front: Floats, corner: Floats) -> float:
    """Return the volume as the sum of what each point adds to those after it."""
    ordered = front[np.argsort(front[:, -1])[::-1]]
    total = 0.0
    for at, point in enumerate(ordered):
        limited = np.maximum(ordered[at + 1 :], point)
        shared = _volume(_front(limited), corner) if len(limited) else 0.0
        total += float(np.prod(corner - point)) - shared
    return total
