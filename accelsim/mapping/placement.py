"""Placing cores on routers: row by row, column by column, or so that spikes travel less.

Position p is a local port of router p // concentration. ``row_major`` numbers positions in order; ``column_major``
fills a two-dimensional mesh or torus column by column. ``traffic`` starts row by row and swaps pairs of cores while
that shortens the sum of packets x hops; it is deterministic, and never worse than where it started.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import Fabric
from accelsim.mapping.exchange import exchange, initial_cost
from accelsim.registry import Registry

Floats = npt.NDArray[np.float64]
Placer = Callable[[Floats, Fabric, int], npt.NDArray[np.int64]]
"""From the packets between logical terminals, the fabric and the number of cores to the position of each core."""

PLACERS: Registry[Placer] = Registry("placement", "accelsim.mapping")

_MAX_PASSES = 20


@PLACERS.register("row_major")
def row_major(traffic: Floats, fabric: Fabric, cores: int) -> npt.NDArray[np.int64]:  # noqa: ARG001
    """Return the identity."""
    return np.arange(cores)


@PLACERS.register("column_major")
def column_major(traffic: Floats, fabric: Fabric, cores: int) -> npt.NDArray[np.int64]:  # noqa: ARG001
    """Return positions column by column.

    Raises
    ------
    MappingError
        If the routers are not a mesh of two dimensions.
    """
    topology = fabric.topology
    if not isinstance(topology, Mesh) or len(topology.size) != 2:
        raise MappingError(
            f"placement 'column_major': expected a mesh of two dimensions, got {type(topology).__name__.lower()} "
            f"{list(topology.size)}; known for others: row_major, traffic"
        )
    width, height = topology.size
    router, turn = np.divmod(np.arange(cores), cores // topology.routers)
    x, y = np.divmod(router, height)
    return np.asarray((y * width + x) * (cores // topology.routers) + turn)


@PLACERS.register("traffic")
def by_traffic(traffic: Floats, fabric: Fabric, cores: int) -> npt.NDArray[np.int64]:
    """Return the position of each core after pairwise exchange.

    Parameters
    ----------
    traffic : (n, n) float64
        Packets between logical terminals; the first ``cores`` may move, the rest (ports) stay.
    fabric : Fabric
    cores : int

    Returns
    -------
    (cores,) int64
        Position of each logical core.
    """
    both = traffic + traffic.T
    np.fill_diagonal(both, 0)  # a core's packets to itself travel no link wherever it lies
    routers = fabric.terminal_router.astype(np.int64)
    distance = fabric.topology.hops(routers[:, None], routers[None, :])
    position = np.arange(len(traffic))
    cost = np.zeros((cores, cores))
    initial_cost(both, distance, cost)
    exchange(both, distance, cost, position, np.flatnonzero(both[:cores].any(axis=1)), _MAX_PASSES)
    return position[:cores]
