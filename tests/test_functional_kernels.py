"""Kernels of the executor against naive twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.functional.kernels import collect, gather, wrap


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 5), neurons=st.integers(1, 40), rate=st.floats(0, 1))
def test_collect(seed, samples, neurons, rate):
    fired = (np.random.default_rng(seed).random((samples, neurons)) < rate).astype(np.uint8)
    ptr, index = np.empty(samples + 1, np.int64), np.empty(samples * neurons + 1, np.int32)
    collect(fired, ptr, index)
    for sample in range(samples):
        assert index[ptr[sample] : ptr[sample + 1]].tolist() == np.flatnonzero(fired[sample]).tolist()


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
