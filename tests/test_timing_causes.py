"""Where the cycles of a step went: parts that are never negative, sum to the step, and say what the examples say."""

import numpy as np
import pytest
from timing_builders import axon_tables, compile_and_build, line, network, run_step, step_work
from timing_cases import random_sample

from accelsim.timing.causes import CAUSES, step_causes
from accelsim.timing.engine import Chunk
from accelsim.timing.records import SCAN_COUNT
from accelsim.timing.simulate import simulate
from accelsim.timing.spans import barrier_spans


def causes(bursts, reaches, rows, **depths) -> dict[str, int]:
    """Causes of one step of two cores in a row in which core 0 scans; drain 2, barrier 5."""
    step = run_step("compiled", network(line(2), **depths), axon_tables(reaches, rows), step_work([bursts, []]))
    chunk = Chunk(
        0, step.terminals[None], step.routers[None], step.links[None], np.zeros((1, 0), SCAN_COUNT), step.summary
    )
    found = dict(zip(CAUSES, step_causes(chunk, barrier_spans(step.summary, 2, 5, 0))[0].tolist(), strict=True))
    assert sum(found.values()) == step.end + 2 + 5
    return found


def named(**values) -> dict[str, int]:
    return {**dict.fromkeys(CAUSES, 0), "drain": 2, "barrier": 5, **values}


def test_example_a():
    row = {"terminal": 1, "cycles": 5, "ideal": 1, "conflict": 2, "fetch": 1, "lookup": 1}
    found = causes([(1, [0])], [[0]], [row])
    assert found == named(neuron_scan=1, network=15, accumulate=1, bank_conflict=2, synapse_fetch=1, axon_lookup=1)


def test_example_d_stalls_after_its_only_group():
    """The scan takes 1 cycle and then waits 8 for the FIFO; six rows of 1 cycle; the rest of 27 is the network."""
    found = causes(
        [(1, [0, 1, 2])], [[0, 1], [2, 3], [4, 5]], [{"terminal": 0, "cycles": 1}] * 6, spike_fifo=1, injection_queue=1
    )
    assert found == named(neuron_scan=1, source_blocked=8, network=12, accumulate=6)


def test_a_step_that_ends_with_a_scan():
    assert causes([(30, [])], [[]], [{}]) == named(neuron_scan=30)


def test_an_empty_step_is_drain_and_barrier():
    assert causes([], [[]], [{}]) == named()


@pytest.mark.parametrize("chunk", range(4))
def test_parts_are_never_negative_and_sum_to_the_step(chunk):
    for seed in range(chunk * 10, chunk * 10 + 10):
        net, events, spec = random_sample(seed)
        machine, mapping = compile_and_build(net, events, spec)
        result = simulate(machine, spec, mapping, "compiled", 1)
        assert (result.causes >= 0).all(), (
            f"seed {seed}: {dict(zip(CAUSES, result.causes.min(axis=(0, 1)), strict=True))}"
        )
        assert np.array_equal(result.causes.sum(axis=2), result.step_cycles)
