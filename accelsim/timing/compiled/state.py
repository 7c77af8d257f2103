"""State of the compiled engine, preallocated once per worker and cleared at every step.

Index of an input or output virtual channel: (router * ports + port) * vcs + vc. A flit is axon << 2 | head << 1 | tail.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.timing.tables import NocTables, TerminalTables

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

IDLE, WAITING, ACTIVE = 0, 1, 2
"""States of an input VC: empty or routing done; a head asks for an output VC; a packet holds one."""

TO_ROUTER, TO_TERMINAL, CREDIT_TO_ROUTER, CREDIT_TO_TERMINAL = 0, 1, 2, 3
"""Kinds of an event on the wheel."""

HEAD, TAIL = 2, 1
NEVER = np.int64(1) << 60


class NocState(NamedTuple):
    """Routers, and the wheel of flits and credits in flight."""

    flits: Int64s
    head: Int32s
    count: Int32s
    phase: npt.NDArray[np.uint8]
    ready: Int64s
    out_port: Int32s
    out_vc: Int32s
    owner: Int32s
    credits: Int32s
    vc_grant: Int32s
    vc_accept: Int32s
    sw_grant: Int32s
    sw_accept: Int32s
    offset: Int32s
    occupied: Int32s
    active: Int32s
    is_active: npt.NDArray[np.uint8]
    blocked: Int32s
    wheel_count: Int32s
    wheel_where: Int64s
    wheel_flit: Int64s
    scalars: Int64s
    waiting: Int32s
    offer: Int32s
    bid: Int32s
    grant: Int32s


ACTIVE_ROUTERS, PENDING = 0, 1
"""Fields of ``scalars``: length of the active list, events on the wheel."""


class TerminalState(NamedTuple):
    """Engines and queues of the terminals, and their calendar."""

    burst: Int64s
    writeback: Int64s
    unwritten: Int32s
    written: Int64s
    taken: Int64s
    entry: Int64s
    entry_wait: Int64s
    injection: Int32s
    injection_head: Int32s
    injection_count: Int32s
    sent_flits: Int32s
    source_vc: Int32s
    source_wait: Int64s
    source_credits: Int32s
    queue: Int32s
    queue_vc: npt.NDArray[np.uint8]
    queue_head: Int32s
    queue_count: Int32s
    looked_up: Int32s
    row_end: Int64s
    due: Int32s
    due_at: Int64s
    heap: Int64s
    wake: Int64s
    scalars: Int64s


DUE, HEAPED = 0, 1
"""Fields of ``scalars``: terminals due in this cycle, length of the heap."""


def allocate_noc(noc: NocTables) -> NocState:
    """Return an empty state for a network."""
    ports = noc.routers * noc.ports
    channels = ports * noc.vcs
    slots = 1 << int(max(noc.flight, noc.eject, noc.credit, noc.inject) + 1).bit_length()
    events = 2 * ports + 2 * len(noc.terminal_router) * (1 + noc.vcs)
    per_router = noc.ports * noc.vcs
    int32: Any = np.int32
    return NocState(
        flits=np.zeros((channels, noc.buffer), np.int64), head=np.zeros(channels, int32), count=np.zeros(channels, int32),
        phase=np.zeros(channels, np.uint8), ready=np.zeros(channels, np.int64), out_port=np.zeros(channels, int32),
        out_vc=np.zeros(channels, int32), owner=np.zeros(channels, int32), credits=np.zeros(channels, int32),
        vc_grant=np.zeros(channels, int32), vc_accept=np.zeros(channels, int32), sw_grant=np.zeros(ports, int32),
        sw_accept=np.zeros(ports, int32), offset=np.zeros(ports, int32), occupied=np.zeros(noc.routers, int32),
        active=np.zeros(noc.routers, int32), is_active=np.zeros(noc.routers, np.uint8),
        blocked=np.zeros((noc.routers, 3), int32), wheel_count=np.zeros(slots, int32),
        wheel_where=np.zeros((slots, events), np.int64), wheel_flit=np.zeros((slots, events), np.int64),
        scalars=np.zeros(2, np.int64), waiting=np.zeros(per_router, int32), offer=np.zeros(per_router, int32),
        bid=np.zeros(noc.ports * noc.ports, int32), grant=np.zeros(noc.ports, int32),
    )


def allocate_terminals(noc: NocTables, terminals: TerminalTables) -> TerminalState:
    """Return an empty state for the terminals of a chip."""
    n = len(noc.terminal_router)
    depth = int(terminals.input_queue.max()) * noc.vcs
    int32, int64 = np.int32, np.int64
    return TerminalState(
        burst=np.zeros(n, int64), writeback=np.zeros(n, int64), unwritten=np.zeros(n, int32), written=np.zeros(n, int64),
        taken=np.zeros(n, int64), entry=np.zeros(n, int64), entry_wait=np.zeros(n, int64),
        injection=np.zeros((n, int(terminals.injection_queue.max())), int32), injection_head=np.zeros(n, int32),
        injection_count=np.zeros(n, int32), sent_flits=np.zeros(n, int32), source_vc=np.zeros(n, int32),
        source_wait=np.zeros(n, int64), source_credits=np.zeros(n * noc.vcs, int32), queue=np.zeros((n, depth), int32),
        queue_vc=np.zeros((n, depth), np.uint8), queue_head=np.zeros(n, int32), queue_count=np.zeros(n, int32),
        looked_up=np.zeros(n, int32), row_end=np.zeros(n, int64), due=np.zeros(n, int32), due_at=np.zeros(n, int64),
        heap=np.zeros(4 * n + 64, int64), wake=np.zeros(n, int64), scalars=np.zeros(2, int64),
    )
