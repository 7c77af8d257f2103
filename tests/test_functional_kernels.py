"""Kernels of the executor against naive twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.functional.kernels import begin_step, end_step, gather, list_counts, wrap


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), states=st.integers(0, 3), samples=st.integers(1, 5), neurons=st.integers(1, 40),
    rate=st.floats(0, 1),
)
def test_a_step_begins_and_ends_as_numpy_says(seed, states, samples, neurons, rate):
    rng = np.random.default_rng(seed)
    fired = (rng.integers(1, 70_000, (samples, neurons)) * (rng.random((samples, neurons)) < rate)).astype(np.uint16)
    touched = (rng.random((samples, neurons)) < rate).astype(np.uint8)
    ptr, index = np.empty(samples + 1, np.int64), np.empty(samples * neurons + 1, np.int32)
    bits = np.full((samples, (neurons + 7) // 8), 255, np.uint8)
    end_step(fired, touched, bits, ptr, index)
    for sample in range(samples):
        assert index[ptr[sample] : ptr[sample + 1]].tolist() == np.flatnonzero(fired[sample]).tolist()
    assert np.array_equal(bits, np.packbits(touched, axis=1))
    count, value = np.zeros(ptr[-1], np.uint16), np.zeros(ptr[-1], np.float32)
    list_counts(fired, ptr, index, count, value)
    assert count.tolist() == value.tolist() == fired[fired > 0].tolist()
    state, base = rng.integers(-1, 2, (states, samples, neurons), np.int32), rng.integers(-9, 9, (1, neurons), np.int32)
    current, marks = np.full((samples, neurons), 77, np.int32), np.full_like(touched, 77)
    begin_step(state, base, touched, bits, current, marks)
    assert np.array_equal(bits, np.packbits((state != 0).any(axis=0), axis=1))
    assert np.array_equal(current, np.broadcast_to(base, current.shape))
    assert np.array_equal(marks, touched)
    begin_step(state, current, touched[:0], bits, current.copy(), marks)
    assert not marks.any()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), max_size=10))
def test_gather(segments):
    values = np.arange(100, 130, dtype=np.int32)
    start = np.array([at for at, _ in segments], np.int64)
    count = np.array([n for _, n in segments], np.int64)
    out = np.empty(count.sum(), np.int32)
    gather(values, start, count, out)
    assert out.tolist() == [100 + at + i for at, n in segments for i in range(n)]


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=8), bits=st.integers(2, 32))
def test_wrap(values, bits):
    out = np.empty((1, len(values)), np.int32)
    overflows = wrap(np.array([values], np.int64), bits, out)
    half = 1 << (bits - 1)
    assert out[0].tolist() == [(value + half) % (2 * half) - half for value in values]
    assert overflows == sum(not -half <= value < half for value in values)
