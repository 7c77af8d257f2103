"""Routers that fork, in compiled form: virtual cut-through with asynchronous replication.

A packet has a branch for every output port that its tree node names. A branch asks for an output VC that is free and
has room for the whole packet; then it sends, flit by flit, whenever it wins the switch. A flit leaves the buffer when
all branches have sent it. Stages are of one cycle and nothing is speculative. Rules: docs/timing-model.md, section 3.
"""

from typing import Any

import numpy as np

from accelsim.kernels import inlined
from accelsim.timing.compiled.allocators import allow_vcs, await_credit, distance, match_switch, offer_vc
from accelsim.timing.compiled.bits import lowest_bit
from accelsim.timing.compiled.calls import call_next, call_now, call_when_routed
from accelsim.timing.compiled.router import account_sleep, launch, rest, return_credit
from accelsim.timing.compiled.state import (
    IDLE,
    TAIL,
    WAITING,
    Int64s,
    NocState,
    Records,
    flit_goal,
    redirect,
)
from accelsim.timing.tables import NocTables


@inlined
def _start_routing(
    noc: NocTables, state: NocState, count: Records, router: int, i: int, goal: int, at: int, now: int
) -> None:
    """Look the head of input VC ``i`` up in the router's table from ``at`` on, or with the next lot."""
    record = state.router[router]
    if record.routed_at < at:
        record.routed_at = max(at, record.routed_at + noc.routing_delay)
    number = router * noc.ports * noc.vcs + i
    channel, packet, node = state.channel[number], state.packet[number], noc.nodes[goal]
    channel.phase = WAITING
    channel.ready = record.routed_at + noc.routing_delay
    packet.flits = node.flits
    packet.freed = 0
    packet.active = 0
    wanting = 0
    for at_branch in range(node.first, node.last):
        way = noc.branches[at_branch]
        branch = state.branch[number, way.port]
        branch.goal = way.goal
        branch.sent = 0
        wanting |= 1 << way.port
        channel.out_port = way.port
        if noc.classes > 1:
            allow_vcs(noc, channel, router, way.vc_class)
        branch.vc_begin = channel.vc_begin
        branch.vc_end = channel.vc_end
    packet.wanting = wanting
    record.waiting |= 1 << i
    count[router].lookups += node.reads
    call_when_routed(state, router, channel.ready, now)


@inlined
def arrive_to_fork(noc: NocTables, state: NocState, count: Records, where: int, flit: int, now: int) -> None:
    """Store a flit in an input VC; a head in an idle one starts routing."""
    channel = state.channel[where]
    router, i = channel.router, channel.number
    slot = np.int64(channel.head) + channel.count
    if slot >= noc.buffer:
        slot -= noc.buffer
    state.flits[where, slot] = flit
    channel.count += 1
    if channel.phase == IDLE:
        _start_routing(noc, state, count, router, i, flit_goal(flit), now, now)
    elif state.packet[where].active != 0:
        state.router[router].holding |= 1 << i
        call_now(state, router, now)


@inlined
def _room(noc: NocTables, state: NocState, out: int, now: int) -> int:
    """Return the credits of an output VC, after taking in those that have come back."""
    channel = state.channel[out]
    while channel.returning > 0 and state.credit_return[out, channel.return_head] <= now:
        channel.credits += 1
        channel.returning -= 1
        channel.return_head = 0 if channel.return_head + 1 == noc.buffer else channel.return_head + 1
    return channel.credits  # type: ignore[no-any-return]


@inlined
def _match(noc: NocTables, state: NocState, router: int, now: int) -> tuple[int, int]:
    """Match branches that ask and output VCs, one per input VC and cycle; return how many packets asked, and won.

    Writes the input VCs to ``state.waiting`` and what each won to ``state.offer`` (-1: nothing).
    """
    size = noc.ports * noc.vcs
    base = router * size
    waiting = won = wanted = 0
    mask = state.router[router].waiting
    while mask != 0:
        i = lowest_bit(mask)
        mask &= mask - 1
        if state.channel[base + i].ready <= now:
            state.waiting[waiting] = i
            state.offer[i] = -1
            waiting += 1
            wanted |= state.packet[base + i].wanting
    while wanted != 0:
        port = lowest_bit(wanted)
        wanted &= wanted - 1
        for vc in range(noc.vcs):
            out = port * noc.vcs + vc
            target = state.channel[base + out]
            if target.owner >= 0:
                continue
            room = _room(noc, state, base + out, now)
            nearest, winner = size, -1
            for k in range(waiting):
                i = state.waiting[k]
                packet, branch = state.packet[base + i], state.branch[base + i, port]
                if (packet.wanting >> port) & 1 and branch.vc_begin <= vc < branch.vc_end and room >= packet.flits:
                    away = distance(i, target.vc_grant, size)
                    if away < nearest:
                        nearest, winner = away, i
            if winner < 0:
                continue
            won += offer_vc(state, base, winner, out, size)
    return waiting, won


@inlined
def _losers(noc: NocTables, state: NocState, router: int, waiting: int) -> tuple[int, int, int]:
    """Return how many branches go without because of others, for want of room in a router, and in a terminal."""
    base = router * noc.ports * noc.vcs
    lost = credit = ejection = 0
    for k in range(waiting):
        i = state.waiting[k]
        packet = state.packet[base + i]
        ports = packet.wanting
        while ports != 0:
            port = lowest_bit(ports)
            ports &= ports - 1
            first = port * noc.vcs
            if first <= state.offer[i] < first + noc.vcs:
                continue
            branch = state.branch[base + i, port]
            free = roomy = False
            for out in range(base + first + branch.vc_begin, base + first + branch.vc_end):
                if state.channel[out].owner < 0:
                    free = True
                    if state.channel[out].credits >= packet.flits:
                        roomy = True
            if roomy or not free:
                lost += 1
            elif noc.links[router, port].router < 0:
                ejection += 1
            else:
                credit += 1
                for out in range(base + first + branch.vc_begin, base + first + branch.vc_end):
                    if state.channel[out].owner < 0:
                        await_credit(state, out)
    return lost, credit, ejection


@inlined
def _bid(noc: NocTables, state: NocState, router: int) -> tuple[int, int]:
    """Bid for every branch that has a flit to send; return the mask of outputs bid for, and the flits that could leave.

    Room is no question any more: it was reserved with the VC.
    """
    base = router * noc.ports * noc.vcs
    wanted = eligible = 0
    mask = state.router[router].holding
    while mask != 0:
        i = lowest_bit(mask)
        mask &= mask - 1
        channel, packet = state.channel[base + i], state.packet[base + i]
        stored = np.int64(packet.freed) + channel.count
        port, vc, any_flit = channel.port, channel.vc, False
        offset = state.port[router * noc.ports + port].offset
        ports = packet.active
        while ports != 0:
            out = lowest_bit(ports)
            ports &= ports - 1
            if state.branch[base + i, out].sent >= stored:
                continue
            any_flit = True
            eligible += 1
            wanted |= 1 << out
            slot = port * noc.ports + out
            if not (state.bidders[out] >> port) & 1:
                state.bidders[out] |= 1 << port
                state.bid[slot] = vc
            elif distance(vc, offset, noc.vcs) < distance(state.bid[slot], offset, noc.vcs):
                state.bid[slot] = vc
        if not any_flit:
            state.router[router].holding ^= 1 << i
    return wanted, eligible


@inlined
def _commit(noc: NocTables, state: NocState, router: int, waiting: int) -> None:
    """Hand over the output VCs won in this cycle."""
    size = noc.ports * noc.vcs
    base = router * size
    for k in range(waiting):
        i = state.waiting[k]
        out = state.offer[i]
        if out < 0:
            continue
        port = out // noc.vcs
        packet, target = state.packet[base + i], state.channel[base + out]
        target.owner = i
        target.vc_grant = 0 if i + 1 == size else i + 1
        state.channel[base + i].vc_accept = 0 if out + 1 == size else out + 1
        state.branch[base + i, port].vc = out - port * noc.vcs
        packet.wanting ^= 1 << port
        packet.active |= 1 << port
        state.router[router].holding |= 1 << i
        if packet.wanting == 0:
            state.router[router].waiting ^= 1 << i


@inlined
def _least_sent(packet: Any, branches: Records) -> int:
    """Return the flits that all branches of a packet have sent."""
    if packet.wanting != 0:
        return 0
    least = np.int64(packet.flits)
    ports = packet.active
    while ports != 0:
        out = lowest_bit(ports)
        ports &= ports - 1
        least = min(least, np.int64(branches[out].sent))
    return least  # type: ignore[return-value]


@inlined
def _depart(
    noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, i: int, out: int, now: int
) -> None:
    """Send the next flit of a branch; free the one that all branches have sent."""
    base = router * noc.ports * noc.vcs
    channel, packet, branch = state.channel[base + i], state.packet[base + i], state.branch[base + i, out]
    target = state.channel[base + out * noc.vcs + branch.vc]
    slot = np.int64(channel.head) + branch.sent - packet.freed
    flit = state.flits[base + i, slot if slot < noc.buffer else slot - noc.buffer]
    branch.sent += 1
    target.credits -= 1
    count[router].flits += 1
    links[router, out] += 1
    launch(noc, state, router, out, branch.vc, redirect(flit, branch.goal), now)
    if flit & TAIL:
        target.owner = -1
        packet.active ^= 1 << out
    if _least_sent(packet, state.branch[base + i]) <= packet.freed:
        count[router].replicas += 1
        return
    packet.freed += 1
    channel.head = 0 if channel.head + 1 == noc.buffer else channel.head + 1
    channel.count -= 1
    return_credit(noc, state, router, channel.port, channel.vc, now)
    if packet.freed == packet.flits:
        channel.phase = IDLE
        if channel.count > 0:
            following = flit_goal(state.flits[base + i, channel.head])
            _start_routing(noc, state, count, router, i, following, now + 1, now)


@inlined
def cycle_fork(noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, now: int) -> None:
    """Evaluate a router: both allocators read the state of the beginning of the cycle, then both commit."""
    record = state.router[router]
    account_sleep(noc, state, count, router, now)
    waiting, won = _match(noc, state, router, now)
    lost, credit, ejection = _losers(noc, state, router, waiting)
    wanted, eligible = _bid(noc, state, router)
    matched = match_switch(noc, state, router, wanted)
    _commit(noc, state, router, waiting)
    sent = 0
    while matched != 0:
        port = lowest_bit(matched)
        matched &= matched - 1
        winner = state.port[router * noc.ports + port]
        _depart(noc, state, count, links, router, port * noc.vcs + winner.won_bid, winner.won_out, now)
        sent += 1
    count[router].stall_switch += eligible - sent
    record.blocked_credit = credit
    record.blocked_ejection = ejection
    rest(state, count, router, lost)
    if won + eligible > 0:
        call_next(state, router, now)
