"""Naming a deadlock: the cycle of channels that wait for each other.

A step that cannot end is run again on the reference engine, whose objects are then asked what they wait for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from simpy.core import Environment

from accelsim.timing.elastic import ElasticTables
from accelsim.timing.machine import Machine
from accelsim.timing.records import ROUTER_COUNT, SCAN_COUNT, TERMINAL_COUNT
from accelsim.timing.reference.elastic_terminal import build_elastic_step
from accelsim.timing.reference.protocols import Network
from accelsim.timing.reference.step import OneStep, build_chip, build_sample
from accelsim.timing.tables import AxonTables, StepWork
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


def waiting_cycle(machine: Machine, sample: int, step: int) -> str:
    """Return the channels that wait for each other in a step that cannot end, in words."""
    if machine.tokens is not None:
        counts = _counts(machine, machine.work.steps)
        env, network, _ = build_sample(machine, sample, *counts)
        return _follow(env, network)
    scratch = allocate_work(machine.work)
    build_work(machine.work, sample, step, scratch, np.zeros(len(machine.work.parts), SCAN_COUNT))
    return describe(machine, scratch.work)


def describe(machine: Machine, work: StepWork) -> str:
    """Run a step on the reference engine until nothing moves and follow who waits for whom."""
    env, network, _ = build_chip(machine.noc, machine.axons, OneStep(work), *_counts(machine, 1))
    return _follow(env, network)


def _counts(machine: Machine, steps: int) -> tuple[Any, Any, Any]:
    noc = machine.noc
    return (
        np.zeros((steps, len(noc.terminals)), TERMINAL_COUNT),
        np.zeros(noc.routers, ROUTER_COUNT),
        np.zeros((noc.routers, noc.ports), np.int64),
    )


def _follow(env: Environment, network: Network) -> str:
    env.run()
    return _named(network.waiting())


def elastic_waiting_cycle(tables: ElasticTables, axons: AxonTables, work: StepWork, *, first: bool) -> str:
    """Return the queues that wait for each other in a step of an elastic chip that cannot end, in words."""
    env, network, _ = build_elastic_step(
        tables,
        axons,
        work,
        np.zeros(len(tables.streams), TERMINAL_COUNT),
        np.zeros(tables.routers, ROUTER_COUNT),
        np.zeros((tables.routers, tables.ports), np.int64),
        first=first,
    )
    env.run()
    return _named(network.waiting())


def _named(waits: dict[str, list[str]]) -> str:
    cycle = find_cycle(waits)
    if cycle:
        return "channels wait in a cycle: " + " -> ".join(cycle)
    if not waits:
        return "but it ends on the reference engine: the engines disagree, a defect of accelsim"
    return f"{len(waits)} channels wait, none in a cycle: {', '.join(list(waits)[:8])}"


def find_cycle(waits: Mapping[str, Sequence[str]]) -> list[str]:
    """Return channels that wait for each other in a cycle, the first repeated at the end; empty if there are none."""
    done: set[str] = set()
    for start in waits:
        path: list[str] = []
        open_ends = [iter((start,))]
        while open_ends:
            channel = next(open_ends[-1], None)
            if channel is None:
                open_ends.pop()
                if path:
                    done.add(path.pop())
            elif channel in path:
                return [*path[path.index(channel) :], channel]
            elif channel not in done:
                path.append(channel)
                open_ends.append(iter(waits.get(channel, ())))
    return []
