"""One cycle of a router with a single virtual channel and stages of one cycle: what both allocators come to then.

An input port has one packet and an output port one owner, so that a packet that owns its output meets no other bid for
the switch. Only speculative bids can: of the heads that want a free output, the VC allocator and the switch each choose
one by their own pointers, and a packet leaves if it is the same. The rules are those of
:mod:`accelsim.timing.compiled.allocators`, which tests hold against this file.
"""

from accelsim.kernels import inlined
from accelsim.timing.compiled.allocators import await_credit, distance, has_credit
from accelsim.timing.compiled.bits import lowest_bit
from accelsim.timing.compiled.calls import call_next
from accelsim.timing.compiled.router import account_sleep, depart, rest
from accelsim.timing.compiled.state import ACTIVE, Int64s, NocState, Records
from accelsim.timing.tables import NocTables


@inlined
def is_single(noc: NocTables) -> bool:
    """Tell whether routers are as simple as that."""
    return noc.vcs == 1 and noc.vc_alloc_delay == 1 and noc.switch_alloc_delay == 1


@inlined
def _choose(noc: NocTables, state: NocState, router: int, now: int) -> tuple[int, int, int]:
    """Choose among the heads that ask for a free output.

    Writes the VC allocator's choice to ``state.offer`` and the switch's to ``state.grant``, by output port. Returns the
    mask of these outputs, how many heads go without, and the mask of the outputs that those want.
    """
    base = router * noc.ports
    wanted = lost = refused = 0
    mask = state.router[router].waiting
    while mask != 0:
        i = lowest_bit(mask)
        mask &= mask - 1
        channel = state.channel[base + i]
        if channel.ready > now:
            continue
        out = channel.out_port
        target = state.channel[base + out]
        if target.owner >= 0:
            lost += 1
            refused |= 1 << out
        elif not (wanted >> out) & 1:
            wanted |= 1 << out
            state.offer[out] = i
            state.grant[out] = i
        else:
            lost += 1
            refused |= 1 << out
            if distance(i, target.vc_grant, noc.ports) < distance(state.offer[out], target.vc_grant, noc.ports):
                state.offer[out] = i
            pointer = state.port[base + out].sw_grant
            if distance(i, pointer, noc.ports) < distance(state.grant[out], pointer, noc.ports):
                state.grant[out] = i
    return wanted, lost, refused


@inlined
def _pass_alone(noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, now: int) -> bool:
    """Send the head of a router's only packet if it meets nobody and lacks nothing; tell whether it has left.

    It wins its output and, speculating, the switch: what :func:`cycle_single` comes to for most packets.
    """
    record = state.router[router]
    mask = record.waiting
    if record.holding != 0 or mask == 0 or mask & (mask - 1) != 0:
        return False
    i = lowest_bit(mask)
    base = router * noc.ports
    channel = state.channel[base + i]
    out = channel.out_port
    target = state.channel[base + out]
    if channel.ready > now or target.owner >= 0 or not has_credit(noc, state, base + out, now):
        return False
    after = 0 if i + 1 == noc.ports else i + 1
    target.owner = i
    target.vc_grant = after
    state.port[base + out].sw_grant = after
    channel.out_vc = 0
    channel.phase = ACTIVE
    channel.ready = now + 1
    record.waiting = 0
    record.holding = mask
    record.blocked_vc = 0
    record.blocked_credit = 0
    record.blocked_ejection = 0
    if depart(noc, state, count, links, router, i, now):
        call_next(state, router, now)
    return True


@inlined
def cycle_single(noc: NocTables, state: NocState, count: Records, links: Int64s, router: int, now: int) -> None:
    """Evaluate a router: both allocators read the state of the beginning of the cycle, then both commit."""
    record, done = state.router[router], count[router]
    account_sleep(noc, state, count, router, now)
    if noc.speculative and _pass_alone(noc, state, count, links, router, now):
        return
    base = router * noc.ports
    wanted, lost, refused = _choose(noc, state, router, now)
    candidates = record.holding
    fresh = credit = ejection = 0
    again = followed = False
    while wanted != 0:
        out = lowest_bit(wanted)
        wanted &= wanted - 1
        i = state.offer[out]
        winner, target = state.channel[base + i], state.channel[base + out]
        target.owner = i
        target.vc_grant = 0 if i + 1 == noc.ports else i + 1
        winner.out_vc = 0
        winner.phase = ACTIVE
        winner.ready = now + 1
        record.waiting ^= 1 << i
        record.holding |= 1 << i
        fresh |= 1 << i
    if noc.speculative:
        candidates |= fresh
    elif fresh != 0:
        again = True
    while candidates != 0:
        i = lowest_bit(candidates)
        candidates &= candidates - 1
        out = state.channel[base + i].out_port
        if has_credit(noc, state, base + out, now):
            bid = state.grant[out] if (fresh >> i) & 1 else i
            state.port[base + out].sw_grant = 0 if bid + 1 == noc.ports else bid + 1
            if bid != i:  # the switch has chosen a head that has no VC
                done.stall_switch += 1
                again = True
            elif depart(noc, state, count, links, router, i, now):
                followed = True
            elif state.channel[base + out].owner < 0 and (refused >> out) & 1:
                again = True  # a head that went without can have it in the next cycle
        elif noc.links[router, out].router < 0:
            ejection += 1
        else:
            credit += 1
            await_credit(state, base + out)
    record.blocked_credit = credit
    record.blocked_ejection = ejection
    rest(state, count, router, lost)
    if again or followed:
        call_next(state, router, now)
