"""The router in compiled form: arrivals, VC allocation, switch allocation, departure.

The same code moves the packets of a chip and those of a packet trace. Rules: docs/timing-model.md, section 3.
"""

from accelsim.kernels import inlined
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
    NocState,
)
from accelsim.timing.tables import NocTables

PROGRESS, LATER = 1, 2
"""Flags that a router returns: something moved; a packet becomes ready in a later cycle."""


@inlined
def post(state: NocState, at: int, kind: int, where: int, flit: int) -> None:
    """Put an event on the wheel."""
    slot = at & (state.wheel_count.size - 1)
    used = state.wheel_count[slot]
    state.wheel_where[slot, used] = (where << 2) | kind
    state.wheel_flit[slot, used] = flit
    state.wheel_count[slot] = used + 1
    state.scalars[PENDING] += 1


@inlined
def clear_noc(noc: NocTables, state: NocState, input_queue) -> None:  # type: ignore[no-untyped-def]
    """Empty all routers and the wheel; credits full, pointers at zero."""
    state.head[:] = 0
    state.count[:] = 0
    state.phase[:] = IDLE
    state.owner[:] = -1
    state.vc_grant[:] = 0
    state.vc_accept[:] = 0
    state.sw_grant[:] = 0
    state.sw_accept[:] = 0
    state.offset[:] = 0
    state.occupied[:] = 0
    state.is_active[:] = 0
    state.wheel_count[:] = 0
    state.scalars[:] = 0
    for router in range(noc.routers):
        for port in range(noc.ports):
            terminal = noc.local_terminal[router, port]
            depth = noc.buffer if terminal < 0 else input_queue[terminal]
            first = (router * noc.ports + port) * noc.vcs
            state.credits[first : first + noc.vcs] = depth


@inlined
def arrive(noc: NocTables, state: NocState, channel: int, flit: int, terminal: int, now: int) -> None:
    """Store a flit in an input VC; a head in an idle one starts routing."""
    router = channel // (noc.ports * noc.vcs)
    count = state.count[channel]
    slot = state.head[channel] + count
    if slot >= noc.buffer:
        slot -= noc.buffer
    state.flits[channel, slot] = flit
    state.count[channel] = count + 1
    if count == 0:
        state.occupied[router] += 1
        if not state.is_active[router]:
            state.is_active[router] = 1
            state.active[state.scalars[ACTIVE_ROUTERS]] = router
            state.scalars[ACTIVE_ROUTERS] += 1
    if state.phase[channel] == IDLE:
        state.phase[channel] = WAITING
        state.ready[channel] = now + noc.routing_delay
        state.out_port[channel] = noc.route[router, terminal]


@inlined
def allocate_vcs(noc: NocTables, state: NocState, count, router: int, now: int) -> int:  # type: ignore[no-untyped-def]
    """Give free output VCs to waiting heads: one iteration of iSLIP over (ports x VCs) inputs and outputs."""
    size = noc.ports * noc.vcs
    base = router * size
    waiting = 0
    asked = 0
    flags = 0
    for i in range(size):
        if state.phase[base + i] == WAITING:
            if state.ready[base + i] <= now:
                state.waiting[waiting] = i
                state.offer[i] = -1
                waiting += 1
                asked |= 1 << state.out_port[base + i]
            else:
                flags |= LATER
    lost = waiting
    for port in range(noc.ports):
        if not (asked >> port) & 1:
            continue
        for out in range(port * noc.vcs, (port + 1) * noc.vcs):
            if state.owner[base + out] >= 0:
                continue
            nearest, winner = size, -1
            for k in range(waiting):
                i = state.waiting[k]
                if state.out_port[base + i] == port:
                    distance = i - state.vc_grant[base + out]
                    if distance < 0:
                        distance += size
                    if distance < nearest:
                        nearest, winner = distance, i
            known = state.offer[winner]
            pointer = state.vc_accept[base + winner]
            if known < 0 or (out - pointer) % size < (known - pointer) % size:
                state.offer[winner] = out
    for k in range(waiting):
        i = state.waiting[k]
        out = state.offer[i]
        if out >= 0:
            state.owner[base + out] = i
            state.out_vc[base + i] = out - state.out_port[base + i] * noc.vcs
            state.phase[base + i] = ACTIVE
            state.ready[base + i] = now + 1
            state.vc_grant[base + out] = (i + 1) % size
            state.vc_accept[base + i] = (out + 1) % size
            lost -= 1
            flags |= PROGRESS
    count[router].stall_vc += lost
    state.blocked[router, 0] = lost
    return flags


@inlined
def depart(noc: NocTables, state: NocState, count, links, rows, router: int, i: int, now: int) -> None:  # type: ignore[no-untyped-def]
    """Send the flit at the head of input VC ``i`` through the switch."""
    base = router * noc.ports * noc.vcs
    channel = base + i
    port, vc = i // noc.vcs, i % noc.vcs
    out, out_vc = state.out_port[channel], state.out_vc[channel]
    flit = state.flits[channel, state.head[channel]]
    state.head[channel] = 0 if state.head[channel] + 1 == noc.buffer else state.head[channel] + 1
    state.count[channel] -= 1
    if state.count[channel] == 0:
        state.occupied[router] -= 1
    state.credits[base + out * noc.vcs + out_vc] -= 1
    count[router].flits += 1
    links[router, out] += 1
    behind = noc.link_router[router, out]
    if behind >= 0:
        target = (behind * noc.ports + noc.link_port[router, out]) * noc.vcs + out_vc
        post(state, now + noc.flight, TO_ROUTER, target, flit)
    else:
        post(state, now + noc.eject, TO_TERMINAL, noc.local_terminal[router, out] * noc.vcs + out_vc, flit)
    source = noc.local_terminal[router, port]
    if source >= 0:
        post(state, now + noc.inject, CREDIT_TO_TERMINAL, source * noc.vcs + vc, 0)
    else:
        upstream = noc.up_router[router, port] * noc.ports + noc.up_port[router, port]
        post(state, now + noc.credit, CREDIT_TO_ROUTER, upstream * noc.vcs + vc, 0)
    if flit & TAIL:
        state.owner[base + out * noc.vcs + out_vc] = -1
        state.phase[channel] = IDLE
        if state.count[channel] > 0:
            following = state.flits[channel, state.head[channel]]
            state.phase[channel] = WAITING
            state.ready[channel] = now + 1 + noc.routing_delay
            state.out_port[channel] = noc.route[router, rows[following >> 2].terminal]


@inlined
def allocate_switch(noc: NocTables, state: NocState, count, links, rows, router: int, now: int) -> int:  # type: ignore[no-untyped-def]
    """Match input and output ports for one cycle (iSLIP, one iteration) and send the winners."""
    ports, vcs = noc.ports, noc.vcs
    base = router * ports * vcs
    flags = bids = ejection = credit = 0
    wanted = 0
    state.bid[:] = -1
    for i in range(ports * vcs):
        channel = base + i
        if state.phase[channel] != ACTIVE or state.count[channel] == 0:
            continue
        if state.ready[channel] > now:
            flags |= LATER
            continue
        port, vc, out = i // vcs, i % vcs, state.out_port[channel]
        if state.credits[base + out * vcs + state.out_vc[channel]] == 0:
            if noc.link_router[router, out] < 0:
                ejection += 1
            else:
                credit += 1
            continue
        bids += 1
        wanted |= 1 << out
        known = state.bid[port * ports + out]
        offset = state.offset[router * ports + port]
        if known < 0 or (vc - offset) % vcs < (known - offset) % vcs:
            state.bid[port * ports + out] = vc
    state.grant[:] = -1
    for out in range(ports):
        if not (wanted >> out) & 1:
            continue
        pointer = state.sw_grant[router * ports + out]
        winner = -1
        for step in range(ports):
            port = pointer + step
            if port >= ports:
                port -= ports
            if state.bid[port * ports + out] >= 0:
                winner = port
                break
        known = state.grant[winner]
        pointer = state.sw_accept[router * ports + winner]
        if known < 0 or (out - pointer) % ports < (known - pointer) % ports:
            state.grant[winner] = out
    sent = 0
    if bids:
        for port in range(ports):
            out = state.grant[port]
            if out < 0:
                continue
            vc = state.bid[port * ports + out]
            state.sw_grant[router * ports + out] = (port + 1) % ports
            state.sw_accept[router * ports + port] = (out + 1) % ports
            state.offset[router * ports + port] = (vc + 1) % vcs
            depart(noc, state, count, links, rows, router, port * vcs + vc, now)
            sent += 1
    if sent:
        flags |= PROGRESS
    count[router].stall_switch += bids - sent
    count[router].stall_credit += credit
    count[router].stall_ejection += ejection
    state.blocked[router, 1] = credit
    state.blocked[router, 2] = ejection
    return flags


@inlined
def cycle_routers(noc: NocTables, state: NocState, count, links, rows, now: int) -> int:  # type: ignore[no-untyped-def]
    """Evaluate every router that holds a flit; return the union of their flags."""
    flags = 0
    at = 0
    while at < state.scalars[ACTIVE_ROUTERS]:
        router = state.active[at]
        flags |= allocate_vcs(noc, state, count, router, now)
        flags |= allocate_switch(noc, state, count, links, rows, router, now)
        if state.occupied[router] == 0:
            state.is_active[router] = 0
            state.scalars[ACTIVE_ROUTERS] -= 1
            state.active[at] = state.active[state.scalars[ACTIVE_ROUTERS]]
        else:
            at += 1
    return flags


@inlined
def repeat_stalls(state: NocState, count, cycles: int) -> None:  # type: ignore[no-untyped-def]
    """Count the stalls of ``cycles`` skipped cycles in which nothing could move."""
    for at in range(state.scalars[ACTIVE_ROUTERS]):
        router = state.active[at]
        count[router].stall_vc += cycles * state.blocked[router, 0]
        count[router].stall_credit += cycles * state.blocked[router, 1]
        count[router].stall_ejection += cycles * state.blocked[router, 2]


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
