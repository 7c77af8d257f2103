"""accelsim's own network file: everything of a network, as it is simulated, without loss.

A ``.snn`` file is a NumPy ``.npz`` archive without objects. Its array ``header`` (uint8) is a text in JSON: populations
with their neuron models and parameters, connections, projections with delays, and the provenance. Every array that the
header names is another member. Weights stay as stored: kernels shared, integers integers, with their scale and width.
An array that occurs twice is written once. Layout: docs/importing.md. Read by
:mod:`accelsim.network.importers.own`.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError, OutputError
from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Network, Population
from accelsim.neurons.record import model_record

FORMAT: Final = "accelsim network"
VERSION: Final = 1
SUFFIX: Final = ".snn"
ARRAYS: Final = ("rows", "run_ptr", "run_row", "run_start", "channel")
"""Arrays of a connection."""


class _Arrays:
    """Arrays of a file by content: the same one is stored once."""

    def __init__(self) -> None:
        self.stored: dict[str, npt.NDArray[Any]] = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, array: npt.NDArray[Any]) -> str:
        """Return the name under which an array is stored."""
        plain = np.ascontiguousarray(array)
        key = hashlib.sha256(plain.tobytes() + f"{plain.dtype.str}{plain.shape}".encode()).hexdigest()
        if key not in self._names:
            self._names[key] = name
            self.stored[name] = plain
        return self._names[key]


def write_network(network: Network, path: Path) -> None:
    """Write a network.

    Parameters
    ----------
    network : Network
    path : Path
        Overwritten.

    Raises
    ------
    NetworkError
        If a neuron model is not registered, so that no reader could find it.
    OutputError
        If the file cannot be written.
    """
    arrays = _Arrays()
    connections: list[dict[str, Any]] = []
    number: dict[int, int] = {}
    projections = []
    for edge in network.projections:
        if id(edge.connection) not in number:
            number[id(edge.connection)] = len(connections)
            connections.append(_connection(edge.connection, arrays, f"connection{len(connections)}"))
        projections.append({
            "source": edge.source,
            "target": edge.target,
            "connection": number[id(edge.connection)],
            "delay": edge.delay,
            "nodes": list(edge.nodes),
        })  # fmt: skip
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": network.name,
        "dt": network.dt,
        "populations": [
            _population(item, arrays, f"population{at}") for at, item in enumerate(network.populations.values())
        ],
        "connections": connections,
        "projections": projections,
        "provenance": network.provenance,
    }
    text = json.dumps(header, indent=1, default=_plain).encode()
    try:
        with path.open("wb") as file:
            members: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8), **arrays.stored}
            np.savez_compressed(file, **members)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the network: {error.strerror or error}") from None


def _population(population: Population, arrays: _Arrays, name: str) -> dict[str, Any]:
    def stored(key: str, array: npt.NDArray[Any] | None) -> str | None:
        return None if array is None else arrays.add(f"{name}.{key}", array)

    model: dict[str, Any] | None = None
    if population.model is not None:
        kind, record = model_record(population.model)
        for key, value in record.items():
            if isinstance(value, np.ndarray):
                record[key] = {"array": stored(key, value)}
        model = {"name": kind, "parameters": record}
    return {
        "name": population.name,
        "shape": list(population.shape),
        "model": model,
        "bias": stored("bias", population.bias),
        "scale": stored("scale", population.scale),
    }


def _connection(connection: Connection, arrays: _Arrays, name: str) -> dict[str, Any]:
    return {
        **{key: arrays.add(f"{name}.{key}", getattr(connection, key)) for key in ARRAYS},
        "n_source": connection.n_source,
        "n_target": connection.n_target,
        "bits": connection.bits,
        "shape": dataclasses.asdict(connection.shape),
        "geometry": None if connection.geometry is None else dataclasses.asdict(connection.geometry),
    }


def _plain(value: Any) -> Any:
    """Return a value of a provenance as JSON knows it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    raise NetworkError(f"provenance: cannot be written: {type(value).__name__}")
