"""accelsim's own network files (``.snn``), see :mod:`accelsim.network.network_file`.

The network is the one that was written: the same spikes, weights, scales, widths and delays. The file comes from
anywhere: nothing is unpickled, and everything that a kernel later takes for granted is checked here.
"""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, NetworkError
from accelsim.network.connections.connection import Connection, Geometry, LayerShape
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.hdf5_file import naming
from accelsim.network.importers.importer import IMPORTERS, Importer, ImportOptions
from accelsim.network.importers.layout import MAX_NEURONS
from accelsim.network.importers.options import expect_complete
from accelsim.network.network_file import ARRAYS, FORMAT, SUFFIX, VERSION
from accelsim.network.npz import Npz
from accelsim.neurons.record import model_of

MAX_HEADER: Final = 32 << 20
MAX_ITEMS: Final = 10_000
"""Most populations, connections and projections, each."""

Array = npt.NDArray[Any]


@IMPORTERS.register("accelsim")
class OwnImporter(Importer):
    """Reads what ``accelsim export`` writes."""

    suffixes: ClassVar[tuple[str, ...]] = (SUFFIX,)

    @classmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the network as it was written; see :meth:`Importer.read`."""
        with naming(f"{path}"):
            expect_complete(options, "accelsim")
            try:
                with Npz(path) as file:
                    return _Reader(file).network()
            except EventError as error:
                raise NetworkError(str(error)) from None


class _Reader:
    def __init__(self, file: Npz) -> None:
        self._file = file
        self._known: dict[str, Array] = {}

    def network(self) -> Network:
        header = self._header()
        populations = {}
        for at, item in enumerate(_items(header, "populations")):
            with naming(f"populations[{at}]"):
                population = self._population(item, first=at == 0)
            if population.name in populations:
                raise NetworkError(f"populations[{at}]: name: {population.name!r} occurs twice")
            populations[population.name] = population
        connections = []
        for at, item in enumerate(_items(header, "connections")):
            with naming(f"connections[{at}]"):
                connections.append(self._connection(item))
        projections = []
        for at, item in enumerate(_items(header, "projections")):
            with naming(f"projections[{at}]"):
                projections.append(_projection(item, connections))
        if not populations:
            raise NetworkError("populations: expected at least one, got none")
        dt = _get(header, "dt", float)
        if not 0 < dt < np.inf:
            raise NetworkError(f"dt: expected a positive time, got {dt}")
        provenance = _get(header, "provenance", dict)
        return Network(_get(header, "name", str), populations, tuple(projections), dt, provenance)

    def _header(self) -> dict[str, Any]:
        raw = self._array("header")
        if raw.dtype != np.uint8 or raw.ndim != 1 or raw.size > MAX_HEADER:
            raise NetworkError(f"header: expected at most {MAX_HEADER} bytes, got {raw.dtype} of shape {raw.shape}")
        try:
            header = json.loads(raw.tobytes(), parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise NetworkError(f"header: expected JSON, got: {error}") from None
        if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
            got = {key: header.get(key) for key in ("format", "version")} if isinstance(header, dict) else "no mapping"
            raise NetworkError(f"header: expected format {FORMAT!r}, version {VERSION}; got {got}")
        return header

    def _population(self, item: dict[str, Any], *, first: bool) -> Population:
        name = _get(item, "name", str)
        shape = tuple(_whole(size, "shape", 0 if first else 1) for size in _get(item, "shape", list))
        size = 1
        for length in shape:
            size *= length
        if len(shape) not in {1, 3} or size > MAX_NEURONS:
            expected = f"(n,) or (height, width, channels), at most {MAX_NEURONS} neurons"
            raise NetworkError(f"shape: expected {expected}, got {shape}")
        stated = item.get("model")
        if (stated is None) != first:
            raise NetworkError("model: expected a neuron model in every population but the first, the input")
        population = Population(name, shape, None, self._values(item, "bias", size), self._values(item, "scale", size))
        if population.scale is not None and not (population.scale > 0).all():
            raise NetworkError("scale: expected positive numbers")
        if stated is None:
            return population
        parameters = dict(_get(_mapping(stated, "model"), "parameters", dict))
        for key, value in parameters.items():
            if isinstance(value, dict) and "array" in value:
                parameters[key] = self._array(value["array"])
        model = model_of(_get(stated, "name", str), parameters)
        if model.size != size:
            raise NetworkError(f"model: expected parameters for {size} neurons, got {model.size}")
        if population.bias is not None and population.bias.dtype != model.dtype:
            raise NetworkError(f"bias: expected {np.dtype(model.dtype)}, as the neurons, got {population.bias.dtype}")
        return replace(population, model=model)

    def _values(self, item: dict[str, Any], key: str, size: int) -> Array | None:
        stated = item.get(key)
        if stated is None:
            return None
        values = self._array(stated)
        kinds = (np.float64,) if key == "scale" else (np.int32, np.float32)
        if values.shape != (size,) or values.dtype not in kinds or not np.isfinite(values).all():
            raise NetworkError(f"{key}: expected {size} finite numbers, got {values.dtype} of shape {values.shape}")
        return values

    def _connection(self, item: dict[str, Any]) -> Connection:
        parts: dict[str, Any] = {key: self._array(item.get(key)) for key in ARRAYS}
        parts |= {key: _whole(item.get(key), key, 0) for key in ("n_source", "n_target", "bits")}
        stated = _mapping(item.get("shape"), "shape")
        known = [entry.name for entry in fields(LayerShape)]
        if set(stated) != set(known) or stated["kind"] not in {"dense", "conv"}:
            raise NetworkError(f"shape: expected {', '.join(known)}; got {', '.join(map(str, stated))}")
        numbers = {key: _whole(value, f"shape.{key}", 0) for key, value in stated.items() if key != "kind"}
        shape, geometry = LayerShape(kind=stated["kind"], **numbers), _geometry(item.get("geometry"))
        connection = Connection(**parts, shape=shape, geometry=geometry)
        _check(connection)
        return connection

    def _array(self, name: Any) -> Array:
        if not isinstance(name, str):
            raise NetworkError(f"expected the name of an array, got {name!r}")
        if name not in self._known:
            # A buffer of a file is read-only and may lie in Fortran's order: kernels take neither.
            self._known[name] = np.array(self._file.array(name), order="C")
        return self._known[name]


def _check(connection: Connection) -> None:
    """Check what every kernel takes for granted."""
    rows, channel = connection.rows, connection.channel
    if rows.ndim != 2 or rows.size == 0 or rows.dtype not in (np.int32, np.float32):
        raise NetworkError(f"rows: expected int32 or float32 (rows, length), got {rows.dtype} of shape {rows.shape}")
    if channel.shape != rows.shape or channel.dtype != np.int32:
        raise NetworkError(f"channel: expected int32 of shape {rows.shape}, got {channel.dtype} of {channel.shape}")
    if channel.min() < 0 or channel.max() >= max(connection.n_target, 1):
        raise NetworkError(f"channel: expected 0..{connection.n_target - 1}, got {channel.min()}..{channel.max()}")
    ptr, row, start = connection.run_ptr, connection.run_row, connection.run_start
    if ptr.dtype != np.int64 or ptr.shape != (connection.n_source + 1,) or ptr[0] != 0 or (np.diff(ptr) < 0).any():
        raise NetworkError(f"run_ptr: expected {connection.n_source + 1} ascending int64 from 0, got others")
    for key, values, limit in (
        ("run_row", row, len(rows)),
        ("run_start", start, connection.n_target - connection.run_length + 1),
    ):
        if values.dtype != np.int32 or values.shape != (ptr[-1],):
            raise NetworkError(f"{key}: expected {ptr[-1]} int32, got {values.dtype} of shape {values.shape}")
        if values.size and (values.min() < 0 or values.max() >= limit):
            raise NetworkError(f"{key}: expected 0..{limit - 1}, got {values.min()}..{values.max()}")
    if connection.bits not in ((*range(1, 17),) if connection.integer else (32,)):
        raise NetworkError(f"bits: expected {'1..16' if connection.integer else '32'}, got {connection.bits}")
    if connection.integer and int(np.abs(rows.astype(np.int64)).max()) > 1 << connection.bits:
        raise NetworkError(f"rows: expected integers of {connection.bits} bit, got {np.abs(rows).max()}")


def _geometry(value: Any) -> Geometry | None:
    if value is None:
        return None
    stated = _mapping(value, "geometry")
    like = {"source": (0, 0, 0), "kernel": (0, 0), "stride": (0, 0), "padding": ((0, 0), (0, 0)), "dilation": (0, 0),
            "groups": 0, "pool": ((0, 0), (0, 0), (0, 0))}  # fmt: skip
    if set(stated) != set(like):
        raise NetworkError(f"geometry: expected {', '.join(like)}; got {', '.join(map(str, stated))}")
    parts: dict[str, Any] = {key: _like(stated[key], one) for key, one in like.items() if stated[key] is not None}
    if not {"source", "kernel"} <= set(parts):
        raise NetworkError("geometry: expected source and kernel, got nothing")
    return Geometry(**parts)


def _like(value: Any, pattern: Any) -> Any:
    """Return whole numbers in tuples nested as in ``pattern``."""
    if not isinstance(pattern, tuple):
        return _whole(value, "geometry", 0)
    if not isinstance(value, list) or len(value) != len(pattern):
        raise NetworkError(f"geometry: expected {len(pattern)} values, got {value!r:.80}")
    return tuple(_like(item, one) for item, one in zip(value, pattern, strict=True))


def _projection(item: dict[str, Any], connections: list[Connection]) -> Projection:
    at = _whole(item.get("connection"), "connection", 0)
    if at >= len(connections):
        raise NetworkError(f"connection: expected 0..{len(connections) - 1}, got {at}")
    nodes = tuple(str(node) for node in _get(item, "nodes", list))
    delay = _whole(item.get("delay"), "delay", 0)
    return Projection(_get(item, "source", str), _get(item, "target", str), connections[at], nodes, delay)


def _items(header: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = _get(header, key, list)
    if len(items) > MAX_ITEMS:
        raise NetworkError(f"{key}: {len(items)}, the limit is {MAX_ITEMS}")
    return [_mapping(item, f"{key}[{at}]") for at, item in enumerate(items)]


def _mapping(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NetworkError(f"{key}: expected a mapping, got {value!r:.80}")
    return value


def _get(item: dict[str, Any], key: str, kind: type) -> Any:
    value = item.get(key)
    if not isinstance(value, kind) and not (kind is float and isinstance(value, int) and not isinstance(value, bool)):
        raise NetworkError(f"{key}: expected {kind.__name__}, got {value!r:.80}")
    return value


def _whole(value: Any, key: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1 << 62:
        raise NetworkError(f"{key}: expected a whole number, at least {least}, got {value!r:.80}")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
