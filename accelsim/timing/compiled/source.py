"""The source side of a terminal in compiled form: neuron engine to injection queue, as recurrences.

Everything up to the injection queue is a chain of servers with finite queues between them, so the cycle in which a
packet reaches the queue's head follows from the cycles in which earlier ones left:

    w(n) = max(w(n - 1) or the end of its burst, first free cycle of the slot that neuron n - F had)
    a(k) = max(cycle in which axon-out has its entry, i(k - Q) + 1)
    i(k) >= max(a(k), i(k - 1)) + 1

with w the write-back of a neuron, a the put of a packet, i the cycle of its tail, F and Q the depths of the spike
FIFO and the injection queue. Only the injection itself has to be tried. Rules: docs/timing-model.md, section 2.
"""

from typing import Any

from accelsim.kernels import inlined
from accelsim.timing.compiled.calendar import NEVER, set_wake
from accelsim.timing.compiled.prefetch import prefetch
from accelsim.timing.compiled.state import HEAD, TAIL, NocState, Records, TerminalState, make_flit
from accelsim.timing.compiled.wheel import FLIT, post
from accelsim.timing.tables import AxonTables, NocTables, StepWork

BLOCKED, SENT, SENT_TAIL = 0, 1, 2


@inlined
def clear_source(work: StepWork, state: TerminalState, index: int) -> None:
    """Put the source of a terminal at the beginning of its work."""
    source = state.terminal[index]
    source.pending = False
    source.gated = False
    source.step = 0
    source.sent_flits = 0
    source.asked = -1
    source.unwritten = 0
    source.burst = work.burst_ptr[index]
    source.last_burst = work.burst_ptr[index + 1]
    source.burst_end = 0
    source.written_at = 0
    source.taken = work.fired_ptr[index]
    source.last_taken = work.fired_ptr[index + 1]
    source.entry = 0
    source.last_entry = 0
    source.axon_out_free = 0
    source.fifo_at = 0
    source.injected_at = 0


@inlined
def _next_neuron(work: StepWork, source: Any, done: Any) -> bool:
    """Let the neuron engine run until it has a neuron to write back; return False at the end of its work."""
    while source.unwritten == 0:
        if source.burst == source.last_burst:
            return False
        cycles = work.burst_cycles[source.burst]
        source.unwritten = work.burst_fired[source.burst]
        source.burst += 1
        source.written_at += cycles
        source.burst_end = source.written_at
        done.bursts += 1
        done.scan_cycles += cycles
        done.scan_end = source.written_at
    return True


@inlined
def next_packet(
    axons: AxonTables, work: StepWork, state: TerminalState, count: Records, place: Any, terminal: int
) -> int:
    """Bring the next packet to the head of the injection queue.

    Parameters
    ----------
    place : ENDPOINT record
        Depths of the terminal's queues, cycles of its axon-out.

    Returns
    -------
    int
        First cycle in which the packet may be injected, as far as this side is concerned; NEVER if there is none.
    """
    source, done = state.terminal[terminal], count[terminal]
    while source.entry == source.last_entry:
        if not _next_neuron(work, source, done):
            source.pending = False
            return NEVER
        source.written_at = max(source.written_at, state.fifo_free[terminal, source.fifo_at])
        source.unwritten -= 1
        if source.unwritten == 0:
            done.fifo_full += source.written_at - source.burst_end
        neuron = work.fired[source.taken]
        source.taken += 1
        # Of a large chip, the axons of the next neuron and where those of the one after it lie are not in the caches.
        if source.taken + 1 < source.last_taken:
            prefetch(axons.ptr, work.fired[source.taken + 1])
            prefetch(axons.axon, axons.ptr[work.fired[source.taken]])
        source.axon_out_free = max(source.axon_out_free, source.written_at + 1)
        source.entry, source.last_entry = axons.ptr[neuron], axons.ptr[neuron + 1]
        if source.entry == source.last_entry or axons.axon[source.entry].cost < axons.tokens:
            done.fired += 1
            done.destinations += source.last_entry - source.entry
        if source.entry == source.last_entry:
            source.axon_out_free += 1
            _leave_fifo(state, source, done, place, terminal)
    ready = source.axon_out_free + place.axon_out - 1
    put = max(ready, state.injected[terminal, source.injected_at] + 1)
    done.injection_full += put - ready
    source.axon_out_free = put + 1
    entry = axons.axon[source.entry]
    source.token = entry.cost >= axons.tokens
    if not source.token:
        done.routing_reads += 1
    source.pending = True
    source.target = entry.terminal
    source.load = entry.cost
    source.flits = axons.costs[entry.cost].flits
    if axons.root.size > 0:
        source.target = axons.root[source.entry]
        source.load = source.entry
    source.entry += 1
    if axons.root.size > 0:  # one packet for several axons
        while source.entry < source.last_entry and axons.root[source.entry] < 0:
            source.entry += 1
    if source.entry == source.last_entry:
        _leave_fifo(state, source, done, place, terminal)
    return put + 1  # type: ignore[no-any-return]


@inlined
def _leave_fifo(state: TerminalState, source: Any, done: Any, place: Any, terminal: int) -> None:
    """Free the slot of the neuron that axon-out has finished with."""
    state.fifo_free[terminal, source.fifo_at] = source.axon_out_free
    source.fifo_at = 0 if source.fifo_at + 1 == place.spike_fifo else source.fifo_at + 1
    done.source_end = max(done.source_end, source.axon_out_free)


@inlined
def injected(state: TerminalState, done: Any, place: Any, terminal: int, now: int) -> None:
    """Note that the packet at the head of the injection queue has left with its tail."""
    source = state.terminal[terminal]
    if source.token:
        done.tokens_out += 1
    else:
        done.packets_out += 1
    state.injected[terminal, source.injected_at] = now
    source.injected_at = 0 if source.injected_at + 1 == place.injection_queue else source.injected_at + 1


@inlined
def _has_credit(noc: NocTables, state: NocState, number: int, now: int) -> bool:
    """Tell whether a VC of the router has a free slot, after taking in the credits that have come back."""
    own = state.source[number]
    while own.credits == 0 and own.returning > 0 and state.source_return[number, own.return_head] <= now:
        own.credits += 1
        own.returning -= 1
        own.return_head = 0 if own.return_head + 1 == noc.buffer else own.return_head + 1
    return own.credits > 0  # type: ignore[no-any-return]


@inlined
def _await_credit(noc: NocTables, state: NocState, source: Any, terminal: int) -> None:
    """Wake the terminal when its next credit is back, or leave it to the router that returns one."""
    state.source_blocked[terminal] = 1
    for vc in range(noc.vcs):
        number = terminal * noc.vcs + vc
        own = state.source[number]
        if own.returning > 0 and (source.sent_flits == 0 or vc == source.source_vc):
            set_wake(state.calendar, terminal, state.source_return[number, own.return_head])


@inlined
def inject(noc: NocTables, state: NocState, source: Any, terminal: int, now: int) -> int:
    """Send the next flit of a packet into the router if a VC has a credit; if none has, the terminal will be woken.

    Parameters
    ----------
    source : TERMINAL record
        The packet, its flits that have left and the last VC used; updated.
    """
    vcs = noc.vcs
    vc = source.source_vc
    if source.sent_flits == 0:
        for _ in range(vcs):
            vc = 0 if vc + 1 == vcs else vc + 1
            if _has_credit(noc, state, terminal * vcs + vc, now):
                break
    if not _has_credit(noc, state, terminal * vcs + vc, now):
        _await_credit(noc, state, source, terminal)
        return BLOCKED
    state.source_blocked[terminal] = 0
    source.source_vc = vc
    state.source[terminal * vcs + vc].credits -= 1
    flit: Any = make_flit(source.load, source.target)
    if source.sent_flits == 0:
        flit |= HEAD
    source.sent_flits += 1
    tail = source.sent_flits == source.flits
    if tail:
        flit |= TAIL
        source.sent_flits = 0
    port = noc.terminals[terminal].router * noc.ports + noc.terminals[terminal].port
    post(state.wheel, now + noc.inject, FLIT, port * vcs + vc, flit)
    return SENT_TAIL if tail else SENT
