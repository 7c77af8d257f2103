"""A binary tree numbered like a heap: router 0 is the root, router i has the children 2i + 1 and 2i + 2.

A packet climbs to the common ancestor and then descends. No route turns upwards again, so channels cannot wait for each
other in a cycle: one virtual channel is enough.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import TOPOLOGIES, Topology

Routers = npt.NDArray[np.int64]

_UP, _LEFT = 0, 1  # the right child is behind port 2


@TOPOLOGIES.register("heap")
class Heap(Topology):
    """A binary tree of ``size[0]`` routers, every level full but the last."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__(size)
        if len(self.size) != 1:
            raise ConfigError(f"noc.size: expected one number of routers for topology 'heap', got {list(self.size)}")

    @property
    def routers(self) -> int:
        """The only extent."""
        return self.size[0]

    @property
    def network_ports(self) -> int:
        """Parent, left child, right child."""
        return 3

    def neighbour(self, router: int, port: int) -> tuple[int, int] | None:
        """Return the parent or a child, and the port that leads back."""
        if port == _UP:
            return ((router - 1) // 2, _LEFT + (router - 1) % 2) if router else None
        child = 2 * router + port
        return (child, _UP) if child < self.routers else None

    def next_port(self, router: Routers, target: Routers) -> Routers:
        """Return the port to the child whose subtree holds the target, else the port to the parent.

        Counted from 1, a router's ancestors are its number shifted right.
        """
        here, there = router + 1, target + 1
        below = _bits(there) - _bits(here)
        inside = (below > 0) & (there >> np.maximum(below, 0) == here)
        turn = there >> np.maximum(below - 1, 0) & 1
        return np.where(inside, _LEFT + turn, _UP)

    def hops(self, router: Routers, target: Routers) -> Routers:
        """Return the steps to the common ancestor from both ends."""
        here, there = np.broadcast_arrays(router + 1, target + 1)
        total = np.zeros(here.shape, dtype=np.int64)
        while (here != there).any():
            total += here != there
            here, there = np.where(here > there, here >> 1, here), np.where(there > here, there >> 1, there)
        return total

    def position(self, router: int) -> tuple[float, float]:
        """Return (place within the level, level)."""
        level = (router + 1).bit_length() - 1
        return float(router + 1 - (1 << level)), float(level)


def _bits(number: Routers) -> Routers:
    """Return the bit length of positive integers."""
    return np.frexp(number)[1].astype(np.int64)
