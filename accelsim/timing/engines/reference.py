"""``reference``: the SimPy model, step by step; slow, readable, and where a new behaviour starts."""

from accelsim.timing.engine import ELASTIC_ENGINES, ENGINES, Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.reference.elastic_terminal import elastic_runner
from accelsim.timing.reference.step import run_step
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


@ENGINES.register("reference")
def simulate(machine: Machine, chunk: Chunk) -> None:
    """Simulate the jobs of a chunk."""
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


ELASTIC_ENGINES.register("reference")(elastic_runner)
