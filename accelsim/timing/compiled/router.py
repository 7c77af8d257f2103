"""The router in compiled form: arrivals, the two allocations of a cycle, departures.

The same code moves the packets of a chip and those of a packet trace. Rules: docs/timing-model.md, section 3. A
router is evaluated only in cycles in which something about it can change; what its packets wait for in between is
counted when it is evaluated next.
"""

import numpy as np

from accelsim.kernels import inlined
from accelsim.timing.compiled.allocators import (
    SPECULATIVE,
    allow_vcs,
    collect_bids,
    has_credit,
    is_free,
    match_switch,
    match_vcs,
)
from accelsim.timing.compiled.bits import lowest_bit
from accelsim.timing.compiled.calendar import NEVER, restart_calendar, set_wake
from accelsim.timing.compiled.calls import call_next, call_now, call_when_routed
from accelsim.timing.compiled.state import (
    ACTIVE,
    EJECTED_FLITS,
    IDLE,
    TAIL,
    WAITING,
    Int64s,
    NocState,
    Records,
    flit_goal,
)
from accelsim.timing.compiled.wheel import CALL, FLIT, post
from accelsim.timing.tables import NocTables


@inlined
def clear_noc(noc: NocTables, state: NocState) -> None:
    """Empty all routers; credits full, pointers at zero. Nothing is under way once a step has ended."""
    for at in range(state.channel.size):
        channel = state.channel[at]
        channel.head = 0
        channel.count = 0
        channel.phase = IDLE
        channel.owner = -1
        channel.vc_grant = 0
        channel.vc_accept = 0
        channel.returning = 0
        channel.return_head = 0
        channel.called_for = -1
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
        router.next_release = NEVER
    for at in range(state.releases.size):
        state.releases[at].head = 0
        state.releases[at].count = 0
    for at in range(state.source.size):
        state.source[at].credits = noc.buffer
        state.source[at].returning = 0
        state.source[at].return_head = 0
    state.source_blocked[:] = 0
    restart_calendar(state.calendar)
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
    if noc.classes > 1:
        allow_vcs(noc, channel, router, noc.vc_class[router, terminal])
    record.waiting |= 1 << i
    call_when_routed(state, router, channel.ready, now)


@inlined
def arrive(noc: NocTables, state: NocState, where: int, flit: int, now: int) -> None:
    """Store a flit in an input VC; a head in an idle one starts routing."""
    channel = state.channel[where]
    router, i = channel.router, channel.number
    slot = np.int64(channel.head) + channel.count
    if slot >= noc.buffer:
        slot -= noc.buffer
    state.flits[where, slot] = flit
    channel.count += 1
    if channel.phase == IDLE:
        _start_routing(noc, state, router, i, flit_goal(flit), now, now)
    elif channel.phase == ACTIVE and channel.count == 1:
        state.router[router].holding |= 1 << i
        call_now(state, router, now)


@inlined
def release(noc: NocTables, state: NocState, terminal: int, at: int, vc: int, flits: int) -> None:
    """Give slots of a terminal's input queue back to its router, usable from cycle ``at`` on."""
    ring = state.releases[terminal]
    if ring.count == 0:
        ring.head = 0  # few lines of the cache, again and again
    place = np.int64(ring.head) + ring.count
    slot = state.release[terminal, place if place < state.release.shape[1] else place - state.release.shape[1]]
    slot.at = at
    slot.vc = vc
    slot.flits = flits
    ring.count += 1
    router = noc.terminals[terminal].router
    record = state.router[router]
    record.next_release = min(record.next_release, at)
    if record.blocked_ejection > 0:
        set_wake(state.calendar, state.releases.size + router, at)


@inlined
def _take_releases(noc: NocTables, state: NocState, router: int, now: int) -> None:
    """Take the slots that have come free in the input queues of a router's terminals."""
    record = state.router[router]
    record.next_release = NEVER
    for port in range(record.first_local, record.after_local):
        terminal = noc.links[router, port].terminal
        ring = state.releases[terminal]
        while ring.count > 0:
            slot = state.release[terminal, ring.head]
            if slot.at > now:
                record.next_release = min(record.next_release, slot.at)
                break
            state.channel[(router * noc.ports + port) * noc.vcs + slot.vc].credits += slot.flits
            ring.head = 0 if ring.head + 1 == state.release.shape[1] else ring.head + 1
            ring.count -= 1


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
def return_credit(noc: NocTables, state: NocState, router: int, port: int, vc: int, now: int) -> None:
    """Return the credit of a slot of an input buffer; call whoever waits for it."""
    back = noc.links[router, port]
    if back.terminal >= 0:
        at = now + noc.inject
        number = back.terminal * noc.vcs + vc
        source = state.source[number]
        place = np.int64(source.return_head) + source.returning
        state.source_return[number, place if place < noc.buffer else place - noc.buffer] = at
        source.returning += 1
        if state.source_blocked[back.terminal]:
            set_wake(state.calendar, back.terminal, at)
        return
    at = now + noc.credit
    number = (back.up_router * noc.ports + back.up_port) * noc.vcs + vc
    channel = state.channel[number]
    place = np.int64(channel.return_head) + channel.returning
    state.credit_return[number, place if place < noc.buffer else place - noc.buffer] = at
    channel.returning += 1
    if channel.returning == 1 and state.router[back.up_router].blocked_credit > 0:
        channel.called_for = at
        post(state.wheel, at, CALL, back.up_router, 0)


@inlined
def launch(noc: NocTables, state: NocState, router: int, out: int, out_vc: int, flit: int, now: int) -> None:
    """Put a flit that won the switch on its way through an output port."""
    record, exit_port = state.router[router], state.port[router * noc.ports + out]
    begun = now
    if noc.switch_delay > 1:
        if record.crossed_at <= now:
            record.crossed_at = max(now + 1, record.crossed_at + noc.switch_delay)
        exit_port.left_at = max(record.crossed_at + noc.switch_delay - 1, exit_port.left_at + 1)
        begun = exit_port.left_at - noc.switch_delay
    way = noc.links[router, out]
    if way.router >= 0:
        entry = (way.router * noc.ports + way.port) * noc.vcs + out_vc
        post(state.wheel, begun + noc.flight, FLIT, entry, flit)
    else:
        gone = state.ejected[state.scalars[EJECTED_FLITS]]
        state.scalars[EJECTED_FLITS] += 1
        gone.terminal = way.terminal
        gone.vc = out_vc
        gone.at = begun + noc.eject
        gone.flit = flit


@inlined
def depart(
    noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, i: int, now: int
) -> bool:
    """Send the flit at the head of input VC ``i`` through the switch; tell whether the packet's next one is there."""
    base = router * noc.ports * noc.vcs
    channel = state.channel[base + i]
    port, vc = channel.port, channel.vc
    out = channel.out_port
    target = state.channel[base + out * noc.vcs + channel.out_vc]
    flit = state.flits[base + i, channel.head]
    channel.head = 0 if channel.head + 1 == noc.buffer else channel.head + 1
    channel.count -= 1
    target.credits -= 1
    count[router].flits += 1
    links[router, out] += 1
    launch(noc, state, router, out, channel.out_vc, flit, now)
    return_credit(noc, state, router, port, vc, now)
    record = state.router[router]
    if flit & TAIL:
        target.owner = -1
        channel.phase = IDLE
        record.holding ^= 1 << i
        if channel.count > 0:
            terminal = flit_goal(state.flits[base + i, channel.head])
            _start_routing(noc, state, router, i, terminal, now + 1, now)
        return False
    if channel.count == 0:
        record.holding ^= 1 << i
        return False
    return True


@inlined
def _send_winners(
    noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, now: int
) -> tuple[int, bool]:
    """Send the winners of the switch; return how many flits left, and whether one of them is followed at once.

    A speculative winner leaves only if it won a VC in this cycle and that VC has a credit; otherwise its input and
    output stay idle.
    """
    ports, vcs = noc.ports, noc.vcs
    base = router * ports * vcs
    sent = 0
    followed = False
    matched = state.router[router].matched
    state.router[router].matched = 0
    while matched != 0:
        port = lowest_bit(matched)
        matched &= matched - 1
        winner = state.port[router * ports + port]
        vc = winner.won_bid & (SPECULATIVE - 1)
        channel = state.channel[base + port * vcs + vc]
        failed = channel.phase != ACTIVE or not has_credit(
            noc, state, base + winner.won_out * vcs + channel.out_vc, now
        )
        if winner.won_bid >= SPECULATIVE and failed:
            continue
        if depart(noc, state, count, links, router, port * vcs + vc, now):
            followed = True
        sent += 1
    return sent, followed


@inlined
def account_sleep(noc: NocTables, state: NocState, count: Records, router: int, now: int) -> None:
    """Begin the evaluation of a router: count what was blocked while it slept, take in what has come free."""
    record, done = state.router[router], count[router]
    if record.blocked_vc + record.blocked_credit + record.blocked_ejection > 0:
        asleep = max(now - record.seen - 1, 0)
        done.stall_vc += asleep * record.blocked_vc
        done.stall_credit += asleep * record.blocked_credit
        done.stall_ejection += asleep * record.blocked_ejection
    record.seen = now
    if record.next_release <= now:
        _take_releases(noc, state, router, now)


@inlined
def rest(state: NocState, count: Records, router: int, lost: int) -> None:
    """End the evaluation of a router: count what is blocked, and wake it when a terminal's queue has room again."""
    record, done = state.router[router], count[router]
    record.blocked_vc = lost
    if lost + record.blocked_credit + record.blocked_ejection == 0:
        return
    done.stall_vc += lost
    done.stall_credit += record.blocked_credit
    done.stall_ejection += record.blocked_ejection
    if record.blocked_ejection > 0 and record.next_release < NEVER:
        set_wake(state.calendar, state.releases.size + router, record.next_release)


@inlined
def cycle_router(
    noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, now: int
) -> None:
    """Evaluate a router: both allocators read the state of the beginning of the cycle, then both commit."""
    record, done = state.router[router], count[router]
    account_sleep(noc, state, count, router, now)
    waiting, won, lost, later = match_vcs(noc, state, router, now)
    again = won > 0 and (lost > 0 or not noc.speculative)
    if is_free(record.switch_free, noc.switch_alloc_delay, record.blocked_credit + record.blocked_ejection > 0, now):
        wanted, eligible, credit, ejection, bids, soon = collect_bids(noc, state, router, waiting, now)
        record.matched = match_switch(noc, state, router, wanted)
        record.eligible = eligible
        record.blocked_credit = credit
        record.blocked_ejection = ejection
        if bids + credit + ejection > 0:
            record.switch_free = now + noc.switch_alloc_delay
        later = later or soon or (bids > 0 and noc.switch_alloc_delay > 1)
    elif record.holding != 0:
        later = True
    if won > 0:
        _commit_vcs(noc, state, router, waiting, now)
    if record.switch_free == now + 1:
        sent, followed = _send_winners(noc, state, count, links, router, now)
        again = again or followed or record.eligible > sent or (sent > 0 and lost > 0)
        done.stall_switch += (record.eligible - sent) * noc.switch_alloc_delay
        record.eligible = 0
    rest(state, count, router, lost)
    if again or later:
        call_next(state, router, now)
