"""Packet traces on the reference network: unbounded sources, sinks that take a flit in the cycle it arrives."""

from dataclasses import dataclass, field

import numpy as np
from simpy.core import Environment

from accelsim.timing.packets import PacketTimes, PacketTrace
from accelsim.timing.records import ROUTER_COUNT
from accelsim.timing.reference.network import RouterNetwork
from accelsim.timing.reference.primitives import Process
from accelsim.timing.reference.router import Flit
from accelsim.timing.tables import NocTables


@dataclass
class _Log:
    injected: dict[int, int] = field(default_factory=dict)
    head: dict[int, int] = field(default_factory=dict)
    tail: dict[int, int] = field(default_factory=dict)


class _Node:
    """Source and sink of one terminal."""

    def __init__(self, env: Environment, network: RouterNetwork, terminal: int, log: _Log) -> None:
        self._env, self._network, self._terminal, self._log = env, network, terminal, log
        self._injector = network.injector(terminal)
        self.receive_credit = self._injector.receive_credit

    def receive(self, vc: int, flit: Flit) -> None:
        if flit.head:
            self._log.head[flit.axon] = int(self._env.now)
        if flit.tail:
            self._log.tail[flit.axon] = int(self._env.now)
        self._network.free(self._terminal, vc, 1)

    def feed(self, trace: PacketTrace, packets: list[int]) -> Process:
        for packet in packets:
            if trace.created[packet] > self._env.now:
                yield self._env.timeout(int(trace.created[packet]) - self._env.now)

            def on_flit(head: bool, _waited: int, packet: int = packet) -> None:
                if head:
                    self._log.injected[packet] = int(self._env.now)

            yield from self._injector.send(packet, int(trace.target[packet]), int(trace.flits[packet]), on_flit)
            yield self._env.timeout(1)


def run_packets(noc: NocTables, trace: PacketTrace) -> PacketTimes:
    """Run a packet trace; same contract as the compiled engine's."""
    env = Environment()
    log = _Log()
    counts = np.zeros(noc.routers, dtype=ROUTER_COUNT)
    links = np.zeros((noc.routers, noc.ports), dtype=np.int64)
    network = RouterNetwork(env, noc, lambda _terminal: noc.buffer, counts, links)
    by_source: dict[int, list[int]] = {}
    for packet, source in enumerate(trace.source.tolist()):
        by_source.setdefault(source, []).append(packet)
    for terminal in range(len(noc.terminals)):
        node = _Node(env, network, terminal, log)
        network.endpoints.append(node)
        env.process(node.feed(trace, by_source.get(terminal, [])))
    env.run()
    size = range(len(trace.created))
    injected, head, tail = (
        np.array([times.get(packet, -1) for packet in size], dtype=np.int64)
        for times in (log.injected, log.head, log.tail)
    )
    return PacketTimes(injected, head, tail, links, counts)
