"""Packet traces on the network alone: sources with unbounded queues, sinks that take a flit in the cycle it arrives."""

import numpy as np
import numpy.typing as npt

from accelsim.kernels import loop_kernel
from accelsim.mapping.axons import AXON
from accelsim.timing.compiled.router import (
    arrive,
    begin_cycle,
    clear_noc,
    cycle_routers,
    next_event,
    post,
    receive_credit,
)
from accelsim.timing.compiled.source import BLOCKED, SENT_TAIL, inject
from accelsim.timing.compiled.state import (
    CREDIT_TO_ROUTER,
    HEAD,
    NEVER,
    PENDING,
    TAIL,
    TERMINAL,
    TO_ROUTER,
    TO_TERMINAL,
    Int32s,
    Int64s,
    NocState,
    Records,
    allocate_noc,
)
from accelsim.timing.packets import PacketTimes, PacketTrace
from accelsim.timing.records import ROUTER_COUNT
from accelsim.timing.tables import NocTables


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
    axon: Records,
    flits: Int64s,
    times: Int64s,
    count: Records,
    links: Int64s,
) -> None:
    terminals = noc.terminals.size
    vcs = noc.vcs
    clear_noc(noc, state)
    for terminal in range(terminals):
        sources[terminal].source_vc = vcs - 1
    remaining = order.size
    now = 0
    mask = state.wheel_count.size - 1
    while remaining > 0:
        begin_cycle(state, now)
        slot = now & mask
        for k in range(state.wheel_count[slot]):
            where, flit = state.wheel[slot, k].where, state.wheel[slot, k].flit
            kind, where = where & 3, where >> 2
            if kind == TO_ROUTER:
                arrive(noc, state, where, flit, axon[flit >> 2].terminal, now)
            elif kind == TO_TERMINAL:
                terminal, vc = where // vcs, where % vcs
                if flit & HEAD:
                    times[flit >> 2, 1] = now
                if flit & TAIL:
                    times[flit >> 2, 2] = now
                    remaining -= 1
                port = noc.terminals[terminal].router * noc.ports + noc.terminals[terminal].port
                post(state, now + noc.credit, CREDIT_TO_ROUTER, port * vcs + vc, 0)
            elif kind == CREDIT_TO_ROUTER:
                receive_credit(noc, state, where, now)
            else:
                credit[where] += 1
        state.scalars[PENDING] -= state.wheel_count[slot]
        state.wheel_count[slot] = 0
        soon = False
        later = NEVER
        for terminal in range(terminals):
            if cursor[terminal] == last[terminal]:
                continue
            packet = order[cursor[terminal]]
            if created[packet] > now:
                later = min(later, int(created[packet]))
                continue
            fresh = sources[terminal].sent_flits == 0
            done = inject(noc, state, sources[terminal], credit, terminal, packet, flits[packet], now)
            if done != BLOCKED:
                soon = True
                if fresh:
                    times[packet, 0] = now
                if done == SENT_TAIL:
                    cursor[terminal] += 1
        cycle_routers(noc, state, count, links, axon, now)
        following = next_event(state, now)
        if soon:
            following = now + 1
        elif later < NEVER and (following < 0 or later < following):
            following = later
        if following < 0:
            break
        now = following


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
    axon: npt.NDArray[np.void] = np.zeros(len(trace.created), dtype=AXON)
    axon["terminal"] = trace.target
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
        axon,
        trace.flits,
        times,
        count,
        links,
    )
    return PacketTimes(times[:, 0], times[:, 1], times[:, 2], links, count)
