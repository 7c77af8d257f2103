"""One hardware step of an elastic chip in compiled form: a sweep over all queues, arbiters and engines in every cycle.

What a cycle decides on is its beginning: ``ready`` and ``valid`` of every queue are taken first, so that the order of
the sweep does not matter. Rules: docs/timing-model.md, section 8.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.elastic import FIFO, SKID, TARGET_SHIFT, ElasticTables
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import AxonTables, StepWork

Records = npt.NDArray[Any]
Int64s = npt.NDArray[np.int64]

NEVER = 1 << 62
_LOAD = (1 << TARGET_SHIFT) - 1

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
def _clear(tables: ElasticTables, work: StepWork, state: ElasticState, count: Any, enabled: int) -> None:
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
def _observe(tables: ElasticTables, state: ElasticState) -> None:
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
def _head(tables: ElasticTables, state: ElasticState, number: int) -> int:
    queue, place = state.queue[number], tables.queues[number]
    if place.kind == SKID:
        return state.words[place.base + queue.head]  # type: ignore[no-any-return]
    return queue.out  # type: ignore[no-any-return]


@inlined
def _pop(tables: ElasticTables, state: ElasticState, number: int) -> None:
    queue, place = state.queue[number], tables.queues[number]
    queue.valid = False
    if place.kind == SKID:
        queue.head = 0 if queue.head + 1 == place.words else queue.head + 1
        queue.count -= 1
    else:
        queue.full = False


@inlined
def _push(tables: ElasticTables, state: ElasticState, number: int, word: int, now: int) -> None:
    queue, place = state.queue[number], tables.queues[number]
    at = queue.head + queue.count
    state.words[place.base + (at - place.words if at >= place.words else at)] = word
    queue.count += 1
    state.scalars[MOVED] = now


@inlined
def _arbitrate(tables: ElasticTables, state: ElasticState, number: int, router_count: Any, links: Int64s, now: int) -> None:
    """Move at most one word from the inputs of an arbiter."""
    own = tables.arbiters[number]
    waiting = grantable = np.int64(0)
    for k in range(own.inputs):
        queue = tables.inputs[own.first + k]
        if not state.queue[queue].valid:
            continue
        target = _head(tables, state, queue) >> TARGET_SHIFT
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
        word = _head(tables, state, queue)
        _pop(tables, state, queue)
        _push(tables, state, tables.route[number, word >> TARGET_SHIFT], word, now)
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
def _stage(tables: ElasticTables, state: ElasticState, number: int, behind: int, comes: bool, word: int, now: int) -> None:
    """Let a memory stage hand on what it has read, and read what comes."""
    stage, ready = state.queue[number], state.queue[behind].ready
    if stage.valid and ready:
        _push(tables, state, behind, stage.hold if stage.busy else stage.out, now)
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
def _tick(tables: ElasticTables, engine: Any, works: bool, enabled: int, now: int) -> None:
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


@inlined
def _axon_out(
    tables: ElasticTables, axons: AxonTables, state: ElasticState, count: Any, terminal: int, enabled: int, now: int
) -> None:
    """Let axon-out take a spike, read its mapping and its routes, and send packets."""
    own, source, done = tables.streams[terminal], state.source[terminal], count[terminal]
    engine, routes = state.axon_out[terminal], state.queue[own.routes]
    works = (
        state.queue[own.spikes].valid or state.queue[own.entry].valid or state.queue[own.mapping].valid
        or state.queue[own.middle].valid or state.queue[own.last].valid or routes.full or routes.held
    )  # fmt: skip
    runs = engine.runs
    if runs and state.queue[own.last].valid:
        if state.queue[own.sent].ready:
            word = _head(tables, state, own.last)
            _pop(tables, state, own.last)
            _push(tables, state, own.sent, word, now)
            done.packets_out += 1
            done.flits_out += 1
            done.source_end = now + 2
            if done.first_flit < 0:
                done.first_flit = now
        else:
            done.injection_full += 1
    takes = state.queue[own.last].ready and not routes.busy
    comes, word = False, np.int64(0)
    if takes and source.entry == source.end and state.queue[own.middle].valid:
        neuron = _head(tables, state, own.middle) & _LOAD
        _pop(tables, state, own.middle)
        source.entry, source.end = axons.ptr[neuron], axons.ptr[neuron + 1]
        state.scalars[INSIDE] += source.end - source.entry - 1
    if takes and source.entry < source.end:
        entry = axons.axon[source.entry]
        source.entry += 1
        done.routing_reads += 1
        comes, word = True, (np.int64(entry.terminal) << TARGET_SHIFT) | np.int64(entry.cost)
    _stage(tables, state, own.routes, own.last, comes, word, now)
    comes, word = False, np.int64(0)
    if state.queue[own.middle].ready and not state.queue[own.mapping].busy and state.queue[own.entry].valid:
        word = _head(tables, state, own.entry)
        _pop(tables, state, own.entry)
        neuron = word & _LOAD
        comes = axons.ptr[neuron] < axons.ptr[neuron + 1]
        if not comes:
            state.scalars[INSIDE] -= 1
            state.scalars[MOVED] = now
    _stage(tables, state, own.mapping, own.middle, comes, word, now)
    if runs and state.queue[own.spikes].valid and state.queue[own.entry].ready:
        word = _head(tables, state, own.spikes)
        _pop(tables, state, own.spikes)
        _push(tables, state, own.entry, word, now)
        if own.synapse < 0:
            done.packets_in += 1
            done.flits_in += 1
    _tick(tables, engine, works, enabled, now)


@inlined
def _synapse(
    tables: ElasticTables, axons: AxonTables, state: ElasticState, count: Any, terminal: int, enabled: int, now: int
) -> None:
    """Let the synapse engine take a packet."""
    own, engine, done = tables.streams[terminal], state.synapse[terminal], count[terminal]
    queue = state.queue[own.synapse]
    valid = queue.valid
    works = valid or now <= engine.last + tables.synapse_cycles
    if valid:
        done.queue_peak = max(done.queue_peak, queue.begin + 1)
    if valid and engine.runs and now >= engine.free:
        cost = axons.costs[_head(tables, state, own.synapse) & _LOAD]
        _pop(tables, state, own.synapse)
        state.scalars[INSIDE] -= 1
        state.scalars[MOVED] = now
        engine.free = now + cost.cycles
        engine.last = now + cost.cycles - 1
        done.packets_in += 1
        done.flits_in += 1
        done.row_end = engine.last + tables.synapse_cycles + 2
        done.row_cycles += cost.cycles
        done.row_ideal += cost.ideal
        done.row_conflict += cost.conflict
        done.row_fetch += cost.fetch
        done.row_lookup += cost.lookup
        done.words += cost.words
        done.sops += cost.sops
        done.issued += cost.issued
        done.state_words += cost.state_words
        done.macs += cost.macs
        done.loads += cost.loads
    _tick(tables, engine, works, enabled, now)


@inlined
def _source(
    tables: ElasticTables, work: StepWork, state: ElasticState, count: Any, terminal: int, now: int
) -> None:
    """Let a port send an event, or the neuron engine take the next neuron of its list."""
    own, source, done = tables.streams[terminal], state.source[terminal], count[terminal]
    if source.burst == work.burst_ptr[terminal + 1] or now < source.next:
        return
    is_port = own.gate >= 0
    goal = own.gate if is_port else own.update
    if not state.queue[goal].ready:
        if is_port:
            done.injection_full += 1
        else:
            done.fifo_full += 1
        return
    visits, fired = np.int64(work.burst_cycles[source.burst]), np.int64(work.burst_fired[source.burst])
    source.visited += 1
    fires = is_port or source.visited > visits - fired
    last = source.visited == (fired if is_port else visits)
    load = np.int64(0)
    if fires:
        load = np.int64(work.fired[source.taken]) + (0 if is_port else 1)
        source.taken += 1
        done.fired += 1
    target = own.relay if is_port else terminal
    _push(tables, state, goal, (np.int64(target) << TARGET_SHIFT) | load, now)
    state.scalars[INSIDE] += 1
    if is_port:
        done.packets_out += 1
        done.flits_out += 1
        done.routing_reads += 1
        done.source_end = now + 1
        if done.first_flit < 0:
            done.first_flit = now
    done.scan_cycles += 1
    if last:
        source.burst += 1
        source.visited = 0
        done.bursts += 1
        if source.burst == work.burst_ptr[terminal + 1]:
            state.scalars[SOURCES] -= 1
        elif is_port:
            source.next = now + work.burst_cycles[source.burst]


@inlined
def _neurons(tables: ElasticTables, state: ElasticState, count: Any, terminal: int, now: int) -> None:
    """Let the neuron engine read states, and drop the neurons that do not fire."""
    own = tables.streams[terminal]
    if state.queue[own.checked].valid and state.queue[own.passed].ready:
        load = _head(tables, state, own.checked) & _LOAD
        _pop(tables, state, own.checked)
        if load > 0:
            _push(tables, state, own.passed, (np.int64(terminal) << TARGET_SHIFT) | (load - 1), now)
        else:
            state.scalars[INSIDE] -= 1
            state.scalars[MOVED] = now
        count[terminal].scan_end = now + 3
    comes, word = False, np.int64(0)
    if state.queue[own.updated].ready and not state.queue[own.state].busy and state.queue[own.update].valid:
        comes, word = True, _head(tables, state, own.update)
        _pop(tables, state, own.update)
    _stage(tables, state, own.state, own.updated, comes, word, now)


@loop_kernel
def run_elastic_step(
    tables: ElasticTables,
    axons: AxonTables,
    work: StepWork,
    state: ElasticState,
    count: Records,
    router_count: Records,
    links: Int64s,
    summary: Records,
    first: bool,
) -> None:
    """Simulate one hardware step; parameters as :func:`accelsim.timing.compiled.step.run_step`.

    ``first``: whether it is the first of its sample.
    """
    enabled = tables.enabled_first if first else tables.enabled
    _clear(tables, work, state, count, enabled)
    scalars, now = state.scalars, np.int64(0)
    while (scalars[INSIDE] > 0 or scalars[SOURCES] > 0) and now <= scalars[MOVED] + tables.patience:
        _observe(tables, state)
        for number in range(tables.arbiters.size):
            _arbitrate(tables, state, number, router_count, links, now)
        for terminal in range(tables.streams.size):
            own = tables.streams[terminal]
            if own.update >= 0:
                _neurons(tables, state, count, terminal, now)
            if own.spikes >= 0:
                _axon_out(tables, axons, state, count, terminal, enabled, now)
            if own.synapse >= 0:
                _synapse(tables, axons, state, count, terminal, enabled, now)
            _source(tables, work, state, count, terminal, now)
        for number in range(state.queue.size):
            queue, place = state.queue[number], tables.queues[number]
            if place.kind == FIFO and not queue.full and queue.begin > 0:
                queue.out = state.words[place.base + queue.head]
                queue.full = True
                queue.head = 0 if queue.head + 1 == place.words else queue.head + 1
                queue.count -= 1
        now += 1
    end = made = sent = delivered = np.int64(0)
    for terminal in range(tables.streams.size):
        done = count[terminal]
        end = max(end, done.scan_end, done.source_end, done.row_end)
        made += done.routing_reads
        sent += done.packets_out
        delivered += done.packets_in
    summary[0].end = end
    summary[0].injected = sent
    summary[0].delivered = delivered
    summary[0].status = STATUS_DONE if scalars[INSIDE] == 0 and scalars[SOURCES] == 0 and made == delivered else STATUS_DEADLOCK
