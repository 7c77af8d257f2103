"""What keeps cores in step: tokens, barriers of four kinds, ticks; the same work whatever it is."""

import itertools

import numpy as np
import pytest
from timing_builders import ENGINES, chip, compile_and_build, layer_chain, ports_at
from timing_cases import random_sample

from accelsim.errors import AccelsimError
from accelsim.hardware.barrier_spec import BarrierSpec
from accelsim.hardware.loader import load_chip
from accelsim.mapping.schedule import Schedule
from accelsim.network.events import EventStream
from accelsim.timing.causes import CAUSES
from accelsim.timing.engine import ENGINES as REGISTRY
from accelsim.timing.engine import empty_chunk
from accelsim.timing.simulate import simulate

both_engines = pytest.mark.parametrize("engine", ENGINES)

WORK = ("fired", "routing_reads", "packets_out", "packets_in", "words", "sops", "issued", "state_words", "macs")


def outcome(net, events, spec, engine="compiled", **options):
    machine, mapping = compile_and_build(net, events, spec, **options)
    return simulate(machine, spec, mapping, engine, 1), machine, mapping


def changed(spec, **changes):
    """Return a chip with top-level values changed."""
    return spec.model_copy(update=changes)


def chain(timesteps=3, samples=1, seed=0, sizes=(6, 9, 7, 5)):
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-2, 4, (after, before)) for before, after in itertools.pairwise(sizes)]
    events = EventStream.from_dense(rng.random((samples, timesteps, sizes[0])) < 0.5)
    return layer_chain(weights, threshold=2), events


@pytest.mark.parametrize("seed", range(8))
def test_the_work_does_not_depend_on_what_keeps_step(seed):
    """Packets, rows and scans are those of the same chip with a barrier, terminal by terminal."""
    net, events, spec = random_sample(seed)
    core = spec.core.model_copy(update={"accumulator_slots": 2})
    spec = changed(spec, barrier=BarrierSpec(cycles=3), synchronization="barrier", tick="asap", core=core)
    with_barrier, _, _ = outcome(net, events, spec)
    without, machine, _ = outcome(net, events, changed(spec, synchronization="dependency"))
    for name in WORK:
        assert np.array_equal(without.terminals[name], with_barrier.terminals[name]), name
    for name in without.scans.dtype.names:
        assert np.array_equal(without.scans[name], with_barrier.scans[name]), name
    told = np.count_nonzero(machine.axons.axon["cost"] >= machine.axons.tokens) * machine.work.steps
    assert (without.terminals["tokens_out"].sum(axis=1) == told).all() and told > 0
    assert (without.terminals["tokens_in"].sum(axis=1) == told).all()
    assert not with_barrier.terminals["tokens_in"].any()


def test_neighbours_that_never_speak_are_told_all_the_same():
    net, _ = chain()
    silence = EventStream.from_dense(np.zeros((1, 4, 6), bool))
    spec = chip(synchronization="dependency")
    result, machine, _ = outcome(net, silence, spec)
    assert not result.terminals["packets_in"].any()
    neighbours = np.count_nonzero(machine.axons.axon["cost"] >= machine.axons.tokens)
    assert result.terminals["tokens_in"].sum() == neighbours * 7
    assert (result.step_cycles > 0).all()


@both_engines
def test_cores_run_apart(engine):
    """With rows of thousands of cycles in the last layer the first layers are steps ahead, more so with more slots."""
    net, events = chain(timesteps=6, sizes=(4, 4, 4, 40))
    ahead = []
    for slots in (2, 4):
        spec = chip(
            synchronization="dependency", core__accumulator_slots=slots, core__synapse_lanes=1,
            mapping__partition="spread", core__timing__synapse_cycles=200,
        )  # fmt: skip
        machine, mapping = compile_and_build(net, events, spec)
        chunk = empty_chunk(machine, 0, machine.jobs)
        REGISTRY.get(engine)(machine, chunk)
        ends = chunk.terminals["scan_end"]
        port, last = mapping.cores, next(part.terminal for part in mapping.parts if part.population == "l3")
        passed = (ends[:, last][:, None] > ends[:, port][None]).sum(axis=1)
        ahead.append(int((passed - np.arange(1, len(passed) + 1)).max()))
        assert (np.diff(ends[:, port]) >= 0).all()
    assert ahead[0] < ahead[1], ahead


@both_engines
def test_a_chain_without_a_barrier_is_faster_where_the_barrier_is_long(engine):
    net, events = chain(timesteps=5)
    took = {}
    for name, changes in (("barrier", {"barrier__cycles": 200}), ("tokens", {"synchronization": "dependency"})):
        took[name] = outcome(net, events, chip(**changes), engine)[0].latency[0]
    assert took["tokens"] < took["barrier"]


@both_engines
def test_messages_of_a_barrier_by_hand(engine):
    """One core and two ports on a router: done in 10 and 12, the last row ends in 14; go in 10 and 13, ends in 15."""
    net, events = chain(sizes=(2, 2))
    changes = {"noc__size": [1, 1], "ports": ports_at([0, 0], [0, 0])}
    changes |= {"barrier__kind": "message", "barrier__root": [0, 0]}
    result, machine, _ = outcome(net, events, chip(**changes), engine)
    at = CAUSES.index("barrier")
    assert (result.causes[0, :, at] == 14 + 15).all()
    steps = machine.work.steps
    assert result.terminals["tokens_in"][0].tolist() == [2 * steps, steps, steps]
    ideal, _, _ = outcome(net, events, chip(**{**changes, "barrier__kind": "ideal", "barrier__root": None}), engine)
    assert result.links.sum() - ideal.links.sum() == 4 * steps  # a message leaves one router
    assert result.routers["flits"].sum() - ideal.routers["flits"].sum() == 4 * steps
    assert (result.step_cycles - ideal.step_cycles == 29).all()


def test_a_tree_is_as_deep_as_the_farthest_router_is_away():
    net, events = chain()
    tree = {"kind": "tree", "hop_cycles": 3, "settle_cycles": 7}
    for root, depth in (([0, 0], 2), ([1, 1], 2), ([1, 0], 2)):
        result, _, _ = outcome(net, events, chip(barrier={**tree, "root": root}))
        assert (result.causes[0, :, CAUSES.index("barrier")] == 2 * depth * 3 + 7).all()
    line = chip(noc__size=[5, 1], ports=ports_at([0, 0], [4, 0]), barrier={**tree, "root": [2, 0]})
    assert outcome(net, events, line)[0].causes[0, 0, CAUSES.index("barrier")] == 2 * 2 * 3 + 7


@pytest.mark.parametrize("name", ["core", "small", "large"])
def test_stated_barriers_of_presets_are_those_of_their_trees(name):
    """A tree of depth d of the mesh, up and down, and what the file says on settling."""
    spec = load_chip(name).spec
    depth = sum(extent - 1 for extent in spec.noc.size)
    assert spec.barrier.cycles == 2 * depth * spec.barrier.hop_cycles + spec.barrier.settle_cycles


@both_engines
def test_ticks(engine):
    """Idle to the tick, or late and counted; the latency ends with the last output, not with the tick."""
    net, events = chain(timesteps=4)
    free, _, _ = outcome(net, events, chip(), engine)
    took = free.step_cycles[0]
    tick = int(took.max()) - 1  # the longest steps overrun it
    result, machine, _ = outcome(net, events, chip(tick=f"{tick * 10} ns"), engine)
    assert np.array_equal(result.step_cycles[0], np.maximum(took, tick))
    assert np.array_equal(result.late[0], np.maximum(took - tick, 0)) and result.late.any()
    last = machine.last_output
    assert result.latency[0] - free.latency[0] == np.maximum(took, tick)[:last].sum() - took[:last].sum()
    assert np.array_equal(result.causes.sum(axis=2), result.step_cycles)


@both_engines
def test_layers_in_order(engine):
    """A barrier per depth: each step has one layer at work, and a sample of T timesteps takes T x layers of them."""
    net, events = chain(timesteps=3)
    spec = chip(schedule="sequential")
    result, machine, mapping = outcome(net, events, spec, engine)
    pipelined, _, _ = outcome(net, events, chip(), engine)
    assert machine.work.steps == 3 * 4 and machine.last_output == 11
    for name in WORK:
        assert np.array_equal(result.terminals[name], pipelined.terminals[name]), name
    chunk = empty_chunk(machine, 0, machine.jobs)
    REGISTRY.get(engine)(machine, chunk)
    busy = [mapping.parts[index].population for index in result.part_order]
    for step in range(12):
        at_work = {busy[column] for column in np.flatnonzero(chunk.scans["visited"][step])}
        assert at_work <= {("in", "l1", "l2", "l3")[step % 4]}
    assert result.latency[0] <= result.step_cycles.sum()


@both_engines
def test_back_to_back(engine):
    """Samples T steps apart do the same work, and the steps in which two of them meet take as long as both need."""
    net, events = chain(timesteps=3, samples=4, seed=3)
    spec = chip()
    alone, _, _ = outcome(net, events, spec, engine)
    stream, machine, _ = outcome(net, events, spec, engine, back_to_back=True)
    assert machine.jobs == machine.work.steps == 4 * 3 + 3
    for name in WORK:
        assert np.array_equal(stream.terminals[name][0], alone.terminals[name].sum(axis=0)), name
    assert stream.step_cycles.sum() < alone.step_cycles.sum()
    assert stream.step_cycles[0, 0] == alone.step_cycles[0, 0]


def test_delays_keep_samples_apart():
    """No spike of a sample may wait into the next one: as many steps lie between as the longest delay."""
    net, _ = chain()
    schedule = {kind: Schedule.of(kind, net, 5).interval(net) for kind in ("pipelined", "sequential", "native")}
    assert schedule == {"pipelined": 5, "sequential": 5, "native": 6}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["synchronization=dependency", "tick=1 ms"], "tick: expected asap with synchronization: dependency"),
        (["synchronization=dependency", "schedule=sequential"], "expected barrier with the schedule sequential"),
        (["core.accumulator_slots=3"], "expected 2 with a barrier, got 3"),
        (["core.accumulator_slots=1"], "core.accumulator_slots: expected at least 2, got 1"),
        (["tick=0 ns"], "tick: expected 1 to"),
        (["tick=soon"], "tick: expected a time such as '1 ns', got 'soon'"),
        (["synchronization=none"], "synchronization: expected 'barrier' or 'dependency', got 'none'"),
        (["barrier={kind: tree, root: [0, 0]}"], "hop_cycles and settle_cycles with the kind tree"),
        (["barrier.kind=tree", "barrier.root=[9, 9]"], "barrier.root: router (9, 9) is outside the size (4, 4)"),
        (["barrier.kind=magic"], "barrier.kind"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, message):
    with pytest.raises(AccelsimError) as caught:
        load_chip("core", settings)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["ideal", "tree", "message"])
def test_every_kind_of_barrier_is_a_switch_away_from_the_default(kind):
    assert load_chip("core", [f"barrier.kind={kind}"]).spec.barrier.kind == kind


def test_a_tick_that_is_no_whole_number_of_cycles_is_rounded_up():
    net, events = chain()
    assert outcome(net, events, chip(tick="100001 ns"))[0].step_cycles.tolist() == [[10001] * 6]


def test_more_slots_need_more_accumulators():
    net, events = chain(sizes=(4, 200, 4))
    words = [
        outcome(net, events, chip(synchronization="dependency", core__accumulator_slots=slots))[2].occupation
        for slots in (2, 3)
    ]
    total = [sum(demand.accumulator_words for demand in own.values()) for own in words]
    assert total[1] * 2 == total[0] * 3
