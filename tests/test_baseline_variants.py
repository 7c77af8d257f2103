"""Baselines side by side: counts by hand, orders that must hold, the rules of fairness, an ANN of one's own."""

import math
from dataclasses import replace

import numpy as np
import pytest
from test_baseline_array import chip, small

from accelsim.baseline.ann import run_ann
from accelsim.baseline.array import price_ann, price_snn
from accelsim.baseline.baseline import SnnAccuracy, fairest, run_baseline
from accelsim.baseline.dataflow import DATAFLOWS
from accelsim.baseline.given import load_ann
from accelsim.baseline.layers import integer_weights
from accelsim.baseline.prices import ARRAY, DRAM, INPUT, OUTPUT, PORTS, WEIGHT, array_prices
from accelsim.baseline.variants import ann_variants, matched_bits, matched_weights
from accelsim.errors import NetworkError, UnknownNameError
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Projection
from accelsim.network.quantize import Quantization, quantize


def pruned() -> tuple[Network, EventStream]:
    """Return the small network with two thirds of its weights at zero."""
    net, stream = small()
    rng = np.random.default_rng(1)
    edges = []
    for edge in net.projections:
        rows = edge.connection.rows * (rng.random(edge.connection.rows.shape) < 1 / 3)
        edges.append(Projection(edge.source, edge.target, replace(edge.connection, rows=rows.astype(np.float32))))
    return Network("n", net.populations, tuple(edges), 1e-3), stream


def test_matched_bits_are_those_of_a_count() -> None:
    assert [matched_bits(steps) for steps in (1, 2, 3, 4, 7, 8, 15, 16, 255, 300)] == [1, 2, 2, 3, 3, 4, 4, 5, 8, 9]
    assert all(matched_bits(steps) == math.ceil(math.log2(steps + 1)) for steps in range(1, 2000))


def test_gating_saves_operations_and_nothing_else() -> None:
    net, stream = pruned()
    ann = run_ann(net, stream, None, 8, 8)
    dense, gated = price_ann(chip(), net, ann), price_ann(chip(), net, ann, "gated")
    effective = sum(layer.effective_macs.mean() for layer in ann.layers)
    price = array_prices(chip()).table.prices
    for action in ("multiply", "accumulate"):
        assert gated.energy[ARRAY, action].sum() == pytest.approx(effective * price[ARRAY, action].energy_pj)
        issued = (64 * 36 * 12 + 7680) * price[ARRAY, action].energy_pj
        assert dense.energy[ARRAY, action].sum() == pytest.approx(issued)
    for key in dense.energy:
        if key not in {(ARRAY, "multiply"), (ARRAY, "accumulate")}:
            np.testing.assert_array_equal(gated.energy[key], dense.energy[key])
    np.testing.assert_array_equal(gated.time_ns, dense.time_ns)
    np.testing.assert_array_equal(gated.cold, dense.cold)


def test_skipping_by_hand() -> None:
    net, stream = pruned()
    machine = chip("baseline.output_buffer={capacity: 32 KiB, width: 64, banks: 64, ports: 1R1W}")
    ann = run_ann(net, stream, None, 8, 8)
    dense, skipped = price_ann(machine, net, ann), price_ann(machine, net, ann, "skipped")
    layer, edge = ann.layers[1], net.projections[1]
    weights = np.count_nonzero(integer_weights(edge.connection, 8)[0]) / 7680 + 1 / 8
    inputs = 1 - layer.zero_fraction.mean() + 1 / 8
    assert weights < 0.5
    assert skipped.traffic.cold_bits[1] == math.ceil(7680 * 8 * weights)
    assert skipped.traffic.words[WEIGHT, "read"][1] == math.ceil(dense.traffic.words[WEIGHT, "read"][1] * weights)
    assert skipped.traffic.words[INPUT, "read"][1] == math.ceil(dense.traffic.words[INPUT, "read"][1] * inputs)
    share = layer.effective_macs.mean() / 7680
    assert skipped.traffic.array_cycles[1] == math.ceil(dense.traffic.array_cycles[1] * share)
    for name in ("input", "output"):
        np.testing.assert_array_equal(skipped.traffic.words[PORTS, name], dense.traffic.words[PORTS, name])
    np.testing.assert_array_equal(skipped.traffic.words[OUTPUT, "write"], dense.traffic.words[OUTPUT, "write"])
    assert skipped.traffic.cycles.sum() < dense.traffic.cycles.sum()


def test_dense_values_are_never_stored_with_masks() -> None:
    net, stream = small()
    ann = run_ann(net, stream, None, 8, 8)
    skipped, dense = price_ann(chip(), net, ann, "skipped"), price_ann(chip(), net, ann)
    np.testing.assert_array_equal(skipped.traffic.cold_bits, dense.traffic.cold_bits)  # no weight is zero
    for item in ann_variants(chip(), net, ann, (8, 8), 1.0):
        assert item.energy <= dense.dynamic.sum() + dense.static.sum()


def test_snn_on_the_array_is_that_many_passes_of_additions() -> None:
    net, stream = small()
    machine = chip()
    run = price_snn(machine, net, stream)
    price = array_prices(machine).table.prices
    assert run.energy[ARRAY, "multiply"].sum() == 0
    products = 64 * 36 * 12 + 7680
    assert run.energy[ARRAY, "accumulate"].sum() == pytest.approx(6 * products * price[ARRAY, "accumulate"].energy_pj)
    adds = 2 * (768 + 10) + 768  # update and comparison; a bias
    assert run.energy[ARRAY, "add"].sum() == pytest.approx(6 * adds * price[ARRAY, "add"].energy_pj)
    states = [768 * 32 // 64, 10 * 32 // 64]  # float32 states in words of 64 bit
    window = 64 * 6 * 5, 5 * 96  # sums written: ceil(768 / 8) row folds of two column folds (8 and 2 of 10 filters)
    written = run.traffic.words[OUTPUT, "write"].tolist()
    assert written == [window[0] + states[0], window[1] + states[1]]
    assert run.time_ns.sum() == pytest.approx(6 * run.traffic.cycles.sum() / machine.clock)
    assert run.cold_ns.sum() - run.time_ns.sum() == pytest.approx(
        (run.traffic.cold_cycles - run.traffic.cycles).sum() / machine.clock
    )
    assert run.cold.sum() == price_ann(machine, net, run_ann(net, stream, None, 8, 8)).cold.sum()
    assert run.energy[DRAM, "bit"].sum() == 0


def test_states_that_do_not_fit_cross_to_dram() -> None:
    net, stream = small()
    tight = chip("baseline.output_buffer={capacity: 2 KiB, width: 64, banks: 2, ports: 1R1W}")
    run = price_snn(tight, net, stream)
    sums = price_ann(tight, net, run_ann(net, stream, None, 8, 8)).traffic.dram_bits
    over = [768 * 32 - 2048 * 8, 10 * 32]
    assert (run.traffic.dram_bits - sums).tolist() == [2 * item for item in over]
    assert "states exceed the output buffer" in " ".join(run.traffic.warnings)


def analog(kind: str) -> EventStream:
    """Return 2 samples of 5 timesteps with all 400 inputs at a value, in the first timestep only for a current."""
    filled = 10 if kind == "graded" else 2
    per_step = [400] * 10 if kind == "graded" else [400, 0, 0, 0, 0] * 2
    return EventStream(
        kind, 2, 5, 400, np.concatenate(([0], np.cumsum(per_step))).astype(np.int64),
        np.tile(np.arange(400, dtype=np.int32), filled), np.full(400 * filled, 3, dtype=np.int32), 4,
    )  # fmt: skip


def test_analog_input_is_multiplied_and_a_constant_current_only_once() -> None:
    net, _ = small()
    machine = chip()
    price = array_prices(machine).table.prices
    for kind, repeats in (("graded", 5), ("bias_current", 1)):
        run = price_snn(machine, net, analog(kind))
        multiplied = repeats * 64 * 36 * 12 * price[ARRAY, "multiply"].energy_pj
        assert run.energy[ARRAY, "multiply"].tolist() == pytest.approx([multiplied, 0])
        passes = run.time_ns * machine.clock
        assert passes[0] == repeats * run.traffic.cycles[0]
        assert passes[1] == 5 * run.traffic.cycles[1]


def test_rows_of_a_run_and_the_fairest(monkeypatch: pytest.MonkeyPatch) -> None:
    net, stream = pruned()
    labels = np.zeros(2, int)
    result = run_baseline(chip(), net, stream, labels=labels, snn=SnnAccuracy(0.5, 0.0))
    rows = result.variants
    names = [f"{kind}-{bits}b" for bits in (8, 3) for kind in ("dense", "gated", "skipping")]
    others = [f"dense-8b-{name}" for name in DATAFLOWS if name != "ws"]
    best = result.fairest.removeprefix("skipping-3b-")
    assert best in DATAFLOWS.names()
    assert list(rows["baseline"]) == [*names, "snn", *others, result.fairest]
    assert rows["fairest"].tolist() == [name == result.fairest for name in rows["baseline"]]
    assert list(rows["dataflow"]) == ["ws"] * 7 + [name for name in DATAFLOWS if name != "ws"] + [best]
    assert "6 timesteps carry 3 bits, and 3 are enough" in result.reason
    assert "an ANN of your own (--ann)" in result.reason
    first = next(iter(rows.rows()))
    keys = {"energy_pj": "energy_per_inference", "latency_ns": "latency", "energy_delay": "energy_delay"}
    for key, name in keys.items():
        assert first[key] == pytest.approx(result.totals[name].value)
    cold = result.totals["energy_per_inference"].value + result.totals["energy_dram_cold"].value
    assert first["energy_first_pj"] == pytest.approx(cold)
    assert (rows["energy_first_pj"] > rows["energy_pj"]).all()
    assert (rows["latency_first_ns"] >= rows["latency_ns"]).all()
    np.testing.assert_allclose(rows["energy_pj"], rows["energy_dynamic_pj"] + rows["energy_static_pj"])
    assert list(rows["energy_pj"][:3]) == sorted(rows["energy_pj"][:3], reverse=True)
    assert (rows["energy_pj"][3:6] < rows["energy_pj"][:3]).all()
    assert rows["accuracy"][6] == 0.5


def test_rules_of_fairness() -> None:
    net, stream = pruned()
    wide = ann_variants(chip(), net, run_ann(net, stream, None, 8, 8), (8, 8), 0.9)
    narrow = ann_variants(chip(), net, run_ann(net, stream, None, 3, 8), (3, 8), 0.8)
    assert fairest([*wide, *narrow], 6, SnnAccuracy(0.85, 0.75))[0].name.startswith("skipping-3b")
    found, why = fairest([*wide, *narrow], 6, SnnAccuracy(0.95, 0.85))
    assert found.name.startswith("skipping-8b")
    assert "right in only 80.0%" in why
    found, why = fairest([*wide, *narrow], 6, SnnAccuracy())
    assert found.name.startswith("skipping-8b")
    assert "without labels" in why
    assert "no fewer than the array's 8" in fairest(wide, 300, SnnAccuracy(1.0, 0.9))[1]
    full, _ = small()
    always = EventStream.from_dense(np.ones((2, 6, 400), dtype=bool))
    ann = run_ann(full, always, None, 8, 8)
    dense = ann_variants(chip(), full, ann, (8, 8), 0.9)
    for share, name in ((0.51, "gated-8b"), (0.5, "skipping-8b")):
        runs = [
            {flow: replace(run, products=run.gemm.macs_padded * share) for flow, run in item.runs.items()}
            for item in dense
        ]
        shares = [replace(item, runs=run) for item, run in zip(dense, runs, strict=True)]
        assert fairest(shares, 300, SnnAccuracy())[0].name.startswith(name)


def test_best_is_the_dataflow_with_the_least_energy_delay_product() -> None:
    net, stream = pruned()
    machine = chip("baseline.dataflow=best")
    result = run_baseline(machine, net, stream)
    each = {name: run_baseline(chip(f"baseline.dataflow={name}"), net, stream) for name in DATAFLOWS}
    found = {name: one.totals["energy_delay"].value for name, one in each.items()}
    best = min(found, key=found.__getitem__)
    assert f"dataflow {best}, the best of {len(found)} by energy-delay product" in result.name
    assert result.totals["energy_delay"].value == found[best]
    rows = {row["baseline"]: row for row in result.variants.rows()}
    for name, one in each.items():
        row = rows["dense-8b" if name == best else f"dense-8b-{name}"]
        assert row["energy_pj"] == one.totals["energy_per_inference"].value
        assert row["latency_ns"] == one.totals["latency"].value
        assert f"dataflow {name}" in one.name
        fair = next(row for row in one.variants.rows() if row["fairest"])
        for key in ("dataflow", "energy_delay"):  # the fairest does not hang on the configured one
            assert fair[key] == rows[result.fairest][key]
        assert f"of {len(found)} dataflows {fair['dataflow']} has the least energy-delay product" in one.reason


def test_dataflows_that_scalesim_has_not_are_left_out_and_unknown_ones_refused() -> None:
    net, stream = pruned()
    compat = run_baseline(chip("baseline.dataflow=best", "baseline.compat=scalesim"), net, stream)
    assert "the best of 3 by" in compat.name
    with pytest.raises(UnknownNameError, match=r"unknown dataflow 'bset'; did you mean 'best'\? Known: best, is, "):
        run_baseline(chip("baseline.dataflow=bset"), net, stream)


def test_weights_of_the_matched_ann_are_the_snns() -> None:
    net, _ = small()
    assert matched_weights(chip(), net) == 8
    assert matched_weights(chip(), quantize(net, Quantization(4, "tensor"))) == 4


def test_multiplier_of_unequal_widths_has_as_many_cells() -> None:
    square = array_prices(chip("baseline.activation_bits=4", "baseline.weight_bits=4")).table.prices[ARRAY, "multiply"]
    oblong = array_prices(chip("baseline.activation_bits=2", "baseline.weight_bits=8")).table.prices[ARRAY, "multiply"]
    assert oblong.energy_pj == pytest.approx(square.energy_pj, rel=0.02)  # the power law is n^1.977, not n^2


def test_ann_of_ones_own(shared_data) -> None:
    file = shared_data / "nir_paper" / "02_cnn" / "cnn_sinabs.nir"
    from accelsim.network.importers.importer import ImportOptions, import_network

    net = import_network(file, ImportOptions("sinabs", 1e-4, "subtract", ">="))
    data = np.load(shared_data / "sinabs_nmnist" / "input_10digits_300x2x34x34.npz")
    frames = data["frames"].transpose(0, 1, 3, 4, 2).reshape(10, 300, -1) > 0
    events = EventStream.from_dense(frames)
    own = load_ann(file, net)
    same = run_baseline(chip(), net, events, labels=data["label"])
    given = run_baseline(chip(), net, events, labels=data["label"], ann=own)
    assert "assumed" in same.activations
    assert given.activations.startswith("activations of the given ANN")
    assert "assumed" not in given.reason
    assert given.totals["accuracy"].value == same.totals["accuracy"].value
    assert given.totals["energy_per_inference"].value == pytest.approx(same.totals["energy_per_inference"].value)
    wrong, _ = small()
    with pytest.raises(NetworkError, match=r"an ANN with \d+ inputs beside a network with 400"):
        load_ann(file, wrong)
