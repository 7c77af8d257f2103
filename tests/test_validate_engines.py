"""The compiled engine against the reference on thousands of generated machines; run by ``make validate``."""

import pytest
from test_timing_engines import (
    CHIPS,
    FIXED_BARS,
    FIXED_STEPS,
    FORK_BARS,
    FORKS,
    GRAPH_BARS,
    GRAPHS,
    STEP_BARS,
    STEPS,
    WIDE_BARS,
    WIDES,
    compare_chip,
    compare_chips,
    compare_forks,
    compare_steps,
)
from timing_cases import random_graph_sample, random_wide_sample

pytestmark = pytest.mark.validate

_CHUNK = 200
_LESS = 4.0
"""Bars of 40 cases hold for each chunk of 200 with this factor at least: a larger sample wanders less."""


def _bars(bars):
    return {name: round(bar * _LESS) for name, bar in bars.items()}


@pytest.mark.parametrize("chunk", range(16))
def test_generated_steps(chunk):
    first = STEPS + chunk * _CHUNK
    compare_steps(range(first, first + _CHUNK), _bars(STEP_BARS), fixed=False)


@pytest.mark.parametrize("chunk", range(7))
def test_fixed_latency_networks(chunk):
    first = FIXED_STEPS + chunk * _CHUNK
    compare_steps(range(first, first + _CHUNK), _bars(FIXED_BARS), fixed=True)


@pytest.mark.parametrize("chunk", range(12))
def test_any_graph(chunk):
    first = GRAPHS + chunk * 100
    compare_chips(range(first, first + 100), GRAPH_BARS, random_graph_sample)


@pytest.mark.parametrize("chunk", range(8))
def test_whole_chips(chunk):
    first = CHIPS + chunk * 100
    for seed in range(first, first + 100):
        compare_chip(seed)


@pytest.mark.parametrize("chunk", range(8))
def test_networks_that_fork(chunk):
    first = FORKS + chunk * _CHUNK
    compare_forks(range(first, first + _CHUNK), _bars(FORK_BARS))


@pytest.mark.parametrize("chunk", range(4))
def test_any_topology(chunk):
    first = WIDES + chunk * 100
    compare_chips(range(first, first + 100), WIDE_BARS, random_wide_sample)
