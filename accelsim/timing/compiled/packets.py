"""Packet traces on the network alone: sources with unbounded queues, sinks that take a flit in the cycle it arrives."""

from collections.abc import Callable

import numpy as np

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.calendar import NEVER, next_wake, set_wake, take_due
from accelsim.timing.compiled.calls import begin_cycle, call_now, next_event
from accelsim.timing.compiled.router import arrive, clear_noc, cycle_router, release
from accelsim.timing.compiled.single import cycle_single, is_single
from accelsim.timing.compiled.source import BLOCKED, SENT_TAIL, inject
from accelsim.timing.compiled.state import (
    DUE_ROUTERS,
    EJECTED_FLITS,
    HEAD,
    TAIL,
    TERMINAL,
    Int64s,
    NocState,
    Records,
    allocate_noc,
    flit_load,
)
from accelsim.timing.compiled.wheel import FLIT, free_event, take_slot
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


def _packet_kernel(single: bool) -> Callable[..., None]:
    """Return the kernel for routers that :func:`is_single` or not; only what is used is compiled."""

    @loop_kernel
    def run(
        noc: NocTables,
        state: NocState,
        sources: Records,
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
        wheel = state.wheel
        clear_noc(noc, state)
        for terminal in range(noc.terminals.size):
            sources[terminal].source_vc = noc.vcs - 1
            _wake_source(state, created, order, cursor, last, terminal, 0)
        now = next_wake(state.calendar)
        while now < NEVER:
            begin_cycle(state, now)
            event = take_slot(wheel, now)
            while event >= 0:
                where, flit = wheel.event[event].where, wheel.event[event].flit
                event = free_event(wheel, event)
                if where & 1 == FLIT:
                    arrive(noc, state, where >> 1, flit, now)
                else:
                    call_now(state, where >> 1, now)
            for k in range(take_due(state.calendar, now, state.awake) if next_wake(state.calendar) == now else 0):
                terminal = state.awake[k]
                if terminal >= noc.terminals.size:
                    call_now(state, terminal - noc.terminals.size, now)
                    continue
                packet = order[cursor[terminal]]
                source = sources[terminal]
                fresh = source.sent_flits == 0
                source.load = packet
                source.target = target[packet]
                source.flits = flits[packet]
                done = inject(noc, state, source, terminal, now)
                if done != BLOCKED:
                    if fresh:
                        times[packet, 0] = now
                    if done == SENT_TAIL:
                        cursor[terminal] += 1
                    _wake_source(state, created, order, cursor, last, terminal, now + 1)
            for k in range(state.scalars[DUE_ROUTERS]):
                if single:
                    cycle_single(noc, state, count, links, state.due[k], now)
                else:
                    cycle_router(noc, state, count, links, state.due[k], now)
            for k in range(state.scalars[EJECTED_FLITS]):
                gone = state.ejected[k]
                if gone.flit & HEAD:
                    times[flit_load(gone.flit), 1] = gone.at
                if gone.flit & TAIL:
                    times[flit_load(gone.flit), 2] = gone.at
                release(noc, state, gone.terminal, gone.at + noc.release, gone.vc, 1)
            following = next_event(state, now)
            now = next_wake(state.calendar)
            if following >= 0:
                now = min(now, following)

    return run


_run_single, _run_general = _packet_kernel(True), _packet_kernel(False)


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
    run = _run_single if is_single(noc) else _run_general
    run(
        noc,
        allocate_noc(noc),
        np.zeros(len(noc.terminals), TERMINAL),
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
