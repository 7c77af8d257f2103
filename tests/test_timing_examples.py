"""The worked examples A .. H and J .. L of docs/timing-model.md, number by number, on both engines."""

import numpy as np
import pytest
from timing_builders import (
    ENGINES,
    axon_tables,
    chip,
    compile_and_build,
    fixed_latency,
    fixed_network,
    layer_chain,
    line,
    network,
    packet_network,
    ports_at,
    router,
    run_packets,
    run_step,
    step_work,
)

from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.hardware.topologies.ring import Ring
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.mapping.kernels import RowEngine, row_costs
from accelsim.mapping.trees import build_trees
from accelsim.network.events import EventStream
from accelsim.timing.engine import ENGINES as REGISTRY
from accelsim.timing.engine import empty_chunk
from accelsim.timing.simulate import simulate

pytestmark = pytest.mark.parametrize("engine", ENGINES)


def on_a_line(engine, bursts, reaches, rows, **depths):
    """Run a step of two cores in a row in which only core 0 scans."""
    return run_step(engine, network(line(2), **depths), axon_tables(reaches, rows), step_work([bursts, []]))


def arrivals(engine, injections, target):
    """Arrivals of single-flit packets from core 0 alone, at sinks that never make a packet wait."""
    times = run_packets(engine, packet_network(line(2)), [(at, 0, target, 1) for at in injections])
    assert times.injected.tolist() == injections
    return times.tail_arrived.tolist()


def test_a_one_spike_to_the_neighbour(engine):
    step = on_a_line(engine, [(1, [0])], [[0]], [{"terminal": 1, "cycles": 4}])
    source, target = step.terminals
    assert (source["scan_end"], source["first_flit"], source["source_end"]) == (1, 3, 4)
    assert arrivals(engine, [3], 1) == [15] == [3 + 5 * 2 + 2]
    assert target["row_end"] - target["row_cycles"] == 16  # looked up in 15, row from 16 on
    assert (target["packets_in"], target["row_cycles"], target["queue_peak"]) == (1, 4, 1)
    assert step.links.sum(axis=1).tolist() == [1, 1]
    assert step.end == target["row_end"] == 20
    stalls = ("fifo_full", "injection_full", "no_credit", "stall_vc", "stall_switch", "stall_credit", "stall_ejection")
    assert [step.total(name) for name in stalls] == [0] * 7


def test_b_to_itself(engine):
    step = on_a_line(engine, [(1, [0])], [[0]], [{"terminal": 0, "cycles": 4}])
    assert arrivals(engine, [3], 0) == [10]
    assert step.terminals["row_end"][0] - 4 == 11
    assert step.links.sum(axis=1).tolist() == [1, 0]
    assert step.end == 15


def test_c_the_router_serialises(engine):
    step = on_a_line(engine, [(1, [0]), (1, [1]), (1, [2])], [[0], [1], [2]], [{"terminal": 1, "cycles": 1}] * 3)
    source, target = step.terminals
    assert (source["scan_end"], source["first_flit"], source["source_end"]) == (3, 3, 6)
    assert arrivals(engine, [3, 4, 5], 1) == [15, 18, 21]
    assert target["row_end"] - 1 == 22
    assert step.end == 23
    assert [step.total(name) for name in ("stall_vc", "stall_switch", "stall_credit", "stall_ejection")] == [0] * 4


def test_d_a_full_fifo(engine):
    axons = [[0, 1], [2, 3], [4, 5]]
    step = on_a_line(
        engine, [(1, [0, 1, 2])], axons, [{"terminal": 0, "cycles": 1}] * 6, spike_fifo=1, injection_queue=1
    )
    core = step.terminals[0]
    assert core["fifo_full"] == 8
    assert core["injection_full"] == 3
    assert (core["first_flit"], core["source_end"]) == (3, 14)  # packets put in 2, 4 .. 12 and injected in 3, 5 .. 13
    assert core["no_credit"] == 0
    assert arrivals(engine, [3, 5, 7, 9, 11, 13], 0) == [10, 13, 16, 19, 22, 25]
    assert core["row_end"] - 1 == 26
    assert step.end == 27


def row_of_ten(lanes, fetch_banks, rmw_slots):
    """Cost of a row of 10 8-bit weights in 64-bit words on 16-bit accumulators in 64-bit words, 2 banks."""
    weights = np.arange(1, 11, dtype=np.int32)[None, :]
    words = -(-WEIGHT_FORMATS.get("dense")().row_bits(weights, 8) // 64)
    assert words.tolist() == [2]
    offsets = np.arange(10, dtype=np.int32)
    engine = RowEngine(lanes, fetch_banks, state_banks=2, per_word=4, rmw_slots=rmw_slots, synapse_cycles=1)
    out = np.zeros((1, 8), np.int32)
    takes = np.ones((1, 10), bool)
    row_costs(weights, np.arange(1), offsets, offsets, takes, 0, words.astype(np.int32), engine, out)
    return dict(zip(("cycles", "ideal", "conflict", "fetch"), out[0].tolist(), strict=False))


def test_e_row_cost_with_bank_conflicts(engine):
    two_ports_taken = row_of_ten(lanes=8, fetch_banks=1, rmw_slots=2)
    assert two_ports_taken == {"cycles": 4, "ideal": 2, "conflict": 2, "fetch": 0}
    two_ports = row_of_ten(lanes=8, fetch_banks=1, rmw_slots=1)
    assert two_ports == {"cycles": 2, "ideal": 2, "conflict": 0, "fetch": 0}
    four_lanes = row_of_ten(lanes=4, fetch_banks=1, rmw_slots=1)
    assert four_lanes == {"cycles": 3, "ideal": 3, "conflict": 0, "fetch": 0}
    for row in (two_ports_taken, two_ports, four_lanes):
        step = on_a_line(engine, [(1, [0])], [[0]], [{"terminal": 0, **row}])
        assert step.end == 11 + row["cycles"]  # example B with this row
        counted = [step.total(f"row_{name}") for name in row]
        assert counted == list(row.values())


def test_f_back_pressure(engine):
    step = on_a_line(
        engine,
        [(1, [at]) for at in range(4)],
        [[at] for at in range(4)],
        [{"terminal": 1, "cycles": 20}] * 4,
        input_queue=1,
    )
    source, target = step.terminals
    assert (source["first_flit"], source["source_end"]) == (3, 7)
    assert arrivals(engine, [3, 4, 5, 6], 1)[0] == 15
    assert target["row_end"] - 4 * 20 == 16  # rows 16..35, 36..55, 56..75, 76..95 without a gap
    assert (target["row_cycles"], target["queue_peak"]) == (80, 1)
    assert step.routers["stall_ejection"].tolist() == [0, 18]
    assert step.routers["stall_switch"].tolist() == [0, 0]
    assert step.end == 96


def sample_of_example_g():
    """Two timesteps: a row of 4 and one of 14 targets at one lane, then one output to a port on the same router."""
    weights = np.zeros((14, 2), np.int32)
    weights[:4, 0], weights[:, 1] = 1, 1
    weights[0, 1] = 5
    events = np.zeros((1, 2, 2), bool)
    events[0, 0, 0] = events[0, 1, 1] = True
    spec = chip(
        noc__size=[2, 1],
        ports=ports_at([1, 0], [0, 0]),
        core__synapse_lanes=1,
        core__neuron_lanes=14,
        core__skip_zero_weights=True,
        core__membrane__memory__width=256,
        core__accumulator__memory__width=256,
    )
    return layer_chain([weights], threshold=6), EventStream.from_dense(events), spec


def test_g_a_sample(engine, monkeypatch):
    """A real sample on a chip of two cores whose steps have the example's E."""
    net, events, spec = sample_of_example_g()
    machine, mapping = compile_and_build(net, events, spec)
    assert [part.terminal for part in mapping.parts] == [0, 2]  # the core beside the output port, the input port
    seen = []
    run = REGISTRY.get(engine)

    def watched(machine, chunk):
        run(machine, chunk)
        seen.append(chunk)

    monkeypatch.setitem(REGISTRY._items, "watched", watched)
    result = simulate(machine, spec, mapping, "watched", 1)
    ends = [int(end) for chunk in sorted(seen, key=lambda chunk: chunk.first) for end in chunk.steps["end"]]
    assert ends == [20, 30, 12]
    assert result.step_cycles.tolist() == [[27, 37, 19]]
    first = next(chunk for chunk in seen if chunk.first == 0)
    assert first.terminals["first_flit"][0, 2] == 3
    assert result.latency.tolist() == [73] == [27 + 37 + 19 - 3 - 7]


def test_h_fixed_latency(engine):
    noc = fixed_network(line(2), fixed_latency(delay=[3], interval=[2], local_delay=1, queue_packets=2))
    rows = axon_tables([[0]] * 3, [{"terminal": 1, "cycles": 1}])
    alone = run_step(engine, noc, rows, step_work([[(1, [0])], []]))
    assert alone.terminals["row_end"][1] - 2 == 3 + 1 + 3 + 1 == 8  # injection, local, link, local; then the row
    step = run_step(engine, noc, rows, step_work([[(1, [0]), (1, [1]), (1, [2])], []]))
    assert step.end == 14
    assert (step.total("no_credit"), step.total("stall_switch")) == (1, 2)
    assert step.total("stall_credit") == step.total("stall_ejection") == 0
    assert step.links.sum(axis=1).tolist() == [3, 3]


def test_j_without_a_barrier(engine):
    changes = {"synchronization": "dependency", "noc__size": [2], "ports": ports_at([0], [1]), "core__scan": "all"}
    spec, pulses = chip(**changes), EventStream.from_dense(np.ones((1, 2, 1), bool))
    machine, mapping = compile_and_build(layer_chain([np.ones((1, 1))]), pulses, spec)
    chunk = empty_chunk(machine, 0, 3)
    REGISTRY.get(engine)(machine, chunk)
    assert chunk.steps["end"].tolist() == [19, 40, 58]
    core, unused, sender, receiver = range(4)
    assert chunk.terminals["scan_end"][:, core].tolist() == [0, 18, 29]  # entered in 0, 17, 28
    assert chunk.terminals["scan_end"][:, sender].tolist() == [1, 12, 32]  # entered in 0, 11, 32; an event in two
    assert chunk.terminals["row_end"][:, core].tolist() == [17, 37, 58]
    assert chunk.terminals["row_end"][:, sender].tolist()[:2] == [11, 32]
    assert chunk.terminals["row_end"][:, receiver].tolist() == [19, 40, 51]
    assert not chunk.terminals["tokens_in"][:, unused].any()
    assert chunk.terminals["tokens_out"][:, [core, sender, receiver]].tolist() == [[2, 1, 1]] * 3
    assert chunk.terminals["packets_out"][:, [core, sender]].tolist() == [[0, 1], [1, 1], [1, 0]]
    result = simulate(machine, spec, mapping, engine, 1)
    assert result.step_cycles.tolist() == [[21, 21, 18]]
    assert result.latency.tolist() == [48]


def test_k_a_dateline(engine):
    noc = network(Ring((5,)), spec=router(virtual_channels=2, buffer_flits=8))
    axons = axon_tables([[0], [1]], [{"terminal": 2, "flits": 8}, {"terminal": 1}])
    work = step_work([[(1, [0])], [], [], [], [(1, [1])]])
    step = run_step(engine, noc, axons, work)
    assert step.routers["stall_switch"].tolist() == [1, 1, 0, 0, 0]
    assert step.total("stall_vc") == step.total("stall_credit") == step.total("no_credit") == 0
    assert step.terminals["row_end"].tolist() == [0, 22, 29, 0, 0]
    assert step.end == 29
    times = run_packets(engine, noc, [(3, 0, 2, 8), (3, 4, 1, 1)])
    assert times.tail_arrived.tolist() == [27, 20]
    assert times.tail_arrived[1] == 3 + 5 * 3 + 2


def test_l_a_fork(engine):
    noc, home = network(line(3)), np.zeros(1, np.int64)
    axons = axon_tables([[0, 1]], [{"terminal": 1}, {"terminal": 2}])
    work = step_work([[(1, [0])], [], []])
    trees = build_trees(build_fabric(line(3), range(3)), home, axons.ptr, axons.axon["terminal"], np.ones(2, int))
    forks = noc._replace(nodes=trees.nodes, branches=trees.branches)
    step = run_step(engine, forks, axons._replace(root=trees.of_axons(axons.ptr)), work)
    assert step.terminals["row_end"].tolist() == [0, 18, 22]
    assert step.end == 22
    assert (step.total("packets_out"), step.total("destinations"), step.total("packets_in")) == (1, 2, 2)
    assert step.routers["flits"].tolist() == [1, 2, 1]
    assert step.routers["stall_vc"].tolist() == [0, 1, 0]
    assert step.routers["lookups"].tolist() == [1, 1, 1]
    assert step.routers["replicas"].tolist() == [0, 1, 0]
    copies = run_step(engine, noc, axons, work)
    assert copies.routers["flits"].tolist() == [2, 2, 1]
    assert copies.terminals["row_end"].tolist() == [0, 17, 25]
    assert copies.end == 25
