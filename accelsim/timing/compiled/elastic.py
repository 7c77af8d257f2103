"""One hardware step of an elastic chip in compiled form: a sweep over all arbiters and engines in every cycle.

Rules: docs/elastic-chips.md; queues and arbiters: :mod:`accelsim.timing.compiled.elastic_queues`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.elastic_queues import (
    INSIDE,
    LOAD,
    MOVED,
    SOURCES,
    ElasticState,
    Int64s,
    Records,
    allocate_elastic,
    arbitrate,
    clear_elastic,
    cycle_stage,
    head_of,
    observe,
    pop,
    push,
    tick,
)
from accelsim.timing.compiled.sink import count_row
from accelsim.timing.elastic import FIFO, TARGET_SHIFT, ElasticTables
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import AxonTables, StepWork


@inlined
def _axon_out(
    tables: ElasticTables, axons: AxonTables, state: ElasticState, count: Any, terminal: int, enabled: Any, now: Any
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
            packet = head_of(tables, state, own.last)
            pop(tables, state, own.last)
            push(tables, state, own.sent, packet, now)
            done.packets_out += 1
            done.flits_out += 1
            done.source_end = now + 2
            if done.first_flit < 0:
                done.first_flit = now
        else:
            done.injection_full += 1
    takes = state.queue[own.last].ready and not routes.busy
    comes: Any = False
    word: Any = np.int64(0)
    if takes and source.entry == source.end and state.queue[own.middle].valid:
        neuron = head_of(tables, state, own.middle) & LOAD
        pop(tables, state, own.middle)
        source.entry, source.end = axons.ptr[neuron], axons.ptr[neuron + 1]
        state.scalars[INSIDE] += source.end - source.entry - 1
    if takes and source.entry < source.end:
        entry = axons.axon[source.entry]
        source.entry += 1
        done.routing_reads += 1
        done.destinations += 1
        comes, word = True, (np.int64(entry.terminal) << TARGET_SHIFT) | np.int64(entry.cost)
    cycle_stage(tables, state, own.routes, own.last, comes, word, now)
    comes, word = False, np.int64(0)
    if state.queue[own.middle].ready and not state.queue[own.mapping].busy and state.queue[own.entry].valid:
        word = head_of(tables, state, own.entry)
        pop(tables, state, own.entry)
        neuron = word & LOAD
        comes = axons.ptr[neuron] < axons.ptr[neuron + 1]
        if not comes:
            state.scalars[INSIDE] -= 1
            state.scalars[MOVED] = now
    cycle_stage(tables, state, own.mapping, own.middle, comes, word, now)
    if runs and state.queue[own.spikes].valid and state.queue[own.entry].ready:
        word = head_of(tables, state, own.spikes)
        pop(tables, state, own.spikes)
        push(tables, state, own.entry, word, now)
        if own.synapse < 0:
            done.packets_in += 1
            done.flits_in += 1
    tick(tables, engine, works, enabled, now)


@inlined
def _synapse(
    tables: ElasticTables, axons: AxonTables, state: ElasticState, count: Any, terminal: int, enabled: Any, now: Any
) -> None:
    """Let the synapse engine take a packet."""
    own, engine, done = tables.streams[terminal], state.synapse[terminal], count[terminal]
    queue = state.queue[own.synapse]
    valid = queue.valid
    works = valid or now <= engine.last + tables.synapse_cycles
    if valid:
        done.queue_peak = max(done.queue_peak, queue.begin + 1)
    if valid and engine.runs and now >= engine.free:
        cost = axons.costs[head_of(tables, state, own.synapse) & LOAD]
        pop(tables, state, own.synapse)
        state.scalars[INSIDE] -= 1
        state.scalars[MOVED] = now
        engine.free = now + cost.cycles
        engine.last = now + cost.cycles - 1
        done.packets_in += 1
        done.flits_in += 1
        done.row_end = engine.last + tables.synapse_cycles + 2
        count_row(done, cost)
    tick(tables, engine, works, enabled, now)


@inlined
def _source(
    tables: ElasticTables, work: StepWork, state: ElasticState, count: Any, terminal: int, now: Any
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
    push(tables, state, goal, (np.int64(target) << TARGET_SHIFT) | load, now)
    state.scalars[INSIDE] += 1
    if is_port:
        done.packets_out += 1
        done.flits_out += 1
        done.routing_reads += 1
        done.destinations += 1
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
def _neurons(tables: ElasticTables, state: ElasticState, count: Any, terminal: int, now: Any) -> None:
    """Let the neuron engine read states, and drop the neurons that do not fire."""
    own = tables.streams[terminal]
    if state.queue[own.checked].valid and state.queue[own.passed].ready:
        load = head_of(tables, state, own.checked) & LOAD
        pop(tables, state, own.checked)
        if load > 0:
            push(tables, state, own.passed, (np.int64(terminal) << TARGET_SHIFT) | (load - 1), now)
        else:
            state.scalars[INSIDE] -= 1
            state.scalars[MOVED] = now
        count[terminal].scan_end = now + 3
    comes: Any = False
    word: Any = np.int64(0)
    if state.queue[own.updated].ready and not state.queue[own.state].busy and state.queue[own.update].valid:
        comes, word = True, head_of(tables, state, own.update)
        pop(tables, state, own.update)
    cycle_stage(tables, state, own.state, own.updated, comes, word, now)


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
    clear_elastic(tables, work, state, count, enabled)
    scalars, now = state.scalars, np.int64(0)
    while (scalars[INSIDE] > 0 or scalars[SOURCES] > 0) and now <= scalars[MOVED] + tables.patience:
        observe(tables, state)
        for number in range(tables.arbiters.size):
            arbitrate(tables, state, number, router_count, links, now)
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
    finished = scalars[INSIDE] == 0 and scalars[SOURCES] == 0 and made == delivered
    summary[0].status = STATUS_DONE if finished else STATUS_DEADLOCK


def elastic_runner(tables: ElasticTables) -> Callable[..., None]:
    """Allocate scratch and return what simulates a step with it, see :data:`accelsim.timing.engine.ElasticStep`."""
    state = allocate_elastic(tables)
    return lambda axons, work, *out: run_elastic_step(tables, axons, work, state, *out)
