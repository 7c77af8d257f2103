"""Nothing is lost, nothing is made: every count and sum of a run, recounted from trace, weights and prices."""

import math

import numpy as np
import pytest
from pipeline_builders import graph_network, layered_network, random_events, run_flow, workload_of

from accelsim.costs.leakage import component_leakage
from accelsim.mapping.axons import COST
from accelsim.mapping.schedule import Schedule
from accelsim.timing.engine import ENGINES, empty_chunk
from accelsim.timing.machine import build_machine

EXACT = {"rtol": 1e-12, "atol": 0}


def spikes(run, name):
    """Spikes of a population, (samples, neurons)."""
    return run.trace.dense(name, run.workload.network.populations[name].size).sum(axis=1, dtype=np.int64)


def sends(run, name):
    """How often each neuron of a population sends, (samples, neurons): for every spike, or once with their number."""
    dense = run.trace.dense(name, run.workload.network.populations[name].size)
    model = run.workload.network.populations[name].model
    as_value = run.chip.spec.core.multi_spike == "graded" and model is not None and model.most_spikes != 1
    return (dense > 0 if as_value else dense).sum(axis=1, dtype=np.int64)


def homes(run, name):
    """Where every neuron of a population lives, (neurons,)."""
    home = np.full(run.workload.network.populations[name].size, -1)
    for part in run.mapping.parts:
        if part.population == name and part.terminal < run.mapping.cores:
            home[part.neurons] = part.terminal
    return home


def synapses_by_terminal(run, edge):
    """Non-zero weights of every source in every terminal, (sources, terminals), from the plain matrix."""
    present = edge.connection.dense_matrix() != 0
    home = homes(run, edge.target)
    assert (home >= 0).all()
    counts = np.zeros((present.shape[1], run.mapping.fabric.terminals), np.int64)
    for terminal in np.unique(home):
        counts[:, terminal] = present[home == terminal].sum(axis=0)
    return counts


def expected_packets(run):
    """By source population: copies (neurons, terminals), spikes (samples, neurons), where the sources are."""
    network, mapping, ports = run.workload.network, run.mapping, run.chip.spec.ports
    inputs = [mapping.cores + at for at, port in enumerate(ports) if port.direction != "output"]
    outputs = [mapping.cores + at for at, port in enumerate(ports) if port.direction != "input"]
    assert len(inputs) == len(outputs) == 1
    loads = run.workload.events.kind == "bias_current"
    found = {}
    for name, population in network.populations.items():
        copies = np.zeros((population.size, mapping.fabric.terminals), np.int64)
        sent, home = sends(run, name), homes(run, name)
        if name == network.input.name:
            home = np.full(population.size, inputs[0])
            if loads:  # one packet per neuron that the current reaches, to where it lives
                edge = network.outgoing(name)[0]
                value = np.zeros((run.trace.samples, population.size))
                at = np.repeat(np.arange(run.trace.samples * run.trace.timesteps), np.diff(run.workload.events.ptr))
                value[at // run.trace.timesteps, run.workload.events.index] = run.workload.events.value
                sent = (value @ edge.connection.dense_matrix().T != 0).astype(np.int64)
                copies = np.eye(mapping.fabric.terminals, dtype=np.int64)[homes(run, edge.target)]
                home = np.full(len(copies), inputs[0])
        for edge in network.outgoing(name):
            if not (loads and name == network.input.name):
                copies |= synapses_by_terminal(run, edge) > 0
        if name == network.output.name:
            copies[:, outputs[0]] += 1
        found[name] = (copies, sent, home)
    return found


def check_packets(run):
    counts, found = run.timing.terminals, expected_packets(run)
    arrived = sum(sent @ copies for copies, sent, _ in found.values())
    assert arrived.sum() > 0
    np.testing.assert_array_equal(counts["packets_in"], arrived)
    left = np.zeros_like(arrived)
    for copies, sent, home in found.values():
        for terminal in np.unique(home):
            left[:, terminal] += (sent * copies.sum(axis=1))[:, home == terminal].sum(axis=1)
    np.testing.assert_array_equal(counts["packets_out"], left)
    np.testing.assert_array_equal(counts["routing_reads"], left)
    np.testing.assert_array_equal(counts["flits_in"].sum(axis=1), counts["flits_out"].sum(axis=1))
    assert (counts["flits_in"] >= counts["packets_in"]).all()


def check_hops(run):
    """Flits over links = packets x Manhattan distance x flits; routers passed are one more."""
    fabric = run.mapping.fabric
    place = np.array([fabric.topology.position(int(router)) for router in fabric.terminal_router])
    distance = np.abs(place[:, None] - place[None]).sum(axis=2)
    over = np.zeros(run.trace.samples)
    passed = np.zeros(run.trace.samples)
    axons, offsets = run.mapping.axons, run.mapping.offsets
    source = axons.source()
    for name, (copies, sent, home) in expected_packets(run).items():
        flits = np.zeros_like(copies)
        mine = (source >= offsets[name]) & (source < offsets[name] + len(copies))
        flits[source[mine] - offsets[name], axons.terminal[mine]] = axons.of("flits")[mine]
        assert ((flits > 0) == (copies > 0)).all()
        over += (sent @ (copies * flits * distance[home])).sum(axis=1)
        passed += (sent @ (copies * flits * (distance[home] + 1))).sum(axis=1)
    joined = fabric.link_router >= 0
    np.testing.assert_array_equal(run.timing.links[:, joined].sum(axis=1), over)
    np.testing.assert_array_equal(run.timing.routers["flits"].sum(axis=1), passed)


def check_operations(run):
    network, loads = run.workload.network, run.workload.events.kind == "bias_current"
    expected = np.zeros((run.trace.samples, run.mapping.fabric.terminals), np.int64)
    for edge in network.projections:
        if not (loads and edge.source == network.input.name):
            expected += sends(run, edge.source) @ synapses_by_terminal(run, edge)
    np.testing.assert_array_equal(run.timing.terminals["sops"], expected)
    assert (run.timing.terminals["issued"] >= expected).all()
    macs = run.timing.terminals["macs"].sum(axis=1)
    multiplied = {network.input.name} if run.workload.events.kind == "graded" else set()
    if run.chip.spec.core.multi_spike == "graded":
        models = {name: item.model for name, item in network.populations.items() if item.model is not None}
        multiplied |= {name for name, model in models.items() if model.most_spikes != 1}
    if multiplied:
        edges = [edge for edge in network.projections if edge.source in multiplied]
        by_hand = sum(
            (sends(run, edge.source) * (edge.connection.dense_matrix() != 0).sum(axis=0)).sum(axis=1) for edge in edges
        )
        assert run.chip.spec.core.skip_zero_weights
        np.testing.assert_array_equal(macs, by_hand)
    else:
        assert not macs.any()
    return expected.sum(axis=1)


def check_energy(result, run):
    """Counts x prices + leakage x time, added exactly, for every sample and every view."""
    prices, counters = run.prices.prices, run.counters.counts
    float32 = not run.workload.network.integer
    widest = max(8, run.mapping.value_bits)
    leakage = component_leakage(run.chip.spec, float32, multiplier_bits=widest)
    used = {f"core[{core}]" for core in run.mapping.used_cores}
    gated = run.chip.spec.technology.unused_cores == "gated"
    dynamic, static = [], []
    by_kind = {}
    for path, kind in run.energy.kinds.items():
        on = not (path.startswith("core[") and gated and path.partition(".")[0] not in used)
        static.append(leakage[kind].power_mw * run.time_ns * on)
        by_kind.setdefault(kind, [[], []])[1].append(static[-1])
    for (path, action), count in counters.items():
        dynamic.append(prices[path, action].energy_pj * count)
        by_kind[run.energy.kinds[path]][0].append(dynamic[-1])
    dynamic, static = (np.array([math.fsum(column) for column in np.array(parts).T]) for parts in (dynamic, static))
    assert (dynamic > 0).all() and (static > 0).all()
    samples, totals = result.samples, result.totals
    np.testing.assert_allclose(samples["energy_dynamic_pj"], dynamic, **EXACT)
    np.testing.assert_allclose(samples["energy_static_pj"], static, **EXACT)
    np.testing.assert_allclose(samples["energy_pj"], dynamic + static, **EXACT)
    total = (dynamic + static).mean()
    for found in (
        totals["energy_per_inference"].value,
        totals["energy_dynamic"].value + totals["energy_static"].value,
        math.fsum(result.components["dynamic_pj"]) + math.fsum(result.components["static_pj"]),
        math.fsum(result.layers["energy_pj"]),
    ):
        np.testing.assert_allclose(found, total, **EXACT)
    for row in result.components.rows():
        name = next(kind for kind in by_kind if kind.replace("_", " ") == row["component"])
        np.testing.assert_allclose(
            row["dynamic_pj"], np.sum(by_kind[name][0], axis=0).mean() if by_kind[name][0] else 0, **EXACT
        )
        np.testing.assert_allclose(row["static_pj"], np.sum(by_kind[name][1], axis=0).mean(), **EXACT)
    outside = sum(
        row["dynamic_pj"] + row["static_pj"]
        for row in result.components.rows()
        if row["component"] in ("router", "link") or row["component"].startswith("port")
    )
    np.testing.assert_allclose(math.fsum(result.cores["energy_pj"]) + outside, total, **EXACT)


def check_cycles(result, run):
    timing = run.timing
    schedule = Schedule.of(run.chip.spec.schedule, run.workload.network, run.trace.timesteps)
    steps = run.trace.timesteps + max(schedule.first.values())
    assert timing.step_cycles.shape == (run.trace.samples, steps)
    assert (timing.causes >= 0).all()
    np.testing.assert_array_equal(timing.causes.sum(axis=2), timing.step_cycles)
    floor = run.chip.spec.core.pipeline_drain + run.chip.spec.barrier.cycles
    assert (timing.step_cycles >= floor).all()
    total = timing.step_cycles.sum(axis=1)
    np.testing.assert_array_equal(result.samples["total_cycles"], total)
    assert ((timing.latency > 0) & (timing.latency <= total)).all()
    interval = result.totals["throughput_interval_cycles"].value
    for found in (result.steps["cycles"].sum(), result.causes["cycles"].sum(), total.mean()):
        np.testing.assert_allclose(found, interval, **EXACT)
    causes = [name for name in result.steps.names if name.endswith("_cycles")]
    np.testing.assert_allclose(sum(result.steps[name] for name in causes), result.steps["cycles"], **EXACT)
    np.testing.assert_allclose(result.causes["share"].sum(), 1, **EXACT)


def check_time(run):
    """Cycles and latency from the ends of the steps, which a second simulation in one piece gives."""
    spec, timing, cores = run.chip.spec, run.timing, run.mapping.cores
    machine = build_machine(run.workload.network, spec, run.mapping, run.trace)
    chunk = empty_chunk(machine, 0, machine.jobs)
    ENGINES.get("compiled")(machine, chunk)
    tail = spec.core.pipeline_drain + spec.barrier.cycles
    ends = chunk.steps["end"].reshape(timing.step_cycles.shape)
    np.testing.assert_array_equal(timing.step_cycles, ends + tail)
    inputs = [cores + at for at, port in enumerate(spec.ports) if port.direction == "input"]
    outputs = [cores + at for at, port in enumerate(spec.ports) if port.direction == "output"]
    first = chunk.terminals["first_flit"].reshape(*ends.shape, -1)[:, 0, inputs[0]]
    last = chunk.terminals["row_end"].reshape(*ends.shape, -1)[:, -1, outputs[0]]
    for sample in range(len(ends)):
        end = last[sample] if last[sample] > 0 else ends[sample, -1]
        latency = (ends[sample] + tail).sum() - max(first[sample], 0) - (ends[sample, -1] + tail - end)
        assert timing.latency[sample] == latency
    for name in ("row_cycles", "row_ideal", "row_conflict", "row_fetch", "fifo_full", "words", "issued"):
        parts = chunk.terminals[name].reshape(*ends.shape, -1)
        np.testing.assert_array_equal(timing.terminals[name], parts.sum(axis=1))


def check_counters(run):
    """What is priced, from spikes x the axons' rows and from the geometry, action by action."""
    counters, mapping, source = run.counters, run.mapping, run.mapping.axons.source()
    cost = {name: mapping.axons.of(name) for name in COST.names}
    shape = (run.trace.samples, mapping.fabric.terminals)
    work = {name: np.zeros(shape, np.int64) for name in ("cycles", "words", "issued", "macs", "state_words", "flits")}
    for name, (copies, sent, _) in expected_packets(run).items():
        first = mapping.offsets[name]
        for at in np.flatnonzero((source >= first) & (source < first + len(copies))):
            fired = sent[:, source[at] - first]
            for field, total in work.items():
                total[:, mapping.axons.terminal[at]] += fired * int(cost[field][at])
    cycles = run.timing.step_cycles.sum(axis=1)
    for core in mapping.used_cores:
        path = f"core[{core}]"
        for kind, action, expected in (
            ("synapse_memory", "read", work["words"]),
            ("synapse_engine", "add", work["issued"] - work["macs"]),
            ("synapse_engine", "mac", work["macs"]),
            ("input_queue", "write", work["flits"]),
            ("input_queue", "read", work["flits"]),
            ("axon_memory", "read", run.timing.terminals["packets_in"]),
            ("routing_memory", "read", run.timing.terminals["packets_out"]),
        ):
            np.testing.assert_array_equal(
                counters[f"{path}.{kind}", action], expected[:, core], err_msg=f"{path}.{kind}"
            )
        scanned = counters[f"{path}.accumulator_memory", "read"] - work["state_words"][:, core]
        assert (scanned >= 0).all() and (counters[f"{path}.membrane_memory", "read"] >= 0).all()
        cleared = counters[f"{path}.membrane_memory", "write"] - counters[f"{path}.membrane_memory", "read"]
        assert (cleared == mapping.occupation[core].membrane_words + run.timing.terminals["loads"][:, core]).all()
        clocked = counters[f"{path}.core_control", "clock_active"] + counters[f"{path}.core_control", "clock_idle"]
        np.testing.assert_array_equal(clocked, cycles)
    np.testing.assert_array_equal(counters.total("crossbar"), run.timing.routers["flits"].sum(axis=1))
    np.testing.assert_array_equal(counters.total("clock"), cycles * mapping.fabric.routers)
    joined = mapping.fabric.link_router >= 0
    np.testing.assert_array_equal(counters.total("flit"), run.timing.links[:, joined].sum(axis=1))
    ports = run.timing.terminals[:, mapping.cores :]
    np.testing.assert_array_equal(counters.total("event"), (ports["fired"] + ports["packets_in"]).sum(axis=1))


def check_updates(result, run):
    """Neurons visited, all or those with input, state or bias, from the bitmaps of the trace; their arithmetic."""
    network, everyone = run.workload.network, run.chip.spec.core.scan == "all"
    total = {action: np.zeros(run.trace.samples, np.int64) for action in ("add", "multiply", "compare")}
    updates = np.zeros(run.trace.samples, np.int64)
    for name, item in network.populations.items():
        if item.model is None:
            continue
        activity = run.trace.populations[name]
        visited = np.unpackbits(activity.touched | activity.nonzero, axis=1, count=item.size).astype(bool)
        assert item.model.quiet()
        visited |= everyone | (np.zeros(item.size, bool) if item.bias is None else item.bias != 0)
        count = visited.sum(axis=1).reshape(run.trace.samples, -1).sum(axis=1)
        done = item.model.operations()
        updates += count
        total["add"] += count * done.additions
        total["multiply"] += count * done.multiplications
        total["compare"] += count * done.comparisons
    np.testing.assert_array_equal(result.samples["neuron_updates"], updates)
    for action, expected in total.items():
        counted = [run.counters[key] for key in run.counters if key[0].endswith("neuron_engine") and key[1] == action]
        np.testing.assert_array_equal(sum(counted), expected, err_msg=action)


def check_tables(result, run, sops):
    totals, layers, samples = result.totals, result.layers, result.samples
    np.testing.assert_array_equal(samples["sops"], sops)
    assert totals["sops"].value == sops.mean()
    close = {"rtol": 1e-12, "atol": 1e-9}
    np.testing.assert_allclose(layers["sops"].sum(), totals["sops"].value, **close)
    np.testing.assert_allclose(layers["packets"].sum(), totals["packets"].value, **close)
    np.testing.assert_allclose(layers["updates"].sum(), totals["neuron_updates"].value, **close)
    np.testing.assert_allclose(layers["sops_issued"].sum(), totals["sops_issued"].value, **close)
    np.testing.assert_allclose(result.links["flits"].sum(), totals["flit_hops"].value, **close)
    hidden = [
        name for name, item in run.workload.network.populations.items() if item.model is not None and item.model.spiking
    ]
    np.testing.assert_array_equal(samples["spikes"], sum(spikes(run, name).sum(axis=1) for name in hidden))
    assert result.cores["neurons"].sum() == run.workload.network.neurons


def check(result, run):
    check_packets(run)
    check_hops(run)
    sops = check_operations(run)
    check_energy(result, run)
    check_cycles(result, run)
    check_time(run)
    check_counters(run)
    check_updates(result, run)
    check_tables(result, run, sops)


@pytest.mark.parametrize(
    ("workload", "hw"), [("mnist_conv", "core"), ("snntorch_conv", "core"), ("mnist_conv", "large")]
)
def test_bundled_workloads(workload, hw):
    check(*run_flow(workload, hw, samples=2))


CHIPS = [
    ("core", []),
    (
        "core",
        ["noc.size=[2, 1]", "ports[1].router=[1, 0]", "core.scan=all", "core.spike_fifo=1", "core.injection_queue=1"],
    ),
    ("small", ["mapping.partition=compact", "core.input_queue=1", "technology.unused_cores=leaking"]),
    ("large", ["noc.router.buffer_flits=1", "noc.flit_bits=16", "core.mac_lanes=1"]),
]


@pytest.mark.parametrize("kind", ["spikes", "graded", "bias_current"])
@pytest.mark.parametrize("seed", range(4))
def test_random_networks(kind, seed):
    hw, overrides = CHIPS[seed]
    network = layered_network(seed, readout=seed % 2 == 1)
    decoding = "rate" if network.output.model.spiking else "membrane"
    load = workload_of(network, random_events(seed, network.input.size, kind), decoding=decoding)
    check(*run_flow(load, hw, overrides=overrides))


@pytest.mark.parametrize("multi_spike", ["repeat", "graded"])
@pytest.mark.parametrize("schedule", ["pipelined", "native"])
@pytest.mark.parametrize("seed", range(3))
def test_graphs(schedule, multi_spike, seed):
    """Skips, recurrence, delays, several states and several spikes at once."""
    network = graph_network(seed, native=schedule == "native")
    load = workload_of(network, random_events(seed, network.input.size, "spikes", timesteps=7))
    overrides = [f"schedule={schedule}", f"core.multi_spike={multi_spike}", "core.scan=touched"]
    result, run = run_flow(load, overrides=overrides)
    assert run.trace.populations["b"].count is not None
    check(result, run)
    values = {name for name in ("b", "out") if network.populations[name].model.most_spikes != 1}
    assert run.mapping.graded == (values if multi_spike == "graded" else set())


def test_float32_network():
    network = layered_network(9, integer=False)
    check(*run_flow(workload_of(network, random_events(9, network.input.size, "graded", integer=False))))
