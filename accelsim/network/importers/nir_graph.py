"""From raw NIR nodes to populations and projections.

Neuron nodes become populations; the linear nodes on each path between two of them become one projection. Two paths
into one neuron node add their currents. Refused, naming the node: unknown node types, cycles, several inputs or
outputs, nodes that lead nowhere, sums in front of a linear node, and a network that does not end in neurons.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.dialects import NEURON_TYPES, check_options, discretise
from accelsim.network.importers.importer import ImportOptions
from accelsim.network.importers.layout import Layout, layout_of
from accelsim.network.importers.nir_chain import LINEAR_TYPES, Chain
from accelsim.network.importers.nir_file import RawGraph, RawNode

Floats = npt.NDArray[np.float64]

KNOWN_TYPES = tuple(sorted({"Input", "Output", *LINEAR_TYPES, *NEURON_TYPES}))


@dataclass
class _Build:
    """Populations and projections made so far, in topological order."""

    options: ImportOptions
    layouts: dict[str, Layout] = field(default_factory=dict)
    populations: dict[str, Population] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)


def build_network(graph: RawGraph, options: ImportOptions, name: str) -> Network:
    """Return the float32 network of a raw graph.

    Raises
    ------
    NetworkError
        Naming the node that cannot be represented.
    """
    check_options(options)
    for node in graph.nodes.values():
        if node.type not in KNOWN_TYPES:
            raise NetworkError(f"{node}: not a node type that can be represented. Known: {', '.join(KNOWN_TYPES)}")
    before, after = _neighbours(graph)
    start, end = _only(graph, "Input"), _only(graph, "Output")
    order = _topological(graph, before, after)
    _check_ends(graph, before, after)

    build = _Build(options)
    for node in order:
        if node.type == "Input":
            build.layouts[node.name] = layout_of(node)
            build.populations[node.name] = Population(node.name, build.layouts[node.name].population, None)
        elif node.type in NEURON_TYPES:
            _add_population(build, node, graph, before)
    _check_output(build, end, graph, before)
    return Network(
        name=name,
        populations=build.populations,
        projections=tuple(build.projections),
        dt=options.dt,
        provenance=_provenance(graph, options, start),
    )


def _add_population(build: _Build, node: RawNode, graph: RawGraph, before: Mapping[str, list[str]]) -> None:
    chains = []
    for first in before[node.name]:
        source, nodes = _path_back(first, graph, before)
        chain = Chain(build.layouts[source])
        for item in nodes:
            chain.add(item)
        chains.append((source, nodes, chain))
    layout = chains[0][2].layout
    for _, nodes, chain in chains[1:]:
        if chain.layout != layout:
            by = nodes[-1] if nodes else "its source"
            raise NetworkError(
                f"{node}: inputs of different shapes: {layout.exported}, and {chain.layout.exported} from {by}"
            )
    neurons = discretise(node, layout, build.options)
    bias: Floats = neurons.offset.copy()
    for source, nodes, chain in chains:
        connection, current = chain.finish(node, neurons.gain)
        bias += 0.0 if current is None else current
        path = tuple(item.name for item in nodes)
        build.projections.append(Projection(source, node.name, connection, path))
    stored = bias.astype(np.float32) if bias.any() else None
    build.layouts[node.name] = layout
    build.populations[node.name] = Population(node.name, layout.population, neurons.model, stored, np.ones(layout.size))


def _path_back(name: str, graph: RawGraph, before: Mapping[str, list[str]]) -> tuple[str, list[RawNode]]:
    """Return the population in front and the linear nodes on the way, in their order."""
    nodes: list[RawNode] = []
    while graph.nodes[name].type in LINEAR_TYPES:
        node = graph.nodes[name]
        if len(before[name]) != 1:
            found = ", ".join(repr(item) for item in before[name])
            raise NetworkError(
                f"{node}: expected one input, got {found}; sums are represented only directly in front of neurons"
            )
        nodes.append(node)
        (name,) = before[name]
    return name, nodes[::-1]


def _neighbours(graph: RawGraph) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before: dict[str, list[str]] = {name: [] for name in graph.nodes}
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        for end in (source, target):
            if end not in graph.nodes:
                raise NetworkError(f"edge {source!r} -> {target!r}: node {end!r} does not exist")
        if target in after[source]:
            raise NetworkError(f"edge {source!r} -> {target!r}: stated twice")
        after[source].append(target)
        before[target].append(source)
    return before, after


def _only(graph: RawGraph, kind: str) -> RawNode:
    found = [node for node in graph.nodes.values() if node.type == kind]
    if len(found) != 1:
        names = ", ".join(repr(node.name) for node in found) or "none"
        raise NetworkError(f"expected exactly one node of type {kind}, got {names}")
    return found[0]


def _topological(graph: RawGraph, before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[RawNode]:
    """Return the nodes in an order in which every edge points forward (Kahn); ties in the order of the file."""
    waiting = {name: len(sources) for name, sources in before.items()}
    ready = [name for name, count in waiting.items() if count == 0]
    order = []
    for name in ready:
        order.append(graph.nodes[name])
        for target in after[name]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    if len(order) < len(graph.nodes):
        cycle = _cycle(next(name for name, count in waiting.items() if count), waiting, before)
        raise NetworkError(f"the graph has a cycle: {' -> '.join(cycle)}; this version runs feed-forward networks")
    return order


def _cycle(name: str, waiting: Mapping[str, int], before: Mapping[str, list[str]]) -> list[str]:
    """Walk back among waiting nodes, which each have a waiting source, until one repeats."""
    path: list[str] = []
    while name not in path:
        path.append(name)
        name = next(source for source in before[name] if waiting[source])
    return [name, *path[: path.index(name) - 1 : -1]] if path.index(name) else [name, *path[::-1]]


def _check_ends(graph: RawGraph, before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> None:
    for name, node in graph.nodes.items():
        if not before[name] and node.type != "Input":
            raise NetworkError(f"{node}: no edge leads to it")
        if not after[name] and node.type != "Output":
            raise NetworkError(f"{node}: no edge leaves it; expected a path to the output")
        if before[name] and node.type == "Input":
            raise NetworkError(f"{node}: expected no edge into an input, got one from {before[name][0]!r}")
        if after[name] and node.type == "Output":
            raise NetworkError(f"{node}: expected no edge out of an output, got one to {after[name][0]!r}")


def _check_output(build: _Build, end: RawNode, graph: RawGraph, before: Mapping[str, list[str]]) -> None:
    if len(before[end.name]) != 1:
        raise NetworkError(f"{end}: expected one node in front, got {', '.join(before[end.name])}")
    name = before[end.name][0]
    node = graph.nodes[name]
    flat = node.type == "Flatten"
    if flat:
        name = before[name][0]
    if graph.nodes[name].type not in NEURON_TYPES:
        raise NetworkError(
            f"{end}: fed by {graph.nodes[name]}; expected neurons ({', '.join(NEURON_TYPES)}). Export a readout (LI "
            "or I) behind "
            "the last linear node"
        )
    layout = build.layouts[name]
    if flat and min(layout.image[2], layout.image[0] * layout.image[1]) > 1:
        raise NetworkError(
            f"{node}: would reorder the output of shape {layout.exported}; end the network in its neurons"
        )
    got = (layout.size,) if flat else layout.exported
    stated = layout_of(end).shape
    if stated != got:
        raise NetworkError(f"{end}: shape: expected {got}, the shape in front of it, got {stated}")


def _provenance(graph: RawGraph, options: ImportOptions, start: RawNode) -> dict[str, Any]:
    weights = {
        node.name: {"stored": str(node.values["weight"].dtype), **node.metadata}
        for node in graph.nodes.values()
        if "weight" in node.values
    }
    return {
        "format": "nir",
        "format_version": graph.version,
        "dialect": options.dialect,
        "dt_s": options.dt,
        "reset": options.reset,
        "reset_delay": bool(options.reset_delay),
        "threshold_op": options.threshold_op,
        "order": "leak, add input and bias, compare, reset",
        "spike_mode": "single",
        "refractory": "none",
        "synaptic_delay": 0,
        "input_node": start.name,
        "weights": weights,
        "metadata": graph.metadata,
    }
