"""SANA-FE's rules for counts and energy, recomputed from spikes alone.

Nothing of mapping or timing is used: neurons are numbered channel-first, dealt to cores in order (the remainder of a
layer to its last core), four cores to a tile, tiles numbered down the columns of the mesh. A neuron that fires sends
one packet to every core that holds a target of it, also to its own, over ``|dx| + |dy|`` hops, and every synapse,
whatever its weight, is an event. A neuron is updated where its membrane was not zero, an input arrived in the timestep
before, it has a bias, or it fires.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.costs.analytic_models.sanafe_latency import CoreCounts
from accelsim.network.graph import Network, Population
from accelsim.trace.activity import ActivityTrace
from accelsim.validation.sanafe_network import CORES

TILE_CORES: Final = 4
MESH: Final = (8, 4)
"""Tiles in x and y."""

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dealt:
    """The layers on the cores, by source neuron in our numbering over all layers.

    Attributes
    ----------
    first : dict of str to int
        First neuron of each layer.
    core : (neurons,) int64
    pair_ptr, pair_core, pair_events : (neurons + 1,), (n_pairs,), (n_pairs,) int64
        Cores that each neuron reaches and its synapses there.
    hops_x, hops_y : (neurons,) int64
        Sums over a neuron's packets.
    """

    first: dict[str, int]
    core: Int64s
    pair_ptr: Int64s
    pair_core: Int64s
    pair_events: Int64s
    hops_x: Int64s
    hops_y: Int64s

    @property
    def packets(self) -> Int64s:
        """Packets of one spike of each neuron, (neurons,)."""
        return np.diff(self.pair_ptr)


@dataclass(frozen=True, eq=False)
class StepCounts:
    """Totals of every timestep, (timesteps,) int64 each, and the same by core."""

    fired: Int64s
    updated: Int64s
    packets: Int64s
    events: Int64s
    hops_x: Int64s
    hops_y: Int64s
    cores: CoreCounts


def channel_first(population: Population) -> Int64s:
    """Return the channel-first number of every neuron of a population, in our channel-last order."""
    order = np.arange(population.size)
    if len(population.shape) == 1:
        return order
    height, width, channels = population.shape
    return order.reshape(channels, height, width).transpose(1, 2, 0).ravel()


def deal(network: Network) -> Dealt:
    """Put the layers on cores and follow every synapse."""
    names = [name for name in network.populations if name in CORES]
    sizes = [network.populations[name].size for name in names]
    first = dict(zip(names, np.concatenate(([0], np.cumsum(sizes)[:-1])).tolist(), strict=True))
    cores, used = [], 0
    for name in names:
        share = network.populations[name].size // CORES[name]
        cores.append(used + np.minimum(channel_first(network.populations[name]) // share, CORES[name] - 1))
        used += CORES[name]
    core = np.concatenate(cores)
    keys, events = [], []
    for edge in network.projections:
        connection = edge.connection
        source = np.repeat(np.arange(connection.n_source), np.diff(connection.run_ptr)) + first[edge.source]
        for offset in range(connection.run_length):
            key, count = np.unique(
                source * used + core[first[edge.target] + connection.run_start + offset], return_counts=True
            )
            keys.append(key)
            events.append(count)
    key, at = np.unique(np.concatenate(keys), return_inverse=True)
    pair_source, pair_core = np.divmod(key, used)
    tile = np.arange(used) // TILE_CORES
    x, y = tile // MESH[1], tile % MESH[1]
    neurons = int(sum(sizes))

    def hops(place: Int64s) -> Int64s:
        distance = np.abs(place[core[pair_source]] - place[pair_core])
        return np.bincount(pair_source, weights=distance, minlength=neurons).astype(np.int64)

    return Dealt(
        first=first,
        core=core,
        pair_ptr=np.searchsorted(pair_source, np.arange(neurons + 1)).astype(np.int64),
        pair_core=pair_core,
        pair_events=np.bincount(at, weights=np.concatenate(events)).astype(np.int64),
        hops_x=hops(x),
        hops_y=hops(y),
    )


def step_counts(network: Network, trace: ActivityTrace) -> StepCounts:
    """Return the counts of every timestep of a trace's first sample."""
    dealt, steps = deal(network), trace.timesteps
    used, neurons = int(dealt.core.max()) + 1, len(dealt.core)
    when, who = [], []
    updates = np.zeros((steps, used), dtype=np.int64)
    for name, first in dealt.first.items():
        activity, population = trace.populations[name], network.populations[name]
        counts = np.diff(activity.ptr[: steps + 1])
        when.append(np.repeat(np.arange(steps), counts))
        who.append(first + activity.index[: activity.ptr[steps]].astype(np.int64))
        marked = np.unpackbits((activity.touched | activity.nonzero)[:steps], axis=1, count=population.size)
        marked[when[-1], who[-1] - first] = 1
        if population.bias is not None:
            marked[:, population.bias != 0] = 1
        own = dealt.core[first : first + population.size]
        for core in np.unique(own):
            updates[:, core] += marked[:, own == core].sum(axis=1, dtype=np.int64)
    step, neuron = np.concatenate(when), np.concatenate(who)

    def by_core(cores: Int64s, weights: Int64s | None, at: Int64s) -> Int64s:
        found = np.bincount(at * used + cores, weights=weights, minlength=steps * used)
        return found.astype(np.int64).reshape(steps, used)

    packets = dealt.packets[neuron]
    pairs = np.repeat(dealt.pair_ptr[neuron] - np.cumsum(packets) + packets, packets) + np.arange(int(packets.sum()))
    then = np.repeat(step, packets)
    cores = CoreCounts(
        visits=np.tile(np.bincount(dealt.core, minlength=used), (steps, 1)),
        updates=updates,
        spikes=by_core(dealt.core[neuron], None, step),
        sent=by_core(dealt.core[neuron], packets, step),
        received=by_core(dealt.pair_core[pairs], None, then),
        events=by_core(dealt.pair_core[pairs], dealt.pair_events[pairs], then),
    )
    if int(cores.visits[0].sum()) != neurons:
        raise ValueError(f"expected {neurons} neurons on cores, got {int(cores.visits[0].sum())}")

    def total(of_neuron: Int64s) -> Int64s:
        return np.bincount(step, weights=of_neuron[neuron], minlength=steps).astype(np.int64)

    return StepCounts(
        fired=cores.spikes.sum(axis=1),
        updated=updates.sum(axis=1),
        packets=cores.sent.sum(axis=1),
        events=cores.events.sum(axis=1),
        hops_x=total(dealt.hops_x),
        hops_y=total(dealt.hops_y),
        cores=cores,
    )
