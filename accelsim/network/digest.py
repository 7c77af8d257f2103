"""What decides a network's function, as a hash: names, shapes, models with their parameters, weights, runs and delays.

What only a chip reads (the width of a stored weight, the layer's shape, which exported node it was) is left out.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from accelsim.network.graph import Network


def network_digest(network: Network) -> str:
    """Return the SHA-256 of a network's function, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for population in network.populations.values():
        model = population.model
        feed(digest, (population.name, population.shape, population.bias, population.scale))
        if model is not None:
            fields = dataclasses.fields(model)  # type: ignore[arg-type]
            feed(digest, (type(model), *((item.name, getattr(model, item.name)) for item in fields)))
    for edge in network.projections:
        connection = edge.connection
        feed(digest, (edge.source, edge.target, edge.delay, connection.rows))
        feed(digest, (connection.run_ptr, connection.run_row, connection.run_start))
    return digest.hexdigest()


def feed(digest: Any, item: Any) -> None:
    """Add an item with its kind and length, so that no two structures give the same bytes."""
    if isinstance(item, tuple):
        digest.update(f"tuple {len(item)};".encode())
        for part in item:
            feed(digest, part)
    elif isinstance(item, np.ndarray):
        digest.update(f"array {item.dtype.str} {item.shape};".encode())
        digest.update(np.ascontiguousarray(item).data)
    elif isinstance(item, type):
        feed(digest, f"{item.__module__}.{item.__qualname__}")
    elif item is None or isinstance(item, str | int | float | np.generic):
        text = repr(item).encode()
        digest.update(f"{type(item).__name__} {len(text)};".encode() + text)
    else:
        raise TypeError(f"a digest cannot hold a {type(item).__name__}")
