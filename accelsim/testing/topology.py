"""The contract of a topology, as a suite that any topology's tests can run."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import Fabric, Topology, build_fabric
from accelsim.testing.contract import require

_SIZES: Final = (
    *((1,), (2,), (3,), (4,), (7,), (8,), (1, 1), (1, 4), (3, 2), (4, 4), (5, 3), (6, 2), (4, 3), (8, 4), (9, 3)),
    *((16, 3), (1, 1, 1), (2, 3, 2), (3, 3, 3), (4, 2, 5)),
)
"""Sizes that the suite tries; a topology that does not exist in one of them says so with a ConfigError."""

Channel = tuple[int, int, int]
"""Router, output port, class of virtual channels."""
Waits = Mapping[Channel, Sequence[Channel]]


def check_topology(topology: type[Topology]) -> None:
    """Check a topology against the contract of :class:`~accelsim.hardware.topologies.topology.Topology`.

    Checked in every size that it exists in, with one terminal per router and some routers with more: links that end at
    the input port that they claim and nowhere twice, ports within bounds, routes that reach every terminal in as many
    links as ``hops`` says in closed form, ``next_port`` and ``hops`` that broadcast, distinct positions, ``router_at``
    as the inverse of counting, routers that carry cores, and routes that cannot deadlock: channels (a link and a class
    of its virtual channels) that wait for each other form no cycle.

    Raises
    ------
    ContractError
        With the sentence that does not hold.
    """
    checked = 0
    for size in _SIZES:
        try:
            item = topology(size)
        except ConfigError:
            continue
        checked += 1
        name = f"{topology.__name__}{size}"
        require(item.routers >= 1, f"{name}: {item.routers} routers")
        require(1 <= item.core_routers <= item.routers, f"{name}: {item.core_routers} routers carry cores")
        _check_links(name, item)
        fabric = build_fabric(item, [*range(item.routers), 0, item.routers - 1])
        _check_closed_form(name, fabric)
        _check_routes(name, fabric)
        _check_positions(name, item)
        _check_acyclic(name, fabric)
    require(checked, f"{topology.__name__}: exists in none of the sizes {_SIZES}")


def _check_links(name: str, item: Topology) -> None:
    taken: dict[tuple[int, int], tuple[int, int]] = {}
    for router in range(item.routers):
        for port in range(item.network_ports):
            behind = item.neighbour(router, port)
            if behind is None:
                continue
            at = f"{name}: router {router} port {port}"
            target, entry = behind
            require(0 <= target < item.routers, f"{at} leads to router {target} of {item.routers}")
            require(0 <= entry < item.network_ports, f"{at} enters port {entry} of {item.network_ports}")
            require(target != router, f"{at} leads back to its own router")
            require(behind not in taken, f"{at} enters {behind}, and so does {taken.get(behind)}")
            taken[behind] = (router, port)
            back = item.neighbour(target, entry)
            require(
                back is None or back == (router, port),
                f"{at} enters port {entry} of router {target}, whose own link leads to {back}",
            )


def _check_routes(name: str, fabric: Fabric) -> None:
    hops = np.asarray(_all_hops(fabric))
    for source in range(fabric.terminals):
        for target in range(fabric.terminals):
            try:
                walked = fabric.hops(source, target)
            except ConfigError as problem:
                require(False, f"{name}: {problem}")
            told = int(hops[fabric.terminal_router[source], fabric.terminal_router[target]])
            require(walked == told, f"{name}: {source} to {target} walks {walked} links, hops says {told}")


def _all_hops(fabric: Fabric) -> npt.NDArray[np.int64]:
    every = np.arange(fabric.routers, dtype=np.int64)
    return fabric.topology.hops(every[:, None], every[None, :])


def _check_closed_form(name: str, fabric: Fabric) -> None:
    item, every = fabric.topology, np.arange(fabric.routers, dtype=np.int64)
    table, ports = _all_hops(fabric), item.next_port(every[:, None], every[None, :])
    for what, values in (("hops", table), ("next_port", ports)):
        shape = (item.routers, item.routers)
        require(values.shape == shape, f"{name}: {what} does not broadcast: {values.shape}, expected {shape}")
    require(not np.diag(table).any(), f"{name}: hops from a router to itself is not 0")
    inside = (ports >= 0) & (ports < max(item.network_ports, 1))
    require(bool(inside[~np.eye(len(every), dtype=bool)].all()), f"{name}: next_port names a port that does not exist")
    flat = item.next_port(every, every[::-1].copy())
    same = np.array_equal(flat, ports[every, every[::-1]])
    require(same, f"{name}: next_port depends on how its arguments broadcast")
    classes = item.vc_class(every[:, None], every[None, :])
    inside = (classes >= 0) & (classes < item.classes)
    require(bool(inside.all()), f"{name}: vc_class names a class that does not exist, there are {item.classes}")


def _check_positions(name: str, item: Topology) -> None:
    places = {item.position(router) for router in range(item.routers)}
    require(len(places) == item.routers, f"{name}: {item.routers} routers are drawn in {len(places)} places")
    if int(np.prod(item.size)) == item.routers:
        grid = [item.router_at(tuple(reversed(at))) for at in np.ndindex(*reversed(item.size))]
        require(grid == list(range(item.routers)), f"{name}: router_at does not count x fastest")


def _check_acyclic(name: str, fabric: Fabric) -> None:
    cycle = find_cycle(channel_dependencies(fabric))
    text = " -> ".join(f"router[{router}].out{port}.class{vc_class}" for router, port, vc_class in cycle)
    require(not cycle, f"{name}: routes can deadlock, channels wait in a cycle: {text}")


def channel_dependencies(fabric: Fabric) -> dict[Channel, list[Channel]]:
    """Return, of every channel, the channels that a packet on it may ask for next.

    Packets start at every router, so that every way into a dimension is met.
    """
    waits: dict[Channel, list[Channel]] = {}
    for target in range(fabric.terminals):
        for source in range(fabric.routers):
            router, before, entry, vc_class = source, None, fabric.ports - 1, 0
            for _ in range(fabric.routers + 1):
                port = int(fabric.route[router, target])
                behind = int(fabric.link_router[router, port])
                if behind < 0:
                    break
                vc_class = fabric.next_class(router, entry, vc_class, target)
                here = (router, port, vc_class)
                waits.setdefault(here, [])
                if before is not None and here not in waits[before]:
                    waits[before].append(here)
                router, entry, before = behind, int(fabric.link_port[router, port]), here
    return waits


def find_cycle(waits: Waits) -> list[Channel]:
    """Return channels that wait for each other in a cycle, the first repeated at the end; empty if there are none."""
    done: set[Channel] = set()
    for start in waits:
        path: list[Channel] = []
        stack = [(start, 0)]
        while stack:
            channel, at = stack.pop()
            if at == 0 and channel in done:
                continue
            if at == 0:
                path.append(channel)
            following = waits.get(channel, ())
            if at == len(following):
                done.add(channel)
                path.pop()
                continue
            stack.append((channel, at + 1))
            if following[at] in path:
                return [*path[path.index(following[at]) :], following[at]]
            stack.append((following[at], 0))
    return []
