"""What stands around a run on an array: prices, check, files, names; and rules that it shares with chips."""

import numpy as np
import pytest
from energy_formulas import value_of
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.costs.multiply import multiply_price, unequal
from accelsim.errors import ConfigError
from accelsim.hardware.loader import load_array, load_chip
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES
from accelsim.pearray.prices import machine_prices
from accelsim.pearray.traffic import cycles_of
from accelsim.pipeline import run
from accelsim.pipeline.array_check import check_array
from accelsim.pipeline.array_prices import machine_lines
from accelsim.report.files import write_result
from accelsim.report.html.run_page import run_page
from accelsim.report.terminal import report_text


def command(*words, code=0):
    done = CliRunner().invoke(build(), [*map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture(scope="module")
def result():
    return run("eyeriss_snn", "mnist_conv", samples=1, threads=1)


def test_synaptic_operations_are_the_same_whatever_runs_them(result):
    """Behind a sum pool one array adds spike by spike, one multiplies by their number, a chip has rows of weights."""
    others = [run(name, "mnist_conv", samples=1, threads=1) for name in ("mint", "core")]
    for other in others:
        sops = dict(zip(other.layers["layer"].tolist(), other.layers["sops"].tolist(), strict=True))
        assert sops == dict(zip(result.layers["layer"].tolist(), result.layers["sops"].tolist(), strict=True))
    assert result.totals["sops"].value == others[1].totals["sops"].value > 0


@pytest.mark.parametrize("name", ["eyeriss_snn", "ptb", "mint"])
def test_every_line_of_the_price_list_gives_its_number(name):
    spec = load_array(name).spec
    lines, prices = machine_lines(spec, weight_bits=4), machine_prices(spec, 4, 8)
    for line in lines:
        if line.action in {"read", "write", "add", "multiply", "compare", "bit"}:
            assert value_of(line.expression) == pytest.approx(line.value, rel=1e-9), line.path
        assert len(line.source) > 20 and line.formula, line.path
    found = {(line.component, line.action): line.value for line in lines}
    assert found["elements", "area"] == prices.area["elements"].area_mm2
    assert found["global_buffer", "leakage"] == prices.leakage["global_buffer"].power_mw
    assert {"baseline.mac_array", "dram", "neuron_units"} <= {line.component for line in lines}


def test_prices_on_the_command_line(tmp_path):
    assert "weight_scratchpads" in command("energy", "show", "--hw", "eyeriss_snn")
    assert command("energy", "explain", "global_buffer.read", "--hw", "ptb").startswith("global_buffer.read = ")
    ert = tmp_path / "ert.yaml"
    command("energy", "export", "--hw", "ptb", "--ert", ert, "--art", tmp_path / "art.yaml")
    (tmp_path / "own.yaml").write_text("extends: ptb\nmachine: pe_array\ntechnology: {ert: {file: ert.yaml}}\n")
    own, plain = (machine_prices(load_array(file).spec, 8, 8) for file in (tmp_path / "own.yaml", "ptb"))
    assert "ERT" in own.table.prices["global_buffer", "read"].source
    for key, price in plain.table.prices.items():
        assert own.table.prices[key].energy_pj == price.energy_pj, key
    for name, leak in plain.leakage.items():
        assert own.leakage[name].power_mw == pytest.approx(leak.power_mw, rel=1e-12), name


def test_check_says_what_fits_where():
    fit = check_array(load_array("loas"), "mnist_conv")
    rows = {row["layer"]: row for row in fit.layers.rows()}
    dense = rows["lif2->lif3"]
    assert (dense["positions"], dense["window"], dense["filters"], dense["tiles"]) == (8, 1568, 128, 128 // 16)
    assert fit.fits and dense["weights_in"] == "global_buffer" and 0 < dense["utilisation"] <= 1
    assert dense["state_bits"] == 0  # all timesteps of a layer together
    tight = check_array(load_array("loas", ["storage.buffers.global_buffer.capacity=1 KiB"]), "mnist_conv")
    assert not all(tight.layers["spikes_fit"]) and "DRAM, every pass" in tight.layers["weights_in"].tolist()
    shown = command("check", "mnist_conv", "--hw", "eyeriss_snn")
    assert "runs, 4 layers one after the other" in shown and "global_buffer" in shown


def test_check_says_why_a_network_cannot_run():
    assert "computes in integers" in command("check", "snntorch_conv", "--hw", "mint", code=1)


def test_files_and_pages_have_nothing_of_cores_and_networks(result, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "noc_load.png").write_text("of an older result")
    write_result(result, tmp_path)
    drawn = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"energy", "layer_energy", "latency", "firing_rate", "confusion"}
    report, page = report_text(result), run_page(result)
    assert "packets" not in report and "flit-hops" not in report
    for absent in ('id="chip"', "packets", "floor-plan", "Stalls over time"):
        assert absent not in page
    assert result.totals["area"].value == pytest.approx(float(np.nansum(result.components["area_mm2"])))
    assert "mm2" in report


@pytest.mark.parametrize(("override", "message"), [
    ('technology.overrides=[{component: adder, action: add, energy: 1 pJ, source: "nobody knows"}]',
     r"technology.overrides\[0\].component: unknown override 'adder.add'"),
    ('technology.leakage_overrides=[{component: cache, power: 1 mW, source: "nobody knows"}]',
     r"leakage_overrides\[0\].component: unknown leakage override 'cache'"),
    ('technology.overrides=[{component: baseline.cache, action: read, energy: 1 pJ, source: "nobody knows"}]',
     "unknown baseline override"),
    ("technology.noc_source=dsent", "technology.noc_source: expected a known path"),
    ("technology.unused_cores=gated", "technology.unused_cores: expected a known path"),
    ("elements.options.product_sparse={tile_row: 4}", "expected a known key, got 'tile_row'; did you mean 'tile_rows'"),
    ("elements.options.wavefront={depth: 4}", "elements.options.wavefront: unknown array dataflow 'wavefront'"),
])  # fmt: skip
def test_hw_check_of_a_preset_finds_names_that_an_array_does_not_know(override, message):
    assert "ptb: ok" in command("hw", "check", "ptb")
    with pytest.raises(ConfigError, match=message):
        CliRunner().invoke(build(), ["hw", "check", "ptb", "--set", override], catch_exceptions=False)


@pytest.mark.parametrize(("ports", "cycles"), [("1RW", 25), ("1R1W", 15)])
def test_a_bank_takes_a_read_and_a_write_where_it_has_a_port_for_each(ports, cycles):
    changes = [f"storage.buffers.global_buffer.ports={ports}", "storage.buffers.global_buffer.banks=4"]
    counts = {("global_buffer", "read"): 60, ("global_buffer", "write"): 40}
    assert cycles_of(load_array("mint", changes).spec, counts, 10, 0)[:3] == (10, 0, cycles - 10)


def test_unequal_operands_have_one_rule():
    """a x b bits: the rows that the narrower operand has of the wider one's square multiplier, on every machine."""
    source, chip = ARITHMETIC_SOURCES.get("horowitz45")(), load_chip("core").spec
    square = source.energy("int_mul", 8, chip.technology.node).energy_pj
    assert unequal(3, 8) == unequal(8, 3) == (8, 0.375)
    assert multiply_price(source, 8, 8, chip.technology.node).energy_pj == square
    from accelsim.baseline.prices import array_prices
    from accelsim.costs.prices import component_prices

    prices = component_prices(chip, False, payload_bits=3, weight_bits=8)
    add = prices["synapse_engine", "add"].energy_pj
    narrow = chip.model_copy(update={"baseline": chip.baseline.model_copy(update={"activation_bits": 3})})
    array, spec = array_prices(narrow), load_array("eyeriss_snn").spec
    own = machine_prices(spec, 8, 3).table.prices["elements", "multiply"].energy_pj
    assert prices["synapse_engine", "mac"].energy_pj - add == pytest.approx(square * 0.375)
    assert array.table.prices["baseline.mac_array", "multiply"].energy_pj == pytest.approx(square * 0.375)
    assert own == pytest.approx(source.energy("int_mul", 8, spec.technology.node).energy_pj * 0.375)
