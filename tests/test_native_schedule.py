"""Schedule native: every population in every step, a timestep of delay on every edge, and both engines agree."""

from itertools import pairwise

import numpy as np
import pytest
from functional_builders import dense, naive_integer, random_events, random_network
from pipeline_builders import run_flow, workload_of

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.mapping.mapping import map_network
from accelsim.mapping.schedule import Schedule
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.machine import build_machine
from accelsim.timing.records import SCAN_COUNT
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work

CHIP = load_chip("core", ["schedule=native"]).spec
BITS = 16


def test_every_population_from_step_0_on():
    network = random_network(1)
    schedule = Schedule.of("native", network, 7)
    assert schedule.steps == 7 and set(schedule.first.values()) == {0}
    assert [schedule.timestep(step, "out") for step in (-1, 0, 6, 7)] == [None, 0, 6, None]
    balanced = Schedule.of("pipelined", network, 7)
    assert balanced.steps == 7 + 3 and balanced.first == network.depth


@pytest.mark.parametrize("seed", range(6))
def test_the_engines_are_given_what_the_naive_twin_sends(seed):
    network = random_network(seed)
    events = random_events(seed, network.input.size, samples=2, timesteps=5)
    trace = execute(network, events, Numerics(BITS, BITS), 1, delay=1)
    record, _ = naive_integer(network, events, BITS, BITS, delay=1)
    mapping = map_network(network, CHIP, "spikes", 1)
    machine = build_machine(network, CHIP, mapping, trace)
    assert machine.jobs == 2 * 5
    scratch = allocate_work(machine.work)
    sent = {**record["spikes"], network.input.name: np.zeros((2, 5, network.input.size), np.int64)}
    for sample in range(2):
        for step in range(5):
            row = sample * 5 + step
            sent[network.input.name][sample, step, events.index[events.ptr[row] : events.ptr[row + 1]]] = 1
            scan = np.zeros(len(mapping.parts), SCAN_COUNT)
            build_work(machine.work, sample, step, scratch, scan)
            fired = scratch.fired[: scratch.fired_ptr[-1]]
            expected = [
                mapping.offsets[name] + neuron
                for name, spikes in sent.items()
                for neuron in np.flatnonzero(spikes[sample, step])
            ]
            assert sorted(fired.tolist()) == sorted(expected)


def test_a_wave_takes_a_timestep_per_layer():
    """One event at timestep 0 through three relays: they fire at timesteps 1, 2 and 3."""
    network = random_network(0)
    names = [name for name in network.populations if name != "b"]
    relay = IF(np.ones(1, np.int32), np.zeros(1, np.int32), "value", ">=")
    one = dense(np.ones((1, 1), np.int32))
    populations = {name: Population(name, (1,), None if at == 0 else relay) for at, name in enumerate(names)}
    edges = tuple(Projection(u, v, one) for u, v in pairwise(names))
    active = np.zeros((1, 5, 1), bool)
    active[0, 0] = True
    trace = execute(
        Network("line", populations, edges, 1e-3), EventStream.from_dense(active), Numerics(8, 8), 1, delay=1
    )
    assert [trace.dense(name, 1)[0, :, 0].argmax() for name in names[1:]] == [1, 2, 3]
    assert [trace.spikes(name).sum() for name in names[1:]] == [1, 1, 1]


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_whole_flow(engine):
    """As many steps as timesteps; the spikes of the last timestep are sent and processed like all others."""
    network = random_network(4)
    events = random_events(4, network.input.size, samples=2, timesteps=6)
    result, _ = run_flow(workload_of(network, events), overrides=["schedule=native"], engine=engine)
    assert result.totals["steps"].value == 6
    record, _ = naive_integer(network, events, BITS, BITS, delay=1)
    sops = np.zeros(2, np.int64)
    for edge in network.projections:
        spikes = record["spikes"].get(edge.source)
        if spikes is None:
            index = [events.index[events.ptr[6 * s] : events.ptr[6 * s + 6]] for s in range(2)]
            spikes = np.stack([np.bincount(item, minlength=network.input.size) for item in index])[:, None]
        sops += spikes.sum(axis=1) @ edge.connection.fan_out()
    assert result.samples["sops"].tolist() == sops.tolist()
    other, _ = run_flow(workload_of(network, events), overrides=["schedule=native"], engine="reference")
    assert other.samples["latency_cycles"].tolist() == result.samples["latency_cycles"].tolist()


def test_dense_rows_touch_what_their_zeros_reach():
    network = random_network(7)
    events = random_events(7, network.input.size)
    touched = {}
    for name, skip in (("dense", False), ("dense", True), ("csr", False)):
        overrides = [f"core.weight_format={name}", f"core.skip_zero_weights={str(skip).lower()}"]
        _, run = run_flow(workload_of(network, events), overrides=overrides)
        trace = run.trace
        touched[name, skip] = {key: item.touched for key, item in trace.populations.items()}
    record, _ = naive_integer(network, events, BITS, BITS, zeros_touch=True)
    differ = 0
    for name, expected in record["touched"].items():
        rows = expected.reshape(-1, expected.shape[2])
        assert (np.unpackbits(touched["dense", False][name], axis=1, count=rows.shape[1]) == rows).all(), name
        assert (touched["dense", True][name] == touched["csr", False][name]).all()
        differ += int((touched["dense", True][name] != touched["dense", False][name]).sum())
    assert differ > 0


def test_the_key_of_a_trace_knows_the_schedule():
    network, events = random_network(2), random_events(2, random_network(2).input.size)
    keys = {
        run_flow(workload_of(network, events), overrides=[f"schedule={name}"])[1].trace.key
        for name in ("pipelined", "native")
    }
    assert len(keys) == 2
