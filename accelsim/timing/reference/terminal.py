"""The reference terminal: a core or a port as five processes, one per engine.

Rules: docs/timing-model.md, section 2.
"""

import functools
from collections import Counter, deque
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from simpy.core import Environment

from accelsim.timing.reference.gate import Gate, Load
from accelsim.timing.reference.primitives import Fifo, Process, Signal
from accelsim.timing.reference.probe import INJECTION_QUEUE, INPUT_QUEUE, SILENT, SPIKE_FIFO, Probe
from accelsim.timing.reference.protocols import Network
from accelsim.timing.reference.router import Flit
from accelsim.timing.tables import AxonTables, FixedLatencyTables, NocTables, StepWork, TokenTables

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


class Plan(Protocol):
    """What the terminals of a chip have to do."""

    @property
    def steps(self) -> int:
        """Steps that a terminal goes through."""

    @property
    def tokens(self) -> TokenTables | None:
        """Who waits for whom, None where a barrier ends the only step."""

    def work(self, step: int) -> StepWork:
        """Return the work of a step."""


class Terminal:
    """One core or port during one step, or during all steps of a sample if it enters them by tokens."""

    def __init__(
        self,
        env: Environment,
        network: Network,
        noc: NocTables | FixedLatencyTables,
        axons: AxonTables,
        plan: Plan,
        index: int,
        count: Any,
        probe: Probe = SILENT,
    ) -> None:
        self._env, self._network, self._noc, self._axons, self._plan = env, network, noc, axons, plan
        self._index, self._count, self._probe = index, count, probe
        self._count["first_flit"] = -1
        self._gate = None if plan.tokens is None else Gate(env, plan.tokens, index)
        self._marker = -1 if plan.tokens is None else int(plan.tokens.marker[index])
        depth = noc.terminals[index]
        self._spikes: Fifo[tuple[int, int]] = Fifo(env, int(depth["spike_fifo"]), lambda n: self._fill(SPIKE_FIFO, n))
        self._packets: Fifo[tuple[Load, int]] = Fifo(
            env, int(depth["injection_queue"]), lambda n: self._fill(INJECTION_QUEUE, n)
        )
        self._injector = network.injector(index)
        self.receive_credit = self._injector.receive_credit
        self._queue: deque[tuple[Load, int]] = deque()
        self._arrived = Signal(env)
        self._looked_up: Load | None = None
        self._look_up_changed = Signal(env)
        self._steps_done = 0
        self._sent: Counter[int] = Counter()
        for process in (self._neuron_engine(), self._axon_out(), self._inject(), self._look_up(), self._rows()):
            env.process(process)

    @property
    def finished(self) -> bool:
        """Whether all work is done and every queue is empty."""
        empty = not (self._spikes or self._packets or self._queue) and self._looked_up is None
        return self._steps_done == self._plan.steps and empty

    def receive(self, vc: int, flit: Flit) -> None:
        """Take a flit; a packet is complete with its tail."""
        count = self._count[flit.axon.step]
        count["flits_in"] += 1
        if flit.tail:
            self._queue.append((self._own_axon(flit.axon), vc))
            self._fill(INPUT_QUEUE, len(self._queue))
            count["queue_peak"] = max(count["queue_peak"], len(self._queue))
            self._arrived.notify()

    def _fill(self, queue: int, entries: int) -> None:
        self._probe.level(self._index, queue, int(self._env.now), entries)

    def _tell(self, counter: str, begin: int, detail: int = -1) -> None:
        """Tell the probe of what has lasted from ``begin`` until now."""
        self._probe.slice(counter, self._index, begin, int(self._env.now) - begin, detail)

    def _own_axon(self, load: Load) -> Load:
        """Return the load with the axon of this terminal; a multicast packet says the first of its own."""
        axon = int(load)
        while self._axons.root.size and self._axons.axon["terminal"][axon] != self._index:
            axon += 1
        return Load(axon, load.step, load.announced)

    def _sends(self, neuron: int) -> list[tuple[int, int, list[int]]]:
        """Return (axon, goal, terminals) of a neuron's packets: one per axon, or one for each of its trees."""
        first, last = int(self._axons.ptr[neuron]), int(self._axons.ptr[neuron + 1])
        terminals = self._axons.axon["terminal"][first:last].tolist()
        if not self._axons.root.size:
            return [(first + at, terminal, [terminal]) for at, terminal in enumerate(terminals)]
        roots = self._axons.root[first:last]
        starts = [*np.flatnonzero(roots >= 0).tolist(), len(terminals)]
        return [(first + at, int(roots[at]), terminals[at:end]) for at, end in pairwise(starts)]

    def _cost(self, axon: int) -> Any:
        return self._axons.costs[self._axons.axon["cost"][axon]]

    def _token(self, axon: int) -> int:
        """Return what a token says, 0 if the axon is none."""
        return max(0, int(self._axons.axon["cost"][axon]) - self._axons.tokens + 1)

    def _neuron_engine(self) -> Process:
        for step in range(self._plan.steps):
            if self._gate is not None and step > 0:
                yield from self._gate.enter(step)
            yield from self._scan(self._plan.work(step), step)
            if self._marker >= 0:
                self._count[step]["bursts"] += 1
                self._count[step]["scan_end"] = self._env.now
                yield from self._write_back([self._marker], step)
            self._steps_done += 1

    def _scan(self, work: StepWork, step: int) -> Process:
        count, first = self._count[step], int(work.fired_ptr[self._index])
        for burst in range(int(work.burst_ptr[self._index]), int(work.burst_ptr[self._index + 1])):
            began, fired = int(self._env.now), int(work.burst_fired[burst])
            yield self._env.timeout(int(work.burst_cycles[burst]))
            self._tell("scan_cycles", began, fired)
            count["bursts"] += 1
            count["scan_end"] = self._env.now
            count["scan_cycles"] += work.burst_cycles[burst]
            yield from self._write_back(work.fired[first : first + fired].tolist(), step)
            count["fired"] += fired
            first += fired

    def _write_back(self, neurons: list[int], step: int) -> Process:
        began = int(self._env.now)
        for neuron in neurons:
            yield from self._spikes.put((neuron, step))
        self._count[step]["fifo_full"] += self._env.now - began
        self._tell("fifo_full", began)

    def _axon_out(self) -> Process:
        cycles = int(self._noc.terminals["axon_out"][self._index])
        while True:
            neuron, step = yield from self._spikes.peek()
            count = self._count[step]
            for number, (axon, goal, terminals) in enumerate(self._sends(neuron)):
                yield self._env.timeout(cycles if number > 0 else cycles - 1)
                began = int(self._env.now)
                if neuron == self._marker:
                    yield from self._packets.put((Load(axon, step, self._sent.pop(terminals[0], 0)), goal))
                else:
                    self._sent.update(terminals)
                    yield from self._packets.put((Load(axon, step), goal))
                    count["routing_reads"] += 1
                    count["destinations"] += len(terminals)
                waited = int(self._env.now) - began
                count["injection_full"] += waited
                self._probe.slice("routing_reads", self._index, began + 1 - cycles, cycles + waited, axon)
                self._tell("injection_full", began)
            self._spikes.pop()
            count["source_end"] = max(count["source_end"], self._env.now + 1)
            yield self._env.timeout(1)

    def _inject(self) -> Process:
        while True:
            load, goal = yield from self._packets.peek()
            flits = int(self._cost(load)["flits"])
            began, count, is_token = int(self._env.now), self._count[load.step], self._token(load) > 0
            on_flit = functools.partial(self._on_flit, count, is_token)
            yield from self._injector.send(load, goal, flits, on_flit)
            self._probe.slice("packets_out", self._index, began, int(self._env.now) + 1 - began, load)
            self._packets.pop()
            count["tokens_out" if is_token else "packets_out"] += 1
            yield self._env.timeout(1)

    def _on_flit(self, count: Any, is_token: bool, _head: bool, waited: int) -> None:
        count["no_credit"] += waited
        self._tell("no_credit", int(self._env.now) - waited)
        count["flits_out"] += 1
        self._probe.slice("flits_out", self._index, int(self._env.now), 1)
        count["source_end"] = max(count["source_end"], self._env.now + 1)
        if count["first_flit"] < 0 and not is_token:
            count["first_flit"] = self._env.now

    def _look_up(self) -> Process:
        while True:
            while not self._queue:
                yield self._arrived.wait()
            while self._looked_up is not None:
                yield self._look_up_changed.wait()
            load, vc = self._queue.popleft()
            self._fill(INPUT_QUEUE, len(self._queue))
            self._probe.slice("packets_in", self._index, int(self._env.now), 1, load)
            self._network.free(self._index, vc, int(self._cost(load)["flits"]))
            self._count[load.step]["tokens_in" if self._token(load) else "packets_in"] += 1
            self._looked_up = load
            self._look_up_changed.notify()
            yield self._env.timeout(1)

    def _rows(self) -> Process:
        while True:
            while self._looked_up is None:
                yield self._look_up_changed.wait()
                yield self._env.timeout(1)
            load, self._looked_up = self._looked_up, None
            row, count = self._cost(load), self._count[load.step]
            self._look_up_changed.notify()
            for name, field in ROW_COUNTS.items():
                count[name] += row[field]
            count["row_end"] = self._env.now + row["cycles"]
            self._tell_row(int(self._env.now), row, load)
            yield self._env.timeout(int(row["cycles"]))
            if self._gate is not None:
                self._gate.process(load, self._token(load))

    def _tell_row(self, begin: int, row: Any, axon: int) -> None:
        self._probe.slice("row_cycles", self._index, begin, int(row["cycles"]), axon)
        for counter in _ROW_PARTS:
            cycles = int(row[ROW_COUNTS[counter]])
            self._probe.slice(counter, self._index, begin, cycles, axon)
            begin += cycles
