"""VC and switch allocation of one router and cycle, in compiled form: one iteration of iSLIP each.

Rules: docs/timing-model.md, section 3; with ``speculative`` a waiting head bids for the switch in the cycle in which it
asks for a VC. Nothing is committed here: both allocators see the state of the beginning of the cycle. The sets of input
VCs that wait or hold an output VC are bit masks, so that a router costs what its packets cost, not what its ports cost.
"""

from typing import Any

import numpy as np

from accelsim.kernels import inlined
from accelsim.timing.compiled.bits import lowest_bit
from accelsim.timing.compiled.state import NocState
from accelsim.timing.compiled.wheel import CALL, post
from accelsim.timing.tables import NocTables, class_begin, class_of

_class_begin, _class_of = inlined(class_begin), inlined(class_of)

SPECULATIVE = 1 << 8
"""Marks the bid of a head that has no VC yet."""


@inlined
def is_free(free: int, delay: int, is_repeating: bool, now: int) -> bool:
    """Tell whether an allocator of ``delay`` cycles takes up requests in this cycle.

    ``free`` is the cycle after its last lot; where requests failed they have come back, lot after lot, since.
    """
    return delay == 1 or (now >= free and (not is_repeating or (now - free) % delay == 0))


@inlined
def distance(at: int, pointer: int, size: int) -> int:
    """Return how far ``at`` lies behind a round-robin pointer."""
    away = np.int64(at) - np.int64(pointer)
    return away if away >= 0 else away + size  # type: ignore[return-value]


@inlined
def allow_vcs(noc: NocTables, channel: Any, router: int, fresh: int) -> None:
    """Limit a packet to the VCs of its class, ``fresh`` where it enters a dimension; a terminal takes it in any."""
    out = channel.out_port
    channel.vc_begin = 0
    channel.vc_end = noc.vcs
    if noc.links[router, out].router < 0:
        return
    kept: Any = np.int64(fresh)
    if noc.ring[channel.port] == noc.ring[out] and noc.ring[out] >= 0:
        kept = _class_of(np.int64(channel.vc), noc.classes, noc.vcs)  # type: ignore[arg-type]
    channel.vc_begin = _class_begin(kept, noc.classes, noc.vcs)
    channel.vc_end = _class_begin(kept + 1, noc.classes, noc.vcs)


@inlined
def offer_vc(state: NocState, base: int, winner: int, out: int, size: int) -> int:
    """Offer an output VC to an input VC, which keeps the one nearest to its pointer; return 1 for its first offer."""
    known = state.offer[winner]
    if known < 0:
        state.offer[winner] = out
        return 1
    pointer = state.channel[base + winner].vc_accept
    if distance(out, pointer, size) < distance(known, pointer, size):
        state.offer[winner] = out
    return 0


@inlined
def match_vcs(noc: NocTables, state: NocState, router: int, now: int) -> tuple[int, int, int, bool]:
    """Match waiting heads and free output VCs.

    Writes the heads to ``state.waiting`` and what each won to ``state.offer`` (-1: nothing). Returns how many heads
    asked, how many won, how many go without, and whether the allocator is busy with an earlier lot.
    """
    record = state.router[router]
    if record.waiting == 0:
        return 0, 0, 0, False
    if not is_free(record.vc_free, noc.vc_alloc_delay, record.blocked_vc > 0, now):
        return 0, 0, record.blocked_vc, True
    size = noc.ports * noc.vcs
    base = router * size
    waiting = 0
    mask = record.waiting
    while mask != 0:
        i = lowest_bit(mask)
        mask &= mask - 1
        if state.channel[base + i].ready <= now:
            state.waiting[waiting] = i
            state.offer[i] = -1
            waiting += 1
    if waiting > 0:
        record.vc_free = now + noc.vc_alloc_delay
    won = 0
    asked = 0
    for at in range(waiting):
        port = state.channel[base + state.waiting[at]].out_port
        if (asked >> port) & 1:
            continue
        asked |= 1 << port
        for vc in range(noc.vcs):
            out = port * noc.vcs + vc
            target = state.channel[base + out]
            if target.owner >= 0:
                continue
            nearest, winner = size, -1
            for k in range(at, waiting):
                i = state.waiting[k]
                asker = state.channel[base + i]
                if asker.out_port == port and (noc.classes == 1 or asker.vc_begin <= vc < asker.vc_end):
                    away = distance(i, target.vc_grant, size)
                    if away < nearest:
                        nearest, winner = away, i
            if winner < 0:
                continue
            won += offer_vc(state, base, winner, out, size)
    return waiting, won, waiting - won, False


@inlined
def has_credit(noc: NocTables, state: NocState, out: int, now: int) -> bool:
    """Tell whether an output VC has a credit, after taking in those that have come back."""
    channel = state.channel[out]
    while channel.credits == 0 and channel.returning > 0 and state.credit_return[out, channel.return_head] <= now:
        channel.credits += 1
        channel.returning -= 1
        channel.return_head = 0 if channel.return_head + 1 == noc.buffer else channel.return_head + 1
    return channel.credits > 0  # type: ignore[no-any-return]


@inlined
def await_credit(state: NocState, out: int) -> None:
    """Have the router called when the next credit of an output VC is back, if that is known already."""
    channel = state.channel[out]
    if channel.returning > 0:
        at = state.credit_return[out, channel.return_head]
        if channel.called_for != at:
            channel.called_for = at
            post(state.wheel, at, CALL, channel.router, 0)


@inlined
def _place_bid(noc: NocTables, state: NocState, router: int, i: int, mark: int) -> None:
    """Let a VC speak for its input port: normal before speculative, then the first at or after the port's offset."""
    channel = state.channel[router * noc.ports * noc.vcs + i]
    port, vc, out = channel.port, channel.vc, channel.out_port
    slot = port * noc.ports + out
    if not (state.bidders[out] >> port) & 1:
        state.bidders[out] |= 1 << port
        state.bid[slot] = vc | mark
        return
    known = state.bid[slot]
    if (known & SPECULATIVE) != mark:
        if mark == 0:
            state.bid[slot] = vc
        return
    offset = state.port[router * noc.ports + port].offset
    if distance(vc, offset, noc.vcs) < distance(known & (SPECULATIVE - 1), offset, noc.vcs):
        state.bid[slot] = vc | mark


@inlined
def collect_bids(
    noc: NocTables, state: NocState, router: int, waiting: int, now: int
) -> tuple[int, int, int, int, int, bool]:
    """Collect the bids for the switch, one per input and output port, in ``state.bid``.

    ``state.bidders`` has the mask of the input ports that bid for each output port.

    Returns
    -------
    wanted : int
        Bit mask of the outputs bid for.
    eligible, credit, ejection : int
        Flits that could leave in this cycle; flits that lack a credit of a router, of a terminal.
    bids : int
        Bids placed.
    later : bool
        Whether a flit may bid in a later cycle only.
    """
    vcs = noc.vcs
    base = router * noc.ports * vcs
    wanted = eligible = credit = ejection = bids = 0
    later = False
    mask = state.router[router].holding
    while mask != 0:
        i = lowest_bit(mask)
        mask &= mask - 1
        channel = state.channel[base + i]
        if channel.ready > now:
            later = True
        elif has_credit(noc, state, base + channel.out_port * vcs + channel.out_vc, now):
            eligible += 1
            bids += 1
            wanted |= 1 << channel.out_port
            _place_bid(noc, state, router, i, 0)
        elif noc.links[router, channel.out_port].router < 0:
            ejection += 1
        else:
            credit += 1
            await_credit(state, base + channel.out_port * vcs + channel.out_vc)
    if noc.speculative:
        for k in range(waiting):
            i = state.waiting[k]
            asker = state.channel[base + i]
            port = asker.out_port
            first = base + port * vcs
            for out in range(first + asker.vc_begin, first + asker.vc_end):
                if state.channel[out].owner < 0 and has_credit(noc, state, out, now):
                    bids += 1
                    wanted |= 1 << port
                    _place_bid(noc, state, router, i, SPECULATIVE)
                    break
            won = state.offer[i]
            if won < 0:
                continue
            if has_credit(noc, state, base + won, now):
                eligible += 1
            elif noc.links[router, port].router < 0:
                ejection += 1
            else:
                credit += 1
                await_credit(state, base + won)
    return wanted, eligible, credit, ejection, bids, later


@inlined
def match_switch(noc: NocTables, state: NocState, router: int, wanted: int) -> int:
    """Match input and output ports; return the mask of inputs that won, their ports know what.

    Pointers move with every match, also with one that fails for want of a VC.
    """
    ports = noc.ports
    matched = 0
    while wanted != 0:
        out = lowest_bit(wanted)
        wanted &= wanted - 1
        bidders = state.bidders[out]
        state.bidders[out] = 0
        first = state.port[router * ports + out].sw_grant
        after = bidders >> first
        port = first + lowest_bit(after) if after != 0 else lowest_bit(bidders)
        pointer = state.port[router * ports + port].sw_accept
        if not (matched >> port) & 1:
            matched |= 1 << port
            state.grant[port] = out
        elif distance(out, pointer, ports) < distance(state.grant[port], pointer, ports):
            state.grant[port] = out
    mask = matched
    while mask != 0:
        port = lowest_bit(mask)
        mask &= mask - 1
        out = state.grant[port]
        winner = state.port[router * ports + port]
        winner.won_out = out
        winner.won_bid = state.bid[port * ports + out]
        vc = winner.won_bid & (SPECULATIVE - 1)
        state.port[router * ports + out].sw_grant = 0 if port + 1 == ports else port + 1
        winner.sw_accept = 0 if out + 1 == ports else out + 1
        winner.offset = 0 if vc + 1 == noc.vcs else vc + 1
    return matched
