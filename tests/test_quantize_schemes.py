"""Grids of any scale, asymmetric integers and powers of two; integer arithmetic against float32 on the same grid."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from accelsim.errors import NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.quantize import GRID, Quantization, quantize
from accelsim.network.quantize_levels import asymmetric_levels, grid_levels, power_of_two_levels
from accelsim.neurons.integrate_fire import IF


def neurons(size, threshold=1.0):
    return IF(np.full(size, threshold, np.float32), np.zeros(size, np.float32), "subtract", ">")


def network(weights, bias=None):
    weights = np.asarray(weights, np.float32)
    size = weights.shape[0]
    populations = {
        "input": Population("input", (weights.shape[1],), None),
        "out": Population("out", (size,), neurons(size), bias, np.ones(size)),
    }
    return Network("net", populations, (Projection("input", "out", dense(weights)),), 1e-3)


@settings(max_examples=200, deadline=None)
@given(arrays(np.int64, st.integers(1, 60), elements=st.integers(-32767, 32767)), st.floats(1e-6, 1e3))
def test_any_integers_times_a_scale_are_recovered(codes, scale):
    assume(codes.any())
    common = int(np.gcd.reduce(codes))
    levels = grid_levels((codes * np.float64(np.float32(scale))).astype(np.float32).astype(np.float64))
    assert levels is not None and levels.recognised
    top = int(np.abs(codes // common).max())
    if np.unique(np.abs(codes)).size > 8 or top <= 255:
        # Few large integers may lie on a coarser grid within float32's rounding: just as exact.
        np.testing.assert_array_equal(levels.integers, codes // common)
        assert levels.scale == pytest.approx(scale * common, rel=1e-6)
    assert levels.bits == max(2, int(np.abs(levels.integers).max()).bit_length() + 1) <= 16
    # Kept to the rounding of float32, whatever the grid.
    np.testing.assert_allclose(levels.integers * levels.scale, codes * np.float64(np.float32(scale)), rtol=2**-20)


def test_grid_keeps_integers_and_says_bits_and_scale():
    codes = np.array([[6, -24], [20, 0]])  # even, as Loihi's 8-bit weights are exported
    done = quantize(network(codes, np.array([4.0, -1.0], np.float32)), GRID)
    connection = done.projections[0].connection
    np.testing.assert_array_equal(connection.dense_matrix(), codes // 2)
    assert connection.bits == 5
    report = done.provenance["quantization"]
    assert report["scheme"] == "grid"
    assert report["populations"]["out"]["scale"] == [2.0, 2.0]
    assert report["populations"]["out"]["max_bias_error_steps"] == 0.5


def test_grid_is_found_per_channel_where_there_is_none_per_tensor():
    rng = np.random.default_rng(0)
    codes = rng.integers(-127, 128, (3, 40))
    codes[:, 0] = 127
    scales = np.array([0.013, 0.21, 0.0071])
    done = quantize(network((codes * scales[:, None]).astype(np.float32)), GRID)
    np.testing.assert_array_equal(done.projections[0].connection.dense_matrix(), codes)
    np.testing.assert_allclose(done.populations["out"].scale, scales, rtol=1e-6)
    assert done.provenance["quantization"]["populations"]["out"]["granularity"] == "channel"


def test_what_is_on_no_grid_is_refused():
    weights = np.random.default_rng(1).normal(size=(4, 100))
    with pytest.raises(NetworkError, match=r"population out: expected weights on a grid.* got 400 different"):
        quantize(network(weights), GRID)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 15), st.integers(0, 2**31), st.floats(-3, 3))
def test_asymmetric_integers_are_within_half_a_step_and_keep_zero(bits, seed, shift):
    weights = np.random.default_rng(seed).normal(size=50) + shift
    weights[:5] = 0
    levels = asymmetric_levels(weights, bits)
    codes = levels.integers + levels.zero_point
    assert codes.min() >= 0 and codes.max() < 2**bits
    assert (levels.integers[:5] == 0).all()  # what was pruned stays zero
    # The zero point is rounded: the ends of the range may lie one step and a half off, the rest half a step.
    assert np.abs(weights - levels.integers * levels.scale).max() <= levels.scale * 1.001
    half = 2 ** (levels.bits - 1)
    assert -half <= levels.integers.min() and levels.integers.max() < half
    assert levels.bits in (bits, bits + 1)


def test_an_asymmetric_range_of_one_sign_costs_a_bit():
    levels = asymmetric_levels(np.linspace(0, 1, 256), 8)
    assert levels.zero_point == 0 and levels.bits == 9 and levels.recognised
    done = quantize(network(np.linspace(0, 1, 256)[None]), Quantization(8, "tensor", "asymmetric"))
    assert done.projections[0].connection.bits == 9
    assert done.provenance["quantization"]["populations"]["out"]["zero_point"] == [0, 0]


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 5), st.integers(0, 2**31))
def test_powers_of_two_are_the_nearest(bits, seed):
    weights = np.random.default_rng(seed).normal(size=30)
    levels = power_of_two_levels(weights, bits)
    powers = 2.0 ** np.arange(2 ** (bits - 1) - 1)
    allowed = np.concatenate((-powers, [0], powers))
    assert np.isin(levels.integers, allowed).all()
    best = np.abs(weights[:, None] - allowed * levels.scale).min(axis=1)
    np.testing.assert_allclose(np.abs(weights - levels.integers * levels.scale), best, atol=1e-12)
    assert np.abs(levels.integers).max() < 2 ** (levels.bits - 1)
    assert levels.bits == 2 ** (bits - 1) <= 16


def test_exact_powers_of_two_are_kept():
    levels = power_of_two_levels(np.array([0.3, -0.15, 0.0, 0.0375]), 4)
    assert levels.recognised and levels.scale == pytest.approx(0.3 / 64)
    assert levels.integers.tolist() == [64, -32, 0, 8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((16, "tensor", "asymmetric"), "expected bits 2..15 with scheme asymmetric, got 16"),
        ((6, "tensor", "power_of_two"), "expected bits 2..5 with scheme power_of_two, got 6"),
        (("ternary", "tensor", "asymmetric"), "expected bits 2..15 with scheme asymmetric, got 'ternary'"),
        ((8, "tensor", "log"), "expected scheme symmetric, asymmetric, power_of_two, grid; got 'log'"),
    ],
)
def test_what_a_scheme_cannot_do(arguments, message):
    with pytest.raises(NetworkError, match=message):
        Quantization(*arguments)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["grid", "symmetric", "asymmetric", "power_of_two"]))
def test_integers_spike_as_float32_on_the_same_grid(seed, scheme):
    rng = np.random.default_rng(seed)
    convolved, shape = convolution(rng.integers(-8, 8, (3, 2, 3, 3)).astype(np.float32) / 8, (5, 5, 2), padding=(1, 1))
    second = dense(rng.integers(-8, 8, (4, 75)).astype(np.float32) / 4)
    sizes = {"input": (5, 5, 2), "a": shape, "b": (4,)}
    populations = {
        name: Population(name, size, None if name == "input" else neurons(int(np.prod(size)), 2.0),
                         None if name == "input" else np.full(int(np.prod(size)), 0.5, np.float32), None)
        for name, size in sizes.items()
    }  # fmt: skip
    edges = (Projection("input", "a", convolved), Projection("a", "b", second))
    real = Network("net", populations, edges, 1.0)
    integer = quantize(real, GRID if scheme == "grid" else Quantization(4, "tensor", scheme))
    # The float32 twin holds exactly what the integers are worth.
    bias = {name: item.bias * item.scale for name, item in integer.populations.items() if item.model is not None}
    same = {
        name: item if item.model is None else replace(
            item, bias=bias[name].astype(np.float32),
            model=neurons(item.size, 1.0).__class__(
                (integer.populations[name].model.threshold * integer.populations[name].scale).astype(np.float32),
                np.zeros(item.size, np.float32), "subtract", ">"))
        for name, item in real.populations.items()
    }  # fmt: skip
    scale = {name: float(item.scale[0]) for name, item in integer.populations.items() if item.model is not None}
    assume(all(np.log2(value) == int(np.log2(value)) for value in scale.values()) or scheme != "grid")
    twin_edges = tuple(
        replace(edge, connection=replace(edge.connection, bits=32,
                                         rows=(edge.connection.rows * scale[edge.target]).astype(np.float32)))
        for edge in integer.projections
    )  # fmt: skip
    twin = Network("twin", same, twin_edges, 1.0)
    events = EventStream.from_dense(rng.random((2, 6, 50)) < 0.3)
    ours = execute(integer, events, Numerics(24, 24), 1)
    theirs = execute(twin, events, Numerics(None, None), 1)
    exact = all(np.log2(value) == int(np.log2(value)) for value in scale.values())
    assert not any(ours.overflows.values())
    if exact:
        for name in "ab":
            np.testing.assert_array_equal(ours.populations[name].index, theirs.populations[name].index)
            np.testing.assert_array_equal(ours.populations[name].ptr, theirs.populations[name].ptr)
    else:
        # A scale that float32 rounds moves sums that lie on a threshold: few, if any.
        assert abs(ours.populations["a"].index.size - theirs.populations["a"].index.size) <= 10


def test_saturations_are_counted_where_a_state_is_too_narrow():
    done = quantize(network(np.full((1, 20), 100.0)), GRID)
    events = EventStream.from_dense(np.ones((1, 4, 20), bool))
    assert execute(done, events, Numerics(16, 16), 1).overflows == {"out.accumulator": 0, "out.membrane": 0}
    narrow = execute(done, events, Numerics(4, 16), 1)
    assert narrow.overflows["out.membrane"] > 0
    assert execute(done, events, Numerics(16, 4), 1).overflows["out.accumulator"] == 4
