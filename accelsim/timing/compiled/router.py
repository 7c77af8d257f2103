"""The router in compiled form: arrivals, the two allocations of a cycle, departures.

The same code moves the packets of a chip and those of a packet trace. Rules: docs/timing-model.md, section 3.
"""

from accelsim.kernels import inlined
from accelsim.timing.compiled.allocators import SPECULATIVE, collect_bids, match_switch, match_vcs
from accelsim.timing.compiled.state import (
    ACTIVE,
    ACTIVE_ROUTERS,
    CREDIT_TO_ROUTER,
    CREDIT_TO_TERMINAL,
    IDLE,
    PENDING,
    TAIL,
    TO_ROUTER,
    TO_TERMINAL,
    WAITING,
    Int64s,
    NocState,
    Records,
)
from accelsim.timing.tables import NocTables

PROGRESS, LATER = 1, 2
"""Flags that a router returns: a flit, a VC or a round-robin pointer moved; a packet becomes ready in a later cycle."""


@inlined
def post(state: NocState, at: int, kind: int, where: int, flit: int) -> None:
    """Put an event on the wheel."""
    slot = at & (state.wheel_count.size - 1)
    used = state.wheel_count[slot]
    state.wheel[slot, used].where = (where << 2) | kind
    state.wheel[slot, used].flit = flit
    state.wheel_count[slot] = used + 1
    state.scalars[PENDING] += 1


@inlined
def clear_noc(noc: NocTables, state: NocState) -> None:
    """Empty all routers and the wheel; credits full, pointers at zero."""
    for at in range(state.channel.size):
        channel = state.channel[at]
        channel.head = 0
        channel.count = 0
        channel.phase = IDLE
        channel.owner = -1
        channel.vc_grant = 0
        channel.vc_accept = 0
    for at in range(state.port.size):
        port = state.port[at]
        port.sw_grant = 0
        port.sw_accept = 0
        port.offset = 0
    for router in range(noc.routers):
        state.router[router].occupied = 0
        state.router[router].is_active = 0
    state.wheel_count[:] = 0
    state.scalars[:] = 0
    for router in range(noc.routers):
        for number in range(noc.ports):
            terminal = noc.links[router, number].terminal
            depth = noc.buffer if terminal < 0 else noc.terminals[terminal].input_queue
            first = (router * noc.ports + number) * noc.vcs
            for at in range(first, first + noc.vcs):
                state.channel[at].credits = depth


@inlined
def arrive(noc: NocTables, state: NocState, channel: int, flit: int, terminal: int, now: int) -> None:
    """Store a flit in an input VC; a head in an idle one starts routing."""
    router = channel // (noc.ports * noc.vcs)
    count = state.channel[channel].count
    slot = state.channel[channel].head + count
    if slot >= noc.buffer:
        slot -= noc.buffer
    state.flits[channel, slot] = flit
    state.channel[channel].count = count + 1
    if count == 0:
        state.router[router].occupied += 1
        if not state.router[router].is_active:
            state.router[router].is_active = 1
            state.active[state.scalars[ACTIVE_ROUTERS]] = router
            state.scalars[ACTIVE_ROUTERS] += 1
    if state.channel[channel].phase == IDLE:
        state.channel[channel].phase = WAITING
        state.channel[channel].ready = now + noc.routing_delay
        state.channel[channel].out_port = noc.route[router, terminal]


@inlined
def commit_vcs(noc: NocTables, state: NocState, router: int, waiting: int, now: int) -> int:
    """Hand over the output VCs won in this cycle; return how many heads got none."""
    size = noc.ports * noc.vcs
    base = router * size
    lost = 0
    for k in range(waiting):
        i = state.waiting[k]
        out = state.offer[i]
        if out < 0:
            lost += 1
            continue
        winner, target = state.channel[base + i], state.channel[base + out]
        target.owner = i
        target.vc_grant = (i + 1) % size
        winner.vc_accept = (out + 1) % size
        winner.out_vc = out - winner.out_port * noc.vcs
        winner.phase = ACTIVE
        winner.ready = now + 1
    return lost


@inlined
def depart(
    noc: NocTables, state: NocState, count: Records, links: Int64s, rows: Records, router: int, i: int, now: int
) -> None:
    """Send the flit at the head of input VC ``i`` through the switch."""
    base = router * noc.ports * noc.vcs
    channel = base + i
    port, vc = i // noc.vcs, i % noc.vcs
    out, out_vc = state.channel[channel].out_port, state.channel[channel].out_vc
    flit = state.flits[channel, state.channel[channel].head]
    state.channel[channel].head = (
        0 if state.channel[channel].head + 1 == noc.buffer else state.channel[channel].head + 1
    )
    state.channel[channel].count -= 1
    if state.channel[channel].count == 0:
        state.router[router].occupied -= 1
    state.channel[base + out * noc.vcs + out_vc].credits -= 1
    count[router].flits += 1
    links[router, out] += 1
    behind = noc.links[router, out].router
    if behind >= 0:
        target = (behind * noc.ports + noc.links[router, out].port) * noc.vcs + out_vc
        post(state, now + noc.flight, TO_ROUTER, target, flit)
    else:
        post(state, now + noc.eject, TO_TERMINAL, noc.links[router, out].terminal * noc.vcs + out_vc, flit)
    source = noc.links[router, port].terminal
    if source >= 0:
        post(state, now + noc.inject, CREDIT_TO_TERMINAL, source * noc.vcs + vc, 0)
    else:
        upstream = noc.links[router, port].up_router * noc.ports + noc.links[router, port].up_port
        post(state, now + noc.credit, CREDIT_TO_ROUTER, upstream * noc.vcs + vc, 0)
    if flit & TAIL:
        state.channel[base + out * noc.vcs + out_vc].owner = -1
        state.channel[channel].phase = IDLE
        if state.channel[channel].count > 0:
            following = state.flits[channel, state.channel[channel].head]
            state.channel[channel].phase = WAITING
            state.channel[channel].ready = now + 1 + noc.routing_delay
            state.channel[channel].out_port = noc.route[router, rows[following >> 2].terminal]


@inlined
def send_winners(
    noc: NocTables, state: NocState, count: Records, links: Int64s, rows: Records, router: int, now: int
) -> int:
    """Send the winners of the switch; return how many flits left.

    A speculative winner leaves only if it won a VC in this cycle and that VC has a credit; otherwise its input and
    output stay idle. Pointers move with every match, those that fail included.
    """
    ports, vcs = noc.ports, noc.vcs
    base = router * ports * vcs
    sent = 0
    for port in range(ports):
        out = state.grant[port]
        if out < 0:
            continue
        bid = state.bid[port * ports + out]
        vc = bid & (SPECULATIVE - 1)
        state.port[router * ports + out].sw_grant = (port + 1) % ports
        state.port[router * ports + port].sw_accept = (out + 1) % ports
        state.port[router * ports + port].offset = (vc + 1) % vcs
        channel = state.channel[base + port * vcs + vc]
        failed = channel.phase != ACTIVE or state.channel[base + out * vcs + channel.out_vc].credits == 0
        if bid >= SPECULATIVE and failed:
            continue
        depart(noc, state, count, links, rows, router, port * vcs + vc, now)
        sent += 1
    return sent


@inlined
def cycle_router(
    noc: NocTables, state: NocState, count: Records, links: Int64s, rows: Records, router: int, now: int
) -> int:
    """Evaluate a router: both allocators read the state of the beginning of the cycle, then both commit."""
    waiting, later = match_vcs(noc, state, router, now)
    bids, eligible, credit, ejection, soon = collect_bids(noc, state, router, waiting, now)
    if bids > 0:
        match_switch(noc, state, router)
    lost = commit_vcs(noc, state, router, waiting, now)
    sent = send_winners(noc, state, count, links, rows, router, now) if bids > 0 else 0
    done = count[router]
    done.stall_vc += lost
    done.stall_switch += eligible - sent
    done.stall_credit += credit
    done.stall_ejection += ejection
    blocked = state.router[router]
    blocked.blocked_vc, blocked.blocked_credit, blocked.blocked_ejection = lost, credit, ejection
    flags = LATER if later or soon else 0
    return flags | PROGRESS if bids > 0 or lost < waiting else flags


@inlined
def cycle_routers(noc: NocTables, state: NocState, count: Records, links: Int64s, rows: Records, now: int) -> int:
    """Evaluate every router that holds a flit; return the union of their flags."""
    flags = 0
    at = 0
    while at < state.scalars[ACTIVE_ROUTERS]:
        router = state.active[at]
        flags |= cycle_router(noc, state, count, links, rows, router, now)
        if state.router[router].occupied == 0:
            state.router[router].is_active = 0
            state.scalars[ACTIVE_ROUTERS] -= 1
            state.active[at] = state.active[state.scalars[ACTIVE_ROUTERS]]
        else:
            at += 1
    return flags


@inlined
def repeat_stalls(state: NocState, count: Records, cycles: int) -> None:
    """Count the stalls of ``cycles`` skipped cycles in which nothing could move."""
    for at in range(state.scalars[ACTIVE_ROUTERS]):
        router = state.active[at]
        count[router].stall_vc += cycles * state.router[router].blocked_vc
        count[router].stall_credit += cycles * state.router[router].blocked_credit
        count[router].stall_ejection += cycles * state.router[router].blocked_ejection


@inlined
def next_event(state: NocState, now: int) -> int:
    """Return the cycle of the next event on the wheel after ``now``, or -1."""
    if state.scalars[PENDING] == 0:
        return -1
    mask = state.wheel_count.size - 1
    at = now + 1
    while state.wheel_count[at & mask] == 0:
        at += 1
    return at
