"""Networks that only biases drive, on chips without ports."""

import numpy as np
import pytest
from functional_builders import naive_integer
from timing_builders import chip, layer_chain, ports_at

from accelsim.costs.counting import component_kinds, count
from accelsim.errors import MappingError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.mapping.mapping import map_network
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate

BITS = 16


def driven(rng, sizes=(5, 7, 3)) -> Network:
    """An input of no neurons, a population with biases, and layers behind it."""
    populations = {"none": Population("none", (0,), None)}
    edges = []
    for at, size in enumerate(sizes):
        limit, rest = np.full(size, 6, np.int32), np.zeros(size, np.int32)
        bias = rng.integers(0, 5, size).astype(np.int32) if at == 0 else None
        populations[f"l{at}"] = Population(f"l{at}", (size,), IF(limit, rest, "value", ">"), bias)
        if at:
            weights = rng.integers(-1, 9, (size, sizes[at - 1])).astype(np.int32)
            edges.append(Projection(f"l{at - 1}", f"l{at}", dense(weights, 8)))
    return Network("driven", populations, tuple(edges), 1e-3)


def silence(samples=1, timesteps=24) -> EventStream:
    ptr = np.zeros(samples * timesteps + 1, np.int64)
    return EventStream("spikes", samples, timesteps, 0, ptr, np.zeros(0, np.int32))


@pytest.mark.parametrize("schedule", ["pipelined", "native"])
@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("ports", [[], ports_at([0, 0], [1, 1])[:1], ports_at([0, 0], [1, 1])[1:]])
def test_biases_alone(schedule, engine, ports):
    network, events = driven(np.random.default_rng(3)), silence()
    spec = chip(ports=ports, schedule=schedule)
    trace = execute(network, events, Numerics(BITS, BITS), 1, delay=spec.edge_delay)
    record, _ = naive_integer(network, events, BITS, BITS, delay=spec.edge_delay)
    for name, spikes in record["spikes"].items():
        assert (trace.dense(name, spikes.shape[2]) == spikes).all()
    assert record["spikes"]["l2"].sum() > 0
    mapping = map_network(network, spec, "spikes", 1)
    timing = simulate(build_machine(network, spec, mapping, trace), spec, mapping, engine, 1)
    outputs = [port for port in ports if port["direction"] == "output"]
    fired = {name: int(spikes.sum()) for name, spikes in record["spikes"].items()}
    cores = {name: {part.terminal for part in mapping.parts if part.population == name} for name in fired}
    packets = fired["l0"] * len(cores["l1"]) + fired["l1"] * len(cores["l2"]) + fired["l2"] * len(outputs)
    assert int(timing.terminals["packets_in"].sum()) == packets
    assert (timing.latency > 0).all()
    counters = count(spec, network, mapping, timing, trace, events)
    assert {path for path, _ in counters.counts} <= set(component_kinds(spec, mapping))
    if not outputs:
        ends = timing.step_cycles.sum(axis=1) - (spec.core.pipeline_drain + spec.barrier.cycles_of(1))
        assert (timing.latency == ends).all()  # first input flit at 0, no output: until the last step's work is done


def test_events_need_a_port():
    network = layer_chain([np.ones((2, 3), np.int32)])
    with pytest.raises(MappingError, match=r"in sends events into the network, .* no input port: .* got no ports"):
        map_network(network, chip(ports=[]), "spikes", 1)
    with pytest.raises(MappingError, match=r"no input port: .* got output \(output\)"):
        map_network(network, chip(ports=ports_at([0, 0], [1, 1])[1:]), "spikes", 1)
