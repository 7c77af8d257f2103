"""The router in compiled form: arrivals, the two allocations of a cycle, departures.

The same code moves the packets of a chip and those of a packet trace. Rules: docs/timing-model.md, section 3. A
router is evaluated only in cycles in which something about it can change; what its packets wait for in between is
counted when it is evaluated next.
"""

from accelsim.kernels import inlined
from accelsim.timing.compiled.allocators import (
    SPECULATIVE,
    collect_bids,
    is_free,
    lowest_bit,
    match_switch,
    match_vcs,
)
from accelsim.timing.compiled.state import (
    ACTIVE,
    CREDIT_TO_ROUTER,
    CREDIT_TO_TERMINAL,
    DUE_ROUTERS,
    IDLE,
    NEXT_ROUTERS,
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
def call_now(state: NocState, router: int, now: int) -> None:
    """Have a router evaluated in this cycle."""
    if state.router[router].due_at != now:
        state.router[router].due_at = now
        state.due[state.scalars[DUE_ROUTERS]] = router
        state.scalars[DUE_ROUTERS] += 1


@inlined
def call_next(state: NocState, router: int, now: int) -> None:
    """Have a router evaluated in the next cycle."""
    if state.router[router].next_at != now + 1:
        state.router[router].next_at = now + 1
        state.following[state.scalars[NEXT_ROUTERS]] = router
        state.scalars[NEXT_ROUTERS] += 1


@inlined
def begin_cycle(state: NocState, now: int) -> None:
    """Make the routers called for this cycle due."""
    called = state.scalars[NEXT_ROUTERS]
    state.scalars[DUE_ROUTERS] = 0
    state.scalars[NEXT_ROUTERS] = 0
    for k in range(called):
        call_now(state, state.following[k], now)


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
        port.left_at = -1
    for at in range(noc.routers):
        router = state.router[at]
        router.waiting = 0
        router.holding = 0
        router.seen = 0
        router.due_at = -1
        router.next_at = -1
        router.blocked_vc = 0
        router.blocked_credit = 0
        router.blocked_ejection = 0
        router.matched = 0
        router.routed_at = -noc.routing_delay
        router.vc_free = 0
        router.switch_free = 0
        router.crossed_at = -noc.switch_delay
    state.wheel_count[:] = 0
    state.scalars[:] = 0
    for at in range(noc.routers):
        for number in range(noc.ports):
            terminal = noc.links[at, number].terminal
            depth = noc.buffer if terminal < 0 else noc.terminals[terminal].input_queue
            first = (at * noc.ports + number) * noc.vcs
            for channel_at in range(first, first + noc.vcs):
                state.channel[channel_at].credits = depth


@inlined
def _start_routing(noc: NocTables, state: NocState, router: int, i: int, terminal: int, at: int, now: int) -> None:
    """Route the head of input VC ``i`` from ``at`` on, or with the next lot; then it asks for an output VC."""
    record = state.router[router]
    if record.routed_at < at:
        record.routed_at = max(at, record.routed_at + noc.routing_delay)
    channel = state.channel[router * noc.ports * noc.vcs + i]
    channel.phase = WAITING
    channel.ready = record.routed_at + noc.routing_delay
    channel.out_port = noc.route[router, terminal]
    record.waiting |= 1 << i
    if channel.ready == now:
        call_now(state, router, now)
    else:
        call_next(state, router, now)


@inlined
def arrive(noc: NocTables, state: NocState, where: int, flit: int, terminal: int, now: int) -> None:
    """Store a flit in an input VC; a head in an idle one starts routing."""
    size = noc.ports * noc.vcs
    router = where // size
    i = where - router * size
    channel = state.channel[where]
    slot = channel.head + channel.count
    if slot >= noc.buffer:
        slot -= noc.buffer
    state.flits[where, slot] = flit
    channel.count += 1
    if channel.phase == IDLE:
        _start_routing(noc, state, router, i, terminal, now, now)
    elif channel.phase == ACTIVE and channel.count == 1:
        state.router[router].holding |= 1 << i
        call_now(state, router, now)


@inlined
def receive_credit(noc: NocTables, state: NocState, where: int, now: int) -> None:
    """Take back a slot downstream; wake the router if a packet may have waited for it."""
    state.channel[where].credits += 1
    router = where // (noc.ports * noc.vcs)
    record = state.router[router]
    if record.blocked_credit + record.blocked_ejection > 0 or (noc.speculative and record.waiting != 0):
        call_now(state, router, now)


@inlined
def _commit_vcs(noc: NocTables, state: NocState, router: int, waiting: int, now: int) -> None:
    """Hand over the output VCs won in this cycle."""
    size = noc.ports * noc.vcs
    base = router * size
    for k in range(waiting):
        i = state.waiting[k]
        out = state.offer[i]
        if out < 0:
            continue
        winner, target = state.channel[base + i], state.channel[base + out]
        target.owner = i
        target.vc_grant = 0 if i + 1 == size else i + 1
        winner.vc_accept = 0 if out + 1 == size else out + 1
        winner.out_vc = out - winner.out_port * noc.vcs
        winner.phase = ACTIVE
        winner.ready = now + noc.vc_alloc_delay
        state.router[router].waiting ^= 1 << i
        state.router[router].holding |= 1 << i


@inlined
def _depart(
    noc: NocTables, state: NocState, count: Records, links: Int64s, axon: Records, router: int, i: int, now: int
) -> None:
    """Send the flit at the head of input VC ``i`` through the switch."""
    base = router * noc.ports * noc.vcs
    channel = state.channel[base + i]
    port = i // noc.vcs
    vc = i - port * noc.vcs
    out = channel.out_port
    target = state.channel[base + out * noc.vcs + channel.out_vc]
    flit = state.flits[base + i, channel.head]
    channel.head = 0 if channel.head + 1 == noc.buffer else channel.head + 1
    channel.count -= 1
    target.credits -= 1
    count[router].flits += 1
    links[router, out] += 1
    record, exit_port = state.router[router], state.port[router * noc.ports + out]
    begun = now
    if noc.switch_delay > 1:
        if record.crossed_at <= now:
            record.crossed_at = max(now + 1, record.crossed_at + noc.switch_delay)
        exit_port.left_at = max(record.crossed_at + noc.switch_delay - 1, exit_port.left_at + 1)
        begun = exit_port.left_at - noc.switch_delay
    way = noc.links[router, out]
    if way.router >= 0:
        entry = (way.router * noc.ports + way.port) * noc.vcs + channel.out_vc
        post(state, begun + noc.flight, TO_ROUTER, entry, flit)
    else:
        post(state, begun + noc.eject, TO_TERMINAL, way.terminal * noc.vcs + channel.out_vc, flit)
    back = noc.links[router, port]
    if back.terminal >= 0:
        post(state, now + noc.inject, CREDIT_TO_TERMINAL, back.terminal * noc.vcs + vc, 0)
    else:
        post(state, now + noc.credit, CREDIT_TO_ROUTER, (back.up_router * noc.ports + back.up_port) * noc.vcs + vc, 0)
    if flit & TAIL:
        target.owner = -1
        channel.phase = IDLE
        record.holding ^= 1 << i
        if channel.count > 0:
            terminal = axon[state.flits[base + i, channel.head] >> 2].terminal
            _start_routing(noc, state, router, i, terminal, now + 1, now)
    elif channel.count == 0:
        record.holding ^= 1 << i


@inlined
def _send_winners(
    noc: NocTables, state: NocState, count: Records, links: Int64s, axon: Records, router: int, now: int
) -> int:
    """Send the winners of the switch; return how many flits left.

    A speculative winner leaves only if it won a VC in this cycle and that VC has a credit; otherwise its input and
    output stay idle.
    """
    ports, vcs = noc.ports, noc.vcs
    base = router * ports * vcs
    sent = 0
    matched = state.router[router].matched
    state.router[router].matched = 0
    while matched != 0:
        port = lowest_bit(matched)
        matched &= matched - 1
        winner = state.port[router * ports + port]
        vc = winner.won_bid & (SPECULATIVE - 1)
        channel = state.channel[base + port * vcs + vc]
        failed = channel.phase != ACTIVE or state.channel[base + winner.won_out * vcs + channel.out_vc].credits == 0
        if winner.won_bid >= SPECULATIVE and failed:
            continue
        _depart(noc, state, count, links, axon, router, port * vcs + vc, now)
        sent += 1
    return sent


@inlined
def _cycle_router(
    noc: NocTables, state: NocState, count: Records, links: Int64s, axon: Records, router: int, now: int
) -> None:
    """Evaluate a router: both allocators read the state of the beginning of the cycle, then both commit."""
    record, done = state.router[router], count[router]
    asleep = now - record.seen - 1
    if asleep > 0:
        done.stall_vc += asleep * record.blocked_vc
        done.stall_credit += asleep * record.blocked_credit
        done.stall_ejection += asleep * record.blocked_ejection
    record.seen = now
    waiting, won, lost, later = match_vcs(noc, state, router, now)
    bids = 0
    if is_free(record.switch_free, noc.switch_alloc_delay, record.blocked_credit + record.blocked_ejection > 0, now):
        wanted, eligible, credit, ejection, bids, soon = collect_bids(noc, state, router, waiting, now)
        record.matched = match_switch(noc, state, router, wanted)
        record.eligible = eligible
        record.blocked_credit = credit
        record.blocked_ejection = ejection
        if bids + credit + ejection > 0:
            record.switch_free = now + noc.switch_alloc_delay
        later = later or soon
    elif record.holding != 0:
        later = True
    if won > 0:
        _commit_vcs(noc, state, router, waiting, now)
    sent = 0
    if record.switch_free == now + 1:
        sent = _send_winners(noc, state, count, links, axon, router, now)
        done.stall_switch += (record.eligible - sent) * noc.switch_alloc_delay
        record.eligible = 0
    record.blocked_vc = lost
    done.stall_vc += lost
    done.stall_credit += record.blocked_credit
    done.stall_ejection += record.blocked_ejection
    if later or ((won > 0 or bids > 0 or sent > 0) and (record.waiting | record.holding) != 0):
        call_next(state, router, now)


@inlined
def cycle_routers(noc: NocTables, state: NocState, count: Records, links: Int64s, axon: Records, now: int) -> None:
    """Evaluate every router that is due."""
    for k in range(state.scalars[DUE_ROUTERS]):
        _cycle_router(noc, state, count, links, axon, state.due[k], now)


@inlined
def next_event(state: NocState, now: int) -> int:
    """Return the next cycle in which the network has something to do, or -1."""
    if state.scalars[NEXT_ROUTERS] > 0:
        return now + 1
    if state.scalars[PENDING] == 0:
        return -1
    mask = state.wheel_count.size - 1
    at = now + 1
    while state.wheel_count[at & mask] == 0:
        at += 1
    return at
