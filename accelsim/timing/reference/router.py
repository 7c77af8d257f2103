"""The reference router: input-queued wormhole with virtual channels and iSLIP allocation.

Rules and cycles: docs/timing-model.md, section 3. Source of the rules: BookSim2's ``iq_router`` (non-speculative),
against whose packet traces this file is tested.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simpy.core import Environment

from accelsim.timing.reference.islip import islip, nearest
from accelsim.timing.reference.primitives import Process, Signal
from accelsim.timing.tables import NocTables


@dataclass(frozen=True)
class Flit:
    """Part of a packet; ``axon`` says where it goes and what it does there."""

    axon: int
    terminal: int
    head: bool
    tail: bool


@dataclass
class InputVc:
    """An input virtual channel: *idle*, *waiting* for an output VC from cycle ``ready`` on, or *active*."""

    phase: str = "idle"
    ready: int = 0
    out_port: int = 0
    out_vc: int = 0
    flits: deque[Flit] = field(default_factory=deque)


class Router:
    """One router; ``send`` and ``return_credit`` are wired by the network."""

    def __init__(
        self, env: Environment, noc: NocTables, index: int, ejection_credits: Callable[[int], int], count: Any
    ) -> None:
        self._env, self._noc, self._index, self._count = env, noc, index, count
        ports, vcs = noc.ports, noc.vcs
        self._inputs = [InputVc() for _ in range(ports * vcs)]
        self._owner: list[int | None] = [None] * (ports * vcs)
        self._credits = []
        for port in range(ports):
            terminal = int(noc.links["terminal"][index, port])
            self._credits += [noc.buffer if terminal < 0 else ejection_credits(terminal)] * vcs
        self._vc_grant, self._vc_accept = [0] * (ports * vcs), [0] * (ports * vcs)
        self._switch_grant, self._switch_accept = [0] * ports, [0] * ports
        self._offset = [0] * ports
        self._changed = Signal(env)
        self._blocked: Counter[str] = Counter()
        self.send: Callable[[int, int, Flit], None]
        self.return_credit: Callable[[int, int], None]
        env.process(self._run())

    def receive(self, port: int, vc: int, flit: Flit) -> None:
        """Take a flit from a link."""
        channel = self._inputs[port * self._noc.vcs + vc]
        channel.flits.append(flit)
        if channel.phase == "idle":
            self._start_routing(channel, int(self._env.now))
        self._changed.notify()

    def receive_credit(self, port: int, vc: int) -> None:
        """Take a credit of an output VC."""
        self._credits[port * self._noc.vcs + vc] += 1
        self._changed.notify()

    @property
    def idle(self) -> bool:
        """Whether no flit is stored."""
        return not any(channel.flits for channel in self._inputs)

    def waiting(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return the output (port, VC) that each occupied input (port, VC) waits for; VC 0 while it has none."""
        vcs = self._noc.vcs
        return {
            divmod(i, vcs): (channel.out_port, channel.out_vc if channel.phase == "active" else 0)
            for i, channel in enumerate(self._inputs)
            if channel.flits
        }

    def _start_routing(self, channel: InputVc, now: int) -> None:
        channel.phase = "waiting"
        channel.ready = now + self._noc.routing_delay
        channel.out_port = int(self._noc.route[self._index, channel.flits[0].terminal])

    def _run(self) -> Process:
        while True:
            evaluated = self._env.now
            self._blocked.clear()
            if not self.idle and self._cycle():
                yield self._env.timeout(1)
                continue
            yield self._changed.wait()  # nothing can change before: what waits, waits for the same reason
            for name, packets in self._blocked.items():
                self._count[name] += packets * (self._env.now - evaluated - 1)

    def _cycle(self) -> bool:
        """Evaluate one cycle: both allocators read the state of its beginning, then both commit.

        Returns whether the next cycle may differ: a match was made, or a head is still routing.
        """
        waiting = [
            i for i, channel in enumerate(self._inputs) if channel.phase == "waiting" and channel.ready <= self._env.now
        ]
        won = islip({i: self._free_vcs(i) for i in waiting}, self._vc_grant, self._vc_accept)
        normal = self._ready_to_leave()
        speculative = [i for i in waiting if self._noc.speculative and self._may_speculate(i)]
        could_leave = len(normal)
        if self._noc.speculative:
            could_leave += sum(self._has_credit(self._inputs[i].out_port, out) for i, out in won.items())
        speaker = self._speakers(normal, speculative)
        requests: dict[int, list[int]] = {}
        for port, out in speaker:
            requests.setdefault(port, []).append(out)
        matches = islip(requests, self._switch_grant, self._switch_accept)
        for i, out in won.items():
            channel = self._inputs[i]
            channel.phase, channel.ready, channel.out_vc = "active", int(self._env.now) + 1, out % self._noc.vcs
            self._owner[out] = i
        sent = 0
        for port, out in matches.items():
            i = speaker[port, out]
            self._offset[port] = (i + 1) % self._noc.vcs
            channel = self._inputs[i]
            if i in speculative and (i not in won or self._credits[won[i]] == 0):
                continue  # the switch stays idle for this pair of ports
            self._depart(port, i % self._noc.vcs)
            sent += 1
        self._stall("stall_vc", len(waiting) - len(won))
        self._count["stall_switch"] += could_leave - sent
        later = any(channel.phase != "idle" and channel.ready > self._env.now for channel in self._inputs)
        return bool(won or matches) or later

    def _stall(self, cause: str, packets: int) -> None:
        self._count[cause] += packets
        self._blocked[cause] += packets

    def _free_vcs(self, i: int) -> list[int]:
        port, vcs = self._inputs[i].out_port, self._noc.vcs
        return [out for out in range(port * vcs, (port + 1) * vcs) if self._owner[out] is None]

    def _may_speculate(self, i: int) -> bool:
        return any(self._credits[out] > 0 for out in self._free_vcs(i))

    def _has_credit(self, port: int, out: int) -> bool:
        """Tell whether an output VC has a credit; count the stall if not."""
        if self._credits[out] > 0:
            return True
        ejecting = self._noc.links["router"][self._index, port] < 0
        self._stall("stall_ejection" if ejecting else "stall_credit", 1)
        return False

    def _ready_to_leave(self) -> list[int]:
        """Return the input VCs whose packet holds an output VC, has a flit here and a credit there."""
        found = []
        for i, channel in enumerate(self._inputs):
            if channel.phase != "active" or channel.ready > self._env.now or not channel.flits:
                continue
            if self._has_credit(channel.out_port, channel.out_port * self._noc.vcs + channel.out_vc):
                found.append(i)
        return found

    def _speakers(self, normal: list[int], speculative: list[int]) -> dict[tuple[int, int], int]:
        """Return the input VC that speaks for each (input, output) port: normal bids before speculative ones."""
        vcs = self._noc.vcs
        bidders: dict[tuple[int, int], list[int]] = {}
        for group in (normal, speculative):
            placed = set(bidders)
            for i in group:
                pair = (i // vcs, self._inputs[i].out_port)
                if pair not in placed:
                    bidders.setdefault(pair, []).append(i)
        return {
            (port, out): port * vcs + nearest([i % vcs for i in channels], self._offset[port], vcs)
            for (port, out), channels in bidders.items()
        }

    def _depart(self, port: int, vc: int) -> None:
        channel = self._inputs[port * self._noc.vcs + vc]
        out = channel.out_port * self._noc.vcs + channel.out_vc
        flit = channel.flits.popleft()
        self._credits[out] -= 1
        self._count["flits"] += 1
        self.send(channel.out_port, channel.out_vc, flit)
        self.return_credit(port, vc)
        if flit.tail:
            self._owner[out] = None
            channel.phase = "idle"
            if channel.flits:
                self._start_routing(channel, int(self._env.now) + 1)
