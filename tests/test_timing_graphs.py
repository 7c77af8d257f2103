"""Graphs on the machine: schedules with delays and recurrence, accumulator slots, and what a multi-spike sends."""

import numpy as np
import pytest
from extra_neurons import Burster, Gate
from functional_builders import dense, naive_model, random_events, random_graph, wrapped
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_builders import chip, ports_at

from accelsim.errors import MappingError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.mapping.mapping import map_network
from accelsim.mapping.schedule import Schedule, depths
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.machine import build_machine
from accelsim.timing.records import SCAN_COUNT
from accelsim.timing.simulate import simulate
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work

BITS = 16
LIMITS = Numerics(BITS, BITS)
KINDS = ("pipelined", "native", "sequential")
CHIPS = {name: load_chip("core", [f"schedule={name}"]).spec for name in KINDS}


def machine_order(network, events, schedule, slots):
    """Spikes by hardware step, {population: (samples, steps, neurons)}, with ``slots`` accumulators per neuron.

    As a machine does it: once in a period each population reads and clears one slot, and in every step its spikes are
    added at once to the slots of their targets, as many steps on as they wait; whether a target has read its own by
    then is nobody's promise. A wait that needs more slots than there are meets the slot that is read.
    """
    low, high = -(1 << (BITS - 1)), (1 << (BITS - 1)) - 1
    matrix = {edge.name: edge.connection.dense_matrix().astype(object) for edge in network.projections}
    steps, period, first = schedule.steps, schedule.period, schedule.first
    sent = {name: np.zeros((events.samples, steps, item.size), object) for name, item in network.populations.items()}
    at = np.repeat(np.arange(events.samples * events.timesteps), np.diff(events.ptr))
    source = network.input.name
    np.add.at(sent[source], (at // events.timesteps, at % events.timesteps * period, events.index), 1)
    for sample in range(events.samples):
        state = {
            name: [[0] * len(item.model.states) for _ in range(item.size)]
            for name, item in network.populations.items() if item.model is not None
        }
        ring = {name: np.zeros((slots[name], item.size), object) for name, item in network.populations.items()}
        for step in range(steps):
            for name, item in network.populations.items():
                turn, between = divmod(step - first[name], period)
                taken = ring[name][turn % slots[name]].copy()
                if between == 0:
                    ring[name][turn % slots[name]] = 0
                if item.model is not None and schedule.timestep(step, name) is not None:
                    total = taken if item.bias is None else taken + item.bias.astype(object)
                    for n in range(item.size):
                        current = wrapped(int(total[n]), BITS)
                        state[name][n], fired, _ = naive_model(item.model, n, state[name][n], current, low, high)
                        sent[name][sample, step, n] = fired
                for edge in network.outgoing(name):
                    turn, between = divmod(step + schedule.wait(edge) - first[edge.target], period)
                    assert between == 0 or not sent[name][sample, step].any()
                    ring[edge.target][turn % slots[edge.target]] += matrix[edge.name] @ sent[name][sample, step]
    return sent


def case(seed, kind, timesteps=6):
    network = random_graph(seed, slow=kind != "native")
    events = random_events(seed, network.input.size, timesteps=timesteps, samples=2)
    schedule = Schedule.of(kind, network, timesteps)
    trace = execute(network, events, LIMITS, 1, delay=int(kind == "native"))
    return network, events, schedule, trace


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS), st.integers(1, 7))
def test_spikes_are_the_trace_shifted_by_the_schedule(seed, kind, timesteps):
    """With exactly the slots that the mapping reserves; depths are the smallest."""
    network, events, schedule, trace = case(seed, kind, timesteps)
    slots = {name: schedule.slots(network, name) for name in network.populations}
    sent = machine_order(network, events, schedule, slots)
    for name, item in network.populations.items():
        if item.model is not None:
            first = schedule.first[name]
            expected = np.zeros(sent[name].shape, np.int64)
            expected[:, first : first + timesteps * schedule.period : schedule.period] = trace.dense(name, item.size)
            np.testing.assert_array_equal(sent[name].astype(np.int64), expected, err_msg=name)
    for name, first in schedule.first.items():
        needed = [schedule.first[edge.source] + 1 - edge.delay for edge in network.incoming(name)]
        if kind == "sequential":
            needed = [schedule.first[edge.source] + 1 for edge in network.incoming(name) if edge.delay == 0]
        assert first == (0 if kind == "native" else max([0, *needed])), name
    if kind == "sequential":
        assert schedule.period == 1 + max(schedule.first.values()) and schedule.steps == timesteps * schedule.period


@pytest.mark.parametrize("kind", ["pipelined", "sequential"])
def test_one_slot_less_would_be_wrong(kind):
    """Otherwise the slots above would prove nothing; one slot is never too many."""
    wrong = 0
    for seed in range(40):
        network, events, schedule, _ = case(seed, kind)
        slots = {name: schedule.slots(network, name) for name in network.populations}
        whole = machine_order(network, events, schedule, slots)
        short = machine_order(network, events, schedule, {name: max(1, count - 1) for name, count in slots.items()})
        wrong += any((whole[name] != short[name]).any() for name in whole)
    assert wrong >= 20, wrong


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [5, 13, 16, 17, 22, 26])
def test_the_engines_are_given_every_spike_as_often_as_it_is_sent(kind, seed):
    network, events, schedule, trace = case(seed, kind, 5)
    mapping = map_network(network, CHIPS[kind], "spikes", 1)
    machine = build_machine(network, CHIPS[kind], mapping, trace)
    sent = machine_order(network, events, schedule, dict.fromkeys(network.populations, 32))
    assert machine.jobs == 2 * schedule.steps
    scratch = allocate_work(machine.work)
    for sample in range(2):
        for step in range(schedule.steps):
            build_work(machine.work, sample, step, scratch, np.zeros(len(mapping.parts), SCAN_COUNT))
            expected = [
                mapping.offsets[name] + neuron
                for name, spikes in sent.items()
                for neuron, count in enumerate(spikes[sample, step])
                for _ in range(count)
            ]
            assert sorted(scratch.fired[: scratch.fired_ptr[-1]].tolist()) == sorted(expected)
            assert scratch.burst_fired[: scratch.burst_ptr[-1]].sum() == len(expected)


def relay(size=1, threshold=1):
    return IF(np.full(size, threshold, np.int32), np.zeros(size, np.int32), "value", ">=")


def line(edges, models=None):
    """Populations of one neuron, in order of appearance, joined by (source, target, delay)."""
    names = list(dict.fromkeys(name for source, target, _ in edges for name in (source, target)))
    populations = {
        name: Population(name, (1,), (models or {}).get(name, relay()) if at else None) for at, name in enumerate(names)
    }
    one = dense(np.ones((1, 1), np.int32))
    return Network("line", populations, tuple(Projection(u, v, one, delay=d) for u, v, d in edges), 1e-3)


def pulse(timesteps):
    active = np.zeros((1, timesteps, 1), bool)
    active[0, 0] = True
    return EventStream.from_dense(active)


def test_depths_by_hand():
    skip = line([("in", "a", 0), ("a", "b", 0), ("a", "c", 0), ("b", "c", 0)])
    assert depths(skip) == {"in": 0, "a": 1, "b": 2, "c": 3}
    assert depths(line([("in", "a", 0), ("a", "b", 3), ("b", "c", 0)])) == {"in": 0, "a": 1, "b": 0, "c": 1}
    assert depths(line([("in", "a", 0), ("a", "b", 0), ("b", "a", 2)])) == {"in": 0, "a": 1, "b": 2}
    assert depths(line([("in", "a", 0), ("a", "a", 1)])) == {"in": 0, "a": 1}


def test_slots_by_hand():
    """A skip over two populations waits three steps, a delay of 5 beside it as many more as there are."""
    network = line([("in", "a", 0), ("a", "b", 0), ("b", "c", 0), ("in", "c", 0), ("in", "c", 5)])
    slots = {kind: Schedule.of(kind, network, 1) for kind in KINDS}
    assert [slots["pipelined"].slots(network, name) for name in "abc"] == [2, 2, 3 + 5 + 1]
    assert [slots["native"].slots(network, name) for name in "abc"] == [2, 2, 1 + 5 + 1]
    assert [slots["sequential"].slots(network, name) for name in "abc"] == [1, 1, 5 + 1]
    assert [slots["pipelined"].slots(network, name, 2) for name in "abc"] == [4, 4, 3 + 5 + 3]
    assert [slots["sequential"].wait(edge) for edge in network.projections] == [1, 1, 1, 3, 5 * 4 + 3]
    assert [slots["pipelined"].wait(edge) for edge in network.projections] == [1, 1, 1, 3, 8]


def test_a_cycle_that_a_pipeline_cannot_run_is_named():
    network = line([("in", "a", 0), ("a", "b", 0), ("b", "c", 0), ("c", "a", 1), ("c", "d", 0)])
    with pytest.raises(MappingError) as caught:
        map_network(network, CHIPS["pipelined"], "spikes", 1)
    text = str(caught.value)
    assert any(path in text for path in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")), text
    assert "3 projections and a delay of 1 timesteps" in text and "at least 3" in text
    assert map_network(network, CHIPS["native"], "spikes", 1).used_cores


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_loop_of_two_neurons_takes_its_waits(engine):
    """in -> a <-> b with delays 1 and 1: the pulse is in a at timesteps 0, 2, 4, in b at 1, 3, 5.

    Depths are 1 and 1, so that a and b fire in alternate steps from step 1 on, until timestep 5 in step 6. Every packet
    goes from core to core in the same cycles: of the steps, those with a spike take equally long.
    """
    network, timesteps = line([("in", "a", 0), ("a", "b", 1), ("b", "a", 1)]), 6
    trace = execute(network, pulse(timesteps), LIMITS, 1)
    assert trace.dense("a", 1)[0, :, 0].tolist() == [1, 0, 1, 0, 1, 0]
    assert trace.dense("b", 1)[0, :, 0].tolist() == [0, 1, 0, 1, 0, 1]
    spec = chip(noc__size=[2, 1], ports=ports_at([0, 0], [1, 0]), mapping__partition="compact")
    mapping = map_network(network, spec, "spikes", 1)
    timing = simulate(build_machine(network, spec, mapping, trace), spec, mapping, engine, 1)
    home = {part.population: part.terminal for part in mapping.parts}
    assert (home["a"], home["b"]) == (0, 1)
    tail = spec.core.pipeline_drain + spec.barrier.cycles
    # docs/timing-model.md, example A: group in 0, write-back 1, axon-out 2, injection 3, arrival, look-up 15, row 16.
    # A row of one 8-bit weight takes one cycle. b sends to the output port on its own router, then to a: by terminal, a
    # is first. The port's packet follows one cycle later, but through one router less.
    hop = 3 + 5 * 2 + 2 + 1 + 1
    assert timing.step_cycles[0, 1::2].tolist() == [hop + tail] * 3
    assert timing.step_cycles[0, 2::2].tolist() == [hop + tail] * 3
    assert timing.step_cycles.shape == (1, timesteps + 1)


def test_accumulators_that_just_fit():
    """3 neurons, 2 to a word of 32 bits, are 2 words; a self-loop of delay 4 needs 5 slots, 10 words, 40 bytes."""
    size = 3
    joined = Projection("in", "a", dense(np.ones((size, 1), np.int32)))
    around = Projection("a", "a", dense(np.eye(size, dtype=np.int32)), delay=4)
    populations = {"in": Population("in", (1,), None), "a": Population("a", (size,), relay(size))}
    network = Network("ring", populations, (joined, around), 1e-3)
    memory = {"width": 32, "banks": 1, "ports": "1RW"}
    one_core = {"noc__size": [1, 1], "ports": ports_at([0, 0], [0, 0])}
    fits = chip(**one_core, core__accumulator__memory={**memory, "capacity": "40 B"})
    assert map_network(network, fits, "spikes", 1).occupation[0].accumulator_words == 10
    short = chip(**one_core, core__accumulator__memory={**memory, "capacity": "36 B"})
    with pytest.raises(MappingError) as caught:
        map_network(network, short, "spikes", 1)
    text = str(caught.value)
    assert "core.accumulator.memory (5 slots, as spikes wait up to 4 steps)" in text
    assert "10 words" in text and "1 words (0.003906 KiB) missing" in text


def test_projections_between_the_same_two_share_their_axons():
    """Delays 0, 1 and 2 from the same 4 neurons: an axon and a routing entry each, three rows behind it."""
    weights = ([[1, 0, 0, 1], [0, 0, 2, 1]], [[1, 1, 0, 0], [0, 0, 0, 1]], [[0, 0, 0, 0], [0, 0, 0, 3]])
    edges = tuple(Projection("in", "a", dense(np.array(w, np.int32)), delay=at) for at, w in enumerate(weights))
    network = Network("split", {"in": Population("in", (4,), None), "a": Population("a", (2,), relay(2))}, edges, 1e-3)
    spec = chip(core__weight_format="csr")
    mapping = map_network(network, spec, "spikes", 1)
    assert mapping.occupation[0].axons == 4
    assert np.diff(mapping.axons.ptr[:5]).tolist() == [1, 1, 1, 1]
    costs = mapping.axons.costs[mapping.axons.axon["cost"]][:4]
    assert costs["sops"].tolist() == [2, 1, 1, 4]
    assert mapping.occupation[0].accumulator_words == (1 + 2 + 1) * 1  # waits of 1, 2 and 3; two sums to a word


def test_states_take_words():
    """Two states of 16 bits are a word of 32, with a bias of 16 two; a gate has none."""
    models = {"a": Burster(np.ones(1, np.int32)), "b": Gate(np.ones(1, np.int32)), "c": Burster(np.ones(1, np.int32))}
    network = line([("in", "a", 0), ("a", "b", 0), ("b", "c", 0), ("c", "d", 0)], models)
    biased = dict(network.populations)
    biased["c"] = Population("c", (1,), models["c"], np.ones(1, np.int32))
    network = Network("states", biased, network.projections, 1e-3)
    spec = chip(core__membrane__memory={"width": 32, "banks": 2, "ports": "1RW", "capacity": "64 B"})
    mapping = map_network(network, spec, "spikes", 1)
    words = {part.population: part.words_per_membrane for part in mapping.parts if part.terminal < mapping.cores}
    assert words == {"a": 1, "b": 0, "c": 2, "d": 1}
    held = {part.population: mapping.occupation[part.terminal].membrane_words for part in mapping.parts[:4]}
    assert held == words
    trace = execute(network, pulse(3), LIMITS, 1)
    timing = simulate(build_machine(network, spec, mapping, trace), spec, mapping, "compiled", 1)
    for column, index in enumerate(timing.part_order):
        part = mapping.parts[index]
        if part.terminal < mapping.cores:
            scan = timing.scans[0, column]
            assert scan["membrane_words"] == scan["visited"] * words[part.population], part.population
            # one bank slot of a 1RW memory takes two cycles; two words lie in the two banks, side by side
            assert scan["cycles"] == scan["visited"] * (2 if words[part.population] else 1), part.population


def burst(most=5, models=None):
    """One spike makes b fire three times at once; c takes them with weight 2."""
    populations = {
        "in": Population("in", (1,), None),
        "b": Population("b", (1,), Burster(np.ones(1, np.int32), most)),
        "c": Population("c", (3,), relay(3, 100)),
    }
    edges = (
        Projection("in", "b", dense(np.full((1, 1), 3, np.int32))),
        Projection("b", "c", dense(np.array([[2], [0], [1]], np.int32))),
    )
    return Network("burst", populations, edges, 1e-3)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("most", [5, None])
def test_what_a_multi_spike_sends(engine, most):
    network, found = burst(most), {}
    trace = execute(network, pulse(1), LIMITS, 1)
    assert trace.populations["b"].count.tolist() == [3]
    for name in ("repeat", "graded"):
        spec = chip(core__multi_spike=name, noc__flit_bits=16, core__skip_zero_weights=True)
        mapping = map_network(network, spec, "spikes", 1)
        assert mapping.graded == ({"b"} if name == "graded" else set())
        assert mapping.value_bits == ({5: 3, None: 16}[most] if name == "graded" else 1)
        counts = simulate(build_machine(network, spec, mapping, trace), spec, mapping, engine, 1).terminals[0]
        found[name] = {field: int(counts[field].sum()) for field in counts.dtype.names}
    repeat, graded = found["repeat"], found["graded"]
    # the input's packet, and three of b, or one with a value; two weights of c are not zero
    assert (repeat["packets_out"], graded["packets_out"]) == (1 + 3, 1 + 1)
    assert (repeat["sops"], graded["sops"]) == (1 + 3 * 2, 1 + 2)
    assert (repeat["macs"], graded["macs"]) == (0, 2)
    assert (repeat["fired"], graded["fired"]) == (1 + 3, 1 + 1)
    # 9 bits of axon, 3 of terminal; 3 bits of value still fit a flit of 16, 16 bits do not
    assert (repeat["flits_out"], graded["flits_out"]) == (4, 2 if most == 5 else 3)


def test_values_of_spikes_need_lanes():
    spec = chip(core__multi_spike="graded", core__mac_lanes=0)
    with pytest.raises(MappingError, match=r"population b: its neurons may spike several times .*mac_lanes is 0"):
        map_network(burst(), spec, "spikes", 1)
    assert map_network(burst(1), spec, "spikes", 1).graded == set()
    assert map_network(burst(), chip(core__mac_lanes=0), "spikes", 1).graded == set()


def test_latency_ends_with_the_output_not_with_a_deeper_side_branch():
    network = line([("in", "a", 0), ("a", "s", 0), ("s", "t", 0), ("a", "z", 0)])
    spec, events = CHIPS["pipelined"], pulse(4)
    trace = execute(network, events, LIMITS, 1)
    mapping = map_network(network, spec, "spikes", 1)
    timing = simulate(build_machine(network, spec, mapping, trace), spec, mapping, "compiled", 1)
    assert timing.step_cycles.shape == (1, 4 + 3)  # t has depth 3, the output z depth 2
    idle = spec.core.pipeline_drain + spec.barrier.cycles
    assert timing.step_cycles[0, 6] == idle
    before = timing.step_cycles[0, :6].sum()
    assert timing.latency[0] < before
