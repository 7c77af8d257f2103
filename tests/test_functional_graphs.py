"""The executor on graphs with skips, delays and recurrence, neurons with several states, and several spikes at once."""

import numpy as np
import pytest
from extra_neurons import Burster, Gate
from functional_builders import dense, input_values, naive_integer, random_events, random_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import EventError, NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics, largest_sums
from accelsim.network.events import EventStream
from accelsim.network.graph import MAX_DELAY, Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.model import MOST_SPIKES
from accelsim.testing.neuron_model import check_neuron_model
from accelsim.trace.file import load_trace, save_trace

FLOAT = Numerics(None, None)
SEVERAL = 17
"""Seed of a graph in which neurons spike several times."""


@pytest.mark.parametrize("model", [Burster, Gate])
def test_the_models_hold_the_contract(model):
    check_neuron_model(model)


def bits_of(bitmap, trace, size):
    return np.unpackbits(bitmap, axis=1, count=size).reshape(trace.samples, trace.timesteps, size)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["spikes", "graded"]), readout=st.booleans(),
    membrane=st.integers(6, 32), accumulator=st.integers(5, 32), delay=st.integers(0, 1), zeros_touch=st.booleans(),
    most=st.sampled_from([2, 5, None]), timesteps=st.integers(1, 8),
)
def test_any_integer_graph_equals_its_naive_twin(
    seed, kind, readout, membrane, accumulator, delay, zeros_touch, most, timesteps
):
    network = random_graph(seed, readout=readout, most=most)
    events = random_events(seed, network.input.size, kind=kind, timesteps=timesteps)
    trace = execute(network, events, Numerics(membrane, accumulator), 1, delay=delay, zeros_touch=zeros_touch)
    record, overflows = naive_integer(network, events, membrane, accumulator, delay, zeros_touch)
    assert trace.overflows == overflows
    for name, expected in record["touched"].items():
        size, activity = network.populations[name].size, trace.populations[name]
        assert np.array_equal(bits_of(activity.touched, trace, size), expected), name
        assert np.array_equal(bits_of(activity.nonzero, trace, size), record["nonzero"][name]), name
        if network.populations[name].model.spiking:
            assert np.array_equal(trace.dense(name, size), record["spikes"][name]), name
            assert np.array_equal(trace.spikes(name), record["spikes"][name].sum(axis=2)), name
            several = bool((record["spikes"][name] > 1).any())
            assert (activity.count is not None) == several, name
    out = record["spikes"]["out"]
    assert np.array_equal(trace.output, record["state"]["out"][:, -1] if readout else out.sum(axis=1))
    assert np.array_equal(trace.first_spike, np.where(out.any(axis=1), (out > 0).argmax(axis=1), trace.timesteps))


def test_the_graphs_have_what_they_are_for():
    found = {"skip": 0, "loop": 0, "parallel": 0, "several": 0, "backward": 0, "delay": 0}
    for seed in range(60):
        network = random_graph(seed)
        events = random_events(seed, network.input.size, timesteps=8)
        trace = execute(network, events, Numerics(16, 16), 1)
        found["several"] += any(item.count is not None for item in trace.populations.values())
        place = {name: at for at, name in enumerate(network.order)}
        for edge in network.projections:
            found["skip"] += edge.delay == 0 and network.depth[edge.target] > network.depth[edge.source] + 1
            found["loop"] += edge.source == edge.target
            found["parallel"] += edge.number > 0
            found["backward"] += place[edge.source] > place[edge.target]
            found["delay"] += edge.delay > 1
    assert min(found.values()) >= 10, found


@pytest.mark.parametrize("seed", range(12))
def test_a_float_graph_rounds_value_times_weight(seed):
    """In the order of projections, sources and runs; a number of spikes is multiplied, as a framework does."""
    network = random_graph(seed, integer=False)
    events = random_events(seed, network.input.size, kind="graded", integer=False, timesteps=7)
    trace = execute(network, events, FLOAT, 1)
    values = input_values(events).astype(np.float32)
    for s in range(events.samples):
        state = {
            name: np.zeros((len(item.model.states), 1, item.size), np.float32)
            for name, item in network.populations.items() if item.model is not None
        }
        sent = [{"in": values[s, t]} for t in range(events.timesteps)]
        for t in range(events.timesteps):
            for name in network.order:
                item = network.populations[name]
                if item.model is None:
                    continue
                current = np.zeros(item.size, np.float32) if item.bias is None else item.bias.copy()
                for edge in network.incoming(name):
                    seen = sent[t - edge.delay][edge.source] if t >= edge.delay else np.zeros(0)
                    joined = edge.connection
                    for source in np.flatnonzero(seen):
                        for run in range(*joined.run_ptr[source : source + 2]):
                            row, at = joined.rows[joined.run_row[run]], joined.run_start[run]
                            current[at : at + len(row)] += seen[source] * row
                fired = np.zeros((1, item.size), np.uint16)
                item.model.step(state[name], current[None], fired, None)
                sent[t][name] = fired[0].astype(np.float32)
                assert np.array_equal(trace.dense(name, item.size)[s, t], fired[0]), (name, t)


@pytest.mark.parametrize("integer", [True, False])
def test_threads_batches_and_files_do_not_matter(integer, monkeypatch, tmp_path):
    network = random_graph(SEVERAL, integer=integer)
    events = random_events(SEVERAL, network.input.size, samples=23, timesteps=8)
    limits = Numerics(16, 16) if integer else FLOAT
    whole = execute(network, events, limits, 1)
    assert any(item.count is not None for item in whole.populations.values())
    monkeypatch.setattr("accelsim.functional.executor._BATCH_BYTES", 1)
    many = execute(network, events, limits, 4)
    save_trace(whole, tmp_path / "t.npz")
    for other in (many, load_trace(tmp_path / "t.npz")):
        for name, activity in whole.populations.items():
            for part in ("ptr", "index", "touched", "nonzero", "count"):
                assert np.array_equal(getattr(activity, part), getattr(other.populations[name], part)), (name, part)
        assert np.array_equal(whole.output, other.output)
        assert np.array_equal(whole.first_spike, other.first_spike)


def relay(size, threshold=1):
    return IF(np.full(size, threshold, np.int32), np.zeros(size, np.int32), "value", ">=")


def one(value=1):
    return dense(np.array([[value]], np.int32))


def loop(*delays, forward=0):
    """in -> a -> b -> ... -> a, relays of one neuron each; ``delays`` are those around the cycle."""
    names = [f"r{at}" for at in range(len(delays))]
    populations = {"in": Population("in", (1,), None)}
    populations |= {name: Population(name, (1,), relay(1)) for name in names}
    edges = [Projection("in", names[0], one(), delay=forward)]
    edges += [
        Projection(name, names[(at + 1) % len(names)], one(), delay=delay)
        for at, (name, delay) in enumerate(zip(names, delays, strict=True))
    ]
    return Network("loop", populations, tuple(edges), 1e-3)


def first_event(timesteps):
    active = np.zeros((1, timesteps, 1), bool)
    active[0, 0] = True
    return EventStream.from_dense(active)


@pytest.mark.parametrize(
    ("delays", "forward", "extra"), [((1,), 0, 0), ((0, 2), 3, 0), ((1, 1, 3), 1, 1), ((0, 1), 0, 1)]
)
def test_a_spike_goes_round_a_loop_in_the_sum_of_its_delays(delays, forward, extra):
    network, timesteps = loop(*delays, forward=forward), 30
    trace = execute(network, first_event(timesteps), Numerics(16, 16), 1, delay=extra)
    period = sum(delays) + extra * len(delays)
    at = forward + extra
    for number in range(len(delays)):
        expected = [(t - at) % period == 0 and t >= at for t in range(timesteps)]
        assert trace.dense(f"r{number}", 1)[0, :, 0].tolist() == expected, number
        at += delays[number] + extra


def test_a_cycle_without_delay_is_named():
    with pytest.raises(NetworkError, match=r"cycle without delay: r(\d) -> r(\d) -> r(\d) -> r\1; one of them needs"):
        loop(0, 0, 0)
    with pytest.raises(NetworkError, match="cycle without delay: r0 -> r0"):
        loop(0)


def test_delays_have_bounds():
    for delay in (-1, MAX_DELAY + 1):
        with pytest.raises(NetworkError, match=f"expected a delay of 0..{MAX_DELAY}, got {delay}"):
            loop(delay)
    with pytest.raises(NetworkError, match="leads into the input"):
        Network("x", loop(1).populations, (Projection("r0", "in", one(), delay=1),), 1e-3)


def test_projections_between_the_same_two_have_names_of_their_own():
    network = loop(1)
    twice = Network("two", network.populations, (*network.projections, network.projections[0]), 1e-3)
    assert [edge.name for edge in twice.projections] == ["in->r0", "r0->r0", "in->r0#2"]
    renamed = twice.renamed("other")
    assert [edge.number for edge in renamed.projections] == [0, 0, 1]


def test_a_bias_current_cannot_wait():
    network = loop(1, forward=2)
    events = EventStream("bias_current", 1, 2, 1, np.array([0, 1, 1]), np.zeros(1, np.int32), np.ones(1, np.int32), 4)
    with pytest.raises(EventError, match=r"projection in->r0 has a delay of 2"):
        execute(network, events, Numerics(16, 16), 1)


def test_numbers_of_spikes_widen_the_largest_sum():
    """|w| times the most spikes of the source; without a bound, times what a count holds."""
    for most, factor in ((1, 1), (5, 5), (None, MOST_SPIKES)):
        populations = {
            "in": Population("in", (1,), None),
            "b": Population("b", (1,), Burster(np.ones(1, np.int32), most)),
            "out": Population("out", (1,), relay(1)),
        }
        network = Network("n", populations, (Projection("in", "b", one(3)), Projection("b", "out", one(-7))), 1e-3)
        sums = largest_sums(network, first_event(2))
        assert (sums["b"].tolist(), sums["out"].tolist()) == ([3.0], [7.0 * factor])


def test_accumulators_of_many_spikes_are_checked():
    """3000 spikes of weight 20 are 60000: more than 16 bits hold, so the sum wraps and is counted."""
    populations = {
        "in": Population("in", (1,), None),
        "b": Population("b", (1,), Burster(np.ones(1, np.int32), None)),
        "out": Population("out", (1,), relay(1, 1000)),
    }
    network = Network("n", populations, (Projection("in", "b", one(3000)), Projection("b", "out", one(20))), 1e-3)
    trace = execute(network, first_event(1), Numerics(16, 16), 1)
    assert trace.populations["b"].count.tolist() == [3000]
    assert trace.overflows["out.accumulator"] == 1
    assert trace.output.tolist() == [[0.0]]  # 60000 - 65536 is below the threshold
    assert execute(network, first_event(1), Numerics(16, 20), 1).output.tolist() == [[1.0]]


def test_the_key_sees_delays():
    network = loop(1)
    keys = {execute(item, first_event(4), Numerics(16, 16), 1).key for item in (network, loop(2), loop(1, forward=1))}
    assert len(keys) == 3
