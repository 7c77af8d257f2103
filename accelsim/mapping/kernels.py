"""Kernels of the mapper: what every row costs, and what every axon adds up to."""

from typing import Any, NamedTuple

import numpy as np

from accelsim.kernels import kernel


class RowEngine(NamedTuple):
    """The synapse engine as rows see it.

    ``lanes``; banks of synapse and accumulator memory; accumulators per word; bank slots of a read-modify-write; cycles
    of a group of lanes.
    """

    lanes: int
    fetch_banks: int
    state_banks: int
    per_word: int
    rmw_slots: int
    synapse_cycles: int


@kernel
def count_runs(run_row: Any, run_start: Any, class_of: Any, out: Any) -> None:
    """Count the runs of every class and row into ``out``, (n_classes, n_rows)."""
    for run in range(run_row.size):
        out[class_of[run_start[run]], run_row[run]] += 1


@kernel
def any_nonzero(rows: Any, offsets: Any, out: Any) -> None:
    """Set ``out`` (n_rows,) where a row has a weight that is not zero at one of ``offsets``."""
    for row in range(len(rows)):
        for offset in offsets:
            if rows[row, offset] != 0:
                out[row] = True
                break


@kernel
def count_axons(
    run_ptr: Any, run_row: Any, run_start: Any, class_of: Any, ptr: Any, part: Any, pattern: Any, useful: Any, out: Any
) -> None:
    """Count the source neurons that reach each part with a weight that is not zero.

    Parameters
    ----------
    run_ptr, run_row, run_start
        The connection's runs.
    class_of, ptr, part, pattern
        The pieces of the runs, see :class:`accelsim.mapping.patterns.Patterns`.
    useful : (n_patterns, n_rows) bool
        Whether a row has such a weight in the pattern.
    out : (parts,) int64
        Added to.
    """
    seen = np.full(out.size, -1, np.int64)
    for source in range(run_ptr.size - 1):
        for run in range(run_ptr[source], run_ptr[source + 1]):
            number = class_of[run_start[run]]
            for piece in range(ptr[number], ptr[number + 1]):
                at = part[piece]
                if seen[at] != source and useful[pattern[piece], run_row[run]]:
                    seen[at] = source
                    out[at] += 1


@kernel
def mark_axons(
    run_ptr: Any, run_row: Any, run_start: Any, class_of: Any, ptr: Any, part: Any, pattern: Any, useful: Any, out: Any
) -> None:
    """Mark in ``out``, (parts, n_source), who reaches whom; the rest as :func:`count_axons`."""
    for source in range(run_ptr.size - 1):
        for run in range(run_ptr[source], run_ptr[source + 1]):
            number = class_of[run_start[run]]
            for piece in range(ptr[number], ptr[number + 1]):
                if useful[pattern[piece], run_row[run]]:
                    out[part[piece], source] = True


@kernel
def row_costs(
    rows: Any, chosen: Any, offsets: Any, position: Any, takes: Any, phase: int, words: Any, engine: Any, out: Any
) -> None:
    """Cost of rows in a part that takes ``offsets`` of them and keeps their targets at consecutive addresses.

    Parameters
    ----------
    rows : (n_rows, run_length) int32 or float32
    chosen : (n,) int64
        Rows asked for.
    offsets, position : (k,) int32
        Offsets of a row that the part takes, ascending; where each lies in what the part stores of the row.
    takes : (n, stored) bool
        Stored positions that take a lane.
    phase : int
        Local address of the first target.
    words : (n,) int32
        Synapse memory words of the stored rows.
    engine : RowEngine
    out : (n, 8) int32
        Cycles, ideal, conflict, fetch, words, sops, issued, state_words; see COST.
    """
    in_bank = np.zeros(engine.state_banks, np.int64)  # group << 16 | words: a stale group counts as none
    group = 1
    for at in range(chosen.size):
        row = chosen[at]
        groups = accumulate = touched = taken = sops = total = fullest = 0
        fresh = True
        left = engine.per_word - phase % engine.per_word
        bank = phase // engine.per_word % engine.state_banks
        for turn in range(offsets.size):
            if left == 0:
                left = engine.per_word
                bank = 0 if bank + 1 == engine.state_banks else bank + 1
                fresh = True
            left -= 1
            sops += rows[row, offsets[turn]] != 0
            if not takes[at, position[turn]]:
                continue
            total += 1
            if fresh:
                fresh = False
                touched += 1
                held = (in_bank[bank] & 0xFFFF if in_bank[bank] >> 16 == group else 0) + 1
                in_bank[bank] = group << 16 | held
                fullest = max(fullest, held)
            taken += 1
            if taken == engine.lanes:
                groups += 1
                accumulate += max(engine.synapse_cycles, fullest * engine.rmw_slots)
                taken = fullest = 0
                fresh = True
                group += 1
        if taken > 0:
            groups += 1
            accumulate += max(engine.synapse_cycles, fullest * engine.rmw_slots)
            group += 1
        fetch = (words[at] + engine.fetch_banks - 1) // engine.fetch_banks
        cycles = max(1, fetch, accumulate)
        ideal = groups * engine.synapse_cycles
        out[at, 0] = cycles
        out[at, 1] = ideal
        out[at, 2] = accumulate - ideal
        out[at, 3] = cycles - accumulate
        out[at, 4] = words[at]
        out[at, 5] = sops
        out[at, 6] = total
        out[at, 7] = touched


@kernel
def find_record(keys: Any, table: Any, vector: Any) -> Any:
    """Return the slot of ``table`` that holds the number of ``vector`` among ``keys``, or the free one for it."""
    mixed = np.uint64(14695981039346656037)
    for value in vector:
        mixed = (mixed ^ np.uint64(value)) * np.uint64(1099511628211)
    slot = np.int64((mixed ^ (mixed >> np.uint64(29))) & np.uint64(table.size - 1))
    while table[slot] >= 0:
        same = True
        for field in range(vector.size):
            if keys[table[slot], field] != vector[field]:
                same = False
                break
        if same:
            return slot
        slot = (slot + 1) & (table.size - 1)
    return slot


@kernel
def grown_table(keys: Any, count: int, size: int) -> Any:
    """Return a table of ``size`` (a power of two) slots with the numbers of ``count`` keys."""
    table = np.full(size, -1, np.int32)
    for number in range(count):
        table[find_record(keys, table, keys[number])] = number
    return table


@kernel
def grown(array: Any) -> Any:
    """Return a copy of a (n, k) int32 array with room for twice as many rows."""
    larger = np.empty((2 * len(array), array.shape[1]), np.int32)
    for at in range(array.shape[0]):
        for column in range(array.shape[1]):
            larger[at, column] = array[at, column]
    return larger


@kernel
def sum_rows(
    run_ptr: Any, run_row: Any, run_start: Any, class_of: Any, ptr: Any, part: Any, cell: Any, records: Any, parts: int,
    needed: int,
) -> tuple[Any, Any, Any]:
    """Add up, for every source neuron and part, the costs of the rows that it activates there.

    Parameters
    ----------
    run_ptr, run_row, run_start, class_of, ptr, part
        As for :func:`count_axons`.
    cell : (n_pieces, n_rows) int32
        Record of each piece and row.
    records : (n_records, 8) int32
    parts : int
    needed : int
        Field of the sums without which there is no axon: operations, or issued ones where zeros are added too.

    Returns
    -------
    ends : (n_source + 1,) int64
        Entries of each source; parts that nothing reaches that is added have none.
    entries : (n, 2) int32
        Part, and number of the sum.
    sums : (n_sums, 8) int32
        Different sums, in the order of their first entry.
    """
    fields = records.shape[1]
    total = np.zeros((parts, fields), np.int64)
    reached = np.empty(parts, np.int64)
    seen = np.full(parts, -1, np.int64)
    ends = np.zeros(run_ptr.size, np.int64)
    entries, keys = np.empty((1024, 2), np.int32), np.empty((1024, fields), np.int32)
    table = np.full(2048, -1, np.int32)
    filled = count = 0
    for source in range(run_ptr.size - 1):
        many = 0
        for run in range(run_ptr[source], run_ptr[source + 1]):
            number = class_of[run_start[run]]
            for piece in range(ptr[number], ptr[number + 1]):
                at = part[piece]
                if seen[at] != source:
                    seen[at] = source
                    reached[many] = at
                    many += 1
                    total[at] = 0
                record = cell[piece, run_row[run]]
                for field in range(fields):
                    total[at, field] += records[record, field]
        for turn in range(many):
            at = reached[turn]
            if total[at, needed] == 0:
                continue
            if filled == len(entries):
                entries = grown(entries)
            if 2 * count >= table.size:
                table = grown_table(keys, count, 2 * table.size)
            slot = find_record(keys, table, total[at])
            if table[slot] < 0:
                if count == len(keys):
                    keys = grown(keys)
                keys[count] = total[at]
                table[slot] = count
                count += 1
            entries[filled, 0] = at
            entries[filled, 1] = table[slot]
            filled += 1
        ends[source + 1] = filled
    return ends, entries[:filled].copy(), keys[:count].copy()


@kernel
def merge_axons(
    ptr: Any, entries: Any, records: Any, lookup: Any, axon: Any, keys: Any, table: Any, count: int
) -> tuple[Any, Any, Any, int]:
    """Sort every neuron's entries by terminal, join those of one terminal, and number the different costs.

    Parameters
    ----------
    ptr : (n + 1,) int64
        Entries of each neuron.
    entries : (n_entries, 2) int32
        Terminal, and number of the record.
    records : (n_records, 12) int32
        The fields of COST.
    lookup : (terminals,) int64
        Cycles that an axon takes more by terminal, once, unless it loads a bias.
    axon : (n_entries, 2) int32
        Written: terminal, and number of the cost.
    keys : (capacity, 12) int32
    table : (power of two,) int32
    count : int
        Costs known so far, and their hash table.

    Returns
    -------
    ends : (n + 1,) int64
        Axons of each neuron.
    keys, table, count
    """
    fields = records.shape[1]
    vector = np.zeros(fields, np.int64)
    ends = np.zeros(ptr.size, np.int64)
    filled = 0
    for neuron in range(ptr.size - 1):
        first, last = ptr[neuron], ptr[neuron + 1]
        for at in range(first + 1, last):
            back = at
            while back > first and entries[back - 1, 0] > entries[back, 0]:
                for field in range(2):
                    entries[back - 1, field], entries[back, field] = entries[back, field], entries[back - 1, field]
                back -= 1
        at = first
        while at < last:
            terminal = entries[at, 0]
            for column in range(vector.size):
                vector[column] = records[entries[at, 1], column]
            at += 1
            while at < last and entries[at, 0] == terminal:
                for field in range(1, fields):
                    vector[field] += records[entries[at, 1], field]
                at += 1
            if vector[10] == 0:
                vector[1] += lookup[terminal]
                vector[11] = lookup[terminal]
            if 2 * count >= table.size:
                table = grown_table(keys, count, 2 * table.size)
            slot = find_record(keys, table, vector)
            if table[slot] < 0:
                if count == len(keys):
                    keys = grown(keys)
                keys[count] = vector
                table[slot] = count
                count += 1
            axon[filled, 0] = terminal
            axon[filled, 1] = table[slot]
            filled += 1
        ends[neuron + 1] = filled
    return ends, keys, table, count
