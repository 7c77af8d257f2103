"""Multicast on a chip: keys, and the key/mask tables of the routers.

A packet has a key that names its source neuron: (terminal, rank of the neuron among those of the terminal). A router
holds entries (key, mask, output ports), as SpiNNaker's do (Furber et al., Proc. IEEE 102(5), 2014). A packet that finds
none goes straight on: routers that a tree merely passes need none (default routes). Entries with equal ports are merged
over aligned blocks of keys, a power of two of them; keys that never come by may be part of any block. That is the least
number of entries whose blocks do not overlap; minimisers for ordered tables find fewer.
"""

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.hardware.spec import MulticastSpec, NocSpec
from accelsim.hardware.topologies.topology import Fabric
from accelsim.mapping.axons import Axons
from accelsim.mapping.trees import Trees, build_trees

Int64s = npt.NDArray[np.int64]


def multicast_trees(noc: NocSpec, fabric: Fabric, home: Int64s, axons: Axons) -> Trees:
    """Return the trees of a mapping whose packets and tables fit the chip; see :func:`build_trees`.

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
            f"noc.router.buffer_flits: expected at least the longest packet's {worst} flits of {noc.flit_bits} bit, "
            f"because a multicast packet reserves room for all of it, got {router.buffer_flits}; deepen the buffers or "
            "widen noc.flit_bits"
        )
    sizes = np.diff(axons.ptr)
    uneven = np.flatnonzero(flits != np.repeat(flits[axons.ptr[:-1][sizes > 0]], sizes[sizes > 0]))
    if uneven.size:
        raise MappingError(
            f"noc.multicast: source neuron {axons.source()[uneven[0]]} sends packets of several lengths; one that "
            "forks has one length"
        )
    trees = build_trees(fabric, home, axons.ptr, axons.terminal, flits)
    _check_table(spec, fabric, home, trees)
    return trees


def _check_table(spec: MulticastSpec, fabric: Fabric, home: Int64s, trees: Trees) -> None:
    """Refuse keys that name too few neurons, entries that hold too little, and tables that overflow."""
    need = key_ranks(home, trees.root, fabric.terminals)[1] + max(1, (fabric.terminals - 1).bit_length())
    if spec.key_bits < need:
        raise MappingError(
            f"noc.multicast.key_bits: expected at least {need} (a terminal, and the most neurons that send from one), "
            f"got {spec.key_bits}"
        )
    wide = 2 * spec.key_bits + fabric.ports
    if spec.entry_bits < wide:
        raise MappingError(
            f"noc.multicast.entry_bits: expected at least {wide} (key, mask and a bit for each of {fabric.ports} "
            f"ports), got {spec.entry_bits}"
        )
    entries = table_entries(fabric, home, trees)
    capacity, full = spec.memory.capacity // spec.entry_bits, int(np.argmax(entries))
    if entries[full] > capacity:
        x, y = fabric.topology.position(full)
        raise MappingError(
            f"router[{x:g},{y:g}]: noc.multicast.memory needs {entries[full]} entries of {spec.entry_bits} bit, has "
            f"{capacity}, {entries[full] - capacity} missing; a larger memory would do, or a placement that keeps "
            "layers together"
        )


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
