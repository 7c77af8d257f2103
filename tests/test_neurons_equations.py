"""Neuron models against closed forms and against equations written one operation at a time."""

import numpy as np
import pytest
from functional_builders import naive_neuron, trunc_leak
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import NetworkError
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.model import StateRange
from accelsim.neurons.readout import Integrator, LeakyIntegrator
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky

INT32 = st.integers(-(2**31), 2**31 - 1)


def i32(*values):
    return np.array(values, np.int32)


def f32(*values):
    return np.array(values, np.float32)


def step(model, state, current, limits=None):
    """One step of one sample; returns state, spikes, saturations."""
    state = np.array([[state]], model.dtype)
    fired = np.full(state.shape[1:], 9, np.uint16)
    saturations = model.step(state, np.array([current], model.dtype), fired, limits)
    return state[0, 0].tolist(), fired[0].tolist(), saturations


@settings(max_examples=300, deadline=None)
@given(
    v=INT32, current=INT32, m=st.integers(0, 4096), threshold=INT32, reset_to=INT32, bits=st.integers(2, 32),
    reset=st.sampled_from(["subtract", "value"]), comparison=st.sampled_from([">", ">="]),
    kind=st.sampled_from(["lif", "if", "li", "i"]),
)
def test_integer_step_equals_python_integers(v, current, m, threshold, reset_to, bits, reset, comparison, kind):
    model = {
        "lif": lambda: LIF(i32(m), i32(threshold), i32(reset_to), reset, comparison),
        "if": lambda: IF(i32(threshold), i32(reset_to), reset, comparison),
        "li": lambda: LeakyIntegrator(i32(m)),
        "i": lambda: Integrator(1, np.int32),
    }[kind]()
    limits = StateRange.of_bits(bits)
    expected_v, expected_s, expected_n = naive_neuron(model, 0, v, current, limits.low, limits.high)
    assert step(model, [v], [current], limits) == ([expected_v], [expected_s], expected_n)


@settings(max_examples=200, deadline=None)
@given(v=INT32, current=INT32, m=st.integers(0, 4096), threshold=INT32, bits=st.integers(2, 32), delay=st.booleans())
def test_integer_snntorch_step_equals_python_integers(v, current, m, threshold, bits, delay):
    limits = StateRange.of_bits(bits)
    pending = threshold if v > threshold else 0
    wide = trunc_leak(v, m) + current - pending
    value = min(max(wide, limits.low), limits.high)
    fires = value > threshold
    late = value if delay else value - ((threshold if fires else 0) - pending)
    after = min(max(late, limits.low), limits.high)
    saturations = int(wide != value) + int(late != after)
    assert step(SnnTorchLeaky(i32(m), i32(threshold), delay), [v], [current], limits) == ([after], [fires], saturations)


@settings(max_examples=200, deadline=None)
@given(
    v=st.floats(-100, 100, width=32), current=st.floats(-100, 100, width=32), leak=st.floats(0, 1, width=32),
    threshold=st.floats(-2, 2, width=32), reset_to=st.floats(-2, 2, width=32),
    reset=st.sampled_from(["subtract", "value"]), comparison=st.sampled_from([">", ">="]),
)
def test_float_step_rounds_after_every_operation(v, current, leak, threshold, reset_to, reset, comparison):
    model = LIF(f32(leak), f32(threshold), f32(reset_to), reset, comparison)
    product = np.float32(np.float32(leak) * np.float32(v))
    m = np.float32(product + np.float32(current))
    fires = m > np.float32(threshold) or (comparison == ">=" and m == np.float32(threshold))
    if fires:
        m = np.float32(m - np.float32(threshold)) if reset == "subtract" else np.float32(reset_to)
    state, fired, saturations = step(model, [np.float32(v)], [np.float32(current)])
    assert (state, fired, saturations) == ([float(m)], [int(fires)], 0)


def test_comparison_at_the_threshold():
    for comparison, fires in ((">", 0), (">=", 1)):
        for model in (IF(i32(5), i32(0), "value", comparison), LIF(i32(4096), i32(5), i32(0), "value", comparison)):
            assert step(model, [2], [3]) == ([0 if fires else 5], [fires], 0)


def test_leak_truncates_toward_zero():
    leak = LeakyIntegrator(i32(2048, 2048, 2048, 4095, 0))
    assert step(leak, [7, -7, -1, -1, -9], [0, 0, 0, 0, 0])[0] == [3, -3, 0, 0, 0]


def test_membrane_of_constant_current_is_a_geometric_series():
    """v_T = I (1 - leak^T) / (1 - leak) for a leaky integrator."""
    model = LeakyIntegrator(f32(0.875))
    state, fired = np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), np.uint16)
    for _ in range(20):
        model.step(state, f32(2.0)[None], fired, None)
    assert state[0, 0, 0] == pytest.approx(2.0 * (1 - 0.875**20) / 0.125, rel=1e-6)


@pytest.mark.parametrize("current", [1, 3, 4, 7])
def test_firing_rate_of_constant_current(current):
    """An integrate-and-fire neuron that subtracts keeps all charge: spikes * threshold + v = T * current."""
    model = IF(i32(7), i32(0), "subtract", ">=")
    state, fired, spikes = np.zeros((1, 1, 1), np.int32), np.zeros((1, 1), np.uint16), 0
    for _ in range(70):
        model.step(state, i32(current)[None], fired, None)
        spikes += int(fired[0, 0])
    assert spikes == 70 * current // 7


def test_snntorch_differs_from_the_textbook_above_twice_the_threshold():
    """Membrane 2.5 leaves 1.5 > 1: the textbook fires again on an input of 0.4, snnTorch compares 1.9 - 1 with 1."""
    textbook = LIF(f32(1), f32(1), f32(0), "subtract", ">")
    framework = SnnTorchLeaky(f32(1), f32(1), reset_delay=False)
    for model in (textbook, framework):
        assert step(model, [0], [2.5])[:2] == ([1.5], [1])
    assert step(textbook, [1.5], [0.25])[:2] == ([0.75], [1])
    assert step(framework, [1.5], [0.25])[:2] == ([1.75], [0])


def test_quantized_parameters():
    model = LIF(f32(0.9, 0.5), f32(1.0, 0.26), f32(-0.5, 0.0), "value", ">").quantized(np.array([0.01, 0.1]))
    assert model.leak.tolist() == [3686, 2048]  # 0.9 * 4096 = 3686.4
    assert model.threshold.tolist() == [100, 3]
    assert model.reset_to.tolist() == [-50, 0]
    assert (model.reset, model.comparison, model.dtype) == ("value", ">", np.int32)


def test_quiet():
    assert LIF(f32(0.9), f32(1), f32(0), "subtract", ">").quiet()
    assert not IF(f32(0), f32(0), "value", ">=").quiet()
    assert not IF(i32(-1), i32(0), "value", ">").quiet()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LIF(f32(1.5), f32(1), f32(0), "value", ">"), r"LIF\.leak: expected a factor within 0\.\.1, got 1\.5"),
        (lambda: LIF(i32(4097), i32(1), i32(0), "value", ">"), r"within 0\.\.4096, got 4097"),
        (lambda: LIF(f32(1), f32(1, 2), f32(0), "value", ">"), "differ in length"),
        (lambda: LIF(f32(1), i32(1), f32(0), "value", ">"), "differ in length or arithmetic"),
        (lambda: IF(f32(np.nan), f32(0), "value", ">"), r"IF\.threshold: a value is NaN"),
        (lambda: IF(np.array([1.0]), f32(0), "value", ">"), "expected int32 or float32, got float64"),
        (lambda: IF(f32(1), f32(0), "soft", ">"), "expected one of subtract, value, none; got 'soft'"),
        (lambda: IF(f32(1), f32(0), "value", "=>"), "IF.comparison"),
        (lambda: IF(f32(1), f32(0), "value", ">").quantized(np.array([1e-12])), "32 bits hold fewer"),
        (lambda: IF(i32(1), i32(0), "value", ">").quantized(np.array([1.0])), "integer arithmetic already"),
        (lambda: IF(f32(1), f32(0), "value", ">").quantized(np.array([0.0])), "positive scale"),
        (lambda: Integrator(0, np.float32), "expected at least 1"),
        (lambda: Integrator(3, np.float64), "expected numpy.int32 or numpy.float32"),
        (lambda: LeakyIntegrator(i32(1)).quantized(np.array([1.0])), "integer arithmetic already"),
    ],
)
def test_refused(make, message):
    with pytest.raises(NetworkError, match=message):
        make()
