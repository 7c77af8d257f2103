"""Axons: who reaches whom, and what each axon costs where it ends.

An axon is one source neuron seen from one core (or port): one routing entry at the source, one packet per spike, one
entry in the axon table of the core, and the rows behind it. Costs are static, computed once per mapping, and stored
once for all axons that cost the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.mapping.kernels import merge_axons

AXON = np.dtype([("terminal", np.int32), ("cost", np.int32)])
"""Where an axon ends, and the number of its cost."""

COST = np.dtype(
    [
        ("flits", np.int32),  # flits of the packet that activates it
        ("cycles", np.int32),  # row stage: lookup + sum over rows of max(1, fetch, accumulate)
        ("ideal", np.int32),  # part of it that lanes alone would need
        ("conflict", np.int32),  # part that bank conflicts add
        ("fetch", np.int32),  # part that fetching adds
        ("words", np.int32),  # synapse memory words read
        ("sops", np.int32),  # non-zero weights accumulated
        ("issued", np.int32),  # lane slots filled, stored zeros included
        ("state_words", np.int32),  # accumulator words read and written
        ("macs", np.int32),  # of the issued operations, those with a value
        ("loads", np.int32),  # biases written beside a membrane
        ("lookup", np.int32),  # part of the cycles that reads the axon
    ]
)
"""What a packet costs in the terminal where its axon ends."""

COST_FIELDS = ("cycles", "ideal", "conflict", "fetch", "words", "sops", "issued", "state_words")
"""Fields that :func:`accelsim.mapping.kernels.row_costs` fills, in its order."""

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Axons:
    """All axons of a mapped network.

    Attributes
    ----------
    ptr : (neurons + 1,) int64
        Axons of source neuron n, numbered over all populations, are ``axon[ptr[n] : ptr[n + 1]]``.
    axon : (n_axons,) AXON
        Ascending by terminal within a neuron.
    costs : (n_costs,) COST
    """

    ptr: Int64s
    axon: npt.NDArray[Any]
    costs: npt.NDArray[Any]

    @property
    def neurons(self) -> int:
        """Neurons over all populations, the input included."""
        return len(self.ptr) - 1

    @property
    def terminal(self) -> Int32s:
        """Where each axon ends, (n_axons,)."""
        return self.axon["terminal"]

    def source(self) -> Int32s:
        """Return the source neuron of every axon, (n_axons,)."""
        return np.repeat(np.arange(self.neurons, dtype=np.int32), np.diff(self.ptr))

    def of(self, field: str) -> Int32s:
        """Return a field of every axon's cost, (n_axons,)."""
        values: Int32s = self.costs[field][self.axon["cost"]]
        return values

    def placed(self, place: Int64s) -> "Axons":
        """Return the axons with terminal t renamed to ``place[t]``."""
        if np.array_equal(place, np.arange(len(place))):
            return self
        axon = self.axon.copy()
        axon["terminal"] = place[self.terminal]
        order = np.argsort(self.source() * np.int64(len(place)) + axon["terminal"], kind="stable")
        return Axons(self.ptr, axon[order], self.costs)


@dataclass(frozen=True, eq=False)
class Entries:
    """What the neurons of one population reach through one connection, or as outputs.

    Attributes
    ----------
    ptr : (n + 1,) int64
        Entries of each neuron.
    entry : (n_entries, 2) int32
        Terminal and record.
    records : (n_records,) COST
        ``lookup`` is not in them.
    """

    ptr: Int64s
    entry: Int32s
    records: npt.NDArray[Any]


def records_of(flits: int, costs: npt.NDArray[Any], *, macs: bool = False, loads: bool = False) -> npt.NDArray[Any]:
    """Return records from the fields that rows have, (n, 8), see COST_FIELDS."""
    records = np.zeros(len(costs), dtype=COST)
    records["flits"] = flits
    for column, name in enumerate(COST_FIELDS):
        records[name] = costs[:, column]
    if macs:
        records["macs"] = records["issued"]
    records["loads"] = loads
    return records


class AxonBuilder:
    """Collects axons, population by population; joins those of one neuron in one terminal.

    Parameters
    ----------
    lookup : (terminals,) int64
        Cycles of reading an axon, by terminal.
    """

    def __init__(self, lookup: Int64s) -> None:
        self._lookup = lookup
        self._ptr: list[Int64s] = [np.zeros(1, np.int64)]
        self._axon: list[Int32s] = []
        self._keys = np.empty((1024, len(COST.names or ())), np.int32)
        self._table = np.full(2048, -1, np.int32)
        self._count = 0

    def add(self, size: int, entries: list[Entries]) -> None:
        """Add the axons of the next population, of ``size`` neurons."""
        joined = _joined(size, entries)
        axon = np.empty(joined.entry.shape, np.int32)
        records = joined.records.view(np.int32).reshape(len(joined.records), self._keys.shape[1])
        ends, self._keys, self._table, self._count = merge_axons(
            joined.ptr, joined.entry, records, self._lookup, axon, self._keys, self._table, self._count
        )
        self._ptr.append(ends[1:] + self._ptr[-1][-1])
        self._axon.append(axon[: ends[-1]])

    def build(self) -> Axons:
        """Return the axons, by source neuron and terminal."""
        axon = np.concatenate(self._axon)
        costs = np.ascontiguousarray(self._keys[: self._count]).view(COST).ravel()
        return Axons(np.concatenate(self._ptr), axon.view(AXON).ravel(), costs)


def _joined(size: int, entries: list[Entries]) -> Entries:
    """Return all entries of one population, neuron by neuron."""
    if len(entries) == 1:
        return entries[0]
    if not entries:
        return Entries(np.zeros(size + 1, np.int64), np.zeros((0, 2), np.int32), np.zeros(0, COST))
    counts = [np.diff(item.ptr) for item in entries]
    ptr = np.concatenate(([0], np.cumsum(sum(counts)))).astype(np.int64)
    out = np.empty((ptr[-1], 2), np.int32)
    begin, known = ptr[:-1].copy(), 0
    for item, count in zip(entries, counts, strict=True):
        at = np.arange(len(item.entry)) + np.repeat(begin - item.ptr[:-1], count)
        out[at] = item.entry + np.array([0, known], np.int32)
        begin += count
        known += len(item.records)
    return Entries(ptr, out, np.concatenate([item.records for item in entries]))
