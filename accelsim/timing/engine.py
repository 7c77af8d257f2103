"""What an engine is, and what a simulation returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.registry import Registry
from accelsim.timing.elastic import ElasticTables
from accelsim.timing.machine import Machine
from accelsim.timing.records import ROUTER_COUNT, SCAN_COUNT, STEP, TERMINAL_COUNT
from accelsim.timing.tables import AxonTables, StepWork


@dataclass(frozen=True, eq=False)
class Chunk:
    """Counts of consecutive jobs.

    Attributes
    ----------
    first : int
        Number of the first job.
    terminals : (jobs, terminals) TERMINAL_COUNT
    routers : (jobs, routers) ROUTER_COUNT
    links : (jobs, routers, ports) int64
        Flits through every output port.
    scans : (jobs, parts) SCAN_COUNT
    steps : (jobs,) STEP
    """

    first: int
    terminals: npt.NDArray[Any]
    routers: npt.NDArray[Any]
    links: npt.NDArray[np.int64]
    scans: npt.NDArray[Any]
    steps: npt.NDArray[Any]


def empty_chunk(machine: Machine, first: int, jobs: int) -> Chunk:
    """Return zeroed counts for ``jobs`` jobs from ``first`` on."""
    terminals = len(machine.noc.terminals)
    return Chunk(
        first,
        np.zeros((jobs, terminals), TERMINAL_COUNT),
        np.zeros((jobs, machine.noc.routers), ROUTER_COUNT),
        np.zeros((jobs, machine.noc.routers, machine.noc.ports), np.int64),
        np.zeros((jobs, len(machine.work.parts)), SCAN_COUNT),
        np.zeros(jobs, STEP),
    )


Engine = Callable[[Machine, Chunk], None]
"""Simulates the jobs of a chunk and fills its counts."""

ENGINES: Registry[Engine] = Registry("engine", "accelsim.timing.engines")

ElasticStep = Callable[[AxonTables, StepWork, Any, Any, Any, Any, bool], None]
"""Simulates one step of an elastic chip: axons, work, the records of terminals, routers and links and the summary to
fill, and whether the step is the first of its sample."""

ELASTIC_ENGINES: Registry[Callable[[ElasticTables], ElasticStep]] = Registry(
    "elastic engine", "accelsim.timing.engines"
)
"""The same engines for chips with skid-buffered routers and source-side synapses; each makes its scratch once."""
