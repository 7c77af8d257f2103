"""Axons: who reaches whom, and what each axon costs where it ends.

An axon is one source neuron seen from one core (or port): one routing entry at the source, one packet per spike, one
entry in the axon table of the core, and the rows behind it. Costs are static, computed once per mapping, and stored
once for all axons that cost the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

AXON = np.dtype([("terminal", np.int32), ("cost", np.int32)])
"""Where an axon ends, and the number of its cost."""

COST = np.dtype(
    [
        ("flits", np.int32),  # flits of the packet that activates it
        ("cycles", np.int32),  # row stage: sum over rows of max(1, fetch, accumulate)
        ("ideal", np.int32),  # part of it that lanes alone would need
        ("conflict", np.int32),  # part that bank conflicts add
        ("fetch", np.int32),  # part that fetching adds
        ("words", np.int32),  # synapse memory words read
        ("sops", np.int32),  # non-zero weights accumulated
        ("issued", np.int32),  # lane slots filled, stored zeros included
        ("state_words", np.int32),  # accumulator words read and written
        ("macs", np.int32),  # of the issued operations, those with a value
        ("loads", np.int32),  # biases written beside a membrane
        ("spare", np.int32),
    ]
)
"""What a packet costs in the terminal where its axon ends."""

COST_FIELDS = ("cycles", "ideal", "conflict", "fetch", "words", "sops", "issued", "state_words")
"""Fields that :func:`accelsim.mapping.kernels.row_costs` fills, in its order."""


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

    ptr: npt.NDArray[np.int64]
    axon: npt.NDArray[Any]
    costs: npt.NDArray[Any]

    @property
    def neurons(self) -> int:
        """Neurons over all populations, the input included."""
        return len(self.ptr) - 1

    @property
    def terminal(self) -> npt.NDArray[np.int32]:
        """Where each axon ends, (n_axons,)."""
        return self.axon["terminal"]

    def source(self) -> npt.NDArray[np.int64]:
        """Return the source neuron of every axon, (n_axons,)."""
        return np.repeat(np.arange(self.neurons), np.diff(self.ptr))

    def of(self, field: str) -> npt.NDArray[np.int32]:
        """Return a field of every axon's cost, (n_axons,)."""
        values: npt.NDArray[np.int32] = self.costs[field][self.axon["cost"]]
        return values


class AxonBuilder:
    """Collects axons slice by slice and merges those of one neuron in one terminal."""

    def __init__(self) -> None:
        self._source: list[npt.NDArray[np.int64]] = []
        self._terminal: list[npt.NDArray[np.int32]] = []
        self._costs: list[npt.NDArray[Any]] = []

    def add(
        self,
        source: npt.NDArray[Any],
        terminal: int,
        flits: int,
        costs: npt.NDArray[np.int64],
        *,
        macs: bool = False,
        loads: bool = False,
    ) -> None:
        """Add the axons of ``source`` neurons that end in ``terminal``; ``costs`` is (n, 8), see COST_FIELDS."""
        rows = np.zeros(len(source), dtype=COST)
        rows["flits"] = flits
        for column, name in enumerate(COST_FIELDS):
            rows[name] = costs[:, column]
        if macs:
            rows["macs"] = rows["issued"]
        rows["loads"] = loads
        self._source.append(source.astype(np.int64))
        self._terminal.append(np.full(len(source), terminal, np.int32))
        self._costs.append(rows)

    def build(self, neurons: int) -> Axons:
        """Return the axons, sorted by source neuron and terminal."""
        source, terminal, rows = (np.concatenate(part) for part in (self._source, self._terminal, self._costs))
        order = np.lexsort((terminal, source))
        source, terminal, rows = source[order], terminal[order], rows[order]
        fresh = np.ones(len(source), dtype=bool)
        fresh[1:] = (np.diff(source) != 0) | (np.diff(terminal) != 0)
        first = np.nonzero(fresh)[0]
        merged = rows[first].copy()
        for name in (*COST_FIELDS, "macs", "loads"):
            merged[name] = np.add.reduceat(rows[name], first) if len(first) else rows[name]
        costs, number = np.unique(merged, return_inverse=True)
        axon = np.empty(len(first), dtype=AXON)
        axon["terminal"], axon["cost"] = terminal[first], number
        ptr = np.searchsorted(source[first], np.arange(neurons + 1)).astype(np.int64)
        return Axons(ptr, axon, costs)
