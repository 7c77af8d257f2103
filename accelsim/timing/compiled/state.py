"""State of the compiled engine, preallocated once per worker and cleared at every step.

Index of an input or output virtual channel: (router * ports + port) * vcs + vc. A flit is axon << 2 | head << 1 | tail.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.timing.tables import NocTables

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Records = npt.NDArray[Any]

IDLE, WAITING, ACTIVE = 0, 1, 2
"""States of an input VC: empty or routing done; a head asks for an output VC; a packet holds one."""

TO_ROUTER, TO_TERMINAL, CREDIT_TO_ROUTER, CREDIT_TO_TERMINAL = 0, 1, 2, 3
"""Kinds of an event on the wheel."""

HEAD, TAIL = 2, 1
NEVER = 1 << 60


def _record(**fields: Any) -> np.dtype[Any]:
    return np.dtype(list(fields.items()), align=True)


CHANNEL = _record(
    head=np.int32,
    count=np.int32,
    phase=np.int32,
    out_port=np.int32,
    out_vc=np.int32,
    ready=np.int64,
    owner=np.int32,
    credits=np.int32,
    vc_grant=np.int32,
    vc_accept=np.int32,
)
"""An input VC (buffer, phase, route, VC allocator's accept pointer) and the output VC of the same number (owner,
credits, grant)."""

PORT = _record(
    sw_grant=np.int32, sw_accept=np.int32, offset=np.int32, won_out=np.int32, won_bid=np.int32, left_at=np.int64
)
"""Switch allocator pointers of an output port (grant) and an input port (accept, VC offset); what the input port won
and with which bid; the cycle in which the last flit left through the output port."""

ROUTER = _record(
    waiting=np.int64,
    holding=np.int64,
    seen=np.int64,
    due_at=np.int64,
    next_at=np.int64,
    blocked_vc=np.int32,
    blocked_credit=np.int32,
    blocked_ejection=np.int32,
    matched=np.int64,
    eligible=np.int64,
    routed_at=np.int64,
    vc_free=np.int64,
    switch_free=np.int64,
    crossed_at=np.int64,
)
"""Masks of input VCs whose head asks for an output VC (``waiting``) or that hold one and a flit (``holding``); the
cycle of the last evaluation and what was blocked in it; the cycles for which the router is called. Then the stages of
several cycles: the input ports that won the switch and how many flits wanted to leave; the cycles in which the last
lots entered routing and the switch, and from which the allocators are free."""

EVENT = _record(where=np.int64, flit=np.int64)
"""Something under way: where << 2 | kind."""

TERMINAL = _record(
    burst=np.int64,
    writeback=np.int64,
    written=np.int64,
    taken=np.int64,
    entry=np.int64,
    entry_wait=np.int64,
    source_wait=np.int64,
    row_end=np.int64,
    due_at=np.int64,
    wake=np.int64,
    place=np.int64,
    unwritten=np.int32,
    injection_head=np.int32,
    injection_count=np.int32,
    sent_flits=np.int32,
    source_vc=np.int32,
    queue_head=np.int32,
    queue_count=np.int32,
    looked_up=np.int32,
)
"""Engines of a terminal: neuron engine (burst, writeback, unwritten), spike FIFO (a window written .. taken of the
fired neurons), axon-out (entry, entry_wait), injection, input queue, look-up register, row stage, calendar (due_at,
wake)."""

QUEUED = _record(axon=np.int32, vc=np.int32)
"""A packet in an input queue."""


class NocState(NamedTuple):
    """Routers, and the wheel of flits and credits in flight."""

    flits: Int64s
    channel: Records
    port: Records
    router: Records
    due: Int32s
    following: Int32s
    wheel_count: Int32s
    wheel: Records
    scalars: Int64s
    waiting: Int32s
    offer: Int32s
    bid: Int32s
    grant: Int32s


DUE_ROUTERS, NEXT_ROUTERS, PENDING = 0, 1, 2
"""Fields of ``scalars``: routers due in this cycle, called for the next one; events on the wheel."""


class TerminalState(NamedTuple):
    """Engines and queues of the terminals, and their calendar."""

    terminal: Records
    injection: Int32s
    source_credits: Int32s
    queue: Records
    due: Int32s
    heap: Int64s
    scalars: Int64s


DUE, HEAPED = 0, 1
"""Fields of ``scalars``: terminals due in this cycle, length of the heap."""


def allocate_noc(noc: NocTables) -> NocState:
    """Return an empty state for a network."""
    ports = noc.routers * noc.ports
    channels = ports * noc.vcs
    longest = max(noc.flight, noc.eject, noc.credit, noc.inject) + 3 * noc.switch_delay
    slots = 1 << int(longest).bit_length()
    events = 2 * ports + 2 * len(noc.terminals) * (1 + noc.vcs) + int(noc.terminals["input_queue"].sum())
    per_router = noc.ports * noc.vcs
    return NocState(
        flits=np.zeros((channels, noc.buffer), np.int64),
        channel=np.zeros(channels, CHANNEL),
        port=np.zeros(ports, PORT),
        router=np.zeros(noc.routers, ROUTER),
        due=np.zeros(noc.routers, np.int32),
        following=np.zeros(noc.routers, np.int32),
        wheel_count=np.zeros(slots, np.int32),
        wheel=np.zeros((slots, events), EVENT),
        scalars=np.zeros(3, np.int64),
        waiting=np.zeros(per_router, np.int32),
        offer=np.zeros(per_router, np.int32),
        bid=np.zeros(noc.ports * noc.ports, np.int32),
        grant=np.zeros(noc.ports, np.int32),
    )


def allocate_terminals(noc: NocTables) -> TerminalState:
    """Return an empty state for the terminals of a chip."""
    n = len(noc.terminals)
    return TerminalState(
        terminal=np.zeros(n, TERMINAL),
        injection=np.zeros((n, int(noc.terminals["injection_queue"].max())), np.int32),
        source_credits=np.zeros(n * noc.vcs, np.int32),
        queue=np.zeros((n, int(noc.terminals["input_queue"].max()) * noc.vcs), QUEUED),
        due=np.zeros(n, np.int32),
        heap=np.zeros(n, np.int64),
        scalars=np.zeros(2, np.int64),
    )
