"""A ring: a torus of one dimension, drawn as a race track whose links are all of one length but two."""

from collections.abc import Sequence

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import TOPOLOGIES
from accelsim.hardware.topologies.torus import Torus


@TOPOLOGIES.register("ring")
class Ring(Torus):
    """``size: [n]`` routers; port 0 leads up, port 1 down; datelines as in :class:`Torus`."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__(size)
        if len(self.size) != 1:
            raise ConfigError(f"noc.size: expected one number of routers for topology 'ring', got {list(self.size)}")

    def position(self, router: int) -> tuple[float, float]:
        """Return a place in the upper row, from left to right, then in the lower one, back."""
        half = (self.routers + 1) // 2
        return (float(router), 0.0) if router < half else (float(self.routers - 1 - router), 1.0)
