"""Queues, arbiters and memory stages of an elastic chip in compiled form, and the sleep of its engines.

What a cycle decides on is its beginning: :func:`observe` takes ``ready`` and ``valid`` of every queue first, so that
the order in which things move does not matter. Rules: docs/elastic-chips.md.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined
from accelsim.timing.elastic import FIFO, SKID, TARGET_SHIFT, ElasticTables
from accelsim.timing.tables import StepWork

Records = npt.NDArray[Any]
Int64s = npt.NDArray[np.int64]

NEVER = 1 << 62
LOAD = (1 << TARGET_SHIFT) - 1

QUEUE_STATE = np.dtype(
    [("out", np.int64), ("hold", np.int64), ("head", np.int32), ("count", np.int32), ("begin", np.int32),
     ("ready", np.bool_), ("valid", np.bool_), ("full", np.bool_), ("held", np.bool_), ("busy", np.bool_),
     ("was_ready", np.bool_)],
    align=True,
)  # fmt: skip
"""``count`` words in the memory, ``begin`` of them at the beginning of the cycle; ``out`` is the output register of a
FIFO or the word that a stage has read, valid if ``full``; ``hold`` what a stage keeps while it is ``busy``."""

ENGINE_STATE = np.dtype(
    [("awake_at", np.int64), ("idle", np.int64), ("last", np.int64), ("free", np.int64), ("runs", np.bool_)], align=True
)
"""An engine that sleeps: whether it ``runs``, idle cycles, the cycle in which it will run, -1 if nothing calls it."""

SOURCE_STATE = np.dtype(
    [("burst", np.int64), ("visited", np.int64), ("taken", np.int64), ("next", np.int64), ("entry", np.int64),
     ("end", np.int64)],
    align=True,
)  # fmt: skip
"""What a terminal has still to send: its burst, the cycle from which it goes on, and the routes of the spike that
axon-out works on."""


class ElasticState(NamedTuple):
    """Scratch of one worker; ``scalars`` are words inside, cycle of the last move, sources that are not done."""

    words: Int64s
    queue: Records
    counter: npt.NDArray[np.int32]
    interleaves: npt.NDArray[np.bool_]
    axon_out: Records
    synapse: Records
    source: Records
    scalars: Int64s


INSIDE, MOVED, SOURCES = 0, 1, 2


def allocate_elastic(tables: ElasticTables) -> ElasticState:
    """Return scratch for any step."""
    terminals, arbiters = len(tables.streams), len(tables.arbiters)
    return ElasticState(
        np.zeros(tables.stored, np.int64),
        np.zeros(len(tables.queues), QUEUE_STATE),
        np.zeros(arbiters, np.int32),
        np.zeros(arbiters, np.bool_),
        np.zeros(terminals, ENGINE_STATE),
        np.zeros(terminals, ENGINE_STATE),
        np.zeros(terminals, SOURCE_STATE),
        np.zeros(3, np.int64),
    )


@inlined
def clear_elastic(tables: ElasticTables, work: StepWork, state: ElasticState, count: Any, enabled: Any) -> None:
    """Empty the chip and put every source at the beginning of its work."""
    for number in range(state.queue.size):
        queue = state.queue[number]
        queue.head = 0
        queue.count = 0
        queue.full = False
        queue.held = False
        queue.busy = False
        queue.was_ready = True
    state.counter[:] = 0
    state.interleaves[:] = False
    state.scalars[:] = 0
    for terminal in range(state.source.size):
        own, source = tables.streams[terminal], state.source[terminal]
        count[terminal].first_flit = -1
        source.burst = work.burst_ptr[terminal]
        source.visited = 0
        source.taken = work.fired_ptr[terminal]
        source.next = max(own.swap + tables.wake_cycles, enabled) + 1
        if own.gate >= 0 and source.burst < work.burst_ptr[terminal + 1]:
            source.next = work.burst_cycles[source.burst] - 1
        source.entry = 0
        source.end = 0
        if source.burst < work.burst_ptr[terminal + 1]:
            state.scalars[SOURCES] += 1
        for k in range(2):
            engine = state.axon_out[terminal] if k == 0 else state.synapse[terminal]
            engine.awake_at = -1
            engine.idle = NEVER
            engine.last = -NEVER
            engine.free = 0
            engine.runs = False


@inlined
def observe(tables: ElasticTables, state: ElasticState) -> None:
    """Note what every queue shows at the beginning of the cycle."""
    for number in range(state.queue.size):
        queue, kind = state.queue[number], tables.queues[number].kind
        queue.begin = queue.count
        queue.ready = queue.count < tables.queues[number].words
        if kind == SKID:
            queue.valid = queue.count > 0
        elif kind == FIFO:
            queue.valid = queue.full
        else:
            queue.valid = queue.held if queue.busy else queue.full


@inlined
def head_of(tables: ElasticTables, state: ElasticState, number: Any) -> int:
    """Return the word that a queue shows."""
    queue, place = state.queue[number], tables.queues[number]
    if place.kind == SKID:
        return state.words[place.base + queue.head]  # type: ignore[no-any-return]
    return queue.out  # type: ignore[no-any-return]


@inlined
def pop(tables: ElasticTables, state: ElasticState, number: Any) -> None:
    """Take the word that a queue shows."""
    queue, place = state.queue[number], tables.queues[number]
    queue.valid = False
    if place.kind == SKID:
        queue.head = 0 if queue.head + 1 == place.words else queue.head + 1
        queue.count -= 1
    else:
        queue.full = False


@inlined
def push(tables: ElasticTables, state: ElasticState, number: Any, word: Any, now: Any) -> None:
    """Write a word."""
    queue, place = state.queue[number], tables.queues[number]
    at = queue.head + queue.count
    state.words[place.base + (at - place.words if at >= place.words else at)] = word
    queue.count += 1
    state.scalars[MOVED] = now


@inlined
def arbitrate(
    tables: ElasticTables, state: ElasticState, number: Any, router_count: Any, links: Int64s, now: Any
) -> None:
    """Move at most one word from the inputs of an arbiter."""
    own = tables.arbiters[number]
    waiting = grantable = np.int64(0)
    for k in range(own.inputs):
        queue = tables.inputs[own.first + k]
        if not state.queue[queue].valid:
            continue
        target = head_of(tables, state, queue) >> TARGET_SHIFT
        goal = tables.route[number, target]
        if goal < 0:
            continue
        waiting |= 1 << k
        if state.queue[goal].ready and (own.after < 0 or state.queue[tables.route[own.after, target]].ready):
            grantable |= 1 << k
    if waiting == 0:
        state.counter[number] = 0
        state.interleaves[number] = False
        return
    several = waiting & (waiting - 1) != 0
    first = state.counter[number] + 1 if state.interleaves[number] else 0
    among = grantable if grantable else waiting
    chosen = first if first < own.inputs else 0
    if not grantable and not several:
        chosen = 0
    while not among >> chosen & 1:
        chosen = chosen + 1 if chosen + 1 < own.inputs else 0
    state.counter[number] = chosen
    state.interleaves[number] = several or (grantable != 0 and state.interleaves[number])
    if grantable:
        queue = tables.inputs[own.first + chosen]
        word = head_of(tables, state, queue)
        pop(tables, state, queue)
        push(tables, state, tables.route[number, word >> TARGET_SHIFT], word, now)
        if own.port >= 0:
            links[own.router, own.port] += 1
            router_count[own.router].flits += 1
    if own.counts:
        for k in range(own.inputs):
            if waiting >> k & 1 and not (grantable and k == chosen):
                if grantable >> k & 1:
                    router_count[own.router].stall_switch += 1
                elif own.ejects:
                    router_count[own.router].stall_ejection += 1
                else:
                    router_count[own.router].stall_credit += 1


@inlined
def cycle_stage(
    tables: ElasticTables, state: ElasticState, number: Any, behind: Any, comes: bool, word: Any, now: Any
) -> None:
    """Let a memory stage hand on what it has read, and read what comes."""
    stage, ready = state.queue[number], state.queue[behind].ready
    if stage.valid and ready:
        push(tables, state, behind, stage.hold if stage.busy else stage.out, now)
    if not ready and stage.was_ready:
        stage.hold, stage.held, stage.busy = stage.out, stage.full, True
        stage.full = False
    elif ready and stage.busy:
        stage.busy = False
    elif ready:
        stage.held = stage.full
        stage.full = comes
        stage.out = word
        if comes:
            state.scalars[MOVED] = now
    stage.was_ready = ready


@inlined
def tick(tables: ElasticTables, engine: Any, works: bool, enabled: Any, now: Any) -> None:
    """Start, stop or wake an engine."""
    if engine.runs:
        if not works:
            engine.runs = False
            engine.idle = 0
    elif works:
        if engine.awake_at < 0:
            asleep = engine.idle >= tables.idle_cycles
            engine.awake_at = max(now + (tables.wake_cycles if asleep else 0), enabled) + 1
        if now + 1 >= engine.awake_at:
            engine.runs = True
            engine.awake_at = -1
    elif engine.idle < NEVER:
        engine.idle += 1
