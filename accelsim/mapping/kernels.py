"""Kernels of the mapper: what every axon costs in one core."""

from typing import Any

import numpy as np

from accelsim.kernels import kernel


@kernel
def row_costs(
    run_ptr: Any,
    run_row: Any,
    run_start: Any,
    low: int,
    high: int,
    slot: int,
    issued: Any,
    nonzero: Any,
    row_words: Any,
    lanes: int,
    fetch_banks: int,
    state_banks: int,
    per_word: int,
    rmw_slots: int,
    out: Any,
) -> None:
    """Cost of activating each source neuron of a connection in the core that holds targets ``low .. high - 1``.

    Parameters
    ----------
    run_ptr : (n_source + 1,) int64
    run_row, run_start : (n_runs,) int32
        The connection's runs.
    low, high : int
        Target neurons of the core.
    slot : int
        Accumulator address of target ``low``.
    issued, nonzero : (n_rows, run_length) uint8
        Stored positions that take a lane; those whose weight is not zero.
    row_words : (n_rows,) int32
        Synapse memory words of each stored row.
    lanes, fetch_banks, state_banks, per_word, rmw_slots : int
        Lanes; banks of synapse and accumulator memory; accumulators per word; bank slots of a read-modify-write.
    out : (n_source, 8) int64
        Added to: cycles, ideal, conflict, fetch, words, sops, issued, state_words.
    """
    run_length = issued.shape[1]
    in_bank = np.zeros(state_banks, np.int64)
    for source in range(run_ptr.size - 1):
        for run in range(run_ptr[source], run_ptr[source + 1]):
            row, start = run_row[run], run_start[run]
            first, last = max(low - start, 0), min(high - start, run_length)
            if first >= last:
                continue
            words = row_words[row]
            fetch = (words + fetch_banks - 1) // fetch_banks
            groups = accumulate = touched = taken = sops = total = 0
            fullest = 0
            known = -1
            in_bank[:] = 0
            for offset in range(first, last):
                if nonzero[row, offset]:
                    sops += 1
                if not issued[row, offset]:
                    continue
                total += 1
                word = (slot + start + offset - low) // per_word
                if word != known:
                    known = word
                    touched += 1
                    in_bank[word % state_banks] += 1
                    fullest = max(fullest, in_bank[word % state_banks])
                taken += 1
                if taken == lanes:
                    groups += 1
                    accumulate += max(1, fullest * rmw_slots)
                    taken = 0
                    fullest = 0
                    known = -1
                    in_bank[:] = 0
            if taken > 0:
                groups += 1
                accumulate += max(1, fullest * rmw_slots)
            cycles = max(1, fetch, accumulate)
            out[source, 0] += cycles
            out[source, 1] += groups
            out[source, 2] += accumulate - groups
            out[source, 3] += cycles - accumulate
            out[source, 4] += words
            out[source, 5] += sops
            out[source, 6] += total
            out[source, 7] += touched
