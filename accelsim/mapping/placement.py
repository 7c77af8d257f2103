"""Placing cores on routers: row by row, column by column, or so that spikes travel less.

Position p is a local port of router p // concentration. ``row_major`` numbers positions in order; ``column_major``
fills a two-dimensional mesh or torus column by column. ``traffic`` starts row by row and swaps pairs of cores while
that shortens the sum of packets x hops; it is deterministic, and never worse than where it started. A core only takes
positions of its kind.
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
Int64s = npt.NDArray[np.int64]
Placer = Callable[[Floats, Fabric, Int64s], Int64s]
"""From the packets between logical terminals, the fabric and the kind of core at each position, which is also that of
the logical core of the same number, to the position of each core: one of its kind."""

PLACERS: Registry[Placer] = Registry("placement", "accelsim.mapping")

_MAX_PASSES = 20


@PLACERS.register("row_major")
def row_major(traffic: Floats, fabric: Fabric, kind: Int64s) -> Int64s:  # noqa: ARG001
    """Return the identity."""
    return np.arange(len(kind))


@PLACERS.register("column_major")
def column_major(traffic: Floats, fabric: Fabric, kind: Int64s) -> Int64s:  # noqa: ARG001
    """Return positions column by column, for each kind of core those of its kind.

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
    router, turn = np.divmod(np.arange(len(kind)), len(kind) // topology.routers)
    x, y = np.divmod(router, height)
    position = (y * width + x) * (len(kind) // topology.routers) + turn
    place = np.empty_like(position)
    place[np.argsort(kind, kind="stable")] = position[np.argsort(kind[position], kind="stable")]
    return place


@PLACERS.register("traffic")
def by_traffic(traffic: Floats, fabric: Fabric, kind: Int64s) -> Int64s:
    """Return the position of each core after pairwise exchange.

    Parameters
    ----------
    traffic : (n, n) float64
        Packets between logical terminals; the cores may move, the rest (ports) stay.
    fabric : Fabric
    kind : (cores,) int64
        Kind of each core.

    Returns
    -------
    (cores,) int64
        Position of each logical core.
    """
    cores = len(kind)
    both = traffic + traffic.T
    np.fill_diagonal(both, 0)  # a core's packets to itself travel no link wherever it lies
    routers = fabric.terminal_router.astype(np.int64)
    distance = fabric.topology.hops(routers[:, None], routers[None, :])
    position = np.arange(len(traffic))
    cost = np.zeros((cores, cores))
    initial_cost(both, distance, cost)
    exchange(both, distance, cost, position, kind, np.flatnonzero(both[:cores].any(axis=1)), _MAX_PASSES)
    return position[:cores]
