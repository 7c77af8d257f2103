"""The calendar of the compiled engine: one entry per terminal, whatever wakes it and how often."""

import numpy as np
from timing_builders import Mesh, axon_tables, network

from accelsim.timing.compiled.state import allocate_noc, allocate_terminals
from accelsim.timing.compiled.step import run_step
from accelsim.timing.records import ROUTER_COUNT, STEP, TERMINAL_COUNT
from accelsim.timing.reference.step import run_step as reference_step
from accelsim.timing.tables import StepWork

_GUARD = 10_000


def busy_cores():
    """Four cores with rows of thousands of cycles, whose sources go on waking them: 400 spikes from core 1."""
    noc = network(Mesh((2, 2)), input_queue=4096, spike_fifo=4096, injection_queue=4)
    rows, reaches, fired, fired_ptr = [], [], [], [0]
    for core, spikes in enumerate((0, 400, 3, 2)):
        reaches += [[2 * core], [2 * core + 1]]
        rows += [{"terminal": core, "cycles": 5000 + core}, {"terminal": core ^ 1, "cycles": 1}]
        fired += [2 * core] * 2 + [2 * core + 1] * spikes
        fired_ptr.append(len(fired))
    work = StepWork(
        np.arange(5, dtype=np.int64),
        np.array([1, 2, 234, 235], np.int32),
        np.diff(fired_ptr).astype(np.int32),
        np.array(fired_ptr, np.int64),
        np.array(fired, np.int32),
    )
    return noc, axon_tables(reaches, rows), work


def test_a_terminal_that_is_woken_often_stays_within_the_calendar():
    noc, axons, work = busy_cores()
    state = allocate_terminals(noc)
    guarded = np.full(state.heap.size + _GUARD, -7, np.int64)
    state = state._replace(heap=guarded[: state.heap.size])

    def empty():
        return (
            np.zeros(len(noc.terminals), TERMINAL_COUNT),
            np.zeros(noc.routers, ROUTER_COUNT),
            np.zeros((noc.routers, noc.ports), np.int64),
            np.zeros(1, STEP),
        )

    ours, theirs = empty(), empty()
    run_step(noc, axons, work, allocate_noc(noc), state, *ours)
    reference_step(noc, axons, work, *theirs)
    assert (guarded[state.heap.size :] == -7).all(), "written past the calendar"
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert ours[3]["delivered"][0] == len(work.fired)
