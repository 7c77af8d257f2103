"""A float32 network as a NIR graph, its choices in the metadata.

NIR is continuous in time; what a timestep computes stands in the metadata of the graph (``dialect``, ``dt``, ``reset``
...), which :mod:`accelsim.network.importers.nir` reads back. Convolutions and pools keep their geometry; a connection
without one is written as a dense layer. The file is read again before it is kept, and the network has to be the same:
what NIR cannot hold (integers, neurons that no dialect has, biases that vary over positions of a convolution) is
refused, never approximated.
"""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from accelsim.errors import AccelsimError, NetworkError, OutputError
from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions
from accelsim.network.nir_neurons import dialect_of, neuron_node

VERSION: Final = "1.0.8"
MAX_DENSE: Final = 1 << 26
"""Largest matrix that a connection without geometry is written as."""

Node = tuple[str, dict[str, Any]]
Array = npt.NDArray[Any]


def write_nir(network: Network, path: Path) -> list[str]:
    """Write a network.

    Parameters
    ----------
    network : Network
        In float32.
    path : Path
        Overwritten.

    Returns
    -------
    list of str
        What a reader of the file has to know.

    Raises
    ------
    NetworkError
        If NIR cannot hold the network, naming the population or projection.
    OutputError
        If the file cannot be written.
    """
    if network.integer:
        raise NetworkError(f"network {network.name}: NIR has no integer arithmetic; export it as .snn")
    dialect, choices = dialect_of(network)
    nodes, edges = _graph(network, dialect, choices)
    metadata = {"dialect": dialect, "dt": network.dt, **choices}
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
            made = Path(folder) / "network.nir"
            _write(made, nodes, edges, metadata)
            _compare(network, made)
            made.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the network: {error.strerror or error}") from None
    return [f"dialect {dialect}, in the metadata: " + ", ".join(f"{key} {value}" for key, value in metadata.items())]


def _graph(network: Network, dialect: str, choices: dict[str, Any]) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    for name, population in network.populations.items():
        shape = _exported(population)
        if population.model is None:
            nodes[name] = ("Input", {"shape": np.array(shape)})
            continue
        kind, values = neuron_node(population, dialect, network.dt, choices)
        per_neuron = {key: _channel_first(value, population) for key, value in values.items()}
        nodes[name] = (kind, per_neuron)
        bias = population.bias
        incoming = sorted(network.incoming(name), key=lambda edge: edge.source == edge.target)
        if not incoming:
            raise NetworkError(f"population {name}: NIR cannot hold neurons that nothing leads to")
        for at, edge in enumerate(incoming):
            _add_path(network, edge, nodes, edges, bias if at == 0 else None)
    output = network.output
    end = "output" if "output" not in nodes else "output_"
    nodes[end] = ("Output", {"shape": np.array(_exported(output))})
    edges.append((output.name, end))
    return nodes, edges


def _add_path(
    network: Network, edge: Projection, nodes: dict[str, Node], edges: list[tuple[str, str]], bias: Array | None
) -> None:
    """Add the nodes between two populations."""
    source, target = network.populations[edge.source], network.populations[edge.target]
    steps: list[tuple[str, Node]] = []
    if edge.delay:
        steps.append(("delay", ("Delay", {"delay": np.full(_exported(source), edge.delay * network.dt)})))
    try:
        steps += _linear(edge.connection, source, target, bias)
    except NetworkError as error:
        raise NetworkError(f"projection {edge.name}: {error}") from None
    last = edge.source
    for kind, node in steps:
        name = f"{edge.name.replace('->', '_to_').replace('#', '_')}_{kind}"
        while name in nodes:
            name += "_"
        nodes[name] = node
        edges.append((last, name))
        last = name
    edges.append((last, edge.target))


def _linear(
    connection: Connection, source: Population, target: Population, bias: Array | None
) -> list[tuple[str, Node]]:
    """Return the nodes of a connection."""
    steps: list[tuple[str, Node]] = []
    how = connection.geometry
    conv = connection.shape.kind == "conv" and how is not None and len(target.shape) == 3
    if how is not None and how.pool is not None:
        window, stride, padding = how.pool
        values = {"kernel_size": np.array(window), "stride": np.array(stride), "padding": np.array(padding)}
        steps.append(("pool", ("SumPool2d", values)))
    if conv and how is not None:
        if any(before != after for before, after in how.padding):
            raise NetworkError(f"padding {how.padding} differs between the sides, which NIR cannot hold")
        filters = connection.run_length
        kernel = connection.rows.reshape(how.groups, -1, *how.kernel, filters).transpose(0, 4, 1, 2, 3)
        per_channel = np.zeros(how.groups * filters, np.float32)
        if bias is not None:
            spread = bias.reshape(-1, per_channel.size)
            if (spread != spread[0]).any():
                raise NetworkError("the bias varies over positions of a convolution, which NIR cannot hold")
            per_channel = spread[0]
        values = {
            "weight": np.ascontiguousarray(kernel.reshape(per_channel.size, -1, *how.kernel)),
            "bias": per_channel,
            "stride": np.array(how.stride),
            "padding": np.array([before for before, _ in how.padding]),
            "dilation": np.array(how.dilation),
            "groups": np.array(how.groups),
        }
        return [*steps, ("conv", ("Conv2d", values))]
    if len(target.shape) == 3:
        raise NetworkError(f"no geometry of a convolution into {target.shape} is known, so NIR cannot hold it")
    return steps + _dense(connection, source, bias)


def _dense(connection: Connection, source: Population, bias: Array | None) -> list[tuple[str, Node]]:
    how = connection.geometry
    pooled = how is not None and how.pool is not None
    if connection.n_source * connection.n_target > MAX_DENSE:
        got = f"{connection.n_source} x {connection.n_target}"
        raise NetworkError(f"expected a dense layer of at most {MAX_DENSE} weights, got {got}")
    matrix = connection.rows.T if pooled else connection.dense_matrix()
    steps: list[tuple[str, Node]] = []
    if len(source.shape) == 3:
        channels = source.shape[2]
        matrix = matrix.reshape(len(matrix), -1, channels).transpose(0, 2, 1).reshape(len(matrix), -1)
        steps.append(("flatten", ("Flatten", {"start_dim": np.array(0), "end_dim": np.array(-1)})))
    values = {"weight": np.ascontiguousarray(matrix)}
    if bias is None:
        return [*steps, ("linear", ("Linear", values))]
    return [*steps, ("linear", ("Affine", {**values, "bias": bias}))]


def _exported(population: Population) -> tuple[int, ...]:
    """Return the channel-first shape of a population."""
    if len(population.shape) == 1:
        return population.shape
    height, width, channels = population.shape
    return (channels, height, width)


def _channel_first(values: Array, population: Population) -> Array:
    if len(population.shape) == 1:
        return values
    return np.ascontiguousarray(np.moveaxis(values.reshape(population.shape), -1, 0))


def _write(path: Path, nodes: dict[str, Node], edges: list[tuple[str, str]], metadata: dict[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        file["version"] = VERSION
        root = file.create_group("node")
        root["type"] = "NIRGraph"
        root["edges"] = np.array(edges, dtype=object).astype(h5py.string_dtype())
        extra = root.create_group("metadata")
        for key, value in metadata.items():
            extra[key] = value
        group = root.create_group("nodes")
        for name, (kind, values) in nodes.items():
            if "/" in name or name in {".", ".."}:
                raise NetworkError(f"population {name!r}: NIR cannot hold a name with '/'")
            node = group.create_group(name)
            node["type"] = kind
            for key, value in values.items():
                node[key] = value


def _compare(network: Network, path: Path) -> None:
    """Read the file and expect the same network."""
    try:
        again = import_network(path, ImportOptions())
    except AccelsimError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise NetworkError(f"network {network.name}: NIR cannot hold it: {reason}") from None
    for name, population in network.populations.items():
        other = again.populations.get(name)
        if other is None or other.shape != population.shape or not _equal(other.model, population.model):
            kind = type(population.model).__name__
            raise NetworkError(f"population {name}: NIR cannot hold {kind} with these parameters")
        if not _equal(_bias(population), _bias(other)):
            raise NetworkError(f"population {name}: NIR cannot hold its bias")
    ours, theirs = (sorted(item.projections, key=_place) for item in (network, again))
    for edge, other_edge in zip(ours, theirs, strict=False):
        same = _place(edge) == _place(other_edge) and _same_function(edge.connection, other_edge.connection)
        if len(ours) != len(theirs) or not same:
            raise NetworkError(f"projection {edge.name}: NIR cannot hold it")


def _place(edge: Projection) -> tuple[str, str, int, int]:
    return (edge.source, edge.target, edge.delay, edge.number)


def _bias(population: Population) -> Array:
    return np.zeros(population.size, np.float32) if population.bias is None else population.bias


def _same_function(one: Connection, other: Connection) -> bool:
    structure = ("rows", "run_ptr", "run_row", "run_start")
    if all(np.array_equal(getattr(one, key), getattr(other, key)) for key in structure):
        return True
    return one.n_source * one.n_target <= MAX_DENSE and np.array_equal(one.dense_matrix(), other.dense_matrix())


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        return all(_equal(getattr(one, item.name), getattr(other, item.name)) for item in dataclasses.fields(one))
    return bool(one == other)
