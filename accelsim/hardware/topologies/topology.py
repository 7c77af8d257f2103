"""What a topology is, and the tables that both engines read.

A topology says which router lies behind each network port and through which port a route goes on. Terminals (cores
and I/O ports) hang on local ports, numbered after the network ports. Where routes run around rings, it also says which
class of virtual channels a packet takes, so that channels do not wait for each other in a cycle. Everything becomes
flat tables; a new topology is data.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.registry import Registry

TOPOLOGIES: Registry[type["Topology"]] = Registry("topology", "accelsim.hardware.topologies")


class Topology(ABC):
    """Routers and how they are joined.

    Parameters
    ----------
    size : sequence of int
        Routers along each dimension, as in the hardware file.

    Raises
    ------
    ConfigError
        If the topology does not exist in this size.
    """

    def __init__(self, size: Sequence[int]) -> None:
        self.size = tuple(size)

    @property
    @abstractmethod
    def routers(self) -> int:
        """Number of routers."""

    @property
    def core_routers(self) -> int:
        """Routers that carry cores, as many as the hardware file says: the first of them, as a rule all."""
        return self.routers

    @property
    def classes(self) -> int:
        """Classes of virtual channels that routes need: 1 where links cannot wait for each other in a cycle."""
        return 1

    @property
    @abstractmethod
    def network_ports(self) -> int:
        """Ports of a router that lead to routers."""

    @abstractmethod
    def neighbour(self, router: int, port: int) -> tuple[int, int] | None:
        """Return (router, input port) behind a network port, or None at an edge."""

    @abstractmethod
    def next_port(self, router: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the network port on the way from ``router`` to ``target``; both broadcast; any value where equal."""

    @abstractmethod
    def position(self, router: int) -> tuple[float, float]:
        """Return (x, y) for drawings and reports."""

    @abstractmethod
    def hops(self, router: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the number of links on the route, in closed form (contract tests compare it with the tables)."""

    def dimension(self, port: int) -> int | None:  # noqa: ARG002 - for topologies that have dimensions
        """Return the dimension (0 is x) along which a network port leads, None where the topology has none."""
        return None

    def cores(self, concentration: int) -> int:
        """Return the cores with so many on each router that carries any: core c hangs on router c // concentration."""
        return self.core_routers * concentration

    def vc_class(self, router: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the class of a packet that enters a dimension at ``router`` on its way to ``target``; both broadcast.

        A packet keeps its class as long as it stays in the dimension.
        """
        return np.zeros(np.broadcast_shapes(router.shape, target.shape), dtype=np.int64)

    def straight(self, port: int) -> int | None:  # noqa: ARG002 - for topologies that have it
        """Return the output port straight ahead of an input port, None where there is no such direction."""
        return None

    def router_at(self, position: Sequence[int]) -> int:
        """Return the router with these grid coordinates; x counts fastest.

        Raises
        ------
        ConfigError
            If there is none; the hardware file's check has seen to it that they lie within ``size``.
        """
        router = 0
        for at, extent in zip(reversed(position), reversed(self.size), strict=True):
            router = router * extent + at
        return router


@dataclass(frozen=True, eq=False)
class Fabric:
    """A topology with its terminals, as tables.

    Attributes
    ----------
    routers, ports, terminals : int
        ``ports`` per router, local ones included.
    link_router, link_port : (routers, ports) int32
        What an output port leads to; -1 where it does not lead to a router.
    local_terminal : (routers, ports) int32
        Terminal on a local port, -1 elsewhere.
    terminal_router, terminal_port : (terminals,) int32
    route : (routers, terminals) uint8
        Output port towards each terminal.
    classes : int
        Classes of virtual channels that routes need.
    vc_class : (routers, terminals) uint8
        Class of a packet that enters a dimension there; (0, 0) with one class.
    ring : (ports,) int8
        Dimension of each port, -1 where it has none: a packet that stays in a dimension keeps its class.
    """

    topology: Topology
    routers: int
    ports: int
    terminals: int
    link_router: npt.NDArray[np.int32]
    link_port: npt.NDArray[np.int32]
    local_terminal: npt.NDArray[np.int32]
    terminal_router: npt.NDArray[np.int32]
    terminal_port: npt.NDArray[np.int32]
    route: npt.NDArray[np.uint8]
    classes: int
    vc_class: npt.NDArray[np.uint8]
    ring: npt.NDArray[np.int8]

    @functools.cached_property
    def router_names(self) -> list[str]:
        """Path of every router among components: ``router[x,y]``."""
        return [f"router[{x:g},{y:g}]" for x, y in map(self.topology.position, range(self.routers))]

    @functools.cached_property
    def link_names(self) -> dict[tuple[int, int], str]:
        """Path of the link behind every connected output port, by (router, port): ``link[1,2->2,2]``."""
        at = [f"{x:g},{y:g}" for x, y in map(self.topology.position, range(self.routers))]
        names: dict[tuple[int, int], str] = {}
        taken: set[str] = set()
        for router, port in np.argwhere(self.link_router >= 0).tolist():
            name = f"link[{at[router]}->{at[int(self.link_router[router, port])]}]"
            names[router, port] = name if name not in taken else f"{name[:-1]},port {port}]"
            taken.add(name)
        return names

    def next_class(self, router: int, port: int, vc_class: int, target: int) -> int:
        """Return the class of the link that a packet takes from a router, having come by an input port in a class."""
        out = int(self.route[router, target])
        if self.classes == 1 or (self.ring[port] >= 0 and self.ring[port] == self.ring[out]):
            return vc_class
        return int(self.vc_class[router, target])

    def hops(self, source: int, target: int) -> int:
        """Return the links between two terminals by walking the tables."""
        router, hops = int(self.terminal_router[source]), 0
        while router != self.terminal_router[target]:
            port = int(self.route[router, target])
            router, hops = int(self.link_router[router, port]), hops + 1
            if router < 0 or hops > self.routers:
                raise ConfigError(f"route from terminal {source} to {target} does not arrive")
        return hops


def build_fabric(topology: Topology, attachments: Sequence[int]) -> Fabric:
    """Attach terminals to routers and build the tables.

    Parameters
    ----------
    topology : Topology
    attachments : sequence of int
        Router of each terminal; a router numbers its local ports in this order.
    """
    network = topology.network_ports
    terminal_router = np.asarray(attachments, dtype=np.int32)
    used = np.zeros(topology.routers, dtype=np.int64)
    terminal_port = np.empty(len(attachments), dtype=np.int32)
    for terminal, router in enumerate(attachments):
        terminal_port[terminal] = network + used[router]
        used[router] += 1
    ports = network + int(used.max(initial=1))
    link_router = np.full((topology.routers, ports), -1, dtype=np.int32)
    link_port = np.full((topology.routers, ports), -1, dtype=np.int32)
    for router in range(topology.routers):
        for port in range(network):
            behind = topology.neighbour(router, port)
            if behind is not None:
                link_router[router, port], link_port[router, port] = behind
    local_terminal = np.full((topology.routers, ports), -1, dtype=np.int32)
    local_terminal[terminal_router, terminal_port] = np.arange(len(attachments))
    here = np.arange(topology.routers, dtype=np.int64)[:, None]
    there = terminal_router.astype(np.int64)[None, :]
    route = np.where(here == there, terminal_port[None, :], topology.next_port(here, there)).astype(np.uint8)
    ring = np.full(ports, -1, dtype=np.int8)
    for port in range(network):
        dimension = topology.dimension(port)
        ring[port] = -1 if dimension is None else dimension
    one = topology.classes == 1
    return Fabric(
        topology,
        topology.routers,
        ports,
        len(attachments),
        link_router,
        link_port,
        local_terminal,
        terminal_router,
        terminal_port,
        route,
        topology.classes,
        np.zeros((0, 0), np.uint8) if one else topology.vc_class(here, there).astype(np.uint8),
        ring,
    )
