"""An elastic network in readable form: queues with ready and valid, arbiters between them, memory stages.

Rules and cycles: docs/elastic-chips.md. A queue answers every question about the beginning of the cycle,
however often it was written and read since: the order of processes within a cycle does not matter.
"""

from collections import deque
from typing import Any

from simpy.core import Environment

from accelsim.timing.elastic import FIFO, STAGE, TARGET_SHIFT, ElasticTables, queue_name
from accelsim.timing.reference.primitives import Process, Signal


class Clock:
    """The cycle of the last move: where nothing moves for long, nothing will."""

    def __init__(self, env: Environment, patience: int) -> None:
        self.env, self._patience = env, patience
        self.moved = 0

    @property
    def now(self) -> int:
        """Current cycle."""
        return int(self.env.now)

    @property
    def patient(self) -> bool:
        """Whether something has moved of late."""
        return self.now <= self.moved + self._patience


class Skid:
    """A queue that is registered on both sides: a word is there one cycle after it was put."""

    def __init__(self, clock: Clock, words: int) -> None:
        self._clock, self._words = clock, words
        self._items: deque[tuple[int, int]] = deque()
        self._put_at = self._popped_at = -1
        self.readers: list[Signal] = []

    def __len__(self) -> int:
        return len(self._items)

    @property
    def stored(self) -> int:
        """Words stored when the cycle began."""
        now = self._clock.now
        return len(self._items) - (self._put_at == now) + (self._popped_at == now)

    @property
    def ready(self) -> bool:
        """Whether there was room when the cycle began."""
        return self.stored < self._words

    @property
    def valid(self) -> bool:
        """Whether a word can be taken that was there when the cycle began."""
        return self._popped_at != self._clock.now and bool(self._items) and self._items[0][0] <= self._clock.now

    @property
    def head(self) -> int:
        """The first word."""
        return self._items[0][1]

    def put(self, word: int) -> None:
        """Write a word."""
        self._put_at = self._clock.moved = self._clock.now
        self._items.append((self._put_at + 1, word))
        for reader in self.readers:
            reader.notify()

    def pop(self) -> int:
        """Take the first word."""
        self._popped_at = self._clock.now
        return self._items.popleft()[1]


class Fifo:
    """A memory with an output register: word n enters the register in load(n) = max(put(n) + 1, pop(n - 1))."""

    def __init__(self, clock: Clock, words: int) -> None:
        self._clock, self._words = clock, words
        self._items: deque[list[int]] = deque()
        self.readers: list[Signal] = []

    def __len__(self) -> int:
        return len(self._items)

    @property
    def stored(self) -> int:
        """Words in the memory when the cycle began."""
        if not self._items:
            return 0
        now = self._clock.now
        return len(self._items) - (self._items[-1][0] == now) - (0 <= self._items[0][1] < now)

    @property
    def ready(self) -> bool:
        """Whether there was room when the cycle began."""
        return self.stored < self._words

    @property
    def valid(self) -> bool:
        """Whether the register held a word when the cycle began that is still there."""
        return bool(self._items) and 0 <= self._items[0][1] < self._clock.now

    @property
    def head(self) -> int:
        """The word in the register."""
        return self._items[0][2]

    def put(self, word: int) -> None:
        """Write a word."""
        now = self._clock.moved = self._clock.now
        self._items.append([now, -1 if self._items else now + 1, word])
        for reader in self.readers:
            reader.notify()

    def pop(self) -> int:
        """Take the word in the register."""
        word = self._items.popleft()[2]
        if self._items:
            self._items[0][1] = max(self._items[0][0] + 1, self._clock.now)
        return word


Queue = Skid | Fifo


class MemoryStage:
    """A memory read of one cycle before a skid; what was read when that filled is held, and costs a bubble."""

    def __init__(self, clock: Clock, behind: Skid) -> None:
        self._clock, self._behind = clock, behind
        self.read: int | None = None
        self.held: int | None = None
        self._busy, self._was_ready = False, True

    @property
    def shown(self) -> int | None:
        """What goes on next."""
        return self.held if self._busy else self.read

    @property
    def takes(self) -> bool:
        """Whether it reads what comes in this cycle."""
        return self._behind.ready and not self._busy

    @property
    def at_rest(self) -> bool:
        """Whether a cycle without input changes nothing."""
        return self.read is None and self.held is None and not self._busy and self._was_ready

    def cycle(self, word: int | None) -> None:
        """Hand on what was read, and read what comes."""
        ready = self._behind.ready
        if self.shown is not None and ready:
            self._behind.put(self.shown)
        if not ready and self._was_ready:
            self.held, self.read, self._busy = self.read, None, True
        elif ready and self._busy:
            self._busy = False
        elif ready:
            self.held, self.read = self.read, word
            if word is not None:
                self._clock.moved = self._clock.now
        self._was_ready = ready


class ElasticArbiter:
    """Moves at most one word per cycle; in turn as long as several inputs wait, else the first that can."""

    def __init__(self, network: "ElasticNetwork", number: int) -> None:
        tables, self._network = network.tables, network
        self._own, self._route = tables.arbiters[number], tables.route[number]
        first = int(self._own["first"])
        self._inputs = [network.queue(queue) for queue in tables.inputs[first : first + int(self._own["inputs"])]]
        after = int(self._own["after"])
        self._after = None if after < 0 else tables.route[after]
        self._called = Signal(network.env)
        for queue in self._inputs:
            queue.readers.append(self._called)
        self._turn, self._takes_turns = 0, False
        network.env.process(self._run())

    def _run(self) -> Process:
        while self._network.clock.patient:
            if any(map(len, self._inputs)):
                self._cycle()
            else:
                self._turn, self._takes_turns = 0, False
                yield self._called.wait()
            yield self._network.env.timeout(1)

    def _next(self, among: list[int]) -> int:
        start = self._turn + 1 if self._takes_turns else 0
        return min(among, key=lambda place: (place - start) % len(self._inputs))

    def _room(self, place: int) -> bool:
        target = self._inputs[place].head >> TARGET_SHIFT
        ready = self._network.queue(self._route[target]).ready
        return ready and (self._after is None or self._network.queue(self._after[target]).ready)

    def _cycle(self) -> None:
        waiting = [
            place
            for place, queue in enumerate(self._inputs)
            if queue.valid and self._route[queue.head >> TARGET_SHIFT] >= 0
        ]
        can_go = [place for place in waiting if self._room(place)]
        chosen = -1
        if can_go:
            chosen = self._turn = self._next(can_go)
            self._takes_turns |= len(waiting) > 1
        elif len(waiting) > 1:
            self._turn, self._takes_turns = self._next(waiting), True
        else:
            self._turn, self._takes_turns = waiting[0] if waiting else 0, False
        if self._own["counts"]:
            count = self._network.counts[self._own["router"]]
            for place in waiting:
                if place != chosen:
                    full = "stall_ejection" if self._own["ejects"] else "stall_credit"
                    count["stall_switch" if place in can_go else full] += 1
        if chosen >= 0:
            self._move(chosen)

    def _move(self, place: int) -> None:
        word = self._inputs[place].pop()
        self._network.queue(self._route[word >> TARGET_SHIFT]).put(word)
        if self._own["port"] >= 0:
            self._network.links[self._own["router"], self._own["port"]] += 1
            self._network.counts[self._own["router"]]["flits"] += 1


class ElasticNetwork:
    """All queues and arbiters of a chip."""

    def __init__(self, env: Environment, tables: ElasticTables, counts: Any, links: Any) -> None:
        self.env, self.tables, self.counts, self.links = env, tables, counts, links
        self.clock = Clock(env, tables.patience)
        self._queues: list[Queue] = [
            (Fifo if own["kind"] == FIFO else Skid)(self.clock, int(own["words"])) for own in tables.queues
        ]
        for number in range(len(tables.arbiters)):
            ElasticArbiter(self, number)

    def queue(self, number: int) -> Queue:
        """Return a queue by its number."""
        return self._queues[number]

    def stage(self, behind: int) -> MemoryStage:
        """Return a new memory stage before a queue."""
        queue = self._queues[behind]
        if not isinstance(queue, Skid):
            raise TypeError(f"{queue_name(self.tables, behind)}: expected a skid buffer behind a stage")
        return MemoryStage(self.clock, queue)

    @property
    def idle(self) -> bool:
        """Whether no queue holds a word; stages are asked by their engines."""
        return not any(
            len(queue) for queue, own in zip(self._queues, self.tables.queues, strict=True) if own["kind"] != STAGE
        )

    def waiting(self) -> dict[str, list[str]]:
        """Return the queue that the first word of each occupied queue waits for."""
        tables, waits = self.tables, dict[str, list[str]]()
        for number, own in enumerate(tables.arbiters):
            for queue in tables.inputs[own["first"] : own["first"] + own["inputs"]]:
                if len(self._queues[queue]):
                    goal = int(tables.route[number, self._queues[queue].head >> TARGET_SHIFT])
                    if goal >= 0:
                        waits[queue_name(tables, int(queue))] = [queue_name(tables, goal)]
        for own in tables.streams:
            for taken, name in (("spikes", "entry"), ("entry", "middle"), ("middle", "last"), ("last", "sent")):
                if own["spikes"] >= 0 and len(self._queues[own[taken]]):
                    waits[queue_name(tables, int(own[taken]))] = [queue_name(tables, int(own[name]))]
        return waits
