"""A terminal in compiled form: injection, axon-out, write-back of the neuron engine, axon look-up, row stage.

Within a cycle the readers of a queue run before its writer, and the room that a writer sees is that of the beginning of the
cycle. Rules: docs/timing-model.md, section 2.
"""

from accelsim.kernels import inlined
from accelsim.timing.compiled.router import post
from accelsim.timing.compiled.source import BLOCKED, SENT_TAIL, inject
from accelsim.timing.compiled.state import CREDIT_TO_ROUTER, NEVER, NocState, TerminalState
from accelsim.timing.tables import AxonTables, NocTables, StepWork, TerminalTables


@inlined
def clear_terminals(noc: NocTables, tables: TerminalTables, work: StepWork, state: TerminalState) -> None:
    """Put every terminal at the beginning of its work."""
    state.unwritten[:] = 0
    state.written[:] = work.fired_ptr[:-1]
    state.taken[:] = work.fired_ptr[:-1]
    state.burst[:] = work.burst_ptr[:-1]
    state.entry[:] = 0
    state.entry_wait[:] = -1
    state.injection_head[:] = 0
    state.injection_count[:] = 0
    state.sent_flits[:] = 0
    state.source_vc[:] = noc.vcs - 1
    state.source_wait[:] = -1
    state.source_credits[:] = noc.buffer
    state.queue_head[:] = 0
    state.queue_count[:] = 0
    state.looked_up[:] = -1
    state.row_end[:] = 0
    state.due_at[:] = -1
    state.wake[:] = NEVER
    state.scalars[:] = 0


@inlined
def start_burst(work: StepWork, state: TerminalState, count, terminal: int, now: int) -> None:  # type: ignore[no-untyped-def]
    """Start the next burst of the neuron engine; bursts that fire nothing end the scan without a write-back."""
    state.writeback[terminal] = NEVER
    at = state.burst[terminal]
    if at == work.burst_ptr[terminal + 1]:
        return
    end = now + work.burst_cycles[at]
    count[terminal].scan_end = end
    count[terminal].bursts += 1
    if work.burst_fired[at] > 0:
        state.writeback[terminal] = end
        state.unwritten[terminal] = work.burst_fired[at]


@inlined
def _source_side(noc, tables, axons, work, noc_state, state, count, terminal, now) -> int:  # type: ignore[no-untyped-def]
    """Injection, axon-out and write-back; return 1 when something moved."""
    moved = 0
    queue_depth = tables.injection_queue[terminal]
    queue_room = queue_depth - state.injection_count[terminal]
    fifo_room = tables.spike_fifo[terminal] - (state.written[terminal] - state.taken[terminal])
    if state.injection_count[terminal] > 0:
        axon = state.injection[terminal, state.injection_head[terminal]]
        flits = axons.rows[axon].flits
        done = inject(noc, noc_state, state.source_credits, state.source_vc, state.sent_flits, terminal, axon, flits, now)
        if done == BLOCKED:
            if state.source_wait[terminal] < 0:
                state.source_wait[terminal] = now
        else:
            moved = 1
            if state.source_wait[terminal] >= 0:
                count[terminal].no_credit += now - state.source_wait[terminal]
                state.source_wait[terminal] = -1
            if count[terminal].first_flit < 0:
                count[terminal].first_flit = now
            count[terminal].flits_out += 1
            count[terminal].source_end = now + 1
            if done == SENT_TAIL:
                count[terminal].packets_out += 1
                state.injection_count[terminal] -= 1
                following = state.injection_head[terminal] + 1
                state.injection_head[terminal] = 0 if following == queue_depth else following
    visible = state.written[terminal]
    if state.taken[terminal] < visible:
        neuron = work.fired[state.taken[terminal]]
        first, last = axons.out_ptr[neuron], axons.out_ptr[neuron + 1]
        if first == last:
            state.taken[terminal] += 1
            count[terminal].source_end = max(count[terminal].source_end, now + 1)
            moved = 1
        elif queue_room > 0:
            if state.entry_wait[terminal] >= 0:
                count[terminal].injection_full += now - state.entry_wait[terminal]
                state.entry_wait[terminal] = -1
            slot = state.injection_head[terminal] + state.injection_count[terminal]
            if slot >= queue_depth:
                slot -= queue_depth
            state.injection[terminal, slot] = axons.out_axon[first + state.entry[terminal]]
            state.injection_count[terminal] += 1
            count[terminal].routing_reads += 1
            state.entry[terminal] += 1
            if first + state.entry[terminal] == last:
                state.entry[terminal] = 0
                state.taken[terminal] += 1
            moved = 1
        elif state.entry_wait[terminal] < 0:
            state.entry_wait[terminal] = now
    if now >= state.writeback[terminal] and fifo_room > 0:
        written = min(state.unwritten[terminal], fifo_room)
        state.written[terminal] += written
        state.unwritten[terminal] -= written
        count[terminal].fired += written
        moved = 1
        if state.unwritten[terminal] == 0:
            count[terminal].fifo_full += now - state.writeback[terminal]
            state.burst[terminal] += 1
            start_burst(work, state, count, terminal, now)
    return moved


@inlined
def _synapse_side(noc, axons, noc_state, state, count, terminal, now) -> None:  # type: ignore[no-untyped-def]
    """Start the row whose axon was looked up, and look up the next packet's."""
    if state.looked_up[terminal] >= 0 and now >= state.row_end[terminal]:
        row = axons.rows[state.looked_up[terminal]]
        state.row_end[terminal] = now + row.cycles
        state.looked_up[terminal] = -1
        done = count[terminal]
        done.row_end = now + row.cycles
        done.row_cycles += row.cycles
        done.row_ideal += row.ideal
        done.row_conflict += row.conflict
        done.row_fetch += row.fetch
        done.words += row.words
        done.sops += row.sops
        done.issued += row.issued
        done.state_words += row.state_words
        done.macs += row.macs
    if state.looked_up[terminal] < 0 and state.queue_count[terminal] > 0:
        head = state.queue_head[terminal]
        axon, vc = state.queue[terminal, head], state.queue_vc[terminal, head]
        state.queue_head[terminal] = 0 if head + 1 == state.queue.shape[1] else head + 1
        state.queue_count[terminal] -= 1
        state.looked_up[terminal] = axon
        count[terminal].packets_in += 1
        port = noc.terminal_router[terminal] * noc.ports + noc.terminal_port[terminal]
        for _ in range(axons.rows[axon].flits):
            post(noc_state, now + noc.credit, CREDIT_TO_ROUTER, port * noc.vcs + vc, 0)


@inlined
def cycle_terminal(noc, tables, axons, work, noc_state, state, count, terminal, now) -> int:  # type: ignore[no-untyped-def]
    """Execute one cycle of a terminal; return the next cycle in which it may act without outside cause."""
    moved = _source_side(noc, tables, axons, work, noc_state, state, count, terminal, now)
    _synapse_side(noc, axons, noc_state, state, count, terminal, now)
    if moved:
        return now + 1
    wake = NEVER
    if state.writeback[terminal] > now:
        wake = state.writeback[terminal]
    if state.looked_up[terminal] >= 0:
        wake = min(wake, max(state.row_end[terminal], now + 1))
    return wake


@inlined
def receive(state: TerminalState, count, terminal: int, vc: int, axon: int) -> None:  # type: ignore[no-untyped-def]
    """Store a packet whose tail has arrived."""
    depth = state.queue.shape[1]
    slot = state.queue_head[terminal] + state.queue_count[terminal]
    if slot >= depth:
        slot -= depth
    state.queue[terminal, slot] = axon
    state.queue_vc[terminal, slot] = vc
    state.queue_count[terminal] += 1
    count[terminal].queue_peak = max(count[terminal].queue_peak, state.queue_count[terminal])
