"""Axons: who reaches whom, and what each axon costs where it ends.

An axon is one source neuron seen from one core (or port): one routing entry at the source, one packet per spike, one
entry in the axon table of the core, and the rows behind it. Costs are static, computed once per mapping.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

ROW = np.dtype(
    [
        ("terminal", np.int32),  # where the axon ends
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
    ]
)
"""Cost of one axon in the terminal where it ends."""

COST_FIELDS = ("cycles", "ideal", "conflict", "fetch", "words", "sops", "issued", "state_words")
"""Fields that :func:`accelsim.mapping.kernels.row_costs` fills, in its order."""


@dataclass(frozen=True, eq=False)
class Axons:
    """All axons of a mapped network.

    Attributes
    ----------
    source : (n_axons,) int64
        Source neuron, numbered over all populations; ascending.
    rows : (n_axons,) ROW
    neurons : int
        Neurons over all populations, the input included.
    """

    source: npt.NDArray[np.int64]
    rows: npt.NDArray[Any]
    neurons: int

    def out_ptr(self) -> npt.NDArray[np.int64]:
        """Return the first axon of every neuron, (neurons + 1,)."""
        return np.searchsorted(self.source, np.arange(self.neurons + 1)).astype(np.int64)


class AxonBuilder:
    """Collects axons slice by slice and merges those of one neuron in one terminal."""

    def __init__(self) -> None:
        self._source: list[npt.NDArray[np.int64]] = []
        self._rows: list[npt.NDArray[Any]] = []

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
        rows = np.zeros(len(source), dtype=ROW)
        rows["terminal"], rows["flits"] = terminal, flits
        for column, name in enumerate(COST_FIELDS):
            rows[name] = costs[:, column]
        if macs:
            rows["macs"] = rows["issued"]
        rows["loads"] = loads
        self._source.append(source.astype(np.int64))
        self._rows.append(rows)

    def build(self, neurons: int) -> Axons:
        """Return the axons, sorted by source neuron and terminal."""
        source, rows = np.concatenate(self._source), np.concatenate(self._rows)
        order = np.lexsort((rows["terminal"], source))
        source, rows = source[order], rows[order]
        fresh = np.ones(len(source), dtype=bool)
        fresh[1:] = (np.diff(source) != 0) | (np.diff(rows["terminal"]) != 0)
        first = np.nonzero(fresh)[0]
        merged = rows[first].copy()
        for name in (*COST_FIELDS, "macs", "loads"):
            merged[name] = np.add.reduceat(rows[name], first) if len(first) else rows[name]
        return Axons(source[first], merged, neurons)
