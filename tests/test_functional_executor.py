"""The executor against a naive twin of dense matrices and Python integers, over random networks."""

import dataclasses

import numpy as np
import pytest
from functional_builders import conv, dense, input_values, naive_integer, naive_touched, random_events, random_network
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.readout import Integrator

FLOAT = Numerics(None, None)


def unpacked(bitmap, trace, size):
    return np.unpackbits(bitmap, axis=1, count=size).reshape(trace.samples, trace.timesteps, size)


def assert_equal(left, right):
    for name, activity in left.populations.items():
        for part in ("ptr", "index", "touched", "nonzero"):
            assert np.array_equal(getattr(activity, part), getattr(right.populations[name], part)), (name, part)
    assert np.array_equal(left.output, right.output)
    assert np.array_equal(left.first_spike, right.first_spike)
    assert (left.key, left.overflows) == (right.key, right.overflows)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["spikes", "graded", "bias_current"]),
    readout=st.sampled_from(["lif", "if", "li", "i"]), membrane=st.integers(5, 32), accumulator=st.integers(4, 32),
    delay=st.integers(0, 1), zeros_touch=st.booleans(),
)
def test_integer_network_equals_naive_twin(seed, kind, readout, membrane, accumulator, delay, zeros_touch):
    assume(not (kind == "bias_current" and delay))
    network = random_network(seed, readout=readout)
    events = random_events(seed, network.input.size, kind=kind)
    trace = execute(network, events, Numerics(membrane, accumulator), 1, delay=delay, zeros_touch=zeros_touch)
    record, overflows = naive_integer(network, events, membrane, accumulator, delay, zeros_touch)
    assert trace.overflows == overflows
    for name, expected in record["touched"].items():
        size, activity = network.populations[name].size, trace.populations[name]
        assert np.array_equal(unpacked(activity.touched, trace, size), expected), name
        assert np.array_equal(unpacked(activity.nonzero, trace, size), record["nonzero"][name]), name
        spikes = record["spikes"][name]
        if name == "out" and readout in ("li", "i"):
            spikes = np.zeros_like(spikes)
            spikes[:, -1] = 1
        assert np.array_equal(trace.dense(name, size), spikes), name
    out, size = record["spikes"]["out"], network.output.size
    final = record["state"]["out"][:, -1] if readout in ("li", "i") else out.sum(axis=1)
    assert np.array_equal(trace.output, final)
    first = np.where(out.any(axis=1), out.argmax(axis=1), trace.timesteps)
    assert np.array_equal(trace.first_spike, first)
    assert trace.output.shape == (trace.samples, size)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["spikes", "graded", "bias_current"]))
def test_float_network_equals_naive_twin(seed, kind):
    """Same order of additions in the twin, hence equal bits: bias, then sources ascending, then runs as stored."""
    network = random_network(seed, integer=False, readout="li")
    events = random_events(seed, network.input.size, kind=kind, integer=False)
    trace = execute(network, events, FLOAT, 1)
    values = input_values(events).astype(np.float32)
    hidden = {name: item for name, item in network.populations.items() if item.model is not None}
    for s in range(events.samples):
        state = {name: np.zeros((1, item.size), np.float32) for name, item in hidden.items()}
        for t in range(events.timesteps):
            sent = {"in": values[s, 0 if kind == "bias_current" else t]}
            for name, item in hidden.items():
                current = np.zeros(item.size, np.float32) if item.bias is None else item.bias.copy()
                for edge in network.incoming(name):
                    held = kind == "bias_current" and edge.source == "in"
                    part = np.zeros_like(current) if held else current
                    for source in np.flatnonzero(sent[edge.source]):
                        first, last = edge.connection.run_ptr[source : source + 2]
                        for run in range(first, last):
                            row = edge.connection.rows[edge.connection.run_row[run]]
                            at = edge.connection.run_start[run]
                            part[at : at + len(row)] += sent[edge.source][source] * row
                    current = part + current if held else part
                fired = np.zeros((1, item.size), np.uint16)
                item.model.step(state[name][None], current[None], fired, None)
                sent[name] = fired[0].astype(np.float32)
                if item.model.spiking:
                    assert np.array_equal(trace.dense(name, item.size)[s, t], fired[0]), name
        assert np.array_equal(trace.output[s], state["out"][0])


@pytest.mark.parametrize("integer", [True, False])
def test_threads_and_batches_do_not_matter(integer, monkeypatch):
    network = random_network(5, integer=integer)
    events = random_events(5, network.input.size, samples=23)
    limits = Numerics(12, 12) if integer else FLOAT
    whole = execute(network, events, limits, 1)
    monkeypatch.setattr("accelsim.functional.executor._BATCH_BYTES", 1)
    assert_equal(whole, execute(network, events, limits, 4))
    monkeypatch.setattr("accelsim.functional.executor._BATCH_BYTES", 4000)
    assert_equal(whole, execute(network, events, limits, 2))
    few = execute(network, events.take(4), limits, 1)
    assert np.array_equal(few.output, whole.output[:4])


def test_progress_reaches_all_samples():
    seen = []
    events = random_events(1, random_network(1).input.size, samples=9)
    execute(random_network(1), events, Numerics(16, 16), 4, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (9, 9)


def test_progress_may_stop_the_run():
    events = random_events(1, random_network(1).input.size, samples=9)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(random_network(1), events, Numerics(16, 16), 2, stop)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1), (3, 2)])
def test_shared_kernel_equals_convolution(stride, padding):
    """An integrator without bias sums the convolution of its input over time."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-7, 8, (4, 2, 3, 3)).astype(np.int32)
    edge, shape = conv(weights, 6, 7, stride, padding)
    image = rng.integers(-9, 10, (6, 7, 2))
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::stride, ::stride]
    expected = np.einsum("yxckl,ockl->yxo", windows, weights)
    size = int(np.prod(shape))
    assert expected.shape == shape
    network = Network(
        "conv", {"in": Population("in", (6, 7, 2), None), "out": Population("out", shape, Integrator(size, np.int32))},
        (Projection("in", "out", edge),), 1e-3,
    )
    where = np.flatnonzero(image.ravel()).astype(np.int32)
    ptr = np.array([0, where.size, where.size], np.int64)
    value = image.ravel()[where].astype(np.int32)
    for kind, times in (("graded", 1), ("bias_current", 2)):
        events = EventStream(kind, 1, 2, image.size, ptr, where, value, 5)
        trace = execute(network, events, Numerics(24, 24), 1)
        assert np.array_equal(trace.output[0], times * expected.ravel())


def single(weight, model, *, bias=None, scale=None):
    out = Population("out", (model.size,), model, bias, scale)
    populations = {"in": Population("in", (weight.shape[1],), None), "out": out}
    return Network("one", populations, (Projection("in", "out", dense(weight)),), 1.0)


def test_cancelling_weights_still_touch():
    weights = np.array([[3, -3], [0, 0]], np.int32)
    network = single(weights, IF(np.full(2, 9, np.int32), np.zeros(2, np.int32), "value", ">"))
    trace = execute(network, EventStream.from_dense(np.ones((1, 1, 2), bool)), Numerics(8, 8), 1)
    assert unpacked(trace.populations["out"].touched, trace, 2).tolist() == [[[1, 0]]]
    assert naive_touched(network.projections[0].connection, [1, 1]).tolist() == [True, False]


def test_accumulator_overflow_is_counted_only_where_it_happens():
    """100 + 100 - 100 fits 8 bits whatever the order; 100 + 100 wraps to -56."""
    weights = np.array([[100, 100, -100]], np.int32)
    network = single(weights, Integrator(1, np.int32))
    fits = execute(network, EventStream.from_dense(np.ones((1, 1, 3), bool)), Numerics(16, 8), 1)
    assert (fits.output[0, 0], fits.overflows["out.accumulator"]) == (100, 0)
    wraps = execute(network, EventStream.from_dense(np.array([[[1, 1, 0]]], bool)), Numerics(16, 8), 1)
    assert (wraps.output[0, 0], wraps.overflows["out.accumulator"]) == (-56, 1)


@pytest.mark.parametrize(
    ("weight", "output", "overflows"), [(127, 127, 0), (-128, -128, 0), (128, -128, 1), (-129, 127, 1)]
)
def test_accumulator_at_its_bounds(weight, output, overflows):
    network = single(np.array([[weight]], np.int32), Integrator(1, np.int32))
    trace = execute(network, EventStream.from_dense(np.ones((1, 1, 1), bool)), Numerics(16, 8), 1)
    assert (trace.output[0, 0], trace.overflows["out.accumulator"]) == (output, overflows)


def test_sums_beyond_32_bits_are_exact_before_they_wrap():
    """3 * 2**30 leaves the range of int32 by 2**30 * 3 - 2**32 = -2**30."""
    weights = np.full((1, 3), 1 << 30, np.int32)
    events = EventStream.from_dense(np.ones((1, 1, 3), bool))
    trace = execute(single(weights, Integrator(1, np.int32)), events, Numerics(32, 32), 1)
    assert (trace.output[0, 0], trace.overflows["out.accumulator"]) == (-(1 << 30), 1)


def test_membrane_saturation_is_counted():
    network = single(np.array([[100]], np.int32), Integrator(1, np.int32))
    trace = execute(network, EventStream.from_dense(np.ones((2, 3, 1), bool)), Numerics(8, 16), 1)
    assert trace.output.tolist() == [[127], [127]]
    assert trace.overflows == {"out.accumulator": 0, "out.membrane": 4}


def test_readout_sends_all_neurons_at_the_end_and_in_real_units():
    network = single(np.array([[2], [3]], np.int32), Integrator(2, np.int32), scale=np.array([0.5, 0.25]))
    trace = execute(network, EventStream.from_dense(np.ones((2, 4, 1), bool)), Numerics(16, 16), 1)
    assert trace.spikes("out").tolist() == [[0, 0, 0, 2]] * 2
    assert trace.populations["out"].index.tolist() == [0, 1, 0, 1]
    assert trace.output.tolist() == [[4.0, 3.0]] * 2  # 4 * 2 * 0.5 and 4 * 3 * 0.25
    assert (trace.first_spike == 4).all()


def test_repeated_events_add_up():
    """A neuron listed twice in a timestep sends two packets, and the proof of the accumulator's width knows it."""
    events = EventStream("spikes", 1, 1, 1, np.array([0, 2]), np.zeros(2, np.int32))
    trace = execute(single(np.array([[100]], np.int32), Integrator(1, np.int32)), events, Numerics(16, 8), 1)
    assert (trace.output[0, 0], trace.overflows["out.accumulator"]) == (-56, 1)


def test_integer_values_of_a_float_network_are_scaled():
    network = single(np.array([[0.5]], np.float32), Integrator(1, np.float32))
    events = EventStream("graded", 1, 1, 1, np.array([0, 1]), np.zeros(1, np.int32), np.array([3], np.int32), 4, 0.25)
    assert execute(network, events, FLOAT, 1).output[0, 0] == 0.375


def test_key_covers_what_matters():
    network, events = random_network(2), random_events(2, random_network(2).input.size)
    keys = [execute(network, events, Numerics(16, bits), 1).key for bits in (16, 16, 20)]
    assert keys[0] == keys[1] != keys[2]
    edge = network.projections[0]
    rows = edge.connection.rows.copy()
    rows.flat[0] += 1
    other = dataclasses.replace(edge, connection=dataclasses.replace(edge.connection, rows=rows))
    changed = dataclasses.replace(network, projections=(other, *network.projections[1:]))
    assert execute(changed, events, Numerics(16, 16), 1).key != keys[0]
    stored = dataclasses.replace(edge, connection=dataclasses.replace(edge.connection, bits=4))
    same = dataclasses.replace(network, projections=(stored, *network.projections[1:]))
    assert execute(same, events, Numerics(16, 16), 1).key == keys[0]
    assert execute(network, events.take(2), Numerics(16, 16), 1).key != keys[0]
    rules = [(delay, touch) for delay in (0, 1) for touch in (False, True)]
    others = [execute(network, events, Numerics(16, 16), 1, delay=d, zeros_touch=z).key for d, z in rules]
    assert others[0] == keys[0] and len(set(others)) == len(rules)
