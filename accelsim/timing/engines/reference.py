"""``reference``: the SimPy model, step by step; slow, readable, and where a new behaviour starts."""

from accelsim.timing.engine import ELASTIC_ENGINES, ENGINES, Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.reference.elastic_terminal import elastic_runner
from accelsim.timing.reference.step import build_sample, run_step
from accelsim.timing.tokens import summarise
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


@ENGINES.register("reference")
def simulate(machine: Machine, chunk: Chunk) -> None:
    """Simulate the jobs of a chunk."""
    if machine.tokens is not None:
        _simulate_samples(machine, chunk)
        return
    scratch = allocate_work(machine.work)
    for at in range(len(chunk.steps)):
        sample, step = divmod(chunk.first + at, machine.work.steps)
        build_work(machine.work, sample, step, scratch, chunk.scans[at])
        run_step(
            machine.noc,
            machine.axons,
            scratch.work,
            chunk.terminals[at],
            chunk.routers[at],
            chunk.links[at],
            chunk.steps[at : at + 1],
        )


def _simulate_samples(machine: Machine, chunk: Chunk) -> None:
    steps = machine.work.steps
    for first in range(0, len(chunk.steps), steps):
        count, scans = chunk.terminals[first : first + steps], chunk.scans[first : first + steps]
        sample = (chunk.first + first) // steps
        env, _, _ = build_sample(machine, sample, count, chunk.routers[first], chunk.links[first], scans)
        env.run()
        summarise(machine.axons, count, chunk.steps[first : first + steps])


ELASTIC_ENGINES.register("reference")(elastic_runner)
