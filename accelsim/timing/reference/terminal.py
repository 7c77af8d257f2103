"""The reference terminal: a core or a port as five processes, one per engine.

Rules: docs/timing-model.md, section 2.
"""

from collections import deque
from typing import Any

from simpy.core import Environment

from accelsim.timing.reference.primitives import Fifo, Process, Signal
from accelsim.timing.reference.probe import INJECTION_QUEUE, INPUT_QUEUE, SILENT, SPIKE_FIFO, Probe
from accelsim.timing.reference.protocols import Network
from accelsim.timing.reference.router import Flit
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NocTables, StepWork

ROW_COUNTS = {
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
_ROW_PARTS = ("row_lookup", "row_fetch", "row_ideal", "row_conflict")


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
        probe: Probe = SILENT,
    ) -> None:
        self._env, self._network, self._noc, self._axons, self._work = env, network, noc, axons, work
        self._index, self._count, self._probe = index, count, probe
        self._count["first_flit"] = -1
        depth = noc.terminals[index]
        self._spikes: Fifo[int] = Fifo(env, int(depth["spike_fifo"]), lambda n: self._fill(SPIKE_FIFO, n))
        self._packets: Fifo[tuple[int, int]] = Fifo(
            env, int(depth["injection_queue"]), lambda n: self._fill(INJECTION_QUEUE, n)
        )
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
            self._fill(INPUT_QUEUE, len(self._queue))
            self._count["queue_peak"] = max(self._count["queue_peak"], len(self._queue))
            self._arrived.notify()

    def _fill(self, queue: int, entries: int) -> None:
        self._probe.level(self._index, queue, int(self._env.now), entries)

    def _tell(self, counter: str, begin: int, detail: int = -1) -> None:
        """Tell the probe of what has lasted from ``begin`` until now."""
        self._probe.slice(counter, self._index, begin, int(self._env.now) - begin, detail)

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
            began = int(self._env.now)
            yield self._env.timeout(int(work.burst_cycles[burst]))
            self._tell("scan_cycles", began, int(work.burst_fired[burst]))
            self._count["bursts"] += 1
            self._count["scan_end"] = self._env.now
            self._count["scan_cycles"] += work.burst_cycles[burst]
            began = int(self._env.now)
            for _ in range(int(work.burst_fired[burst])):
                yield from self._spikes.put(int(work.fired[first + self._written]))
                self._written += 1
                self._count["fired"] += 1
            self._count["fifo_full"] += self._env.now - began
            self._tell("fifo_full", began)

    def _axon_out(self) -> Process:
        cycles = int(self._noc.terminals["axon_out"][self._index])
        while True:
            neuron = yield from self._spikes.peek()
            for number, (axon, goal, destinations) in enumerate(self._sends(neuron)):
                yield self._env.timeout(cycles if number > 0 else cycles - 1)
                began = int(self._env.now)
                yield from self._packets.put((axon, goal))
                waited = int(self._env.now) - began
                self._count["injection_full"] += waited
                self._probe.slice("routing_reads", self._index, began + 1 - cycles, cycles + waited, axon)
                self._tell("injection_full", began)
                self._count["routing_reads"] += 1
                self._count["destinations"] += destinations
            self._spikes.pop()
            self._count["source_end"] = max(self._count["source_end"], self._env.now + 1)
            yield self._env.timeout(1)

    def _inject(self) -> Process:
        while True:
            axon, goal = yield from self._packets.peek()
            began = int(self._env.now)
            yield from self._injector.send(axon, goal, int(self._cost(axon)["flits"]), self._on_flit)
            self._probe.slice("packets_out", self._index, began, int(self._env.now) + 1 - began, axon)
            self._packets.pop()
            self._count["packets_out"] += 1
            yield self._env.timeout(1)

    def _on_flit(self, _head: bool, waited: int) -> None:
        self._count["no_credit"] += waited
        self._tell("no_credit", int(self._env.now) - waited)
        self._count["flits_out"] += 1
        self._probe.slice("flits_out", self._index, int(self._env.now), 1)
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
            self._fill(INPUT_QUEUE, len(self._queue))
            self._probe.slice("packets_in", self._index, int(self._env.now), 1, axon)
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
            axon, self._looked_up = self._looked_up, None
            row = self._cost(axon)
            self._look_up_changed.notify()
            for name, field in ROW_COUNTS.items():
                self._count[name] += row[field]
            self._count["row_end"] = self._env.now + row["cycles"]
            self._tell_row(int(self._env.now), row, axon)
            yield self._env.timeout(int(row["cycles"]))

    def _tell_row(self, begin: int, row: Any, axon: int) -> None:
        self._probe.slice("row_cycles", self._index, begin, int(row["cycles"]), axon)
        for counter in _ROW_PARTS:
            cycles = int(row[ROW_COUNTS[counter]])
            self._probe.slice(counter, self._index, begin, cycles, axon)
            begin += cycles
