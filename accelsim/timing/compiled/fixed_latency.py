"""A network of fixed-latency links in compiled form, and one hardware step on it.

Rules: docs/timing-model.md, section 4. Whoever wants a slot of a queue (the head of another queue, or a terminal with a
packet) asks for it once it is ready. A queue gives its slots first come, first served, so the cycle of a grant is known
as soon as it is known when a slot comes free, and all that follows is done at once: requests are the only events.

Queues are numbered by the link that they feed, router * ports + port; behind them the terminals: as a goal the input
queue, as a sender the injection queue.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.calendar import (
    NEVER,
    Calendar,
    allocate_calendar,
    next_wake,
    restart_calendar,
    set_wake,
    sort_numbers,
    take_due,
)
from accelsim.timing.compiled.gates import GATED, IN_STEP
from accelsim.timing.compiled.prefetch import prefetch
from accelsim.timing.compiled.sink import clear_sink
from accelsim.timing.compiled.source import injected
from accelsim.timing.compiled.state import Int64s, Numbers, Records, TerminalState
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import AxonTables, FixedLatencyTables, StepWork

_FAR, _NEAR, _NEXT = 9, 6, 3
"""How many senders ahead their queues, packets and routes are asked for."""

QUEUE = np.dtype(
    [(name, np.int64) for name in ("free_at", "asked", "granted", "last_arrival")]
    + [(name, np.int32) for name in ("first_waiter", "last_waiter", "next_waiter", "room")]
    + [
        (name, np.uint32)
        for name in ("goal", "head", "count", "admit_place", "release_place", "depth", "router", "port")
    ]
)
"""A queue and the sender behind it: cycle from which its link is free; what its head asks for, since when, and when it
is granted; slots whose release is known and not given again, and places in the ring of releases; the senders that wait
for a slot (a linked list, -1 at its end)."""

PACKET = np.dtype([("visible", np.int64), ("load", np.int64), ("target", np.uint32), ("flits", np.uint32)])
"""A packet in a queue, from cycle ``visible`` on."""


class FixedLatencyState(NamedTuple):
    """Scratch of a worker.

    ``release`` holds the cycles from which a queue's slots are free, ``granted`` the senders that have been given a
    slot and not yet sent, ``awake`` those that ask in this cycle, ``marks`` a bit for each.
    """

    queue: Records
    packet: Records
    release: Int64s
    granted: Numbers
    awake: Numbers
    marks: npt.NDArray[np.uint64]
    calendar: Calendar


def allocate_fixed_latency(noc: FixedLatencyTables) -> FixedLatencyState:
    """Return an empty state for a network."""
    links, terminals = noc.routers * noc.ports, len(noc.terminals)
    queue = np.zeros(links + terminals, QUEUE)
    queue["depth"][:links], queue["depth"][links:] = noc.queue, noc.terminals["input_queue"]
    queue["router"][:links], queue["port"][:links] = np.divmod(np.arange(links), noc.ports)
    queue["router"][links:], queue["port"][links:] = noc.terminals["router"], noc.terminals["port"]
    return FixedLatencyState(
        queue,
        np.zeros((links, noc.queue), PACKET),
        np.zeros((links + terminals, int(queue["depth"].max())), np.int64),
        np.zeros(links + terminals, np.uint32),
        np.zeros(links + terminals, np.uint32),
        np.zeros((links + terminals + 63) // 64, np.uint64),
        allocate_calendar(links + terminals),
    )


@inlined
def _clear(state: FixedLatencyState) -> None:
    for at in range(state.queue.size):
        queue = state.queue[at]
        queue.free_at = 0
        queue.last_arrival = 0
        queue.room = queue.depth
        queue.head = 0
        queue.count = 0
        queue.admit_place = 0
        queue.release_place = 0
        queue.first_waiter = -1
        queue.last_waiter = -1
    state.release[:] = 0
    restart_calendar(state.calendar)


@inlined
def _grant(state: FixedLatencyState, sender: int, goal: int, granted: int) -> int:
    """Give the sender the next slot of its goal; return how many have been given a slot and not sent yet."""
    queue, own = state.queue[goal], state.queue[sender]
    own.granted = max(own.asked, state.release[goal, queue.admit_place])
    queue.room -= 1
    queue.admit_place = 0 if queue.admit_place + 1 == queue.depth else queue.admit_place + 1
    state.granted[granted] = sender
    return granted + 1


@inlined
def _ask(state: FixedLatencyState, sender: int, goal: int, now: int) -> int:
    """Ask for a slot of the goal; return 1 if the cycle in which the sender gets it is known, 0 if it waits."""
    queue, own = state.queue[goal], state.queue[sender]
    own.goal, own.asked = goal, now
    if queue.room > 0:
        return _grant(state, sender, goal, 0)
    own.next_waiter = -1
    if queue.first_waiter < 0:
        queue.first_waiter = sender
    else:
        state.queue[queue.last_waiter].next_waiter = sender
    queue.last_waiter = sender
    return 0


@inlined
def _give_back(state: FixedLatencyState, number: int, at: int, granted: int) -> int:
    """Note that a slot of a queue is free from cycle ``at`` on; give it to whoever waits for it."""
    queue = state.queue[number]
    state.release[number, queue.release_place] = at
    queue.release_place = 0 if queue.release_place + 1 == queue.depth else queue.release_place + 1
    queue.room += 1
    waiter = queue.first_waiter
    if waiter < 0:
        return granted
    queue.first_waiter = state.queue[waiter].next_waiter
    return _grant(state, waiter, number, granted)


@inlined
def _leave_link(
    noc: FixedLatencyTables, state: FixedLatencyState, count: Any, links: Int64s, sender: int, packet: Any, ejects: bool
) -> int:
    """Send the head of a link's queue; return the cycle in which its tail is at the next router."""
    queue = state.queue[sender]
    now, way = queue.granted, noc.links[queue.router, queue.port]
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
    if queue.count > 0:
        set_wake(state.calendar, sender, max(queue.free_at, state.packet[sender, queue.head].visible))
    return arrival  # type: ignore[no-any-return]


@inlined
def _leave_terminal(
    noc: FixedLatencyTables,
    state: FixedLatencyState,
    ends: TerminalState,
    count: Any,
    terminal: int,
) -> int:
    """Inject a terminal's packet; return the cycle in which its tail is at the router."""
    sender = noc.routers * noc.ports + terminal
    source, place, own = ends.terminal[terminal], noc.terminals[terminal], state.queue[sender]
    done = count[source.step, terminal]
    now, flits = own.granted, source.flits
    if done.first_flit < 0 and not source.token:
        done.first_flit = now
    done.no_credit += now - own.asked
    done.flits_out += flits
    done.source_end = max(done.source_end, now + flits)
    injected(ends, done, place, terminal, now + flits - 1)
    return now + noc.local + flits - 1  # type: ignore[no-any-return]


@inlined
def _look_ahead(noc: FixedLatencyTables, state: FixedLatencyState, asking: int, k: int) -> None:
    """Begin to load what later senders of this cycle will read: a large chip's state is larger than the caches."""
    links = noc.routers * noc.ports
    if k + _FAR < asking:
        prefetch(state.queue, state.awake[k + _FAR])
    if k + _NEAR < asking:
        sender = np.int64(state.awake[k + _NEAR])
        if sender < links:
            prefetch(state.packet, sender * noc.queue + state.queue[sender].head)
            prefetch(noc.links, sender)  # type: ignore[arg-type]
    if k + _NEXT < asking:
        sender = np.int64(state.awake[k + _NEXT])
        if sender < links:
            own = state.queue[sender]
            behind = np.int64(noc.links[own.router, own.port].router)
            prefetch(noc.route, behind * noc.route.shape[1] + state.packet[sender, own.head].target)
            prefetch(state.release, sender * state.release.shape[1] + own.release_place)


@inlined
def _store(state: FixedLatencyState, number: int, load: int, target: int, flits: int, arrival: int) -> None:
    """Put a packet into the queue of a link."""
    queue = state.queue[number]
    slot = np.int64(queue.head) + queue.count
    packet = state.packet[number, slot if slot < queue.depth else slot - queue.depth]
    packet.visible = arrival
    packet.load = load
    packet.target = target
    packet.flits = flits
    queue.count += 1
    if queue.count == 1:
        set_wake(state.calendar, number, max(arrival, queue.free_at))


def fixed_latency_kernel(gated: bool) -> Callable[..., None]:
    """Return the kernel of a step, or with ``gated`` of all steps of a sample, which terminals enter by tokens."""
    begin, following, take, row = GATED if gated else IN_STEP

    @inlined
    def fetch(
        noc: Any, axons: Any, work: Any, gates: Any, state: Any, ends: Any, count: Any, terminal: int, least: int
    ) -> None:
        """Bring a terminal's next packet to the head of its queue; it asks for a slot from cycle ``least`` on."""
        at = following(axons, work, gates, ends, count, noc.terminals[terminal], terminal)
        if at < NEVER:
            set_wake(state.calendar, noc.routers * noc.ports + terminal, max(at, least))

    @inlined
    def request(
        noc: FixedLatencyTables,
        axons: AxonTables,
        work: StepWork,
        gates: Any,
        state: FixedLatencyState,
        ends: TerminalState,
        count: Any,
        router_count: Any,
        links: Int64s,
        sender: int,
        now: int,
    ) -> None:
        """Have a sender ask for the slot that its packet needs next; do all that becomes known by that."""
        first_terminal = noc.routers * noc.ports
        own = state.queue[sender]
        if sender < first_terminal:
            target, router = state.packet[sender, own.head].target, noc.links[own.router, own.port].router
        else:
            target, router = ends.terminal[sender - first_terminal].target, own.router
        port = noc.route[router, target]
        ejects = noc.links[router, port].terminal >= 0
        granted = _ask(state, sender, first_terminal + target if ejects else router * noc.ports + port, now)
        while granted > 0:
            granted -= 1
            sender = state.granted[granted]
            goal = state.queue[sender].goal
            ejects = goal >= first_terminal
            if sender < first_terminal:
                packet = state.packet[sender, state.queue[sender].head]
                load, target, flits = packet.load, packet.target, packet.flits
                arrival = _leave_link(noc, state, router_count, links, sender, packet, ejects)
                granted = _give_back(state, sender, state.queue[sender].free_at, granted)
            else:
                source = ends.terminal[sender - first_terminal]
                load, target, flits = source.load, source.target, source.flits
                free = state.queue[sender].granted + flits
                arrival = _leave_terminal(noc, state, ends, count, sender - first_terminal)
                fetch(noc, axons, work, gates, state, ends, count, sender - first_terminal, free)
            if not ejects:
                _store(state, goal, load, target, flits, arrival)
                continue
            queue = state.queue[goal]
            router_count[queue.router].flits += flits
            links[queue.router, queue.port] += flits
            count[row(load, ends, target), target].flits_in += flits
            queue.last_arrival = max(queue.last_arrival, arrival + noc.local)
            looked_up, _, may_enter = take(axons, gates, ends, count, target, load, queue.last_arrival)
            granted = _give_back(state, goal, looked_up + 1, granted)
            if may_enter:
                fetch(noc, axons, work, gates, state, ends, count, target, 0)

    @loop_kernel
    def run(
        noc: FixedLatencyTables,
        axons: AxonTables,
        work: StepWork,
        gates: Any,
        state: FixedLatencyState,
        ends: TerminalState,
        count: Records,
        router_count: Records,
        links: Int64s,
        summary: Records,
    ) -> None:
        """Simulate a step or a sample; parameters as :func:`accelsim.timing.compiled.step.run_step`."""
        _clear(state)
        ends.fifo_free[:] = 0
        ends.injected[:] = -1
        for terminal in range(noc.terminals.size):
            for step in range(count.shape[0]):
                count[step, terminal].first_flit = -1
            begin(work, gates, ends, terminal)
            clear_sink(ends, terminal)
        for terminal in range(noc.terminals.size):
            fetch(noc, axons, work, gates, state, ends, count, terminal, 0)
        now = next_wake(state.calendar)
        while now < NEVER:
            asking = take_due(state.calendar, now, state.awake)
            sort_numbers(state.awake, asking, state.marks)
            for k in range(asking):
                _look_ahead(noc, state, asking, k)
                request(noc, axons, work, gates, state, ends, count, router_count, links, state.awake[k], now)
            now = next_wake(state.calendar)
        if not gated:
            _summarise(noc, ends, count[0], summary)

    return run


@inlined
def _summarise(noc: FixedLatencyTables, ends: TerminalState, count: Any, summary: Any) -> None:
    """Write E, the packet counts, and whether everything that began has ended."""
    end = made = sent = delivered = 0
    finished = True
    for terminal in range(noc.terminals.size):
        done = count[terminal]
        end = max(end, done.scan_end, done.source_end, done.row_end)
        made += done.destinations
        sent += done.packets_out
        delivered += done.packets_in
        if ends.terminal[terminal].pending or ends.terminal[terminal].taken != ends.terminal[terminal].last_taken:
            finished = False
    summary[0].end = end
    summary[0].injected = sent
    summary[0].delivered = delivered
    summary[0].status = STATUS_DONE if finished and made == delivered else STATUS_DEADLOCK


run_fixed_latency_step, run_fixed_latency_sample = fixed_latency_kernel(False), fixed_latency_kernel(True)
