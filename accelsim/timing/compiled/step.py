"""One hardware step in compiled form: deliver, terminals, routers, then jump to the next cycle with something to do."""

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.router import (
    arrive,
    begin_cycle,
    clear_noc,
    cycle_routers,
    next_event,
    receive_credit,
)
from accelsim.timing.compiled.state import (
    CREDIT_TO_ROUTER,
    DUE,
    HEAPED,
    NEVER,
    PENDING,
    TAIL,
    TO_ROUTER,
    TO_TERMINAL,
    Int64s,
    NocState,
    Records,
    TerminalState,
)
from accelsim.timing.compiled.terminal import clear_terminals, cycle_terminal, receive, start_burst
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import AxonTables, NocTables, StepWork

_SHIFT = 16  # low bits of a heap key hold the terminal


@inlined
def _call(state: TerminalState, terminal: int, now: int) -> None:
    """Have a terminal executed in this cycle, once."""
    if state.terminal[terminal].due_at != now:
        state.terminal[terminal].due_at = now
        state.due[state.scalars[DUE]] = terminal
        state.scalars[DUE] += 1


@inlined
def _sift_up(heap: Int64s, at: int, key: int) -> None:
    """Enter ``key`` into a binary heap whose entries before ``at`` are in order."""
    while at > 0:
        parent = (at - 1) >> 1
        if heap[parent] <= key:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = key


@inlined
def _push(state: TerminalState, at: int, terminal: int) -> None:
    """Enter a wake-up; only a terminal's earliest entry counts, others are dropped when they surface."""
    if state.terminal[terminal].wake <= at:
        return
    state.terminal[terminal].wake = at
    heap = state.heap
    size = state.scalars[HEAPED]
    if size == heap.size:  # only stale entries can fill it: keep those that count
        size = 0
        for k in range(heap.size):
            key = heap[k]
            owner = key & ((1 << _SHIFT) - 1)
            if state.terminal[owner].wake == key >> _SHIFT and owner != terminal:
                _sift_up(heap, size, key)
                size += 1
        state.scalars[HEAPED] = size
    _sift_up(heap, size, (at << _SHIFT) | terminal)
    state.scalars[HEAPED] += 1


@inlined
def _pop(state: TerminalState) -> None:
    heap = state.heap
    state.scalars[HEAPED] -= 1
    size = state.scalars[HEAPED]
    key = heap[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key


@inlined
def _next_wake(state: TerminalState) -> int:
    """Return the earliest wake-up that still counts, or NEVER."""
    while state.scalars[HEAPED] > 0:
        at: int = state.heap[0] >> _SHIFT
        terminal = state.heap[0] & ((1 << _SHIFT) - 1)
        if state.terminal[terminal].wake == at:
            return at
        _pop(state)
    return NEVER


@loop_kernel
def run_step(
    noc: NocTables,
    axons: AxonTables,
    work: StepWork,
    noc_state: NocState,
    state: TerminalState,
    count: Records,
    router_count: Records,
    links: Int64s,
    summary: Records,
) -> None:
    """Simulate one hardware step.

    Parameters
    ----------
    noc, axons, work
        The chip and the work of the step.
    noc_state, state
        Scratch of this worker.
    count : (terminals,) TERMINAL_COUNT
    router_count : (routers,) ROUTER_COUNT
    links : (routers, ports) int64
        Added to.
    summary : (1,) STEP
        Overwritten.
    """
    clear_noc(noc, noc_state)
    clear_terminals(noc, work, state)
    terminals = noc.terminals.size
    vcs = noc.vcs
    for terminal in range(terminals):
        count[terminal].first_flit = -1
        start_burst(work, state, count, terminal, 0)
        if state.terminal[terminal].writeback < NEVER:
            _push(state, state.terminal[terminal].writeback, terminal)
    mask = noc_state.wheel_count.size - 1
    now = 0
    following = _next_wake(state)
    while following < NEVER:
        now = following
        state.scalars[DUE] = 0
        begin_cycle(noc_state, now)
        slot = now & mask
        for k in range(noc_state.wheel_count[slot]):
            where, flit = noc_state.wheel[slot, k].where, noc_state.wheel[slot, k].flit
            kind, where = where & 3, where >> 2
            if kind == TO_ROUTER:
                arrive(noc, noc_state, where, flit, axons.rows[flit >> 2].terminal, now)
            elif kind == CREDIT_TO_ROUTER:
                receive_credit(noc, noc_state, where, now)
            elif kind == TO_TERMINAL:
                terminal = where // vcs
                count[terminal].flits_in += 1
                if flit & TAIL:
                    receive(state, count, terminal, where - terminal * vcs, flit >> 2)
                    _call(state, terminal, now)
            else:
                state.source_credits[where] += 1
                if state.terminal[where // vcs].injection_count > 0:
                    _call(state, where // vcs, now)
        noc_state.scalars[PENDING] -= noc_state.wheel_count[slot]
        noc_state.wheel_count[slot] = 0
        while _next_wake(state) == now:
            terminal = state.heap[0] & ((1 << _SHIFT) - 1)
            _pop(state)
            state.terminal[terminal].wake = NEVER
            _call(state, terminal, now)
        for k in range(state.scalars[DUE]):
            terminal = state.due[k]
            wake = cycle_terminal(noc, axons, work, noc_state, state, count, terminal, now)
            if wake < NEVER:
                _push(state, wake, terminal)
        cycle_routers(noc, noc_state, router_count, links, axons.rows, now)
        following = _next_wake(state)
        event = next_event(noc_state, now)
        if event >= 0:
            following = min(following, event)
    _summarise(noc, work, state, noc_state, count, summary)


@inlined
def _summarise(
    noc: NocTables, work: StepWork, state: TerminalState, noc_state: NocState, count: Records, summary: Records
) -> None:
    """Write E, the packet counts, and whether everything that began has ended."""
    end = injected = delivered = 0
    finished = True
    for channel in range(noc_state.channel.size):
        if noc_state.channel[channel].count > 0:
            finished = False
    for terminal in range(noc.terminals.size):
        done = count[terminal]
        end = max(end, done.scan_end, done.source_end, done.row_end)
        injected += done.packets_out
        delivered += done.packets_in
        if (
            state.terminal[terminal].written != work.fired_ptr[terminal + 1]
            or state.terminal[terminal].taken != state.terminal[terminal].written
            or state.terminal[terminal].injection_count > 0
            or state.terminal[terminal].queue_count > 0
            or state.terminal[terminal].looked_up >= 0
        ):
            finished = False
    summary[0].end = end
    summary[0].injected = injected
    summary[0].delivered = delivered
    summary[0].status = STATUS_DONE if finished else STATUS_DEADLOCK
