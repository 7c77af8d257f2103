"""Kernels of arrays: unfolding of spikes, packing of rows, balancing, reuse of subsets."""

from typing import Any

import numpy as np

from accelsim.kernels import kernel


@kernel
def unfold(
    ptr: Any, index: Any, count: Any, run_ptr: Any, run_row: Any, run_start: Any, filters: int, spikes: Any
) -> bool:
    """Add the spikes of a source to the taps that they meet.

    Parameters
    ----------
    ptr : (timesteps + 1,) int64
    index, count : (n_spikes,) int64
    run_ptr, run_row, run_start : arrays of a connection
    filters : int
        Targets of a run.
    spikes : (groups, timesteps, pixels, window) uint8
        Added to.

    Returns
    -------
    bool
        False if an entry would pass 255.
    """
    groups, window = spikes.shape[0], spikes.shape[3]
    for step in range(spikes.shape[1]):
        for event in range(ptr[step], ptr[step + 1]):
            source = index[event]
            for run in range(run_ptr[source], run_ptr[source + 1]):
                group = run_row[run] // window
                tap = run_row[run] - group * window
                pixel = run_start[run] // (filters * groups)
                total = np.int64(spikes[group, step, pixel, tap]) + count[event]
                if total > 255:
                    return False
                spikes[group, step, pixel, tap] = total
    return True


@kernel
def window_masks(spikes: Any, window_steps: int, pixels: int, masks: Any) -> None:
    """Mark which columns of each tile of an array have a spike within a window of timesteps.

    Rows of the product are numbered (window of timesteps, pixel); column c of tile b is row c * tiles + b.

    Parameters
    ----------
    spikes : (timesteps * pixels, taps) uint8
    window_steps, pixels : int
    masks : (tiles, taps) uint64
        Bit c: column c has a spike.
    """
    tiles = masks.shape[0]
    for row in range(spikes.shape[0]):
        step = row // pixels
        position = step // window_steps * pixels + row - step * pixels
        column = position // tiles
        bit = np.uint64(1) << np.uint64(column)
        tile = position - column * tiles
        for tap in range(spikes.shape[1]):
            if spikes[row, tap]:
                masks[tile, tap] |= bit


@kernel
def packed_rows(masks: Any, full: Any, taken: Any) -> Any:
    """Return the rows of all tiles that remain after two rows without a common column were made one, greedily.

    Rows without a spike vanish, full ones stay alone; every other row takes the first later one that fits and was not
    taken (PTB's spatio-temporally non-overlapping activity packing; Lee, Zhang, Li, HPCA 2022).

    Parameters
    ----------
    masks : (tiles, taps) uint64
    full : uint64
        Mask of a row in which every column has a spike.
    taken : (taps,) uint8
        Working space.
    """
    total = 0
    for tile in range(masks.shape[0]):
        own = masks[tile]
        taken[:] = 0
        for tap in range(own.size):
            if own[tap] == 0:
                continue
            if own[tap] == full:
                total += 1
                continue
            if taken[tap]:
                continue
            total += 1
            for other in range(tap + 1, own.size):
                if own[other] != 0 and own[other] != full and not taken[other] and own[other] & own[tap] == 0:
                    taken[other] = 1
                    break
    return total


@kernel
def busiest(work: Any, load: Any) -> Any:
    """Give each row to the least loaded element, the first among equals, and return the largest load.

    Parameters
    ----------
    work : (rows,) int64
    load : (elements,) int64
        Added to.
    """
    for row in range(work.size):
        least = 0
        for element in range(1, load.size):
            if load[element] < load[least]:
                least = element
        load[least] += work[row]
    most = load[0]
    for element in range(1, load.size):
        most = max(most, load[element])
    return most


@kernel
def subset_reuse(spikes: Any, tile_rows: int, tile_taps: int, popcount_lanes: int, pattern: Any, ones: Any) -> Any:
    """Return what is left of the spikes when each row of a tile reuses the sum of its largest subset.

    Product sparsity (Wei et al., Prosperity, HPCA 2025): a row with at least two spikes is replaced by its difference
    to the row of the same tile that holds the most of its spikes and no other; equal rows reuse earlier ones only.

    Parameters
    ----------
    spikes : (rows, taps) uint8
    tile_rows, tile_taps : int
        Size of a tile; ``tile_taps`` at most 64.
    popcount_lanes : int
        Rows whose spikes are counted per cycle.
    pattern, ones : (tile_rows,) uint64 and int64
        Working space.

    Returns
    -------
    left, repeated, searched : int
        Spikes left; rows that equal another one (one cycle each); cycles of the search.
    """
    left, repeated, searched = 0, 0, 0
    for first in range(0, spikes.shape[0], tile_rows):
        rows = min(tile_rows, spikes.shape[0] - first)
        for tap in range(0, spikes.shape[1], tile_taps):
            taps = min(tile_taps, spikes.shape[1] - tap)
            for row in range(rows):
                pattern[row] = 0
                ones[row] = 0
                for at in range(taps):
                    if spikes[first + row, tap + at]:
                        pattern[row] |= np.uint64(1) << np.uint64(at)
                        ones[row] += 1
            searched += rows // popcount_lanes
            for row in range(rows):
                best = 0
                if ones[row] > 1:
                    searched += 1
                    for other in range(rows):
                        earlier = ones[other] < ones[row] or other < row
                        if earlier and ones[other] > best and pattern[other] & ~pattern[row] == 0:
                            best = ones[other]
                left += ones[row] - best
                if ones[row] > 1 and best == ones[row]:
                    repeated += 1
    return left, repeated, searched
