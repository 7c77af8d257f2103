"""Layer-serial execution: sections compute what the whole computes, traffic is the closed form, groups are exact."""

import itertools

import numpy as np
import pytest
from functional_builders import random_graph
from timing_builders import chip_data, conv_network, layer_chain

from accelsim.errors import ConfigError, MappingError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.layer_serial_spec import DramChannelSpec
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.groups import group_network, held_bits
from accelsim.network.events import EventStream
from accelsim.network.section import section_of
from accelsim.pipeline.check import check
from accelsim.pipeline.flow import run
from accelsim.pipeline.serial import run_serial
from accelsim.pipeline.transfers import transfer_cycles
from accelsim.pipeline.windows import section_trace, window_length
from accelsim.timing.causes import CAUSES

WIDTHS = Numerics(16, 16)
DRAM = {"energy": "8 pJ/bit", "bandwidth": "1 GB/s", "latency": "25 ns", "source": "invented for the tests"}


def serial_chip(steps=None, buffers=False, **changes) -> ChipSpec:
    block = {"timesteps_per_load": steps, "double_buffered": buffers, "dram": DRAM}
    return ChipSpec.model_validate(chip_data(**changes) | {"layer_serial": block})


def spikes_of(trace, network, name):
    return trace.dense(name, network.populations[name].size)


def same_in_section(network, trace, events, pieces) -> None:
    """Run a section by itself, on what the whole sends it, and compare spikes and visited neurons."""
    section = section_of(network, pieces)
    own = section_trace(network, section, trace, trace.timesteps)
    head = own.populations[section.network.input.name]
    stream = EventStream("spikes", trace.samples, trace.timesteps, section.network.input.size, head.ptr, head.index)
    again = execute(section.network, stream, WIDTHS if network.integer else Numerics(None, None), 1)
    for name, (first, last) in pieces.items():
        whole = spikes_of(trace, network, name)[:, :, first:last]
        assert np.array_equal(again.dense(name, last - first), whole), name
        for part in ("touched", "nonzero"):
            assert np.array_equal(getattr(again.populations[name], part), getattr(own.populations[name], part)), name


@pytest.mark.parametrize("seed", range(12))
def test_sections_of_any_graph_spike_as_the_whole(seed):
    network = random_graph(seed, integer=True, readout=False, slow=True, most=None if seed % 2 else 3)
    rng = np.random.default_rng(seed)
    events = EventStream.from_dense(rng.random((2, 5, network.input.size)) < 0.4)
    trace = execute(network, events, WIDTHS, 1)
    names = [name for name in network.order if name != network.input.name]
    for first in range(len(names)):
        for last in range(first + 1, len(names) + 1):
            taken = names[first:last]
            behind = [edge for edge in network.projections if edge.target in taken and edge.source in names[last:]]
            if not behind:
                pieces = {name: (0, network.populations[name].size) for name in taken}
                same_in_section(network, trace, events, pieces)


def test_slices_of_convolutions_and_dense_layers_spike_as_the_whole():
    rng = np.random.default_rng(3)
    network = conv_network(rng, 5, 2, 4, 9)
    events = EventStream.from_dense(rng.random((2, 4, network.input.size)) < 0.4)
    trace = execute(network, events, WIDTHS, 1)
    for pieces in ({"conv": (0, 48)}, {"conv": (48, 100)}, {"out": (0, 5)}, {"out": (5, 9)}):
        same_in_section(network, trace, events, pieces)


def scene(samples=2, timesteps=4, sizes=(20, 60, 50, 40, 10)):
    rng = np.random.default_rng(0)
    network = layer_chain([rng.integers(-3, 9, (b, a)) for a, b in itertools.pairwise(sizes)], threshold=40)
    events = EventStream.from_dense(rng.random((samples, timesteps, sizes[0])) < 0.3)
    return network, events, execute(network, events, WIDTHS, 1)


SMALL = {"noc__size": [2, 1], "ports__1__router": [1, 0], "core__synapse_memory__capacity": "2 KiB"}


@pytest.mark.parametrize("buffers", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_traffic_and_time_are_the_closed_form(steps, buffers):
    network, events, trace = scene()
    spec = serial_chip(steps, buffers, **SMALL)
    groups = group_network(network, spec, "spikes", 1)
    assert len(groups) > 2
    ran = run_serial(network, spec, groups, trace, events, "compiled", 1)
    windows, clock = trace.timesteps // steps, spec.clock
    read, write = np.zeros(2, np.int64), np.zeros(2, np.int64)
    cycles = np.zeros(2, np.int64)

    def takes(bits: int) -> int:  # 25 ns at 100 MHz: 2.5 cycles, so 3; 8 bit per ns, so 80 bit per cycle
        return 3 + -(-bits // 80) if bits else 0

    bits_of = {name: max(1, (item.size - 1).bit_length()) for name, item in network.populations.items()}
    alone = {}  # cycles of a group's execution by (sample, window)
    for number, group in enumerate(groups):
        one = run_serial(network, spec, [group], trace, events, "compiled", 1).timing
        dram = one.causes[:, :, CAUSES.index("dram")].reshape(2, windows, -1).sum(axis=2)
        alone[number] = one.step_cycles.reshape(2, windows, -1).sum(axis=2) - dram
    for sample in range(2):
        order = [(window, number) for window in range(windows) for number in range(len(groups))]
        for at, (window, number) in enumerate(order):
            group = groups[number]
            load = sum(held_bits(group, spec).values())
            enter = leave = 0
            for part in group.mapping.parts:
                if part.terminal < group.mapping.cores:  # 16 bit of state, two in a word of 32; nothing pending
                    words = -(-len(part.neurons) // 2)
                    enter += words * 32 * (window > 0)
                    leave += words * 32 * (window < windows - 1)
            rows = slice(window * steps, (window + 1) * steps)
            for name in group.section.sources:
                if name != "in":
                    enter += (int(trace.spikes(name)[sample, rows].sum()) + steps) * bits_of[name]
            for name, (first, last) in group.section.pieces.items():
                if any(edge.target not in group.section.pieces for edge in network.outgoing(name)):
                    sent = spikes_of(trace, network, name)[sample, rows, first:last].sum()
                    leave += (int(sent) + steps) * bits_of[name]
            read[sample] += load + enter
            write[sample] += leave
            exposed = takes(load)
            if buffers and at:
                before, earlier = order[at - 1][1], order[at - 1][0]
                exposed = max(0, exposed - int(alone[before][sample, earlier]))
            cycles[sample] += exposed + takes(enter) + takes(leave)
    assert clock == 0.1
    assert ran.counters["dram", "read"].tolist() == read.tolist()
    assert ran.counters["dram", "write"].tolist() == write.tolist()
    assert ran.timing.causes[:, :, CAUSES.index("dram")].sum(axis=1).tolist() == cycles.tolist()
    assert np.array_equal(ran.timing.causes.sum(axis=2), ran.timing.step_cycles)
    assert np.array_equal(ran.timing.latency, sum(alone.values()).sum(axis=1) + cycles)


def test_work_is_that_of_a_chip_on_which_the_network_fits():
    network, events, trace = scene()
    spec = serial_chip(2, **SMALL)
    groups = group_network(network, spec, "spikes", 1)
    ran = run_serial(network, spec, groups, trace, events, "compiled", 1)
    fan_out = [edge.connection.fan_out()[trace.populations[edge.source].index].sum() for edge in network.projections]
    assert int(ran.timing.terminals["sops"].sum()) == sum(fan_out)
    assert {part.population for part in ran.mapping.parts} == set(network.populations)
    assert ran.counters["core[0].synapse_memory", "write"].min() > 0
    for field in ("fired", "sops", "packets_out"):
        assert ran.timing.step_terminals[field].sum() == ran.timing.terminals[field].sum()


def test_engines_agree_on_groups():
    network, events, trace = scene(samples=1)
    spec = serial_chip(2, **SMALL)
    groups = group_network(network, spec, "spikes", 1)
    results = [run_serial(network, spec, groups, trace, events, engine, 1) for engine in ("compiled", "reference")]
    for name in ("terminals", "routers", "links", "scans", "step_cycles", "causes", "latency"):
        ours, theirs = (getattr(item.timing, name) for item in results)
        assert np.array_equal(ours, theirs), name


def test_one_population_that_is_too_large_is_cut_into_slices():
    network, _, _ = scene(sizes=(20, 400, 10))
    groups = group_network(network, serial_chip(**SMALL), "spikes", 1)
    pieces = [group.section.pieces["l1"] for group in groups if "l1" in group.section.pieces]
    assert len(pieces) > 1
    assert [first for first, _ in pieces] == [0, *(last for _, last in pieces[:-1])]
    assert pieces[-1][1] == 400


def test_what_leads_back_is_never_torn_apart():
    for seed in range(8):
        network = random_graph(seed, integer=True, readout=False, slow=True, most=None)
        try:
            groups = group_network(network, serial_chip(**SMALL), "spikes", 1)
        except MappingError as error:
            assert "lead back to each other" in str(error) or "does not fit" in str(error)
            continue
        place = {name: at for at, group in enumerate(groups) for name in group.section.pieces}
        assert all(place[edge.source] <= place[edge.target] for edge in network.projections if edge.source in place)


def test_windows_and_transfers():
    assert window_length(None, 8) == 8
    with pytest.raises(ConfigError, match=r"expected a divisor of the sample's 8 timesteps \(1, 2, 4, 8\), got 3"):
        window_length(3, 8)
    dram = DramChannelSpec.model_validate(DRAM)
    assert transfer_cycles(np.array([0, 1, 80, 81]), dram, 0.1).tolist() == [0, 4, 4, 5]


def test_a_run_and_a_check_of_a_network_that_does_not_fit():
    few, many = (
        run("serial", "mnist_conv", samples=1, threads=1, overrides=[f"layer_serial.timesteps_per_load={steps}"])
        for steps in (8, 2)
    )
    place = {name: at for at, name in enumerate(few.components["component"].tolist())}
    dram = [item.components["dynamic_pj"][place["dram"]] for item in (few, many)]
    assert 4 < dram[1] / dram[0] < 5  # weights four times, spikes as before, and states between windows
    assert many.samples["sops"].tolist() == few.samples["sops"].tolist()
    assert many.totals["latency_cycles"].value > few.totals["latency_cycles"].value
    with pytest.raises(MappingError, match="layer_serial"):
        run("serial", "mnist_conv", samples=1, threads=1, overrides=["layer_serial=null"])
    fit = check("serial", "mnist_conv")
    assert not fit.problem
    assert fit.meta["groups"] == 2
    assert "layer_serial" in check("serial", "mnist_conv", overrides=["layer_serial=null"]).problem
