"""What the compiled engine waits with: the calendar of sources and routers, the wheel of flits, bit masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_builders import Mesh, axon_tables, differences, network, run_step

from accelsim.timing.compiled.bits import lowest_bit
from accelsim.timing.compiled.calendar import NEVER, allocate_calendar, next_wake, set_wake, sort_numbers, take_due
from accelsim.timing.compiled.wheel import allocate_wheel, free_event, next_occupied, post, take_slot
from accelsim.timing.tables import StepWork

AWAY = st.one_of(st.integers(0, 60), st.integers(4000, 9000))
"""Cycles on the wheel of the calendar, and beyond it."""

EVENTS = st.lists(st.tuples(st.integers(1, 130), st.integers(0, 1), st.integers(0, 999)), max_size=80)
"""Delay, kind and place."""


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 11), AWAY)), max_size=60))
@settings(max_examples=150, deadline=None)
def test_the_calendar_is_a_sorted_list(orders):
    """An order wakes an item so many cycles from now, or takes all that is due; each item stands in it once."""
    calendar, twin, now, due = allocate_calendar(12), {}, 0, np.zeros(12, np.uint32)
    for order in [*orders, *[None] * 12]:
        if order is not None:
            item, away = order
            set_wake(calendar, item, now + away)
            twin[item] = min(twin.get(item, now + away), now + away)
        elif twin:
            now = min(twin.values())
            assert next_wake(calendar) == now
            taken = take_due(calendar, now, due)
            sort_numbers(due, taken, np.zeros(1, np.uint64))
            assert due[:taken].tolist() == sorted(item for item, at in twin.items() if at == now)
            twin = {item: at for item, at in twin.items() if at != now}
        assert sum(wake < NEVER for wake in calendar.wake) == len(twin)
    assert next_wake(calendar) == (min(twin.values()) if twin else NEVER)


@given(st.sets(st.integers(0, 2047), max_size=300), st.randoms())
@settings(max_examples=60, deadline=None)
def test_few_and_many_numbers_are_sorted(numbers, random):
    shuffled = list(numbers)
    random.shuffle(shuffled)
    found, marks = np.array(shuffled, np.uint32), np.zeros(32, np.uint64)
    sort_numbers(found, len(found), marks)
    assert found.tolist() == sorted(numbers)
    assert not marks.any()


@given(EVENTS, st.integers(0, 200))
@settings(max_examples=150, deadline=None)
def test_the_wheel_gives_every_event_back_in_its_cycle(events, now):
    wheel = allocate_wheel(130, len(events))
    due = {}
    for flit, (delay, kind, where) in enumerate(events):
        post(wheel, now + delay, kind, where, flit)
        due.setdefault(now + delay, set()).add((kind, where, flit))
    while due:
        now = next_occupied(wheel, now)
        found, event = set(), take_slot(wheel, now)
        while event >= 0:
            where, flit = int(wheel.event["where"][event]), int(wheel.event["flit"][event])
            found.add((where & 1, where >> 1, flit))
            event = free_event(wheel, event)
        assert now == min(due)
        assert found == due.pop(now)
    assert next_occupied(wheel, now) == -1


@pytest.mark.parametrize("bit", [0, 1, 31, 32, 61, 62])
def test_the_lowest_bit_of_a_mask(bit):
    assert lowest_bit(1 << bit) == bit
    assert lowest_bit((1 << bit) | (1 << 62)) == bit


def test_sources_that_go_on_waking_a_core_with_long_rows():
    """Four cores with rows of thousands of cycles and 400 spikes from one of them: nothing is lost or written twice."""
    noc = network(Mesh((2, 2)), input_queue=4096, spike_fifo=4096, injection_queue=4)
    rows, reaches, fired, fired_ptr = [], [], [], [0]
    for core, spikes in enumerate((0, 400, 3, 2)):
        reaches += [[2 * core], [2 * core + 1]]
        rows += [{"terminal": core, "cycles": 5000 + core}, {"terminal": core ^ 1, "cycles": 1}]
        fired += [2 * core] * 2 + [2 * core + 1] * spikes
        fired_ptr.append(len(fired))
    work = StepWork(
        np.arange(5, dtype=np.int64),
        np.array([1, 2, 234, 235], np.int32),
        np.diff(fired_ptr).astype(np.int32),
        np.array(fired_ptr, np.int64),
        np.array(fired, np.int32),
    )
    ours, theirs = (run_step(engine, noc, axon_tables(reaches, rows), work) for engine in ("compiled", "reference"))
    assert differences(ours, theirs) == []
    assert ours.summary["delivered"][0] == len(work.fired)
