"""Random traffic: patterns, exact counts per window, Bernoulli statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.validation.traffic import PATTERNS, all_to_one, bernoulli, hotspot, transpose, uniform


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("side", [3, 4, 8])
def test_shares_of_a_source_sum_to_one(pattern, side):
    shares = PATTERNS[pattern](side)
    assert shares.shape == (side * side, side * side)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()


def test_patterns_by_hand():
    assert np.flatnonzero(transpose(4)[1]).tolist() == [4]  # (1, 0) to (0, 1)
    assert np.flatnonzero(transpose(4)[14]).tolist() == [11]  # (2, 3) to (3, 2)
    assert np.flatnonzero(transpose(4)[5]).tolist() == [5]
    assert all_to_one(4)[:, 0].tolist() == [1] * 16
    assert np.allclose(hotspot(4)[7], [0.06] * 5 + [0.1] + [0.06] * 10)
    assert np.allclose(uniform(2), 0.25)


@given(
    pattern=st.sampled_from(sorted(PATTERNS)),
    load=st.floats(0.001, 1),
    flits=st.integers(1, 6),
    windows=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_a_trace_is_a_bernoulli_process_of_exactly_this_load(pattern, load, flits, windows, seed):
    shares = PATTERNS[pattern](4)
    trace = bernoulli(shares, load, flits, tuple(windows), seed)
    edges = np.concatenate(([0], np.cumsum(windows)))
    assert np.histogram(trace.created, edges)[0].tolist() == [round(load * 16 * cycles / flits) for cycles in windows]
    pairs = np.stack([trace.created, trace.source], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)  # a source makes at most one packet a cycle
    assert (np.diff(trace.created) >= 0).all()
    assert (shares[trace.source, trace.target] > 0).all()
    assert set(trace.flits) <= {flits}
    again = bernoulli(shares, load, flits, tuple(windows), seed)
    assert all(np.array_equal(a, b) for a, b in zip(vars(trace).values(), vars(again).values(), strict=True))


def test_destinations_and_gaps_have_the_right_distribution():
    trace = bernoulli(hotspot(4), 0.25, 1, (40_000,), 3)
    packets = len(trace.created)
    assert packets == 160_000
    counts = np.bincount(trace.target, minlength=16) / packets
    assert np.allclose(counts, hotspot(4)[0], atol=5 * np.sqrt(0.1 * 0.9 / packets))
    sources = np.bincount(trace.source, minlength=16) / packets
    assert np.allclose(sources, 1 / 16, atol=5 * np.sqrt(1 / 16 / packets))
    gaps = np.diff(trace.created[trace.source == 3])
    shares = np.bincount(gaps)[1:6] / len(gaps)
    assert np.allclose(shares, 0.25 * 0.75 ** np.arange(5), atol=0.02)  # geometric
