"""The reference router: input-queued wormhole with virtual channels and iSLIP allocation.

Rules and cycles: docs/timing-model.md, section 3. Source of the rules: BookSim2's ``iq_router``, against whose packet
traces this file is tested; of multicast: virtual cut-through with asynchronous replication.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from simpy.core import Environment

from accelsim.timing.reference.islip import islip, nearest
from accelsim.timing.reference.primitives import Process, Signal
from accelsim.timing.reference.stage import Stage
from accelsim.timing.tables import NocTables, class_begin, class_of


@dataclass(frozen=True)
class Flit:
    """Part of a packet; ``axon`` says what it does where it arrives, a number or a :class:`Load`.

    ``goal`` says where it goes: a terminal or a node of a tree.
    """

    axon: Any
    goal: int
    head: bool
    tail: bool


@dataclass
class Branch:
    """A copy of the packet at the head of an input VC; a unicast packet has one."""

    port: int
    goal: int
    allowed: range
    out_vc: int | None = None
    ready: int = 0
    sent: int = 0
    done: bool = False


@dataclass
class InputVc:
    """An input virtual channel; without branches it is idle. They ask for output VCs from cycle ``ready`` on.

    ``freed`` flits of the packet have left the buffer, because all branches have sent them.
    """

    ready: int = 0
    branches: list[Branch] = field(default_factory=list)
    freed: int = 0
    flits: deque[Flit] = field(default_factory=deque)

    def asking(self) -> list[Branch]:
        """Return the branches without an output VC."""
        return [branch for branch in self.branches if branch.out_vc is None]

    def holding(self) -> list[Branch]:
        """Return the branches that hold an output VC and have a flit to send."""
        stored = self.freed + len(self.flits)
        return [own for own in self.branches if own.out_vc is not None and not own.done and own.sent < stored]

    def branch_to(self, port: int) -> Branch:
        """Return the branch that leaves through an output port."""
        return next(branch for branch in self.branches if branch.port == port)


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
        self._no_room: Counter[str] = Counter()
        self._winners: dict[int, tuple[int, Branch, bool]] = {}
        self._changed = Signal(env)
        self._blocked: Counter[str] = Counter()
        self.send: Callable[[int, int, Flit, int], None]
        self.return_credit: Callable[[int, int], None]
        env.process(self._run())

    def receive(self, port: int, vc: int, flit: Flit) -> None:
        """Take a flit from a link."""
        i = port * self._noc.vcs + vc
        self._inputs[i].flits.append(flit)
        if not self._inputs[i].branches:
            self._start_routing(i, int(self._env.now))
        self._changed.notify()

    def receive_credit(self, port: int, vc: int) -> None:
        """Take a credit of an output VC."""
        self._credits[port * self._noc.vcs + vc] += 1
        self._changed.notify()

    @property
    def idle(self) -> bool:
        """Whether no flit is stored."""
        return not any(channel.flits for channel in self._inputs)

    def waiting(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Return the outputs (port, VC) that each occupied input (port, VC) waits for; of free choice the first."""
        return {
            divmod(i, self._noc.vcs): [
                (branch.port, branch.allowed.start if branch.out_vc is None else branch.out_vc)
                for branch in channel.branches
                if not branch.done
            ]
            for i, channel in enumerate(self._inputs)
            if channel.flits
        }

    def _start_routing(self, i: int, now: int) -> None:
        channel, noc = self._inputs[i], self._noc
        channel.ready = self._routing.enter(now) + noc.routing_delay
        channel.freed = 0
        goal = channel.flits[0].goal
        if noc.nodes.size:
            self._count["lookups"] += noc.nodes["reads"][goal]
            ways = noc.branches[noc.nodes["first"][goal] : noc.nodes["last"][goal]].tolist()
            channel.branches = [Branch(port, to, self._allowed_vcs(i, port, vcs)) for port, to, vcs in ways]
        else:
            port = int(noc.route[self._index, goal])
            fresh = int(noc.vc_class[self._index, goal]) if noc.classes > 1 else 0
            channel.branches = [Branch(port, goal, self._allowed_vcs(i, port, fresh))]

    def _allowed_vcs(self, i: int, out: int, fresh: int) -> range:
        """Return the VCs of an output port that a packet in input VC ``i`` may take: those of its class on a ring."""
        noc = self._noc
        if noc.classes == 1 or noc.links["router"][self._index, out] < 0:
            return range(noc.vcs)
        entry, vc = divmod(i, noc.vcs)
        kept = class_of(vc, noc.classes, noc.vcs) if noc.ring[entry] == noc.ring[out] >= 0 else fresh
        return range(class_begin(kept, noc.classes, noc.vcs), class_begin(kept + 1, noc.classes, noc.vcs))

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
        waiting = [i for i, item in enumerate(self._inputs) if item.ready <= now and item.asking()]
        holding = [(i, own) for i, item in enumerate(self._inputs) for own in item.holding()]
        moved = False
        won: dict[int, int] = {}
        if self._vc_allocation.is_free(now, self._lost > 0):
            won = islip({i: self._free_vcs(i) for i in waiting}, self._vc_grant, self._vc_accept)
            self._count_losers(waiting, won)
            if waiting:
                self._vc_allocation.start(now)
        elif waiting:
            moved = True
        if self._switch_allocation.is_free(now, self._no_credit.total() > 0):
            ready = [(i, own) for i, own in holding if own.ready <= now]
            self._allocate_switch(ready, waiting, won, now)
        elif holding:
            moved = True
        for i, out in won.items():
            branch = self._inputs[i].branch_to(out // self._noc.vcs)
            branch.ready, branch.out_vc = now + self._noc.vc_alloc_delay, out % self._noc.vcs
            self._owner[out] = i
        moved = moved or bool(won or self._winners)
        if self._switch_allocation.ends(now):
            self._send_winners(now)
        for name, packets in (("stall_vc", self._lost), *self._no_credit.items(), *self._no_room.items()):
            self._stall(name, packets)
        return moved or any(self._is_coming(channel, now) for channel in self._inputs)

    @staticmethod
    def _is_coming(channel: InputVc, now: int) -> bool:
        """Tell whether a head is still routing, or a branch may bid in a later cycle."""
        return bool(channel.branches) and (channel.ready > now or any(own.ready > now for own in channel.branches))

    def _count_losers(self, waiting: list[int], won: dict[int, int]) -> None:
        """Note why branches go without an output VC: others have it, or a free one lacks room for the whole packet."""
        self._lost = 0
        self._no_room.clear()
        for i in waiting:
            for branch in self._inputs[i].asking():
                if won.get(i, -1) // self._noc.vcs == branch.port:
                    continue
                if self._unowned(branch) and not self._roomy(i, branch):
                    self._no_room[self._full(branch)] += 1
                else:
                    self._lost += 1

    def _allocate_switch(
        self, ready: list[tuple[int, Branch]], waiting: list[int], won: dict[int, int], now: int
    ) -> None:
        """Take up all that bids for the switch; the winners leave in the last cycle of the allocation."""
        self._no_credit.clear()
        vcs = self._noc.vcs
        normal = [(i, own) for i, own in ready if self._has_credit(own, self._output(own))]
        speculative = [
            (i, self._inputs[i].branches[0]) for i in waiting if self._noc.speculative and self._may_speculate(i)
        ]
        self._could_leave = len(normal)
        if self._noc.speculative:
            heads = ((self._inputs[i].branch_to(out // vcs), out) for i, out in won.items())
            self._could_leave += sum(self._has_credit(branch, out) for branch, out in heads)
        speaker = self._speakers(normal, speculative)
        requests: dict[int, list[int]] = {}
        for port, out in speaker:
            requests.setdefault(port, []).append(out)
        guesses = [i for i, _ in speculative]
        for port, out in islip(requests, self._switch_grant, self._switch_accept).items():
            i = speaker[port, out]
            self._offset[port] = (i + 1) % vcs
            self._winners[port] = i, self._inputs[i].branch_to(out), i in guesses
        if ready or speculative:
            self._switch_allocation.start(now)

    def _send_winners(self, now: int) -> None:
        """Let the winners leave, but a speculative one that has no VC or no credit: its ports stay idle."""
        sent = 0
        for i, branch, speculated in self._winners.values():
            if speculated and (branch.out_vc is None or self._credits[self._output(branch)] == 0):
                continue
            self._depart(i, branch, now)
            sent += 1
        self._winners.clear()
        self._count["stall_switch"] += (self._could_leave - sent) * self._noc.switch_alloc_delay

    def _output(self, branch: Branch) -> int:
        return branch.port * self._noc.vcs + (branch.out_vc or 0)

    def _stall(self, cause: str, packets: int) -> None:
        self._count[cause] += packets
        self._blocked[cause] += packets

    def _unowned(self, branch: Branch) -> list[int]:
        first = branch.port * self._noc.vcs
        return [first + vc for vc in branch.allowed if self._owner[first + vc] is None]

    def _roomy(self, i: int, branch: Branch) -> list[int]:
        """Return the VCs that a branch may ask for: free, and for a multicast packet with room for all of it."""
        free = self._unowned(branch)
        if not self._noc.nodes.size:
            return free
        length = self._noc.nodes["flits"][self._inputs[i].flits[0].goal]
        return [out for out in free if self._credits[out] >= length]

    def _free_vcs(self, i: int) -> list[int]:
        return [out for branch in self._inputs[i].asking() for out in self._roomy(i, branch)]

    def _may_speculate(self, i: int) -> bool:
        return any(self._credits[out] > 0 for out in self._free_vcs(i))

    def _full(self, branch: Branch) -> str:
        ejecting = self._noc.links["router"][self._index, branch.port] < 0
        return "stall_ejection" if ejecting else "stall_credit"

    def _has_credit(self, branch: Branch, out: int) -> bool:
        """Tell whether an output VC has a credit for a branch; note the stall if not."""
        if self._credits[out] > 0:
            return True
        self._no_credit[self._full(branch)] += 1
        return False

    def _speakers(
        self, normal: list[tuple[int, Branch]], speculative: list[tuple[int, Branch]]
    ) -> dict[tuple[int, int], int]:
        """Return the input VC that speaks for each (input, output) port: normal bids before speculative ones."""
        vcs = self._noc.vcs
        bidders: dict[tuple[int, int], list[int]] = {}
        for group in (normal, speculative):
            placed = set(bidders)
            for i, branch in group:
                pair = (i // vcs, branch.port)
                if pair not in placed:
                    bidders.setdefault(pair, []).append(i)
        return {
            (port, out): port * vcs + nearest([i % vcs for i in channels], self._offset[port], vcs)
            for (port, out), channels in bidders.items()
        }

    def _depart(self, i: int, branch: Branch, now: int) -> None:
        """Send a flit of a branch; it leaves the buffer when all branches of its packet have sent it."""
        channel, out = self._inputs[i], self._output(branch)
        flit = channel.flits[branch.sent - channel.freed]
        branch.sent += 1
        self._credits[out] -= 1
        self._count["flits"] += 1
        self._count["replicas"] += 1
        through = self._switch.enter(now + 1) + self._noc.switch_delay - 1
        self._left[branch.port] = leaves = max(through, self._left[branch.port] + 1)
        self.send(
            branch.port, out % self._noc.vcs, replace(flit, goal=branch.goal), leaves - now - self._noc.switch_delay
        )
        if flit.tail:
            self._owner[out] = None
            branch.done = True
        if min(own.sent for own in channel.branches) > channel.freed:
            self._free_flit(i, now)

    def _free_flit(self, i: int, now: int) -> None:
        channel = self._inputs[i]
        flit = channel.flits.popleft()
        channel.freed += 1
        self._count["replicas"] -= 1
        self.return_credit(*divmod(i, self._noc.vcs))
        if flit.tail:
            channel.branches = []
            if channel.flits:
                self._start_routing(i, now + 1)
