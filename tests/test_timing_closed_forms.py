"""What the engines must give without running them: latencies, bandwidths and rates in closed form."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_builders import (
    ENGINES,
    axon_tables,
    line,
    network,
    packet_network,
    router,
    run_packets,
    run_step,
    step_work,
)

from accelsim.hardware.topologies.mesh import Mesh

pytestmark = pytest.mark.parametrize("engine", ENGINES)


@pytest.mark.parametrize("size", [(1,), (5,), (4, 4), (2, 3, 2)])
@pytest.mark.parametrize(("routing_delay", "per_router"), [(1, 5), (0, 4)])
def test_zero_load_latency_of_every_pair(engine, size, routing_delay, per_router):
    mesh = Mesh(size)
    noc = packet_network(mesh, router(routing_delay=routing_delay))
    pairs = list(itertools.product(range(mesh.routers), repeat=2))
    times = run_packets(engine, noc, [(1000 * at, *pair, 1) for at, pair in enumerate(pairs)])
    routers = 1 + mesh.hops(*np.array(pairs).T)
    assert np.array_equal(times.tail_arrived - times.injected, per_router * routers + 2)
    assert np.array_equal(times.injected, 1000 * np.arange(len(pairs)))
    assert times.link_flits.sum() == routers.sum()


@given(
    hops=st.integers(0, 5),
    flits=st.integers(1, 4),
    routing=st.integers(0, 1),
    switch=st.integers(1, 5),
    link=st.integers(1, 6),
    credit=st.integers(0, 4),
    channels=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_zero_load_latency_of_any_delays(engine, hops, flits, routing, switch, link, credit, channels):
    """Terminal to router 2; a router R + 1; to the next one 1 + switch + link; to a terminal 2 + switch.

    A switch of two cycles takes up the flits behind a head when it has ended with the head; with longer ones the flits
    of a packet form lots anew in every router, for which there is no short formula.
    """
    switch = switch if flits == 1 else min(switch, 2)
    spec = router(
        virtual_channels=channels,
        buffer_flits=32,
        routing_delay=routing,
        switch_delay=switch,
        link_delay=link,
        credit_delay=credit,
    )
    times = run_packets(engine, packet_network(line(hops + 1), spec), [(7, 0, hops, flits)])
    head = 2 + (hops + 1) * (routing + 1) + hops * (1 + switch + link) + 2 + switch
    assert times.head_arrived[0] - 7 == head
    assert times.tail_arrived[0] - 7 == head + flits - 1 + (switch - 1 if flits > 1 else 0)


@pytest.mark.parametrize(("routing_delay", "cycles"), [(1, 3), (0, 2)])
@pytest.mark.parametrize("flits", [1, 2, 5])
def test_one_channel_carries_a_packet_per_routing_allocation_and_flits(engine, routing_delay, cycles, flits):
    noc = packet_network(line(2), router(routing_delay=routing_delay, buffer_flits=32))
    times = run_packets(engine, noc, [(0, 0, 1, flits)] * 30)
    assert set(np.diff(times.tail_arrived)) == {cycles + flits - 1}


@pytest.mark.parametrize(
    ("channels", "routing_delay", "packets", "cycles"), [(2, 1, 2, 3), (3, 1, 1, 1), (2, 0, 1, 1), (4, 0, 1, 1)]
)
def test_channels_raise_the_rate_up_to_one_flit_per_cycle(engine, channels, routing_delay, packets, cycles):
    noc = packet_network(line(2), router(virtual_channels=channels, routing_delay=routing_delay, buffer_flits=16))
    arrived = np.sort(run_packets(engine, noc, [(0, 0, 1, 1)] * 60).tail_arrived)
    settled = arrived[12:-12]  # the round-robin pointers have found their rhythm, the source is not empty yet
    assert set(settled[packets:] - settled[:-packets]) == {cycles}


@pytest.mark.parametrize("credit_delay", [0, 1, 4])
def test_a_buffer_of_one_carries_a_flit_per_credit_loop(engine, credit_delay):
    """Won in x, the slot is freed no earlier than x + 3 + R + 1, the credit is back 2 + credit_delay later."""
    noc = packet_network(line(3), router(buffer_flits=1, credit_delay=credit_delay))
    arrived = run_packets(engine, noc, [(0, 0, 2, 1)] * 20).tail_arrived
    assert set(np.diff(arrived)[2:]) == {3 + 2 + 2 + credit_delay}


@pytest.mark.parametrize("cycles", [3, 4, 7, 25])
@pytest.mark.parametrize("depth", [2, 16])
def test_a_saturated_sink_takes_a_packet_per_row(engine, cycles, depth):
    """The first row starts in 16 as in example A; the row stage then never waits."""
    count = 12
    noc = network(line(2), input_queue=depth)
    step = run_step(
        engine,
        noc,
        axon_tables([list(range(count))], [{"terminal": 1, "cycles": cycles}] * count),
        step_work([[(1, [0])], []]),
    )
    if (depth, cycles) != (2, 3):  # two slots do not cover the credit loop of 8 cycles at a row of 3
        assert step.end == 16 + count * cycles
    assert step.terminals["row_cycles"][1] == count * cycles
    assert step.end >= 16 + count * cycles


def test_all_to_one_is_bound_by_the_sink_and_its_port(engine):
    mesh = Mesh((3, 3))
    rows = [{"terminal": 4, "cycles": 5}] * 9
    step = run_step(
        engine, network(mesh), axon_tables([[at] for at in range(9)], rows), step_work([[(1, [at])] for at in range(9)])
    )
    assert step.terminals["row_end"][4] == step.end == 11 + 9 * 5  # the core's own packet comes first, as in example B
    assert step.total("packets_in") == 9


@pytest.mark.parametrize("cycles", [1, 6])
def test_scan_of_silent_groups_costs_their_cycles(engine, cycles):
    step = run_step(engine, network(line(1)), axon_tables([[]], [{"terminal": 0}]), step_work([[(cycles, [])]]))
    assert step.end == step.terminals["scan_end"][0] == cycles


def test_a_neuron_without_entries_takes_one_cycle_and_sends_nothing(engine):
    step = run_step(engine, network(line(1)), axon_tables([[], []], [{"terminal": 0}]), step_work([[(2, [0, 1])]]))
    assert (step.end, step.total("packets_out"), step.total("routing_reads"), step.total("fired")) == (5, 0, 0, 2)


def test_an_empty_step_ends_at_once(engine):
    step = run_step(engine, network(line(2)), axon_tables([[0]], [{"terminal": 0}]), step_work([[], []]))
    assert (step.end, step.summary["status"][0]) == (0, 0)
    assert step.terminals["first_flit"].tolist() == [-1, -1]
