"""A network of fixed-latency links in compiled form, and one hardware step on it.

Rules: docs/timing-model.md, section 4. Whoever wants a slot of a queue (the head of another queue, or a terminal with
a packet) asks for it once it is ready; a queue gives its slots first come, first served. When a slot comes free is
known as soon as its packet has been sent, so the only events are requests, taken from a heap in the order of cycle
and number.

Queues are numbered by the link that they feed, router * ports + port; behind them the terminals: as a target the input
queue, as a sender the injection queue.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.calendar import NEVER
from accelsim.timing.compiled.sink import clear_sink, receive
from accelsim.timing.compiled.source import clear_source, injected, next_packet
from accelsim.timing.compiled.state import Int64s, Records, TerminalState
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import AxonTables, FixedLatencyTables, StepWork

_NUMBER_BITS = 20

QUEUE = np.dtype(
    [
        (name, np.int64)
        for name in ("free_at", "asked", "admitted", "released", "last_arrival")
    ]
    + [
        (name, np.int32)
        for name in (
            "head", "count", "admit_place", "release_place", "depth", "router", "port", "waits_for",
            "first_waiter", "last_waiter", "next_waiter", "spare",
        )
    ]
)  # fmt: skip
"""A queue and the sender behind it: cycle in which its link is free, since when its head asks; slots given and
given back so far, and their places in the ring of releases; the senders that wait for a slot (a linked list, -1 at
its end)."""

PACKET = np.dtype([("visible", np.int64), *((name, np.int32) for name in ("load", "target", "flits", "spare"))])
"""A packet in a queue, from cycle ``visible`` on."""


class FixedLatencyState(NamedTuple):
    """Scratch of a worker: queues, their packets, when their slots are free, and the heap of requests."""

    queue: Records
    packet: Records
    release: Int64s
    heap: Int64s
    size: npt.NDArray[np.int64]


def allocate_fixed_latency(noc: FixedLatencyTables) -> FixedLatencyState:
    """Return an empty state for a network."""
    links, terminals = noc.routers * noc.ports, len(noc.terminals)
    queue = np.zeros(links + terminals, QUEUE)
    queue["depth"][:links], queue["depth"][links:] = noc.queue, noc.terminals["input_queue"]
    queue["router"][:links], queue["port"][:links] = np.divmod(np.arange(links), noc.ports)
    return FixedLatencyState(
        queue,
        np.zeros((links, noc.queue), PACKET),
        np.zeros((links + terminals, int(queue["depth"].max())), np.int64),
        np.zeros(links + terminals + 1, np.int64),
        np.zeros(1, np.int64),
    )


@inlined
def _clear(noc: FixedLatencyTables, work: StepWork, state: FixedLatencyState, ends: TerminalState, count: Any) -> None:
    for at in range(state.queue.size):
        queue = state.queue[at]
        queue.free_at = 0
        queue.admitted = 0
        queue.released = 0
        queue.last_arrival = 0
        queue.head = 0
        queue.count = 0
        queue.admit_place = 0
        queue.release_place = 0
        queue.waits_for = -1
        queue.first_waiter = -1
        queue.last_waiter = -1
    state.size[0] = 0
    ends.fifo_free[:] = 0
    ends.injected[:] = -1
    for terminal in range(noc.terminals.size):
        count[terminal].first_flit = -1
        clear_source(work, ends, terminal)
        clear_sink(ends, terminal)


@inlined
def _ask(state: FixedLatencyState, sender: int, at: int) -> None:
    """Have a sender ask for its slot in cycle ``at``."""
    key = (at << _NUMBER_BITS) | sender
    place = state.size[0]
    state.size[0] += 1
    while place > 0:
        parent = (place - 1) >> 1
        if state.heap[parent] <= key:
            break
        state.heap[place] = state.heap[parent]
        place = parent
    state.heap[place] = key


@inlined
def _take_first(state: FixedLatencyState) -> int:
    """Remove and return the first request: cycle << 20 | sender."""
    first = state.heap[0]
    state.size[0] -= 1
    size = state.size[0]
    key = state.heap[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and state.heap[child + 1] < state.heap[child]:
            child += 1
        if state.heap[child] >= key:
            break
        state.heap[place] = state.heap[child]
        place = child
    state.heap[place] = key
    return first  # type: ignore[no-any-return]


@inlined
def _give_back(state: FixedLatencyState, number: int, at: int) -> None:
    """Note that a slot of a queue is free from cycle ``at`` on, and call whoever waits for it."""
    queue = state.queue[number]
    state.release[number, queue.release_place] = at
    queue.release_place = 0 if queue.release_place + 1 == queue.depth else queue.release_place + 1
    queue.released += 1
    if queue.first_waiter >= 0 and queue.admitted - queue.depth == queue.released - 1:
        _ask(state, queue.first_waiter, at)


@inlined
def _admit(state: FixedLatencyState, sender: int, target: int, now: int) -> bool:
    """Give the sender a slot of the target if it is its turn; else it waits and will be called."""
    queue, own = state.queue[target], state.queue[sender]
    known = queue.admitted < queue.depth or queue.admitted - queue.depth < queue.released
    free_at = 0
    if queue.admitted >= queue.depth:
        free_at = state.release[target, queue.admit_place]
    first = own.waits_for >= 0
    if not first:
        own.asked = now
    if known and free_at <= now and (first or queue.first_waiter < 0):
        if first:
            own.waits_for = -1
            queue.first_waiter = own.next_waiter
        queue.admitted += 1
        queue.admit_place = 0 if queue.admit_place + 1 == queue.depth else queue.admit_place + 1
        if queue.first_waiter >= 0 and queue.admitted - queue.depth < queue.released:
            _ask(state, queue.first_waiter, state.release[target, queue.admit_place])
        return True
    own.waits_for = target
    own.next_waiter = -1
    if queue.first_waiter < 0:
        queue.first_waiter = sender
        if known:
            _ask(state, sender, free_at)
    else:
        state.queue[queue.last_waiter].next_waiter = sender
    queue.last_waiter = sender
    return False


@inlined
def _leave_link(
    noc: FixedLatencyTables, state: FixedLatencyState, count: Any, links: Int64s, sender: int, ejects: bool, now: int
) -> int:
    """Send the head of a link's queue; return the cycle in which its tail is at the next router."""
    queue = state.queue[sender]
    packet, way = state.packet[sender, queue.head], noc.links[queue.router, queue.port]
    done = count[queue.router]
    done.flits += packet.flits
    links[queue.router, queue.port] += packet.flits
    done.stall_switch += queue.asked - packet.visible
    if ejects:
        done.stall_ejection += now - queue.asked
    else:
        done.stall_credit += now - queue.asked
    arrival = now + way.delay + way.interval * (packet.flits - 1)
    queue.free_at = now + way.interval * packet.flits
    queue.head = 0 if queue.head + 1 == queue.depth else queue.head + 1
    queue.count -= 1
    _give_back(state, sender, queue.free_at)
    if queue.count > 0:
        _ask(state, sender, max(queue.free_at, state.packet[sender, queue.head].visible))
    return arrival  # type: ignore[no-any-return]


@inlined
def _leave_terminal(
    noc: FixedLatencyTables,
    axons: AxonTables,
    work: StepWork,
    state: FixedLatencyState,
    ends: TerminalState,
    count: Any,
    terminal: int,
    now: int,
) -> int:
    """Inject a terminal's packet; return the cycle in which its tail is at the router."""
    source, done, place = ends.terminal[terminal], count[terminal], noc.terminals[terminal]
    sender = noc.routers * noc.ports + terminal
    flits = source.flits
    if done.first_flit < 0:
        done.first_flit = now
    done.no_credit += now - state.queue[sender].asked
    done.flits_out += flits
    done.source_end = max(done.source_end, now + flits)
    injected(ends, count, place, terminal, now + flits - 1)
    following = next_packet(axons, work, ends, count, place, terminal)
    if following < NEVER:
        _ask(state, sender, max(following, now + flits))
    return now + noc.local + flits - 1  # type: ignore[no-any-return]


@inlined
def _store(state: FixedLatencyState, number: int, load: int, target: int, flits: int, arrival: int) -> None:
    """Put a packet into the queue of a link."""
    queue = state.queue[number]
    slot = queue.head + queue.count
    packet = state.packet[number, slot if slot < queue.depth else slot - queue.depth]
    packet.visible = arrival
    packet.load = load
    packet.target = target
    packet.flits = flits
    queue.count += 1
    if queue.count == 1:
        _ask(state, number, max(arrival, queue.free_at))


@loop_kernel
def run_fixed_latency_step(
    noc: FixedLatencyTables,
    axons: AxonTables,
    work: StepWork,
    state: FixedLatencyState,
    ends: TerminalState,
    count: Records,
    router_count: Records,
    links: Int64s,
    summary: Records,
) -> None:
    """Simulate one hardware step; parameters as :func:`accelsim.timing.compiled.step.run_step`."""
    _clear(noc, work, state, ends, count)
    first_terminal = noc.routers * noc.ports
    for terminal in range(noc.terminals.size):
        first = next_packet(axons, work, ends, count, noc.terminals[terminal], terminal)
        if first < NEVER:
            _ask(state, first_terminal + terminal, first)
    while state.size[0] > 0:
        request = _take_first(state)
        now, sender = request >> _NUMBER_BITS, request & ((1 << _NUMBER_BITS) - 1)
        if sender < first_terminal:
            packet, own = state.packet[sender, state.queue[sender].head], state.queue[sender]
            router = noc.links[own.router, own.port].router
            load, target, flits = packet.load, packet.target, packet.flits
        else:
            source = ends.terminal[sender - first_terminal]
            router = noc.terminals[sender - first_terminal].router
            load, target, flits = source.load, source.target, source.flits
        port = noc.route[router, target]
        ejects = noc.links[router, port].terminal >= 0
        goal = first_terminal + target if ejects else router * noc.ports + port
        if not _admit(state, sender, goal, now):
            continue
        if sender < first_terminal:
            arrival = _leave_link(noc, state, router_count, links, sender, ejects, now)
        else:
            arrival = _leave_terminal(noc, axons, work, state, ends, count, sender - first_terminal, now)
        if not ejects:
            _store(state, goal, load, target, flits, arrival)
            continue
        router_count[router].flits += flits
        links[router, port] += flits
        count[target].flits_in += flits
        state.queue[goal].last_arrival = max(state.queue[goal].last_arrival, arrival + noc.local)
        looked_up = receive(axons.costs[load], ends, count, target, state.queue[goal].last_arrival)
        _give_back(state, goal, looked_up + 1)
    _summarise(noc, work, ends, count, summary)


@inlined
def _summarise(
    noc: FixedLatencyTables, work: StepWork, ends: TerminalState, count: Any, summary: Any
) -> None:
    """Write E, the packet counts, and whether everything that began has ended."""
    end = made = sent = delivered = 0
    finished = True
    for terminal in range(noc.terminals.size):
        done = count[terminal]
        end = max(end, done.scan_end, done.source_end, done.row_end)
        made += done.routing_reads
        sent += done.packets_out
        delivered += done.packets_in
        if ends.terminal[terminal].pending or ends.terminal[terminal].taken != work.fired_ptr[terminal + 1]:
            finished = False
    summary[0].end = end
    summary[0].injected = sent
    summary[0].delivered = delivered
    summary[0].status = STATUS_DONE if finished and made == delivered else STATUS_DEADLOCK
