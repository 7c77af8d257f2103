"""The machine that an engine simulates: a mapped chip and the work of every step."""

from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.network.graph import Network
from accelsim.timing.tables import AxonTables, Endpoints, NetworkTables, TokenTables, network_tables
from accelsim.timing.tokens import token_tables, token_trees
from accelsim.timing.work import WorkTables, work_tables
from accelsim.trace.activity import ActivityTrace

Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Machine:
    """Tables of a chip with its work; jobs are (sample, step) pairs in order.

    ``last_output`` is the step in which the output executes its last timestep: the last of all, unless populations that
    do not lead to the output are deeper. ``tokens``: who waits for whom where no barrier ends a step. ``scratch`` is
    what a worker leaves for the next chunk of jobs; whoever takes it owns it.
    """

    noc: NetworkTables
    axons: AxonTables
    work: WorkTables
    samples: int
    last_output: int = -1
    tokens: TokenTables | None = None
    scratch: deque[Any] = field(default_factory=deque, repr=False)

    @property
    def jobs(self) -> int:
        """Steps of all samples."""
        return self.samples * self.work.steps


def build_machine(
    network: Network, chip: ChipSpec, mapping: Mapping, trace: ActivityTrace, *, back_to_back: bool = False
) -> Machine:
    """Gather the tables that both engines read; ``back_to_back``: all samples are one, each behind the last."""

    def ends(cores: Int32s, ports: list[int]) -> Int32s:
        return np.concatenate((cores, ports)).astype(np.int32)

    def depths(name: str) -> Int32s:
        return ends(mapping.layout.each(attrgetter(name)), [getattr(port, name) for port in chip.ports])

    axon_out = ends(mapping.layout.each(lambda core: core.timing.axon_out_cycles), [1] * len(chip.ports))
    endpoints = Endpoints(depths("input_queue"), depths("spike_fifo"), depths("injection_queue"), axon_out)
    axons, trees = AxonTables(mapping.axons.ptr, mapping.axons.axon, mapping.axons.costs), mapping.trees
    if trees is not None:
        axons = axons._replace(root=trees.of_axons(axons.ptr))
    schedule, tokens = Schedule.of(chip.schedule, network, trace.timesteps), None
    work = work_tables(network, chip, mapping, trace, back_to_back=back_to_back)
    if chip.synchronization == "dependency":
        axons, tokens = token_tables(axons, chip, mapping)
        if trees is not None:
            axons, trees = token_trees(axons, trees, mapping.fabric)
    return Machine(
        network_tables(mapping.fabric, chip.noc, endpoints, trees),
        axons,
        work,
        1 if back_to_back else trace.samples,
        schedule.last(network.output.name) + work.steps - schedule.steps,
        tokens,
    )
