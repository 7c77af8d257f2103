"""One hardware step on the reference engine, or all steps of a sample where no barrier ends them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from simpy.core import Environment

from accelsim.timing.machine import Machine
from accelsim.timing.records import SCAN_COUNT, STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.reference.fixed_latency import FixedLatencyNetwork
from accelsim.timing.reference.network import RouterNetwork
from accelsim.timing.reference.probe import SILENT, Probe
from accelsim.timing.reference.protocols import Network
from accelsim.timing.reference.terminal import Plan, Terminal
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NetworkTables, StepWork, TokenTables
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work


@dataclass(frozen=True)
class OneStep:
    """The plan of terminals that meet at a barrier."""

    only: StepWork
    steps: int = 1
    tokens: TokenTables | None = None

    def work(self, _step: int) -> StepWork:
        """Return the work."""
        return self.only


class Sample:
    """The plan of terminals that enter the steps of a sample by tokens.

    The work of a step is built when the first terminal enters it.
    """

    def __init__(self, machine: Machine, sample: int, scans: Any) -> None:
        self.steps, self.tokens = machine.work.steps, machine.tokens
        self._machine, self._sample, self._scans = machine, sample, scans
        self._known: dict[int, StepWork] = {}
        self._left = dict.fromkeys(range(self.steps), len(machine.noc.terminals))

    def work(self, step: int) -> StepWork:
        """Return the work of a step; it is forgotten when all terminals have asked."""
        if step not in self._known:
            scratch = allocate_work(self._machine.work)
            build_work(self._machine.work, self._sample, step, scratch, self._scans[step])
            self._known[step] = scratch.work
        self._left[step] -= 1
        return self._known[step] if self._left[step] else self._known.pop(step)


def build_chip(
    noc: NetworkTables,
    axons: AxonTables,
    plan: Plan,
    count: Any,
    router_count: Any,
    links: Any,
    probe: Probe = SILENT,
) -> tuple[Environment, Network, list[Terminal]]:
    """Wire up a chip at the beginning of a step; ``count`` is (steps, terminals)."""
    env = Environment()
    network: Network
    if isinstance(noc, FixedLatencyTables):
        network = FixedLatencyNetwork(env, noc, router_count, links, probe)
    else:
        depth = noc.terminals["input_queue"]
        network = RouterNetwork(env, noc, lambda terminal: int(depth[terminal]), router_count, links, probe)
    terminals = [
        Terminal(env, network, noc, axons, plan, index, count[:, index], probe) for index in range(len(noc.terminals))
    ]
    network.endpoints.extend(terminals)
    return env, network, terminals


def run_step(
    noc: NetworkTables,
    axons: AxonTables,
    work: StepWork,
    count: Any,
    router_count: Any,
    links: Any,
    summary: Any,
    probe: Probe = SILENT,
) -> None:
    """Simulate one hardware step; same contract as the compiled engine's.

    The simulation ends when nothing is left to happen; what has not finished by then waits for ever.
    """
    env, network, terminals = build_chip(noc, axons, OneStep(work), count.reshape(1, -1), router_count, links, probe)
    env.run()
    finished = all(terminal.finished for terminal in terminals) and network.idle
    summary[0]["end"] = max(count[name].max() for name in ("scan_end", "source_end", "row_end"))
    summary[0]["injected"] = count["packets_out"].sum()
    summary[0]["delivered"] = count["packets_in"].sum()
    summary[0]["status"] = STATUS_DONE if finished else STATUS_DEADLOCK


def build_sample(
    machine: Machine, sample: int, count: Any, router_count: Any, links: Any, scans: Any = None
) -> tuple[Environment, Network, list[Terminal]]:
    """Wire up a chip at the beginning of a sample whose steps are entered by tokens."""
    if scans is None:
        scans = np.zeros((machine.work.steps, len(machine.work.parts)), SCAN_COUNT)
    plan = Sample(machine, sample, scans)
    return build_chip(machine.noc, machine.axons, plan, count, router_count, links)
