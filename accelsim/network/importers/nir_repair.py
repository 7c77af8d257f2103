"""One flat graph from what a file holds.

Nested graphs are dissolved, integrators joined with the threshold behind them, and files put right that their tools
wrote wrong. Every repair is told; what has two readings is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.nir_file import MAX_EDGES, MAX_NODES, RawGraph, RawNode

IDENTITY: Final = "Identity"
"""Type of the ends of a nested graph until they are taken out."""

_FIRING: Final = {"LI": "LIF", "I": "IF", "CubaLI": "CubaLIF"}

Edge = tuple[str, str]


@dataclass
class FlatGraph:
    """A graph without nested graphs.

    Attributes
    ----------
    nodes : dict of str to RawNode
        Those of a nested graph are called ``graph.node``.
    edges : list of (str, str)
    version : str
    metadata : dict
    repairs : list of str
        What was put right, for the provenance.
    """

    nodes: dict[str, RawNode]
    edges: list[Edge]
    version: str
    metadata: dict[str, Any]
    repairs: list[str] = field(default_factory=list)

    def neighbours(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Return the nodes before and after each node, in the order of the edges."""
        before: dict[str, list[str]] = {name: [] for name in self.nodes}
        after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in self.edges:
            after[source].append(target)
            before[target].append(source)
        return before, after


def flatten(graph: RawGraph) -> FlatGraph:
    """Return the flat graph of a file.

    Raises
    ------
    NetworkError
        On edges to nowhere, edges stated twice, or a nested graph whose ends are not clear.
    """
    flat = FlatGraph({}, [], graph.version, graph.metadata)
    _collect(flat, graph, "")
    _check_edges(flat)
    _remove_identities(flat)
    _add_ends(flat)
    _join_thresholds(flat)
    return flat


def _collect(flat: FlatGraph, graph: RawGraph, prefix: str) -> None:
    edges = _renamed(flat, graph, prefix)
    names = {name: _inner(prefix, name) for name in graph.nodes}
    ports: dict[str, tuple[list[str], list[str]]] = {}
    for name, node in graph.nodes.items():
        full = names[name]
        if node.graph is not None:
            inner = {key: _inner(full, key) for key in node.graph.nodes}
            ports[name] = (
                [inner[key] for key, item in node.graph.nodes.items() if item.type == "Input"],
                [inner[key] for key, item in node.graph.nodes.items() if item.type == "Output"],
            )
            _collect(flat, node.graph, full)
            continue
        if full in flat.nodes:
            raise NetworkError(f"two nodes are called {full!r} once nested graphs are dissolved")
        kind = IDENTITY if prefix and node.type in {"Input", "Output"} else node.type
        flat.nodes[full] = replace(node, name=full, type=kind)
    for source, target in edges:
        flat.edges.append((_port(names, ports, source, prefix, 1), _port(names, ports, target, prefix, 0)))


def _inner(prefix: str, name: str) -> str:
    """Return the flat name of a node; exporters may have put the graph's name in front already."""
    return name if not prefix or name.startswith(f"{prefix}.") else f"{prefix}.{name}"


def _port(
    names: dict[str, str], ports: dict[str, tuple[list[str], list[str]]], name: str, prefix: str, side: int
) -> str:
    """Return the flat node that an end of an edge means."""
    if name not in ports:
        return names.get(name, _inner(prefix, name))
    found, kind = ports[name][side], ("Input", "Output")[side]
    if len(found) != 1:
        raise NetworkError(f"node {name!r} (NIRGraph): expected exactly one {kind} in it, got {len(found)}")
    return found[0]


def _renamed(flat: FlatGraph, graph: RawGraph, prefix: str) -> list[Edge]:
    """Return the edges; a name that no node has means the one node that no edge names."""
    named = {end for edge in graph.edges for end in edge}
    inner = tuple(f"{name}." for name, node in graph.nodes.items() if node.graph is not None)
    missing = [end for end in sorted(named - set(graph.nodes)) if not end.startswith(inner)]
    idle = [name for name in graph.nodes if name not in named]
    if len(missing) != 1 or len(idle) != 1:
        return graph.edges
    (wrong,), (right,) = missing, idle
    where = f" of graph {prefix!r}" if prefix else ""
    flat.repairs.append(
        f"edges{where} name the missing node {wrong!r}: taken for {right!r}, the only node without an edge"
    )
    meant = {wrong: right}
    return [(meant.get(source, source), meant.get(target, target)) for source, target in graph.edges]


def _check_edges(flat: FlatGraph) -> None:
    seen: set[Edge] = set()
    for source, target in flat.edges:
        for end in (source, target):
            if end not in flat.nodes:
                raise NetworkError(f"edge {source!r} -> {target!r}: node {end!r} does not exist")
        if (source, target) in seen:
            raise NetworkError(f"edge {source!r} -> {target!r}: stated twice")
        seen.add((source, target))


def _remove_identities(flat: FlatGraph) -> None:
    """Join what leads into the ends of nested graphs with what they lead to."""
    ends = [name for name, node in flat.nodes.items() if node.type == IDENTITY]
    if not ends:
        return
    before: dict[str, dict[str, None]] = {name: {} for name in flat.nodes}
    after: dict[str, dict[str, None]] = {name: {} for name in flat.nodes}
    for source, target in flat.edges:
        after[source][target] = before[target][source] = None
    for name in ends:
        sources, targets = before.pop(name), after.pop(name)
        sources.pop(name, None)
        targets.pop(name, None)
        if len(sources) * len(targets) > MAX_EDGES:
            raise NetworkError(f"node {name!r}: joins {len(sources)} to {len(targets)} nodes, the limit is {MAX_EDGES}")
        for source in sources:
            del after[source][name]
            after[source].update(targets)
        for target in targets:
            del before[target][name]
            before[target].update(sources)
        del flat.nodes[name]
    flat.edges = [(source, target) for source, targets in after.items() for target in targets]
    if len(flat.edges) > MAX_EDGES or len(flat.nodes) > MAX_NODES:
        raise NetworkError(f"{len(flat.edges)} edges once nested graphs are dissolved, the limit is {MAX_EDGES}")


def _add_ends(flat: FlatGraph) -> None:
    """Add an Input or Output that the file leaves out, where one node alone can be meant."""
    before, after = flat.neighbours()
    kinds = {node.type for node in flat.nodes.values()}
    if "Input" not in kinds:
        roots = [name for name, sources in before.items() if not sources]
        shape = _input_shape(flat.nodes[roots[0]]) if len(roots) == 1 else None
        if shape is not None:
            _add_end(flat, "Input", shape, roots[0])
    if "Output" not in kinds:
        leaves = [name for name, targets in after.items() if not targets]
        shape = _neuron_shape(flat.nodes[leaves[0]]) if len(leaves) == 1 else None
        if shape is not None:
            _add_end(flat, "Output", shape, leaves[0])


def _add_end(flat: FlatGraph, kind: str, shape: Sequence[int], beside: str) -> None:
    name = kind.lower()
    while name in flat.nodes:
        name += "_"
    flat.nodes[name] = RawNode(name, kind, {"shape": np.array(shape, dtype=np.int64)})
    flat.edges.append((name, beside) if kind == "Input" else (beside, name))
    flat.repairs.append(f"no {kind} node: one of shape {tuple(shape)} added at {flat.nodes[beside]}")


def _input_shape(node: RawNode) -> tuple[int, ...] | None:
    """Return the shape that a first node takes, where its parameters say it."""
    if node.type in {"Linear", "Affine"} and "weight" in node.values:
        weight = node.array("weight")
        return (weight.shape[1],) if weight.ndim == 2 else None
    if node.type in {"Conv1d", "Conv2d"} and "weight" in node.values and "input_shape" in node.values:
        shape = node.values["input_shape"]
        if isinstance(shape, str) or shape.size != (1 if node.type == "Conv1d" else 2):
            return None
        (groups,) = node.integers("groups", 1)
        return (node.array("weight").shape[1] * groups, *node.integers("input_shape", shape.size))
    return _neuron_shape(node)


def _neuron_shape(node: RawNode) -> tuple[int, ...] | None:
    key = {"I": "r", "LI": "tau", "CubaLI": "tau_mem", "Threshold": "threshold"}.get(node.type, "v_threshold")
    value = node.values.get(key)
    shape = getattr(value, "shape", ())
    return tuple(shape) if 1 <= len(shape) <= 3 else None


def _join_thresholds(flat: FlatGraph) -> None:
    """Make one node of an integrator and the Threshold that alone reads it: neurons that fire and do not reset."""
    before, after = flat.neighbours()
    joined: dict[str, str] = {}
    for name, node in list(flat.nodes.items()):
        if node.type != "Threshold" or len(before[name]) != 1:
            continue
        (source,) = before[name]
        integrator = flat.nodes[source]
        if integrator.type not in _FIRING or after[source] != [name]:
            continue
        values = {**integrator.values, "v_threshold": node.array("threshold")}
        flat.nodes[name] = RawNode(name, _FIRING[integrator.type], values, integrator.metadata, without_reset=True)
        joined[source] = name
    for source in joined:
        del flat.nodes[source]
    flat.edges = [(start, joined.get(end, end)) for start, end in flat.edges if start not in joined]
