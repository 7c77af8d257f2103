"""The injection side of a terminal: one flit per cycle, a VC kept for a packet, credits of the router's input buffer."""

from accelsim.kernels import inlined
from accelsim.timing.compiled.router import post
from accelsim.timing.compiled.state import HEAD, TAIL, TO_ROUTER, NocState
from accelsim.timing.tables import NocTables

BLOCKED, SENT, SENT_TAIL = 0, 1, 2


@inlined
def inject(noc: NocTables, state: NocState, credits, source_vc, sent, terminal: int, axon: int, flits: int, now: int) -> int:  # type: ignore[no-untyped-def]
    """Send the next flit of a packet into the router if a VC has a credit.

    Parameters
    ----------
    credits : (terminals * vcs,) int32
        Free slots of the router's input VCs.
    source_vc, sent : (terminals,) int32
        Last VC used; flits of the current packet that have left.
    """
    vcs = noc.vcs
    if sent[terminal] == 0:
        chosen = -1
        for step in range(1, vcs + 1):
            vc = (source_vc[terminal] + step) % vcs
            if credits[terminal * vcs + vc] > 0:
                chosen = vc
                break
        if chosen < 0:
            return BLOCKED
        source_vc[terminal] = chosen
    vc = source_vc[terminal]
    if credits[terminal * vcs + vc] == 0:
        return BLOCKED
    credits[terminal * vcs + vc] -= 1
    flit = axon << 2
    if sent[terminal] == 0:
        flit |= HEAD
    sent[terminal] += 1
    tail = sent[terminal] == flits
    if tail:
        flit |= TAIL
        sent[terminal] = 0
    port = noc.terminal_router[terminal] * noc.ports + noc.terminal_port[terminal]
    post(state, now + noc.inject, TO_ROUTER, port * vcs + vc, flit)
    return SENT_TAIL if tail else SENT
