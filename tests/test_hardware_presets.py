"""The bundled chips: found wherever accelsim runs from, and true to what their comments promise."""

import csv
import importlib.util
from math import prod

import pytest

from accelsim.errors import ConfigError, UnknownNameError
from accelsim.hardware import presets
from accelsim.hardware.loader import load_chip
from accelsim.hardware.presets import is_preset_name, preset_folder, preset_names, preset_path
from accelsim.hardware.summary import core_memories, summary
from accelsim.mapping.mapping import map_network
from accelsim.network.workload import load_workload

NAMES = ["core", "hetero", "large", "serial", "small"]
"""Designs of our own; the others are descriptions of other chips."""
OTHERS = ["loihi", "loihi_sanafe", "odin", "odin_calibrated", "reckon", "seneca", "speck", "truenorth", "yana"]
DEPTH = {"core": 3 + 3, "hetero": 3 + 3, "serial": 1 + 1, "small": 1 + 1, "large": 7 + 7}
LAYERS = (3136, 1568, 128, 10)
"""Neurons of the bundled network."""


def test_the_presets_are_there():
    assert preset_names("core_mesh") == sorted([*NAMES, *OTHERS])
    assert preset_names() == sorted([*NAMES, *OTHERS, *preset_names("pe_array")])
    for name in preset_names("core_mesh"):
        assert load_chip(name).spec.name == name
        assert len(load_chip(name).spec.description) > 20
    known = r"hardware preset 'cpu'.* Known: core, eyeriss_14x12, .*large, .*loihi, .*truenorth"
    with pytest.raises(UnknownNameError, match=known):
        preset_path("cpu")


def test_the_folder_is_found_without_an_installation(monkeypatch, repository):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert preset_folder() == repository / "hwconfigs"
    monkeypatch.setattr(presets, "__file__", "/nowhere/accelsim/hardware/presets.py")
    with pytest.raises(ConfigError, match=r"expected the package accelsim\.hwconfigs or the folder /nowhere/hwconfigs"):
        preset_folder()


def test_the_installed_package_comes_first(monkeypatch, tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: core\n")
    spec = importlib.util.spec_from_file_location("accelsim.hwconfigs", tmp_path / "__init__.py",
                                                  submodule_search_locations=[str(tmp_path)])  # fmt: skip
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "accelsim.hwconfigs" else None)
    assert preset_names() == ["mine"]
    monkeypatch.chdir(tmp_path)
    assert str(preset_path("mine")) == "mine.yaml"


@pytest.mark.parametrize(("text", "is_name"), [
    ("core", True), ("a.b", True), ("core.yaml", False), ("core.yml", False), ("./core", False), ("a/b", False),
    ("a\\b", False),
])  # fmt: skip
def test_names_are_told_from_paths(text, is_name):
    assert is_preset_name(text) == is_name


@pytest.mark.parametrize("name", NAMES)
def test_every_bank_is_in_the_sram_table(name, shared_data):
    spec = load_chip(name).spec
    cell = (f"{spec.technology.node:g}", spec.technology.sram_cell)
    with (shared_data / "energy" / "sram_cacti7.csv").open(newline="") as file:
        grid = {
            (row["ports"], int(row["capacity_bytes"]), int(row["word_bits"]))
            for row in csv.DictReader(file)
            if (row["tech_nm"], row["cell_type"]) == cell
        }
    buffers = (spec.baseline.input_buffer, spec.baseline.weight_buffer, spec.baseline.output_buffer)
    for memory in (*core_memories(spec).values(), *buffers):
        assert (memory.ports, memory.capacity // 8 // memory.banks, memory.width) in grid


@pytest.mark.parametrize("name", NAMES)
def test_the_router_is_in_the_noc_table(name, shared_data):
    noc = load_chip(name).spec.noc
    with (shared_data / "energy" / "noc_dsent.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["tech_nm"] == "22" and row["kind"] == "router"]
    found = {(row["ports"], row["flit_bits"], row["vcs"], row["buffers_per_vc"]) for row in rows}
    assert ("5", str(noc.flit_bits), str(noc.router.virtual_channels), str(noc.router.buffer_flits)) in found


@pytest.mark.parametrize(("name", "cores"), [("core", 16), ("small", 4), ("large", 64)])
def test_the_bundled_network_fills_the_chip_without_sharing_a_core(name, cores, repository):
    """49 KiB of bitmask rows is the figure that the comments name for the largest layer."""
    network = load_workload(repository / "workloads" / "mnist_conv").network
    assert tuple(item.size for item in network.populations.values() if item.model is not None) == LAYERS
    mapping = map_network(network, load_chip(name, ["mapping.partition=spread"]).spec, "spikes", 8)
    assert len(mapping.used_cores) == cores
    alone = map_network(network, load_chip(name, ["mapping.partition=compact"]).spec, "spikes", 8)
    words = max(demand.synapse_words for demand in alone.occupation.values())
    assert words * 8 / 1024 == pytest.approx(49, abs=0.5)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "serial"])  # which is too small for it
def test_the_layers_of_the_bundled_network_fit_on_paper(name):
    chip = load_chip(name).spec
    total = summary(chip)
    per_core = total.neurons // total.cores
    assert sum(-(-size // per_core) for size in LAYERS) <= total.cores
    values = chip.core.accumulator.memory.width // chip.core.accumulator.bits
    assert chip.core.accumulator.memory.words * values >= 2 * per_core  # double-buffered
    assert chip.core.axon_memory.memory.words >= max(LAYERS)
    assert chip.core.routing_memory.memory.words >= 2 * per_core
    dense = 1568 * 128 + 128 * 10 + 25 * 16 * 32 + 25 * 16
    assert chip.baseline.weight_buffer.capacity >= 8 * dense


@pytest.mark.parametrize("name", NAMES)
def test_the_barrier_is_the_tree_that_the_comment_describes(name):
    chip = load_chip(name).spec
    assert sum(extent - 1 for extent in chip.noc.size) == DEPTH[name]
    assert chip.barrier.cycles == 3 * DEPTH[name] + 2


@pytest.mark.parametrize("name", NAMES)
def test_lanes_are_fed(name):
    """One group of dense 8-bit weights per cycle from the synapse banks, its sums from different accumulator banks."""
    core = load_chip(name).spec.core
    assert core.synapse_lanes * 8 <= core.synapse_memory.banks * core.synapse_memory.width
    per_word = core.accumulator.memory.width // core.accumulator.bits
    assert core.synapse_lanes // per_word <= core.accumulator.memory.banks
    assert core.accumulator.memory.rmw_slots == core.membrane.memory.rmw_slots == 1
    array = load_chip(name).spec.baseline
    assert array.rows * array.activation_bits <= array.input_buffer.banks * array.input_buffer.width
    assert array.columns * array.accumulator_bits <= array.output_buffer.banks * array.output_buffer.width


@pytest.mark.parametrize("name", NAMES)
def test_the_port_energy_is_that_of_its_source(name, shared_data):
    with (shared_data / "energy" / "op_energy.csv").open(newline="") as file:
        (bit,) = (float(row["value"]) for row in csv.DictReader(file) if row["op"] == "register_bit")
    chip = load_chip(name).spec
    for port in chip.ports:
        assert port.energy_per_event == pytest.approx(chip.noc.flit_bits * bit)
        assert "Aladdin" in port.source


def test_the_summary_adds_up_by_hand():
    total = summary(load_chip("core").spec)
    assert (total.cores, total.neurons) == (16, 16 * 1024)
    assert total.core_memory == (16 + 32 + 64 + 2 + 4) * 1024 * 8
    assert total.chip_memory == prod((4, 4)) * total.core_memory


@pytest.mark.parametrize("cores", [2, 4])
def test_cores_grow_with_concentration(cores):
    one, several = (summary(load_chip("core", [f"noc.concentration={each}"]).spec) for each in (1, cores))
    assert (several.cores, several.neurons) == (cores * one.cores, cores * one.neurons)
    assert (several.core_memory, several.chip_memory) == (one.core_memory, cores * one.chip_memory)
