"""From raw NIR nodes to populations and projections.

Neuron nodes become populations; the linear nodes on each path between two of them become one projection, or one per
delay. Several paths into one neuron node add their currents. Cycles are recurrence. Refused, naming the node: unknown
node types, several inputs or outputs, nodes that lead nowhere, and a network that does not end in neurons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.dense import dense
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.dialects.dialect import DIALECTS, NEURON_TYPES, Dialect, Site
from accelsim.network.importers.layout import Layout, layout_of
from accelsim.network.importers.nir_chain import LINEAR_TYPES, Chain
from accelsim.network.importers.nir_checks import check_graph, check_output, defaults_taken
from accelsim.network.importers.nir_file import RawGraph, RawNode
from accelsim.network.importers.nir_paths import Path, leads_back, paths_into
from accelsim.network.importers.nir_repair import FlatGraph, flatten
from accelsim.network.importers.options import Choices, ImportOptions
from accelsim.neurons.threshold import Threshold

Floats = npt.NDArray[np.float64]

KNOWN_TYPES = tuple(sorted({"Input", "Output", *LINEAR_TYPES, *NEURON_TYPES}))


@dataclass
class _Build:
    """What is known and made so far."""

    graph: FlatGraph
    dialect: type[Dialect]
    choices: Choices
    paths: dict[str, list[Path]]
    layouts: dict[str, Layout] = field(default_factory=dict)
    populations: dict[str, Population] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    meanings: dict[str, str] = field(default_factory=dict)
    recurrent: list[str] = field(default_factory=list)
    chains: dict[Path, Chain] = field(default_factory=dict)

    def chain(self, path: Path) -> Chain:
        """Return the chain of a path, with the biases that belong to it."""
        if path in self.chains:
            return self.chains[path]
        chain = self.chains[path] = Chain(self.layouts[path.source], self.choices.dt)
        for node, counted in zip(path.nodes, path.counted, strict=True):
            chain.add(node, bias=counted)
        for repair in chain.repairs:
            if repair not in self.graph.repairs:
                self.graph.repairs.append(repair)
        return chain


def build_network(raw: RawGraph, options: ImportOptions, name: str) -> Network:
    """Return the float32 network of a raw graph.

    Raises
    ------
    NetworkError
        Naming the node that cannot be represented.
    """
    dialect = DIALECTS.get(str(options.dialect))
    graph = flatten(raw)
    choices = dialect.settle(options, raw.metadata, list(graph.nodes.values()))
    start, end = check_graph(graph, KNOWN_TYPES)
    if dialect.input_beside_recurrence:
        _lead_past_recurrence(graph)
    before, _ = graph.neighbours()
    neurons = [node for node in graph.nodes.values() if node.type in NEURON_TYPES]
    build = _Build(graph, dialect, choices, {node.name: paths_into(node.name, graph.nodes, before) for node in neurons})
    build.layouts[start.name] = layout_of(start)
    order = _find_layouts(build, neurons)
    back = leads_back(start.name, _reach(build, start.name, order))
    build.populations[start.name] = Population(start.name, build.layouts[start.name].population, None)
    last = check_output(graph, end, build.layouts, before, NEURON_TYPES)
    for node in [*(item for item in order if item.name != last), graph.nodes[last]]:
        _add_population(build, node, back)
    graph.repairs.extend(defaults_taken(order, build.layouts))
    return Network(
        name=name,
        populations=build.populations,
        projections=tuple(build.projections),
        dt=choices.dt,
        provenance=_provenance(build, start),
    )


def _find_layouts(build: _Build, neurons: Sequence[RawNode]) -> list[RawNode]:
    """Find the shape of every neuron node from the paths whose source is known; return the nodes in that order."""
    order: list[RawNode] = []
    missing = {node.name: node for node in neurons}
    while missing:
        found = {}
        for name in missing:
            ready = [path for path in build.paths[name] if path.source in build.layouts]
            if ready:
                layouts = [build.chain(path).layout for path in ready]
                # A layout that remembers a shape behind a flatten says more than the flat one.
                found[name] = next((item for item in layouts if item.view is not None), layouts[0])
        if not found:
            node = next(iter(missing.values()))
            raise NetworkError(f"{node}: no path leads from the input to it")
        build.layouts.update(found)
        order += [missing.pop(name) for name in found]
    return order


def _reach(build: _Build, start: str, order: Sequence[RawNode]) -> dict[str, list[str]]:
    """Return, by population, the populations that it reaches without a delay."""
    after: dict[str, list[str]] = {start: [], **{node.name: [] for node in order}}
    for node in order:
        for path in build.paths[node.name]:
            parts = build.chain(path).weights(str(node), None)
            if int(parts.source_delay.min() + parts.target_delay.min()) == 0 and node.name not in after[path.source]:
                after[path.source].append(node.name)
    return after


def _add_population(build: _Build, node: RawNode, back: set[tuple[str, str]]) -> None:
    layout, paths = build.layouts[node.name], build.paths[node.name]
    site = Site(node, layout, build.choices, any(path.source == node.name for path in paths))
    neurons = build.dialect.checked(site)
    build.meanings[node.name] = neurons.meaning
    gain = neurons.gain
    constant: dict[int, Floats] = {0: np.zeros(layout.size)}
    if neurons.offset is not None:
        constant[0] += neurons.offset
    for path in paths:
        chain = build.chain(path)
        if chain.layout.exported != layout.exported:
            by = path.nodes[-1] if path.nodes else repr(path.source)
            raise NetworkError(
                f"{node}: inputs of different shapes: {layout.exported}, and {chain.layout.exported} from {by}"
            )
        late = int((path.source, node.name) in back)
        try:
            scale = None if gain is None else _in_order(gain, layout, chain.layout)
            parts = chain.weights(str(node), scale).connections(layout)
        except NetworkError as error:
            text = str(error)
            where = path.nodes[-1] if path.nodes else node
            raise NetworkError(text if text.startswith("node ") else f"{where}: {text}") from None
        for delay, connection in parts:
            waits = delay + (late if delay == 0 else 0)
            build.projections.append(Projection(path.source, node.name, connection, path.names, delay=waits))
        if late:
            build.recurrent.append(f"{path.source}->{node.name}")
        for begin, bias in chain.biases.items():
            at = begin + (late if build.dialect.late_bias else 0)
            value = _in_order(bias, chain.layout, layout) * (1.0 if gain is None else gain)
            constant[at] = constant.get(at, np.zeros(layout.size)) + value
    steady = constant.pop(0).astype(np.float32)
    stored = steady if steady.any() else None
    for begin, value in constant.items():
        _add_late_bias(build, node, begin, value)
    build.populations[node.name] = Population(node.name, layout.population, neurons.model, stored, np.ones(layout.size))


def _in_order(values: Floats, given: Layout, wanted: Layout) -> Floats:
    """Return values of ``given``'s neurons in the order of ``wanted``'s."""
    if given.shape == wanted.shape:
        return values
    exported = np.empty(values.size)
    exported[given.to_neurons(np.arange(values.size).reshape(given.exported))] = values
    ordered: Floats = wanted.to_neurons(exported.reshape(wanted.exported))
    return ordered


def _add_late_bias(build: _Build, node: RawNode, begin: int, value: Floats) -> None:
    """Add a bias that begins at timestep ``begin``: a neuron that always fires, behind that delay."""
    if not value.any():
        return
    source = f"{node.name}.bias{begin}"
    while source in build.graph.nodes or source in build.populations:
        source += "_"
    always = Threshold(np.zeros(1, dtype=np.float32), ">")
    one = np.ones(1, dtype=np.float32)
    build.populations[source] = Population(source, (1,), always, one, np.ones(1))
    connection = dense(value.astype(np.float32)[:, None])
    build.projections.append(Projection(source, node.name, connection, (), delay=begin))
    build.meanings[source] = f"fires in every timestep: the bias of {node.name!r} that begins at timestep {begin}"


def _lead_past_recurrence(graph: FlatGraph) -> None:
    """Lead what enters recurrent weights beside their neurons into these neurons."""
    before, after = graph.neighbours()
    for name, node in graph.nodes.items():
        if node.type not in {"Linear", "Affine"} or len(after[name]) != 1:
            continue
        (neurons,) = after[name]
        if graph.nodes[neurons].type not in NEURON_TYPES or neurons not in before[name]:
            continue
        for source in [item for item in before[name] if item != neurons]:
            graph.edges[graph.edges.index((source, name))] = (source, neurons)
            graph.repairs.append(f"{source!r} leads into the recurrent weights {name!r}: taken to lead to {neurons!r}")


def _provenance(build: _Build, start: RawNode) -> dict[str, Any]:
    graph, choices = build.graph, build.choices
    weights = {
        node.name: {"stored": str(node.values["weight"].dtype), **node.metadata}
        for node in graph.nodes.values()
        if "weight" in node.values
    }
    orders = set(build.meanings.values())
    return {
        "format": "nir",
        "format_version": graph.version,
        "dialect": choices.dialect,
        "dt_s": choices.dt,
        "reset": choices.reset,
        "reset_delay": bool(choices.reset_delay),
        "threshold_op": choices.threshold_op,
        "order": next(iter(orders)) if len(orders) == 1 else "by node, see neurons",
        "spike_mode": choices.spike_mode or "single",
        "refractory": choices.refractory or "none",
        "choices": {key: {"value": choices.values[key], "from": origin} for key, origin in choices.source.items()},
        "repairs": [
            *(f"repaired: {text}" for text in graph.repairs),
            *(f"left out: {text}" for text in choices.unused),
        ],
        "neurons": build.meanings,
        "recurrent": list(dict.fromkeys(build.recurrent)),
        "input_node": start.name,
        "weights": weights,
        "metadata": graph.metadata,
    }
