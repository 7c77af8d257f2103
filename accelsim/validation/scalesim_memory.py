"""SCALE-Sim 3.0.0's memories, word by word: what its buffers fetch from DRAM, and how long its array waits for them.

A baseline does not need this (see ``docs/baseline.md``); it exists so that the stalls and DRAM words that SCALE-Sim
prints can be told apart from facts about an array. Two modes, as there:

``estimate`` (its ``CALC``): no stalls from reads. A buffer holds 50 blocks of a hundredth of its words; when they are
full, all are dropped. DRAM reads are the misses of that.

``user`` (its ``USER``): the words of a layer stand in a fixed ring, in the order in which the array would want them;
half of the buffer is a window over it. A miss moves the window on by the other half, as often as it takes, each move
``ceil(half / bandwidth) + 1`` cycles after the last; a wait is counted twice, as SCALE-Sim does.

Writes go to a buffer whose half is drained at ``bandwidth`` words per cycle; lines that are drained partly filled count
partly as full, as there. Modelled from the behaviour of the published package (MIT), not from its text.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from accelsim.errors import MappingError
from accelsim.kernels import kernel
from accelsim.validation.scalesim_order import (
    IFMAP,
    IS,
    KINDS,
    OFMAP,
    OS,
    WS,
    Layer,
    Words,
    addresses,
    filter_order,
    ifmap_order,
    wanted,
)

_HALF: Final = 50  # blocks of a hundredth of the buffer
_MAX_WORDS: Final = 1 << 27


@dataclass(frozen=True)
class Memory:
    """Three equal buffers of ``words`` words; ``bandwidth`` words per cycle each, None where SCALE-Sim estimates it."""

    words: int
    bandwidth: int | None


@dataclass(frozen=True)
class Replay:
    """What SCALE-Sim reports for a layer.

    ``cycles`` is the 0-based last cycle, stalls included; ``span`` reaches from the first prefetch to the last write.
    """

    cycles: int
    stalls: int
    span: int
    ifmap_dram: int
    filter_dram: int
    ofmap_dram: int


def replay(layer: Layer, dataflow: str, rows: int, columns: int, memory: Memory) -> Replay:
    """Run a layer through SCALE-Sim's memories.

    Raises
    ------
    MappingError
        For another dataflow than ``ws``, ``is`` and ``os``, sizes below one, a buffer of less than 200 words, and
        layers of more than 2**27 operand or 2**30 written words.
    """
    if dataflow not in KINDS:
        raise MappingError(f"SCALE-Sim has the dataflows {', '.join(KINDS)}, not {dataflow!r}")
    sizes = (layer.pixels, layer.window, layer.filters, layer.stride, rows, columns, memory.bandwidth or 1)
    if min(sizes) < 1 or memory.words < 200:
        raise MappingError(f"SCALE-Sim's memories: sizes below one, or a buffer below 200 words: {layer}, {memory}")
    if max(layer.pixels, layer.filters) * layer.window > _MAX_WORDS:
        raise MappingError(f"SCALE-Sim's memories: a layer of more than {_MAX_WORDS} operand words: {layer}")
    written = layer.pixels * layer.filters * (1 if dataflow == "os" else -(-layer.window // rows))
    if written > _MAX_WORDS * 8:
        raise MappingError(f"SCALE-Sim's memories: more than {_MAX_WORDS * 8} words written: {layer}")
    kind = KINDS[dataflow]
    ifmap = addresses(layer)
    user = memory.bandwidth is not None
    inputs = _ring(ifmap, ifmap_order(ifmap.shape, kind, rows, columns), memory) if user else _no_ring()
    filters = np.arange(layer.filters) * layer.window + np.arange(layer.window)[:, None]
    weights = _ring(filters, filter_order(filters.shape, kind, rows, columns), memory) if user else _no_ring()
    highest = max(layer.height * layer.width * layer.channels, layer.window * layer.filters)
    last = np.full((2, highest + 1), -1, dtype=np.int64)
    sizes_ = np.array([layer.pixels, layer.window, layer.filters, rows, columns], dtype=np.int64)
    found = _replay(kind, sizes_, ifmap, user, memory.words, memory.bandwidth or columns, inputs, weights, last)
    return Replay(*(int(item) for item in found))


_Ring = tuple[Words, Words, Words]
"""Lines by address (pointers, lines), and (lines, active, prefetched, rows of the fetch matrix)."""


def _no_ring() -> _Ring:
    return np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(4, np.int64)


def _ring(matrix: Words, order: tuple[Words, Words], memory: Memory) -> _Ring:
    first, second = order
    inside = (first < matrix.shape[0]) & (second < matrix.shape[1])
    sequence = matrix[first[inside], second[inside]]
    sequence = sequence[sequence >= 0]
    per_line = -(-memory.words // 100)
    half = -(-memory.words // 2)
    lines = sequence.size // per_line + 1
    active = min(lines, -(-half // per_line))
    ahead = min(lines - active, -(-(memory.words - half) // per_line))
    by = np.argsort(sequence, kind="stable")
    pointer = np.concatenate(([0], np.cumsum(np.bincount(sequence)))).astype(np.int64)
    fetched = -(-first.size // (memory.bandwidth or 1))
    return pointer, (by // per_line).astype(np.int64), np.array([lines, active, ahead, fetched], dtype=np.int64)


@kernel
def _start(state: Words, ring: _Ring, half: int, bandwidth: int) -> None:
    """Fill the window before the first cycle. ``state``: start and end of the window, last cycle, words fetched."""
    size = ring[2]
    state[0], state[1], state[2] = 0, size[1], -1
    state[3] = min(-(-half // bandwidth), size[3]) * bandwidth


@kernel
def _in_window(line: Words, low: int, high: int, start: int, end: int) -> bool:
    for at in range(low, high):
        if (start <= line[at] < end) if start < end else (line[at] >= start or line[at] < end):
            return True
    return False


@kernel
def _fetch(address: int, cycle: int, wait: int, state: Words, ring: _Ring, half: int, bandwidth: int) -> int:
    """Move the window on until it holds ``address``; return the wait so far in this cycle."""
    pointer, line, size = ring
    while not _in_window(line, pointer[address], pointer[address + 1], state[0], state[1]):
        state[0] = (state[0] + size[2]) % size[0]
        state[1] = (state[0] + size[1]) % size[0]
        lines = -(-half // bandwidth)
        state[2] += lines + 1
        state[3] += lines * bandwidth
        late = state[2] - (cycle + 1 + wait)
        wait += late
        if late > 0:
            wait += late
    return wait


@kernel
def _estimate(address: int, last: Words, state: Words, block: int) -> None:
    """Count a miss. ``state``: first block held, present block, words in it, words fetched; ``last``: block by word."""
    if last[address] >= state[0]:
        return
    last[address] = state[1]
    state[3] += 1
    state[2] += 1
    if state[2] == block:
        state[1] += 1
        state[2] = 0
        if state[1] == state[0] + _HALF:
            state[0] = state[1]


@kernel
def _first_estimate(misses: int, block: int, asked: int) -> int:
    """Return the cycle of the first fetch: ten words per cycle, done before the first request."""
    if misses >= _HALF * block:
        return asked + (-_HALF * block) // 10
    blocks = -(-misses // block)
    return (-blocks * block) // 10


@kernel
def _drain(state: Words, fill: Words, half: int, bandwidth: int, cycle: int) -> None:
    """Empty half of the write buffer.

    ``state``: free words, lines drained, lines, words in the open line, end of this drain, words drained, last cycle.
    """
    first = state[1]
    end = min(first + -(-half // bandwidth), state[2])
    words = (end - first) * bandwidth - (bandwidth - fill[end - 1])
    state[0] += words
    state[1] = end
    state[4] = cycle + (end - first) - 1
    state[5] += words
    state[6] = max(state[6], state[4])


@kernel
def _close_line(state: Words, fill: Words) -> None:
    if state[3] > 0:
        fill[state[2]] = state[3]
        state[2] += 1
        state[3] = 0


@kernel
def _write(count: int, cycle: int, state: Words, fill: Words, words: int, half: int, bandwidth: int) -> int:
    """Store ``count`` words in one cycle; return the cycle in which the last is stored."""
    for _ in range(count):
        state[3] += 1
        state[0] -= 1
        if state[3] == bandwidth:
            _close_line(state, fill)
        if cycle < state[4]:
            if state[0] <= 0:
                cycle = state[4]
        elif state[0] < words - half:
            _close_line(state, fill)
            _drain(state, fill, half, bandwidth, cycle)
    return cycle


@kernel
def _replay(
    kind: int, sizes: Words, ifmap: Words, user: bool, words: int, bandwidth: int, inputs: _Ring, weights: _Ring,
    last: Words,
) -> Words:  # fmt: skip
    pixels, window, filters, rows, columns = sizes
    folded, across = (pixels if kind == OS else window), (pixels if kind == IS else filters)
    streamed = window if kind == OS else (pixels if kind == WS else filters)
    per_fold = (0 if kind == OS else rows) + rows + columns + streamed - 2
    row_folds, column_folds = -(-folded // rows), -(-across // columns)
    ahead = words - -(-words // 2)
    reads = np.zeros((2, 4), np.int64)
    asked = np.full(2, -1, np.int64)
    if user:
        _start(reads[0], inputs, words - ahead, bandwidth)
        _start(reads[1], weights, words - ahead, bandwidth)
    first_fetch = -max(reads[0, 3], reads[1, 3]) // bandwidth
    output = np.zeros(7, np.int64)
    output[0] = words
    fill = np.empty(pixels * filters * row_folds + 2, np.int32)
    stalls, cycle, served, end = 0, 0, 0, 0
    for fold in range(row_folds * column_folds):
        place = (fold % row_folds, fold // row_folds)
        for at in range(per_fold):
            now = cycle + stalls
            wait = 0
            for side in range(2):
                ring, state, seen, own = (inputs if side == IFMAP else weights), reads[side], last[side], 0
                for lane in range(columns if (kind == IS) == (side == IFMAP) else rows):
                    first, second = wanted(kind, side, at, lane, place[0], place[1], sizes)
                    address = -1 if first < 0 else (ifmap[first, second] if side == IFMAP else second * window + first)
                    if address < 0:
                        continue
                    if asked[side] < 0:
                        asked[side] = cycle
                    if user:
                        own = _fetch(address, now, own, state, ring, ahead, bandwidth)
                    else:
                        _estimate(address, seen, state, words // 100)
                wait = max(wait, own)
            count = 0
            for lane in range(columns):
                count += wanted(kind, OFMAP, at, lane, place[0], place[1], sizes)[0] >= 0
            served = _write(count, now, output, fill, words, ahead, bandwidth)
            stalls += max(wait, served - now)
            cycle += 1
            end = max(end, served)
    if not user:
        for side in range(2):
            first_fetch = min(first_fetch, _first_estimate(reads[side, 3], words // 100, asked[side]))
    _close_line(output, fill)
    while output[1] < output[2]:
        _drain(output, fill, ahead, bandwidth, served)
        served = output[4] + 1
    return np.array([end, stalls, output[6] - first_fetch, reads[0, 3], reads[1, 3], output[5]], dtype=np.int64)
