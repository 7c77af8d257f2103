"""The priced array against counts worked out by hand, bounds, and sums that must agree."""

from pathlib import Path

import numpy as np
import pytest

from accelsim.baseline.ann import run_ann
from accelsim.baseline.array import price_ann
from accelsim.baseline.baseline import run_baseline
from accelsim.baseline.prices import ARRAY, DRAM, INPUT, OUTPUT, PORTS, WEIGHT, array_prices, buffers
from accelsim.costs.parts import arithmetic, bank_figures
from accelsim.errors import CostError, MappingError, UnknownNameError
from accelsim.hardware.loader import load_chip
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.neurons.integrate_fire import IF

FIXED = (
    "baseline.rows=8", "baseline.columns=8", "baseline.dataflow=ws", "noc.flit_bits=32",
    "baseline.input_buffer={capacity: 8 KiB, width: 64, banks: 2, ports: 1RW}",
    "baseline.weight_buffer={capacity: 32 KiB, width: 64, banks: 2, ports: 1RW}",
    "baseline.output_buffer={capacity: 32 KiB, width: 64, banks: 4, ports: 1R1W}",
)  # fmt: skip


def chip(*overrides: str):
    return load_chip("core", [*FIXED, *overrides]).spec


def small() -> tuple[Network, EventStream]:
    rng = np.random.default_rng(0)
    conv, shape = convolution(rng.normal(size=(12, 4, 3, 3)).astype(np.float32), (10, 10, 4))  # 64 pixels, 36 x 12
    last = dense(rng.normal(size=(10, 768)).astype(np.float32))
    populations = {
        "in": Population("in", (10, 10, 4), None),
        "h": Population("h", shape, IF.example(768), np.ones(768, np.float32)),
        "out": Population("out", (10,), IF.example(10)),
    }
    edges = (Projection("in", "h", conv), Projection("h", "out", last))
    return Network("n", populations, edges, 1e-3), EventStream.from_dense(rng.random((2, 6, 400)) < 0.4)


def test_the_array_may_have_a_clock_of_its_own() -> None:
    net, stream = small()
    ann = run_ann(net, stream, None, 8, 8)
    plain, own = (price_ann(chip(*more), net, ann) for more in ((), ("baseline.clock=100 MHz",)))
    assert chip().clock == pytest.approx(0.2)
    assert own.time_ns == pytest.approx(2 * plain.time_ns)
    assert own.static == pytest.approx(2 * plain.static)
    assert own.dynamic == pytest.approx(plain.dynamic)
    slow = price_ann(chip("clock=400 MHz", "baseline.clock=200 MHz"), net, ann)
    assert slow.time_ns == pytest.approx(plain.time_ns)  # neither is bound by a port or the DRAM


def test_words_and_cycles_by_hand() -> None:
    net, stream = small()
    machine = chip()
    run = price_ann(machine, net, run_ann(net, stream, None, 8, 8))
    words = run.traffic.words
    # convolution: window 36 = 8+8+8+8+4 rows (one word each), filters 12 = 8+4 columns, 64 pixels
    assert words[INPUT, "read"][0] == 64 * 5 * 2
    assert words[WEIGHT, "read"][0] == 36 * 2 + 12 * 32 // 64
    assert words[OUTPUT, "write"][0] == 64 * 6 * 5
    assert words[OUTPUT, "read"][0] == 64 * 6 * 4 + 64 * 12 // 2
    assert words[INPUT, "write"].tolist() == [400 // 8, 768 // 8]
    assert run.traffic.array_cycles.tolist() == [10 * (16 + 8 + 64 - 2), 192 * (16 + 8 + 1 - 2)]
    assert words[PORTS, "input"].tolist() == [100, 0]
    assert words[PORTS, "output"].tolist() == [0, 10]
    assert run.traffic.dram_bits.tolist() == [0, 0]
    assert run.traffic.cold_bits.tolist() == [432 * 8 + 12 * 32, 7680 * 8]
    price = run.prices.table.prices
    multiplications = 64 * 36 * 12 + 7680
    assert run.energy[ARRAY, "multiply"].sum() == pytest.approx(multiplications * price[ARRAY, "multiply"].energy_pj)
    assert run.energy[ARRAY, "add"].sum() == pytest.approx(768 * price[ARRAY, "add"].energy_pj)  # biases
    assert run.energy[ARRAY, "requantise"].sum() == pytest.approx(778 * price[ARRAY, "requantise"].energy_pj)


def test_compat_counts_as_scalesim_does() -> None:
    net, stream = small()
    ann = run_ann(net, stream, None, 8, 8)
    run = price_ann(chip("baseline.compat=scalesim", "baseline.dataflow=os"), net, ann)
    folds = [8 * 2, 1 * 2]  # 64 pixels x 12 filters, 1 pixel x 10 filters on 8x8
    windows = [36, 768]
    cycles = [one * (8 + 8 + k - 2) - 1 for one, k in zip(folds, windows, strict=True)]
    assert run.traffic.array_cycles.tolist() == cycles
    mended = price_ann(chip("baseline.dataflow=os"), net, ann)
    assert (mended.traffic.array_cycles - run.traffic.array_cycles).tolist() == [8 * one + 1 for one in folds]
    extra = run.traffic.words[OUTPUT, "write"] - mended.traffic.words[OUTPUT, "write"]
    assert extra.tolist() == [16 * one for one in folds]
    with pytest.raises(MappingError, match="no overlapped folds"):
        price_ann(chip("baseline.compat=scalesim", "baseline.dataflow=ws-overlapped"), net, ann)


def test_result_sums_and_keys() -> None:
    net, stream = small()
    machine = chip()
    result = run_baseline(machine, net, stream, labels=np.zeros(2, int))
    totals = {key: item.value for key, item in result.totals.items()}
    assert set(totals) == {
        "energy_per_inference", "latency", "energy_dynamic", "energy_static", "energy_delay", "accuracy", "macs",
        "utilisation", "energy_dram_cold", "area",
    }  # fmt: skip
    assert result.components["dynamic_pj"].sum() == pytest.approx(totals["energy_dynamic"])
    assert result.components["static_pj"].sum() == pytest.approx(totals["energy_static"])
    assert result.layers["energy_dynamic_pj"].sum() == pytest.approx(totals["energy_dynamic"])
    assert result.layers["energy_static_pj"].sum() == pytest.approx(totals["energy_static"])
    assert totals["energy_per_inference"] == pytest.approx(totals["energy_dynamic"] + totals["energy_static"])
    assert totals["energy_delay"] == pytest.approx(totals["energy_per_inference"] * totals["latency"])
    assert totals["latency"] == pytest.approx(result.layers["cycles"].sum() / machine.clock)
    price = array_prices(machine).table.prices
    fetched = 432 * 8 + 12 * 32 + 7680 * 8  # whole words of both layers
    assert totals["energy_dram_cold"] == pytest.approx(
        fetched * price[DRAM, "bit"].energy_pj + fetched // 64 * price[WEIGHT, "write"].energy_pj
    )
    assert totals["macs"] == 64 * 36 * 12 + 7680
    assert 0 <= totals["accuracy"] <= 1
    assert list(result.components["component"]) == [
        "mac_array", "input_buffer", "weight_buffer", "output_buffer", "ports", "dram"
    ]  # fmt: skip
    assert result.components["area_mm2"][:4].sum() == pytest.approx(totals["area"])
    assert np.isnan(result.components["area_mm2"][4:]).all()  # ports and DRAM
    assert "leakage of multipliers and adders, on both machines, is that of a 40 nm table, not scaled to 22 nm" in (
        result.activations
    )
    assert "assumed activations" in result.activations
    assert "not trained as an ANN" in result.activations


def test_weights_that_do_not_fit_are_fetched_in_every_inference() -> None:
    net, stream = small()
    fits = run_baseline(chip(), net, stream)
    tight = run_baseline(
        chip("baseline.weight_buffer={capacity: 4 KiB, width: 64, banks: 2, ports: 1RW}"), net, stream
    )
    stored = 432 * 8 + 12 * 32 + 7680 * 8
    assert tight.layers["dram_bits"].sum() == stored - 4096 * 8
    assert tight.layers["dram_bits"].sum() + tight.layers["dram_cold_bits"].sum() == stored
    assert tight.layers["weight_buffer_writes"].sum() == (stored - 4096 * 8) // 64
    assert "fetched from DRAM in every inference" in tight.activations
    assert "fetched from DRAM" not in fits.activations
    assert tight.totals["energy_per_inference"].value > fits.totals["energy_per_inference"].value


def test_spilled_activations_and_sums_cross_dram_and_are_said() -> None:
    net, stream = small()
    run = price_ann(
        chip(
            "baseline.input_buffer={capacity: 512 B, width: 64, banks: 1, ports: 1RW}",
            "baseline.output_buffer={capacity: 1 KiB, width: 64, banks: 2, ports: 1R1W}",
        ),
        net,
        run_ann(net, stream, None, 8, 8),
    )
    spilled = (768 - 512) * 8  # written once, read in each of the two folds of columns of the dense layer
    live = 64 * 8 * 32  # sums of one fold of columns
    returned = int(np.ceil(64 * 12 * 4 * (live - 8192) / (64 * 8 * 32))) * 32
    assert run.traffic.dram_bits.tolist() == [2 * returned, 3 * spilled]
    assert len(run.traffic.warnings) == 2


def test_slow_memory_sets_the_time() -> None:
    net, stream = small()
    fast, slow = chip(), chip("baseline.dram.bandwidth=0.1 GB/s")
    quick, cold = run_baseline(fast, net, stream), run_baseline(slow, net, stream)
    assert quick.totals["latency"].value == cold.totals["latency"].value  # nothing crosses once weights are resident
    bits = cold.layers["dram_cold_bits"]
    expected = np.ceil(bits / (0.8 / slow.clock)) - cold.layers["cycles"]
    np.testing.assert_array_equal(cold.layers["stall_cold_cycles"], np.maximum(expected, 0))
    assert (cold.layers["stall_cold_cycles"] > 0).any()
    narrow = chip("baseline.output_buffer={capacity: 32 KiB, width: 64, banks: 1, ports: 1RW}")
    starved = run_baseline(narrow, net, stream).layers
    moved = starved["output_buffer_reads"] + starved["output_buffer_writes"]
    np.testing.assert_array_equal(starved["cycles"], np.maximum(moved, starved["array_cycles"]))
    assert (starved["stall_buffer_cycles"] > 0).any()
    with pytest.raises(CostError, match="more than zero"):
        run_baseline(chip("baseline.dram.bandwidth=0 GB/s"), net, stream)


def test_prices_are_the_chips_own_and_can_be_overridden() -> None:
    net, stream = small()
    hot = run_baseline(chip("technology.temperature=350 K"), net, stream)
    cool = run_baseline(chip(), net, stream)
    assert hot.components["static_pj"][1] > cool.components["static_pj"][1]
    assert hot.totals["energy_dynamic"].value == cool.totals["energy_dynamic"].value
    entry = "technology.overrides=[{component: baseline.dram, action: bit, energy: 1000 pJ, source: a made-up figure}]"
    dear = run_baseline(chip(entry), net, stream)
    assert dear.layers["energy_dram_cold_pj"].sum() > 100 * cool.layers["energy_dram_cold_pj"].sum()
    with pytest.raises(UnknownNameError, match=r"baseline override 'baseline\.dram\.read'"):
        run_baseline(chip(entry.replace("action: bit", "action: read")), net, stream)


def test_trained_network_still_classifies_as_an_ann(shared_data: Path) -> None:
    options = ImportOptions("sinabs", 1e-4, "subtract", ">=")
    net = import_network(shared_data / "nir_paper" / "02_cnn" / "cnn_sinabs.nir", options)
    data = np.load(shared_data / "sinabs_nmnist" / "input_10digits_300x2x34x34.npz")
    frames = data["frames"].transpose(0, 1, 3, 4, 2).reshape(10, 300, -1) > 0
    result = run_baseline(load_chip("core").spec, net, EventStream.from_dense(frames), labels=data["label"])
    assert result.totals["accuracy"].value >= 0.7  # trained as an SNN; guessing gives 0.1
    assert result.layers["macs_padded"].tolist() == [256 * 50 * 16, 256 * 144 * 16, 64 * 144 * 8, 128 * 256, 2560]
    assert (result.layers["effective_macs"] < result.layers["macs"]).all()


def test_area_of_the_array_is_that_of_its_banks_and_elements() -> None:
    machine = chip()
    found = array_prices(machine).area
    for name, memory in buffers(machine.baseline).items():
        bank = bank_figures(machine, memory)
        assert found[name].area_mm2 == memory.banks * bank.area_mm2
    source = arithmetic(machine)
    one = source.area("int_mul", 8, 22).area_mm2 + source.area("int_add", 32, 22).area_mm2
    assert found[ARRAY].area_mm2 == pytest.approx(64 * one)
    moved = array_prices(chip("technology.supply=0.7 V"))
    assert moved.area == found  # a voltage moves no transistor
