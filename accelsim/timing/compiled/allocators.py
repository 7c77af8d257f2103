"""VC and switch allocation of one router and cycle, in compiled form: one iteration of iSLIP each.

Rules: docs/timing-model.md, section 3; with ``speculative`` a waiting head bids for the switch in the cycle in which
it asks for a VC. Nothing is committed here: both allocators see the state of the beginning of the cycle.
"""

from accelsim.kernels import inlined
from accelsim.timing.compiled.state import ACTIVE, WAITING, NocState
from accelsim.timing.tables import NocTables

SPECULATIVE = 1 << 8
"""Marks the bid of a head that has no VC yet."""


@inlined
def match_vcs(noc: NocTables, state: NocState, router: int, now: int) -> tuple[int, bool]:
    """Match waiting heads and free output VCs.

    Writes the heads to ``state.waiting`` and what each won to ``state.offer`` (-1: nothing). Returns the number of
    heads, and whether another one becomes ready later.
    """
    size = noc.ports * noc.vcs
    base = router * size
    waiting = 0
    asked = 0
    later = False
    for i in range(size):
        channel = state.channel[base + i]
        if channel.phase == WAITING:
            if channel.ready <= now:
                state.waiting[waiting] = i
                state.offer[i] = -1
                waiting += 1
                asked |= 1 << channel.out_port
            else:
                later = True
    for port in range(noc.ports):
        if not (asked >> port) & 1:
            continue
        for out in range(port * noc.vcs, (port + 1) * noc.vcs):
            target = state.channel[base + out]
            if target.owner >= 0:
                continue
            nearest, winner = size, -1
            for k in range(waiting):
                i = state.waiting[k]
                if state.channel[base + i].out_port == port:
                    distance = i - target.vc_grant
                    if distance < 0:
                        distance += size
                    if distance < nearest:
                        nearest, winner = distance, i
            known = state.offer[winner]
            pointer = state.channel[base + winner].vc_accept
            if known < 0 or (out - pointer) % size < (known - pointer) % size:
                state.offer[winner] = out
    return waiting, later


@inlined
def _place_bid(noc: NocTables, state: NocState, router: int, i: int, mark: int) -> None:
    """Let a VC speak for its input port: normal before speculative, then the first at or after the port's offset."""
    port, vc = i // noc.vcs, i % noc.vcs
    slot = port * noc.ports + state.channel[router * noc.ports * noc.vcs + i].out_port
    known = state.bid[slot]
    if known >= 0 and (known & SPECULATIVE) != mark:
        if mark == 0:
            state.bid[slot] = vc
        return
    offset = state.port[router * noc.ports + port].offset
    if known < 0 or (vc - offset) % noc.vcs < ((known & (SPECULATIVE - 1)) - offset) % noc.vcs:
        state.bid[slot] = vc | mark


@inlined
def collect_bids(
    noc: NocTables, state: NocState, router: int, waiting: int, now: int
) -> tuple[int, int, int, int, bool]:
    """Collect the bids for the switch, one per input and output port, in ``state.bid`` (-1: none).

    Returns
    -------
    bids, eligible, credit, ejection : int
        Bids placed; flits that could leave in this cycle; flits that lack a credit of a router, of a terminal.
    later : bool
        Whether a flit may bid in a later cycle only.
    """
    vcs = noc.vcs
    base = router * noc.ports * vcs
    bids = eligible = credit = ejection = 0
    later = False
    state.bid[:] = -1
    for i in range(noc.ports * vcs):
        channel = state.channel[base + i]
        if channel.phase != ACTIVE or channel.count == 0:
            continue
        if channel.ready > now:
            later = True
        elif state.channel[base + channel.out_port * vcs + channel.out_vc].credits > 0:
            bids += 1
            eligible += 1
            _place_bid(noc, state, router, i, 0)
        elif noc.links[router, channel.out_port].router < 0:
            ejection += 1
        else:
            credit += 1
    if noc.speculative:
        for k in range(waiting):
            i = state.waiting[k]
            first = base + state.channel[base + i].out_port * vcs
            for out in range(first, first + vcs):
                if state.channel[out].owner < 0 and state.channel[out].credits > 0:
                    bids += 1
                    _place_bid(noc, state, router, i, SPECULATIVE)
                    break
            won = state.offer[i]
            if won < 0:
                continue
            if state.channel[base + won].credits > 0:
                eligible += 1
            elif noc.links[router, won // vcs].router < 0:
                ejection += 1
            else:
                credit += 1
    return bids, eligible, credit, ejection, later


@inlined
def match_switch(noc: NocTables, state: NocState, router: int) -> None:
    """Match input and output ports; ``state.grant`` holds the output of each input, -1 where none."""
    ports = noc.ports
    state.grant[:] = -1
    for out in range(ports):
        pointer = state.port[router * ports + out].sw_grant
        winner = -1
        for step in range(ports):
            port = pointer + step
            if port >= ports:
                port -= ports
            if state.bid[port * ports + out] >= 0:
                winner = port
                break
        if winner < 0:
            continue
        known = state.grant[winner]
        pointer = state.port[router * ports + winner].sw_accept
        if known < 0 or (out - pointer) % ports < (known - pointer) % ports:
            state.grant[winner] = out
