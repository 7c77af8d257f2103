"""The compiled step of whatever network a chip has, with its scratch: one per worker."""

from collections.abc import Callable
from typing import Any

from accelsim.timing.compiled.fixed_latency import allocate_fixed_latency, run_fixed_latency_step
from accelsim.timing.compiled.state import allocate_noc, allocate_terminals
from accelsim.timing.compiled.step import run_step
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NetworkTables, StepWork

Runner = Callable[[AxonTables, StepWork, Any, Any, Any, Any], None]
"""Takes axons, work, and the records to fill: terminals, routers, links, summary; see ``run_step``."""


def step_runner(noc: NetworkTables) -> Runner:
    """Allocate the scratch of one worker and return what simulates a step with it."""
    if isinstance(noc, FixedLatencyTables):
        queues, ends = allocate_fixed_latency(noc), allocate_terminals(noc.terminals, 1)
        return lambda axons, work, *out: run_fixed_latency_step(noc, axons, work, queues, ends, *out)
    routers, terminals = allocate_noc(noc), allocate_terminals(noc.terminals, noc.vcs)
    return lambda axons, work, *out: run_step(noc, axons, work, routers, terminals, *out)
