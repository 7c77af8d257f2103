"""State of the compiled engine, preallocated once per worker and cleared at every step.

Index of an input or output virtual channel: (router * ports + port) * vcs + vc. A flit is load << 31 | goal << 2 |
head << 1 | tail: it carries where it goes, so that routers read no table of axons. The goal is a terminal, of a
multicast packet a node of its tree; the load is the number of its cost, or of its packet in a trace, of a multicast
packet the first of its axons.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined
from accelsim.timing.compiled.calendar import Calendar, allocate_calendar
from accelsim.timing.compiled.wheel import Wheel, allocate_wheel
from accelsim.timing.tables import NocTables

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.uint32]
Records = npt.NDArray[Any]

IDLE, WAITING, ACTIVE = 0, 1, 2
"""States of an input VC: empty or routing done; a head asks for an output VC; a packet holds one."""

HEAD, TAIL = 2, 1
"""Marks of a flit."""


_LOAD = 31
_GOALS = (1 << (_LOAD - 2)) - 1


@inlined
def make_flit(load: int, goal: int) -> int:
    """Return a flit that is neither head nor tail."""
    return (np.int64(load) << _LOAD) | (np.int64(goal) << 2)  # type: ignore[return-value]


@inlined
def flit_goal(flit: int) -> int:
    """Return where a flit goes."""
    return (flit >> 2) & _GOALS


@inlined
def flit_load(flit: int) -> int:
    """Return what a flit carries."""
    return flit >> _LOAD


@inlined
def redirect(flit: int, goal: int) -> int:
    """Return the copy of a flit that goes elsewhere."""
    return (flit & ~(_GOALS << 2)) | (np.int64(goal & _GOALS) << 2)  # type: ignore[return-value]


# Numbers of things are unsigned: numba checks each time whether a signed index counts from the end.


def _record(**fields: Any) -> np.dtype[Any]:
    return np.dtype(list(fields.items()), align=True)


CHANNEL = _record(
    ready=np.int64,
    called_for=np.int64,
    credits=np.int32,
    router=np.uint32,
    head=np.uint16,
    count=np.uint16,
    returning=np.uint16,
    return_head=np.uint16,
    vc_grant=np.uint16,
    vc_accept=np.uint16,
    number=np.uint16,
    owner=np.int16,
    phase=np.uint8,
    out_port=np.uint8,
    out_vc=np.uint8,
    port=np.uint8,
    vc=np.uint8,
    vc_begin=np.uint8,
    vc_end=np.uint8,
)
"""An input VC (buffer, phase, route, the VCs that its class allows, VC allocator's accept pointer) and the output VC of
the same number (owner, credits, grant, credits on their way back and the cycle for which the first of them calls the
router); then where it is: divisions are slow."""

PORT = _record(
    left_at=np.int64, won_bid=np.int32, sw_grant=np.uint8, sw_accept=np.uint8, offset=np.uint8, won_out=np.uint8
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
    next_release=np.int64,
    first_local=np.uint8,
    after_local=np.uint8,
)
"""Masks of input VCs whose head asks for an output VC (``waiting``) or that hold one and a flit (``holding``); the
cycle of the last evaluation and what was blocked in it; the cycles for which the router is called. Then the stages of
several cycles: the input ports that won the switch and how many flits wanted to leave; the cycles in which the last
lots entered routing and the switch, and from which the allocators are free. Last the cycle in which the next slot of a
terminal's input queue comes free, and the ports that terminals hang on."""

TERMINAL = _record(
    pending=np.bool_,
    gated=np.bool_,
    token=np.bool_,
    target=np.uint32,
    load=np.int64,
    flits=np.uint32,
    sent_flits=np.uint32,
    source_vc=np.uint32,
    unwritten=np.uint32,
    asked=np.int64,
    step=np.int64,
    burst=np.int64,
    last_burst=np.int64,
    burst_end=np.int64,
    written_at=np.int64,
    taken=np.int64,
    last_taken=np.int64,
    entry=np.int64,
    last_entry=np.int64,
    axon_out_free=np.int64,
    fifo_at=np.uint32,
    injected_at=np.uint32,
    row_start=np.int64,
    row_end=np.int64,
    waiting_head=np.uint32,
    waiting=np.uint32,
)
"""Source: the step, and whether its work is done and the gate of the next is closed; the packet at the injection
queue's head (if one is pending), whether it is a token, its flits that have left and its VC, since when it waits for a
credit; neuron engine (burst and the last one, its end, neurons not written back yet, cycle of the last write-back);
axon-out (neurons taken and those of the step, entries of the current one, first free cycle); places in the rings of
past cycles. Sink: when the last row begins and ends; packets that wait for their look-up."""

RELEASE = _record(at=np.int64, vc=np.uint32, flits=np.uint32)
"""Slots of a terminal's input queue that a packet gives back: usable by the router from ``at`` on."""

SOURCE_VC = _record(credits=np.uint32, returning=np.uint32, return_head=np.uint32)
"""What a terminal knows of an input VC of its router: credits, and credits on their way back."""

EJECTED = _record(terminal=np.uint32, vc=np.uint32, at=np.int64, flit=np.int64)
"""A flit that has left the network in this cycle and reaches its terminal in cycle ``at``."""

PACKET = _record(wanting=np.int64, active=np.int64, freed=np.uint16, flits=np.uint16)
"""The multicast packet at the head of an input VC: masks of the output ports whose branches ask for a VC, and of those
that hold one; flits that all branches have sent; its length."""

BRANCH_STATE = _record(goal=np.uint32, sent=np.uint16, vc=np.uint8, vc_begin=np.uint8, vc_end=np.uint8)
"""A branch of it, by output port: node behind the link, flits sent, VC held, VCs that its class allows."""

RING = _record(head=np.uint32, count=np.uint32)
"""The filled part of a ring."""


class NocState(NamedTuple):
    """Routers, what is under way between them, and the calendar.

    Credits that come back are not events: ``credit_return`` and ``source_return`` hold the cycles from which a router
    and a terminal may use them, ``release`` the same for the slots of terminals' input queues. ``packet`` and
    ``branch`` are of multicast alone.
    """

    flits: Int64s
    channel: Records
    port: Records
    router: Records
    due: Numbers
    following: Numbers
    wheel: Wheel
    calendar: Calendar
    awake: Numbers
    credit_return: Int64s
    source: Records
    source_return: Int64s
    source_blocked: npt.NDArray[np.uint8]
    ejected: Records
    release: Records
    releases: Records
    scalars: Int64s
    waiting: Numbers
    offer: Int32s
    bid: Int32s
    bidders: Int64s
    grant: Numbers
    packet: Records
    branch: Records


DUE_ROUTERS, NEXT_ROUTERS, EJECTED_FLITS = 0, 1, 2
"""Fields of ``scalars``: routers due in this cycle, called for the next one; flits that have left the network."""


class TerminalState(NamedTuple):
    """Engines of the terminals, and rings of past cycles that a finite queue makes them wait for.

    ``fifo_free`` and ``injected`` have one ring per terminal: from which cycle the slot of a neuron in the spike FIFO
    is free, and in which cycle a packet left the injection queue; ``looked_up`` the cycles of look-ups.
    """

    terminal: Records
    fifo_free: Int64s
    injected: Int64s
    looked_up: Int64s


def allocate_noc(noc: NocTables) -> NocState:
    """Return an empty state for a network."""
    ports = noc.routers * noc.ports
    channels = ports * noc.vcs
    longest = max(noc.flight, noc.credit, noc.inject, 2 * noc.routing_delay) + 3 * noc.switch_delay
    events = channels * (2 * noc.buffer + 3)
    per_router = noc.ports * noc.vcs
    forks = channels if noc.nodes.size else 0
    sources, slots = len(noc.terminals) * noc.vcs, int(noc.terminals["input_queue"].max()) * noc.vcs
    return NocState(
        flits=np.zeros((channels, noc.buffer), np.int64),
        channel=_channels(noc),
        port=np.zeros(ports, PORT),
        router=_routers(noc),
        due=np.zeros(noc.routers, np.uint32),
        following=np.zeros(noc.routers, np.uint32),
        wheel=allocate_wheel(longest, events),
        calendar=allocate_calendar(len(noc.terminals) + noc.routers),
        awake=np.zeros(len(noc.terminals) + noc.routers, np.uint32),
        credit_return=np.zeros((channels, noc.buffer), np.int64),
        source=np.zeros(sources, SOURCE_VC),
        source_return=np.zeros((sources, noc.buffer), np.int64),
        source_blocked=np.zeros(len(noc.terminals), np.uint8),
        ejected=np.zeros(len(noc.terminals), EJECTED),
        release=np.zeros((len(noc.terminals), slots), RELEASE),
        releases=np.zeros(len(noc.terminals), RING),
        scalars=np.zeros(3, np.int64),
        waiting=np.zeros(per_router, np.uint32),
        offer=np.zeros(per_router, np.int32),
        bid=np.zeros(noc.ports * noc.ports, np.int32),
        bidders=np.zeros(noc.ports, np.int64),
        grant=np.zeros(noc.ports, np.uint32),
        packet=np.zeros(forks, PACKET),
        branch=np.zeros((forks, noc.ports), BRANCH_STATE),
    )


def _routers(noc: NocTables) -> Records:
    router = np.zeros(noc.routers, ROUTER)
    local = noc.links["terminal"] >= 0
    router["first_local"] = np.where(local.any(axis=1), local.argmax(axis=1), noc.ports)
    router["after_local"] = router["first_local"] + local.sum(axis=1)
    return router


def _channels(noc: NocTables) -> Records:
    channel = np.zeros((noc.routers, noc.ports, noc.vcs), CHANNEL)
    channel["router"] = np.arange(noc.routers)[:, None, None]
    channel["number"] = np.arange(noc.ports * noc.vcs).reshape(noc.ports, noc.vcs)
    channel["port"] = np.arange(noc.ports)[:, None]
    channel["vc"] = np.arange(noc.vcs)
    channel["vc_end"] = noc.vcs
    return channel.reshape(-1)


def allocate_terminals(terminals: Records, vcs: int) -> TerminalState:
    """Return an empty state for the terminals of a chip."""
    n = len(terminals)
    deepest = {name: int(terminals[name].max()) for name in ("spike_fifo", "injection_queue", "input_queue")}
    return TerminalState(
        terminal=np.zeros(n, TERMINAL),
        fifo_free=np.zeros((n, deepest["spike_fifo"]), np.int64),
        injected=np.zeros((n, deepest["injection_queue"]), np.int64),
        looked_up=np.zeros((n, deepest["input_queue"] * vcs + 1), np.int64),
    )
