"""Small recordings of four frameworks with the files that they export; see recordings/README.md."""

from functools import cache
from pathlib import Path

import numpy as np

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.importers.importer import import_network

FILE = Path(__file__).parent / "recordings" / "frameworks.npz"


@cache
def archive():
    with np.load(FILE, allow_pickle=False) as data:
        return dict(data)


def in_neuron_order(values):
    """Return (timesteps, samples, ...) as (samples, timesteps, neurons), channel-last."""
    if values.ndim == 5:
        values = values.transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(values.swapaxes(0, 1).reshape(values.shape[1], values.shape[0], -1))


def unpacked(data, name):
    """Return an array of a recording, unpacked where it has a shape of its own."""
    values = data[name]
    if f"{name}_shape" not in data:
        return values
    shape = data[f"{name}_shape"]
    return np.unpackbits(values, count=int(np.prod(shape))).reshape(shape)


def events_of(counts):
    """Return (samples, timesteps, neurons) counts as events: values where one is above 1."""
    events = EventStream.from_dense(counts != 0)
    if counts.max(initial=0) <= 1:
        return events
    value = counts[counts != 0].astype(np.int32)
    return EventStream(
        "graded", events.samples, events.timesteps, events.size, events.ptr, events.index, value, 8, 1.0
    )


def counts_of(trace, name, size):
    """Return the spikes of a population as (samples, timesteps, neurons)."""
    found = trace.populations[name]
    dense = np.zeros((trace.samples * trace.timesteps, size), np.int64)
    step = np.repeat(np.arange(len(found.ptr) - 1), np.diff(found.ptr))
    dense[step, found.index] = 1 if found.count is None else found.count
    return dense.reshape(trace.samples, trace.timesteps, size)


def layers_of(network):
    """Return the populations of neurons, without those that stand for a bias."""
    return [name for name, item in network.populations.items() if item.model is not None and ".bias" not in name]


def imported(folder, name, options):
    """Return the network of a recorded file."""
    path = folder / f"{name}.nir"
    path.write_bytes(archive()[f"nir/{name}"].tobytes())
    return import_network(path, options)


def run(network, counts):
    """Execute in float32."""
    return execute(network, events_of(counts), Numerics(None, None), 2)
