"""Seconds and memory of mapping, each network in a process of its own; the work of steps from recorded activity."""

import resource
import time
from collections.abc import Sequence

import numpy as np
from common import fresh_process, measure, print_table, quantity

from accelsim.hardware.loader import load_chip
from accelsim.mapping.mapping import map_network
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.workload import load_workload
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.records import SCAN_COUNT
from accelsim.timing.work import allocate_work, work_tables
from accelsim.timing.work_kernels import build_work
from accelsim.trace.activity import ActivityTrace, PopulationActivity

ROOMY = [
    "core.synapse_memory.capacity=4 MiB",
    "core.axon_memory.memory.capacity=1 MiB",
    "core.routing_memory.memory.capacity=64 MiB",
    "core.membrane.memory.capacity=32 KiB",
    "core.accumulator.memory.capacity=64 KiB",
]
VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of 3x3 convolutions; 0 is a 2x2 pool."""


def population(name: str, shape: tuple[int, ...]) -> Population:
    size = int(np.prod(shape))
    return Population(name, shape, IF(np.ones(size, np.int32), np.zeros(size, np.int32), "subtract", ">="))


def conv_stack(side: int, inputs: int, layers: Sequence[tuple[int, int, int]], density: float) -> Network:
    """Return 3x3 convolutions of (channels, stride, padding), pools where channels are 0, and ten outputs."""
    rng, shape, pool, last = np.random.default_rng(0), (side, side, inputs), None, "in"
    populations, projections = {"in": Population("in", shape, None)}, []
    for at, (channels, stride, padding) in enumerate(layers):
        if channels == 0:
            pool = Pool((2, 2), (2, 2))
            continue
        drawn = (channels, shape[2], 3, 3)
        weights = (rng.integers(-7, 8, drawn) * (rng.random(drawn) < density)).astype(np.int32)
        joined, shape = convolution(
            weights, shape, stride=(stride, stride), padding=(padding, padding), bits=4, pool=pool
        )
        pool, name = None, f"conv{at}"
        populations[name] = population(name, shape)
        projections.append(Projection(last, name, joined))
        last = name
    inner = int(np.prod(shape)) // (4 if pool else 1)
    populations["out"] = population("out", (10,))
    weights = rng.integers(-7, 8, (10, inner)).astype(np.int32)
    projections.append(Projection(last, "out", dense(weights, 4, pool, shape if pool else None)))
    return Network("conv stack", populations, tuple(projections), 1e-3)


def wide(size: int) -> Network:
    """Return three dense layers, half of whose weights are zero."""
    rng, last = np.random.default_rng(0), "in"
    populations, projections = {"in": Population("in", (size,), None)}, []
    for at in range(3):
        weights = rng.integers(1, 8, (size, size), dtype=np.int32)
        weights *= rng.random((size, size), dtype=np.float32) < 0.5
        populations[f"l{at}"] = population(f"l{at}", (size,))
        projections.append(Projection(last, f"l{at}", dense(weights, 8)))
        last = f"l{at}"
    return Network("wide", populations, tuple(projections), 1e-3)


def dvs() -> Network:
    return conv_stack(32, 1, [(16, 2, 0), (32, 1, 0), (64, 1, 0), (11, 1, 0)], 1.0)


def vgg() -> Network:
    return conv_stack(32, 3, [(channels, 1, 1) for channels in VGG16], 0.5)


CASES = {
    "mnist_conv on core": (lambda: load_workload("mnist_conv", 1).network, "core", []),
    "small conv stack, 64 cores": (dvs, "large", ROOMY),
    "VGG16, 256 cores": (vgg, "large", ["noc.size=[16, 16]", *ROOMY]),
    "VGG16, 256 cores, by channel": (vgg, "large", ["noc.size=[16, 16]", "mapping.order=channel", *ROOMY]),
    "VGG16, 1024 cores": (vgg, "large", ["noc.size=[32, 32]", *ROOMY]),
    "3 x 8192 dense, half zeros, 64 cores": (lambda: wide(8192), "large", ROOMY),
}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_case(name: str) -> tuple[str, ...]:
    make, hw, overrides = CASES[name]
    network, spec = make(), load_chip(hw, overrides).spec
    before, began = peak(), time.perf_counter()
    mapping = map_network(network, spec, "spikes", 1)
    first = time.perf_counter() - began
    added = peak() - before
    warm = measure(lambda: map_network(network, spec, "spikes", 1), 3)
    synapses = sum(int(edge.connection.fan_out_stored().sum()) for edge in network.projections)
    return (
        name, quantity(network.neurons), quantity(synapses), quantity(len(mapping.axons.axon)),
        str(len(mapping.axons.costs)), f"{first:.2f} s", str(warm), f"{before:.0f} MiB", f"{added:.0f} MiB",
    )  # fmt: skip


def bench_mapping() -> None:
    rows = [fresh_process(one_case, name) for name in CASES]
    head = ("case", "neurons", "synapses", "axons", "costs", "first", "warm", "peak before", "added by the first")
    print_table("Mapping", head, rows)


def bench_work() -> None:
    """Work of 1000 steps of a small conv stack in which 2 % of the neurons fire and 10 % are touched."""
    network, steps, rng = dvs(), 1000, np.random.default_rng(0)
    activity = {}
    for name, item in network.populations.items():
        fired = rng.random((steps, item.size)) < 0.02
        touched = np.packbits(rng.random(fired.shape) < 0.1, axis=1)
        ptr = np.concatenate(([0], np.cumsum(fired.sum(axis=1))))
        index = np.nonzero(fired)[1].astype(np.int32)
        activity[name] = PopulationActivity(ptr, index, touched, np.zeros_like(touched))
    trace = ActivityTrace("", 1, steps, activity, np.zeros((1, 10)), np.zeros((1, 10), np.int32), {})
    rows = []
    for order in ("pixel", "channel"):
        for scan in ("touched", "all"):
            chosen = [f"mapping.order={order}", f"core.scan={scan}", "core.neuron_lanes=1"]
            spec = load_chip("large", [*chosen, *ROOMY]).spec
            tables = work_tables(network, spec, map_network(network, spec, "spikes", 1), trace)
            scratch, counts = allocate_work(tables), np.zeros(len(tables.parts), SCAN_COUNT)

            def every_step(tables=tables, scratch=scratch, counts=counts) -> None:
                for step in range(tables.steps):
                    build_work(tables, 0, step, scratch, counts)

            every_step()
            visited = int(counts["visited"].sum())
            took = measure(every_step, 3)
            rows.append((order, scan, quantity(visited), quantity(len(tables.spike_index)), took))
    print_table("Work of 1000 steps", ("order", "scan", "visited", "spikes", "time"), rows)


if __name__ == "__main__":
    bench_mapping()
    bench_work()
