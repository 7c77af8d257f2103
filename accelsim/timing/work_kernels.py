"""Kernels that turn the activity of one step into bursts of the neuron engines."""

from typing import Any

import numpy as np

from accelsim.kernels import inlined, kernel


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
def _scan(
    tables: Any,
    part: int,
    visit: int,
    first: int,
    last: int,
    cycles: Any,
    fired: Any,
    burst: int,
    pending: int,
    count: Any,
    in_membrane: Any,
    in_accumulator: Any,
) -> tuple[int, int]:
    """Scan one slice; append its firing groups to the bursts.

    ``visit`` is the first byte of the step's bitmap, ``first .. last`` the slice's spikes. Returns the number of
    bursts so far and the cycles scanned since the last one.
    """
    low, high = tables.low[part], tables.high[part]
    neuron, spike = low, first
    taken = hits = 0
    membrane = accumulator = -1
    fullest_membrane = fullest_accumulator = 0
    in_membrane[:] = 0
    in_accumulator[:] = 0
    while neuron < high:
        byte = tables.visit[visit + (neuron >> 3)]
        fires = spike < last and tables.spike_index[spike] == neuron
        if byte == 0 and (spike == last or tables.spike_index[spike] >> 3 > neuron >> 3):
            neuron = ((neuron >> 3) + 1) << 3
        else:
            if fires or (byte >> (7 - (neuron & 7))) & 1:
                word = tables.membrane_word[part] + (neuron - low) // tables.membranes_per_word[part]
                if word != membrane:
                    membrane = word
                    count.membrane_words += 1
                    in_membrane[word % tables.membrane_banks] += 1
                    fullest_membrane = max(fullest_membrane, in_membrane[word % tables.membrane_banks])
                word = tables.accumulator_word[part] + (neuron - low) // tables.accumulators_per_word[part]
                if word != accumulator:
                    accumulator = word
                    count.accumulator_words += 1
                    in_accumulator[word % tables.accumulator_banks] += 1
                    fullest_accumulator = max(fullest_accumulator, in_accumulator[word % tables.accumulator_banks])
                count.visited += 1
                count.updated += 1
                taken += 1
                if fires:
                    hits += 1
                    spike += 1
            neuron += 1
        if taken == tables.lanes or (taken > 0 and neuron >= high):
            slots = max(fullest_membrane * tables.membrane_slots, fullest_accumulator * tables.accumulator_slots)
            cost = max(1, slots)
            pending += cost
            count.cycles += cost
            if hits > 0:
                cycles[burst], fired[burst] = pending, hits
                burst += 1
                pending = 0
            taken = hits = 0
            membrane = accumulator = -1
            fullest_membrane = fullest_accumulator = 0
            in_membrane[:] = 0
            in_accumulator[:] = 0
    return burst, pending


@kernel
def build_work(tables: Any, sample: int, step: int, scan: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return the work of one step.

    Parameters
    ----------
    tables : WorkTables
    sample, step : int
    scan : (n_parts,) SCAN_COUNT
        Added to: what every slice scanned.

    Returns
    -------
    tuple of arrays
        The fields of StepWork.
    """
    terminals = tables.part_ptr.size - 1
    parts = tables.low.size
    begin, end = np.zeros(parts, np.int64), np.zeros(parts, np.int64)
    total = 0
    for part in range(parts):
        timestep = step - tables.depth[part]
        if 0 <= timestep < tables.timesteps:
            population = tables.population[part]
            at = tables.spike_base[population] + sample * tables.timesteps + timestep
            base = tables.index_base[population]
            first, last = base + tables.spike_ptr[at], base + tables.spike_ptr[at + 1]
            begin[part] = _first_at_least(tables.spike_index, first, last, tables.low[part])
            end[part] = _first_at_least(tables.spike_index, first, last, tables.high[part])
            total += end[part] - begin[part]
    burst_ptr, fired_ptr = np.zeros(terminals + 1, np.int64), np.zeros(terminals + 1, np.int64)
    cycles, fired = np.zeros(total + terminals, np.int32), np.zeros(total + terminals, np.int32)
    sources = np.zeros(total, np.int32)
    in_membrane = np.zeros(tables.membrane_banks, np.int32)
    in_accumulator = np.zeros(tables.accumulator_banks, np.int32)
    burst = source = 0
    for terminal in range(terminals):
        pending = 0
        for part in range(tables.part_ptr[terminal], tables.part_ptr[terminal + 1]):
            timestep = step - tables.depth[part]
            if not 0 <= timestep < tables.timesteps:
                continue
            if tables.event_cycles[part] > 0:
                for _ in range(begin[part], end[part]):
                    cycles[burst], fired[burst] = tables.event_cycles[part], 1
                    burst += 1
                scan[part].visited += end[part] - begin[part]
            else:
                population = tables.population[part]
                row = sample * tables.timesteps + timestep
                visit = tables.visit_base[population] + row * tables.visit_bytes[population]
                burst, pending = _scan(
                    tables,
                    part,
                    visit,
                    begin[part],
                    end[part],
                    cycles,
                    fired,
                    burst,
                    pending,
                    scan[part],
                    in_membrane,
                    in_accumulator,
                )
            for spike in range(begin[part], end[part]):
                sources[source] = tables.number[part] + tables.spike_index[spike]
                source += 1
        if pending > 0:
            cycles[burst], fired[burst] = pending, 0
            burst += 1
        burst_ptr[terminal + 1] = burst
        fired_ptr[terminal + 1] = source
    return burst_ptr, cycles[:burst], fired[:burst], fired_ptr, sources
