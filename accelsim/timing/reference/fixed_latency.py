"""A network of fixed-latency links in readable form: queues whose slots are given first come, first served.

Rules and cycles: docs/timing-model.md, section 4.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from simpy.core import Environment
from simpy.events import NORMAL, Event, EventPriority

from accelsim.timing.reference.primitives import Arrival, Process, Signal
from accelsim.timing.reference.probe import SILENT, Probe
from accelsim.timing.reference.protocols import Endpoint
from accelsim.timing.reference.router import Flit
from accelsim.timing.tables import FixedLatencyTables

Packet = tuple[Any, int, int]
"""Axon, target terminal, flits."""


class Slots:
    """The slots of a queue; requests of one cycle are taken in the order of the senders' numbers."""

    def __init__(self, env: Environment, depth: int) -> None:
        self._env, self._free = env, depth
        self._new: list[tuple[int, Event]] = []
        self._waiting: deque[Event] = deque()
        self._called_for = -1

    def request(self, sender: int) -> Event:
        """Return an event that happens in the cycle in which the sender gets a slot."""
        granted = self._env.event()
        self._new.append((sender, granted))
        self._call()
        return granted

    def give_back(self, after: int) -> None:
        """Free a slot ``after`` cycles from now."""
        Arrival(self._env, after, self._freed)

    def _freed(self) -> None:
        self._free += 1
        self._call()

    def _call(self) -> None:
        """Decide at the end of the cycle, when all requests are known."""
        if self._called_for != self._env.now:
            self._called_for = int(self._env.now)
            decision = Event(self._env)
            decision.callbacks = [lambda _: self._decide()]
            decision._ok, decision._value = True, None  # noqa: SLF001 - an event that has happened, but is scheduled late
            self._env.schedule(decision, EventPriority(NORMAL + 1))

    def _decide(self) -> None:
        self._waiting.extend(event for _, event in sorted(self._new, key=lambda item: item[0]))
        self._new.clear()
        while self._free > 0 and self._waiting:
            self._free -= 1
            self._waiting.popleft().succeed()


class LinkQueue:
    """Packets that wait for a link, in the order in which they were given a slot."""

    def __init__(self, env: Environment, network: "FixedLatencyNetwork", router: int, port: int) -> None:
        self._env, self._network, self._router, self._port = env, network, router, port
        self.slots = Slots(env, network.noc.queue)
        self._packets: deque[tuple[int, Packet]] = deque()
        self._changed = Signal(env)
        env.process(self._run())

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def head(self) -> Packet | None:
        """The packet that leaves next."""
        return self._packets[0][1] if self._packets else None

    def store(self, packet: Packet, visible: int) -> None:
        """Put a packet into the slot that it was given; it is there from cycle ``visible`` on."""
        self._packets.append((visible, packet))
        self._changed.notify()

    def _run(self) -> Process:
        noc, count = self._network.noc, self._network.counts[self._router]
        way = noc.links[self._router, self._port]
        number = self._router * noc.ports + self._port
        while True:
            while not self._packets:
                yield self._changed.wait()
            visible, packet = self._packets[0]
            if visible > self._env.now:
                yield self._env.timeout(visible - self._env.now)
            asked, flits = int(self._env.now), packet[2]
            count["stall_switch"] += asked - visible
            behind = int(way["router"])
            yield self._network.slots_towards(behind, packet[1]).request(number)
            ejects = self._network.is_local(behind, packet[1])
            count["stall_ejection" if ejects else "stall_credit"] += self._env.now - asked
            count["flits"] += flits
            self._network.links[self._router, self._port] += flits
            self._packets.popleft()
            interval = int(way["interval"])
            for flit in range(flits):
                begin = int(self._env.now) + flit * interval
                self._network.probe.slice("links", number, begin, interval, packet[0])
            self._network.pass_on(behind, packet, int(self._env.now + way["delay"]) + interval * (flits - 1))
            self.slots.give_back(interval * flits)
            yield self._env.timeout(interval * flits)


class FixedLatencyInjector:
    """Sends the packets of a terminal into the network."""

    def __init__(self, env: Environment, network: "FixedLatencyNetwork", terminal: int) -> None:
        self._env, self._network, self._terminal = env, network, terminal

    def receive_credit(self, vc: int) -> None:
        """Never called: slots take the place of credits."""

    def send(
        self, axon: Any, goal: int, flits: int, on_flit: Callable[[bool, int], None]
    ) -> Generator[Event, Any, None]:
        """Send a packet; ends in the cycle of its tail. ``on_flit(head, waited)`` is called for every flit."""
        noc, asked = self._network.noc, int(self._env.now)
        router = int(noc.terminals["router"][self._terminal])
        yield self._network.slots_towards(router, goal).request(noc.routers * noc.ports + self._terminal)
        self._network.pass_on(router, (axon, goal, flits), int(self._env.now) + noc.local + flits - 1)
        for number in range(flits):
            on_flit(number == 0, int(self._env.now) - asked if number == 0 else 0)
            if number < flits - 1:
                yield self._env.timeout(1)


class FixedLatencyNetwork:
    """All queues of a chip."""

    def __init__(
        self, env: Environment, noc: FixedLatencyTables, counts: Any, links: Any, probe: Probe = SILENT
    ) -> None:
        self._env, self.noc, self.counts, self.links, self.probe = env, noc, counts, links, probe
        self.endpoints: list[Endpoint] = []
        self._queues = {
            (router, port): LinkQueue(env, self, router, port)
            for router in range(noc.routers)
            for port in range(noc.ports)
            if noc.links["router"][router, port] >= 0
        }
        self._inputs = [Slots(env, int(depth)) for depth in noc.terminals["input_queue"]]
        self._last_arrival = [0] * len(noc.terminals)

    def injector(self, terminal: int) -> FixedLatencyInjector:
        """Return the way of a terminal into the network."""
        return FixedLatencyInjector(self._env, self, terminal)

    def free(self, terminal: int, _vc: int, _flits: int) -> None:
        """Return the slot of a packet that a terminal has taken from its input queue."""
        self._inputs[terminal].give_back(1)

    @property
    def idle(self) -> bool:
        """Whether no packet is stored."""
        return not any(map(len, self._queues.values()))

    def waiting(self) -> dict[str, list[str]]:
        """Return the queue that the head of each occupied queue waits for."""
        waits: dict[str, list[str]] = {}
        for (router, port), queue in self._queues.items():
            if queue.head is not None:
                behind, target = int(self.noc.links["router"][router, port]), queue.head[1]
                out = int(self.noc.route[behind, target])
                name = f"router[{router}].out{port}"
                waits[name] = [] if self.is_local(behind, target) else [f"router[{behind}].out{out}"]
        return waits

    def is_local(self, router: int, target: int) -> bool:
        """Tell whether a terminal hangs on a router."""
        return int(self.noc.terminals["router"][target]) == router

    def slots_towards(self, router: int, target: int) -> Slots:
        """Return the slots that a packet for ``target`` needs at a router."""
        if self.is_local(router, target):
            return self._inputs[target]
        return self._queues[router, int(self.noc.route[router, target])].slots

    def pass_on(self, router: int, packet: Packet, arrival: int) -> None:
        """Put a packet whose tail is at a router in cycle ``arrival`` into the slot that it was given there."""
        axon, target, flits = packet
        if not self.is_local(router, target):
            self._queues[router, int(self.noc.route[router, target])].store(packet, arrival)
            return
        self.counts[router]["flits"] += flits
        out = int(self.noc.route[router, target])
        self.links[router, out] += flits
        at = self._last_arrival[target] = max(self._last_arrival[target], arrival + self.noc.local)
        for _ in range(flits):
            self.probe.slice("links", router * self.noc.ports + out, at, 1, axon)
        endpoint = self.endpoints[target]

        def receive() -> None:
            for number in range(flits):
                endpoint.receive(0, Flit(axon, target, number == 0, number == flits - 1))

        Arrival(self._env, at - int(self._env.now), receive)
