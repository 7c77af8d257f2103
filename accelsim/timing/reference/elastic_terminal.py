"""The terminals of an elastic chip in readable form: ports, axon-out with its routes, synapse and neuron engines.

Rules and cycles: docs/elastic-chips.md.
"""

from collections.abc import Callable
from typing import Any, cast

from simpy.core import Environment

from accelsim.timing.elastic import TARGET_SHIFT, ElasticTables
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.reference.elastic import ElasticNetwork, Skid
from accelsim.timing.reference.primitives import Process, Signal
from accelsim.timing.reference.terminal import ROW_COUNTS
from accelsim.timing.tables import AxonTables, StepWork

_LOAD = (1 << TARGET_SHIFT) - 1


class SleepingEngine:
    """Whether an engine runs: it stops when it has no work, sleeps after some idle cycles, and wakes for work."""

    def __init__(self, tables: ElasticTables, enabled: int) -> None:
        self._tables, self._enabled = tables, enabled
        self._stopped: int | None = None
        self._starts: int | None = None
        self.runs = False

    def tick(self, now: int, works: bool) -> None:
        """Decide at the end of a cycle whether it runs in the next."""
        if self.runs:
            if not works:
                self.runs, self._stopped = False, now
        elif works:
            if self._starts is None:
                asleep = self._stopped is None or now - self._stopped - 1 >= self._tables.idle_cycles
                self._starts = max(now + (self._tables.wake_cycles if asleep else 0), self._enabled) + 1
            if now + 1 >= self._starts:
                self.runs, self._starts = True, None


class _Part:
    """What the parts of a terminal share."""

    def __init__(self, network: ElasticNetwork, own: Any, count: Any, enabled: int) -> None:
        self._network, self._own, self._count, self._clock = network, own, count, network.clock
        self._env: Environment = network.env
        self._engine = SleepingEngine(network.tables, enabled)
        self.finished = True

    def _queue(self, name: str) -> Skid:
        return cast("Skid", self._network.queue(self._own[name]))

    def _sends(self, packets: int = 1) -> None:
        self._count["packets_out"] += packets
        self._count["flits_out"] += packets
        if self._count["first_flit"] < 0:
            self._count["first_flit"] = self._clock.now


class EventPort(_Part):
    """Sends the events of the step to a relay."""

    def start(self, work: StepWork, terminal: int) -> None:
        """Begin with the events of a step."""
        self._env.process(self._run(work, terminal))

    def _run(self, work: StepWork, terminal: int) -> Process:
        gate, taken, due = self._queue("gate"), int(work.fired_ptr[terminal]), -1
        self.finished = work.burst_ptr[terminal] == work.burst_ptr[terminal + 1]
        for burst in range(int(work.burst_ptr[terminal]), int(work.burst_ptr[terminal + 1])):
            due += int(work.burst_cycles[burst])
            yield self._env.timeout(due - self._clock.now)
            for number in range(int(work.burst_fired[burst])):
                if number > 0:
                    yield self._env.timeout(1)
                while not gate.ready:
                    self._count["injection_full"] += 1
                    yield self._env.timeout(1)
                    if not self._clock.patient:
                        return
                gate.put(int(self._own["relay"]) << TARGET_SHIFT | int(work.fired[taken]))
                taken, due = taken + 1, self._clock.now
                self._sends()
                self._count["source_end"] = due + 1
                for name in ("fired", "routing_reads", "destinations", "scan_cycles"):
                    self._count[name] += 1
            self._count["bursts"] += 1
        self.finished = True


class NeuronEngine(_Part):
    """Updates the neurons that the last step reached, one per cycle; those that fire go on."""

    def start(self, work: StepWork, terminal: int, first_cycle: int) -> None:
        """Begin with the neurons of a step."""
        bursts = range(int(work.burst_ptr[terminal]), int(work.burst_ptr[terminal + 1]))
        self._words: list[int] = []
        taken = int(work.fired_ptr[terminal])
        self._ends = []
        for burst in bursts:
            quiet = int(work.burst_cycles[burst] - work.burst_fired[burst])
            fired = work.fired[taken : taken + int(work.burst_fired[burst])]
            self._words += [0] * quiet + [int(neuron) + 1 for neuron in fired]
            self._ends.append(len(self._words))
            taken += len(fired)
        self.finished = not self._words
        if self._words:
            self._env.process(self._run(terminal, first_cycle))

    def _run(self, terminal: int, first_cycle: int) -> Process:
        update, checked, passed = self._queue("update"), self._queue("checked"), self._queue("passed")
        stage = self._network.stage(self._own["updated"])
        yield self._env.timeout(first_cycle)
        taken = left = 0
        while left < len(self._words) and self._clock.patient:
            if checked.valid and passed.ready:
                load = checked.pop() & _LOAD
                if load:
                    passed.put(terminal << TARGET_SHIFT | load - 1)
                self._clock.moved = self._clock.now
                self._count["scan_end"] = self._clock.now + 3
                left += 1
            stage.cycle(update.pop() if stage.takes and update.valid else None)
            if taken < len(self._words):
                if update.ready:
                    load = self._words[taken]
                    update.put(terminal << TARGET_SHIFT | load)
                    taken += 1
                    self._count["fired"] += load > 0
                    self._count["scan_cycles"] += 1
                    self._count["bursts"] += taken in self._ends
                else:
                    self._count["fifo_full"] += 1
            yield self._env.timeout(1)
        self.finished = left == len(self._words)


class AxonOut(_Part):
    """Takes a spike, reads its mapping entry, then one route per cycle, and sends a packet for each."""

    def start(self, axons: AxonTables, *, relay: bool) -> None:
        """Begin a step."""
        self._axons, self._relay = axons, relay
        self._mapping = self._network.stage(self._own["middle"])
        self._routes = self._network.stage(self._own["last"])
        self._rest: range = range(0)
        self._called = Signal(self._env)
        self._queue("spikes").readers.append(self._called)
        self._env.process(self._run())

    def _run(self) -> Process:
        skids = [self._queue(name) for name in ("spikes", "entry", "middle", "last")]
        while self._clock.patient:
            rests = self._mapping.at_rest and self._routes.at_rest and not self._rest and not self._engine.runs
            self.finished = not any(map(len, skids)) and rests
            if self.finished:
                yield self._called.wait()
            else:
                self._cycle(*skids)
            yield self._env.timeout(1)

    def _cycle(self, spikes: Skid, entry: Skid, middle: Skid, last: Skid) -> None:
        works = any(queue.valid for queue in (spikes, entry, middle, last)) or any(
            word is not None for word in (self._mapping.shown, self._routes.read, self._routes.held)
        )
        if self._engine.runs and last.valid:
            self._send(last)
        self._routes.cycle(self._next_route(middle) if self._routes.takes else None)
        self._mapping.cycle(self._next_spike(entry) if self._mapping.takes and entry.valid else None)
        if self._engine.runs and spikes.valid and entry.ready:
            entry.put(spikes.pop())
            if self._relay:
                self._count["packets_in"] += 1
                self._count["flits_in"] += 1
        self._engine.tick(self._clock.now, works)

    def _send(self, last: Skid) -> None:
        sent = self._queue("sent")
        if not sent.ready:
            self._count["injection_full"] += 1
            return
        sent.put(last.pop())
        self._sends()
        self._count["source_end"] = self._clock.now + 2

    def _next_route(self, middle: Skid) -> int | None:
        if not self._rest and middle.valid:
            neuron = middle.pop() & _LOAD
            self._rest = range(int(self._axons.ptr[neuron]), int(self._axons.ptr[neuron + 1]))
        if not self._rest:
            return None
        axon, self._rest = self._axons.axon[self._rest[0]], self._rest[1:]
        self._count["routing_reads"] += 1
        self._count["destinations"] += 1
        return int(axon["terminal"]) << TARGET_SHIFT | int(axon["cost"])

    def _next_spike(self, entry: Skid) -> int | None:
        word = entry.pop()
        neuron = word & _LOAD
        self._clock.moved = self._clock.now
        return word if self._axons.ptr[neuron] < self._axons.ptr[neuron + 1] else None


class SynapseEngine(_Part):
    """Takes packets and adds their weights."""

    def start(self, axons: AxonTables) -> None:
        """Begin a step."""
        self._axons = axons
        self._called = Signal(self._env)
        self._queue("synapse").readers.append(self._called)
        self._env.process(self._run())

    def _run(self) -> Process:
        queue, last = self._queue("synapse"), -1 - self._network.tables.synapse_cycles
        while self._clock.patient:
            now = self._clock.now
            works = queue.valid or now <= last + self._network.tables.synapse_cycles
            self.finished = not len(queue)
            if self.finished and not works and not self._engine.runs:
                yield self._called.wait()
                yield self._env.timeout(1)
                continue
            if queue.valid:
                self._count["queue_peak"] = max(self._count["queue_peak"], queue.stored + 1)
            if queue.valid and self._engine.runs and now > last:
                row = self._axons.costs[queue.pop() & _LOAD]
                last = now + int(row["cycles"]) - 1
                self._clock.moved = now
                for name, field in ROW_COUNTS.items():
                    self._count[name] += row[field]
                self._count["packets_in"] += 1
                self._count["flits_in"] += 1
                self._count["row_end"] = last + self._network.tables.synapse_cycles + 2
            self._engine.tick(now, works)
            yield self._env.timeout(1)


def build_elastic_step(
    tables: ElasticTables, axons: AxonTables, work: StepWork, count: Any, router_count: Any, links: Any, *, first: bool
) -> tuple[Environment, ElasticNetwork, list[_Part]]:
    """Wire up a chip at the beginning of a step."""
    env = Environment()
    network = ElasticNetwork(env, tables, router_count, links)
    enabled = tables.enabled_first if first else tables.enabled
    parts: list[_Part] = []
    for terminal, own in enumerate(tables.streams):
        count[terminal]["first_flit"] = -1
        place = (network, own, count[terminal], enabled)
        if own["gate"] >= 0:
            parts.append(port := EventPort(*place))
            port.start(work, terminal)
        if own["update"] >= 0:
            parts.append(neurons := NeuronEngine(*place))
            neurons.start(work, terminal, max(int(own["swap"]) + tables.wake_cycles, enabled) + 1)
        if own["spikes"] >= 0:
            parts.append(axon_out := AxonOut(*place))
            axon_out.start(axons, relay=bool(own["synapse"] < 0))
        if own["synapse"] >= 0:
            parts.append(synapse := SynapseEngine(*place))
            synapse.start(axons)
    return env, network, parts


def run_elastic_step(
    tables: ElasticTables,
    axons: AxonTables,
    work: StepWork,
    count: Any,
    router_count: Any,
    links: Any,
    summary: Any,
    first: bool = False,
) -> None:
    """Simulate one hardware step; same contract as the compiled engine's."""
    env, network, parts = build_elastic_step(tables, axons, work, count, router_count, links, first=first)
    env.run()
    finished = all(part.finished for part in parts) and network.idle
    made, delivered = count["routing_reads"].sum(), count["packets_in"].sum()
    summary[0]["end"] = max(count[name].max() for name in ("scan_end", "source_end", "row_end"))
    summary[0]["injected"] = count["packets_out"].sum()
    summary[0]["delivered"] = delivered
    summary[0]["status"] = STATUS_DONE if finished and made == delivered else STATUS_DEADLOCK


def elastic_runner(tables: ElasticTables) -> Callable[..., None]:
    """Return what simulates a step, see :data:`accelsim.timing.engine.ElasticStep`."""
    return lambda *items: run_elastic_step(tables, *items)
