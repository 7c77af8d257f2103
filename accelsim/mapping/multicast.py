"""Multicast trees, and the key/mask tables of the routers that hold them.

A packet has a key that names its source neuron. Its tree is the union of the unicast routes to the cores that the
neuron reaches; where these part, the router forks. Neurons with the same home and the same targets share a tree, and
trees share what lies behind a router for the same targets.

**Tables.** A key is (terminal, rank of the neuron among those of the terminal). A router holds entries (key, mask, output
ports), as SpiNNaker's do (Furber et al., Proc. IEEE 102(5), 2014). A packet that finds none goes straight on: routers that
a tree merely passes need none (default routes). Entries with equal ports are merged over aligned blocks of keys, a
power of two of them; keys that never come by may be part of any block. That is the least number of entries whose blocks
do not overlap; minimisers for ordered tables, such as Ordered Covering (Mundy et al., SCC 2016), find fewer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.hardware.spec import NocSpec
from accelsim.hardware.topologies.topology import Fabric
from accelsim.mapping.axons import Axons

NODE = np.dtype([("first", np.int32), ("last", np.int32), ("flits", np.int32)])
"""What a router does with a packet: branches ``first .. last - 1``; the packet's length."""

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
    entries : (routers,) int64
        Entries of every router's table.
    """

    root: npt.NDArray[np.int32]
    nodes: npt.NDArray[Any]
    branches: npt.NDArray[Any]
    router: npt.NDArray[np.int32]
    entries: Int64s

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


def multicast_trees(noc: NocSpec, fabric: Fabric, home: Int64s, axons: Axons) -> Trees:
    """Return the trees of a mapping; see :func:`build_trees`.

    Raises
    ------
    MappingError
        If keys or table entries are too narrow, a packet is longer than a router's buffer, or a table overflows.
    """
    spec, router = noc.multicast, noc.router
    if spec is None or router is None:
        raise MappingError("noc.multicast: expected a multicast block and routers that fork, got none")
    flits = axons.of("flits")
    worst = int(flits.max(initial=0))
    if worst > router.buffer_flits:
        raise MappingError(
            f"noc.router.buffer_flits: expected at least the longest packet's {worst} flits of {noc.flit_bits} bit, because "
            f"a multicast packet reserves room for all of it, got {router.buffer_flits}; deepen the buffers or widen "
            "noc.flit_bits"
        )
    trees = build_trees(fabric, home, axons.ptr, axons.terminal, flits)
    need = key_ranks(home, trees.root, fabric.terminals)[1] + max(1, (fabric.terminals - 1).bit_length())
    if spec.key_bits < need:
        raise MappingError(
            f"noc.multicast.key_bits: expected at least {need} (a terminal, and the most neurons that send from one), got "
            f"{spec.key_bits}"
        )
    wide = 2 * spec.key_bits + fabric.ports
    if spec.entry_bits < wide:
        raise MappingError(
            f"noc.multicast.entry_bits: expected at least {wide} (key, mask and a bit for each of {fabric.ports} ports), got "
            f"{spec.entry_bits}"
        )
    capacity, full = spec.memory.capacity // spec.entry_bits, int(np.argmax(trees.entries))
    if trees.entries[full] > capacity:
        x, y = fabric.topology.position(full)
        raise MappingError(
            f"router[{x:g},{y:g}]: noc.multicast.memory needs {trees.entries[full]} entries of {spec.entry_bits} bit, has "
            f"{capacity}, {trees.entries[full] - capacity} missing; a larger memory would do, or a placement that keeps "
            "layers together"
        )
    return trees


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
    trees = Trees(root, *builder.tables(), np.zeros(fabric.routers, np.int64))
    return replace(trees, entries=table_entries(fabric, home, trees))


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
                f"noc.multicast: the trees have more than {MAX_NODES} nodes, more than this version simulates; place the "
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
        branches = np.array([branch for own in self._branches for branch in own], dtype=BRANCH)
        return nodes, branches, np.array([key[0] for key in self._known], np.int32)


def key_ranks(home: Int64s, root: npt.NDArray[np.int32], terminals: int) -> tuple[Int64s, int]:
    """Return the rank of every neuron among those of its terminal that send anything, and the bits of a rank."""
    sends = np.flatnonzero(root >= 0)
    order = sends[np.argsort(home[sends], kind="stable")]
    count = np.bincount(home[sends], minlength=terminals)
    rank = np.full(len(home), -1, np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    return rank, int(max(int(count.max(initial=0)) - 1, 0)).bit_length()


def table_entries(fabric: Fabric, home: Int64s, trees: Trees) -> Int64s:
    """Return the entries of every router's table, (routers,): after default routes, merged over blocks of keys."""
    rank, bits = key_ranks(home, trees.root, fabric.terminals)
    sends = np.flatnonzero(trees.root >= 0)
    key = (home[sends] << bits) | rank[sends]
    order = np.argsort(key)
    entries = np.zeros(fabric.routers, np.int64)
    known: dict[int, npt.NDArray[np.int64]] = {}
    items = np.empty((0, 4), np.int64)  # router, block of keys, ports (-1: several), entries
    blocks = _equal_blocks(key[order], trees.root[sends][order].astype(np.int64))
    levels = bits + max(fabric.terminals - 1, 0).bit_length()
    for level in range(levels + 1):
        number, tree = blocks[level] if level < len(blocks) else (np.empty(0, np.int64), np.empty(0, np.int64))
        fresh = [items]
        for block, root in zip(number.tolist(), tree.tolist(), strict=True):
            rows = known.setdefault(root, _visits(fabric, trees, root))
            fresh.append(np.insert(rows, 1, block, axis=1))
        items = _merged(np.concatenate(fresh))
    np.add.at(entries, items[:, 0], items[:, 3])
    return entries


def _visits(fabric: Fabric, trees: Trees, root: int) -> Int64s:
    """Return (router, ports, entries needed) of every router of a tree; 0 entries where the packet goes straight on."""
    rows = []
    for router, entry, ports in trees.walk(root, fabric):
        ahead = fabric.topology.straight(entry) if 0 <= entry < fabric.topology.network_ports else None
        rows.append((router, ports, int(ahead is None or ports != 1 << ahead)))
    return np.array(rows, np.int64)


def _equal_blocks(key: Int64s, tree: Int64s) -> list[tuple[Int64s, Int64s]]:
    """Return, by level, the largest aligned blocks of 2**level keys that have one tree: their numbers and trees."""
    found: list[tuple[Int64s, Int64s]] = []
    mixed = np.empty(0, np.int64)
    while len(key):
        parent = key >> 1
        same = np.ones(len(key), bool)
        pairs = np.flatnonzero(parent[1:] == parent[:-1])
        unequal = pairs[tree[pairs] != tree[pairs + 1]]
        same[unequal] = same[unequal + 1] = False
        same &= ~np.isin(parent, mixed >> 1)
        found.append((key[~same], tree[~same]))
        mixed = np.unique(np.concatenate((mixed >> 1, parent[~same])))
        key, kept = np.unique(parent[same], return_index=True)
        tree = tree[same][kept]
        if len(key) == 1 and not len(mixed):
            found.append((key, tree))
            break
    return found


def _merged(items: Int64s) -> Int64s:
    """Return the items of the next level: two blocks beside each other are one where their ports are equal."""
    items = items[np.lexsort((items[:, 1], items[:, 0]))]
    items[:, 1] >>= 1
    second = np.flatnonzero((items[1:, :2] == items[:-1, :2]).all(axis=1)) + 1
    first = second - 1
    equal = (items[first, 2] == items[second, 2]) & (items[first, 2] >= 0)
    together = np.where(equal, np.maximum(items[first, 3], items[second, 3]), items[first, 3] + items[second, 3])
    items[first, 3] = together
    items[first, 2] = np.where(equal, items[first, 2], -1)
    return np.delete(items, second, axis=0)
