"""What cores are bound by: hand-made steps, and a run whose shares add up to its cycles."""

import numpy as np
import pytest
from pipeline_builders import run_flow

from accelsim.timing.bounds import BOUNDS, CoreBounds, core_split
from accelsim.timing.causes import BOUND_OF, CAUSES
from accelsim.timing.engine import Chunk
from accelsim.timing.records import SCAN_COUNT, STEP, TERMINAL_COUNT

FIELDS = ("scan_cycles", "scan_end", "source_end", "row_end", "row_ideal", "row_conflict", "row_fetch", "row_lookup")


def chunk_of(*cores):
    """Return one job; a core is a tuple of the values of FIELDS."""
    terminals = np.zeros((1, len(cores)), TERMINAL_COUNT)
    for at, values in enumerate(cores):
        for name, value in zip(FIELDS, values, strict=True):
            terminals[name][0, at] = value
    nothing = np.zeros((1, 0), np.int64)
    return Chunk(0, terminals, nothing, nothing, np.zeros((1, 0), SCAN_COUNT), np.zeros(1, STEP))


@pytest.mark.parametrize(
    ("core", "split"),
    [
        ((10, 10, 12, 90, 50, 20, 5, 1), [50, 26, 14, 30]),  # rows end last: 76 of 90 cycles busy
        ((10, 10, 12, 90, 20, 30, 25, 5), [20, 60, 10, 30]),
        ((40, 40, 45, 30, 20, 5, 0, 0), [40, 0, 5, 75]),  # axon-out ends last
        ((40, 95, 97, 30, 20, 5, 0, 0), [40, 0, 57, 23]),  # its FIFO was full
        ((0, 0, 0, 0, 0, 0, 0, 0), [0, 0, 0, 120]),
        ((70, 70, 70, 70, 60, 0, 0, 0), [60, 0, 10, 50]),  # both end together: rows
    ],
)
def test_by_hand(core, split):
    assert core_split(chunk_of(core), np.array([120]), 1)[0, 0].tolist() == split


def test_verdicts_and_their_steps():
    bounds = CoreBounds(1, 1, 3)
    chunk = chunk_of((10, 10, 12, 90, 50, 20, 5, 1), (10, 10, 12, 90, 20, 30, 25, 5), (0,) * 8)
    bounds.add(chunk, np.array([120]))
    assert bounds.verdicts() == ["compute", "memory", "barrier"]
    assert bounds.steps[0].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_every_cause_is_one_bound():
    assert set(BOUND_OF) <= set(CAUSES)
    assert set(BOUND_OF.values()) == set(BOUNDS) - {"barrier"}


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_shares_of_a_run_add_up(engine):
    result, run = run_flow("dense_256", "small", samples=1, engine=engine)
    cycles = run.timing.step_cycles.sum(axis=1)
    assert (run.steps.bounds.cycles.sum(axis=2) == cycles[:, None]).all()
    assert (run.steps.bounds.steps.sum(axis=2) == run.timing.step_cycles.shape[1]).all()
    table = result.cores
    np.testing.assert_allclose(sum(table[f"{name}_share"] for name in BOUNDS), 1)
    used = table["neurons"] > 0
    for at in np.flatnonzero(used):
        shares = [table[f"{name}_share"][at] for name in BOUNDS]
        assert table["bound"][at] == BOUNDS[int(np.argmax(shares))]
    assert set(table["bound"][~used]) <= {""}
    assert set(result.steps["bound"]) <= set(BOUNDS)
