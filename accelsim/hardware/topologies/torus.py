"""A torus of one to three dimensions: a mesh whose rows and columns are closed to rings.

Minimal dimension-order routing, the first dimension first; where both ways around a ring are equally long, routers with
an even coordinate send up and those with an odd one down. Datelines: the virtual channels of a link are split into two
classes, and a packet keeps the class that it takes when it enters a dimension: class 1 if its coordinate there is the
larger one, class 0 if it is the smaller. So of the packets of one direction those that cross the dateline between the
last router and the first have a class for themselves, and use at most half of the ring.

Source: ``dim_order_torus`` of BookSim2 (Jiang et al., ISPASS 2013), which draws the direction at random where ours goes
by the coordinate. Not modelled: folding; all links have the length of the hardware file.
"""

import numpy as np
import numpy.typing as npt

from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import TOPOLOGIES

Routers = npt.NDArray[np.int64]


@TOPOLOGIES.register("torus")
class Torus(Mesh):
    """k-ary n-cube; routers and ports are numbered as in :class:`Mesh`."""

    @property
    def classes(self) -> int:
        """Two as soon as a ring has three routers; two routers have a link of their own in each direction."""
        return 2 if max(self.size) > 2 else 1

    def neighbour(self, router: int, port: int) -> tuple[int, int] | None:
        """Return the router one step along the port's dimension, around the edge; None where there is no other."""
        dimension, down = divmod(port, 2)
        extent, stride = self.size[dimension], int(self._strides[dimension])
        if extent == 1:
            return None
        at = router // stride % extent
        return router + ((at + (-1 if down else 1)) % extent - at) * stride, port ^ 1

    def next_port(self, router: Routers, target: Routers) -> Routers:
        """Return the port of the first dimension that still differs, the shorter way around."""
        port = np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)
        for dimension in reversed(range(len(self.size))):
            here, extent = self._coordinate(router, dimension), self.size[dimension]
            step = (self._coordinate(target, dimension) - here) % extent
            up = (2 * step < extent) | ((2 * step == extent) & (here % 2 == 0))
            port = np.where(step == 0, port, np.where(up, 2 * dimension, 2 * dimension + 1))
        return port

    def vc_class(self, router: Routers, target: Routers) -> Routers:
        """Return 1 where the coordinate in the first dimension that differs is larger than the target's."""
        found = np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)
        for dimension in reversed(range(len(self.size))):
            here, there = self._coordinate(router, dimension), self._coordinate(target, dimension)
            found = np.where(here == there, found, here > there)
        return np.minimum(found, self.classes - 1).astype(np.int64)

    def hops(self, router: Routers, target: Routers) -> Routers:
        """Return the sum of the shorter ways around every ring."""
        total = np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)
        for dimension, extent in enumerate(self.size):
            step = (self._coordinate(target, dimension) - self._coordinate(router, dimension)) % extent
            total = total + np.minimum(step, extent - step)
        return total
