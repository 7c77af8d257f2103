"""A network on an array: layer by layer, sample by sample, from the activity trace to cycles and counts.

Layers run one after the other in the order of the network. A population that several projections reach sums them in
turn; its neurons are updated once per timestep. Function comes from the trace, as on a chip: sums and states are not
narrowed to the array's widths, which are priced only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.counters import Counters, Key
from accelsim.errors import MappingError
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Projection
from accelsim.pearray.dataflow import Dataflow
from accelsim.pearray.layer import ArrayLayer, array_layer, repeated
from accelsim.pearray.prices import DRAM, NEURONS
from accelsim.pearray.storage import StoredWeights, stored_spikes, stored_weights
from accelsim.pearray.traffic import CAUSES, Accesses, Operands, count_layer, count_neurons, cycles_of
from accelsim.trace.activity import ActivityTrace, PopulationActivity

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ArrayTiming:
    """What a run counted.

    Attributes
    ----------
    populations : tuple of str
        Without the input, in the order in which they run.
    cycles : (samples, populations, causes) int64
        By :data:`accelsim.pearray.traffic.CAUSES`.
    counts : dict of (component, action) to (samples, populations) int64
    sops, issued : (samples, populations) int64
        Non-zero weights that a spike or a value of the input met, each spike counted, as on a chip and whatever the
        elements make of it; weights added, stored zeros included.
    unfit : tuple of str
        What is taken to lie on chip and does not fit.
    """

    populations: tuple[str, ...]
    cycles: Ints
    counts: dict[Key, Ints]
    sops: Ints
    issued: Ints
    unfit: tuple[str, ...]

    @property
    def total(self) -> Ints:
        """Cycles of every sample."""
        return np.asarray(self.cycles.sum(axis=(1, 2)), dtype=np.int64)

    def counters(self) -> Counters:
        """Return the counts by component and action, all populations together."""
        counters = Counters(len(self.cycles))
        for (component, action), count in self.counts.items():
            counters.add(component, action, count.sum(axis=1))
        return counters


@dataclass(frozen=True, eq=False)
class _Map:
    """Spikes of one population in one sample, as they lie in a buffer."""

    ptr: Ints
    index: Ints
    count: Ints
    bits: int
    value_bits: int


def simulate_array(
    spec: PeArraySpec,
    dataflow: Dataflow,
    network: Network,
    trace: ActivityTrace,
    events: EventStream,
    advance: Callable[[int], None] = lambda _: None,
) -> ArrayTiming:
    """Run the samples of a trace.

    Parameters
    ----------
    spec : PeArraySpec
    dataflow : Dataflow
    network : Network
    trace : ActivityTrace
        Spikes of all populations.
    events : EventStream
        The input, for the kind and width of its values.
    advance : callable
        Called with 1 after every sample.

    Raises
    ------
    MappingError
        If a layer is no matrix product, values or counts meet elements that cannot multiply, or a network recurs on an
        array that runs all timesteps of a layer together.
    """
    names = tuple(name for name in network.order if network.incoming(name))
    require_runnable(spec, network, events)
    weights = {edge.name: _weights(spec, edge) for edge in network.projections}
    shape = (trace.samples, len(names))
    cycles = np.zeros((*shape, len(CAUSES)), dtype=np.int64)
    counts: dict[Key, Ints] = {}
    sops, issued = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    unfit: dict[str, None] = {}
    inputs = set(network.populations) - set(names)
    for sample in range(trace.samples):
        maps = {name: _map(spec, network, trace, events, name, sample) for name in trace.populations}
        outside = set(inputs)  # what still has to come from DRAM
        for at, name in enumerate(names):
            accesses, elements, updates = Accesses(), 0, 0
            for edge in network.incoming(name):
                layer, multiplied, met = _layer(spec, dataflow, edge, maps[edge.source], trace.timesteps)
                work = dataflow.work(layer)
                source = maps[edge.source]
                width = edge.connection.bits
                moved = Operands(source.bits, weights[edge.name], width, max(1, source.value_bits), multiplied)
                for key, number in count_layer(spec, layer.shape, work, moved).counts.items():
                    accesses.add(*key, number)
                elements += work.cycles
                updates = dataflow.update_cycles(layer.shape)
                sops[sample, at] += met
                issued[sample, at] += work.additions
            _finish(spec, dataflow, network, name, maps, accesses, unfit, outside)
            cycles[sample, at] = cycles_of(spec, accesses.counts, elements, updates)
            for key, number in accesses.counts.items():
                counts.setdefault(key, np.zeros(shape, dtype=np.int64))[sample, at] += number
        advance(1)
    return ArrayTiming(names, cycles, counts, sops, issued, tuple(unfit))


def _finish(
    spec: PeArraySpec, dataflow: Dataflow, network: Network, name: str, maps: dict[str, _Map], accesses: Accesses,
    unfit: dict[str, None], outside: set[str],
) -> None:  # fmt: skip
    """Add a population's updates, states and outputs, and what does not fit on chip."""
    population, own = network.populations[name], maps[name]
    timesteps = len(own.ptr) - 1
    if population.model is not None:
        each, visits = population.model.operations(), population.size * timesteps
        accesses.add(NEURONS, "add", visits * each.additions)
        accesses.add(NEURONS, "multiply", visits * each.multiplications)
        accesses.add(NEURONS, "compare", visits * each.comparisons)
    count_neurons(spec, dataflow, population.size, timesteps, own.bits, accesses)
    inputs = spec.storage.buffers[spec.storage.inputs]
    sources = {edge.source for edge in network.incoming(name)}
    arriving = sum(maps[source].bits for source in sources & outside)
    outside -= sources
    accesses.add(DRAM, "bit", arriving)
    accesses.add(spec.storage.inputs, "write", -(-arriving // inputs.width))
    steps = timesteps if spec.order == "timestep" else 1
    needed = -(-sum(maps[each].bits for each in sources | {name}) // steps)
    room = inputs.capacity
    if needed > room:
        if spec.storage.activations == "spill":
            accesses.add(DRAM, "bit", 2 * own.bits)
        else:
            unfit[f"{name}: spikes in and out are taken to lie in {spec.storage.inputs} and do not always fit"] = None
    if not dataflow.whole_layer:
        _states(spec, network, population.size, timesteps, accesses, unfit)


def _states(
    spec: PeArraySpec, network: Network, neurons: int, timesteps: int, accesses: Accesses, unfit: dict[str, None]
) -> None:
    """Add what membranes that do not fit on chip move: those of all layers have to wait with ``order: timestep``."""
    waiting = network.neurons if spec.order == "timestep" else neurons
    if waiting * spec.neurons.state_bits <= spec.storage.buffers[spec.storage.sums].capacity:
        return
    if spec.storage.activations == "spill":
        accesses.add(DRAM, "bit", 2 * timesteps * neurons * spec.neurons.state_bits)
    else:
        unfit[f"membranes of {waiting} neurons are taken to lie in {spec.storage.sums} and do not fit"] = None


def require_runnable(spec: PeArraySpec, network: Network, events: EventStream) -> None:
    """Raise MappingError if a network recurs on an array that cannot, or values meet elements that do not multiply."""
    depth = network.depth
    for edge in network.projections:
        back = edge.delay > 0 and depth[edge.target] <= depth[edge.source]
        if back and spec.order == "layer":
            raise MappingError(
                f"projection {edge.name}: a network that recurs cannot run all timesteps of a layer before the next; "
                "set order: timestep"
            )
    if events.kind != "spikes" and not spec.elements.multiplies:
        raise MappingError(f"the input has values ({events.kind}), elements.multiplies is false: encode it as spikes")


def _weights(spec: PeArraySpec, edge: Projection) -> StoredWeights:
    shape, rows = edge.connection.shape, edge.connection.rows
    if rows.shape != (shape.groups * shape.window, shape.filters):
        raise MappingError(f"{edge.name}: expected a dense layer or a convolution, got rows of shape {rows.shape}")
    nonzero = (rows != 0).reshape(shape.groups, shape.window, shape.filters)
    return stored_weights(nonzero, edge.connection.bits, spec.formats)


def _map(
    spec: PeArraySpec, network: Network, trace: ActivityTrace, events: EventStream, name: str, sample: int
) -> _Map:
    activity: PopulationActivity = trace.populations[name]
    first = sample * trace.timesteps
    ptr = activity.ptr[first : first + trace.timesteps + 1]
    index = activity.index[ptr[0] : ptr[-1]].astype(np.int64)
    count = activity.counts[ptr[0] : ptr[-1]]
    ptr = np.asarray(ptr - ptr[0], dtype=np.int64)
    population = network.populations[name]
    dense = np.zeros((trace.timesteps, population.size), dtype=np.int64)
    np.add.at(dense, (np.repeat(np.arange(trace.timesteps), np.diff(ptr)), index), count)
    value_bits = 0
    if population.model is None and events.kind != "spikes":
        value_bits = events.value_bits
    elif dense.size and dense.max() > 1:
        value_bits = int(dense.max()).bit_length()
    return _Map(ptr, index, count, stored_spikes(dense, spec.formats, value_bits).bits, value_bits)


def _layer(
    spec: PeArraySpec, dataflow: Dataflow, edge: Projection, source: _Map, timesteps: int
) -> tuple[ArrayLayer, bool, int]:
    """Return a projection with the spikes that it sees, whether its products are multiplications, and its SOPs."""
    delay = min(edge.delay, timesteps)
    ptr = np.concatenate((np.zeros(delay, np.int64), source.ptr[: timesteps + 1 - delay]))
    layer = array_layer(edge.name, edge.connection, ptr, source.index, source.count)
    valued = bool(source.value_bits) or bool(layer.spikes.size and layer.spikes.max() > 1)
    if not valued:
        return layer, False, layer.effective
    if spec.elements.multiplies:
        ones = np.minimum(layer.spikes, 1)
        return ArrayLayer(layer.shape, ones, layer.nonzero), True, layer.effective
    return (layer if dataflow.repeats else repeated(layer)), False, layer.effective
