"""Naming a deadlock: the cycle of channels that wait for each other.

A step that cannot end is run again on the reference engine, whose objects are then asked what they wait for.
"""

import numpy as np

from accelsim.timing.machine import Machine
from accelsim.timing.records import ROUTER_COUNT, SCAN_COUNT, TERMINAL_COUNT
from accelsim.timing.reference.step import build_step
from accelsim.timing.tables import StepWork
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


def waiting_cycle(machine: Machine, sample: int, step: int) -> str:
    """Return the channels that wait for each other in a step that cannot end, in words."""
    scratch = allocate_work(machine.work)
    build_work(machine.work, sample, step, scratch, np.zeros(len(machine.work.parts), SCAN_COUNT))
    return describe(machine, scratch.work)


def describe(machine: Machine, work: StepWork) -> str:
    """Run a step on the reference engine until nothing moves and follow who waits for whom."""
    noc = machine.noc
    env, network, _ = build_step(
        noc,
        machine.axons,
        work,
        np.zeros(len(noc.terminals), TERMINAL_COUNT),
        np.zeros(noc.routers, ROUTER_COUNT),
        np.zeros((noc.routers, noc.ports), np.int64),
    )
    env.run()
    waits = {}
    for index, router in enumerate(network.routers):
        for (port, vc), (out, out_vc) in router.waiting().items():
            behind = int(noc.links["router"][index, out])
            waits[index, port, vc] = (behind, int(noc.links["port"][index, out]), out_vc) if behind >= 0 else None
    for start, behind_it in waits.items():
        seen, at = [start], behind_it
        while at is not None and at in waits and at not in seen:
            seen.append(at)
            at = waits[at]
        if at in seen:
            cycle = [*seen[seen.index(at) :], at]
            return "channels wait in a cycle: " + " -> ".join(f"router[{r}].in{p}.vc{v}" for r, p, v in cycle)
    if not waits:
        return "but it ends on the reference engine: the engines disagree, a defect of accelsim"
    return f"{len(waits)} channels wait, none in a cycle: " + ", ".join(
        f"router[{r}].in{p}.vc{v}" for r, p, v in list(waits)[:8]
    )
