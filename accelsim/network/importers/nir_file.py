"""Raw reading of a NIR file: nodes, their arrays and edges, with every limit checked before memory is used.

NIR (neuromorphs.io, Pedersen et al., Nature Communications 2024) stores a graph in HDF5:
``node/nodes/<name>/<parameter>`` and ``node/edges`` as pairs of names. Only numbers and strings are read: no pickled
objects, no links out of the file, no external or virtual storage. Any version that has this layout is read; the
``nir`` package is not needed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.importers.hdf5_file import Hdf5Reader, naming, read_hdf5

MAX_NODES: Final = 10_000
MAX_EDGES: Final = 100_000
MAX_NAME: Final = 200
MAX_NESTING: Final = 8


@dataclass(frozen=True, eq=False)
class RawNode:
    """A node as stored: its type, its parameters, and nothing computed.

    Attributes
    ----------
    graph : RawGraph or None
        The nested graph of a node of type NIRGraph.
    without_reset : bool
        Whether it stands for an integrator and the threshold behind it, which do not reset.
    implied : bool
        Whether an importer added it where its format has no such node; it states nothing.
    """

    name: str
    type: str
    values: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    graph: "RawGraph | None" = None
    without_reset: bool = False
    implied: bool = False

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.type})"

    def array(self, key: str, *, infinite: bool = False) -> npt.NDArray[Any]:
        """Return a numeric parameter.

        Raises
        ------
        NetworkError
            If it is missing, text, NaN, or infinite where that is not allowed.
        """
        if key not in self.values:
            raise NetworkError(
                f"{self}: parameter {key!r} is missing; it has {', '.join(sorted(self.values)) or 'none'}"
            )
        value = self.values[key]
        if isinstance(value, str) or value.dtype.kind not in "fiub":
            raise NetworkError(f"{self}: parameter {key!r}: expected numbers, got {value!r}")
        if np.isnan(value).any() or not (infinite or np.isfinite(value).all()):
            raise NetworkError(f"{self}: {key} holds a NaN or infinite value")
        return np.asarray(value)

    def integers(self, key: str, count: int) -> tuple[int, ...]:
        """Return an integer parameter of ``count`` values; a single one stands for all."""
        value = self.array(key).ravel()
        if value.size not in {1, count} or (value != np.rint(value)).any() or (np.abs(value) > 1 << 30).any():
            raise NetworkError(f"{self}: {key}: expected {count} integers, got {self.values[key]}")
        return tuple(int(item) for item in np.resize(value, count))


@dataclass(frozen=True, eq=False)
class RawGraph:
    """Nodes by name, edges in the order of the file, and the version string of the writer."""

    nodes: dict[str, RawNode]
    edges: list[tuple[str, str]]
    version: str
    metadata: dict[str, Any]


def read_nir(path: Path) -> RawGraph:
    """Read a NIR file.

    Raises
    ------
    NetworkError
        If the file is missing, no HDF5, truncated, no NIR graph, or beyond a limit.
    """
    return read_hdf5(path, "NIR", lambda file: _Reader(path).graph(file))


class _Reader(Hdf5Reader):
    """Walks the known layout."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.nodes = 0

    def graph(self, file: Any) -> RawGraph:
        root = self.member(file, "node")
        if not isinstance(root, h5py.Group) or "nodes" not in root or "edges" not in root:
            raise NetworkError(
                f"{self.path}: an HDF5 file, but no NIR graph: expected the group 'node' with nodes and edges"
            )
        version = self.text(file, "version") if "version" in file else "unknown"
        return self._graph(root, f"{self.path}", version, 0)

    def _graph(self, root: Any, where: str, version: str, depth: int) -> RawGraph:
        """Return a graph and those nested in it."""
        if depth > MAX_NESTING:
            raise NetworkError(f"{where}: graphs are nested more than {MAX_NESTING} deep, which is the limit")
        nodes = self.member(root, "nodes")
        if not isinstance(nodes, h5py.Group):
            got = "nothing" if nodes is None else "a dataset"
            raise NetworkError(f"{where}: expected the group 'node/nodes', got {got}")
        self.nodes += len(nodes)
        if self.nodes > MAX_NODES:
            raise NetworkError(f"{where}: {self.nodes} nodes, the limit is {MAX_NODES}")
        found = {name: self._node(nodes, name, depth) for name in nodes}
        return RawGraph(found, self._edges(root), version, self._extra(root))

    def _node(self, nodes: Any, name: str, depth: int) -> RawNode:
        if len(name) > MAX_NAME:
            raise NetworkError(f"{self.path}: a node name has {len(name)} characters, the limit is {MAX_NAME}")
        group = self.member(nodes, name)
        if not isinstance(group, h5py.Group) or "type" not in group:
            raise NetworkError(f"{self.path}: node {name!r}: expected a group with a 'type'")
        with naming(f"{self.path}: node {name!r}"):
            kind = self.text(group, "type")
            if kind == "NIRGraph":
                nested = self._graph(group, f"{self.path}: node {name!r}", "", depth + 1)
                return RawNode(name, kind, {}, nested.metadata, nested)
            values = {}
            for key in group:
                item = self.member(group, key)
                if isinstance(item, h5py.Dataset) and key != "type":
                    values[key] = self.value(item, key)
            return RawNode(name, kind, values, self._extra(group))

    def _edges(self, root: Any) -> list[tuple[str, str]]:
        data = self.member(root, "edges")
        if not isinstance(data, h5py.Dataset) or data.ndim != 2 or data.shape[1] != 2 or not len(data):
            raise NetworkError(f"{self.path}: expected edges as a list of pairs of node names")
        if len(data) > MAX_EDGES:
            raise NetworkError(f"{self.path}: {len(data)} edges, the limit is {MAX_EDGES}")
        with naming(f"{self.path}: edges"):
            self.account(data, "edges")
            names = self.texts(data)
            return list(zip(names[::2], names[1::2], strict=True))

    def _extra(self, group: Any) -> dict[str, Any]:
        """Return the scalars and strings of ``metadata``; anything larger is left unread."""
        if "metadata" not in group:
            return {}
        extra = self.member(group, "metadata")
        if not isinstance(extra, h5py.Group):
            return {}
        found = {}
        for key in list(extra)[:MAX_NAME]:
            item = self.member(extra, key)
            if isinstance(item, h5py.Dataset) and item.size == 1:
                value = self.value(item, key)
                found[key] = value if isinstance(value, str) else value.reshape(()).item()
        return found
