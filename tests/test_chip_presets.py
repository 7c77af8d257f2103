"""Descriptions of published chips: a source behind every number, a run end to end, and ODIN and ReckOn against silicon.

The tolerances of the comparison with silicon stand in docs/validation.md, where they were written down first.
"""

import csv
import re

import numpy as np
import pytest
from functional_builders import neurons
from pipeline_builders import run_flow, workload_of

from accelsim.costs.area import component_area
from accelsim.costs.prices import component_prices
from accelsim.errors import MappingError
from accelsim.hardware.loader import load_chip
from accelsim.hardware.presets import preset_names, preset_path
from accelsim.hardware.summary import summary
from accelsim.hardware.yaml_reader import child, read_yaml
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.report.terminal import report_text

OWN = {"core", "hetero", "large", "serial", "small"}
"""Designs of ours: the comment at a value says where it comes from."""
COMMENTED = OWN | {"loihi_sanafe"}
CHIPS = sorted(set(preset_names("core_mesh")) - COMMENTED)
SOURCED_ITEMS = (
    "energies.", "technology.overrides[", "technology.leakage_overrides[", "technology.calibration[", "ports[",
)  # fmt: skip
NUMBER = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?( [A-Za-z/0-9]+)?")
MEASURED = {"odin": 8.4, "reckon": 5.3}


def numbers(value, path=""):
    """Yield the paths of all numbers and quantities."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from numbers(item, child(path, key))
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path
    if isinstance(value, str) and NUMBER.fullmatch(value):
        yield path


def bare(data, provenance):
    """Return the paths of the numbers that neither an item with a source of its own nor the provenance covers."""
    return [
        path
        for path in numbers(data)
        if not path.startswith(SOURCED_ITEMS)
        and not any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in provenance)
    ]


def test_there_is_a_preset_for_every_chip_of_the_list():
    assert CHIPS == ["loihi", "odin", "odin_calibrated", "reckon", "seneca", "speck", "truenorth", "yana"]


@pytest.mark.parametrize("name", CHIPS)
def test_every_number_of_a_chip_has_a_source_and_an_evidence_mark(name):
    loaded = load_chip(name)
    spec = loaded.spec
    assert [path for path in bare(loaded.data, spec.provenance) if not path.startswith("baseline.")] == []
    for known in ("clock", "core.synapse_memory"):
        fewer = set(spec.provenance) - {known}
        assert any(path.startswith(known) for path in bare(loaded.data, fewer))  # the check can fail
    for known in spec.provenance:
        assert known in loaded.locations, known
    assert spec.limits
    marked = [*spec.technology.overrides, *spec.technology.leakage_overrides]
    if spec.energies is not None:
        marked += spec.energies.actions
    assert all(item.evidence for item in marked)


@pytest.mark.parametrize("name", sorted(COMMENTED))
def test_every_number_of_ours_stands_below_a_comment(name):
    text = preset_path(name).read_text(encoding="utf-8").splitlines()
    data, locations = read_yaml(preset_path(name))
    for path in numbers(data):
        if path.startswith(SOURCED_ITEMS) or path.startswith("energies"):
            continue
        line = locations[path].line - 1
        above = [text[at].lstrip().startswith("#") for at in range(max(0, line - 12), line)]
        assert any(above), f"{name}: {path}"


def test_marks_agree_with_the_table_of_chips(shared_data):
    """Energies that the table of published figures has are those of the presets, with the table's mark."""
    with (shared_data / "energy" / "chips.csv").open(newline="") as stream:
        rows = {(row["chip"], row["metric"]): row for row in csv.DictReader(stream)}
    loihi = {(item.component, item.action): item for item in load_chip("loihi").spec.energies.actions}
    for pair, metric in (
        (("synapse_engine", "event"), "energy_synaptic_op_min"),
        (("neuron_engine", "visit"), "energy_neuron_update_inactive"),
        (("routing_memory", "read"), "energy_within_tile_spike"), (("link", "flit_x"), "energy_hop_east_west"),
        (("link", "flit_y"), "energy_hop_north_south"),
    ):  # fmt: skip
        row = rows["Loihi 1", metric]
        assert (loihi[pair].energy, loihi[pair].evidence) == (float(row["value"]), row["evidence"])
    for name, chip in (("seneca", "SENECA"), ("truenorth", "TrueNorth")):
        (item,) = load_chip(name).spec.energies.actions
        row = rows[chip, "energy_synaptic_op" if name == "seneca" else "energy_synaptic_event"]
        assert (item.energy, item.evidence) == (float(row["value"]), row["evidence"])
    odin, reckon = load_chip("odin").spec, load_chip("reckon").spec
    words = {
        ("ODIN", "sram_synapse"): odin.core.synapse_memory, ("ODIN", "sram_neuron"): odin.core.membrane.memory,
        ("ReckOn", "sram_neuron"): reckon.core.membrane.memory,
    }  # fmt: skip
    for key, memory in words.items():
        assert rows[key]["value"] == f"{memory.words}x{memory.width}"
    assert rows["ReckOn", "sram_input_weight"]["value"] == f"{reckon.core.synapse_memory.words // 2}x128"
    assert float(rows["ODIN", "clock_max"]["value"]) == pytest.approx(odin.clock * 1e3)
    speck = load_chip("speck").spec.core
    entries = (speck.synapse_memory.words // 1024, speck.membrane.memory.words // 1024)
    names = [f"{what}_memory_entries" for what in ("kernel", "neuron")]
    sizes = [rows["Speck / DYNAP-CNN core", name]["value"].split(",") for name in names]
    assert tuple(map(str, entries)) in set(zip(*sizes, strict=True))


@pytest.fixture(scope="module")
def ran():
    done = {}

    def get(name):
        if name not in done:
            bits = 4 if name.startswith("odin") else 8
            changes = (f"recording.weight_bits={bits}",)
            done[name] = run_flow("dense_256", name, samples=1, workload_overrides=changes)
        return done[name]

    return get


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*CHIPS, *OWN} - {"yana"}))
def test_every_chip_runs_a_small_workload(name, ran):
    result, run = ran(name)
    assert result.totals["sops"].value == 107 * 240 + 99 * 10
    assert result.totals["energy_per_inference"].value > 0
    shown = " ".join(report_text(result).split())
    for limit in run.chip.spec.limits:
        assert f"chip {name}: {limit}" in shown
    assert ("static power of this chip is not published" in shown) == (name == "loihi")


def test_yana_runs_memory_images_alone(ran):
    with pytest.raises(MappingError, match=r"core\.source_synapses: networks are not placed"):
        ran("yana")


def test_loihi_sanafe_has_no_ports_and_refuses_the_workload(ran):
    with pytest.raises(Exception, match="port"):
        ran("loihi_sanafe")


def synaptic_operation(spec, per_word, neurons_per_word):
    """Return the energy of one synaptic operation: its shares of a weight and a neuron word, and the addition."""
    price = {key: item.energy_pj for key, item in component_prices(spec, False).items()}
    state = price["accumulator_memory", "read"] + price["accumulator_memory", "write"]
    return price["synapse_memory", "read"] / per_word + state / neurons_per_word + price["synapse_engine", "add"]


ODIN_PJ = {"itrs-lop": 2.615, "itrs-hp": 2.556, "itrs-lstp": 2.499}
"""At 0.55 V."""


def test_odin_predicted_without_calibration():
    for cell, expected in ODIN_PJ.items():
        found = synaptic_operation(load_chip("odin", [f"technology.sram_cell={cell}"]).spec, 8, 1)
        assert found == pytest.approx(expected, abs=5e-4)
    ratio = ODIN_PJ["itrs-lop"] / MEASURED["odin"]
    assert 0.25 <= ratio <= 1.25
    for cell, expected in {"itrs-lop": 3.12, "itrs-hp": 6.25, "itrs-lstp": 6.99}.items():
        own = load_chip("odin", [f"technology.sram_cell={cell}", "technology.supply=null"]).spec
        assert synaptic_operation(own, 8, 1) == pytest.approx(expected, abs=0.005)


def test_the_total_of_odin_is_its_increment_leakage_and_idle_clock():
    spec = load_chip("odin").spec
    price = component_prices(spec, False)["core_control", "clock_idle"].energy_pj
    leakage = next(item.power for item in spec.technology.leakage_overrides if item.component == "core_control")
    per_operation = 2 * (price + leakage / spec.clock)  # two cycles each at the highest rate
    assert 8.4 + per_operation == pytest.approx(12.7, rel=0.01)


def test_reckon_predicted_with_the_factor_of_odin():
    factor = MEASURED["odin"] / synaptic_operation(load_chip("odin").spec, 8, 1)
    calibrated = load_chip("odin_calibrated").spec
    assert calibrated.technology.calibration[0].factor == pytest.approx(factor, rel=5e-4)
    assert synaptic_operation(calibrated, 8, 1) == pytest.approx(8.4, rel=1e-3)
    plain = synaptic_operation(load_chip("reckon").spec, 16, 2)
    assert plain == pytest.approx(0.964, abs=5e-4)
    assert factor * plain == pytest.approx(3.10, abs=0.005)
    assert 0.5 <= factor * plain / MEASURED["reckon"] <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shares"), [("odin", (8, 1)), ("reckon", (16, 2))])
def test_the_simulated_operation_costs_what_the_formula_says(name, shares, ran):
    result, run = ran(name)
    by_kind = run.energy.by_action()
    energy = sum(by_kind[key].sum() for key in (
        ("synapse_memory", "read"), ("accumulator_memory", "read"), ("accumulator_memory", "write"),
        ("synapse_engine", "add"),
    ))  # fmt: skip
    sops, (weights, together) = result.totals["sops"].value, shares
    fetched = 107 * 240 // weights + 99 * -(-10 // weights)
    assert run.counters["core[0].synapse_memory", "read"] == [fetched]
    state = run.counters["core[0].accumulator_memory", "read"]
    scanned = int(state[0]) - sops / together
    assert 0 <= scanned <= 250 * 10 / together  # the scan reads the sums of a timestep
    price = {key: item.energy_pj for key, item in component_prices(run.chip.spec, False).items()}
    more = scanned * (price["accumulator_memory", "read"] + price["accumulator_memory", "write"])
    more += (fetched - sops / weights) * price["synapse_memory", "read"]
    assert float(energy) - more == pytest.approx(sops * synaptic_operation(run.chip.spec, *shares), rel=1e-9)


def test_the_neurons_of_a_core_are_those_of_the_chip():
    for name, neurons_held in (("odin", 256), ("reckon", 256), ("loihi", 2048), ("truenorth", 256)):
        total = summary(load_chip(name).spec)
        assert total.neurons == total.cores * neurons_held


def test_a_spike_of_odin_takes_513_cycles():
    rng = np.random.default_rng(5)
    weights = rng.integers(1, 7, (256, 256)).astype(np.int32)
    out = Population("out", (256,), neurons(rng, "if", 256, True))
    populations = {"in": Population("in", (256,), None), "out": out}
    network = Network("crossbar", populations, (Projection("in", "out", dense(weights, 4)),), 1e-3)
    active = np.zeros((1, 4, 256), dtype=bool)
    active[0, :, [3, 77, 200]] = True
    _, run = run_flow(workload_of(network, EventStream.from_dense(active)), "odin")
    busy = run.timing.terminals["row_cycles"][0, 0]
    assert busy == 12 * 513


def test_the_area_of_odin():
    area = component_area(load_chip("odin").spec, False)
    total = sum(one.area_mm2 for one in area.values())
    assert 0.5 <= total / 0.086 <= 2
    assert total == pytest.approx(0.0728, abs=5e-4)
