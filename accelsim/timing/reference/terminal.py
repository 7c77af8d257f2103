"""The reference terminal: a core or a port as five processes, one per engine.

Rules: docs/timing-model.md, section 2.
"""

from collections import deque
from typing import Any

from simpy.core import Environment

from accelsim.timing.reference.primitives import Fifo, Process, Signal
from accelsim.timing.reference.protocols import Network
from accelsim.timing.reference.router import Flit
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NocTables, StepWork

_ROW_COUNTS = {
    "row_cycles": "cycles",
    "row_ideal": "ideal",
    "row_conflict": "conflict",
    "row_fetch": "fetch",
    "row_lookup": "lookup",
    "words": "words",
    "sops": "sops",
    "issued": "issued",
    "state_words": "state_words",
    "macs": "macs",
    "loads": "loads",
}


class Terminal:
    """One core or port during one step."""

    def __init__(
        self,
        env: Environment,
        network: Network,
        noc: NocTables | FixedLatencyTables,
        axons: AxonTables,
        work: StepWork,
        index: int,
        count: Any,
    ) -> None:
        self._env, self._network, self._noc, self._axons, self._work = env, network, noc, axons, work
        self._index, self._count = index, count
        self._count["first_flit"] = -1
        self._spikes: Fifo[int] = Fifo(env, int(noc.terminals["spike_fifo"][index]))
        self._packets: Fifo[tuple[int, int]] = Fifo(env, int(noc.terminals["injection_queue"][index]))
        self._injector = network.injector(index)
        self.receive_credit = self._injector.receive_credit
        self._queue: deque[tuple[int, int]] = deque()
        self._arrived = Signal(env)
        self._looked_up: int | None = None
        self._look_up_changed = Signal(env)
        self._written = 0
        for process in (self._scan(), self._axon_out(), self._inject(), self._look_up(), self._rows()):
            env.process(process)

    @property
    def finished(self) -> bool:
        """Whether all work of the step is done and every queue is empty."""
        fired = self._work.fired_ptr[self._index + 1] - self._work.fired_ptr[self._index]
        empty = not (self._spikes or self._packets or self._queue) and self._looked_up is None
        return bool(self._written == fired and empty)

    def receive(self, vc: int, flit: Flit) -> None:
        """Take a flit; a packet is complete with its tail."""
        self._count["flits_in"] += 1
        if flit.tail:
            self._queue.append((self._own_axon(flit.axon), vc))
            self._count["queue_peak"] = max(self._count["queue_peak"], len(self._queue))
            self._arrived.notify()

    def _own_axon(self, axon: int) -> int:
        """Return the axon of this terminal; a multicast packet says the first of its neuron's."""
        while self._axons.root.size and self._axons.axon["terminal"][axon] != self._index:
            axon += 1
        return axon

    def _sends(self, neuron: int) -> list[tuple[int, int, int]]:
        """Return (axon, goal, destinations) of a neuron's packets: one per axon, or one for its tree."""
        axons, first, last = self._axons, int(self._axons.ptr[neuron]), int(self._axons.ptr[neuron + 1])
        if axons.root.size and first < last:
            return [(first, int(axons.root[neuron]), last - first)]
        return [(axon, int(axons.axon["terminal"][axon]), 1) for axon in range(first, last)]

    def _cost(self, axon: int) -> Any:
        return self._axons.costs[self._axons.axon["cost"][axon]]

    def _scan(self) -> Process:
        work, first = self._work, int(self._work.fired_ptr[self._index])
        for burst in range(int(work.burst_ptr[self._index]), int(work.burst_ptr[self._index + 1])):
            yield self._env.timeout(int(work.burst_cycles[burst]))
            self._count["bursts"] += 1
            self._count["scan_end"] = self._env.now
            self._count["scan_cycles"] += work.burst_cycles[burst]
            began = self._env.now
            for _ in range(int(work.burst_fired[burst])):
                yield from self._spikes.put(int(work.fired[first + self._written]))
                self._written += 1
                self._count["fired"] += 1
            self._count["fifo_full"] += self._env.now - began

    def _axon_out(self) -> Process:
        cycles = int(self._noc.terminals["axon_out"][self._index])
        while True:
            neuron = yield from self._spikes.peek()
            for number, (axon, goal, destinations) in enumerate(self._sends(neuron)):
                yield self._env.timeout(cycles if number > 0 else cycles - 1)
                began = self._env.now
                yield from self._packets.put((axon, goal))
                self._count["injection_full"] += self._env.now - began
                self._count["routing_reads"] += 1
                self._count["destinations"] += destinations
            self._spikes.pop()
            self._count["source_end"] = max(self._count["source_end"], self._env.now + 1)
            yield self._env.timeout(1)

    def _inject(self) -> Process:
        while True:
            axon, goal = yield from self._packets.peek()
            yield from self._injector.send(axon, goal, int(self._cost(axon)["flits"]), self._on_flit)
            self._packets.pop()
            self._count["packets_out"] += 1
            yield self._env.timeout(1)

    def _on_flit(self, _head: bool, waited: int) -> None:
        self._count["no_credit"] += waited
        self._count["flits_out"] += 1
        self._count["source_end"] = self._env.now + 1
        if self._count["first_flit"] < 0:
            self._count["first_flit"] = self._env.now

    def _look_up(self) -> Process:
        while True:
            while not self._queue:
                yield self._arrived.wait()
            while self._looked_up is not None:
                yield self._look_up_changed.wait()
            axon, vc = self._queue.popleft()
            self._network.free(self._index, vc, int(self._cost(axon)["flits"]))
            self._count["packets_in"] += 1
            self._looked_up = axon
            self._look_up_changed.notify()
            yield self._env.timeout(1)

    def _rows(self) -> Process:
        while True:
            while self._looked_up is None:
                yield self._look_up_changed.wait()
                yield self._env.timeout(1)
            row = self._cost(self._looked_up)
            self._looked_up = None
            self._look_up_changed.notify()
            for name, field in _ROW_COUNTS.items():
                self._count[name] += row[field]
            self._count["row_end"] = self._env.now + row["cycles"]
            yield self._env.timeout(int(row["cycles"]))
