"""``accelsim energy``: the list, one number explained, tables for Accelergy; and its errors."""

import pytest
from energy_formulas import value_of
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import AccelsimError
from accelsim.hardware.loader import load_chip
from accelsim.hardware.yaml_reader import read_yaml


def run(*words):
    done = CliRunner().invoke(build(), ["energy", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_show_names_every_component_of_the_chip_and_of_the_mac_array():
    shown = run("show", "--hw", "core")
    for word in ("synapse_memory", "router", "core_control", "clock_idle", "leakage", "area", "mm2", "CACTI 7", "DSENT",
                 "Horowitz", "Aladdin", "baseline.mac_array", "baseline.dram", "LPDDR4"):  # fmt: skip
        assert word in shown


@pytest.mark.parametrize("path", [
    "core.synapse_memory.read", "router.crossbar", "core[2].spike_fifo.write", "baseline.mac_array.multiply",
    "baseline.mac_array.requantise", "baseline.weight_buffer.leakage",
    "core_control.leakage", "baseline.mac_array.requantise", "baseline.weight_buffer.leakage",
])  # fmt: skip
def test_explain_prints_a_formula_that_gives_the_number(path):
    memory = ("--set", "core.synapse_memory.width=48", "--set", "core.synapse_memory.capacity=48 KiB")
    first, *rest = run("explain", path, *memory).splitlines()
    fields = dict(line.split(":", 1) for line in rest if line[:1].isalpha() and ":" in line)
    value = float(first.split(" = ")[1].split()[0])
    assert value_of(fields["numbers"].strip()) == pytest.approx(value, rel=1e-5)
    assert len(fields["source"]) > 20
    assert len(fields["formula"]) > 10
    if "synapse_memory" in path:
        assert sum("B in " in line for line in rest) >= 4


def test_exported_tables_come_back(tmp_path):
    run("export", "--hw", "small", "--ert", tmp_path / "ert.yaml", "--art", tmp_path / "art.yaml")
    assert read_yaml(tmp_path / "art.yaml")[0]["ART"]["version"] == 0.4
    (tmp_path / "chip.yaml").write_text("extends: small\ntechnology:\n  ert: {file: ert.yaml}\n")
    spec = load_chip(tmp_path / "chip.yaml").spec
    found = {(item.component, item.action) for item in spec.technology.overrides}
    assert {("synapse_memory", "read"), ("link", "flit"), ("core_control", "clock_idle")} <= found


@pytest.mark.parametrize(("words", "message"), [
    (("explain", "core.synapse"), r"unknown price 'core\.synapse'"),
    (("export", "--hw", "core"), r"expected --ert FILE, --art FILE or both"),
    (("export", "--hw", "loihi_sanafe", "--art", "/nowhere/x.yaml"), r"no source gives areas"),
    (("export", "--hw", "core", "--ert", "/nowhere/x.yaml"), r"/nowhere/x\.yaml: cannot be written"),
])  # fmt: skip
def test_errors(words, message):
    with pytest.raises(AccelsimError, match=message):
        CliRunner().invoke(build(), ["energy", *words], catch_exceptions=False)
