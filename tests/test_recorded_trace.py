"""Traces of recorded spikes against an execution, a dense twin, and what is refused."""

import numpy as np
import pytest
from functional_builders import naive_touched, random_events, random_graph, random_network

from accelsim.errors import EventError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.recording import Recording


def streams(trace, network):
    """The spikes of an executed network, as if another simulator had recorded them."""
    shape = ("spikes", trace.samples, trace.timesteps)
    return {
        name: EventStream(*shape, network.populations[name].size, item.ptr, item.index)
        for name, item in trace.populations.items()
    }


def bits(bitmap, size):
    return np.unpackbits(bitmap, axis=1, count=size).astype(bool)


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("zeros_touch", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_recording_of_an_execution_gives_its_trace(seed, delay, zeros_touch):
    network = random_network(seed, readout="lif")
    events = random_events(seed, network.input.size)
    ran = execute(network, events, Numerics(16, 24), 1, delay=delay, zeros_touch=zeros_touch)
    made = Recording(network, streams(ran, network)).trace(delay=delay, zeros_touch=zeros_touch)
    assert list(made.populations) == list(ran.populations)
    np.testing.assert_array_equal(made.output, ran.output)
    np.testing.assert_array_equal(made.first_spike, ran.first_spike)
    reached = 0
    for name, item in ran.populations.items():
        ours = made.populations[name]
        np.testing.assert_array_equal(ours.ptr, item.ptr)
        np.testing.assert_array_equal(ours.index, item.index)
        np.testing.assert_array_equal(ours.touched, item.touched)
        assert not (item.nonzero & ~ours.nonzero).any() or network.populations[name].bias is not None
        reached += int(item.touched.any())
    assert reached > 0


@pytest.mark.parametrize("zeros_touch", [False, True])
def test_the_dense_twin(zeros_touch):
    network = random_network(3, readout="lif")
    rng = np.random.default_rng(3)
    active = {name: rng.random((2, 5, item.size)) < 0.3 for name, item in network.populations.items()}
    silent = network.output.name
    recorded = {name: EventStream.from_dense(item) for name, item in active.items() if name != silent}
    trace = Recording(network, recorded).trace(zeros_touch=zeros_touch)
    assert trace.spikes(silent).sum() == 0
    for name, item in network.populations.items():
        if item.model is None:
            assert trace.populations[name].touched.shape == (10, 0)
            continue
        touched = np.zeros((2, 5, item.size), bool)
        for edge in network.incoming(name):
            for sample in range(2):
                for step in range(5):
                    spikes = active[edge.source][sample, step]
                    touched[sample, step] |= naive_touched(edge.connection, spikes, zeros_touch).astype(bool)
        earlier = np.zeros_like(touched)
        for step in range(1, 5):
            earlier[:, step] = touched[:, :step].any(axis=1)
        assert 0 < touched.sum() < touched.size or zeros_touch
        np.testing.assert_array_equal(bits(trace.populations[name].touched, item.size), touched.reshape(10, -1))
        np.testing.assert_array_equal(bits(trace.populations[name].nonzero, item.size), earlier.reshape(10, -1))


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("seed", [5, 16, 17, 22, 26])
def test_the_recording_of_an_execution_is_its_trace(seed, delay):
    """On graphs with delays, recurrence and several spikes at once; a neuron as often in the recording as it spikes."""
    network = random_graph(seed)
    events = random_events(seed, network.input.size, timesteps=7)
    made = execute(network, events, Numerics(16, 16), 1, delay=delay)
    spikes = {network.input.name: events}
    for name, item in network.populations.items():
        if item.model is not None:
            activity = made.populations[name]
            counts = activity.counts
            ptr = np.concatenate(([0], np.cumsum(counts)))[activity.ptr]
            again = np.repeat(activity.index, counts)
            spikes[name] = EventStream("spikes", events.samples, events.timesteps, item.size, ptr, again)
    trace = Recording(network, spikes).trace(delay=delay)
    assert any(item.count is not None for item in trace.populations.values())
    for name, activity in made.populations.items():
        ours = trace.populations[name]
        for part in ("ptr", "index", "touched", "count"):
            np.testing.assert_array_equal(getattr(ours, part), getattr(activity, part), err_msg=f"{name}.{part}")
    np.testing.assert_array_equal(trace.output, made.output)
    np.testing.assert_array_equal(trace.first_spike, made.first_spike)


def test_the_key_tells_recordings_apart():
    network = random_network(1, readout="lif")
    events = random_events(1, network.input.size)
    other = random_events(2, network.input.size)
    traces = [
        Recording(network, {network.input.name: item}).trace(delay=delay, zeros_touch=zeros)
        for item in (events, other)
        for delay in (0, 1)
        for zeros in (False, True)
    ]
    assert len({trace.key for trace in traces}) == len(traces)
    assert Recording(network, {network.input.name: events}).trace().key == traces[0].key
    assert traces[0].key.isalnum()


def test_the_first_samples():
    network = random_network(1, readout="lif")
    whole = Recording(network, {network.input.name: random_events(1, network.input.size, samples=3)})
    part, name = whole.take(2).trace(), network.output.name
    assert part.samples == 2
    np.testing.assert_array_equal(
        part.populations[name].touched, whole.trace().populations[name].touched[: 2 * part.timesteps]
    )
    with pytest.raises(EventError, match="asked for 4 samples, the input has 3"):
        whole.take(4)


def test_what_is_refused():
    network = random_network(1, readout="lif")
    events = random_events(1, network.input.size)
    first, last = network.input.name, network.output.name
    with pytest.raises(EventError, match=f"expected those of the input '{first}', got none"):
        Recording(network, {})
    with pytest.raises(EventError, match=f"'nobody' is no population of .* Known: {first}, "):
        Recording(network, {first: events, "nobody": events})
    with pytest.raises(EventError, match=f"recorded spikes of {last}: .*expected .*, {network.output.size}\\), got"):
        Recording(network, {first: events, last: random_events(1, network.output.size + 1)})
    graded = random_events(1, network.input.size, kind="graded")
    with pytest.raises(EventError, match=r"expected \('spikes', .* got \('graded'"):
        Recording(network, {first: graded})
    readout = random_network(1, readout="li")
    with pytest.raises(EventError, match="is a readout, which sends no spikes"):
        Recording(readout, {readout.input.name: events, readout.output.name: events})
