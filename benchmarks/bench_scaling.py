"""How the cost of a simulation grows: with packets, with the chip, with idle time, with threads, and in memory.

Each row states its bar. A bar is printed beside what was measured, never asserted: other programs on the machine
disturb it.
"""

import dataclasses
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bench_vgg16
import numpy as np
from common import print_table, quantity

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec, FixedLatencySpec
from accelsim.mapping.mapping import Mapping, map_network
from accelsim.network.connections.conv import convolution
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.recording import Recording
from accelsim.network.workload import load_workload
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.machine import Machine, build_machine
from accelsim.timing.simulate import simulate

PIXELS, CHANNELS, TAPS, RATE = 16, 4, 9, 0.3
"""Per core: pixels of a line and channels; taps of the kernels; share of the neurons that fire in a step."""

STRETCH = 50

RUNS = (3, 15)
"""Runs of a long and of a short simulation, of which the fastest counts."""

Simulation = tuple[Machine, ChipSpec, Mapping]


def layered(side: int, steps: int, *settings: str) -> Simulation:
    """Return a mesh of side x side cores with one layer on each row: all layers work in every step.

    ``settings`` are further overrides of the chip.

    A spike reaches one or two cores on the next row, whatever the side: packets and hops per core are constant. No step
    is like another: a processor learns the branches of one that comes again and again.
    """
    rng, shape = np.random.default_rng(0), (1, PIXELS * side, CHANNELS)
    size = PIXELS * side * CHANNELS
    populations, projections, spikes = {"in": Population("in", (1,), None)}, [], {}
    spikes["in"] = EventStream.from_dense(np.zeros((1, steps, 1), np.uint8))
    for layer in range(side):
        name = f"row{layer}"
        model = IF(np.ones(size, np.int32), np.zeros(size, np.int32), "subtract", ">=")
        populations[name] = Population(name, shape, model, None, np.ones(size))
        if layer:
            weights = rng.integers(1, 8, (CHANNELS, CHANNELS, 1, TAPS)).astype(np.int32)
            joined, _ = convolution(weights, shape, padding=(0, TAPS // 2), bits=4)
            projections.append(Projection(f"row{layer - 1}", name, joined))
        if layer < side - 1:
            spikes[name] = EventStream.from_dense(rng.random((1, steps, size)) < RATE)
    network = Network("rows", populations, tuple(projections), 1e-3)
    slices = ", ".join(f"row{layer}: {side}" for layer in range(side))
    chip = load_chip("large", [
        f"noc.size=[{side}, {side}]", "schedule=native", "ports=[]", "mapping.placement=row_major",
        f"mapping.slices={{{slices}}}", "mapping.partition=compact",
        *settings,
    ]).spec  # fmt: skip
    mapping = map_network(network, chip, "spikes", 1)
    trace = Recording(network, spikes).trace(delay=chip.edge_delay)
    return build_machine(network, chip, mapping, trace), chip, mapping


def cost(simulation: Simulation, runs: int) -> tuple[int, int, float]:
    """Return packets, flits over links, and the least processor seconds of ``runs`` runs on one thread."""
    best = np.inf
    for _ in range(runs):
        began = time.process_time()
        timing = simulate(*simulation, "compiled", 1)
        best = min(best, time.process_time() - began)
    return int(timing.terminals["packets_in"].sum()), int(timing.links.sum()), best


def bench_growth() -> None:
    simulate(*layered(2, 4), "compiled", 1)
    growth("more steps, 8x8", [(8, steps) for steps in (7, 70, 700, 7000)])
    growth("larger chips", [(side, 400) for side in (2, 4, 8, 16, 32)])


def growth(title: str, points: list[tuple[int, int]]) -> None:
    rows, spent = [], []
    for side, steps in points:
        packets, hops, seconds = cost(layered(side, steps), RUNS[side * side * steps < 10_000])
        spent.append(seconds / packets * 1e9)
        rows.append((f"{side}x{side}", steps, quantity(packets), f"{hops / packets:.2f}", f"{seconds:.3f} s",
                     f"{spent[-1]:.0f} ns", f"{seconds / steps / side**2 * 1e9:.0f} ns"))  # fmt: skip
    spread = max(spent) / min(spent) - 1
    rows.append(("spread", "", "", "", "", f"{spread:.0%}, bar 20%", ""))
    head = ("mesh", "steps", "packets", "links per packet", "CPU", "CPU per packet", "CPU per core and step")
    print_table(f"Packets, {title}, one thread", head, rows)


def bench_threads() -> None:
    """Two threads against one, on 128 independent steps of a busy mesh."""
    simulation = layered(16, 128)
    calls = [lambda n=n: simulate(*simulation, "compiled", n) for n in (1, 2)]
    calls[1]()
    wall, spent = alternating(calls, min, runs=15)
    rows = [(simulation[0].jobs, f"{wall[0]:.3f} s", f"{wall[1]:.3f} s", f"{wall[0] / wall[1]:.2f}x", "1.8x",
             f"{spent[1] / spent[0]:.2f}")]  # fmt: skip
    print_table("Threads, best of 15", ("steps", "1", "2", "speed-up", "bar", "CPU of 2 / CPU of 1"), rows)


def stretched(machine: Machine) -> Machine:
    """Return a machine whose bursts and rows take ``STRETCH`` times as long: the same packets with longer gaps."""
    work, costs, parts = machine.work, machine.axons.costs.copy(), machine.work.parts.copy()
    for name in ("cycles", "ideal", "conflict", "fetch", "lookup"):
        costs[name] *= STRETCH
    parts["event_cycles"] *= STRETCH
    engines = work.engines.copy()
    for name in ("membrane_slots", "accumulator_slots", "scan_cycles", "update_cycles", "spike_cycles"):
        engines[name] *= STRETCH
    work = work._replace(engines=engines, group_cycles=work.group_cycles * STRETCH, parts=parts)
    return dataclasses.replace(machine, work=work, axons=machine.axons._replace(costs=costs))


def bench_gaps() -> None:
    """Idle time must cost nothing: gaps between events 50 times as long."""
    load, plain = load_workload("mnist_conv", 16), load_chip("core").spec
    links = FixedLatencySpec(delay=(5, 5), interval=(2, 2), local_delay=1, queue_packets=16)
    fixed = plain.model_copy(update={"noc": plain.noc.model_copy(update={"router": None, "fixed_latency": links})})
    trace, rows = execute(load.network, load.events, Numerics(16, 16), 1), []
    for name, chip in (("virtual channels", plain), ("fixed latency", fixed)):
        mapping = map_network(load.network, chip, "spikes", 1)
        machine = build_machine(load.network, chip, mapping, trace)
        pair = [machine, stretched(machine)]
        cycles = [int(simulate(item, chip, mapping, "compiled", 1).step_cycles.sum()) for item in pair]
        calls = [lambda item=item, c=chip, m=mapping: simulate(item, c, m, "compiled", 1) for item in pair]
        _, took = alternating(calls, statistics.median, runs=9)
        rows.append((name, *(quantity(item) for item in cycles), *(f"{item * 1e3:.1f} ms" for item in took),
                     f"{took[1] / took[0]:.2f}", "< 1.10"))  # fmt: skip
    head = ("network", "cycles", "cycles stretched", "CPU", "CPU stretched", "ratio", "bar")
    print_table(f"Gaps of events {STRETCH} times as long, mnist_conv on core, one thread", head, rows)


def alternating(
    functions: list[Callable[[], object]], choose: Callable[[list[float]], float], runs: int
) -> tuple[list[float], list[float]]:
    """Return wall and processor seconds of functions that take turns, so that all see the same machine."""
    wall, spent = ([[] for _ in functions] for _ in range(2))
    for _ in range(runs):
        for at, function in enumerate(functions):
            began, used = time.perf_counter(), time.process_time()
            function()
            wall[at].append(time.perf_counter() - began)
            spent[at].append(time.process_time() - used)
    return [choose(own) for own in wall], [choose(own) for own in spent]


def peak_of(*options: str) -> str:
    """Return the largest memory of ``accelsim run`` in a process of its own."""
    command = [sys.executable, "-m", "accelsim", "run", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{shlex.join(command)}: exit code {process.returncode}")
    return f"{used.ru_maxrss / 1024:.0f} MiB"


def bench_memory() -> None:
    """Peak memory of `accelsim run`."""
    rows = []
    for samples in ("16", "64"):
        mnist = ("--hw", "core", "--workload", "mnist_conv", "--samples", samples)
        rows.append((f"mnist_conv on core, {samples} samples", peak_of(*mnist), "256 MiB"))
    path, found = bench_vgg16.tensors(), "skipped: no spike tensors"
    if path is not None:
        with tempfile.TemporaryDirectory() as folder:
            bench_vgg16.write_workload(Path(folder), path)
            changes = [word for change in bench_vgg16.CHIP for word in ("--set", change)]
            found = peak_of("--hw", "large", *changes, "--workload", folder, "--samples", "1")
    rows.append(("VGG16 from recorded spikes, 256 cores", found, f"{bench_vgg16.PEAK_BAR:.0f} MiB"))
    print_table("Peak memory of accelsim run", ("case", "peak", "bar"), rows)


if __name__ == "__main__":
    bench_growth()
    bench_threads()
    bench_gaps()
    bench_memory()
