"""How the runs of a connection fall into the parts of its target population.

A run covers consecutive neurons, which lie in one part or in several. The *pieces* of a run, one per part, depend on
where it starts alone; starts that give the same pieces are one *class*. What a row costs in a part, and what the part
stores of it, depends on the row and the piece: on which *offsets* of the row the part takes (the pattern), and on the
local address of the first modulo the banks (the phase). Everything that follows is therefore computed per row and
class, never per run.

Local addresses follow the ascending neuron numbers of a part, so the targets of a piece have consecutive addresses
even where its offsets do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.mapping.kernels import count_runs
from accelsim.network.connections.connection import Connection

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cut:
    """The neurons of a population by part.

    Attributes
    ----------
    part : (n,) int32
        Part of every neuron, -1 for none.
    rank : (n,) int32
        Its place among the neurons of its part: its local address.
    parts : int
    """

    part: Int32s
    rank: Int32s
    parts: int


def cut_of(size: int, parts: Sequence[npt.NDArray[np.int32]]) -> Cut:
    """Return the cut of ``size`` neurons into ``parts``, ascending neuron numbers each."""
    part, rank = np.full(size, -1, np.int32), np.zeros(size, np.int32)
    for number, neurons in enumerate(parts):
        part[neurons] = number
        rank[neurons] = np.arange(len(neurons), dtype=np.int32)
    return Cut(part, rank, len(parts))


@dataclass(frozen=True, eq=False)
class Patterns:
    """The pieces of a connection's runs.

    Attributes
    ----------
    class_of : (n_target,) int32
        Class of the runs that start at each target neuron; -1 where none starts.
    ptr : (n_classes + 1,) int64
        Pieces of each class.
    part, pattern, phase : (n_pieces,) int32
        Part, number in ``offsets``, and local address of the first target modulo ``modulo``.
    offsets : list of (k,) int32
        Ascending offsets of a row that a part takes.
    runs : (n_classes, n_rows) int32
        Runs of every row and class.
    """

    class_of: Int32s
    ptr: Int64s
    part: Int32s
    pattern: Int32s
    phase: Int32s
    offsets: list[Int32s]
    runs: Int32s

    def piece_class(self) -> Int64s:
        """Return the class of every piece, (n_pieces,)."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))


def find_patterns(connection: Connection, cut: Cut, first: Int64s | None = None, modulo: Int64s | int = 1) -> Patterns:
    """Return the pieces of a connection's runs.

    Parameters
    ----------
    connection, cut
    first : (parts,) int64, optional
        Local address of each part's first neuron.
    modulo : (parts,) int64 or int
        By part: addresses that differ by a multiple of it cost the same.
    """
    begins = np.zeros(connection.n_target, bool)
    begins[connection.run_start] = True
    starts = np.flatnonzero(begins)
    start, offset, length = _intervals(starts, connection.run_length, cut.part)
    neuron = starts[start] + offset
    part = cut.part[neuron]
    order = np.lexsort((offset, part, start))
    start, offset, length, part, neuron = (item[order] for item in (start, offset, length, part, neuron))
    fresh = np.ones(len(start), bool)
    fresh[1:] = (np.diff(start) != 0) | (np.diff(part) != 0)
    head = np.flatnonzero(fresh)
    pattern, offsets = _name_patterns(head, offset, length, connection.run_length)
    address = cut.rank[neuron[head]].astype(np.int64)
    if first is not None:
        address += first[part[head]]
    by_part = np.broadcast_to(modulo, cut.parts)
    pieces = np.stack([part[head], pattern, address % by_part[part[head]]], axis=1)
    class_of_start, ptr, chosen = _classes(start[head], pieces, len(starts))
    class_of = np.full(connection.n_target, -1, np.int32)
    class_of[starts] = class_of_start
    runs = np.zeros((len(ptr) - 1, len(connection.rows)), np.int32)
    count_runs(connection.run_row, connection.run_start, class_of, runs)
    part_of, pattern_of, phase_of = np.ascontiguousarray(pieces[chosen].T.astype(np.int32))
    return Patterns(class_of, ptr, part_of, pattern_of, phase_of, offsets, runs)


def _intervals(starts: Int64s, run_length: int, part: Int32s) -> tuple[Int64s, Int64s, Int64s]:
    """Return the intervals of one part each into which runs from ``starts`` fall: start's number, offset, length."""
    borders = np.flatnonzero(np.diff(part)) + 1  # neurons whose part is not that of the neuron before
    low = np.searchsorted(borders, starts, side="right")
    inside = np.searchsorted(borders, starts + run_length, side="left") - low
    count = inside + 1
    number = np.repeat(np.arange(len(starts)), count)
    turn = np.arange(len(number)) - np.repeat(np.cumsum(count) - count, count)
    offset = np.zeros(len(number), np.int64)
    later = turn > 0
    offset[later] = borders[low[number[later]] + turn[later] - 1] - starts[number[later]]
    end = np.full(len(number), run_length, np.int64)
    end[:-1] = np.where(later[1:], offset[1:], run_length)
    kept = part[starts[number] + offset] >= 0
    return number[kept], offset[kept], (end - offset)[kept]


def _name_patterns(
    head: npt.NDArray[np.intp], offset: Int64s, length: Int64s, run_length: int
) -> tuple[Int64s, list[Int32s]]:
    """Return the number of every piece's pattern, and the offsets of each pattern."""
    count = np.diff(np.append(head, len(offset)))
    pattern = np.zeros(len(head), np.int64)
    single = count == 1
    key = offset[head] * (run_length + 1) + length[head]
    found, pattern[single] = np.unique(key[single], return_inverse=True)
    offsets = [
        np.arange(first, first + size, dtype=np.int32)
        for first, size in zip(*(item.tolist() for item in np.divmod(found, run_length + 1)), strict=True)
    ]
    known: dict[bytes, int] = {}
    for piece in np.flatnonzero(~single).tolist():
        mine = slice(head[piece], head[piece] + count[piece])
        spans = zip(offset[mine].tolist(), length[mine].tolist(), strict=True)
        taken = np.concatenate([np.arange(first, first + size, dtype=np.int32) for first, size in spans])
        pattern[piece] = known.setdefault(taken.tobytes(), len(offsets))
        if pattern[piece] == len(offsets):
            offsets.append(taken)
    return pattern, offsets


def _classes(start: Int64s, pieces: Int64s, starts: int) -> tuple[Int64s, Int64s, Int64s]:
    """Return the class of every start, the pieces' bounds of every class, and one representative of each piece."""
    extent = pieces.max(axis=0, initial=0) + 1
    _, kind = np.unique(np.ravel_multi_index(tuple(pieces.T), tuple(extent.tolist())), return_inverse=True)
    kinds = int(kind.max(initial=0)) + 2
    first = np.searchsorted(start, np.arange(starts + 1))
    count = np.diff(first)
    name = np.zeros(starts, np.int64)
    for turn in range(int(count.max(initial=0))):
        more = count > turn
        code = np.zeros(starts, np.int64)
        code[more] = kind[first[:-1][more] + turn] + 1
        _, name = np.unique(name * kinds + code, return_inverse=True)
    _, example = np.unique(name, return_index=True)
    ptr = np.concatenate(([0], np.cumsum(count[example])))
    chosen = np.arange(ptr[-1]) - np.repeat(ptr[:-1], count[example]) + np.repeat(first[:-1][example], count[example])
    return name, ptr, chosen
