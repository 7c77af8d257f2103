"""Checks of a flat graph: its ends, its nodes that lead nowhere, and what stands in front of its output."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.layout import Layout, layout_of
from accelsim.network.importers.nir_file import RawNode
from accelsim.network.importers.nir_repair import FlatGraph


def check_graph(graph: FlatGraph, known: Sequence[str]) -> tuple[RawNode, RawNode]:
    """Return the Input and the Output node.

    Raises
    ------
    NetworkError
        On a node of another type, several inputs or outputs, and nodes that lead nowhere.
    """
    for node in graph.nodes.values():
        if node.type not in known:
            raise NetworkError(f"{node}: not a node type that can be represented. Known: {', '.join(known)}")
    start, end = _only(graph, "Input"), _only(graph, "Output")
    before, after = graph.neighbours()
    for name, node in graph.nodes.items():
        if not before[name] and node.type != "Input":
            raise NetworkError(f"{node}: no edge leads to it")
        if not after[name] and node.type != "Output":
            raise NetworkError(f"{node}: no edge leaves it; expected a path to the output")
        if before[name] and node.type == "Input":
            raise NetworkError(f"{node}: expected no edge into an input, got one from {before[name][0]!r}")
        if after[name] and node.type == "Output":
            raise NetworkError(f"{node}: expected no edge out of an output, got one to {after[name][0]!r}")
    return start, end


def _only(graph: FlatGraph, kind: str) -> RawNode:
    found = [node for node in graph.nodes.values() if node.type == kind]
    if len(found) != 1:
        names = ", ".join(repr(node.name) for node in found) or "none"
        raise NetworkError(f"expected exactly one node of type {kind}, got {names}")
    return found[0]


def check_output(
    graph: FlatGraph,
    end: RawNode,
    layouts: Mapping[str, Layout],
    before: Mapping[str, Sequence[str]],
    neurons: Collection[str],
) -> str:
    """Return the name of the neuron node that the output reads.

    Raises
    ------
    NetworkError
        If it reads several nodes or no neurons, or states another shape.
    """
    if len(before[end.name]) != 1:
        raise NetworkError(f"{end}: expected one node in front, got {', '.join(before[end.name])}")
    name = before[end.name][0]
    node = graph.nodes[name]
    flat = node.type == "Flatten"
    if flat:
        if len(before[name]) != 1:
            raise NetworkError(f"{node}: expected one node in front, got {', '.join(before[name])}")
        name = before[name][0]
    if graph.nodes[name].type not in neurons:
        raise NetworkError(
            f"{end}: fed by {graph.nodes[name]}; expected neurons ({', '.join(neurons)}). Export a readout (LI or I) "
            "behind the last linear node"
        )
    layout = layouts[name]
    if flat and min(layout.image[2], layout.image[0] * layout.image[1]) > 1:
        raise NetworkError(
            f"{node}: would reorder the output of shape {layout.exported}; end the network in its neurons"
        )
    got = (layout.size,) if flat else layout.exported
    if end.implied:
        return name
    stated = tuple(int(item) for item in np.asarray(end.values["shape"]).ravel()) if _is_ones(end, layout) else None
    if stated is None:
        stated = layout_of(end).shape
    elif stated != got:
        graph.repairs.append(f"{end}: shape {stated} taken for {got}: one value")
        return name
    if stated != got:
        raise NetworkError(f"{end}: shape: expected {got}, the shape in front of it, got {stated}")
    return name


def defaults_taken(neurons: Sequence[RawNode], layouts: Mapping[str, Layout]) -> list[str]:
    """Return what neuron nodes leave to be filled in: a ``v_reset`` of zero, one value for all neurons."""
    told = []
    resets = [node for node in neurons if node.type in {"IF", "LIF", "CubaLIF"} and not node.without_reset]
    missing = [node.name for node in resets if "v_reset" not in node.values]
    if missing:
        told.append(f"no v_reset (nir before 1.0.5): taken for 0 in {', '.join(map(repr, missing))}")
    for node in neurons:
        shapes = {key: getattr(value, "shape", None) for key, value in node.values.items()}
        single = [key for key, shape in shapes.items() if shape in {(), (1,)}]
        if single and layouts[node.name].size > 1:
            told.append(f"{node}: one value of {', '.join(single)} taken for all {layouts[node.name].size} neurons")
    return told


def _is_ones(end: RawNode, layout: Layout) -> bool:
    """Tell whether the output states nothing but ones, however many, for one value."""
    shape = end.array("shape").ravel()
    return layout.size == 1 and 1 <= shape.size <= 8 and bool((shape == 1).all())
