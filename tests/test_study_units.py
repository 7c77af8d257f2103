"""Units and names in conditions, constraints, objectives and references: what does not fit is refused, by name."""

from pathlib import Path

import pytest

from accelsim.errors import ConfigError
from accelsim.hardware.yaml_reader import Location
from accelsim.pipeline import run
from accelsim.study.catalog import TOTALS
from accelsim.study.constraints import dimension_of_total, violations
from accelsim.study.dimensions import dimension_of, product, unit_of
from accelsim.study.expressions import Value, parse
from accelsim.study.front import parse_reference
from accelsim.study.objectives import BASELINE
from accelsim.study.planner import Planner
from accelsim.study.reader import check_study
from accelsim.units import CANONICAL

STUDY = {"name": "units", "hw": "core", "workload": "dense_256", "samples": 1, "axes": {"core.synapse_lanes": [4, 8]}}


def checked(**changes):
    return check_study(STUDY | changes, {"": Location("study", 0)}, Path())


def points(*conditions, **changes):
    return [task.axes for task in Planner(checked(conditions=list(conditions), **changes)).tasks()]


@pytest.mark.parametrize("hw", ["core", "prosperity", "serial", "hetero"])
def test_every_total_of_a_run_is_in_the_catalog_with_its_unit(hw):
    made = run(hw, "mnist_conv", samples=1, threads=1)
    found = made.totals | {f"{BASELINE}{name}": item for name, item in made.baseline.totals.items()}
    assert {name: item.unit for name, item in found.items()} == {name: TOTALS.get(name) for name in found}


def test_dimensions_multiply():
    energy, time = dimension_of("pJ"), dimension_of("ns")
    assert product(energy, time, -1) == dimension_of("mW")
    assert product(energy, time) == dimension_of("pJ*ns") != energy
    assert product(time, dimension_of("GHz")) == dimension_of("cycle") == dimension_of("1/s")
    assert {unit_of(dimension_of(unit)) for unit in ("pJ/bit", "mm2", "mW", "bit/ns")} == {
        "pJ/bit", "mm2", "mW", "bit/ns"
    }  # fmt: skip
    assert all(dimension_of(unit) for name, unit in CANONICAL.items() if name != "node")
    assert all(dimension_of_total(name) is not None for name in TOTALS)


@pytest.mark.parametrize(("text", "problem"), [
    ("latency <= 4 mm2", "got ns and mm2; latency is in ns"),
    ("energy <= 1", "got pJ and a plain number; energy is in pJ"),
    ("area <= 4 mm", "got mm2 and mm; area is in mm2"),
    ("energy + latency <= 1 uJ", r"both sides of \+, got pJ and ns; energy is in pJ; latency is in ns"),
    ("spikes <= 1 pJ", "got a plain number and pJ"),
    ("samples_per_second >= 1 kHz", "got a plain number and GHz"),
    ("edp <= 1 uJ", r"got pJ\*ns and pJ; edp is in pJ\*ns"),
    ("acuracy >= 0.9", "unknown total 'acuracy'; did you mean 'accuracy'"),
    ("area == 'small'", "expected two numbers, .*got a number and a text"),
])  # fmt: skip
def test_a_constraint_whose_units_do_not_fit_is_refused(text, problem):
    with pytest.raises(ConfigError, match=rf"study: constraints\[1\]: .*{problem}"):
        checked(constraints=["area <= 4 mm2", text])


def test_constraints_whose_units_fit():
    texts = [
        "energy / latency <= 3 mW", "edp <= 1 uJ * 1 ms", "latency_cycles <= 1000", "energy > 0", "area * 2 <= 1 mm2",
        "energy - baseline.energy_per_inference <= -1 nJ", "accuracy >= baseline.accuracy - 0.01",
    ]  # fmt: skip
    found = checked(constraints=texts).constraints
    totals = {"energy_per_inference": 8.0, "latency": 2.0, "energy_delay": 16.0, "latency_cycles": 10.0, "area": 0.6}
    assert violations(found, totals) == {"energy / latency <= 3 mW": pytest.approx(1 / 3),
                                         "area * 2 <= 1 mm2": pytest.approx(0.2)}  # fmt: skip


def test_an_objective_that_is_no_total_is_told_at_once():
    with pytest.raises(ConfigError, match=r"objectives\[1\]: unknown total 'energi'; did you mean 'energy'"):
        checked(objectives=["latency", "energi"])


@pytest.mark.parametrize(("text", "problem"), [
    ("clock <= 200", "got GHz and a plain number; clock is in GHz"),
    ("clock <= 1 mm2", "got GHz and mm2"),
    ("technology.node <= 22", "technology.node is in mm"),
    ("core.synapse_memory.capacity == 65536", "got bit and a plain number"),
    ("noc.size <= 4", r"noc.size: expected a number, a quantity, a text or a truth value, got a list"),
    ("core.skip_zero_weights <= true", "expected == or != between truth values"),
    ("core.skip_zero_weights == 1", "got a truth value and a number"),
    ("core.synapse_lane <= 4", "or one of hw, workload, ann, samples, seed; got 'core.synapse_lane'"),
])  # fmt: skip
def test_a_condition_that_does_not_fit_is_refused(text, problem):
    changes = {"set": {"core.skip_zero_weights": True, "noc.size": [8, 4]}}
    with pytest.raises(ConfigError, match=rf"conditions\[0\]: .*{problem}"):
        points(text, **changes)


def test_conditions_read_all_settings():
    assert len(points("clock <= 1 GHz", "hw == 'core'", "samples <= 4", "workload == 'dense_256'")) == 2
    assert points("hw != 'core'") == points("samples > 4") == []
    two = {"core.skip_zero_weights": [True, False]}
    assert points("core.skip_zero_weights == true", axes=two) == [{"core.skip_zero_weights": True}]
    assert points("core.skip_zero_weights != true", axes=two) == [{"core.skip_zero_weights": False}]
    assert len(points("core.synapse_memory.capacity >= 1 KiB")) == 2


def test_an_axis_that_a_point_does_not_have_is_named_with_the_point():
    axes = {"hw": ["core", "prosperity"], "core.synapse_lanes": {"values": [4, 8], "when": {"hw": "core"}}}
    with pytest.raises(ConfigError, match=r"does not vary along, at the point hw=prosperity .*\{if: hw == 'NAME'"):
        points("core.synapse_lanes <= 4", axes=axes)
    rule = {"if": "hw == 'core'", "then": "core.synapse_lanes <= 4"}
    assert [item["hw"] for item in points(rule, axes=axes)] == ["core", "prosperity"]


@pytest.mark.parametrize("text", ["energy=5 mm2", "energy=5", "energy=nan", "energy=energy", "energi=1 uJ", "energy"])
def test_a_reference_that_does_not_fit_is_refused(text):
    with pytest.raises(ConfigError, match=f"--reference {text}: "):
        parse_reference([text])


def test_texts_and_numbers_do_not_mix():
    with pytest.raises(ConfigError, match="expected numbers around"):
        parse("a + 'b' <= 3").holds(lambda _: Value(1))
    assert parse("(a - 2) * -3 < 0").holds(lambda _: Value(3))
