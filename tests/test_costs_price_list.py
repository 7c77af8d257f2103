"""The list of prices: whole, explained, with areas; and its way out to Accelergy and back."""

import pytest
from costs_chip import chip
from energy_formulas import value_of

from accelsim.baseline.price_list import array_lines
from accelsim.baseline.prices import ACTIONS, array_prices
from accelsim.costs.area import area_problem, chip_area, component_area, known_areas
from accelsim.costs.ert import area_reference_table, energy_reference_table
from accelsim.costs.leakage import component_leakage
from accelsim.costs.parts import instances
from accelsim.costs.price_list import find_line, price_list
from accelsim.costs.prices import component_prices
from accelsim.errors import ConfigError, CostError, UnknownNameError
from accelsim.hardware.loader import load_chip
from accelsim.hardware.presets import preset_names
from accelsim.hardware.sources.base import SRAM_SOURCES
from accelsim.hardware.yaml_reader import parse_yaml
from accelsim.hardware.yaml_writer import write_yaml


@pytest.mark.parametrize("name", preset_names("core_mesh"))
def test_every_number_of_a_preset_has_a_source_and_a_formula_that_gives_it(name):
    spec = load_chip(name).spec
    lines, array = price_list(spec), array_lines(spec)
    assert {(line.component, line.action) for line in lines if line.unit == "pJ"} == set(component_prices(spec, False))
    assert {(line.component, line.action) for line in array if line.unit == "pJ"} == set(ACTIONS)
    assert [line.unit for line in array].count("mW") == [line.unit for line in array].count("mm2") == 4
    lines += array
    for line in lines:
        assert len(line.source) >= 8, line.path
        assert value_of(line.expression) == pytest.approx(line.value, rel=1e-6, abs=1e-15), line.path
        assert line.formula


def test_an_interpolated_memory_names_its_neighbours():
    spec = chip(core__synapse_memory={"capacity": "48 KiB", "width": 48, "banks": 2, "ports": "1RW"})
    line = find_line(price_list(spec), "core[3].synapse_memory.read")
    assert [point.split(":")[0] for point in line.points] == [
        "16384 B in 32-bit words", "32768 B in 32-bit words", "16384 B in 64-bit words", "32768 B in 64-bit words",
    ]
    figures = SRAM_SOURCES.get("cacti7")().figures(24 * 1024 * 8, 48, "1RW", 45, "itrs-lop", 300)
    assert value_of(line.expression) == pytest.approx(figures.read_pj)
    assert line.value == figures.read_pj


def test_paths_with_and_without_the_core():
    lines = price_list(chip())
    for path in ("core.link.flit", "link.flit", "link[0,0->1,0].flit"):
        assert find_line(lines, path).value == component_prices(chip(), False)["link", "flit"].energy_pj
    with pytest.raises(UnknownNameError, match=r"unknown price 'link\.read'.*link\.flit"):
        find_line(lines, "link.read")


def test_area_is_counted_per_bank_lane_and_flip_flop():
    spec = chip()
    area = component_area(spec, False)
    bank = SRAM_SOURCES.get("cacti7")().figures(16 * 1024 * 8, 64, "1RW", 45, "itrs-lop", 300)
    assert area["synapse_memory"].area_mm2 == pytest.approx(4 * bank.area_mm2)
    adder, multiplier = 278e-6, 6350e-6
    engine = area["synapse_engine"].area_mm2
    found = engine / (12 * adder * 12 / 32 + 4 * multiplier / 16)
    assert 1.1 < found < 1.4  # 40 to 45 nm: (45/40)^2 = 1.27
    wide = component_area(spec, False, multiplier_bits=16)["synapse_engine"].area_mm2
    assert wide - engine == pytest.approx(4 * multiplier * (1 / 4 - 1 / 16) * found)
    count = instances(spec)
    assert (count["router"], count["link"], count["synapse_memory"], count["port:input"]) == (16, 48, 16, 1)
    kinds = {f"{kind}{at}": kind for kind, number in count.items() for at in range(number)}
    total = chip_area(spec, False, kinds)
    assert total["router"] == pytest.approx(16 * area["router"].area_mm2)
    assert sum(total.values()) == pytest.approx(sum(area[kind].area_mm2 * number for kind, number in count.items()))


def test_a_chip_that_states_energies_has_the_area_that_it_states():
    energies = {
        "others": "included", "static_power": "unpublished",
        "actions": [{"component": "link", "action": "flit", "energy": "1 pJ", "source": "invented for the tests"}],
    }
    assert chip_area(chip(energies=energies), False, {}) == {}
    stated = {**energies, "area": {"area": "3 mm2", "source": "invented for the tests"}}
    assert chip_area(chip(energies=stated), False, {}) == {"chip": 3}
    with pytest.raises(CostError, match="no source gives areas"):
        area_reference_table("x", price_list(chip(energies=energies)), {})


def test_what_no_source_covers_has_no_area_and_is_named():
    free = {"delay": [4, 4], "interval": [1, 1], "local_delay": 1, "queue_packets": 4}
    spec = chip(noc__router=None, noc__fixed_latency=free)
    with pytest.raises(CostError, match="router: noc source dsent"):
        component_area(spec, False)
    assert set(component_area(chip(), False)) - set(known_areas(spec, False)) == {"router"}
    assert chip_area(spec, False, {"router[0,0]": "router"}) == {}
    assert area_problem(spec, False).startswith("router: noc source dsent: figures for routers only")
    assert area_problem(chip(), False) == ""


def written(tmp_path, text, block, base="core"):
    (tmp_path / "table.yaml").write_text(text)
    file = tmp_path / "chip.yaml"
    file.write_text(f"extends: {base}\ntechnology:\n  ert: {block}\n")
    return file


def test_exported_tables_name_instances_and_leave_ports_out():
    spec = load_chip("core").spec
    lines, count = [*price_list(spec), *array_lines(spec)], instances(spec)
    ert = energy_reference_table("core", spec.clock, lines, count)
    art = area_reference_table("core", lines, count)
    names = [table["name"] for table in ert["ERT"]["tables"]]
    assert {"core.synapse_memory[1..16]", "core.link[1..48]", "core.baseline.weight_buffer[1..1]"} <= set(names)
    assert not any("port" in name for name in names)
    areas = {table["name"]: table["area"] for table in art["ART"]["tables"]}
    assert set(names) - set(areas) == {"core.baseline.dram[1..1]"}
    assert areas["core.router[1..16]"] == pytest.approx(component_area(spec, False)["router"].area_mm2 * 1e6)
    assert parse_yaml(write_yaml(ert), "x")[0] == ert


@pytest.mark.parametrize("name", preset_names("core_mesh"))
def test_an_exported_table_gives_the_same_prices_when_read(name, tmp_path):
    spec = load_chip(name).spec
    lines = [*price_list(spec), *array_lines(spec)]
    ert = energy_reference_table(name, spec.clock, lines, instances(spec))
    read = load_chip(written(tmp_path, write_yaml(ert), "{file: table.yaml}", name)).spec
    assert read.technology.ert is None
    again = {line.path: line for line in [*price_list(read), *array_lines(read)]}
    assert set(again) == {line.path for line in lines}
    mine = {(item.component, item.action) for item in spec.technology.overrides}
    mine |= {(item.component, "leakage") for item in spec.technology.leakage_overrides}
    for line in lines:
        found = again[line.path]
        if line.unit == "pJ":
            assert found.value == line.value, line.path
        assert found.value == pytest.approx(line.value, rel=1e-15), line.path
        if line.unit != "mm2" and "port" not in line.component and (line.component, line.action) not in mine:
            assert found.source.startswith(f"Accelergy ERT table.yaml, table {name}."), line.path


def test_a_table_of_a_stated_chip_replaces_what_it_names(tmp_path):
    table = """ERT:
  version: 0.4
  tables:
  - {name: x.link, actions: [{name: flit_x, energy: 7}, {name: flit_z, energy: 9}]}
  - {name: x.chip, actions: [{name: leak, energy: 0.5}]}
  - {name: x.baseline.dram, actions: [{name: bit, energy: 3}]}
"""
    spec = load_chip(written(tmp_path, table, "{file: table.yaml}", "loihi")).spec
    prices, before = component_prices(spec, False), component_prices(load_chip("loihi").spec, False)
    assert prices["link", "flit_x"].energy_pj == 7
    assert prices["link", "flit_z"].energy_pj == 9  # named by the table alone
    assert prices["link", "flit_y"] == before["link", "flit_y"]
    assert spec.energies.static_power.power == pytest.approx(0.5 * spec.clock)
    assert array_prices(spec).table.prices["baseline.dram", "bit"].energy_pj == 3


TABLE = """ERT:
  version: 0.4
  tables:
  - name: system_top_level.shared_glb[1..4]
    actions:
    - {name: read, arguments: {}, energy: 18.18}
    - {name: update, arguments: {}, energy: 3}
    - {name: leak, arguments: {}, energy: 0.01}
  - name: system_top_level.noc[1..1]
    actions:
    - {name: transfer, arguments: {}, energy: 2.5}
"""


def test_tables_of_other_names_are_mapped_and_the_files_own_overrides_win(tmp_path):
    block = "{file: table.yaml, components: {shared_glb: synapse_memory}}"
    spec = load_chip(written(tmp_path, TABLE, block)).spec
    prices = component_prices(spec, False)
    assert prices["synapse_memory", "read"].energy_pj == 18.18
    plain = component_prices(load_chip("core").spec, False)
    assert prices["synapse_memory", "write"] == plain["synapse_memory", "write"]
    assert component_leakage(spec, False)["synapse_memory"].power_mw == pytest.approx(0.01 * 0.2)  # 200 MHz
    own = "{component: synapse_memory, action: read, energy: 1 pJ, source: known better here}"
    file = written(tmp_path, TABLE, f"{block}\n  overrides: [{own}]")
    assert component_prices(load_chip(file).spec, False)["synapse_memory", "read"].energy_pj == 1


@pytest.mark.parametrize(
    ("text", "block", "message"),
    [
        (TABLE, "{file: table.yaml, components: {glb: synapse_memory}}", r"has no table glb; it has noc, shared_glb"),
        (TABLE, "table.yaml", r"technology\.ert: expected a mapping with a file, got 'table\.yaml'"),
        (TABLE, "{file: table.yaml, table: x}", r"expected file and components \(table: component\)"),
        (TABLE, "{file: none.yaml}", r"none\.yaml"),
        ("ART: {}\n", "{file: table.yaml}", r"table\.yaml:1: ERT\.tables: expected a list"),
        (TABLE.replace("18.18", "-1"), "{file: table.yaml}", r"expected actions with a name and an energy of at"),
        (TABLE.replace("name: update, arguments: {}", "name: read, arguments: {data_delta: 1}"), "{file: table.yaml}",
         r"ERT\.tables\[0\]: read: expected one energy, got 18\.18 and 3 pJ for other arguments"),
        (TABLE.replace("noc[1..1]", "x.shared_glb"), "{file: table.yaml}", r"shared_glb twice"),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused_with_their_place(tmp_path, text, block, message):
    with pytest.raises(ConfigError, match=message):
        load_chip(written(tmp_path, text, block))


def test_a_table_of_unknown_names_is_refused_by_the_prices(tmp_path):
    table = TABLE.replace("    - {name: leak, arguments: {}, energy: 0.01}\n", "")
    spec = load_chip(written(tmp_path, table, "{file: table.yaml}")).spec
    with pytest.raises(ConfigError, match=r"expected one of .*; got shared_glb\.read"):
        component_prices(spec, False)
