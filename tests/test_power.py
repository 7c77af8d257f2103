"""Clock gating, sleep and levels of voltage: closed forms, a naive twin, time and energy that add up."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_builders import run_flow

from accelsim.costs.leakage import component_leakage
from accelsim.costs.power_use import SIDE_OF, SIDES, PowerUse
from accelsim.costs.price_list import find_line, price_list
from accelsim.costs.prices import component_prices
from accelsim.errors import ConfigError, CostError
from accelsim.hardware.loader import load_chip
from accelsim.timing.engine import Chunk
from accelsim.timing.records import SCAN_COUNT, STEP, TERMINAL_COUNT

RULE = "{components: [%s], after_cycles: %d, wake_cycles: %d, remaining: %s, wake_energy: %s, source: of the tests}"
LEVELS = (
    "levels: [{voltage: 0.8 V, frequency: 200 MHz, source: of the tests}, "
    "{voltage: 0.7 V, frequency: 150 MHz, source: of the tests}, "
    "{voltage: 0.6 V, frequency: 50 MHz, source: of the tests}]"
)
SLOWEST = f"technology.power.dvfs={{policy: slowest, switch_cycles: 7, {LEVELS}}}"
STATED = "technology.power.dvfs={policy: stated, switch_cycles: 0, %s, %s}"
MEMORIES = ("synapse_memory", "membrane_memory", "accumulator_memory", "routing_memory")


def rule(*kinds, after=3, wake=5, remaining="0.25", energy="2 pJ"):
    return RULE % (", ".join(kinds), after, wake, remaining, energy)


def sleeping(*rules):
    return f"technology.power.sleep=[{', '.join(rules)}]"


def chunk_of(rng, jobs, cores):
    """Return counts that a machine may have: work within the step, some cores idle."""
    terminals = np.zeros((jobs, cores), TERMINAL_COUNT)
    for busy, end in (("row_cycles", "row_end"), ("scan_cycles", "scan_end"), ("routing_reads", "source_end")):
        terminals[end] = rng.integers(0, 400, (jobs, cores)) * (rng.random((jobs, cores)) < 0.7)
        terminals[busy] = np.floor(terminals[end] * rng.random((jobs, cores)))
    terminals["loads"] = rng.random((jobs, cores)) < 0.2
    terminals["sops"] = rng.integers(0, 99, (jobs, cores))
    scans = np.zeros((jobs, cores), SCAN_COUNT)
    scans["visited"] = rng.integers(0, 99, (jobs, cores))
    ends = np.max([terminals[name].max(axis=1) for name in ("row_end", "scan_end", "source_end")], axis=0)
    nothing = np.zeros((jobs, 0), np.int64)
    return Chunk(0, terminals, nothing, nothing, scans, np.zeros(jobs, STEP)), ends


def ceil(value):
    return -(-value.numerator // value.denominator)


def naive(spec, chunk, cycles, after, jobs):
    """Return what PowerUse finds, one component at a time, in exact fractions."""
    power, drain = spec.technology.power, spec.core.pipeline_drain
    slower = [Fraction(1)]
    if power.dvfs is not None:
        slower = [Fraction(200, round(one.frequency * 1000)) for one in power.dvfs.levels]
    busy, asleep, levels = {}, {}, {}
    for job, total in enumerate(cycles.tolist()):
        for core in range(chunk.terminals.shape[1]):
            one = chunk.terminals[job, core]
            row, scan, send = (int(one[name]) for name in ("row_end", "scan_end", "source_end"))
            rows, scans = int(one["row_cycles"]), int(one["scan_cycles"])
            load = int(one["loads"] > 0)
            end = {"synapse": row, "neuron": scan, "state": max(scan, row * load), "send": send}
            end["whole"] = max(row, scan, send)
            work = {"synapse": rows, "neuron": scans, "state": scans + rows * load, "whole": rows + scans}
            work["send"] = int(one["routing_reads"]) * spec.core.timing.axon_out_cycles
            level = 0
            for at in range(1, len(slower)):
                need = ceil((end["whole"] + drain) * slower[at]) + power.dvfs.switch_cycles
                if end["whole"] == 0 or need <= total - (after - drain):
                    level = at
            levels[job, core] = level
            pause = power.dvfs.switch_cycles if level else 0
            for kind, side in SIDE_OF.items():
                last = min(total, ceil((end[side] + drain) * slower[level]) + pause) if end[side] else 0
                key = (job // jobs, core, level, kind)
                busy[key] = busy.get(key, 0) + min(last, ceil(work[side] * slower[level]))
                for one_rule in power.sleep:
                    if kind in one_rule.components:
                        slept = max(0, total - last - one_rule.after_cycles - one_rule.wake_cycles)
                        asleep[key] = asleep.get(key, 0) + slept
    return busy, asleep, levels


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.booleans(), st.integers(0, 40), st.integers(0, 24), st.integers(0, 3))
def test_time_adds_up_and_equals_a_naive_twin(seed, levels, after, wake, tail):
    rng = np.random.default_rng(seed)
    changes = [sleeping(rule(*MEMORIES, after=after, wake=wake), rule("neuron_engine", after=0, wake=0))]
    spec = load_chip("core", ["technology.supply=0.8 V", *changes, *([SLOWEST] if levels else [])]).spec
    jobs, cores, ending = 6, 5, 24
    chunk, ends = chunk_of(rng, jobs, cores)
    cycles = ends + ending + tail * 100  # a tick may be longer than the work
    use = PowerUse.of(spec, 2, 3, cores, tuple(range(cores)), ending)
    use.add(chunk, cycles)
    busy, asleep, level = naive(spec, chunk, cycles, ending, 3)
    for (sample, core, at, kind), expected in busy.items():
        assert use.busy[sample, core, at, SIDES.index(SIDE_OF[kind])] == expected
    for (sample, core, at, kind), expected in asleep.items():
        assert use.asleep[kind][sample, core, at] == expected
    np.testing.assert_array_equal(use.cycles.sum(axis=2), cycles.reshape(2, 3).sum(axis=1)[:, None] * np.ones(cores))
    for kind, side in SIDE_OF.items():
        awake = use.cycles - use.asleep.get(kind, 0) - use.busy[..., SIDES.index(side)]
        assert (awake >= 0).all()  # busy + idle + asleep = cycles
    if levels:
        np.testing.assert_array_equal(
            use.terminals["sops"].sum(axis=2), chunk.terminals["sops"].reshape(2, 3, cores).sum(axis=1)
        )
        found = np.zeros_like(use.scans["visited"])
        for (job, core), at in level.items():
            found[job // 3, core, at] += chunk.scans["visited"][job, core]
        np.testing.assert_array_equal(use.scans["visited"], found)
        assert (use.ticks <= use.cycles).all()


@pytest.fixture(scope="module")
def plain():
    return run_flow("mnist_conv", samples=2, overrides=["technology.supply=0.8 V"])


def with_power(*changes):
    return run_flow("mnist_conv", samples=2, overrides=["technology.supply=0.8 V", *changes])


def energy(result, key="energy_per_inference"):
    return result.totals[key].value


def test_a_sleep_that_saves_and_costs_nothing_changes_nothing(plain):
    result, _ = with_power(sleeping(rule(*MEMORIES, remaining="1", energy="0 pJ")))
    assert energy(result) == pytest.approx(energy(plain[0]), rel=1e-12)
    assert energy(result, "latency") == energy(plain[0], "latency")


def test_sleep_saves_its_leakage_and_costs_its_wakes(plain):
    result, run = with_power(sleeping(rule("synapse_memory", "neuron_engine")))
    use, spec = run.steps.power, run.chip.spec
    leak = component_leakage(spec, False)
    saved = sum(0.75 * leak[kind].power_mw * use.asleep[kind].sum() / spec.clock for kind in use.asleep) / 2
    assert energy(plain[0], "energy_static") - energy(result, "energy_static") == pytest.approx(saved, rel=1e-9)
    wakes = sum(use.wakes[kind].sum() for kind in use.wakes) / 2
    assert energy(result, "energy_dynamic") - energy(plain[0], "energy_dynamic") == pytest.approx(2 * wakes, rel=1e-9)
    rows = {row["component"]: row for row in result.components.rows()}
    used = run.mapping.used_cores
    total = run.timing.step_cycles.sum() * len(used)
    assert rows["synapse memory"]["asleep_share"] == pytest.approx(use.asleep["synapse_memory"][:, used].sum() / total)
    assert rows["routing memory"]["asleep_share"] == 0
    for name, row in rows.items():
        if name not in {"router", "link", "port:input", "port:output"}:
            assert row["busy_share"] + row["idle_share"] + row["asleep_share"] == pytest.approx(1)
        else:
            assert np.isnan(row["busy_share"])


def test_the_price_of_a_wake_is_the_files():
    spec = load_chip("core", [sleeping(rule("synapse_memory", "core_control"))]).spec
    for path in ("synapse_memory.wake", "core.core_control.wake"):
        line = find_line(price_list(spec), path)
        assert (line.value, line.formula) == (2, "wake_energy of its rule in technology.power.sleep")
        assert line.source == "of the tests"
    assert not any(line.action == "wake" for line in price_list(load_chip("core").spec))


@pytest.mark.parametrize("gating", ["none", "pipelines", "cores"])
def test_clock_gating_decides_what_idle_cycles_cost(plain, gating):
    _, run = with_power(f"technology.power.clock_gating={gating}")
    cycles = run.timing.step_cycles.sum(axis=1)
    for core in run.mapping.used_cores:
        key = f"core[{core}].core_control"
        found = [run.counters.counts[key, action] for action in ("clock_active", "clock_idle")]
        before = [plain[1].counters.counts[key, action] for action in ("clock_active", "clock_idle")]
        expected = {"none": [cycles, 0 * cycles], "pipelines": before, "cores": [before[0], 0 * cycles]}[gating]
        np.testing.assert_array_equal(found, expected)


def test_a_gated_router_is_clocked_for_its_flits(plain):
    _, run = with_power("technology.power.router_clock=gated")
    cycles, counts = run.timing.step_cycles.sum(axis=1), run.timing.routers
    for at in range(run.mapping.fabric.routers):
        x, y = run.mapping.fabric.topology.position(at)
        found = run.counters.counts[f"router[{x:g},{y:g}]", "clock"]
        waits = sum(counts[name][:, at] for name in ("stall_vc", "stall_switch", "stall_credit", "stall_ejection"))
        np.testing.assert_array_equal(found, np.minimum(cycles, 5 * counts["flits"][:, at] + waits))
        assert (plain[1].counters.counts[f"router[{x:g},{y:g}]", "clock"] == cycles).all()


def test_levels_move_counts_and_prices_and_lose_none(plain):
    result, run = with_power(SLOWEST)
    supply = {"": 0.8, " at 0.7 V": 0.7, " at 0.6 V": 0.6}
    prices = {end: component_prices(load_chip("core", [f"technology.supply={v} V"]).spec, False, payload_bits=1)
              for end, v in supply.items()}  # fmt: skip
    before, found = plain[1].counters.counts, run.counters.counts
    lowered = 0
    for (path, action), number in before.items():
        if not path.startswith("core["):
            np.testing.assert_array_equal(found[path, action], number)
            continue
        each = {end: found.get((path, f"{action}{end}"), 0 * number) for end in supply}
        if not action.startswith("clock_"):  # a slower clock has fewer cycles
            np.testing.assert_array_equal(sum(each.values()), number)
        kind = path.partition(".")[2]
        for end, count in each.items():
            lowered += int(count.sum()) * bool(end)
            if count.any():
                price = run.prices.prices[path, f"{action}{end}"].energy_pj
                assert price == prices[end][kind, action].energy_pj
                ratio = price / prices[""][kind, action].energy_pj if prices[""][kind, action].energy_pj else None
                assert ratio == pytest.approx((supply[end] / 0.8) ** 2)
    assert lowered > 0
    use, used = run.steps.power, run.mapping.used_cores
    for core in used:
        for at, end in enumerate(supply):  # every cycle of the core's own clock is active or idle
            key = f"core[{core}].core_control"
            np.testing.assert_array_equal(
                found[key, f"clock_active{end}"] + found[key, f"clock_idle{end}"], use.ticks[:, core, at]
            )
    leak = component_leakage(run.chip.spec, False)["synapse_memory"].power_mw
    volts = use.cycles[:, used] @ np.array([1, 0.7 / 0.8, 0.6 / 0.8])
    static = sum(run.energy.components[f"core[{core}].synapse_memory"].static for core in used)
    np.testing.assert_allclose(static, leak * volts.sum(axis=1) / run.chip.spec.clock)
    np.testing.assert_array_equal(run.timing.step_cycles, plain[1].timing.step_cycles)  # energy alone
    assert energy(result) < energy(plain[0])
    assert any("a bound" in line for line in result.warnings)
    mean = result.cores["mean_voltage"]
    assert ((mean >= 0.6) & (mean <= 0.8)).all()


def test_a_stated_level_holds_or_says_where_it_does_not(plain):
    idle = int(np.argmin(plain[1].timing.terminals["row_cycles"][:, :16].sum(axis=0)))
    dvfs = STATED % (LEVELS, "assigned: [{level: 1, cores: [%s]}]")
    busy = int(np.argmax(plain[1].timing.terminals["row_cycles"][:, :16].sum(axis=0)))
    with pytest.raises(CostError, match=rf"core {busy} at 0.7 V needs \d+ cycles in sample 0, step \d+, which has \d+"):
        with_power(dvfs % busy)
    _, run = with_power(dvfs % idle)
    assert run.steps.power.cycles[:, idle, 1].tolist() == run.timing.step_cycles.sum(axis=1).tolist()
    assert run.steps.power.cycles[:, :, 1].sum() == run.timing.step_cycles.sum()  # no other core


def test_a_chip_whose_levels_are_all_but_the_same_costs_the_same(plain):
    near = LEVELS.replace("0.7 V, frequency: 150", "0.79999999 V, frequency: 199.99999")
    near = near.replace("0.6 V, frequency: 50", "0.79999998 V, frequency: 199.99998")
    result, _ = with_power(f"technology.power.dvfs={{policy: slowest, switch_cycles: 0, {near}}}")
    assert energy(result) == pytest.approx(energy(plain[0]), rel=1e-3)  # a cycle of the clock less in some steps



@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([sleeping(rule("bus"))], r"power\.sleep\[0\]\.components: expected some of axon_memory.*; got bus"),
        ([sleeping(rule("link"))], r"expected some of axon_memory.*; got link"),
        ([sleeping(rule("synapse_memory"), rule("synapse_memory"))], "expected one rule for a component, got two"),
        ([sleeping(rule("synapse_memory", wake=25))], "wake_cycles: expected at most the 24 cycles of drain and"),
        ([sleeping(rule("synapse_memory", remaining="1.5"))], r"remaining: expected at most 1\.0, got 1\.5"),
        ([SLOWEST], r"expected a technology\.supply of 0\.8 V, as the first, got nothing"),
        (["technology.supply=0.8 V", "clock=100 MHz", SLOWEST], "expected the clock, 100 MHz, for the first, got 0"),
        ([STATED % (LEVELS, "assigned: [{level: 3, cores: [0]}]")], "assigned: expected levels of 0 to 2"),
        ([STATED % (LEVELS, "assigned: []")], "assigned: expected cores and their levels, got none"),
        (["technology.supply=0.8 V", STATED % (LEVELS, "assigned: [{level: 1, cores: [16]}]")],
         "assigned: expected cores of 0 to 15, got 16"),
        ([SLOWEST.replace("0.7 V", "0.5 V")], "expected each lower in voltage and frequency than the one before, got"),
    ],
)  # fmt: skip
def test_wrong_descriptions_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        spec = load_chip("core", changes).spec
        PowerUse.of(spec, 1, 1, 16, (), spec.core.pipeline_drain + 20)


def test_a_chip_that_states_its_energies_takes_no_sleep():
    with pytest.raises(ConfigError, match="expected no sleep and no dvfs where energies are stated by event"):
        load_chip("loihi", [sleeping(rule("synapse_memory"))])


def test_a_level_out_of_reach_of_the_tables_is_refused(plain):
    low = SLOWEST.replace("0.6 V", "0.2 V")
    with pytest.raises(CostError, match=r"technology\.supply: expected 0\.\d+\.\.\d\.?\d* V around the table's"):
        with_power(low)
