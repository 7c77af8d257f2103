"""``compiled``: the numba event loop; a step runs without the interpreter lock."""

from accelsim.timing.compiled.state import allocate_noc, allocate_terminals
from accelsim.timing.compiled.step import run_step
from accelsim.timing.engine import ENGINES, Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


@ENGINES.register("compiled")
def simulate(machine: Machine, chunk: Chunk) -> None:
    """Simulate the jobs of a chunk."""
    routers, terminals = allocate_noc(machine.noc), allocate_terminals(machine.noc)
    scratch = allocate_work(machine.work)
    for at in range(len(chunk.steps)):
        sample, step = divmod(chunk.first + at, machine.work.steps)
        build_work(machine.work, sample, step, scratch, chunk.scans[at])
        run_step(
            machine.noc,
            machine.axons,
            scratch.work,
            routers,
            terminals,
            chunk.terminals[at],
            chunk.routers[at],
            chunk.links[at],
            chunk.steps[at : at + 1],
        )
