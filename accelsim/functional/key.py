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

import accelsim.functional
import accelsim.neurons
from accelsim.functional.numerics import Numerics
from accelsim.kernels import source_hash
from accelsim.network.digest import feed
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
    feed(digest, _sources())
    feed(digest, (*dataclasses.astuple(limits), delay, int(zeros_touch)))
    feed(digest, network.digest)
    for population in network.populations.values():
        if population.model is not None:
            feed(digest, _model_source(type(population.model)))
    feed(digest, (events.kind, events.samples, events.timesteps, events.size, events.value_scale))
    feed(digest, (events.ptr, events.index, events.value))
    return digest.hexdigest()


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
