"""A mesh of one to three dimensions with dimension-order routing, the first dimension first.

Ports as in BookSim2's k-ary n-mesh: dimension i has ports 2i (towards larger coordinates) and 2i + 1.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accelsim.hardware.topologies.topology import TOPOLOGIES, Topology


@TOPOLOGIES.register("mesh")
class Mesh(Topology):
    """k-ary n-mesh; router = x + size_x * (y + size_y * z)."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__(size)
        self._strides = np.concatenate(([1], np.cumprod(self.size[:-1]))).astype(np.int64)

    @property
    def routers(self) -> int:
        """Product of the extents."""
        return int(np.prod(self.size))

    @property
    def network_ports(self) -> int:
        """Two per dimension."""
        return 2 * len(self.size)

    def _coordinate(self, router: npt.NDArray[np.int64], dimension: int) -> npt.NDArray[np.int64]:
        return np.asarray(router // self._strides[dimension] % self.size[dimension])

    def neighbour(self, router: int, port: int) -> tuple[int, int] | None:
        """Return the router one step along the port's dimension."""
        dimension, down = divmod(port, 2)
        at = router // int(self._strides[dimension]) % self.size[dimension] + (-1 if down else 1)
        if not 0 <= at < self.size[dimension]:
            return None
        return router + (-1 if down else 1) * int(self._strides[dimension]), port ^ 1

    def dimension(self, port: int) -> int:
        """Return ``port // 2``."""
        return port // 2

    def straight(self, port: int) -> int:
        """Return the other port of the dimension."""
        return port ^ 1

    def next_port(self, router: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the port of the first dimension that still differs."""
        port = np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)
        for dimension in reversed(range(len(self.size))):
            step = self._coordinate(target, dimension) - self._coordinate(router, dimension)
            port = np.where(step > 0, 2 * dimension, np.where(step < 0, 2 * dimension + 1, port))
        return port

    def hops(self, router: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the Manhattan distance."""
        total = np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)
        for dimension in range(len(self.size)):
            total = total + np.abs(self._coordinate(target, dimension) - self._coordinate(router, dimension))
        return total

    def position(self, router: int) -> tuple[float, float]:
        """Return the first two coordinates; further dimensions are drawn side by side."""
        at = [router // int(stride) % extent for stride, extent in zip(self._strides, self.size, strict=True)]
        at += [0] * (3 - len(at))
        width = self.size[0]
        return float(at[0] + at[2] * (width + 1)), float(at[1])
