"""The compiled steps of consecutive jobs on whatever network a chip has: one call without the interpreter lock."""

from collections.abc import Callable
from typing import Any

from accelsim.kernels import loop_kernel
from accelsim.timing.compiled.fixed_latency import (
    allocate_fixed_latency,
    run_fixed_latency_sample,
    run_fixed_latency_step,
)
from accelsim.timing.compiled.gates import Gates, allocate_gates, clear_gates
from accelsim.timing.compiled.single import is_single
from accelsim.timing.compiled.state import allocate_noc, allocate_terminals
from accelsim.timing.compiled.step import (
    run_general_sample,
    run_general_step,
    run_multicast_sample,
    run_multicast_step,
    run_single_sample,
    run_single_step,
)
from accelsim.timing.engine import Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NetworkTables, StepWork
from accelsim.timing.tokens import summarise
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work

Runner = Callable[[AxonTables, StepWork, Any, Any, Any, Any], None]
"""Takes axons, work, and the records to fill: terminals, routers, links, summary; see ``run_step``."""


def step_runner(noc: NetworkTables) -> Runner:
    """Allocate the scratch of one worker and return what simulates a step with it."""
    network, ends = _allocate(noc)
    run, _, _ = _kernels(noc)

    def run_step(axons: AxonTables, work: StepWork, count: Any, *out: Any) -> None:
        run(noc, axons, work, 0, network, ends, count.reshape(1, -1), *out)

    return run_step


def run_jobs(machine: Machine, chunk: Chunk) -> None:
    """Simulate the jobs of a chunk."""
    noc, tokens = machine.noc, machine.tokens
    try:
        scratch, *network = machine.scratch.pop()
    except IndexError:
        scratch = allocate_work(machine.work, apart=tokens is not None)
        network = [*_allocate(noc)]
        if tokens is not None:
            network.append(allocate_gates(tokens, machine.work, scratch, chunk.scans))
    _, jobs, sample = _kernels(noc)
    if tokens is None:
        out = (chunk.scans, chunk.terminals, chunk.routers, chunk.links, chunk.steps)
        jobs(noc, machine.axons, machine.work, scratch, scratch.work, *network, chunk.first, *out)
    else:
        _run_samples(sample, machine, chunk, scratch.work, *network)
    machine.scratch.append((scratch, *network))


def _run_samples(
    run: Any, machine: Machine, chunk: Chunk, work: StepWork, network: Any, ends: Any, gates: Gates
) -> None:
    """Simulate the samples of a chunk, all steps of each at once."""
    steps = machine.work.steps
    for first in range(0, len(chunk.steps), steps):
        own, span = gates._replace(scans=chunk.scans[first : first + steps]), slice(first, first + steps)
        out = (chunk.terminals[span], chunk.routers[first], chunk.links[first], chunk.steps[span])
        clear_gates(own, (chunk.first + first) // steps)
        run(machine.noc, machine.axons, work, own, network, ends, *out)
        summarise(machine.axons, chunk.terminals[span], chunk.steps[span])


def _kernels(noc: NetworkTables) -> tuple[Any, Any, Any]:
    """Return the kernels of one step, of the jobs of a chunk, and of a sample whose terminals keep step by tokens."""
    if isinstance(noc, FixedLatencyTables):
        return run_fixed_latency_step, _jobs_fixed_latency, run_fixed_latency_sample
    if noc.nodes.size:
        return run_multicast_step, _jobs_multicast, run_multicast_sample
    if is_single(noc):
        return run_single_step, _jobs_single, run_single_sample
    return run_general_step, _jobs_general, run_general_sample


def _allocate(noc: NetworkTables) -> tuple[Any, Any]:
    if isinstance(noc, FixedLatencyTables):
        return allocate_fixed_latency(noc), allocate_terminals(noc.terminals, 1)
    return allocate_noc(noc), allocate_terminals(noc.terminals, noc.vcs)


def _jobs_kernel(fixed_latency: bool, single: bool, forks: bool = False) -> Callable[..., None]:
    """Return the kernel of consecutive jobs for one kind of network; only its step is compiled."""

    @loop_kernel
    def run(
        noc: Any, axons: Any, tables: Any, scratch: Any, work: Any, network: Any, ends: Any, first: int,
        scans: Any, terminals: Any, routers: Any, links: Any, steps: Any,
    ) -> None:  # fmt: skip
        for at in range(steps.size):
            sample = (first + at) // tables.steps
            build_work(tables, sample, first + at - sample * tables.steps, scratch, scans[at])
            own, step = terminals[at : at + 1], steps[at : at + 1]
            if fixed_latency:
                run_fixed_latency_step(noc, axons, work, 0, network, ends, own, routers[at], links[at], step)
            elif single:
                run_single_step(noc, axons, work, 0, network, ends, own, routers[at], links[at], step)
            elif forks:
                run_multicast_step(noc, axons, work, 0, network, ends, own, routers[at], links[at], step)
            else:
                run_general_step(noc, axons, work, 0, network, ends, own, routers[at], links[at], step)

    return run


_jobs_fixed_latency = _jobs_kernel(True, False)
_jobs_single = _jobs_kernel(False, True)
_jobs_general = _jobs_kernel(False, False)
_jobs_multicast = _jobs_kernel(False, False, forks=True)
