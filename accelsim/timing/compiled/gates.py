"""Terminals without a barrier, in compiled form: each is in a step of its own and enters the next when it may.

The gate of a step opens in a cycle that is known as soon as the last packet that it waits for has been received: the
end of its row is known then. ``outstanding`` counts packets that have been made and not processed. Once the tokens of
all sources are there, all packets are made, so that it is zero exactly when the announced packets have been processed.
Rules: docs/timing-model.md, section 5.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined
from accelsim.timing.compiled.calendar import NEVER
from accelsim.timing.compiled.sink import receive
from accelsim.timing.compiled.source import clear_source, next_packet
from accelsim.timing.compiled.state import Int64s, Records, TerminalState
from accelsim.timing.tables import (
    ANNOUNCES,
    FREES,
    PORT_FREES,
    PORT_SLOTS,
    TAG,
    TAGS,
    AxonTables,
    StepWork,
    TokenTables,
)
from accelsim.timing.work_kernels import build_terminal

Int32s = npt.NDArray[np.int32]

COST_OF_LOAD = (1 << TAG) - 1
"""The part of a load that is the number of a cost or, of a multicast packet, of an axon; the step lies above it."""


class Gates(NamedTuple):
    """What terminals that keep step by tokens need; arrays are (steps, terminals).

    ``announced``, ``freed`` and ``passed`` count tokens: of sources, target cores, target ports. ``ready``, ``free_at``
    and ``passed_at`` are the cycles in which the packets of a step are processed, and these are done with it, NEVER
    until it is known. ``work`` and ``scratch`` are those of
    :mod:`accelsim.timing.work`, ``sample`` holds one number, ``scans`` what the neuron engines of each step did.
    """

    tokens: TokenTables
    work: Any
    scratch: Any
    sample: Int64s
    scans: Records
    outstanding: Int32s
    announced: Int32s
    freed: Int32s
    passed: Int32s
    ready: Int64s
    free_at: Int64s
    passed_at: Int64s


def allocate_gates(tokens: TokenTables, work: Any, scratch: Any, scans: Records) -> Gates:
    """Return the gates of a sample before its first step."""
    shape = (work.steps, len(tokens.marker))
    return Gates(
        tokens,
        work,
        scratch,
        np.zeros(1, np.int64),
        scans,
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
    )


def clear_gates(gates: Gates, sample: int) -> None:
    """Begin a sample."""
    gates.sample[0] = sample
    gates.outstanding[:] = 0
    gates.announced[:] = 0
    gates.freed[:] = 0
    gates.passed[:] = 0
    gates.passed_at[:] = NEVER
    gates.ready[:] = NEVER
    gates.free_at[:] = NEVER


@inlined
def _gate(gates: Gates, step: int, terminal: int) -> int:
    """Return the cycle from which a terminal that is in ``step`` may enter the next, NEVER if that is not known."""
    at = 0
    if gates.tokens.upstream[terminal] > 0:
        at = gates.ready[step, terminal]
        if at < NEVER:
            at += gates.tokens.drain
    past = step + 2 - gates.tokens.slots
    if past >= 0 and gates.tokens.downstream[terminal] > 0:
        at = max(at, gates.free_at[past, terminal])
    past = step + 2 - PORT_SLOTS
    if past >= 0 and gates.tokens.ports[terminal] > 0:
        at = max(at, gates.passed_at[past, terminal])
    return at


@inlined
def enter(gates: Gates, source: Any, terminal: int, step: int, at: int) -> None:
    """Put a terminal at the beginning of a step, in cycle ``at``."""
    scratch = gates.scratch
    first, fired = scratch.burst_ptr[terminal], scratch.fired_ptr[terminal]
    last, end = build_terminal(
        gates.work, gates.sample[0], step, terminal, scratch, gates.scans[step], first, fired
    )
    if gates.tokens.marker[terminal] >= 0:
        scratch.burst_cycles[last], scratch.burst_fired[last] = 0, 1
        scratch.fired[end] = gates.tokens.marker[terminal]
        last += 1
        end += 1
    source.step = step
    source.gated = False
    source.burst = first
    source.last_burst = last
    source.taken = fired
    source.last_taken = end
    source.written_at = at


@inlined
def _expect(axons: AxonTables, gates: Gates, source: Any) -> None:
    """Note the terminals that the packet at the head of the injection queue will reach."""
    if source.token:
        return
    if axons.root.size > 0:
        for axon in range(source.load, source.entry):
            gates.outstanding[source.step, axons.axon[axon].terminal] += 1
    else:
        gates.outstanding[source.step, source.target] += 1


@inlined
def next_of_gated(
    axons: AxonTables, work: StepWork, gates: Gates, state: TerminalState, count: Records, place: Any, terminal: int
) -> int:
    """Bring the next packet to the head of the injection queue, from the next steps too as far as gates are open.

    Returns as :func:`accelsim.timing.compiled.source.next_packet`.
    """
    source = state.terminal[terminal]
    found = NEVER
    while True:
        if not source.gated:
            found = next_packet(axons, work, state, count[source.step], place, terminal)
            if source.pending:
                _expect(axons, gates, source)
                source.load |= (source.step & (TAGS - 1)) << TAG
                break
            source.gated = True
        if source.step + 1 == gates.work.steps:
            break
        at = _gate(gates, source.step, terminal)
        if at >= NEVER:
            break
        enter(gates, source, terminal, source.step + 1, max(at, source.written_at))
    return found


@inlined
def step_of_gated(load: int, state: TerminalState, terminal: int) -> int:
    """Return the step in which a packet was sent to a terminal, the row of its counts: one near its own."""
    own = state.terminal[terminal].step
    return own + (((load >> TAG) - own + TAGS // 2) & (TAGS - 1)) - TAGS // 2  # type: ignore[no-any-return]


@inlined
def arrive_at_gated(
    axons: AxonTables, gates: Gates, state: TerminalState, count: Records, terminal: int, load: int, now: int
) -> tuple[int, int, bool]:
    """Take a packet whose tail arrives in cycle ``now``.

    Returns its look-up, its flits, and whether the terminal may now enter a step.
    """
    step, cost = step_of_gated(load, state, terminal), load & COST_OF_LOAD
    looked_up = receive(axons.costs[cost], cost >= axons.tokens, state, count[step], terminal, now)
    sink, tokens = state.terminal[terminal], gates.tokens
    if cost >= axons.tokens:
        kind = cost - axons.tokens + 1
        if kind & ANNOUNCES:
            gates.announced[step, terminal] += 1
        if kind & FREES:
            gates.freed[step, terminal] += 1
            if gates.freed[step, terminal] == tokens.downstream[terminal]:
                gates.free_at[step, terminal] = sink.row_end
        if kind & PORT_FREES:
            gates.passed[step, terminal] += 1
            if gates.passed[step, terminal] == tokens.ports[terminal]:
                gates.passed_at[step, terminal] = sink.row_end
    else:
        gates.outstanding[step, terminal] -= 1
    if (
        gates.ready[step, terminal] == NEVER
        and gates.outstanding[step, terminal] == 0
        and gates.announced[step, terminal] == tokens.upstream[terminal]
    ):
        gates.ready[step, terminal] = sink.row_end
    may_enter = sink.gated and _gate(gates, sink.step, terminal) < NEVER
    return looked_up, axons.costs[cost].flits, may_enter


@inlined
def begin_gated(work: StepWork, gates: Gates, state: TerminalState, terminal: int) -> None:
    """Put a terminal at the beginning of its first step."""
    clear_source(work, state, terminal)
    enter(gates, state.terminal[terminal], terminal, 0, 0)


@inlined
def next_of_step(
    axons: AxonTables, work: StepWork, _gates: Any, state: TerminalState, count: Records, place: Any, terminal: int
) -> int:
    """Do as :func:`next_of_gated`, in a single step."""
    return next_packet(axons, work, state, count[0], place, terminal)


@inlined
def arrive_in_step(
    axons: AxonTables, _gates: Any, state: TerminalState, count: Records, terminal: int, load: int, now: int
) -> tuple[int, int, bool]:
    """Do as :func:`arrive_at_gated`, in a single step."""
    looked_up = receive(axons.costs[load], load >= axons.tokens, state, count[0], terminal, now)
    return looked_up, axons.costs[load].flits, False


@inlined
def only_step(_load: int, _state: TerminalState, _terminal: int) -> int:
    """Return the row of the counts of a single step."""
    return 0


@inlined
def begin_step(work: StepWork, _gates: Any, state: TerminalState, terminal: int) -> None:
    """Put a terminal at the beginning of a single step."""
    clear_source(work, state, terminal)


GATED = (begin_gated, next_of_gated, arrive_at_gated, step_of_gated)
IN_STEP = (begin_step, next_of_step, arrive_in_step, only_step)
"""What differs between terminals that keep step by tokens and those of a single step; a kernel is built from either."""
