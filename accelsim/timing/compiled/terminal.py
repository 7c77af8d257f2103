"""A terminal in compiled form: injection, axon-out, write-back of the neuron engine, axon look-up, row stage.

Within a cycle the readers of a queue run before its writer, and the room that a writer sees is that of the beginning
of the cycle. Rules: docs/timing-model.md, section 2.
"""

from accelsim.kernels import inlined
from accelsim.timing.compiled.router import post
from accelsim.timing.compiled.source import BLOCKED, SENT_TAIL, inject
from accelsim.timing.compiled.state import CREDIT_TO_ROUTER, NEVER, NocState, Records, TerminalState
from accelsim.timing.tables import AxonTables, NocTables, StepWork


@inlined
def clear_terminals(noc: NocTables, work: StepWork, state: TerminalState) -> None:
    """Put every terminal at the beginning of its work."""
    state.source_credits[:] = noc.buffer
    state.scalars[:] = 0
    for index in range(state.terminal.size):
        terminal = state.terminal[index]
        terminal.unwritten = 0
        terminal.written = work.fired_ptr[index]
        terminal.taken = work.fired_ptr[index]
        terminal.burst = work.burst_ptr[index]
        terminal.entry = 0
        terminal.entry_wait = -1
        terminal.injection_head = 0
        terminal.injection_count = 0
        terminal.sent_flits = 0
        terminal.source_vc = noc.vcs - 1
        terminal.source_wait = -1
        terminal.queue_head = 0
        terminal.queue_count = 0
        terminal.looked_up = -1
        terminal.row_end = 0
        terminal.due_at = -1
        terminal.wake = NEVER
        terminal.place = -1


@inlined
def start_burst(work: StepWork, state: TerminalState, count: Records, terminal: int, now: int) -> None:
    """Start the next burst of the neuron engine; bursts that fire nothing end the scan without a write-back."""
    state.terminal[terminal].writeback = NEVER
    at = state.terminal[terminal].burst
    if at == work.burst_ptr[terminal + 1]:
        return
    end = now + work.burst_cycles[at]
    count[terminal].scan_end = end
    count[terminal].scan_cycles += work.burst_cycles[at]
    count[terminal].bursts += 1
    if work.burst_fired[at] > 0:
        state.terminal[terminal].writeback = end
        state.terminal[terminal].unwritten = work.burst_fired[at]


@inlined
def _source_side(
    noc: NocTables,
    axons: AxonTables,
    work: StepWork,
    noc_state: NocState,
    state: TerminalState,
    count: Records,
    terminal: int,
    now: int,
) -> int:
    """Injection, axon-out and write-back; return 1 when something moved."""
    moved = 0
    queue_depth = noc.terminals[terminal].injection_queue
    queue_room = queue_depth - state.terminal[terminal].injection_count
    fifo_room = noc.terminals[terminal].spike_fifo - (state.terminal[terminal].written - state.terminal[terminal].taken)
    if state.terminal[terminal].injection_count > 0:
        axon = state.injection[terminal, state.terminal[terminal].injection_head]
        flits = axons.costs[axons.axon[axon].cost].flits
        done = inject(noc, noc_state, state.terminal[terminal], state.source_credits, terminal, axon, flits, now)
        if done == BLOCKED:
            if state.terminal[terminal].source_wait < 0:
                state.terminal[terminal].source_wait = now
        else:
            moved = 1
            if state.terminal[terminal].source_wait >= 0:
                count[terminal].no_credit += now - state.terminal[terminal].source_wait
                state.terminal[terminal].source_wait = -1
            if count[terminal].first_flit < 0:
                count[terminal].first_flit = now
            count[terminal].flits_out += 1
            count[terminal].source_end = now + 1
            if done == SENT_TAIL:
                count[terminal].packets_out += 1
                state.terminal[terminal].injection_count -= 1
                following = state.terminal[terminal].injection_head + 1
                state.terminal[terminal].injection_head = 0 if following == queue_depth else following
    visible = state.terminal[terminal].written
    if state.terminal[terminal].taken < visible:
        neuron = work.fired[state.terminal[terminal].taken]
        first, last = axons.ptr[neuron], axons.ptr[neuron + 1]
        if first == last:
            state.terminal[terminal].taken += 1
            count[terminal].source_end = max(count[terminal].source_end, now + 1)
            moved = 1
        elif queue_room > 0:
            if state.terminal[terminal].entry_wait >= 0:
                count[terminal].injection_full += now - state.terminal[terminal].entry_wait
                state.terminal[terminal].entry_wait = -1
            slot = state.terminal[terminal].injection_head + state.terminal[terminal].injection_count
            if slot >= queue_depth:
                slot -= queue_depth
            state.injection[terminal, slot] = first + state.terminal[terminal].entry
            state.terminal[terminal].injection_count += 1
            count[terminal].routing_reads += 1
            state.terminal[terminal].entry += 1
            if first + state.terminal[terminal].entry == last:
                state.terminal[terminal].entry = 0
                state.terminal[terminal].taken += 1
            moved = 1
        elif state.terminal[terminal].entry_wait < 0:
            state.terminal[terminal].entry_wait = now
    if now >= state.terminal[terminal].writeback and fifo_room > 0:
        written = min(state.terminal[terminal].unwritten, fifo_room)
        state.terminal[terminal].written += written
        state.terminal[terminal].unwritten -= written
        count[terminal].fired += written
        moved = 1
        if state.terminal[terminal].unwritten == 0:
            count[terminal].fifo_full += now - state.terminal[terminal].writeback
            state.terminal[terminal].burst += 1
            start_burst(work, state, count, terminal, now)
    return moved


@inlined
def _synapse_side(
    noc: NocTables,
    axons: AxonTables,
    noc_state: NocState,
    state: TerminalState,
    count: Records,
    terminal: int,
    now: int,
) -> None:
    """Start the row whose axon was looked up, and look up the next packet's."""
    if state.terminal[terminal].looked_up >= 0 and now >= state.terminal[terminal].row_end:
        row = axons.costs[axons.axon[state.terminal[terminal].looked_up].cost]
        state.terminal[terminal].row_end = now + row.cycles
        state.terminal[terminal].looked_up = -1
        done = count[terminal]
        done.row_end = now + row.cycles
        done.row_cycles += row.cycles
        done.row_ideal += row.ideal
        done.row_conflict += row.conflict
        done.row_fetch += row.fetch
        done.row_lookup += row.lookup
        done.words += row.words
        done.sops += row.sops
        done.issued += row.issued
        done.state_words += row.state_words
        done.macs += row.macs
        done.loads += row.loads
    if state.terminal[terminal].looked_up < 0 and state.terminal[terminal].queue_count > 0:
        head = state.terminal[terminal].queue_head
        axon, vc = state.queue[terminal, head].axon, state.queue[terminal, head].vc
        state.terminal[terminal].queue_head = 0 if head + 1 == state.queue.shape[1] else head + 1
        state.terminal[terminal].queue_count -= 1
        state.terminal[terminal].looked_up = axon
        count[terminal].packets_in += 1
        port = noc.terminals[terminal].router * noc.ports + noc.terminals[terminal].port
        for _ in range(axons.costs[axons.axon[axon].cost].flits):
            post(noc_state, now + noc.credit, CREDIT_TO_ROUTER, port * noc.vcs + vc, 0)


@inlined
def cycle_terminal(
    noc: NocTables,
    axons: AxonTables,
    work: StepWork,
    noc_state: NocState,
    state: TerminalState,
    count: Records,
    terminal: int,
    now: int,
) -> int:
    """Execute one cycle of a terminal; return the next cycle in which it may act without outside cause."""
    moved = _source_side(noc, axons, work, noc_state, state, count, terminal, now)
    _synapse_side(noc, axons, noc_state, state, count, terminal, now)
    if moved:
        return now + 1
    wake: int = NEVER
    if state.terminal[terminal].writeback > now:
        wake = state.terminal[terminal].writeback
    if state.terminal[terminal].looked_up >= 0:
        wake = min(wake, max(state.terminal[terminal].row_end, now + 1))
    return wake


@inlined
def receive(state: TerminalState, count: Records, terminal: int, vc: int, axon: int) -> None:
    """Store a packet whose tail has arrived."""
    depth = state.queue.shape[1]
    slot = state.terminal[terminal].queue_head + state.terminal[terminal].queue_count
    if slot >= depth:
        slot -= depth
    state.queue[terminal, slot].axon = axon
    state.queue[terminal, slot].vc = vc
    state.terminal[terminal].queue_count += 1
    count[terminal].queue_peak = max(count[terminal].queue_peak, state.terminal[terminal].queue_count)
