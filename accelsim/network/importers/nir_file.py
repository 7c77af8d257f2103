"""Raw reading of a NIR file: nodes, their arrays and edges, with every limit checked before memory is used.

NIR (neuromorphs.io, Pedersen et al., Nature Communications 2024) stores a graph in HDF5:
``node/nodes/<name>/<parameter>`` and ``node/edges`` as pairs of names. Only numbers and strings are read: no pickled
objects, no links out of the file, no external or virtual storage. Any version that has this layout is read; the
``nir`` package is not needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.importers.hdf5_text import TextReader

MAX_TOTAL_BYTES: Final = 2 << 30
MAX_ELEMENTS: Final = 1 << 28
MAX_NODES: Final = 10_000
MAX_EDGES: Final = 100_000
MAX_NAME: Final = 200
MAX_NESTING: Final = 8

_HDF5_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError, OverflowError)


@dataclass(frozen=True, eq=False)
class RawNode:
    """A node as stored: its type, its parameters, and nothing computed.

    Attributes
    ----------
    graph : RawGraph or None
        The nested graph of a node of type NIRGraph.
    without_reset : bool
        Whether it stands for an integrator and the threshold behind it, which do not reset.
    """

    name: str
    type: str
    values: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    graph: "RawGraph | None" = None
    without_reset: bool = False

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
    try:
        with path.open("rb") as file:
            head = file.read(1)
    except OSError as error:
        raise NetworkError(f"{path}: cannot read the network file: {error.strerror}") from None
    if not head or not h5py.is_hdf5(path):
        raise NetworkError(
            f"{path}: expected an HDF5 file (NIR), got {'an empty file' if not head else 'another format'}"
        )
    try:
        with h5py.File(path, "r") as file:
            return _Reader(path).graph(file)
    except NetworkError:
        raise
    except _HDF5_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NetworkError(f"{path}: the HDF5 file is truncated or corrupt: {reason}") from None


class _Reader:
    """Walks the known layout and accounts for the bytes read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self.nodes = 0
        self._strings = TextReader(path)

    def graph(self, file: Any) -> RawGraph:
        if file.userblock_size:
            raise NetworkError(
                f"{self.path}: expected a plain HDF5 file, got one behind {file.userblock_size} other bytes"
            )
        root = self._member(file, "node")
        if not isinstance(root, h5py.Group) or "nodes" not in root or "edges" not in root:
            raise NetworkError(
                f"{self.path}: an HDF5 file, but no NIR graph: expected the group 'node' with nodes and edges"
            )
        version = self._text(file, "version") if "version" in file else "unknown"
        return self._graph(root, f"{self.path}", version, 0)

    def _graph(self, root: Any, where: str, version: str, depth: int) -> RawGraph:
        """Return a graph and those nested in it."""
        if depth > MAX_NESTING:
            raise NetworkError(f"{where}: graphs are nested more than {MAX_NESTING} deep, which is the limit")
        nodes = self._member(root, "nodes")
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
        group = self._member(nodes, name)
        if not isinstance(group, h5py.Group) or "type" not in group:
            raise NetworkError(f"{self.path}: node {name!r}: expected a group with a 'type'")
        with _naming(f"{self.path}: node {name!r}"):
            kind = self._text(group, "type")
            if kind == "NIRGraph":
                nested = self._graph(group, f"{self.path}: node {name!r}", "", depth + 1)
                return RawNode(name, kind, {}, nested.metadata, nested)
            values = {}
            for key in group:
                item = self._member(group, key)
                if isinstance(item, h5py.Dataset) and key != "type":
                    values[key] = self._value(item, key)
            return RawNode(name, kind, values, self._extra(group))

    def _edges(self, root: Any) -> list[tuple[str, str]]:
        data = self._member(root, "edges")
        if not isinstance(data, h5py.Dataset) or data.ndim != 2 or data.shape[1] != 2 or not len(data):
            raise NetworkError(f"{self.path}: expected edges as a list of pairs of node names")
        if len(data) > MAX_EDGES:
            raise NetworkError(f"{self.path}: {len(data)} edges, the limit is {MAX_EDGES}")
        with _naming(f"{self.path}: edges"):
            self._account(data, "edges")
            names = self._texts(data)
            return list(zip(names[::2], names[1::2], strict=True))

    def _extra(self, group: Any) -> dict[str, Any]:
        """Return the scalars and strings of ``metadata``; anything larger is left unread."""
        if "metadata" not in group:
            return {}
        extra = self._member(group, "metadata")
        if not isinstance(extra, h5py.Group):
            return {}
        found = {}
        for key in list(extra)[:MAX_NAME]:
            item = self._member(extra, key)
            if isinstance(item, h5py.Dataset) and item.size == 1:
                value = self._value(item, key)
                found[key] = value if isinstance(value, str) else value.reshape(()).item()
        return found

    def _text(self, group: Any, key: str) -> str:
        value = self._value(self._member(group, key), key)
        if not isinstance(value, str):
            raise NetworkError(f"{key}: expected text, got {value!r}")
        return value

    def _value(self, data: Any, key: str) -> Any:
        """Return text as str and numbers as an array."""
        self._account(data, key)
        if h5py.check_string_dtype(data.dtype) is not None:
            if data.size != 1:
                raise NetworkError(f"{key}: expected numbers or one text, got {data.size} texts")
            with _naming(key):
                return self._texts(data)[0]
        if data.dtype.kind not in "fiub" or data.dtype.itemsize > 8:
            raise NetworkError(f"{key}: expected numbers, got data of type {data.dtype}")
        return np.asarray(data[()])

    def _texts(self, data: Any) -> list[str]:
        """Return texts in row-major order."""
        kind = h5py.check_string_dtype(data.dtype)
        if kind is None:
            raise NetworkError(f"expected text, got {data.dtype}")
        if kind.length is None:
            return self._strings.read(data)
        return [bytes(item).decode("utf-8") for item in np.asarray(data[()]).ravel()]

    def _account(self, data: Any, key: str) -> None:
        if not isinstance(data, h5py.Dataset):
            raise NetworkError(f"{key}: expected a dataset, got a group")
        if data.is_virtual or data.external:
            raise NetworkError(f"{key}: stored outside the file; expected the data inside it")
        if data.shape is None:
            raise NetworkError(f"{key}: expected data, got an empty dataset")
        if data.size > MAX_ELEMENTS:
            raise NetworkError(f"{key}: {data.size} elements of shape {data.shape}, the limit is {MAX_ELEMENTS}")
        self.bytes += data.size * data.dtype.itemsize
        if self.bytes > MAX_TOTAL_BYTES:
            raise NetworkError(
                f"{key}: the file holds more than {MAX_TOTAL_BYTES} bytes of parameters, which is the limit"
            )

    def _member(self, group: Any, key: str) -> Any:
        link = group.get(key, getlink=True)
        if link is not None and not isinstance(link, h5py.HardLink):
            raise NetworkError(f"{self.path}: {key!r} is a link; expected the data inside the file")
        return group.get(key)


@contextmanager
def _naming(where: str) -> Iterator[None]:
    try:
        yield
    except NetworkError as error:
        text = str(error)
        raise NetworkError(text if text.startswith(where.split(":", maxsplit=1)[0]) else f"{where}: {text}") from None
