"""What the parts of a population store of a connection's rows, and how many words that takes.

A part stores, of every row that its neurons use, the weights that they use: a dense row is cut to the part's targets,
a shared convolution row is stored once however many positions use it (``conv_storage: shared``) or once per position
(``unrolled``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import WeightFormat
from accelsim.hardware.spec import CoreSpec
from accelsim.mapping.kernels import any_nonzero, count_axons, mark_axons
from accelsim.mapping.patterns import Cut, Patterns, find_patterns
from accelsim.network.connections.connection import Connection

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

_CHUNK = 1 << 22
"""Weights that are looked at in one go."""


@dataclass(frozen=True, eq=False)
class Held:
    """What every piece stores of every row.

    Attributes
    ----------
    number : (n_pieces, n_rows) int32
        Index of ``kept``; -1 where no run of the row has the piece.
    kept : list of (k,) int32
        Ascending offsets of a row that are stored.
    """

    number: Int32s
    kept: list[Int32s]


def held_rows(patterns: Patterns, parts: int) -> Held:
    """Return what is stored: of a row, all offsets that any of a part's pieces takes."""
    class_of = patterns.piece_class()
    n_rows = patterns.runs.shape[1]
    number = np.full((len(patterns.part), n_rows), -1, np.int32)
    kept: list[Int32s] = []
    known: dict[bytes, int] = {}

    def name(offsets: Int32s) -> int:
        found = known.setdefault(offsets.tobytes(), len(kept))
        if found == len(kept):
            kept.append(offsets)
        return found

    order = np.argsort(patterns.part, kind="stable")
    bounds = np.searchsorted(patterns.part[order], np.arange(parts + 1))
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        pieces = order[first:last]
        if not len(pieces):
            continue
        used = patterns.runs[class_of[pieces]] > 0
        distinct, local = np.unique(patterns.pattern[pieces], return_inverse=True)
        if len(distinct) == 1:
            number[pieces] = np.where(used, name(patterns.offsets[distinct[0]]), -1)
            continue
        reach = np.zeros((len(distinct), n_rows), bool)
        np.logical_or.at(reach, local, used)
        unions, which = np.unique(reach, axis=1, return_inverse=True)
        names = [
            name(np.unique(np.concatenate([patterns.offsets[at] for at in distinct[union]]))) if union.any() else -1
            for union in unions.T
        ]
        number[pieces] = np.where(used, np.array(names, np.int32)[which.ravel()], -1)
    return Held(number, kept)


class StoredRows:
    """Rows of one connection as the parts of its target population store them on one kind of core."""

    def __init__(self, connection: Connection, core: CoreSpec, weights: WeightFormat) -> None:
        self.connection = connection
        self._core, self._format = core, weights
        self._words: dict[bytes, Int32s] = {}

    @property
    def adds_zeros(self) -> bool:
        """Whether a spike adds the zeros of its rows too: a part that it reaches with zeros alone has an axon then."""
        return self._format.issues_zeros and not self._core.skip_zero_weights

    def words(self, offsets: Int32s) -> Int32s:
        """Return the synapse memory words of every row cut to ``offsets``, (n_rows,)."""
        key = offsets.tobytes()
        if key not in self._words:
            bits = self.connection.bits
            bits_of = [self._format.row_bits(rows, bits) for _, rows in self.chunks(None, offsets)]
            self._words[key] = -(-np.concatenate(bits_of) // self._core.synapse_memory.width).astype(np.int32)
        return self._words[key]

    def chunks(self, chosen: Int64s | None, offsets: Int32s) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
        """Yield rows (all, or those ``chosen``) cut to ``offsets``, some at a time, with their places."""
        rows = self.connection.rows
        count = len(rows) if chosen is None else len(chosen)
        together = int(offsets[-1]) - int(offsets[0]) + 1 == len(offsets)
        columns: Any = slice(int(offsets[0]), int(offsets[-1]) + 1) if together else offsets
        step = max(1, _CHUNK // len(offsets))
        for first in range(0, count, step):
            place = slice(first, min(first + step, count))
            cut = rows[:, columns] if together else rows
            picked = cut[place] if chosen is None or count == len(rows) else cut[chosen[place]]
            yield place, picked if together else picked[:, columns]

    def takes(self, rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return which positions of stored rows take a lane, (n, stored)."""
        return np.not_equal(rows, 0) if self._core.skip_zero_weights else self._format.issued(rows)

    def demand(self, cut: Cut, reached: npt.NDArray[np.bool_] | None = None) -> tuple[Int64s, Int64s]:
        """Return axons and synapse memory words of every part of a cut, (parts,) each.

        Where several projections come from one population, their axons are shared: they are then not counted but marked
        in ``reached``, (parts, n_source).
        """
        connection = self.connection
        patterns = find_patterns(connection, cut)
        useful = np.zeros((len(patterns.offsets), len(connection.rows)), bool)
        for at, offsets in enumerate(patterns.offsets):
            if self.adds_zeros:
                useful[at] = True
            else:
                any_nonzero(connection.rows, offsets, useful[at])
        axons, words = np.zeros(cut.parts, np.int64), np.zeros(cut.parts, np.int64)
        runs = (connection.run_ptr, connection.run_row, connection.run_start)
        pieces = (patterns.class_of, patterns.ptr, patterns.part, patterns.pattern, useful)
        if reached is None:
            count_axons(*runs, *pieces, axons)
        else:
            mark_axons(*runs, *pieces, reached)
        held = held_rows(patterns, cut.parts)
        class_of = patterns.piece_class()
        done = np.full((cut.parts, len(connection.rows)) if self._core.conv_storage == "shared" else 0, False)
        for piece, (part, number) in enumerate(zip(patterns.part.tolist(), held.number, strict=True)):
            for kept in np.unique(number[number >= 0]).tolist():
                rows = np.flatnonzero(number == kept)
                size = self.words(held.kept[kept])[rows]
                if self._core.conv_storage == "shared":
                    words[part] += size[~done[part, rows]].sum()
                    done[part, rows] = True
                else:
                    words[part] += (size.astype(np.int64) * patterns.runs[class_of[piece], rows]).sum()
        return axons, words
