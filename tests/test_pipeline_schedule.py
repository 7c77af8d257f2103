"""``pipelined`` is the zero-delay network, shifted: an executor in the order of the hardware fires the same spikes.

In hardware step h a population of depth d takes in what its sources sent in step h - 1. It is left alone, leak and bias
included, except in steps d .. d + T - 1.
"""

import numpy as np
import pytest
from functional_builders import naive_neuron, random_events, random_network, wrapped
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.mapping.mapping import map_network
from accelsim.mapping.schedule import Schedule
from accelsim.timing.machine import build_machine
from accelsim.timing.records import SCAN_COUNT
from accelsim.timing.simulate import simulate
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work

BITS = 16


def longest_path(network, name):
    return max((1 + longest_path(network, edge.source) for edge in network.incoming(name)), default=0)


def hardware_order(network, events):
    """Return spikes by hardware step, {population: (samples, steps, neurons)}, neuron by neuron in Python integers."""
    depth = {name: longest_path(network, name) for name in network.populations}
    steps = events.timesteps + max(depth.values())
    low, high = -(1 << (BITS - 1)), (1 << (BITS - 1)) - 1
    matrix = {edge.name: edge.connection.dense_matrix().astype(object) for edge in network.projections}
    sent = {name: np.zeros((events.samples, steps, item.size), object) for name, item in network.populations.items()}
    at = np.repeat(np.arange(events.samples * events.timesteps), np.diff(events.ptr))
    value = 1 if events.value is None else events.value
    np.add.at(sent[network.input.name], (at // events.timesteps, at % events.timesteps, events.index), value)
    for sample in range(events.samples):
        state = {name: [0] * item.size for name, item in network.populations.items()}
        for step in range(steps):
            for name, item in network.populations.items():
                if item.model is None or not depth[name] <= step < depth[name] + events.timesteps:
                    continue
                total = np.zeros(item.size, object) if item.bias is None else item.bias.astype(object)
                for edge in network.incoming(name):
                    total = total + matrix[edge.name] @ sent[edge.source][sample, step - 1]
                for n in range(item.size):
                    current = wrapped(int(total[n]), BITS)
                    state[name][n], fired, _ = naive_neuron(item.model, n, state[name][n], current, low, high)
                    sent[name][sample, step, n] = fired
    return {name: values for name, values in sent.items() if name != network.input.name}, depth, steps


def built(seed, kind="spikes", timesteps=5, samples=2):
    network = random_network(seed)
    events = random_events(seed, network.input.size, kind=kind, samples=samples, timesteps=timesteps)
    return network, events, execute(network, events, Numerics(BITS, BITS), 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["spikes", "graded"]), st.integers(1, 7))
def test_spikes_are_the_trace_shifted_by_the_depth(seed, kind, timesteps):
    network, events, trace = built(seed, kind, timesteps)
    sent, depth, steps = hardware_order(network, events)
    schedule = Schedule.of("pipelined", network, events.timesteps)
    assert schedule.steps == steps and network.depth == depth
    for name, spikes in sent.items():
        expected = np.zeros(spikes.shape, np.uint8)
        expected[:, depth[name] : depth[name] + timesteps] = trace.dense(name, spikes.shape[2])
        np.testing.assert_array_equal(spikes.astype(np.uint8), expected, err_msg=name)
        active = [schedule.timestep(step, name) for step in range(steps)]
        assert [at for at in active if at is not None] == list(range(timesteps))
        assert active[depth[name]] == 0


def test_the_networks_have_biases_and_leaks_that_fire_without_input():
    """What makes the test above worth something: off by one step, or never switched off, these would differ."""
    silent_but_firing = leaking = 0
    for seed in range(20):
        network, _, trace = built(seed)
        for name, item in network.populations.items():
            if item.model is None:
                continue
            leaking += hasattr(item.model, "leak")
            touched = np.unpackbits(trace.populations[name].touched, axis=1, count=item.size)
            fired = trace.dense(name, item.size).reshape(touched.shape)
            silent_but_firing += int((fired > touched).sum())
    assert silent_but_firing > 100 and leaking > 20


CHIP = load_chip("core").spec


@pytest.mark.parametrize("seed", range(6))
def test_the_engines_are_given_that_work(seed):
    """The neurons that fire in every hardware step, as both engines read them, and the steps that each core scans."""
    network, events, trace = built(seed, timesteps=4)
    sent, depth, steps = hardware_order(network, events)
    mapping = map_network(network, CHIP, "spikes", 1)
    machine = build_machine(network, CHIP, mapping, trace)
    assert machine.work.steps == steps and machine.jobs == steps * events.samples
    dense = np.zeros((events.samples, steps, network.input.size), bool)
    at = np.repeat(np.arange(events.samples * events.timesteps), np.diff(events.ptr))
    dense[at // events.timesteps, at % events.timesteps, events.index] = True
    everyone = {network.input.name: dense, **sent}
    fired_at_all = 0
    scratch = allocate_work(machine.work)
    for sample in range(events.samples):
        for step in range(steps):
            scan = np.zeros(len(mapping.parts), dtype=SCAN_COUNT)
            build_work(machine.work, sample, step, scratch, scan)
            fired = scratch.fired[: scratch.fired_ptr[-1]]
            burst_fired = scratch.burst_fired[: scratch.burst_ptr[-1]]
            expected = [
                mapping.offsets[name] + neuron
                for name, spikes in everyone.items()
                for neuron in np.flatnonzero(spikes[sample, step])
            ]
            assert sorted(fired.tolist()) == sorted(expected)
            assert burst_fired.sum() == len(expected)
            fired_at_all += len(expected)
            for column, part in enumerate(sorted(mapping.parts, key=lambda part: part.terminal)):
                if not depth[part.population] <= step < depth[part.population] + events.timesteps:
                    assert not any(scan[column].tolist())
    assert fired_at_all > 0


def test_idle_steps_cost_the_barrier_alone():
    """A silent network scans nothing and takes drain + barrier per step."""
    network, events, _ = built(3)
    quiet = type(events)("spikes", 1, 4, events.size, np.zeros(5, np.int64), np.zeros(0, np.int32))
    still = {name: type(item)(item.name, item.shape, item.model) for name, item in network.populations.items()}
    network = type(network)("still", still, network.projections, 1e-3)
    trace = execute(network, quiet, Numerics(BITS, BITS), 1)
    if any(len(item.index) for item in trace.populations.values()):
        pytest.fail("a network without bias fired without input")
    mapping = map_network(network, CHIP, "spikes", 1)
    timing = simulate(build_machine(network, CHIP, mapping, trace), CHIP, mapping, "compiled", 1)
    steps = 4 + max(longest_path(network, name) for name in network.populations)
    assert timing.step_cycles.tolist() == [[CHIP.core.pipeline_drain + CHIP.barrier.cycles] * steps]
