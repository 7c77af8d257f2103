"""Multicast trees: how a packet forks in every router.

A tree is the union of the unicast routes from a neuron's home to the cores that it reaches; where these part, the
router forks. Neurons with the same home and the same targets share a tree, and trees share what lies behind a router
for the same targets. Where virtual channels have classes, a copy on a ring has that of its last target there: it is
that target's unicast packet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.hardware.topologies.topology import Fabric

NODE = np.dtype([("first", np.int32), ("last", np.int32), ("flits", np.int32), ("reads", np.int32)])
"""What a router does with a packet: branches ``first .. last - 1``; the packet's length; reads of the router's table,
none where a packet says its destination itself."""

BRANCH = np.dtype([("port", np.int32), ("goal", np.int32), ("vc_class", np.int32)])
"""A copy of a packet: output port, node in the router behind it (-1: a terminal), class if it enters a dimension."""

MAX_NODES = 1 << 24
"""Nodes of all trees together."""

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trees:
    """The multicast trees of a mapping.

    Attributes
    ----------
    root : (neurons,) int32
        Node of each source neuron's home router, -1 where it reaches nothing.
    nodes : (n,) NODE
    branches : (m,) BRANCH
    router : (n,) int32
        Router of each node.
    """

    root: npt.NDArray[np.int32]
    nodes: npt.NDArray[Any]
    branches: npt.NDArray[Any]
    router: npt.NDArray[np.int32]

    def walk(self, root: int, fabric: Fabric) -> Iterator[tuple[int, int, int]]:
        """Yield (router, input port, mask of output ports) of every router of a tree; input port -1 at the root."""
        open_ends = [(root, -1)]
        while open_ends:
            node, entry = open_ends.pop()
            router, ports = int(self.router[node]), 0
            for port, goal, _ in self.branches[self.nodes["first"][node] : self.nodes["last"][node]].tolist():
                ports |= 1 << port
                if goal >= 0:
                    open_ends.append((goal, int(fabric.link_port[router, port])))
            yield router, entry, ports

    def of_axons(self, ptr: Int64s) -> npt.NDArray[np.int32]:
        """Return the node at which the packet of every axon starts, (n_axons,); -1 where it is that of the one before.

        Neuron n has the axons ``ptr[n] : ptr[n + 1]``.
        """
        own = np.full(int(ptr[-1]), -1, np.int32)
        sends = np.flatnonzero(np.diff(ptr))
        own[ptr[sends]] = self.root[sends]
        return own

    def flit_hops(self) -> Int64s:
        """Return the flits that routers pass on for a packet of every source neuron, (neurons,)."""
        below = np.zeros(len(self.nodes) + 1, np.int64)  # the last entry, 0, is what a root of -1 finds
        for node in self._from_the_leaves():
            own = self.nodes[node]
            below[node] = int(own["flits"]) * int(own["last"] - own["first"])
            goals = self.branches["goal"][own["first"] : own["last"]]
            below[node] += below[goals[goals >= 0]].sum()
        return below[self.root]

    def _from_the_leaves(self) -> Iterator[int]:
        """Yield every node after those behind it."""
        done = np.zeros(len(self.nodes), bool)
        for start in range(len(self.nodes)):
            open_ends = [start]
            while open_ends:
                node = open_ends[-1]
                goals = self.branches["goal"][self.nodes["first"][node] : self.nodes["last"][node]]
                ahead = [goal for goal in goals.tolist() if goal >= 0 and not done[goal]]
                if ahead and not done[node]:
                    open_ends += ahead
                    continue
                open_ends.pop()
                if not done[node]:
                    done[node] = True
                    yield node


def build_trees(fabric: Fabric, home: Int64s, ptr: Int64s, terminal: npt.NDArray[np.int32], flits: Any) -> Trees:
    """Return the trees of source neurons.

    Parameters
    ----------
    fabric : Fabric
    home : (neurons,) int64
        Terminal of each neuron.
    ptr : (neurons + 1,) int64
    terminal : (n_axons,) int32
        Neuron n reaches ``terminal[ptr[n] : ptr[n + 1]]``, ascending and distinct.
    flits : (n_axons,) int
        Length of the packet, equal for all axons of a neuron.

    Raises
    ------
    MappingError
        If the trees have more nodes than this version simulates.
    """
    builder = _Builder(fabric)
    router = fabric.terminal_router[home]
    root = np.full(len(home), -1, np.int32)
    for neuron in np.flatnonzero(np.diff(ptr)).tolist():
        targets = terminal[ptr[neuron] : ptr[neuron + 1]]
        root[neuron] = builder.node(int(router[neuron]), targets.tobytes(), int(flits[ptr[neuron]]))
    return Trees(root, *builder.tables())


def joined(first: Trees, second: Trees) -> Trees:
    """Return the trees of both, those of the second behind those of the first."""
    nodes, branches = second.nodes.copy(), second.branches.copy()
    nodes["first"] += len(first.branches)
    nodes["last"] += len(first.branches)
    branches["goal"][branches["goal"] >= 0] += len(first.nodes)
    root = np.where(second.root >= 0, second.root + len(first.nodes), -1).astype(np.int32)
    return Trees(
        np.concatenate([first.root, root]),
        np.concatenate([first.nodes, nodes]),
        np.concatenate([first.branches, branches]),
        np.concatenate([first.router, second.router]),
    )


class _Builder:
    """Makes nodes, equal ones once: the routes behind a router depend on the router and the targets alone."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._known: dict[tuple[int, bytes, int], int] = {}
        self._branches: list[list[tuple[int, int, int]]] = []

    def node(self, router: int, targets: bytes, flits: int) -> int:
        """Return the number of a node."""
        root = (router, targets, flits)
        if root in self._known:
            return self._known[root]
        number = self._add(root)
        open_ends = [(root, number)]
        while open_ends:
            (router, targets, flits), at = open_ends.pop()
            reached = np.frombuffer(targets, np.int32)
            ports = self._fabric.route[router, reached]
            for port in np.unique(ports).tolist():
                behind, mine = int(self._fabric.link_router[router, port]), reached[ports == port]
                if behind < 0:
                    self._branches[at].append((port, -1, 0))
                    continue
                key = (behind, mine.tobytes(), flits)
                if key not in self._known:
                    open_ends.append((key, self._add(key)))
                self._branches[at].append((port, self._known[key], self._class(router, port, mine)))
        return number

    def _add(self, key: tuple[int, bytes, int]) -> int:
        if len(self._known) == MAX_NODES:
            raise MappingError(
                f"noc.multicast: the trees have more than the {MAX_NODES} nodes that this version simulates; place the "
                "network on fewer cores, or leave noc.multicast out"
            )
        self._known[key] = len(self._known)
        self._branches.append([])
        return self._known[key]

    def _class(self, router: int, port: int, targets: npt.NDArray[np.int32]) -> int:
        """Return the class of the target that stays longest in the dimension: the copy is its unicast packet there."""
        fabric = self._fabric
        if fabric.classes == 1:
            return 0
        longest = max(targets.tolist(), key=lambda target: self._stays(router, port, target))
        return int(fabric.vc_class[router, longest])

    def _stays(self, router: int, port: int, target: int) -> int:
        """Return the links that a route takes along the dimension of ``port``."""
        fabric, links = self._fabric, 0
        ring = fabric.ring[port]
        while fabric.ring[fabric.route[router, target]] == ring:
            router, links = int(fabric.link_router[router, fabric.route[router, target]]), links + 1
        return links

    def tables(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int32]]:
        """Return nodes, branches, and the router of each node."""
        nodes = np.zeros(len(self._branches), NODE)
        ends = np.cumsum([len(own) for own in self._branches])
        nodes["last"] = ends
        nodes["first"][1:] = ends[:-1]
        nodes["flits"] = [key[2] for key in self._known]
        nodes["reads"] = 1
        branches = np.array([branch for own in self._branches for branch in own], dtype=BRANCH)
        return nodes, branches, np.array([key[0] for key in self._known], np.int32)
