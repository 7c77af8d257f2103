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
from accelsim.timing.reference.stage import Stage
from accelsim.timing.tables import NocTables


@dataclass(frozen=True)
class Flit:
    """Part of a packet; ``axon`` says where it goes and what it does there, a number or a :class:`Load`."""

    axon: Any
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
    """One router; ``send`` (port, VC, flit, cycles that it waits) and ``return_credit`` are wired by the network."""

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
        self._left = [-1] * ports
        self._routing, self._vc_allocation = Stage(noc.routing_delay), Stage(noc.vc_alloc_delay)
        self._switch_allocation, self._switch = Stage(noc.switch_alloc_delay), Stage(noc.switch_delay)
        self._lost, self._could_leave = 0, 0
        self._no_credit: Counter[str] = Counter()
        self._winners: dict[int, tuple[int, bool]] = {}
        self._changed = Signal(env)
        self._blocked: Counter[str] = Counter()
        self.send: Callable[[int, int, Flit, int], None]
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
        channel.ready = self._routing.enter(now) + self._noc.routing_delay
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

        Returns whether the next cycle may differ: a match was made, a head is still routing, an allocator is busy.
        """
        now = int(self._env.now)
        waiting = [i for i, item in enumerate(self._inputs) if item.phase == "waiting" and item.ready <= now]
        holding = [i for i, item in enumerate(self._inputs) if item.phase == "active" and item.flits]
        moved = False
        won: dict[int, int] = {}
        if self._vc_allocation.is_free(now, self._lost > 0):
            won = islip({i: self._free_vcs(i) for i in waiting}, self._vc_grant, self._vc_accept)
            self._lost = len(waiting) - len(won)
            if waiting:
                self._vc_allocation.start(now)
        elif waiting:
            moved = True
        if self._switch_allocation.is_free(now, self._no_credit.total() > 0):
            ready = [i for i in holding if self._inputs[i].ready <= now]
            self._allocate_switch(ready, waiting, won, now)
        elif holding:
            moved = True
        for i, out in won.items():
            channel = self._inputs[i]
            channel.phase, channel.ready = "active", now + self._noc.vc_alloc_delay
            channel.out_vc = out % self._noc.vcs
            self._owner[out] = i
        moved = moved or bool(won or self._winners)
        if self._switch_allocation.ends(now):
            self._send_winners(now)
        for name, packets in (("stall_vc", self._lost), *self._no_credit.items()):
            self._stall(name, packets)
        return moved or any(channel.phase != "idle" and channel.ready > now for channel in self._inputs)

    def _allocate_switch(self, ready: list[int], waiting: list[int], won: dict[int, int], now: int) -> None:
        """Take up all that bids for the switch; the winners leave in the last cycle of the allocation."""
        self._no_credit.clear()
        normal = [i for i in ready if self._has_credit(i, self._output(i))]
        speculative = [i for i in waiting if self._noc.speculative and self._may_speculate(i)]
        self._could_leave = len(normal)
        if self._noc.speculative:
            self._could_leave += sum(self._has_credit(i, out) for i, out in won.items())
        speaker = self._speakers(normal, speculative)
        requests: dict[int, list[int]] = {}
        for port, out in speaker:
            requests.setdefault(port, []).append(out)
        for port, out in islip(requests, self._switch_grant, self._switch_accept).items():
            i = speaker[port, out]
            self._offset[port] = (i + 1) % self._noc.vcs
            self._winners[port] = i, i in speculative
        if ready or speculative:
            self._switch_allocation.start(now)

    def _send_winners(self, now: int) -> None:
        """Let the winners leave, but a speculative one that has no VC or no credit: its ports stay idle."""
        sent = 0
        for port, (i, speculated) in self._winners.items():
            if speculated and (self._inputs[i].phase != "active" or self._credits[self._output(i)] == 0):
                continue
            self._depart(port, i % self._noc.vcs, now)
            sent += 1
        self._winners.clear()
        self._count["stall_switch"] += (self._could_leave - sent) * self._noc.switch_alloc_delay

    def _output(self, i: int) -> int:
        return self._inputs[i].out_port * self._noc.vcs + self._inputs[i].out_vc

    def _stall(self, cause: str, packets: int) -> None:
        self._count[cause] += packets
        self._blocked[cause] += packets

    def _free_vcs(self, i: int) -> list[int]:
        port, vcs = self._inputs[i].out_port, self._noc.vcs
        return [out for out in range(port * vcs, (port + 1) * vcs) if self._owner[out] is None]

    def _may_speculate(self, i: int) -> bool:
        return any(self._credits[out] > 0 for out in self._free_vcs(i))

    def _has_credit(self, i: int, out: int) -> bool:
        """Tell whether an output VC has a credit for input VC ``i``; note the stall if not."""
        if self._credits[out] > 0:
            return True
        ejecting = self._noc.links["router"][self._index, self._inputs[i].out_port] < 0
        self._no_credit["stall_ejection" if ejecting else "stall_credit"] += 1
        return False

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

    def _depart(self, port: int, vc: int, now: int) -> None:
        channel = self._inputs[port * self._noc.vcs + vc]
        out = channel.out_port * self._noc.vcs + channel.out_vc
        flit = channel.flits.popleft()
        self._credits[out] -= 1
        self._count["flits"] += 1
        through = self._switch.enter(now + 1) + self._noc.switch_delay - 1
        self._left[channel.out_port] = leaves = max(through, self._left[channel.out_port] + 1)
        self.send(channel.out_port, channel.out_vc, flit, leaves - now - self._noc.switch_delay)
        self.return_credit(port, vc)
        if flit.tail:
            self._owner[out] = None
            channel.phase = "idle"
            if channel.flits:
                self._start_routing(channel, now + 1)
