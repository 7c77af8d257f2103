"""A tree in which every router has as many children: binary, quad, any arity. Cores hang on the leaves.

A packet climbs to the common ancestor and then descends (up*/down* routing), so that no link waits for itself: one
class of virtual channels. Leaves are numbered first, then level by level up to the root. Not modelled: fat trees,
whose links widen towards the root.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import TOPOLOGIES, Topology

Routers = npt.NDArray[np.int64]


@TOPOLOGIES.register("tree")
class Tree(Topology):
    """``size: [leaves, levels]``: ``[8, 4]`` is binary, ``[16, 3]`` a quad tree, ``[n, 2]`` a star.

    Ports 0 .. arity - 1 lead to the children, port ``arity`` up. A position is (place within the level, level), level 0
    being that of the leaves: the root is at ``[0, levels - 1]``.
    """

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__(size)
        shape = list(self.size)
        if len(shape) != 2:
            raise ConfigError(f"noc.size: expected [leaves, levels] for topology 'tree', got {shape}")
        leaves, levels = shape
        self.arity = max(1, round(leaves ** (1 / (levels - 1)))) if levels > 1 else 1
        if self.arity ** (levels - 1) != leaves or (self.arity == 1 and levels > 1):
            raise ConfigError(
                f"noc.size: expected [arity ** (levels - 1), levels] for topology 'tree', such as [8, 4] (binary), "
                f"[16, 3] (quad) or [1, 1], got {shape}"
            )
        width = self.arity ** np.arange(levels - 1, -1, -1, dtype=np.int64)
        self._level = np.repeat(np.arange(levels), width)
        self._first = np.concatenate(([0], np.cumsum(width)[:-1])).astype(np.int64)
        self._place = np.arange(len(self._level)) - self._first[self._level]

    @property
    def routers(self) -> int:
        """Routers of all levels."""
        return len(self._level)

    @property
    def core_routers(self) -> int:
        """The leaves."""
        return self.size[0]

    @property
    def network_ports(self) -> int:
        """One per child, and one up."""
        return self.arity + 1

    def neighbour(self, router: int, port: int) -> tuple[int, int] | None:
        """Return the parent or a child, and the port that leads back."""
        level, place = int(self._level[router]), int(self._place[router])
        if port == self.arity:
            if level + 1 == self.size[1]:
                return None
            return int(self._first[level + 1]) + place // self.arity, place % self.arity
        if level == 0:
            return None
        return int(self._first[level - 1]) + place * self.arity + port, self.arity

    def straight(self, port: int) -> int | None:
        """Return the way up for what comes from a child."""
        return None if port == self.arity else self.arity

    def next_port(self, router: Routers, target: Routers) -> Routers:
        """Return the port to the child whose subtree holds the target, else the port up."""
        below = self._level[router] - self._level[target]
        inside = (below > 0) & (self._ancestor(target, below) == self._place[router])
        return np.where(inside, self._ancestor(target, below - 1) % self.arity, self.arity)

    def _ancestor(self, router: Routers, levels: Routers) -> Routers:
        """Return the place of the ancestor so many levels up (itself for none or fewer) within its level."""
        return np.asarray(self._place[router] // self.arity ** np.maximum(levels, 0))

    def hops(self, router: Routers, target: Routers) -> Routers:
        """Return the steps to the lowest common ancestor from both ends."""
        here, there = np.broadcast_arrays(self._level[router], self._level[target])
        top = np.full(here.shape, self.size[1] - 1)
        for level in reversed(range(self.size[1])):
            common = self._ancestor(router, level - here) == self._ancestor(target, level - there)
            top = np.where(common & (level >= np.maximum(here, there)), level, top)
        return np.asarray(2 * top - here - there)

    def position(self, router: int) -> tuple[float, float]:
        """Return a place above the middle of the router's leaves; the root lies at the top, y = 0."""
        level, place = int(self._level[router]), int(self._place[router])
        span = self.arity**level
        return float(place * span + (span - 1) // 2), float(self.size[1] - 1 - level)

    def router_at(self, position: Sequence[int]) -> int:
        """Return the router at (place within the level, level)."""
        place, level = position
        width = self.arity ** (self.size[1] - 1 - level)
        if place >= width:
            raise ConfigError(
                f"noc.size: level {level} of tree {list(self.size)} has {width} routers, got place {place}"
            )
        return int(self._first[level]) + place
