"""Runs of the whole flow, on bundled workloads or on networks made in a test, with all that a run made inside."""

from pathlib import Path
from unittest import mock

import numpy as np
from extra_neurons import Burster
from functional_builders import neurons

from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.workload import Workload
from accelsim.pipeline import flow


def workload_of(network, events, *, decoding="rate", labels=None):
    """Return a network and its input as if they had been loaded from a folder."""
    encoding = "events" if events.kind == "spikes" else events.kind
    labels = np.arange(events.samples) % network.output.size if labels is None else labels
    provenance = {"stated": {}, "description": {"input": {"encoding": encoding}}, "network": {}}
    return Workload(
        network.name,
        network,
        events,
        labels,
        decoding,
        events.timesteps,
        provenance,
        None,
        {},
        Path(),
        "made in a test",
    )


def run_flow(workload, hw="core", **options):
    """Run the whole flow; return its RunResult and the Run behind it.

    ``workload`` is a Workload, or a name with ``samples`` among the options.
    """
    made = []
    totals = flow.totals.totals

    def keep(run):
        made.append(run)
        return totals(run)

    options = {"cache": False, "threads": 1, **options}
    with mock.patch.object(flow.totals, "totals", keep):
        if isinstance(workload, Workload):
            options["samples"] = workload.events.samples
            with mock.patch.object(flow, "load_workload", lambda *_, **__: workload):
                return flow.run(hw, "made in a test", **options), made[0]
        return flow.run(hw, workload, **options), made[0]


def pruned(rng, shape, *, integer=True):
    """Return random weights of which about a third are zero."""
    weights = rng.integers(-7, 10, shape) * (rng.random(shape) < 0.7)
    return weights.astype(np.int32) if integer else (weights / 16).astype(np.float32)


def layered_network(seed, *, integer=True, readout=False):
    """Conv -> two parallel populations -> one that both feed -> output; biases, leaks and resets at random."""
    rng = np.random.default_rng(seed)
    bits = 8 if integer else 32
    height, width, channels = (int(rng.integers(2, 7)) for _ in range(3))
    kernel = int(rng.integers(1, 3))
    first, shape = convolution(
        pruned(rng, (int(rng.integers(1, 5)), channels, kernel, kernel), integer=integer),
        (height, width, channels),
        stride=(int(rng.integers(1, 3)),) * 2,
        padding=(int(rng.integers(0, 2)),) * 2,
        bits=bits,
    )
    sizes = {"a": int(rng.integers(1, 40)), "b": int(rng.integers(1, 40)), "c": int(rng.integers(1, 40)), "out": 5}
    shapes = {"in": (height, width, channels), "conv": shape, **{name: (size,) for name, size in sizes.items()}}
    kinds = {"conv": "lif", "a": "lif", "b": "if", "c": "lif", "out": "li" if readout else "if"}
    populations = {"in": Population("in", shapes["in"], None)}
    for name, kind in kinds.items():
        size = int(np.prod(shapes[name]))
        bias = rng.integers(-2, 4, size)
        bias = None if rng.random() < 0.3 else bias.astype(np.int32) if integer else (bias / 16).astype(np.float32)
        scale = np.ones(size)
        populations[name] = Population(name, shapes[name], neurons(rng, kind, size, integer), bias, scale)

    def join(source, target):
        shape = (populations[target].size, populations[source].size)
        return Projection(source, target, dense(pruned(rng, shape, integer=integer), bits))

    projections = (
        Projection("in", "conv", first),
        join("conv", "a"),
        join("conv", "b"),
        join("a", "c"),
        join("b", "c"),
        join("c", "out"),
    )
    return Network(f"random_{seed}", populations, projections, 1e-3)


def graph_network(seed, *, native=False):
    """Dense projections that skip, recur and delay, two between the same two; some neurons spike several times."""
    rng = np.random.default_rng(seed)
    sizes = {"in": 12, "a": 17, "b": 9, "c": 14, "out": 5}
    populations = {"in": Population("in", (sizes["in"],), None)}
    for name, kind in (("a", "lif"), ("b", "burst"), ("c", "if"), ("out", "burst" if seed % 2 else "if")):
        size = sizes[name]
        limit = rng.integers(4, 12, size).astype(np.int32)
        model = Burster(limit, None if seed % 3 == 0 else 5) if kind == "burst" else neurons(rng, kind, size, True)
        bias = rng.integers(-1, 3, size).astype(np.int32) if rng.random() < 0.4 else None
        populations[name] = Population(name, (size,), model, bias, np.ones(size))
    short = int(not native)  # a pipeline needs a delay of one more timestep around its cycles
    edges = [
        ("in", "a", 0), ("a", "b", 0), ("b", "c", 0), ("c", "out", 0), ("a", "c", 0), ("a", "c", 2), ("in", "out", 1),
        ("b", "b", 1), ("c", "a", 2 + short), ("out", "b", 2 + short),
    ]  # fmt: skip
    projections = [
        Projection(u, v, dense(pruned(rng, (sizes[v], sizes[u])), 8), delay=delay) for u, v, delay in edges
    ]
    return Network(f"graph_{seed}", populations, tuple(projections), 1e-3)


def random_events(seed, size, kind, *, samples=2, timesteps=4, rate=0.2, integer=True):
    """Return random events of a kind; values are of 5 bit, without zeros."""
    rng = np.random.default_rng(seed)
    active = rng.random((samples, timesteps, size)) < rate
    active[0, 0, 0] = True
    if kind == "bias_current":
        active[:, 1:] = False
    stream = EventStream.from_dense(active)
    if kind == "spikes":
        return stream
    value = rng.integers(1, 32, stream.total).astype(np.int32 if integer else np.float32)
    return EventStream(kind, samples, timesteps, size, stream.ptr, stream.index, value, 5, 1.0)
