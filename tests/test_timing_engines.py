"""The compiled engine is the reference engine: equal in every count and cycle on generated machines.

What the cases reach is counted: a comparison on machines in which nothing ever waits would prove little. The bars are
per chunk of cases and below what the seeds give, so that they only fail when the generator loses its teeth.
"""

import numpy as np
import pytest
from timing_builders import compile_and_build, differences, run_step
from timing_cases import random_graph_sample, random_multicast_step, random_sample, random_step, random_wide_sample

from accelsim.mapping.schedule import Schedule
from accelsim.network.events import EventStream
from accelsim.timing import simulate as simulate_module
from accelsim.timing.causes import CAUSES
from accelsim.timing.records import ROUTER_COUNT, SCAN_COUNT, STATUS_DONE, TERMINAL_COUNT
from accelsim.timing.simulate import simulate

STEPS, FIXED_STEPS, CHIPS = 480, 200, 120
STEP_CHUNK, CHIP_CHUNK = 40, 20

STEP_BARS = {
    "fifo_full": 32,
    "injection_full": 24,
    "no_credit": 16,
    "stall_vc": 26,
    "stall_switch": 12,
    "stall_credit": 18,
    "stall_ejection": 28,
    "long packets": 6,
    "several channels": 18,
    "speculative": 8,
    "classes": 5,
}
"""Least number of cases, of 40, in which it happens."""

FIXED_BARS = {
    "fifo_full": 34,
    "injection_full": 32,
    "no_credit": 32,
    "stall_switch": 20,
    "stall_credit": 20,
    "stall_ejection": 28,
    "long packets": 8,
}
"""The same for networks of fixed-latency links."""

FORK_BARS = {
    "replicas": 36,
    "fifo_full": 32,
    "no_credit": 16,
    "stall_vc": 34,
    "stall_switch": 28,
    "stall_credit": 20,
    "stall_ejection": 30,
    "long packets": 12,
    "several channels": 18,
    "classes": 6,
}
"""The same for networks that fork packets."""

WIDE_BARS = {
    "replicas": 2,
    "classes": 6,
    "several cores": 8,
    "several cores on a router": 4,
    "long packets": 4,
    "stall_vc": 4,
    "stall_switch": 4,
    "stall_ejection": 4,
    "tokens beside packets that fork": 2,
}
"""Least number of chips on any topology, of 20."""

CHIP_BARS = {
    "bank conflict": 6,
    "fetch": 1,
    "several slices on a core": 1,
    "several cores": 7,
    "fifo_full": 10,
    "injection_full": 10,
    "no_credit": 6,
    "stall_vc": 1,
    "stall_switch": 2,
    "stall_credit": 1,
    "stall_ejection": 4,
    "several cores on a router": 3,
    "look-up": 2,
    "neurons visited in vain": 2,
    "long packets": 4,
    "values": 1,
    "tokens": 4,
    "tree": 1,
    "tick": 1,
}
"""Least number of chips, of 20, in which it happens."""

_RESULT = ("step_cycles", "causes", "latency", "links", "late", "step_terminals", "step_routers")


def missed(reached, bars) -> dict[str, int]:
    return {name: reached[name] for name, bar in bars.items() if reached[name] < bar}


def hops(noc) -> np.ndarray:
    """Routers between terminals, by walking the tables."""
    terminals = len(noc.terminals)
    out = np.zeros((terminals, terminals), np.int64)
    for source in range(terminals):
        for target in range(terminals):
            router = noc.terminals["router"][source]
            while router >= 0:
                router = noc.links["router"][router, noc.route[router, target]]
                out[source, target] += 1
    return out


def check_books(noc, axons, work, step) -> None:
    """What must hold whatever the engine: everything sent arrives, a flit crosses every router of its route once."""
    flits, expected = axons.costs["flits"][axons.axon["cost"]], 0
    source = np.repeat(np.arange(len(noc.terminals)), np.diff(work.fired_ptr))
    routers = hops(noc)
    packets = 0
    for terminal, neuron in zip(source.tolist(), work.fired.tolist(), strict=True):
        for axon in range(axons.ptr[neuron], axons.ptr[neuron + 1]):
            expected += int(flits[axon]) * routers[terminal, axons.axon["terminal"][axon]]
            packets += 1
    assert step.summary["status"][0] == STATUS_DONE
    assert step.summary["injected"][0] == step.summary["delivered"][0] == packets
    assert step.links.sum() == step.total("flits") == expected
    assert step.total("fired") == len(work.fired)


def compare_steps(seeds, bars, *, fixed: bool) -> None:
    """Run generated steps on both engines; what they reach must meet the bars."""
    reached = dict.fromkeys(bars, 0)
    for seed in seeds:
        noc, axons, work = random_step(seed, fixed=fixed)
        reference, compiled = (run_step(engine, noc, axons, work) for engine in ("reference", "compiled"))
        assert differences(reference, compiled) == [], f"seed {seed}"
        check_books(noc, axons, work, compiled)
        for name in bars:
            if name in TERMINAL_COUNT.names or name in ROUTER_COUNT.names:
                reached[name] += compiled.total(name) > 0
        reached["long packets"] += compiled.total("flits_out") > compiled.total("packets_out")
        if not fixed:
            reached["several channels"] += noc.vcs > 1
            reached["speculative"] += noc.speculative
            reached["classes"] += noc.classes > 1
    assert missed(reached, bars) == {}, reached


@pytest.mark.parametrize("chunk", range(STEPS // STEP_CHUNK))
def test_engines_agree_on_generated_steps(chunk):
    compare_steps(range(chunk * STEP_CHUNK, (chunk + 1) * STEP_CHUNK), STEP_BARS, fixed=False)


@pytest.mark.parametrize("chunk", range(FIXED_STEPS // STEP_CHUNK))
def test_engines_agree_on_fixed_latency_networks(chunk):
    compare_steps(range(chunk * STEP_CHUNK, (chunk + 1) * STEP_CHUNK), FIXED_BARS, fixed=True)


def compare_forks(seeds, bars) -> None:
    """The same on networks that fork packets; a flit passes every branch of its tree once."""
    reached = dict.fromkeys(bars, 0)
    for seed in seeds:
        noc, axons, work, trees = random_multicast_step(seed)
        reference, compiled = (run_step(engine, noc, axons, work) for engine in ("reference", "compiled"))
        assert differences(reference, compiled) == [], f"seed {seed}"
        fired = work.fired[: work.fired_ptr[-1]]
        assert compiled.summary["status"][0] == STATUS_DONE, f"seed {seed}"
        assert compiled.links.sum() == compiled.total("flits") == trees.flit_hops()[fired].sum()
        assert compiled.total("packets_out") == (np.diff(axons.ptr)[fired] > 0).sum()
        assert compiled.total("destinations") == compiled.total("packets_in") == np.diff(axons.ptr)[fired].sum()
        assert compiled.total("flits_in") == compiled.total("flits_out") + compiled.total("replicas")
        for name in bars:
            if name in TERMINAL_COUNT.names or name in ROUTER_COUNT.names:
                reached[name] += compiled.total(name) > 0
        reached["long packets"] += compiled.total("flits_out") > compiled.total("packets_out")
        reached["several channels"] += noc.vcs > 1
        reached["classes"] += noc.classes > 1
    assert missed(reached, bars) == {}, reached


FORKS = 80


@pytest.mark.parametrize("chunk", range(FORKS // STEP_CHUNK))
def test_engines_agree_on_networks_that_fork(chunk):
    compare_forks(range(chunk * STEP_CHUNK, (chunk + 1) * STEP_CHUNK), FORK_BARS)


def compare_chip(seed: int, sample=random_sample) -> dict[str, bool]:
    """Run a random network on a random chip on both engines; return what happened."""
    net, events, spec = sample(seed)
    machine, mapping = compile_and_build(net, events, spec)
    waits = Schedule.of(spec.schedule, net, events.timesteps)
    ours, theirs = (simulate(machine, spec, mapping, engine, 1) for engine in ("compiled", "reference"))
    for name in _RESULT:
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), f"seed {seed}: {name}"
    for part, dtype in (("terminals", TERMINAL_COUNT), ("routers", ROUTER_COUNT), ("scans", SCAN_COUNT)):
        for name in dtype.names:
            assert np.array_equal(getattr(ours, part)[name], getattr(theirs, part)[name]), f"seed {seed}: {part}.{name}"
    assert np.array_equal(ours.causes.sum(axis=2), ours.step_cycles)
    where = [part.terminal for part in mapping.parts if part.terminal < mapping.cores]
    counts = {name: ours.terminals[name].sum() > 0 for name in ("fifo_full", "injection_full", "no_credit")}
    counts |= {name: ours.routers[name].sum() > 0 for name in ROUTER_COUNT.names if name.startswith("stall")}
    return counts | {
        "bank conflict": ours.terminals["row_conflict"].sum() > 0,
        "fetch": ours.terminals["row_fetch"].sum() > 0,
        "several slices on a core": len(set(where)) < len(where),
        "several cores": len(set(where)) > 1,
        "several kinds of core": len({mapping.layout.name(core) for core in where}) > 1,
        "several cores on a router": mapping.cores > machine.noc.routers,
        "replicas": ours.routers["replicas"].sum() > 0,
        "classes": getattr(machine.noc, "classes", 1) > 1,
        "look-up": ours.terminals["row_lookup"].sum() > 0,
        "neurons visited in vain": bool((ours.scans["visited"] > ours.scans["updated"])[:, :-1].any()),
        "long packets": bool((machine.axons.costs["flits"] > 1).any()),
        "values": ours.terminals["macs"].sum() > 0,
        "values of spikes": bool(mapping.graded - {net.input.name}),
        "repeated spikes": bool(machine.work.populations["repeats"].any()),
        "states over several words": any(part.words_per_membrane > 1 for part in mapping.parts),
        "more than two slots": any(waits.slots(net, name) > 2 for name in net.populations),
        "several projections on an axon": _shared_axons(net, mapping),
        "tokens": spec.synchronization == "dependency",
        "tokens and more slots": spec.lead > 0,
        "tokens beside packets that fork": bool(machine.tokens is not None and spec.noc.multicast is not None),
        "waiting for tokens": spec.synchronization == "dependency" and events.timesteps > 1,
        "messages of the barrier": bool(spec.barrier.kind == "message" and ours.terminals["tokens_in"].sum() > 0),
        "tree": spec.barrier.kind == "tree" and spec.synchronization == "barrier",
        "tick": bool((ours.causes[:, :, CAUSES.index("tick")] > 0).any()),
        "late": bool((ours.late > 0).any()),
        **{kind: spec.schedule == kind for kind in ("pipelined", "native", "sequential")},
    }


def _shared_axons(net, mapping) -> bool:
    """Whether a population reaches two others on one core."""
    cores = {name: {part.terminal for part in mapping.parts if part.population == name} for name in net.populations}
    edges = [(edge.source, cores[edge.target]) for edge in net.projections]
    return any(a == b and x & y for at, (a, x) in enumerate(edges) for b, y in edges[:at])


def compare_chips(seeds, bars, sample=random_sample) -> None:
    """Compare chips; what they reach must meet the bars."""
    reached = dict.fromkeys(bars, 0)
    for seed in seeds:
        happened = compare_chip(seed, sample)
        for name in bars:
            reached[name] += bool(happened[name])
    assert missed(reached, bars) == {}, reached


@pytest.mark.parametrize("chunk", range(CHIPS // CHIP_CHUNK))
def test_engines_agree_on_whole_chips(chunk):
    compare_chips(range(chunk * CHIP_CHUNK, (chunk + 1) * CHIP_CHUNK), CHIP_BARS)


WIDES = 20


def test_engines_agree_on_any_topology():
    compare_chips(range(WIDES), WIDE_BARS, random_wide_sample)


GRAPHS, GRAPH_CHUNK = 120, 40
GRAPH_BARS = {
    "repeated spikes": 2, "values of spikes": 4, "states over several words": 4, "more than two slots": 10,
    "several projections on an axon": 10, "several cores": 8, "long packets": 4, "neurons visited in vain": 4,
    "tokens": 8, "tokens and more slots": 2, "messages of the barrier": 1, "tick": 3, "late": 1,
    "pipelined": 5, "native": 5, "sequential": 5,
}  # fmt: skip


@pytest.mark.parametrize("chunk", range(GRAPHS // GRAPH_CHUNK))
def test_engines_agree_on_any_graph(chunk):
    compare_chips(range(chunk * GRAPH_CHUNK, (chunk + 1) * GRAPH_CHUNK), GRAPH_BARS, random_graph_sample)


FIELDS = [*((name, "terminals") for name in TERMINAL_COUNT.names), *((name, "routers") for name in ROUTER_COUNT.names)]


@pytest.mark.parametrize(("name", "part"), [*FIELDS, ("links", "links"), ("end", "summary"), ("status", "summary")])
def test_the_comparison_sees_every_field(name, part):
    step = run_step("compiled", *random_step(3))
    other = type(step)(*(array.copy() for array in step))
    array = getattr(other, part)
    (array if part == "links" else array[name])[-1] += 1
    assert differences(step, other) == [part if part == "links" else f"{part}.{name}"]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("chunk_bytes", [1, 5000, 8 << 20])
def test_results_do_not_depend_on_threads_or_chunks(threads, chunk_bytes, monkeypatch):
    net, _, spec = random_sample(21)
    rng = np.random.default_rng(5)
    events = EventStream.from_dense(rng.random((5, 3, net.input.size)) < 0.4)
    machine, mapping = compile_and_build(net, events, spec)
    alone = simulate(machine, spec, mapping, "compiled", 1)
    monkeypatch.setattr(simulate_module, "_CHUNK_BYTES", chunk_bytes)
    chunks = simulate_module._chunks(machine, threads)
    assert sum(jobs for _, jobs in chunks) == machine.jobs
    done = []
    result = simulate(machine, spec, mapping, "compiled", threads, done.append)
    assert sum(done) == machine.jobs
    assert len(done) == len(chunks)
    for name in ("terminals", "routers", "scans", *_RESULT):
        assert getattr(result, name).tobytes() == getattr(alone, name).tobytes(), name
    assert len({tuple(cycles) for cycles in result.step_cycles.tolist()}) > 1  # the samples differ
