"""A stream of minutes on a small chip: time and memory must not grow with its length beyond the window."""

import resource
import time
from collections.abc import Iterator

import numpy as np
from common import print_table, quantity

from accelsim.hardware.loader import load_chip
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.pipeline.stream import run_stream

SIDE, WINDOW = 32, 1000
"""Pixels of the sensor along each side, both polarities; timesteps of 1 ms in a window."""

EVENTS = 40
"""Mean events in a timestep."""


def network() -> Network:
    """Return two strided convolutions and a dense layer for a sensor of SIDE x SIDE x 2."""
    rng = np.random.default_rng(0)
    populations, projections = {"sensor": Population("sensor", (SIDE, SIDE, 2), None)}, []
    before, shape = "sensor", (SIDE, SIDE, 2)
    for name, filters in (("conv1", 8), ("conv2", 16)):
        weights = rng.integers(-6, 10, (filters, shape[2], 3, 3)).astype(np.int32)
        joined, shape = convolution(weights, shape, stride=(2, 2), padding=(1, 1), bits=8)
        size = int(np.prod(shape))
        populations[name] = Population(name, shape, neurons(size, 24))
        projections.append(Projection(before, name, joined))
        before = name
    size = int(np.prod(shape))
    populations["out"] = Population("out", (11,), neurons(11, 60))
    projections.append(Projection(before, "out", dense(rng.integers(-6, 8, (11, size)).astype(np.int32), 8)))
    return Network("dvs", populations, tuple(projections), 1e-3)


def neurons(size: int, threshold: int) -> IF:
    return IF(np.full(size, threshold, np.int32), np.zeros(size, np.int32), "subtract", ">=")


def windows(minutes: float) -> Iterator[EventStream]:
    """Yield a bar that crosses the sensor again and again, with noise, in windows of a second."""
    rng = np.random.default_rng(1)
    for window in range(round(minutes * 60)):
        active = rng.random((1, WINDOW, SIDE, SIDE, 2)) < EVENTS / 2 / SIDE**2 / 2
        for step in range(WINDOW):
            column = (window * WINDOW + step) // 20 % SIDE
            active[0, step, :, column, 0] |= rng.random(SIDE) < EVENTS / 2 / SIDE
        yield EventStream.from_dense(active.reshape(1, WINDOW, -1))


def bench_stream() -> None:
    rows = []
    for minutes in (0.1, 2.0):
        for chip in ("small", "core"):
            spec = load_chip(chip, ["tick=1 ms"]).spec
            began = time.process_time()
            result = run_stream(network(), spec, windows(minutes))
            seconds = time.process_time() - began
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            energy = float(result.energy.total().total[0]) * 1e-6 / result.seconds
            rows.append((chip, f"{minutes:g} min", quantity(result.timesteps), quantity(int(
                result.timing.terminals["packets_in"].sum())), f"{result.longest_step:,}", result.late_steps,
                f"{energy:.1f} uW", f"{seconds:.1f} s", f"{memory:.0f} MiB"))  # fmt: skip
    head = ("chip", "stream", "timesteps", "packets", "longest step", "late", "power", "CPU", "peak memory so far")
    print_table("A sensor of 32x32x2, ticks of 1 ms", head, rows)


if __name__ == "__main__":
    bench_stream()
