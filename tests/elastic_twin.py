"""A naive twin of one step of YANA: its registers one by one, wired by hand from the facts about its RTL.

Knows nothing of netlists or of the engines: a 2x2 mesh, a relay at (0, 0), a core at (1, 0), a readout at (1, 1).
Events of the host are words "H", packets of the relay "F", packets of the core "G".
"""

from collections import deque


class Skid:
    def __init__(self):
        self.words = deque()

    def ready(self):
        return len(self.words) < 2

    def valid(self):
        return bool(self.words)

    def take(self):
        return self.words.popleft()

    def full(self):
        return bool(self.words)


class Fifo:
    """Eight words and an output register."""

    def __init__(self):
        self.words, self.out = deque(), None

    def ready(self):
        return len(self.words) < 8

    def valid(self):
        return self.out is not None

    def take(self):
        word, self.out = self.out, None
        return word

    def full(self):
        return self.out is not None or bool(self.words)


class RamStage:
    def __init__(self):
        self.read = self.held = None
        self.busy, self.was_ready = False, True

    def shown(self):
        return self.held if self.busy else self.read

    def after(self, ready, word):
        """Return the registers of the next cycle."""
        if not ready and self.was_ready:
            return None, self.read, True, ready
        if ready and self.busy:
            return self.read, self.held, False, ready
        if ready:
            return word, self.read, self.busy, ready
        return self.read, self.held, self.busy, ready

    def load(self, registers):
        self.read, self.held, self.busy, self.was_ready = registers


class Unit:
    """Takes work one cycle after it is there, six when its memories sleep: after five idle cycles."""

    def __init__(self):
        self.runs, self.idle, self.wake = False, 5, None

    def tick(self, now, work):
        if self.runs:
            if not work:
                self.runs, self.idle = False, 0
        elif work:
            if self.wake is None:
                self.wake = now + (6 if self.idle >= 5 else 1)
            if now + 1 >= self.wake:
                self.runs, self.wake = True, None
        else:
            self.idle += 1


class Axon:
    def __init__(self, kind):
        self.kind, self.unit, self.rest = kind, Unit(), 0
        self.spikes, self.sent = Fifo(), Fifo()
        self.entry, self.middle, self.last = Skid(), Skid(), Skid()
        self.mapping, self.routes = RamStage(), RamStage()

    def full(self):
        queues = (self.spikes, self.entry, self.middle, self.last, self.sent)
        stages = (self.mapping, self.routes)
        return self.rest or any(queue.full() for queue in queues) or any(item.read or item.held for item in stages)

    def decide(self, now, takes, puts, loads):
        work = any(queue.valid() for queue in (self.spikes, self.entry, self.middle, self.last))
        work = work or self.mapping.shown() or self.routes.read or self.routes.held
        if self.unit.runs and self.spikes.valid() and self.entry.ready():
            puts.append((self.entry, self.spikes.out))
            takes.append(self.spikes)
        if self.unit.runs and self.last.valid() and self.sent.ready():
            puts.append((self.sent, self.last.words[0]))
            takes.append(self.last)
        self.unit.tick(now, bool(work))
        ready, word = self.middle.ready(), None
        if ready and self.mapping.shown():
            puts.append((self.middle, self.mapping.shown()))
        if ready and not self.mapping.busy and self.entry.valid():
            word = self.entry.words[0]
            takes.append(self.entry)
        loads.append((self.mapping, self.mapping.after(ready, word)))
        ready, word = self.last.ready(), None
        if ready and self.routes.shown():
            puts.append((self.last, self.routes.shown()))
        if ready and not self.routes.busy:
            if not self.rest and self.middle.valid():
                self.rest = self.middle.words[0][1]
                takes.append(self.middle)
            if self.rest:
                self.rest -= 1
                word = (self.kind,)
        loads.append((self.routes, self.routes.after(ready, word)))


class Crossbar:
    """One grant per cycle; in turn as long as both inputs wait."""

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs, self.turn, self.turns = inputs, outputs, 0, False

    def decide(self, takes, puts):
        waits = [queue.valid() for queue in self.inputs]
        goals = [self.outputs[queue.words[0][0]] if queue.valid() else None for queue in self.inputs]
        can = [goal is not None and goal.ready() for goal in goals]
        start = (self.turn + 1) % 2 if self.turns else 0
        if any(can):
            self.turn = start if can[start] else 1 - start
            self.turns = self.turns or all(waits)
            puts.append((goals[self.turn], self.inputs[self.turn].words[0]))
            takes.append(self.inputs[self.turn])
        elif all(waits):
            self.turn, self.turns = start, True
        else:
            self.turn, self.turns = waits.index(True) if any(waits) else 0, False


def step_cycles(events, hidden, spikes, outputs, *, first):
    """Return the cycles of a step.

    ``events``: routes of every event; ``hidden`` and ``outputs``: neurons to update at (1, 0) and (1, 1); ``spikes``:
    (place in the order of updates, routes) of the neurons at (1, 0) that fire.
    """
    relay, core = Axon("F"), Axon("G")
    gate, gated, west, fe0_west, fe0_local, fe0_east, fe0_north = (Skid() for _ in range(7))
    fn0_east, fn0_local, tl0_in, tl0_merged, tl0, from0 = (Skid() for _ in range(6))
    fe1_west, fe1_local, fe1_north, fe1_south, fn1_east, fn1_local, tl1_in, tl1_merged, tl1 = (Skid() for _ in range(9))
    rx_in, rx_out, tx_in, tx_out, from1, fs1_east, fs1_out = (Skid() for _ in range(7))
    fs3_in, fs3_local, tl3_in, tl3_merged, tl3 = (Skid() for _ in range(5))
    synapses = {"10": (Fifo(), Unit()), "11": (Fifo(), Unit())}
    fifos = [relay.spikes, relay.sent, core.spikes, core.sent, *(queue for queue, _ in synapses.values())]
    wires = [
        (gated, west), (west, fe0_west), (fe0_north, fn0_east), (fn0_east, fn0_local), (fn0_local, tl0_in),
        (tl0_merged, tl0), (tl0, relay.spikes), (relay.sent, from0), (from0, fe0_local), (fe0_east, fe1_west),
        (fe1_north, fn1_east), (fn1_east, fn1_local), (fn1_local, tl1_in), (tl1_merged, tl1), (tl1, rx_in),
        (rx_out, synapses["10"][0]), (core.sent, tx_in), (tx_out, from1), (from1, fe1_local), (fe1_south, fs1_east),
        (fs1_east, fs1_out), (fs1_out, fs3_in), (fs3_in, fs3_local), (fs3_local, tl3_in), (tl3_merged, tl3),
        (tl3, synapses["11"][0]),
    ]  # fmt: skip
    merges = [
        (gate, gated, west), (tl0_in, tl0_merged, tl0), (tl1_in, tl1_merged, tl1),
        (rx_in, rx_out, synapses["10"][0]), (tx_in, tx_out, from1), (tl3_in, tl3_merged, tl3),
    ]  # fmt: skip
    crossbars = [
        Crossbar((fe0_west, fe0_local), {"H": fe0_north, "F": fe0_east}),
        Crossbar((fe1_west, fe1_local), {"F": fe1_north, "G": fe1_south}),
    ]
    queues = {queue for wire in wires for queue in wire} | {queue for merge in merges for queue in merge}
    host, firing = deque(events), deque((18 + place, routes) for place, routes in spikes)
    taken = {"10": -99, "11": -99}
    now, moved = 0, True
    while moved or host or firing or relay.full() or core.full() or any(queue.full() for queue in queues):
        takes, puts, loads = [], [], []
        if host and gate.ready():
            puts.append((gate, ("H", host.popleft())))
        if firing and now >= firing[0][0] and core.spikes.ready():
            puts.append((core.spikes, ("N", firing.popleft()[1])))
        for source, goal in wires:
            if source.valid() and goal.ready():
                puts.append((goal, source.out if isinstance(source, Fifo) else source.words[0]))
                takes.append(source)
        for source, goal, behind in merges:
            if source.valid() and behind.ready() and goal.ready():
                puts.append((goal, source.words[0]))
                takes.append(source)
        for crossbar in crossbars:
            crossbar.decide(takes, puts)
        for axon in (relay, core):
            axon.decide(now, takes, puts, loads)
        for name, (queue, unit) in synapses.items():
            runs = unit.runs and queue.valid()
            unit.tick(now, queue.valid() or now <= taken[name] + 4)
            if runs:
                takes.append(queue)
                taken[name] = now
        moved = bool(takes or puts)
        for queue in takes:
            queue.take()
        for stage, registers in loads:
            stage.load(registers)
        for queue in fifos:
            if queue.out is None and queue.words:
                queue.out = queue.words.popleft()
        for goal, word in puts:
            goal.words.append(word)
        now += 1
    done = [taken["10"] + 6 + 1, taken["11"] + 6 + 2]
    done += [19 + hidden + 1] * (hidden > 0) + [20 + outputs + 2] * (outputs > 0)
    return max(11 if first else 13, max(done) + 1) + 3
