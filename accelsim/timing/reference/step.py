"""One hardware step on the reference engine."""

from typing import Any

from simpy.core import Environment

from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.reference.fixed_latency import FixedLatencyNetwork
from accelsim.timing.reference.network import RouterNetwork
from accelsim.timing.reference.probe import SILENT, Probe
from accelsim.timing.reference.protocols import Network
from accelsim.timing.reference.terminal import Terminal
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NetworkTables, StepWork


def build_step(
    noc: NetworkTables,
    axons: AxonTables,
    work: StepWork,
    count: Any,
    router_count: Any,
    links: Any,
    probe: Probe = SILENT,
) -> tuple[Environment, Network, list[Terminal]]:
    """Wire up a chip at the beginning of a step."""
    env = Environment()
    network: Network
    if isinstance(noc, FixedLatencyTables):
        network = FixedLatencyNetwork(env, noc, router_count, links, probe)
    else:
        depth = noc.terminals["input_queue"]
        network = RouterNetwork(env, noc, lambda terminal: int(depth[terminal]), router_count, links, probe)
    terminals = [
        Terminal(env, network, noc, axons, work, index, count[index], probe) for index in range(len(noc.terminals))
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
    env, network, terminals = build_step(noc, axons, work, count, router_count, links, probe)
    env.run()
    finished = all(terminal.finished for terminal in terminals) and network.idle
    summary[0]["end"] = max(count[name].max() for name in ("scan_end", "source_end", "row_end"))
    summary[0]["injected"] = count["packets_out"].sum()
    summary[0]["delivered"] = count["packets_in"].sum()
    summary[0]["status"] = STATUS_DONE if finished else STATUS_DEADLOCK
