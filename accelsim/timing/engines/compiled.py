"""``compiled``: the numba event loop; a step runs without the interpreter lock."""

from accelsim.timing.compiled.run import step_runner
from accelsim.timing.engine import ENGINES, Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.tables import StepWork
from accelsim.timing.work_kernels import build_work


@ENGINES.register("compiled")
def simulate(machine: Machine, chunk: Chunk) -> None:
    """Simulate the jobs of a chunk."""
    run = step_runner(machine.noc)
    for at in range(len(chunk.steps)):
        sample, step = divmod(chunk.first + at, machine.work.steps)
        work = StepWork(*build_work(machine.work, sample, step, chunk.scans[at]))
        counts = chunk.terminals[at], chunk.routers[at], chunk.links[at], chunk.steps[at : at + 1]
        run(machine.axons, work, *counts)
