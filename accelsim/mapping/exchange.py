"""The kernel of the placer that follows traffic: exchanging pairs of cores while that shortens the way of packets."""

from typing import Any

from accelsim.kernels import kernel


@kernel
def exchange(both: Any, distance: Any, cost: Any, position: Any, kind: Any, busy: Any, passes: int) -> None:
    """Exchange the positions of two cores while that helps, the best partner of each busy core at a time.

    Parameters
    ----------
    both : (n, n) float64
        Packets between logical terminals, both ways together; 0 on the diagonal.
    distance : (n, n) int64
        Hops between positions, symmetric.
    cost : (cores, cores) float64
        ``cost[a, p]``: packets x hops of core a if it lay at position p and everything else where it lies; kept.
    position : (n,) int64
        Position of each terminal, changed in place; cores first, the rest stays.
    kind : (cores,) int64
        Only cores of one kind exchange their positions.
    busy : (k,) int64
        Cores with traffic.
    passes : int
        Largest number of rounds over all busy cores.
    """
    cores = len(cost)
    for _ in range(passes):
        improved = False
        for a in busy:
            here = position[a]
            best, partner = -1e-9, -1
            for b in range(cores):
                if kind[b] != kind[a]:
                    continue
                there = position[b]
                change = cost[a, there] - cost[a, here] + cost[b, here] - cost[b, there]
                change += 2 * both[a, b] * distance[here, there]
                if change < best and b != a:
                    best, partner = change, b
            if partner < 0:
                continue
            improved = True
            there = position[partner]
            position[a], position[partner] = there, here
            for other in range(cores):
                weight = both[other, a] - both[other, partner]
                if weight != 0:
                    for place in range(cores):
                        cost[other, place] += weight * (distance[place, there] - distance[place, here])
        if not improved:
            return


@kernel
def initial_cost(both: Any, distance: Any, cost: Any) -> None:
    """Fill ``cost`` of :func:`exchange` with every terminal at its own position."""
    cores = len(cost)
    for a in range(cores):
        for other in range(len(both)):
            weight = both[a, other]
            if weight != 0:
                for place in range(cores):
                    cost[a, place] += weight * distance[place, other]

