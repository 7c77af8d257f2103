"""The injection side of a terminal: one flit per cycle, one VC per packet, credits of the router's input buffer."""

from typing import Any

from accelsim.kernels import inlined
from accelsim.timing.compiled.router import post
from accelsim.timing.compiled.state import HEAD, TAIL, TO_ROUTER, Int32s, NocState
from accelsim.timing.tables import NocTables

BLOCKED, SENT, SENT_TAIL = 0, 1, 2


@inlined
def inject(
    noc: NocTables, state: NocState, source: Any, credit: Int32s, terminal: int, axon: int, flits: int, now: int
) -> int:
    """Send the next flit of a packet into the router if a VC has a credit.

    Parameters
    ----------
    source : TERMINAL record
        Last VC used and flits of the current packet that have left; updated.
    credit : (terminals * vcs,) int32
        Free slots of the router's input VCs.
    """
    vcs = noc.vcs
    if source.sent_flits == 0:
        chosen = -1
        for step in range(1, vcs + 1):
            vc = (source.source_vc + step) % vcs
            if credit[terminal * vcs + vc] > 0:
                chosen = vc
                break
        if chosen < 0:
            return BLOCKED
        source.source_vc = chosen
    vc = source.source_vc
    if credit[terminal * vcs + vc] == 0:
        return BLOCKED
    credit[terminal * vcs + vc] -= 1
    flit = axon << 2
    if source.sent_flits == 0:
        flit |= HEAD
    source.sent_flits += 1
    tail = source.sent_flits == flits
    if tail:
        flit |= TAIL
        source.sent_flits = 0
    port = noc.terminals[terminal].router * noc.ports + noc.terminals[terminal].port
    post(state, now + noc.inject, TO_ROUTER, port * vcs + vc, flit)
    return SENT_TAIL if tail else SENT
