"""The sink side of a terminal in compiled form: input queue, axon look-up and row stage as recurrences.

Packets are looked up in the order of their tails, so when one arrives in cycle t its future is known:

    look-up l = max(t, start of the row before),    row start r = max(l + 1, end of the row before)

Nothing has to happen in those cycles; only the router is told from when on the slots of the input queue are free again.
Rules: docs/timing-model.md, section 2.
"""

from typing import Any

import numpy as np

from accelsim.kernels import inlined
from accelsim.timing.compiled.state import Records, TerminalState


@inlined
def clear_sink(state: TerminalState, index: int) -> None:
    """Empty the sink of a terminal."""
    sink = state.terminal[index]
    sink.row_start = 0
    sink.row_end = 0
    sink.waiting_head = 0
    sink.waiting = 0


@inlined
def count_row(done: Any, cost: Any) -> None:
    """Add what the row of a packet does to the counts of its terminal."""
    done.row_cycles += cost.cycles
    done.row_ideal += cost.ideal
    done.row_conflict += cost.conflict
    done.row_fetch += cost.fetch
    done.row_lookup += cost.lookup
    done.words += cost.words
    done.sops += cost.sops
    done.issued += cost.issued
    done.state_words += cost.state_words
    done.macs += cost.macs
    done.loads += cost.loads


@inlined
def receive(cost: Any, is_token: bool, state: TerminalState, count: Records, terminal: int, now: int) -> int:
    """Take a packet, or a token, of this COST whose tail arrives in cycle ``now``; return the cycle of its look-up."""
    sink, done = state.terminal[terminal], count[terminal]
    depth = state.looked_up.shape[1]
    while sink.waiting > 0 and state.looked_up[terminal, sink.waiting_head] < now:
        sink.waiting_head = 0 if sink.waiting_head + 1 == depth else sink.waiting_head + 1
        sink.waiting -= 1
    if sink.waiting == 0:
        sink.waiting_head = 0  # few lines of the cache, again and again
    look_up = max(now, sink.row_start)
    slot = np.int64(sink.waiting_head) + sink.waiting
    state.looked_up[terminal, slot if slot < depth else slot - depth] = look_up
    sink.waiting += 1
    done.queue_peak = max(done.queue_peak, sink.waiting)
    sink.row_start = max(look_up + 1, sink.row_end)
    sink.row_end = sink.row_start + cost.cycles
    if is_token:
        done.tokens_in += 1
    else:
        done.packets_in += 1
    done.row_end = sink.row_end
    count_row(done, cost)
    return look_up  # type: ignore[no-any-return]
