"""Packet traces on the network alone: sources with unbounded queues, sinks that take a flit in the cycle it arrives."""

import numpy as np

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.calendar import NEVER, next_wake, set_wake, take_first
from accelsim.timing.compiled.router import (
    arrive,
    begin_cycle,
    call_now,
    clear_noc,
    cycle_routers,
    next_event,
    receive_credit,
)
from accelsim.timing.compiled.source import BLOCKED, SENT_TAIL, inject
from accelsim.timing.compiled.state import (
    HEAD,
    TAIL,
    TERMINAL,
    Int32s,
    Int64s,
    NocState,
    Records,
    allocate_noc,
    flit_load,
)
from accelsim.timing.compiled.wheel import (
    CALL_ROUTER,
    CREDIT_TO_ROUTER,
    TO_ROUTER,
    TO_TERMINAL,
    free_event,
    post,
    take_slot,
)
from accelsim.timing.packets import PacketTimes, PacketTrace
from accelsim.timing.records import ROUTER_COUNT
from accelsim.timing.tables import NocTables


@inlined
def _wake_source(
    state: NocState, created: Int64s, order: Int64s, cursor: Int64s, last: Int64s, terminal: int, at: int
) -> None:
    """Have a source try its next packet from cycle ``at`` on."""
    if cursor[terminal] < last[terminal]:
        set_wake(state.calendar, terminal, max(at, created[order[cursor[terminal]]]))


@loop_kernel
def _run(
    noc: NocTables,
    state: NocState,
    sources: Records,
    credit: Int32s,
    cursor: Int64s,
    last: Int64s,
    order: Int64s,
    created: Int64s,
    target: Int64s,
    flits: Int64s,
    times: Int64s,
    count: Records,
    links: Int64s,
) -> None:
    vcs, wheel = noc.vcs, state.wheel
    clear_noc(noc, state)
    for terminal in range(noc.terminals.size):
        sources[terminal].source_vc = vcs - 1
        sources[terminal].asked = -1
        _wake_source(state, created, order, cursor, last, terminal, 0)
    now = next_wake(state.calendar)
    while now < NEVER:
        begin_cycle(state, now)
        event = take_slot(wheel, now)
        while event >= 0:
            where, flit = wheel.event[event].where, wheel.event[event].flit
            event = free_event(wheel, event)
            kind, where = where & 7, where >> 3
            if kind == TO_ROUTER:
                arrive(noc, state, where, flit, now)
            elif kind == TO_TERMINAL:
                terminal = where >> 6
                if flit & HEAD:
                    times[flit_load(flit), 1] = now
                if flit & TAIL:
                    times[flit_load(flit), 2] = now
                port = noc.terminals[terminal].router * noc.ports + noc.terminals[terminal].port
                post(wheel, now + noc.credit, CREDIT_TO_ROUTER, port * vcs + (where & 63), 0)
            elif kind == CREDIT_TO_ROUTER:
                receive_credit(noc, state, where, now)
            elif kind == CALL_ROUTER:
                call_now(state, where, now)
            else:
                credit[(where >> 6) * vcs + (where & 63)] += 1
                if sources[where >> 6].asked >= 0:
                    set_wake(state.calendar, where >> 6, now)
        while next_wake(state.calendar) == now:
            terminal = take_first(state.calendar)
            packet = order[cursor[terminal]]
            source = sources[terminal]
            fresh = source.sent_flits == 0
            source.load = packet
            source.target = target[packet]
            source.flits = flits[packet]
            done = inject(noc, state, source, credit, terminal, now)
            source.asked = now if done == BLOCKED else -1
            if done != BLOCKED:
                if fresh:
                    times[packet, 0] = now
                if done == SENT_TAIL:
                    cursor[terminal] += 1
                _wake_source(state, created, order, cursor, last, terminal, now + 1)
        cycle_routers(noc, state, count, links, now)
        following = next_event(state, now)
        now = next_wake(state.calendar)
        if following >= 0:
            now = min(now, following)


def run_packets(noc: NocTables, trace: PacketTrace) -> PacketTimes:
    """Run a packet trace through the routers.

    Parameters
    ----------
    noc : NocTables
    trace : PacketTrace

    Returns
    -------
    PacketTimes
        Undelivered packets (after a deadlock) have times of -1.
    """
    order = np.argsort(trace.source, kind="stable")
    ptr = np.searchsorted(trace.source[order], np.arange(len(noc.terminals) + 1)).astype(np.int64)
    times = np.full((len(trace.created), 3), -1, dtype=np.int64)
    count = np.zeros(noc.routers, dtype=ROUTER_COUNT)
    links = np.zeros((noc.routers, noc.ports), dtype=np.int64)
    _run(
        noc,
        allocate_noc(noc),
        np.zeros(len(noc.terminals), TERMINAL),
        np.full(len(noc.terminals) * noc.vcs, noc.buffer, dtype=np.int32),
        ptr[:-1].copy(),
        ptr[1:],
        order,
        trace.created,
        trace.target,
        trace.flits,
        times,
        count,
        links,
    )
    return PacketTimes(times[:, 0], times[:, 1], times[:, 2], links, count)
