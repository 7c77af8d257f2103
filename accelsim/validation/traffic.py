"""Random traffic for networks: who sends to whom, and Bernoulli packet traces of a given load.

Vectorised with NumPy; a trace is decided by its seed alone.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.timing.packets import PacketTrace

Shares = npt.NDArray[np.float64]
"""(nodes, nodes): the share of a source's packets (row) that goes to each destination (column)."""


def uniform(side: int) -> Shares:
    """Every node to every node, itself included."""
    nodes = side * side
    return np.full((nodes, nodes), 1.0 / nodes)


def transpose(side: int) -> Shares:
    """Node (x, y) to node (y, x); the diagonal to itself."""
    node = np.arange(side * side)
    shares = np.zeros((node.size, node.size))
    shares[node, node % side * side + node // side] = 1.0
    return shares


def all_to_one(side: int, target: int = 0) -> Shares:
    """Every node to one, itself included."""
    shares = np.zeros((side * side, side * side))
    shares[:, target] = 1.0
    return shares


def hotspot(side: int, target: int = 5, share: float = 0.1) -> Shares:
    """One node gets a share of all packets, the others equal parts of the rest."""
    nodes = side * side
    shares = np.full((nodes, nodes), (1.0 - share) / (nodes - 1))
    shares[:, target] = share
    return shares


PATTERNS: Final[dict[str, Callable[[int], Shares]]] = {
    "uniform": uniform,
    "transpose": transpose,
    "all_to_node0": all_to_one,
    "hotspot10pct_node5": hotspot,
}
"""Patterns by the names of the recorded load curves."""


def bernoulli(shares: Shares, load: float, flits: int, windows: tuple[int, ...], seed: int) -> PacketTrace:
    """Return a trace of Bernoulli sources, conditioned on the number of packets.

    Given how many packets a window has, the cycles of a Bernoulli process are a uniform choice of (cycle, source)
    pairs: so the realised load of every window is the one asked for, to half a packet.

    Parameters
    ----------
    shares : (nodes, nodes)
        Pattern; rows sum to 1.
    load : float
        Flits per node and cycle, at most ``flits``.
    flits : int
        Length of every packet.
    windows : tuple of int
        Lengths of consecutive windows in cycles.
    seed : int

    Returns
    -------
    PacketTrace
        In the order of creation.
    """
    rng = np.random.default_rng(seed)
    nodes = len(shares)
    slots = []
    begin = 0
    for cycles in windows:
        packets = round(load * nodes * cycles / flits)
        slots.append(begin * nodes + np.sort(rng.choice(nodes * cycles, packets, replace=False, shuffle=False)))
        begin += cycles
    created, source = np.divmod(np.concatenate(slots).astype(np.int64), nodes)
    ladder = np.minimum(np.cumsum(shares, axis=1), 1.0)
    ladder[:, -1] = 1.0
    steps = (ladder + np.arange(nodes)[:, None]).ravel()
    target = np.searchsorted(steps, source + rng.random(source.size), side="right") - source * nodes
    return PacketTrace(created, source, target.astype(np.int64), np.full(source.size, flits, np.int64))
