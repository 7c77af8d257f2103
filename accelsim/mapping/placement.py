"""Placing cores on routers: row by row, or so that spikes travel less.

``row_major`` numbers routers in order. ``traffic`` starts there and swaps pairs of cores while that shortens the sum of
packets x hops; it is deterministic, and never worse than where it started.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from accelsim.registry import Registry

Floats = npt.NDArray[np.float64]
Placer = Callable[[Floats, npt.NDArray[np.int64], int], npt.NDArray[np.int64]]
PLACERS: Registry[Placer] = Registry("placement", "accelsim.mapping")

_MAX_PASSES = 20


@PLACERS.register("row_major")
def row_major(traffic: Floats, distance: npt.NDArray[np.int64], cores: int) -> npt.NDArray[np.int64]:  # noqa: ARG001
    """Return the identity."""
    return np.arange(cores)


@PLACERS.register("traffic")
def by_traffic(traffic: Floats, distance: npt.NDArray[np.int64], cores: int) -> npt.NDArray[np.int64]:
    """Return the position of each core after pairwise exchange.

    Parameters
    ----------
    traffic : (n, n) float64
        Packets between logical terminals; the first ``cores`` may move, the rest (ports) stay.
    distance : (n, n) int64
        Hops between positions.
    cores : int

    Returns
    -------
    (cores,) int64
        Position of each logical core.
    """
    both = traffic + traffic.T
    np.fill_diagonal(both, 0)  # a core's packets to itself travel no link wherever it lies
    position = np.arange(len(traffic))
    busy = [core for core in range(cores) if both[core].any()]
    for _ in range(_MAX_PASSES):
        improved = False
        for a in busy:
            now = distance[position[a]][position]
            cost_a = both[a] @ now
            best, partner = -1e-9, -1
            for b in range(cores):
                if b == a:
                    continue
                there = distance[position[b]][position]
                change = both[a] @ there - cost_a + both[b] @ now - both[b] @ there
                change += 2 * both[a, b] * distance[position[a], position[b]]
                if change < best:
                    best, partner = change, b
            if partner >= 0:
                position[a], position[partner] = position[partner], position[a]
                improved = True
        if not improved:
            break
    return position[:cores]
