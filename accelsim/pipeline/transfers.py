"""What layer-serial execution moves from and to DRAM, in closed form.

Per group and window: its load (weights, axon and routing tables, and before the first window of a sample the exported
biases), the states that earlier windows left, the spikes of earlier groups; afterwards its states, where a later window
needs them, and the spikes that later groups read. A buffered spike is the number of its neuron, ceil(log2(n)) bit, and
every timestep has one such word as its end. A transfer takes the channel's latency and bits / bandwidth.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.hardware.layer_serial_spec import DramChannelSpec
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.groups import Group, held_bits
from accelsim.network.graph import Network
from accelsim.trace.activity import ActivityTrace

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Words:
    """State words of a group by core, (words of membranes, of pending accumulators), and bits of both and of biases."""

    by_core: dict[int, tuple[int, int]]
    bits: int
    bias_bits: int


@dataclass(frozen=True, eq=False)
class Transfers:
    """Bits of one group, (samples, windows) each: its load, what else comes in, and what goes out."""

    load: Int64s
    enter: Int64s
    leave: Int64s
    words: Words


def state_words(group: Group, chip: ChipSpec) -> Words:
    """Return the state that a group has to keep between windows.

    Accumulators are pending where a spike arrives one or more timesteps after it was sent.
    """
    network, layout = group.section.network, group.mapping.layout
    by_core: dict[int, tuple[int, int]] = {}
    bits = bias_bits = 0
    for part in group.mapping.parts:
        if part.terminal >= group.mapping.cores:
            continue
        population, core = network.populations[part.population], layout.of(part.terminal)
        pending = max((edge.delay + chip.edge_delay for edge in network.incoming(part.population)), default=0)
        size = len(part.neurons)
        membranes = -(-size // part.membranes_per_word) * part.words_per_membrane
        sums = -(-size // part.accumulators_per_word) * pending
        known = by_core.get(part.terminal, (0, 0))
        by_core[part.terminal] = (known[0] + membranes, known[1] + sums)
        bits += membranes * core.membrane.memory.width + sums * core.accumulator.memory.width
        if population.bias is not None and population.bias.any():
            bias_bits += membranes * core.membrane.memory.width
    return Words(by_core, bits, bias_bits)


def transfers(network: Network, group: Group, chip: ChipSpec, trace: ActivityTrace, length: int) -> Transfers:
    """Return what a group moves; ``trace`` is the whole network's."""
    windows = trace.timesteps // length
    words = state_words(group, chip)
    load = np.full((trace.samples, windows), sum(held_bits(group, chip).values()), np.int64)
    load[:, 0] += words.bias_bits
    enter, leave = np.zeros_like(load), np.zeros_like(load)
    enter[:, 1:] += words.bits
    leave[:, :-1] += words.bits
    for name in group.section.sources:
        if name != network.input.name:
            enter += _spike_bits(network, name, trace, length)
    for name, (first, last) in group.section.pieces.items():
        if any(edge.target not in group.section.pieces for edge in network.outgoing(name)):
            leave += _spike_bits(network, name, trace, length, first, last)
    return Transfers(load, enter, leave, words)


def _spike_bits(
    network: Network, name: str, trace: ActivityTrace, length: int, first: int = 0, last: int | None = None
) -> Int64s:
    activity, size = trace.populations[name], network.populations[name].size
    inside = (activity.index >= first) & (activity.index < (size if last is None else last))
    spikes = activity.summed(activity.counts * inside).reshape(trace.samples, -1, length).sum(axis=2)
    return np.asarray((spikes + length) * max(1, (size - 1).bit_length()), np.int64)


def transfer_cycles(bits: Int64s, dram: DramChannelSpec, clock: float) -> Int64s:
    """Return the cycles of transfers; none takes none."""
    latency = math.ceil(round(dram.latency * clock, 9))
    moved = np.ceil(np.round(bits * (clock / dram.bandwidth), 9)).astype(np.int64)
    return np.where(bits > 0, latency + moved, 0)
