"""State that is carried from window to window: a stream is one long run, in spikes, packets and cycles."""

from dataclasses import replace

import numpy as np
import pytest
from functional_builders import random_graph
from timing_builders import activity, chip, compile_and_build, layer_chain

from accelsim import pipeline
from accelsim.costs.counting import count
from accelsim.errors import ConfigError, EventError
from accelsim.functional.batch import Held
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.network.events import EventStream
from accelsim.network.workload import load_workload
from accelsim.pipeline.stream import run_stream
from accelsim.timing.simulate import simulate

WIDE = Numerics(16, 24)
CUTS = [3, 1, 7, 2, 5]


def pieces(active, cuts):
    """Cut (timesteps, neurons) into streams of ``cuts`` timesteps."""
    ends = np.cumsum(cuts)
    assert ends[-1] == len(active)
    return [EventStream.from_dense(active[None, end - cut : end]) for cut, end in zip(cuts, ends, strict=True)]


def dense(trace, network):
    return {name: trace.dense(name, item.size)[0] for name, item in network.populations.items()}


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("seed", range(12))
def test_windows_are_one_long_run(seed, delay):
    """Any graph: recurrences and delays reach over the cuts; spikes, and who is visited, are those of the whole."""
    network = random_graph(seed, readout=False)
    active = np.random.default_rng(seed).random((sum(CUTS), network.input.size)) < 0.4
    whole = execute(network, EventStream.from_dense(active[None]), WIDE, 1, delay=delay)
    held, parts = Held(), []
    for window in pieces(active, CUTS):
        parts.append(execute(network, window, WIDE, 2, delay=delay, held=held))
    assert held.timesteps == sum(CUTS)
    for name, item in network.populations.items():
        found = np.concatenate([part.dense(name, item.size)[0] for part in parts])
        np.testing.assert_array_equal(found, whole.dense(name, item.size)[0], err_msg=name)
        for maps in ("touched", "nonzero"):
            joined = np.concatenate([getattr(part.populations[name], maps) for part in parts])
            np.testing.assert_array_equal(joined, getattr(whole.populations[name], maps), err_msg=name)
    assert sum(part.output for part in parts).tolist() == whole.output.tolist()


def test_samples_of_one_stream_follow_each_other():
    """Several windows at once are the same as one after the other; without a held state they begin at rest."""
    network = layer_chain([np.ones((4, 3))], threshold=4)
    active = np.ones((6, 3), bool)  # the fourth spike comes in the second timestep, and two are left after the third
    whole = execute(network, EventStream.from_dense(active[None]), WIDE, 1)
    windows = EventStream.from_dense(active.reshape(2, 3, 3))
    carried = execute(network, windows, WIDE, 4, held=Held())
    assert carried.dense("l1", 4).reshape(6, 4).tolist() == whole.dense("l1", 4)[0].tolist()
    apart = execute(network, windows, WIDE, 4)
    assert apart.dense("l1", 4).reshape(6, 4).tolist() != whole.dense("l1", 4)[0].tolist()


@pytest.mark.parametrize("schedule", ["pipelined", "native", "sequential"])
@pytest.mark.parametrize("cuts", [CUTS, [18], [1] * 18, [2, 16]])
def test_a_stream_takes_the_cycles_of_one_long_run(schedule, cuts):
    """However it is cut, though deep layers lag behind the cut, and every counter is that of the whole."""
    rng = np.random.default_rng(4)
    network = layer_chain([rng.integers(-2, 4, (5, 6)), rng.integers(-2, 4, (7, 5)), rng.integers(-2, 4, (4, 7))])
    active = rng.random((18, 6)) < 0.4
    spec = chip(schedule=schedule, tick="300 ns")
    events = EventStream.from_dense(active[None])
    machine, mapping = compile_and_build(network, events, spec)
    whole = simulate(machine, spec, mapping, "compiled", 1)
    seen = []
    result = run_stream(network, spec, pieces(active, cuts), observe=seen.append)
    assert (result.windows, result.timesteps, len(seen)) == (len(cuts), 18, len(cuts))
    assert result.cycles == whole.step_cycles.sum()
    assert result.longest_step == whole.step_cycles.max()
    assert result.late_steps == np.count_nonzero(whole.late)
    for name in ("packets_in", "sops", "words", "flits_in", "fired", "row_cycles", "queue_peak"):
        assert np.array_equal(result.timing.terminals[name], whole.terminals[name]), name
    assert np.array_equal(result.timing.links, whole.links)
    counted = count(spec, network, mapping, whole, activity(network, events, spec), events)
    energy = result.energy.total().dynamic[0]
    assert energy > 0
    again = run_stream(network, spec, [events]).energy.total().dynamic[0]
    assert energy == pytest.approx(again, rel=1e-12)
    assert counted.samples == 1
    assert result.real_time_factor == pytest.approx(18 * network.dt / (whole.step_cycles.sum() / spec.clock * 1e-9))


def test_what_is_no_stream_is_refused():
    network, spec = layer_chain([np.ones((2, 3))]), chip()
    two = EventStream.from_dense(np.zeros((2, 3, 3), bool))
    with pytest.raises(EventError, match="without windows"):
        run_stream(network, spec, [])
    with pytest.raises(EventError, match="expected one sample"):
        run_stream(network, spec, [two])
    with pytest.raises(ConfigError, match="synchronization: barrier"):
        run_stream(network, chip(synchronization="dependency"), [two])


def test_memory_does_not_grow_with_the_stream():
    """Nothing of a window is held once the next but one has begun."""
    import gc
    import weakref

    network, spec, alive = layer_chain([np.ones((2, 3))]), load_chip("small").spec, []
    most = 0

    def windows():
        rng = np.random.default_rng(0)
        for _ in range(12):
            yield EventStream.from_dense(rng.random((1, 4, 3)) < 0.5)

    def observe(trace):
        nonlocal most
        alive.append(weakref.ref(trace.populations["l1"]))
        gc.collect()
        most = max(most, sum(item() is not None for item in alive))

    run_stream(network, spec, windows(), observe=observe)
    assert len(alive) == 12
    assert most <= 2


def test_samples_of_a_workload_as_one_stream():
    """One long sample, with the spikes of states that go on; the command to repeat it says so."""
    carried = pipeline.run("core", "mnist_conv", samples=3, state="carry", threads=1, cache=False)
    apart = pipeline.run("core", "mnist_conv", samples=3, threads=1, cache=False, back_to_back=True)
    assert len(carried.samples) == 1 and len(apart.samples) == 3
    assert "--samples 3" in carried.meta["command"] and "--state carry" in carried.meta["command"]
    assert carried.totals["input_events"].value == pytest.approx(3 * apart.totals["input_events"].value)
    assert carried.totals["spikes"].value != 3 * apart.totals["spikes"].value
    between = apart.totals["interval_back_to_back_cycles"].value
    # Fewer steps, each with more to do: on this chip the interval stays about the same.
    assert between < 1.05 * apart.totals["throughput_interval_cycles"].value
    assert apart.totals["samples_per_second"].value == pytest.approx(200e6 / between)


@pytest.mark.parametrize("weights", [[], ["core.weight_format=dense", "core.skip_zero_weights=false"]])
def test_a_stream_on_a_chip_is_its_one_long_sample(weights):
    """Counts and energies, stored zeros that a chip adds included."""
    overrides = ["mapping.placement=row_major", *weights]
    carried = pipeline.run("core", "mnist_conv", samples=2, state="carry", overrides=overrides, threads=1, cache=False)
    load = load_workload("mnist_conv", 2)
    events = load.events
    cuts = [0, int(events.ptr[events.timesteps]), int(events.ptr[-1])]
    windows = [
        replace(events, samples=1, ptr=events.ptr[at * events.timesteps :][: events.timesteps + 1] - cuts[at],
                index=events.index[cuts[at] : cuts[at + 1]])
        for at in range(2)
    ]  # fmt: skip
    stream = run_stream(load.network, load_chip("core", overrides).spec, windows)
    split = stream.energy.total()
    assert float(split.dynamic[0]) == pytest.approx(carried.totals["energy_dynamic"].value, rel=1e-12)
    assert float(split.static[0]) == pytest.approx(carried.totals["energy_static"].value, rel=1e-12)


def test_the_ann_beside_a_stream_takes_every_window():
    carried = pipeline.run("core", "mnist_conv", samples=3, state="carry", threads=1, cache=False)
    apart = pipeline.run("core", "mnist_conv", samples=3, threads=1, cache=False)
    for name in ("energy_per_inference", "latency"):
        assert carried.baseline.totals[name].value == pytest.approx(3 * apart.baseline.totals[name].value)
    assert "each of 3 windows" in carried.baseline.name
    assert any("stream of 3 windows" in text for text in carried.warnings)


def test_what_a_stream_cannot_keep_is_refused_at_once():
    rule = (
        "{components: [synapse_memory], after_cycles: 8, wake_cycles: 2, remaining: 0.1, wake_energy: 1 pJ, "
        "source: made up here}"
    )
    network, spec = layer_chain([np.ones((2, 3))]), load_chip("small", [f"technology.power.sleep=[{rule}]"]).spec
    with pytest.raises(ConfigError, match="sleep and dvfs need the counts of every step"):
        run_stream(network, spec, [])
    with pytest.raises(ConfigError, match="expected one of them"):
        pipeline.run("core", "mnist_conv", samples=3, state="carry", back_to_back=True)
