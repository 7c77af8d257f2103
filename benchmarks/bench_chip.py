"""Whole chips: packets and steps per second, one thread against two, and what every stage of a run costs."""

import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

import numpy as np
from common import Timing, measure, print_table, quantity, synthetic_workload

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import map_network
from accelsim.network.workload import Workload, load_workload
from accelsim.pipeline import flow
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate

STAGES = (
    "load_chip", "load_workload", "execute", "map_network", "build_machine", "simulate", "count", "build_energy_table",
    "account", "run_baseline",
)  # fmt: skip


def cases() -> dict[str, tuple[str, Workload, list[str]]]:
    wide = synthetic_workload((256, 1024, 1024, 1024, 10), 64, samples=1)
    roomy = [
        "core.synapse_memory.capacity=2 MiB",
        "core.axon_memory.memory.capacity=128 KiB",
        "core.routing_memory.memory.capacity=2 MiB",
    ]
    return {
        "mnist_conv on core": ("core", load_workload("mnist_conv", 16), []),
        "mnist_conv on large": ("large", load_workload("mnist_conv", 16), []),
        "snntorch_conv on core": ("core", load_workload("snntorch_conv", 16), []),
        "3 x 1024 dense, 64 inputs each, on large": ("large", wide, roomy),
    }


def limits_of(load: Workload, spec: ChipSpec) -> Numerics:
    if not load.network.integer:
        return Numerics(None, None)
    return Numerics(spec.core.membrane.bits, spec.core.accumulator.bits)


def bench_engines() -> None:
    rows = []
    for name, (hw, load, overrides) in cases().items():
        spec = load_chip(hw, overrides).spec
        limits = limits_of(load, spec)
        runs = {n: measure(lambda n=n, a=load, b=limits: execute(a.network, a.events, b, n), 3) for n in (1, 2)}
        trace = execute(load.network, load.events, limits, 2)
        mapping = map_network(load.network, spec, load.events.kind, load.events.value_bits)
        machine = build_machine(load.network, spec, mapping, trace)
        timing = simulate(machine, spec, mapping, "compiled", 2)
        packets = int(timing.terminals["packets_in"].sum())
        both = {
            n: measure(lambda n=n, a=machine, b=spec, c=mapping: simulate(a, b, c, "compiled", n), 3) for n in (1, 2)
        }
        one = both[1]
        operations = int(timing.terminals["sops"].sum())
        rows.append((
            name, quantity(packets), quantity(int(timing.step_cycles.sum())),
            one.per_second(packets), one.per_second(machine.jobs),
            one.per_second(int(timing.step_cycles.sum())), ratio(both), runs[1].per_second(operations), ratio(runs),
        ))  # fmt: skip
    head = ("case", "packets", "cycles", "packets/s", "steps/s", "cycles/s", "2 threads", "executor SOP/s", "2 threads")
    print_table("Compiled engine and functional executor, one thread", head, rows)


def ratio(took: dict[int, Timing]) -> str:
    return f"{took[1].median / took[2].median:.2f}x"


def bench_reference() -> None:
    """Both engines on one sample: how much the readable one costs."""
    chip, load = load_chip("core").spec, load_workload("mnist_conv", 1)
    trace = execute(load.network, load.events, Numerics(16, 16), 1)
    mapping = map_network(load.network, chip, "spikes", 1)
    machine = build_machine(load.network, chip, mapping, trace)
    engines = ("reference", "compiled")
    took = {engine: measure(lambda e=engine: simulate(machine, chip, mapping, e, 1), 3) for engine in engines}
    factor = took["reference"].median / took["compiled"].median
    rows = [*took.items(), ("reference / compiled", f"{factor:.0f}x")]
    print_table("Engines, one sample of mnist_conv on core", ("engine", "time"), rows)


def bench_stages() -> None:
    """Seconds of every stage of one warm run without a cached trace, and the largest memory of the process so far."""
    rows = []
    for name, (hw, load, overrides) in cases().items():
        with mock.patch.object(flow, "load_workload", lambda *_, load=load, **__: load):
            flow.run(hw, "warm", overrides=overrides, cache=False)
            spent: dict[str, float] = {}
            with _timed(spent):
                began = time.perf_counter()
                flow.run(hw, "again", overrides=overrides, cache=False)
                total = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append((name, f"{total:.2f} s", *(f"{spent.get(stage, 0):.3f}" for stage in STAGES), f"{peak:.0f} MiB"))
    print_table("Stages of one warm run, s", ("case", "total", *STAGES, "peak so far"), rows)


def _timed(spent: dict[str, float]) -> Any:
    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent[name] = spent.get(name, 0) + time.perf_counter() - began

        return call

    stack = ExitStack()
    for name in STAGES:
        stack.enter_context(mock.patch.object(flow, name, wrapped(name, getattr(flow, name))))
    return stack


if __name__ == "__main__":
    np.seterr(all="raise")
    bench_engines()
    bench_reference()
    bench_stages()
