"""One hardware step in compiled form: deliver, inject, routers, then jump to the next cycle with something to do."""

from collections.abc import Callable
from typing import Any

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.calendar import NEVER, next_wake, set_wake, take_due
from accelsim.timing.compiled.calls import begin_cycle, call_now, next_event
from accelsim.timing.compiled.gates import COST_OF_LOAD, GATED, IN_STEP
from accelsim.timing.compiled.multicast import arrive_to_fork, cycle_fork
from accelsim.timing.compiled.prefetch import prefetch
from accelsim.timing.compiled.router import arrive, clear_noc, cycle_router, release
from accelsim.timing.compiled.single import cycle_single
from accelsim.timing.compiled.sink import clear_sink
from accelsim.timing.compiled.source import BLOCKED, SENT_TAIL, inject, injected
from accelsim.timing.compiled.state import (
    DUE_ROUTERS,
    EJECTED_FLITS,
    TAIL,
    Int64s,
    NocState,
    Records,
    TerminalState,
    flit_load,
)
from accelsim.timing.compiled.wheel import FLIT, free_event, take_slot
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import AxonTables, NocTables, StepWork

StepKernel = Callable[..., None]


@inlined
def _send(
    noc: NocTables, noc_state: NocState, state: TerminalState, count: Records, terminal: int, now: int
) -> bool:
    """Try to send the next flit of a terminal; without credit it waits to be woken.

    Returns whether its next packet may come to the head of the injection queue.
    """
    source = state.terminal[terminal]
    if not source.pending:
        return True
    done = count[source.step, terminal]
    sent = inject(noc, noc_state, source, terminal, now)
    if sent == BLOCKED:
        if source.asked < 0:
            source.asked = now
        return False
    if source.asked >= 0:
        done.no_credit += now - source.asked
        source.asked = -1
    if done.first_flit < 0 and not source.token:
        done.first_flit = now
    done.flits_out += 1
    done.source_end = max(done.source_end, now + 1)
    if sent == SENT_TAIL:
        injected(state, done, noc.terminals[terminal], terminal, now)
        return True
    set_wake(noc_state.calendar, terminal, now + 1)
    return False


@inlined
def _summarise(
    noc: NocTables, state: TerminalState, noc_state: NocState, count: Records, summary: Records
) -> None:
    """Write E, the packet counts, and whether everything that began has ended."""
    end = made = injected = delivered = 0
    finished = True
    for channel in range(noc_state.channel.size):
        if noc_state.channel[channel].count > 0:
            finished = False
    for terminal in range(noc.terminals.size):
        done = count[terminal]
        end = max(end, done.scan_end, done.source_end, done.row_end)
        made += done.destinations
        injected += done.packets_out
        delivered += done.packets_in
        if state.terminal[terminal].pending or state.terminal[terminal].taken != state.terminal[terminal].last_taken:
            finished = False
    summary[0].end = end
    summary[0].injected = injected
    summary[0].delivered = delivered
    summary[0].status = STATUS_DONE if finished and made == delivered else STATUS_DEADLOCK


def step_kernel(single: bool, forks: bool, gated: bool) -> StepKernel:
    """Return the kernel of a step for routers that are :func:`is_single`, fork, or neither; only that is compiled.

    ``gated``: of all steps of a sample, which terminals enter by tokens.
    """
    begin, following, take, row = GATED if gated else IN_STEP

    @loop_kernel
    def run_step(
        noc: NocTables,
        axons: AxonTables,
        work: StepWork,
        gates: Any,
        noc_state: NocState,
        state: TerminalState,
        count: Records,
        router_count: Records,
        links: Int64s,
        summary: Records,
    ) -> None:
        """Simulate one hardware step, or the steps of a sample.

        Parameters
        ----------
        noc, axons, work
            The chip and the work of the step.
        gates : Gates
            Where steps are entered by tokens; anything elsewhere.
        noc_state, state
            Scratch of this worker.
        count : (steps, terminals) TERMINAL_COUNT
        router_count : (routers,) ROUTER_COUNT
        links : (routers, ports) int64
            Added to.
        summary : (steps,) STEP
            Overwritten; left to the caller where steps are entered by tokens.
        """
        clear_noc(noc, noc_state)
        wheel, calendar = noc_state.wheel, noc_state.calendar
        terminals = noc.terminals.size
        state.fifo_free[:] = 0
        state.injected[:] = -1
        for terminal in range(terminals):
            for step in range(count.shape[0]):
                count[step, terminal].first_flit = -1
            begin(work, gates, state, terminal)
            clear_sink(state, terminal)
            state.terminal[terminal].source_vc = noc.vcs - 1
            set_wake(calendar, terminal, 0)
        now = next_wake(calendar)
        while now < NEVER:
            begin_cycle(noc_state, now)
            event = take_slot(wheel, now)
            while event >= 0:
                where, flit = wheel.event[event].where, wheel.event[event].flit
                event = free_event(wheel, event)
                if event >= 0 and wheel.event[event].where & 1 == FLIT:
                    prefetch(noc_state.channel, wheel.event[event].where >> 1)
                if where & 1 == FLIT:
                    if forks:
                        arrive_to_fork(noc, noc_state, router_count, where >> 1, flit, now)
                    else:
                        arrive(noc, noc_state, where >> 1, flit, now)
                else:
                    call_now(noc_state, where >> 1, now)
            for k in range(take_due(calendar, now, noc_state.awake) if next_wake(calendar) == now else 0):
                item = noc_state.awake[k]
                if item >= terminals:
                    call_now(noc_state, item - terminals, now)
                elif _send(noc, noc_state, state, count, item, now):
                    at = following(axons, work, gates, state, count, noc.terminals[item], item)
                    if at < NEVER:
                        set_wake(calendar, item, max(now + 1, at))
            due = noc_state.scalars[DUE_ROUTERS]
            for k in range(due):
                if k + 1 < due:
                    prefetch(noc_state.router, noc_state.due[k + 1])
                if single:
                    cycle_single(noc, noc_state, router_count, links, noc_state.due[k], now)
                elif forks:
                    cycle_fork(noc, noc_state, router_count, links, noc_state.due[k], now)
                else:
                    cycle_router(noc, noc_state, router_count, links, noc_state.due[k], now)
            for k in range(noc_state.scalars[EJECTED_FLITS]):
                gone = noc_state.ejected[k]
                load = flit_load(gone.flit)
                count[row(load, state, gone.terminal), gone.terminal].flits_in += 1
                if gone.flit & TAIL:
                    if forks:
                        first = load & COST_OF_LOAD if gated else load
                        axon = first
                        while axons.axon[axon].terminal != gone.terminal:
                            axon += 1
                        load += axons.axon[axon].cost - first
                    looked_up, flits, may_enter = take(axons, gates, state, count, gone.terminal, load, gone.at)
                    release(noc, noc_state, gone.terminal, looked_up + noc.release, gone.vc, flits)
                    if may_enter:
                        set_wake(calendar, gone.terminal, now + 1)  # its gate opens later: the row has to end
            later = next_event(noc_state, now)
            now = next_wake(calendar)
            if later >= 0:
                now = min(now, later)
        if not gated:
            _summarise(noc, state, noc_state, count[0], summary)

    return run_step


run_single_step, run_general_step = step_kernel(True, False, False), step_kernel(False, False, False)
run_multicast_step = step_kernel(False, True, False)
run_single_sample, run_general_sample = step_kernel(True, False, True), step_kernel(False, False, True)
run_multicast_sample = step_kernel(False, True, True)
