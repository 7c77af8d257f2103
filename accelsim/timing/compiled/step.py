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


@inlined
def _call(state: TerminalState, terminal: int, now: int) -> None:
    """Have a terminal executed in this cycle, once."""
    if state.terminal[terminal].due_at != now:
        state.terminal[terminal].due_at = now
        state.due[state.scalars[DUE]] = terminal
        state.scalars[DUE] += 1


@inlined
def _set_wake(state: TerminalState, at: int, terminal: int) -> None:
    """Have a terminal executed in cycle ``at`` unless it is called earlier; each stands in the heap at most once."""
    record = state.terminal[terminal]
    if record.wake <= at:
        return
    record.wake = at
    place = record.place
    if place < 0:
        place = state.scalars[HEAPED]
        state.scalars[HEAPED] += 1
    while place > 0:
        parent = (place - 1) >> 1
        above = state.heap[parent]
        if state.terminal[above].wake <= at:
            break
        state.heap[place] = above
        state.terminal[above].place = place
        place = parent
    state.heap[place] = terminal
    record.place = place


@inlined
def _take_first(state: TerminalState) -> int:
    """Remove and return the terminal that wakes first."""
    first = state.heap[0]
    state.terminal[first].place = -1
    state.terminal[first].wake = NEVER
    state.scalars[HEAPED] -= 1
    size = state.scalars[HEAPED]
    if size > 0:
        last = state.heap[size]
        at = state.terminal[last].wake
        place = 0
        while True:
            child = 2 * place + 1
            if child >= size:
                break
            other = min(child + 1, size - 1)
            if state.terminal[state.heap[other]].wake < state.terminal[state.heap[child]].wake:
                child = other
            below = state.heap[child]
            if state.terminal[below].wake >= at:
                break
            state.heap[place] = below
            state.terminal[below].place = place
            place = child
        state.heap[place] = last
        state.terminal[last].place = place
    return first  # type: ignore[no-any-return]


@inlined
def _next_wake(state: TerminalState) -> int:
    """Return the cycle in which the next terminal wakes, or NEVER."""
    if state.scalars[HEAPED] == 0:
        return NEVER
    return state.terminal[state.heap[0]].wake  # type: ignore[no-any-return]


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
            _set_wake(state, state.terminal[terminal].writeback, terminal)
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
                arrive(noc, noc_state, where, flit, axons.axon[flit >> 2].terminal, now)
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
            _call(state, _take_first(state), now)
        for k in range(state.scalars[DUE]):
            terminal = state.due[k]
            wake = cycle_terminal(noc, axons, work, noc_state, state, count, terminal, now)
            if wake < NEVER:
                _set_wake(state, wake, terminal)
        cycle_routers(noc, noc_state, router_count, links, axons.axon, now)
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
