"""A crossbar: one router that all cores hang on. Not modelled: hierarchical or pipelined crossbars."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import TOPOLOGIES, Topology

Routers = npt.NDArray[np.int64]


@TOPOLOGIES.register("crossbar")
class Crossbar(Topology):
    """``size: [1]``; ``noc.concentration`` says how many cores there are."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__(size)
        if self.size != (1,):
            raise ConfigError(
                "noc.size: expected [1] for topology 'crossbar', whose cores are those of noc.concentration, got "
                f"{list(self.size)}"
            )

    @property
    def routers(self) -> int:
        """One."""
        return 1

    @property
    def network_ports(self) -> int:
        """None: all ports are local."""
        return 0

    def neighbour(self, router: int, port: int) -> tuple[int, int] | None:  # noqa: ARG002 - nothing to look up
        """Return None."""
        return None

    def next_port(self, router: Routers, target: Routers) -> Routers:
        """Return 0; a route leads to a terminal at once."""
        return np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)

    def hops(self, router: Routers, target: Routers) -> Routers:
        """Return 0."""
        return np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)

    def position(self, router: int) -> tuple[float, float]:  # noqa: ARG002 - there is one
        """Return the origin."""
        return 0.0, 0.0
