"""The content key of a trace: equal keys mean equal traces.

Hashed: every array and name of the network that the function depends on, the widths, the delays, what a zero
touches, the input, and the sources that compute. What only a chip reads (the width of a stored weight, the layer's
shape) is left out.
"""

import dataclasses
import functools
import hashlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np

import accelsim.functional
import accelsim.neurons
from accelsim.functional.numerics import Numerics
from accelsim.kernels import source_hash
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.neurons.model import NeuronModel


def trace_key(
    network: Network, events: EventStream, limits: Numerics, *, delay: int = 0, zeros_touch: bool = False
) -> str:
    """Return the SHA-256 of network, input, widths, rules and sources, as 64 hexadecimal digits.

    Parameters as :func:`accelsim.functional.executor.execute`.
    """
    digest = hashlib.sha256()
    _feed(digest, _sources())
    _feed(digest, (*dataclasses.astuple(limits), delay, int(zeros_touch)))
    for population in network.populations.values():
        _feed(digest, (population.name, population.shape, population.bias, population.scale))
        if population.model is not None:
            _feed(digest, _model_source(type(population.model)))
            _feed(digest, _fields(population.model))
    for edge in network.projections:
        connection = edge.connection
        _feed(digest, (edge.source, edge.target, edge.delay, connection.rows))
        _feed(digest, (connection.run_ptr, connection.run_row, connection.run_start))
    _feed(digest, (events.kind, events.samples, events.timesteps, events.size, events.value_scale))
    _feed(digest, (events.ptr, events.index, events.value))
    return digest.hexdigest()


def _fields(model: NeuronModel) -> tuple[Any, ...]:
    return tuple((item.name, getattr(model, item.name)) for item in dataclasses.fields(model))  # type: ignore[arg-type]


@functools.cache
def _sources() -> str:
    folders = (accelsim.functional, accelsim.neurons)
    return source_hash(*(file for folder in folders for file in Path(str(folder.__file__)).parent.glob("*.py")))


@functools.cache
def _model_source(model: type[NeuronModel]) -> str:
    """Return name and source of a model's file, which may lie outside accelsim."""
    path = inspect.getsourcefile(model)
    text = b"" if path is None else Path(path).read_bytes()
    return f"{model.__module__}.{model.__qualname__} {hashlib.sha256(text).hexdigest()}"


def _feed(digest: Any, item: Any) -> None:
    """Add an item with its kind and length, so that no two structures give the same bytes."""
    if isinstance(item, tuple):
        digest.update(f"tuple {len(item)};".encode())
        for part in item:
            _feed(digest, part)
    elif isinstance(item, np.ndarray):
        digest.update(f"array {item.dtype.str} {item.shape};".encode())
        digest.update(np.ascontiguousarray(item).data)
    elif isinstance(item, type):
        _feed(digest, f"{item.__module__}.{item.__qualname__}")
    elif item is None or isinstance(item, str | int | float | np.generic):
        text = repr(item).encode()
        digest.update(f"{type(item).__name__} {len(text)};".encode() + text)
    else:
        raise TypeError(f"a trace key cannot hold a {type(item).__name__}")
