"""``compiled``: the numba event loop; a step runs without the interpreter lock."""

from accelsim.timing.compiled.run import step_runner
from accelsim.timing.engine import ENGINES, Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


@ENGINES.register("compiled")
def simulate(machine: Machine, chunk: Chunk) -> None:
    """Simulate the jobs of a chunk."""
    run, scratch = step_runner(machine.noc), allocate_work(machine.work)
    work = scratch.work
    for at in range(len(chunk.steps)):
        sample, step = divmod(chunk.first + at, machine.work.steps)
        build_work(machine.work, sample, step, scratch, chunk.scans[at])
        run(machine.axons, work, chunk.terminals[at], chunk.routers[at], chunk.links[at], chunk.steps[at : at + 1])
