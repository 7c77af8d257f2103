"""A small harness: several runs in one process, the median and the spread, a table on the terminal.

Rates are per second of processor time, which other programs on a shared machine disturb least; speed-ups of threads are
ratios of wall time. Nothing is asserted about time: any bound would be either useless or wrong now and then.
"""

import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.workload import Workload
from accelsim.neurons.lif import LIF


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs: wall time, and processor time over all threads."""

    median: float
    low: float
    high: float
    processor: float

    def per_second(self, work: float) -> str:
        return quantity(work / self.processor)

    def __str__(self) -> str:
        return f"{self.median * 1e3:.2f} ms ({self.low * 1e3:.2f}-{self.high * 1e3:.2f})"


def measure(function: Callable[[], Any], runs: int = 5) -> Timing:
    """Time ``runs`` calls after one that is not counted (compilation, caches)."""
    function()
    wall, processor = [], []
    for _ in range(runs):
        began, used = time.perf_counter(), time.process_time()
        function()
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    return Timing(statistics.median(wall), min(wall), max(wall), max(statistics.median(processor), 1e-9))


def fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what ``function`` returns in a process of its own, which has imported nothing but its module."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def quantity(value: float) -> str:
    """Return a number with three digits and a prefix."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.3g} "


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table in Markdown."""
    cells = [[str(item) for item in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(item.ljust(width) for item, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    print(f"\n{title}  [{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}]")
    print("\n".join([lines[0], rule, *lines[1:]]))


def synthetic_workload(
    sizes: Sequence[int], fan_in: int, *, samples: int = 2, timesteps: int = 8, rate: float = 0.1, seed: int = 0
) -> Workload:
    """Return dense layers of 8-bit weights of which ``fan_in`` per neuron are not zero, driven by random spikes.

    Thresholds are such that the layers keep firing at about the rate of their input.
    """
    rng = np.random.default_rng(seed)
    populations = {"input": Population("input", (sizes[0],), None)}
    projections = []
    for at in range(1, len(sizes)):
        source, target = list(populations)[-1], f"layer{at}"
        n_source, n_target = sizes[at - 1], sizes[at]
        weights = np.zeros((n_target, n_source), np.int32)
        kept = min(fan_in, n_source)
        place = rng.integers(0, n_source, (n_target, kept))
        np.put_along_axis(weights, place, rng.integers(-40, 81, (n_target, kept)).astype(np.int32), axis=1)
        full = np.full(n_target, 1, np.int32)
        threshold = max(1, int(20 * kept * rate * 4))
        model = LIF(full * 3584, full * threshold, full * 0, "subtract", ">")
        populations[target] = Population(target, (n_target,), model, None, np.ones(n_target))
        projections.append(Projection(source, target, dense(weights, 8)))
    network = Network("synthetic", populations, tuple(projections), 1e-3)
    events = EventStream.from_dense(rng.random((samples, timesteps, sizes[0])) < rate)
    return workload_of(network, events)


def workload_of(network: Network, events: EventStream) -> Workload:
    """Return a network and its input as if they had been loaded from a folder."""
    made = {"stated": {}, "description": {"input": {"encoding": "events"}}, "network": {}}
    return Workload(network.name, network, events, None, "rate", events.timesteps, made, None, {}, Path(), "synthetic")
