"""Elastic chips: both engines equal in all counts and cycles on generated steps, and to a twin of YANA's registers.

What the cases reach is counted, so that the generator cannot lose its teeth unseen.
"""

from collections import Counter

import numpy as np
import pytest
from elastic_cases import Case, core_spec, noc_spec, random_case, run, tree_spec
from elastic_twin import step_cycles
from timing_builders import axon_tables, step_work

from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.timing.deadlock import elastic_waiting_cycle
from accelsim.timing.elastic_netlist import elastic_tables
from accelsim.timing.elastic_work import done_tree_cycles
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE

STEPS, CHUNK, MORE = 160, 40, 5200
BARS = {
    "fifo_full": 1, "injection_full": 10, "stall_switch": 15, "stall_credit": 10, "stall_ejection": 12, "two relays": 6,
    "one grant per output": 8, "no spikes": 1, "long rows": 15,
}  # fmt: skip
"""Least number of cases, of 40, in which it happens."""
DEADLOCKS = (89, 133, 151)
"""Cases in which packets of a relay and events for it wait for each other."""


def compare(seeds) -> Counter:
    """Compare the engines on generated steps; return how often what was reached."""
    reached = Counter()
    for seed in seeds:
        case = random_case(seed)
        found, expected = run("compiled", case), run("reference", case)
        assert found.summary["status"] == expected.summary["status"], seed
        if expected.summary["status"][0] == STATUS_DONE:
            for name in ("terminals", "routers", "links", "summary"):
                assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), (seed, name)
        else:
            reached["deadlock"] += 1
        streams = case.tables.streams
        stalls = ("fifo_full", "injection_full", "stall_switch", "stall_credit", "stall_ejection")
        reached.update(name for name in stalls if expected.total(name))
        reached["two relays"] += int(((streams["spikes"] >= 0) & (streams["synapse"] < 0)).sum() == 2)
        reached["one grant per output"] += bool((case.tables.route[case.tables.arbiters["inputs"] > 1] < 0).any())
        reached["no spikes"] += int(expected.total("fired") == 0)
        reached["long rows"] += int(expected.total("row_cycles") > expected.total("packets_in"))
    return reached


@pytest.mark.parametrize("first", range(0, STEPS, CHUNK))
def test_engines_agree_on_generated_steps(first):
    reached = compare(range(first, first + CHUNK))
    assert {name: reached[name] for name, bar in BARS.items() if reached[name] < bar} == {}


@pytest.mark.validate
def test_engines_agree_on_many_generated_steps():
    reached = compare(range(STEPS, MORE))
    assert reached["deadlock"] > 10


@pytest.mark.parametrize("seed", DEADLOCKS)
def test_a_deadlock_names_the_queues_that_wait_for_each_other(seed):
    case = random_case(seed)
    assert run("compiled", case).summary["status"][0] == STATUS_DEADLOCK
    told = elastic_waiting_cycle(case.tables, case.axons, case.work, first=case.first)
    assert told.startswith("channels wait in a cycle: router["), told
    assert "spike_fifo" in told


TREE = tree_spec()


def yana_tables():
    fabric = build_fabric(Mesh((2, 2)), [0, 1, 2, 3, 0])
    return elastic_tables(fabric, noc_spec(), core_spec(), TREE, [1])


def yana_case(tables, events, hidden, spikes, outputs, *, first) -> Case:
    """Return a step of YANA, see :func:`elastic_twin.step_cycles`."""
    lengths = [*events, *(routes for _, routes in spikes)]
    reaches = [[0 if at < len(events) else 1] * routes for at, routes in enumerate(lengths)]
    bursts, before = [], 0
    for number, (place, _) in enumerate(spikes):
        bursts.append((place + 1 - before, [len(events) + number]))
        before = place + 1
    bursts += [(hidden - before, [])] * (before < hidden)
    work = step_work([[], bursts, [], [(outputs, [])] * (outputs > 0), [(1, [at]) for at in range(len(events))]])
    return Case(tables, axon_tables(reaches, [{"terminal": 1}, {"terminal": 3}]), work, first)


def yana_cycles(tables, *step, first=False) -> int:
    case = yana_case(tables, *step, first=first)
    out = run("compiled", case)
    assert out.summary["status"][0] == STATUS_DONE
    return done_tree_cycles(tables, TREE, out.terminals, first=first)


def test_a_naive_twin_of_the_registers_has_the_same_cycles():
    tables, generator = yana_tables(), np.random.default_rng(3)
    for _ in range(120):
        events = generator.integers(1, 24, generator.choice([0, 1, 3, 10, 30, 60])).tolist()
        hidden = int(generator.integers(0, 25))
        places = np.sort(generator.permutation(hidden)[: generator.integers(0, hidden + 1)]).tolist()
        spikes = [(place, int(generator.integers(1, 24))) for place in places]
        step = (events, hidden, spikes, int(generator.integers(0, 21)))
        first = bool(generator.integers(2))
        assert yana_cycles(tables, *step, first=first) == step_cycles(*step, first=first), (step, first)


def test_closed_forms_of_a_step():
    """The equations of the facts: A, B and the updates, without contention."""
    tables = yana_tables()
    assert yana_cycles(tables, [], 0, [], 0) == 16
    assert yana_cycles(tables, [], 0, [], 0, first=True) == 14
    for events in ([1], [20], [5] * 7, [20] * 23):
        assert yana_cycles(tables, events, 0, [], 0) == 49 + sum(events) + 6
    for events in ([20] * 24, [20] * 40):
        assert yana_cycles(tables, events, 0, [], 0) == sum(events) + len(events) + 26 + 6 * (len(events) == 24)
    for hidden in (1, 7, 20):
        assert yana_cycles(tables, [], hidden, [], 0) == 24 + hidden
        assert yana_cycles(tables, [], 0, [], hidden) == 26 + hidden
    for place, routes in ((0, 1), (3, 20), (11, 20)):
        assert yana_cycles(tables, [], 12, [(place, routes)], 0) == 64 + place + routes
