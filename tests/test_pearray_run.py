"""A network on an array from end to end: counts by hand, energy that adds up, the same result as of a chip."""

import json

import numpy as np
import pytest
from array_builders import built, layer_of
from functional_builders import neurons
from pipeline_builders import workload_of

from accelsim.errors import ConfigError, MappingError
from accelsim.hardware.loader import load_array
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.pearray.layer import array_layer, repeated, unfolded
from accelsim.pearray.prices import DRAM, machine_prices
from accelsim.pearray.simulate import simulate_array
from accelsim.pipeline import run
from accelsim.pipeline.comparison import compare
from accelsim.report.terminal import report_text
from accelsim.result.serialize import from_json, to_json


@pytest.fixture(scope="module")
def result():
    return run("eyeriss_snn", "mnist_conv", samples=2)


def test_the_ann_beside_fetches_its_weights_as_often_as_the_machine(result):
    """Nothing resident on either side: no cold start, and every layer's weights cross DRAM."""
    assert result.baseline.totals["energy_dram_cold"].value == 0
    assert min(result.baseline.layers["dram_bits"]) > 0
    chip = run("core", "mnist_conv", samples=2).baseline
    assert chip.totals["energy_dram_cold"].value > 0
    assert max(chip.layers["dram_bits"]) == 0


def two_layers(rng, bits=4):
    first = convolution(rng.integers(-3, 4, (3, 2, 3, 3)).astype(np.int32), (6, 6, 2), padding=(1, 1), bits=bits)[0]
    second = dense(rng.integers(-3, 4, (5, 27)).astype(np.int32), bits, Pool((2, 2), (2, 2)), (6, 6, 3))
    populations = {
        "in": Population("in", (6, 6, 2), None),
        "a": Population("a", (6, 6, 3), neurons(rng, "if", 108, True)),
        "b": Population("b", (5,), neurons(rng, "if", 5, True)),
    }
    edges = (Projection("in", "a", first), Projection("a", "b", second))
    return Network("two", populations, edges, 1e-3)


def traced(network, load):
    from accelsim.functional.executor import execute
    from accelsim.functional.numerics import Numerics

    return execute(network, load.events, Numerics(32, 32), 1)


def small(seed=3, samples=2, timesteps=4):
    rng = np.random.default_rng(seed)
    network = two_layers(rng)
    load = workload_of(network, EventStream.from_dense(rng.random((samples, timesteps, 72)) < 0.3))
    return network, load, traced(network, load)


def test_windows_of_a_pooled_layer_count_the_spikes_of_the_pool():
    network, _, trace = small()
    connection = network.projections[1].connection
    own = trace.populations["a"]
    layer = array_layer("a->b", connection, own.ptr[:5], own.index, own.counts)
    image = trace.dense("a", 108)[0].reshape(4, 3, 2, 3, 2, 3).sum(axis=(2, 4))
    np.testing.assert_array_equal(layer.spikes[0, :, 0], image.reshape(4, 27))
    met = np.array(connection.dense_matrix() != 0, dtype=np.int64) @ trace.dense("a", 108)[0].T
    assert layer.effective == met.sum()
    once = repeated(layer)
    assert once.spikes.max() <= 1
    assert once.effective == layer.effective
    layer.spikes[:] = 0
    assert repeated(layer).spikes.shape == layer.spikes.shape  # its source may spike elsewhere


def test_inputs_that_elements_take_in_are_those_of_their_rows():
    rng = np.random.default_rng(2)
    image = (rng.random((3, 2, 5, 5)) < 0.4).astype(np.uint8)
    array = built("eyeriss_snn")
    windows = unfolded(image, 3, 1)
    layer = layer_of(rng, 3, 25, 18, 4, 0.0, kernel=(3, 3), columns=5)
    layer.spikes[:] = windows
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows = sum(int(padded[:, :, y + ky].sum()) for y in range(5) for ky in range(3))
    assert array.work(layer).input_writes == rows * array.mapped(layer.shape).filter_blocks


def test_counts_of_a_small_network_by_hand():
    network, load, trace = small()
    spec = load_array("mint", ["formats.inputs=dense"]).spec
    timing = simulate_array(spec, built("mint", "formats.inputs=dense"), network, trace, load.events)
    fan = [edge.connection for edge in network.projections]
    sent = {"in": trace.dense("in", 72), "a": trace.dense("a", 108)}
    totals = [sent[name].sum(axis=1, dtype=np.int64) for name in ("in", "a")]
    stored = np.stack([total @ edge.fan_out_stored() for total, edge in zip(totals, fan, strict=True)])
    full = np.stack([total @ edge.fan_out() for total, edge in zip(totals, fan, strict=True)])
    np.testing.assert_array_equal(timing.issued, stored.T)
    np.testing.assert_array_equal(timing.sops, full.T)
    np.testing.assert_array_equal(timing.cycles[:, :, 0], (stored // [[3], [5]]).T)
    weights = [54 * 4, 135 * 4]  # dense storage; both layers fit into the weight buffer, one word is 64 bit
    dram = np.array([-(-bits // 64) * 64 for bits in weights])
    dram[0] += 4 * 72  # the input arrives from outside
    np.testing.assert_array_equal(timing.counts[DRAM, "bit"], [dram, dram])
    updates = timing.counts["neuron_units", "compare"]
    np.testing.assert_array_equal(updates, [[4 * 108, 4 * 5]] * 2)
    words = timing.counts["weight_buffer", "read"]
    np.testing.assert_array_equal(words, -(-stored.T * 4 // 128))


def test_weights_come_again_in_every_timestep_and_for_every_strip():
    network, load, trace = small(samples=1)
    arriving = 4 * 72
    found = {}
    for order in ("layer", "timestep"):
        overrides = [f"order={order}", "formats.weights=dense", "formats.inputs=dense"]
        spec, flow = load_array("eyeriss_snn", overrides).spec, built("eyeriss_snn", *overrides)
        found[order] = simulate_array(spec, flow, network, trace, load.events).counts[DRAM, "bit"][0]
    one_pass = [-(-54 * 4 // 64) * 64, -(-135 * 4 // 64) * 64]
    assert found["layer"].tolist() == [one_pass[0] + arriving, one_pass[1]]  # both fit into the scratchpads
    assert found["timestep"].tolist() == [4 * one_pass[0] + arriving, 4 * one_pass[1]]


def test_what_does_not_fit_is_spilled_or_told():
    """113 neurons of 16 bit; 288 bit of spikes enter, 432 and 20 leave."""
    network, load, trace = small(samples=1)
    bits, told = {}, {}
    for capacity, activations in (("1 KiB", "spill"), ("32 B", "spill"), ("32 B", "on_chip")):
        changed = [
            "order=timestep", "storage.buffers.global_buffer.banks=1", f"storage.activations={activations}",
            f"storage.buffers.global_buffer.capacity={capacity}",
        ]  # fmt: skip
        spec, flow = load_array("eyeriss_14x12", changed).spec, built("eyeriss_14x12", *changed)
        done = simulate_array(spec, flow, network, trace, load.events)
        bits[capacity, activations], told[capacity, activations] = done.counts[DRAM, "bit"][0], done.unfit
    assert not told["1 KiB", "spill"] and not told["32 B", "spill"]
    assert len(told["32 B", "on_chip"]) == 1
    np.testing.assert_array_equal(bits["32 B", "on_chip"], bits["1 KiB", "spill"])
    extra = bits["32 B", "spill"] - bits["1 KiB", "spill"]
    np.testing.assert_array_equal(extra, [2 * 4 * 108 * 16, 2 * 4 * 5 * 16])  # a timestep's spikes fit


def test_a_result_adds_up_and_survives_its_file(result):
    totals = result.totals
    assert totals["energy_per_inference"].value == pytest.approx(
        totals["energy_dynamic"].value + totals["energy_static"].value, rel=1e-12
    )
    parts = result.components["dynamic_pj"].sum() + result.components["static_pj"].sum()
    assert parts == pytest.approx(totals["energy_per_inference"].value, rel=1e-9)
    assert result.layers["energy_pj"].sum() == pytest.approx(totals["energy_per_inference"].value, rel=1e-9)
    leaks = result.prices["action"] == "leakage"
    assert result.prices["energy_pj"][~leaks].sum() == pytest.approx(totals["energy_dynamic"].value, rel=1e-9)
    assert result.prices["energy_pj"][leaks].sum() == pytest.approx(totals["energy_static"].value, rel=1e-9)
    assert result.causes["cycles"].sum() == pytest.approx(totals["latency_cycles"].value)
    assert all(result.prices["source"].tolist())
    assert totals["accuracy"].value == 1.0  # the function does not depend on the machine
    again = from_json(to_json(result))
    assert json.loads(to_json(again)) == json.loads(to_json(result))
    assert "eyeriss_snn" in report_text(result)


def test_an_array_stands_beside_chips_and_their_arrays(result):
    found = compare(["small", "eyeriss_snn"], "mnist_conv", samples=2)
    names = found.machines["machine"].tolist()
    assert {"small", "small: array", "eyeriss_snn", "eyeriss_snn: array"} <= set(names)
    energy = dict(zip(names, found.machines["energy_pj"].tolist(), strict=True))["eyeriss_snn"]
    assert energy == pytest.approx(result.totals["energy_per_inference"].value, rel=1e-12)


@pytest.mark.parametrize("name", ["ptb", "mint", "sato", "prosperity", "loas", "eyeriss_14x12"])
def test_every_array_runs(name):
    network, load, trace = small()
    timing = simulate_array(load_array(name).spec, built(name), network, trace, load.events)
    assert (timing.cycles[:, :, 0] > 0).all()
    counters = timing.counters()
    prices = machine_prices(load_array(name).spec, 4, 1)
    assert sum(energy.sum() for energy in prices.table.energy(counters).values()) > 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ('technology.overrides=[{component: adder, action: add, energy: 1 pJ, source: "nobody knows"}]', "adder.add"),
        ('technology.leakage_overrides=[{component: cache, power: 1 mW, source: "nobody knows"}]', "cache"),
        ('technology.calibration=[{component: router, factor: 2, reason: "nobody knows"}]', "router"),
    ],
)
def test_prices_of_parts_that_it_does_not_have(overrides, message):
    with pytest.raises(ConfigError, match=message):
        machine_prices(load_array("mint", [overrides]).spec, 8, 1)


def test_a_multiplication_is_a_product_and_no_sum_of_sums(result):
    at = list(result.prices.rows())
    count = {(row["component"], row["action"]): row["count"] for row in at}
    spikes = {row["layer"]: row["sops"] for row in result.layers.rows()}["lif2"]  # behind a sum pool: values
    assert 0 < count["elements", "multiply"] < spikes  # a number of spikes is multiplied once
    assert count["elements", "add"] > result.totals["sops"].value  # partial sums of kernel rows


def test_what_an_array_refuses():
    rng = np.random.default_rng(1)
    network = two_layers(rng)
    back = Projection("b", "a", dense(rng.integers(1, 3, (108, 5)).astype(np.int32), 4), delay=1)
    looped = Network("loop", network.populations, (*network.projections, back), 1e-3)
    load = workload_of(looped, EventStream.from_dense(rng.random((1, 3, 72)) < 0.3))
    trace = traced(looped, load)
    with pytest.raises(MappingError, match=r"projection b->a: a network that recurs .* order: timestep"):
        simulate_array(load_array("mint").spec, built("mint"), looped, trace, load.events)
    done = simulate_array(load_array("eyeriss_snn").spec, built("eyeriss_snn"), looped, trace, load.events)
    assert done.populations == ("a", "b")
    changed = ["formats.weights=dense", "formats.inputs=dense"]
    plain = load_array("eyeriss_snn", changed).spec
    done = simulate_array(plain, built("eyeriss_snn", *changed), looped, trace, load.events)
    weights = [-(-54 * 4 // 64) * 64, -(-540 * 4 // 64) * 64]
    assert done.counts[DRAM, "bit"][0, 0] == 3 * sum(weights) + 3 * 72  # of spikes the input alone comes from DRAM
    with pytest.raises(ConfigError, match=r"engine: expected none for an array, .*, got reference"):
        run("mint", "mnist_conv", samples=1, engine="reference")
    with pytest.raises(ConfigError, match="timeline: expected a mesh of cores, got an array"):
        run("mint", "mnist_conv", samples=1, timeline=object())
