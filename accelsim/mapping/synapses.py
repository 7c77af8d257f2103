"""From parts to axons: every (source neuron, core) pair that a packet joins, with the cost of its rows.

All projections of a source neuron into one core share an axon: one packet, then the rows of every projection, each
into the slot that its wait asks for. A packet with a value passes ``mac_lanes`` instead of ``synapse_lanes``. A port
that loads biases sends one packet per bias, which the core writes beside the membrane in one cycle. Outputs go to the
output ports in turn.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.hardware.cores import Cores
from accelsim.hardware.spec import ChipSpec, CoreSpec
from accelsim.mapping.axons import COST_FIELDS, AxonBuilder, Axons, Entries, records_of
from accelsim.mapping.kernels import RowEngine, row_costs, sum_rows
from accelsim.mapping.parts import Draft, ports_of
from accelsim.mapping.patterns import Patterns
from accelsim.mapping.storage import Held, StoredRows
from accelsim.network.events import Kind
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.model import MOST_SPIKES


def packet_flits(chip: ChipSpec, cores: Cores, payload: int) -> int:
    """Return the flits of a packet: destination and axon number, or the key of a tree, and ``payload`` bits."""
    return -(-(address_bits(chip, cores) + payload) // chip.noc.flit_bits)


def address_bits(chip: ChipSpec, cores: Cores) -> int:
    """Return the bits that name a destination and an axon in the largest axon memory; with multicast, of the key."""
    if chip.noc.multicast is not None:
        return chip.noc.multicast.key_bits
    terminals = cores.count + len(chip.ports)
    entries = int(cores.each(lambda core: core.axon_memory.entries).max())
    return (terminals - 1).bit_length() + max(1, entries - 1).bit_length()


def value_widths(network: Network, chip: ChipSpec, kind: Kind, value_bits: int) -> dict[str, int]:
    """Return the width of the value in the packets of every population whose packets carry one, bit.

    Parameters
    ----------
    network, chip
    kind : {"spikes", "graded", "bias_current"}
    value_bits : int
        Width of the values of graded input.
    """
    widths = {network.input.name: value_bits} if kind == "graded" else {}
    if chip.core.multi_spike == "graded":
        for name, population in network.populations.items():
            if population.model is not None and population.model.most_spikes != 1:
                widths[name] = (population.model.most_spikes or MOST_SPIKES).bit_length()
    return widths


def build_axons(
    network: Network,
    chip: ChipSpec,
    cores: Cores,
    plan: Draft,
    widths: dict[str, int],
    leaving: frozenset[str],
) -> Axons:
    """Return the axons of a drafted network, in logical terminals.

    Parameters
    ----------
    network, chip, cores
    plan : Draft
    widths : dict of str to int
        See :func:`value_widths`.
    leaving : frozenset of str
        Populations that send to the output ports.
    """
    lookup = np.zeros(cores.count + len(chip.ports), np.int64)
    lookup[: cores.count] = cores.each(lambda core: core.timing.axon_in_cycles)
    builder = AxonBuilder(lookup)
    for name, population in network.populations.items():
        if name == network.input.name and plan.load_target is not None:
            loaded = network.populations[plan.load_target]
            builder.add(loaded.size, [_loads(chip, cores, plan, loaded, integer=network.integer)])
            continue
        if population.size == 0:
            continue
        flits = packet_flits(chip, cores, widths.get(name, 0))
        entries = [_rows(cores, plan, edge, flits, graded=name in widths) for edge in network.outgoing(name)]
        if name in leaving and ports_of(chip, "output", plan.cores):
            entries.append(_outputs(network, population, chip, cores, plan, widths.get(name, 0)))
        builder.add(population.size, entries)
    return builder.build()


def _rows(cores: Cores, plan: Draft, edge: Projection, flits: int, *, graded: bool) -> Entries:
    """Return what the source neurons of a projection activate in the parts of its target."""
    connection = edge.connection
    parts = plan.parts_of(edge.target)
    kinds = [cores.name(part.terminal) for part in parts]
    engines = [
        _engine(cores.kinds[kind], part.accumulators_per_word, graded=graded)
        for kind, part in zip(kinds, parts, strict=True)
    ]
    modulo = np.array([engine.per_word * engine.state_banks for engine in engines], np.int64)
    patterns, held = plan.pieces(edge, modulo)
    rows = {kind: plan.models[kind].incoming[edge.name] for kind in kinds}
    stored = rows[kinds[0]]
    cell, records = _records([rows[kind] for kind in kinds], patterns, held, engines)
    ends, entry, sums = sum_rows(
        connection.run_ptr,
        connection.run_row,
        connection.run_start,
        patterns.class_of,
        patterns.ptr,
        patterns.part,
        cell,
        records,
        len(parts),
        COST_FIELDS.index("issued" if stored.adds_zeros else "sops"),
    )
    entry[:, 0] = np.array([part.terminal for part in parts], np.int32)[entry[:, 0]]
    return Entries(ends, entry, records_of(flits, sums, macs=graded))


def _engine(core: CoreSpec, per_word: int, *, graded: bool) -> RowEngine:
    """Return the synapse engine of a kind of core as the rows of a population see it."""
    memory = core.accumulator.memory
    lanes = core.mac_lanes if graded else core.synapse_lanes
    banks = (core.synapse_memory.banks, memory.banks)
    return RowEngine(lanes, *banks, per_word, memory.rmw_slots, core.timing.synapse_cycles)


def _records(
    stores: Sequence[StoredRows], patterns: Patterns, held: Held, engines: Sequence[RowEngine]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the costs of all rows in all pieces, equal pieces once: record of (n_pieces, n_rows), (n_records, 8).

    Parts with the same store and engine are alike; both are given by part.
    """
    known: dict[tuple[int, RowEngine], int] = {}
    pairs = enumerate(zip(stores, engines, strict=True))
    alike = [known.setdefault((id(rows), engine), part) for part, (rows, engine) in pairs]
    cell = np.full(held.number.shape, -1, np.int32)
    records: list[npt.NDArray[np.int32]] = [np.empty((0, len(COST_FIELDS)), np.int32)]
    filled = 0
    kinds = np.stack([patterns.pattern, patterns.phase, np.array(alike)[patterns.part]], axis=1)
    order = np.lexsort(kinds.T)
    borders = np.flatnonzero((np.diff(kinds[order], axis=0) != 0).any(axis=1)) + 1
    for pieces in np.split(order, borders) if len(order) else []:
        offsets, phase = patterns.offsets[patterns.pattern[pieces[0]]], int(patterns.phase[pieces[0]])
        stored, engine = stores[patterns.part[pieces[0]]], engines[patterns.part[pieces[0]]]
        numbers = held.number[pieces]
        for number in np.unique(numbers[numbers >= 0]).tolist():
            mine = numbers == number
            chosen = np.flatnonzero(mine.any(axis=0))
            kept = held.kept[number]
            out = np.empty((len(chosen), len(COST_FIELDS)), np.int32)
            position = np.searchsorted(kept, offsets).astype(np.int32)
            words = stored.words(kept)[chosen]
            rows = stored.connection.rows
            for place, cut in stored.chunks(chosen, kept):
                takes = stored.takes(cut)
                row_costs(rows, chosen[place], offsets, position, takes, phase, words[place], engine, out[place])
            names = np.full(len(rows), -1, np.int32)
            names[chosen] = np.arange(filled, filled + len(chosen))
            cell[pieces] = np.where(mine, names, cell[pieces])
            records.append(out)
            filled += len(chosen)
    return cell, np.concatenate(records)


def _fixed(terminal: npt.NDArray[np.int32], records: npt.NDArray[Any], number: npt.NDArray[np.int64]) -> Entries:
    """Return one entry per neuron, each with its terminal and the number of its record."""
    ptr = np.arange(len(terminal) + 1, dtype=np.int64)
    return Entries(ptr, np.stack([terminal, number], axis=1).astype(np.int32), records)


def _fixed_costs(cycles: list[int]) -> npt.NDArray[np.int32]:
    costs = np.zeros((len(cycles), len(COST_FIELDS)), dtype=np.int32)
    costs[:, COST_FIELDS.index("cycles")] = costs[:, COST_FIELDS.index("ideal")] = cycles
    return costs


def _loads(chip: ChipSpec, cores: Cores, plan: Draft, loaded: Population, *, integer: bool) -> Entries:
    terminal = np.zeros(loaded.size, np.int32)
    for part in plan.parts:
        if part.population == loaded.name:
            terminal[part.neurons] = part.terminal
    flits = packet_flits(chip, cores, chip.core.accumulator.bits if integer else 32)
    records = records_of(flits, _fixed_costs([1]), loads=True)
    return _fixed(terminal, records, np.zeros(loaded.size, np.int64))


def _outputs(
    network: Network, output: Population, chip: ChipSpec, cores: Cores, plan: Draft, spike_bits: int
) -> Entries:
    readout = output.model is not None and not output.model.spiking
    value_bits = chip.core.membrane.bits if network.integer else 32
    flits = packet_flits(chip, cores, value_bits if readout else spike_bits)
    ports = np.array(ports_of(chip, "output", plan.cores), np.int32)
    number = np.arange(output.size) % len(ports)
    costs = _fixed_costs([chip.ports[terminal - plan.cores].cycles_per_event for terminal in ports.tolist()])
    return _fixed(ports[number], records_of(flits, costs), number)
