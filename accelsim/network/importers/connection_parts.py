"""Parts of a connection: the synapses of some of its sources or of some of its targets, for delays that differ."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection

MAX_ROW_BYTES = 1 << 30
"""Largest table of rows that a part may need."""

Mask = npt.NDArray[np.bool_]


def of_sources(connection: Connection, kept: Mask) -> Connection:
    """Return the connection with the runs of the sources in ``kept``, (n_source,) bool."""
    counts = np.diff(connection.run_ptr)
    runs = np.repeat(kept, counts)
    ptr = np.concatenate(([0], np.cumsum(np.where(kept, counts, 0)))).astype(np.int64)
    return replace(
        connection, run_ptr=ptr, run_row=connection.run_row[runs], run_start=connection.run_start[runs]
    )


def of_targets(connection: Connection, kept: Mask) -> Connection:
    """Return the connection with the weights of the targets in ``kept``, (n_target,) bool; the others are zero.

    Runs without a kept target disappear; a row that is partly kept is stored once per pattern.

    Raises
    ------
    NetworkError
        If the rows would need more than MAX_ROW_BYTES.
    """
    length = connection.run_length
    offsets = np.arange(length)
    pattern: Mask = kept[connection.run_start[:, None] + offsets]
    runs = pattern.any(axis=1)
    counts = np.add.reduceat(np.concatenate((runs, [False])).astype(np.int64), connection.run_ptr[:-1])
    counts[np.diff(connection.run_ptr) == 0] = 0
    keys = np.concatenate(
        (connection.run_row[runs, None].astype(np.int64), np.packbits(pattern[runs], axis=1).astype(np.int64)), axis=1
    )
    unique, row = np.unique(keys, axis=0, return_inverse=True)
    if len(unique) * length * connection.rows.itemsize > MAX_ROW_BYTES:
        raise NetworkError(f"delays that differ between neurons would need {len(unique)} rows of {length} weights")
    masks = np.unpackbits(unique[:, 1:].astype(np.uint8), axis=1, count=length).astype(bool)
    rows: npt.NDArray[Any] = np.where(masks, connection.rows[unique[:, 0]], connection.rows.dtype.type(0))
    return replace(
        connection,
        rows=np.ascontiguousarray(rows),
        channel=np.ascontiguousarray(connection.channel[unique[:, 0]]),
        run_ptr=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        run_row=row.ravel().astype(np.int32),
        run_start=connection.run_start[runs],
    )


def to_order(connection: Connection, order: npt.NDArray[np.int64]) -> Connection | None:
    """Return a connection whose target ``i`` is target ``order[i]`` of the given one; None unless every run has all.

    A dense connection has one run per source that covers all targets: its rows are put in another order.
    """
    if connection.run_length != connection.n_target:
        return None
    return replace(
        connection,
        rows=np.ascontiguousarray(connection.rows[:, order]),
        channel=np.ascontiguousarray(connection.channel),
    )
