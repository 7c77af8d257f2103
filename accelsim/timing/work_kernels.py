"""Kernels that turn the activity of one step into bursts of the neuron engines."""

from typing import Any

import numpy as np

from accelsim.kernels import inlined, kernel, loop_kernel

ACTIVE_ONLY, EVERY, EVERY_UPDATE = 0, 1, 2
"""What is scanned: neurons with input, state or bias; every one, of which those are updated; every one updated."""


@inlined
def _words(banks: Any, bank: int, group: int) -> int:
    """Count one more word of a bank in a group, and return how many it has; ``banks`` holds group << 16 | words."""
    held = (banks[bank] & 0xFFFF if banks[bank] >> 16 == group else 0) + 1
    banks[bank] = group << 16 | held
    return held


@inlined
def _state_words(banks: Any, first: int, span: int, modulo: int, group: int) -> int:
    """Count the words of a neuron's state, in consecutive banks; return the most that one of these has."""
    most = _words(banks, first, group)
    for further in range(1, span):
        most = max(most, _words(banks, (first + further) % modulo, group))
    return most


@inlined
def _fire(tables: Any, scratch: Any, own: Any, neuron: int, source: int) -> int:
    """List a fired neuron of a slice as often as it sends, from ``source`` on; return how often."""
    population = tables.populations[own.population]
    sent = scratch.copies[8 * population.fired_base + neuron] if population.repeats else 1
    for at in range(source, source + sent):
        scratch.fired[at] = own.number + neuron
    return sent


@inlined
def _row(tables: Any, own: Any, sample: int, step: int) -> int:
    """Return the timestep that a population executes in a step, numbered over all samples, or -1 if it has none."""
    passed = step - own.depth
    if passed < 0 or passed % tables.period != 0:
        return -1
    passed //= tables.period
    sample += passed // tables.interval
    timestep = passed % tables.interval
    if timestep >= tables.timesteps or sample >= tables.samples:
        return -1
    return sample * tables.timesteps + timestep  # type: ignore[no-any-return]


@inlined
def _mark(tables: Any, scratch: Any, own: Any, first: int, last: int) -> None:
    """Mark the neurons of a population that fire, those of ``spike_index`` from ``first`` on."""
    for spike in range(first, last):
        neuron = tables.spike_index[spike]
        scratch.marks[own.fired_base + (neuron >> 3)] |= 0x80 >> (neuron & 7)
        if own.repeats:
            scratch.copies[8 * own.fired_base + neuron] = tables.spike_count[spike]


@inlined
def _scan(
    tables: Any, scratch: Any, part: int, visit: int, scan: Any, burst: int, source: int, pending: int, group: int
) -> tuple[int, int, int, int]:
    """Scan the active neurons of a slice; append its firing groups to the bursts.

    ``visit`` is the first byte of the step's bitmap. Returns the bursts and fired neurons so far, the cycles scanned
    since the last burst, and the groups so far.
    """
    own, engine = tables.parts[part], tables.engines[tables.parts[part].terminal]
    marks = tables.populations[own.population].fired_base
    first, last = own.first, own.first + own.neurons
    contiguous, lanes = own.contiguous, engine.lanes
    taken = hits = fullest_membrane = fullest_accumulator = 0
    membrane = accumulator = -1
    visited = membrane_words = accumulator_words = cycles = 0
    at = first
    while True:
        fires = 0
        while at < last:  # to the next neuron that is visited
            neuron = tables.slots[at].neuron
            mark = scratch.marks[marks + (neuron >> 3)]
            either = mark | tables.visit[visit + (neuron >> 3)]
            if contiguous and either == 0:
                at += 8 - (neuron & 7)
                continue
            fires = mark >> (7 - (neuron & 7)) & 1
            if either >> (7 - (neuron & 7)) & 1:
                break
            at += 1
        if taken == lanes or (taken > 0 and at >= last):
            cost = max(
                engine.scan_cycles,
                fullest_membrane * engine.membrane_slots,
                fullest_accumulator * engine.accumulator_slots,
            )
            cost += engine.update_cycles
            if hits > 0:
                cost += engine.spike_cycles
            pending += cost
            cycles += cost
            visited += taken
            if hits > 0:
                scratch.burst_cycles[burst], scratch.burst_fired[burst] = pending, hits
                source += hits
                burst += 1
                pending = 0
            group += 1
            taken = hits = fullest_membrane = fullest_accumulator = 0
            membrane = accumulator = -1
        if at >= last:
            break
        slot = tables.slots[at]
        if slot.membrane_word != membrane:
            membrane = slot.membrane_word
            held = _state_words(scratch.membrane, slot.membrane_bank, own.membrane_span, engine.membrane_banks, group)
            fullest_membrane = max(fullest_membrane, held)
            membrane_words += own.membrane_span
        if slot.accumulator_word != accumulator:
            accumulator = slot.accumulator_word
            accumulator_words += 1
            held = _words(scratch.accumulator, slot.accumulator_bank, group)
            fullest_accumulator = max(fullest_accumulator, held)
        taken += 1
        if fires:
            hits += _fire(tables, scratch, own, slot.neuron, source + hits)
        at += 1
    scan.visited += visited
    scan.updated += visited
    scan.membrane_words += membrane_words
    scan.accumulator_words += accumulator_words
    scan.cycles += cycles
    return burst, source, pending, group


@inlined
def _scan_single(
    tables: Any, scratch: Any, part: int, visit: int, scan: Any, burst: int, source: int, pending: int
) -> tuple[int, int, int]:
    """Scan every neuron of a slice in groups of one, which all take the same cycles; see :func:`_scan`."""
    own, population = tables.parts[part], tables.populations[tables.parts[part].population]
    marks, seen = scratch.marks[population.fired_base :], tables.visit[visit:]
    every_update = own.scan == EVERY_UPDATE
    engine = tables.engines[own.terminal]
    each, update = tables.group_cycles[own.first_group], engine.update_cycles
    cycles = updated = updates = 0
    begin = own.first
    neurons = tables.neurons[own.first : own.first + own.neurons]
    for at in range(neurons.size):
        neuron = neurons[at]
        byte, shift = neuron >> np.uint32(3), ~neuron & np.uint32(7)
        fires = marks[byte] >> shift & 1
        updates += 1 if every_update else (fires | seen[byte] >> shift) & 1
        if fires:
            cost = (own.first + at + 1 - begin) * each + updates * update + engine.spike_cycles
            sent = _fire(tables, scratch, own, neuron, source)
            scratch.burst_cycles[burst], scratch.burst_fired[burst] = pending + cost, sent
            burst, source = burst + 1, source + sent
            cycles, updated = cycles + cost, updated + updates
            pending = updates = 0
            begin = own.first + at + 1
    cost = (own.first + own.neurons - begin) * each + updates * update
    scan.visited += own.neurons
    scan.updated += updated + updates
    scan.membrane_words += own.membrane_words
    scan.accumulator_words += own.accumulator_words
    scan.cycles += cycles + cost
    return burst, source, pending + cost


@inlined
def _scan_all(
    tables: Any, scratch: Any, part: int, visit: int, scan: Any, burst: int, source: int, pending: int
) -> tuple[int, int, int]:
    """Scan every neuron of a slice, whose groups are always the same; see :func:`_scan`."""
    own = tables.parts[part]
    engine = tables.engines[own.terminal]
    if engine.lanes == 1:
        return _scan_single(tables, scratch, part, visit, scan, burst, source, pending)
    marks = tables.populations[own.population].fired_base
    last, lanes, every_update = own.first + own.neurons, engine.lanes, own.scan == EVERY_UPDATE
    cycles = updated = hits = updates = 0
    group, stop = own.first_group, min(own.first + lanes, last)
    for at in range(own.first, last):
        neuron = tables.slots[at].neuron
        byte, shift = neuron >> 3, 7 - (neuron & 7)
        fires = scratch.marks[marks + byte] >> shift & 1
        updates += 1 if every_update else fires | (tables.visit[visit + byte] >> shift & 1)
        if fires:
            sent = _fire(tables, scratch, own, neuron, source)
            source += sent
            hits += sent
        if at + 1 == stop:
            cost = tables.group_cycles[group] + (engine.update_cycles if updates > 0 else 0)
            if hits > 0:
                cost += engine.spike_cycles
                scratch.burst_cycles[burst], scratch.burst_fired[burst] = pending + cost, hits
                burst += 1
                pending = -cost
            pending += cost
            cycles += cost
            updated += updates
            hits = updates = 0
            group += 1
            stop = min(stop + lanes, last)
    scan.visited += own.neurons
    scan.updated += updated
    scan.membrane_words += own.membrane_words
    scan.accumulator_words += own.accumulator_words
    scan.cycles += cycles
    return burst, source, pending


@inlined
def _first_at_least(values: Any, low: int, high: int, wanted: int) -> int:
    """Return the first index in ``low .. high`` whose value is at least ``wanted``."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _events(
    tables: Any, scratch: Any, part: int, first: int, last: int, scan: Any, burst: int, source: int
) -> tuple[int, int]:
    """Send the spikes of a port's part, ``first .. last``, one burst each; return bursts and fired neurons so far."""
    own = tables.parts[part]
    first = _first_at_least(tables.spike_index, first, last, own.low)
    last = _first_at_least(tables.spike_index, first, last, own.high)
    for spike in range(first, last):
        scratch.burst_cycles[burst], scratch.burst_fired[burst] = own.event_cycles, 1
        burst += 1
        scratch.fired[source] = own.number + tables.spike_index[spike]
        source += 1
    scan.visited += last - first
    return burst, source


@loop_kernel
def terminal_work(
    tables: Any, sample: int, step: int, terminal: int, scratch: Any, scan: Any, burst: int, source: int
) -> tuple[int, int]:
    """Write the work of a terminal in a step, whose fired neurons are marked, from ``burst`` and ``source`` on.

    Returns where its bursts and its fired neurons end.
    """
    pending = 0
    group = scratch.groups[0]
    for part in range(tables.part_ptr[terminal], tables.part_ptr[terminal + 1]):
        own = tables.populations[tables.parts[part].population]
        row = _row(tables, own, sample, step)
        if row < 0:
            continue
        if tables.parts[part].event_cycles > 0:
            first = own.index_base + tables.spike_ptr[own.spike_base + row]
            last = own.index_base + tables.spike_ptr[own.spike_base + row + 1]
            burst, source = _events(tables, scratch, part, first, last, scan[part], burst, source)
        else:
            visit = own.visit_base + row * own.visit_bytes
            if tables.parts[part].scan == ACTIVE_ONLY:
                burst, source, pending, group = _scan(
                    tables, scratch, part, visit, scan[part], burst, source, pending, group
                )
            else:
                burst, source, pending = _scan_all(tables, scratch, part, visit, scan[part], burst, source, pending)
    if pending > 0:
        scratch.burst_cycles[burst], scratch.burst_fired[burst] = pending, 0
        burst += 1
    scratch.groups[0] = group
    return burst, source


@loop_kernel
def build_terminal(
    tables: Any, sample: int, step: int, terminal: int, scratch: Any, scan: Any, burst: int, source: int
) -> tuple[int, int]:
    """Write the work of one terminal in a step without that of all others; see :func:`terminal_work`."""
    for clear in range(2):
        for part in range(tables.part_ptr[terminal], tables.part_ptr[terminal + 1]):
            slices = tables.parts[part]
            own = tables.populations[slices.population]
            row = _row(tables, own, sample, step)
            if own.fired_base < 0 or row < 0:
                continue
            first = own.index_base + tables.spike_ptr[own.spike_base + row]
            last = own.index_base + tables.spike_ptr[own.spike_base + row + 1]
            first = _first_at_least(tables.spike_index, first, last, slices.low)
            last = _first_at_least(tables.spike_index, first, last, slices.high)
            if clear:
                for spike in range(first, last):
                    scratch.marks[own.fired_base + (tables.spike_index[spike] >> 3)] = 0
            else:
                _mark(tables, scratch, own, first, last)
        if not clear:
            burst, source = terminal_work(tables, sample, step, terminal, scratch, scan, burst, source)
    return burst, source


@loop_kernel
def build_work(tables: Any, sample: int, step: int, scratch: Any, scan: Any) -> None:
    """Write the work of one step into ``scratch``.

    Parameters
    ----------
    tables : WorkTables
    sample, step : int
    scratch : WorkScratch
    scan : (n_parts,) SCAN_COUNT
        Added to: what every slice scanned.
    """
    for population in range(tables.populations.size):
        own = tables.populations[population]
        row = _row(tables, own, sample, step)
        if own.fired_base >= 0 and row >= 0:
            first = own.index_base + tables.spike_ptr[own.spike_base + row]
            _mark(tables, scratch, own, first, own.index_base + tables.spike_ptr[own.spike_base + row + 1])
    burst = source = int(np.int64(0))  # a literal 0 would be a type of its own: compiled twice
    for terminal in range(tables.part_ptr.size - 1):
        burst, source = terminal_work(tables, sample, step, terminal, scratch, scan, burst, source)
        scratch.burst_ptr[terminal + 1] = burst
        scratch.fired_ptr[terminal + 1] = source
    for population in range(tables.populations.size):
        own = tables.populations[population]
        row = _row(tables, own, sample, step)
        if own.fired_base >= 0 and row >= 0:
            first = own.index_base + tables.spike_ptr[own.spike_base + row]
            for spike in range(first, own.index_base + tables.spike_ptr[own.spike_base + row + 1]):
                scratch.marks[own.fired_base + (tables.spike_index[spike] >> 3)] = 0


@kernel
def whole_groups(parts: Any, slots: Any, engines: Any, out: Any) -> int:
    """Write the cycles of every group of the slices that are scanned whole, before updates and spikes.

    Parameters
    ----------
    parts : (n_parts,) PART
        ``first_group``, ``membrane_words`` and ``accumulator_words`` are written.
    slots : (n,) SLOT
    engines : (terminals,) ENGINE
    out : (capacity,) int32

    Returns
    -------
    int
        Groups written.
    """
    membranes = np.zeros(max(1, engines["membrane_banks"].max()), np.int64)
    accumulators = np.zeros(max(1, engines["accumulator_banks"].max()), np.int64)
    filled, group = 0, 1
    for own in parts:
        if own.scan == ACTIVE_ONLY or own.event_cycles > 0:
            continue
        own.first_group = filled
        engine = engines[own.terminal]
        last, span = own.first + own.neurons, own.membrane_span
        for begin in range(own.first, last, engine.lanes):
            fullest_membrane = fullest_accumulator = 0
            membrane = accumulator = -1
            for at in range(begin, min(begin + engine.lanes, last)):
                slot = slots[at]
                if slot.membrane_word != membrane:
                    membrane = slot.membrane_word
                    own.membrane_words += span
                    held = _state_words(membranes, slot.membrane_bank, span, engine.membrane_banks, group)
                    fullest_membrane = max(fullest_membrane, held)
                if slot.accumulator_word != accumulator:
                    accumulator = slot.accumulator_word
                    own.accumulator_words += 1
                    fullest_accumulator = max(fullest_accumulator, _words(accumulators, slot.accumulator_bank, group))
            words = (fullest_membrane * engine.membrane_slots, fullest_accumulator * engine.accumulator_slots)
            out[filled] = max(engine.scan_cycles, words[0], words[1])
            filled += 1
            group += 1
    return filled
