"""Op-count models against published totals, real spike tensors, and brute force on a small run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accelsim.costs.analytic import (
    ANALYTIC_MODELS,
    LayerCounts,
    OperationCounts,
    analytic_table,
    implied_zeta,
    operation_counts,
    zeta,
)
from accelsim.costs.analytic_models.bars import yan_break_even
from accelsim.costs.analytic_models.lemaire import (
    bus_access_pj,
    formal_layer_pj,
    memory_access_pj,
    spiking_layer_pj,
)
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.trace.activity import ActivityTrace, PopulationActivity

EMPTY = LayerCounts(
    name="l", dense=False, analog=False, macs_padded=0, acs=0.0, value_macs=0.0, spikes_in=0.0, spikes_out=0.0,
    inputs=1, outputs=1, filters=1, channels=1, kernel=1, taps=1, weights=1, bias=False, leak=False,
)  # fmt: skip


def totals(acs: float, value_macs: float, macs: float = 0) -> OperationCounts:
    return OperationCounts(4, (replace(EMPTY, acs=acs, value_macs=value_macs, macs_padded=macs),))


@pytest.mark.parametrize(
    ("acs", "macs", "published_uj", "tolerance"),
    [
        (0.10e9, 0.14e9, 734, 1e-9),  # syops-counter, spiking ResNet-18
        (0.50e9, 2.75e9, 13100, 1e-9),  # SEW ResNet-18
        (1.69e9, 0.20e9, 2440, 1e-3),  # DSNN-18
        (0.0, 1.82e9, 8372, 1e-9),  # ResNet-18 ANN
        (0.0, 77e6, 354.2, 1e-9),  # Spikformer VSA
        (5.5e6, 0.0, 4.95, 1e-9),  # Spikformer SSA
    ],
)
def test_published_fp32_totals(acs: float, macs: float, published_uj: float, tolerance: float) -> None:
    estimate = ANALYTIC_MODELS.get("horowitz-fp32").estimate(totals(acs, macs))
    assert estimate.snn_pj * 1e-6 == pytest.approx(published_uj, rel=tolerance)


def test_published_int_ratio_multiplies_by_the_rate_twice() -> None:
    ann, rate = 18.39e6, 0.1366
    counts = totals(acs=ann * rate * rate, value_macs=0, macs=int(ann))
    estimate = ANALYTIC_MODELS.get("horowitz-fp32").estimate(counts)
    assert estimate.ann_pj / estimate.snn_pj == pytest.approx(273.8, rel=2e-3)


@pytest.mark.parametrize(
    ("timesteps", "percent"), [(5, 7.50), (6, 6.25), (7, 5.36), (8, 6.25), (9, 5.56), (10, 5.00)]
)
def test_break_even_of_yan(timesteps: int, percent: float) -> None:
    assert 100 * yan_break_even(timesteps) == pytest.approx(percent, rel=8e-4)


@pytest.mark.parametrize(("mac", "ac", "found"), [(3.2, 0.1, 2.62), (3.1, 0.1, 2.54), (4.6, 0.9, 0.419)])
def test_zeta_implied_by_a_published_ratio(mac: float, ac: float, found: float) -> None:
    assert implied_zeta(12.2, mac, ac) == pytest.approx(found, abs=5e-3)
    layer = replace(EMPTY, macs_padded=1000, spikes_in=found * 7, inputs=7, acs=found * 1000)
    counts = OperationCounts(1, (replace(EMPTY, analog=True, macs_padded=0), layer))
    assert zeta(counts) == pytest.approx(found)
    assert implied_zeta(mac * 1000 / (ac * layer.acs), mac, ac) == pytest.approx(zeta(counts))


def spikes_of(data: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    shape = tuple(data[f"{name}.shape"])
    return np.unpackbits(data[f"{name}.bits"], count=int(np.prod(shape))).reshape(shape)


def vgg9(folder: Path, first_layer_steps: int) -> OperationCounts:
    """Counts of the recorded VGG9: 3x3 convolutions with a border of one, then dense layers."""
    data = np.load(folder / "spike_tensors" / "vgg9_cifar10.npz")
    names = [key.removesuffix(".bits") for key in data.files if key.endswith(".bits")]
    layers = []
    for at, name in enumerate(names):
        shape = tuple(int(item) for item in data[f"{name}.shape"])
        following = tuple(int(item) for item in data[f"{names[at + 1]}.shape"]) if at + 1 < len(names) else (4, 10)
        if name.startswith("conv"):
            outputs = following[1] if len(following) == 4 else following[1] // (shape[2] // 2) ** 2
            macs = 9 * shape[1] * outputs * shape[2] * shape[3]
            ones = np.ones((outputs, shape[1], 3, 3), np.float32)
            connection, _ = convolution(ones, (*shape[2:], shape[1]), padding=(1, 1))
            fan_out = connection.fan_out().reshape(shape[2], shape[3], shape[1]).transpose(2, 0, 1)
        else:
            macs, fan_out = shape[1] * following[1], np.full(shape[1], following[1])
        analog = name == "conv2d_0"
        spikes = np.zeros(1) if analog else spikes_of(data, name)
        layers.append(
            replace(
                EMPTY,
                name=name,
                analog=analog,
                macs_padded=macs,
                value_macs=float(macs * first_layer_steps) if analog else 0.0,
                acs=0.0 if analog else float((spikes * fan_out).sum()),
                spikes_in=float(spikes.sum()),
                inputs=int(np.prod(shape[1:])),
            )
        )
    return OperationCounts(4, tuple(layers))


def test_vgg9_on_cifar10(shared_data: Path) -> None:
    counts = vgg9(shared_data, first_layer_steps=4)
    hidden = [layer for layer in counts.layers if not layer.analog and layer.name != "fc_2"]
    assert [int(layer.spikes_in) for layer in hidden] == [43327, 12162, 16681, 7024, 5472, 3116, 374]
    million = [layer.acs / 1e6 for layer in hidden]
    np.testing.assert_allclose(million, [23.600, 12.764, 17.546, 13.097, 10.397, 3.191, 0.383], atol=6e-4)
    # The worked case leaves the last classifier out
    counts = OperationCounts(4, tuple(layer for layer in counts.layers if layer.name != "fc_2"))
    assert counts.acs / 1e6 == pytest.approx(80.98, abs=0.005)
    assert sum(layer.macs_padded for layer in hidden) / 1e6 == pytest.approx(156.24, abs=0.005)
    assert counts.spikes_per_synapse == pytest.approx(0.518, abs=5e-4)
    once = OperationCounts(
        4, (replace(counts.layers[0], value_macs=float(counts.layers[0].macs_padded)), *counts.layers[1:])
    )
    each, single = analytic_table(counts), analytic_table(once)
    at = {name: index for index, name in enumerate(each["model"])}
    assert each["ann_pj"][at["horowitz-fp32"]] / 1e6 == pytest.approx(726.83, abs=0.01)
    assert each["snn_pj"][at["horowitz-fp32"]] / 1e6 == pytest.approx(105.44, abs=0.01)
    assert single["snn_pj"][at["horowitz-fp32"]] / 1e6 == pytest.approx(81.02, abs=0.01)
    assert each["ratio"][at["horowitz-fp32"]] == pytest.approx(6.89, abs=0.005)
    assert single["ratio"][at["horowitz-fp32"]] == pytest.approx(8.97, abs=0.005)
    ratios = {name: single["ratio"][at[name]] for name in at}
    assert ratios["horowitz-int32"] == pytest.approx(36.7, abs=0.05)
    assert ratios["horowitz-int8"] == pytest.approx(12.8, abs=0.05)
    assert "SNN favoured" in single["verdict"][at["davidson-furber-2021"]]
    assert "inside the band" in single["verdict"][at["dampfhoffer-2023"]]


def test_lemaire_by_hand() -> None:
    conv = replace(
        EMPTY, macs_padded=2 * 3 * 9 * 16, inputs=3 * 16, outputs=2 * 16, filters=2, channels=2, kernel=9, taps=9,
        weights=54, spikes_in=5.0, spikes_out=4.0, acs=70.0, leak=True, bias=True,
    )  # fmt: skip
    access = lambda words: 13.2 + 1.09e-5 * 32 * words  # noqa: E731
    formal = 864 * (access(48) + access(54)) + 32 * access(2) + 32 * access(32) + 864 * 3.2 + 0.1 * (32 + 48 + 32 + 18)
    assert formal_layer_pj(conv) == pytest.approx(formal)
    memory = 2 * (90 + 96) * access(32) + 90 * access(54) + 96 * access(2) + 9 * 13.2
    operations = (96 + 10) * 3.2 + 0.1 * (90 + 96 + 4 + 90)
    assert spiking_layer_pj(conv, 3) == pytest.approx(memory + operations)
    fc = replace(conv, dense=True, macs_padded=480, inputs=48, outputs=10, filters=10, channels=10, kernel=1, taps=1,
                 weights=480, leak=False, bias=False)  # fmt: skip
    formal = 48 * access(48) + 480 * access(480) + 10 * access(10) + 480 * 3.2 + 0.1 * (10 + 480)
    assert formal_layer_pj(fc) == pytest.approx(formal)
    spiking = 2 * (50 + 30) * access(10) + 50 * access(480) + 9 * 13.2 + 0.1 * (50 + 30 + 4 + 50)
    assert spiking_layer_pj(fc, 3) == pytest.approx(spiking)


def test_the_later_memory_model_charges_half_a_bus_word_for_any_size() -> None:
    layer = replace(
        EMPTY, macs_padded=864, inputs=48, outputs=32, filters=2, channels=2, kernel=9, taps=9, weights=54,
        spikes_in=5.0, spikes_out=4.0, leak=True, bias=True,
    )  # fmt: skip
    assert bus_access_pj(1) == bus_access_pj(10**9) == 5
    memory = 2 * (90 + 96) + 90 + 96 + 9
    operations = (96 + 10) * 3.2 + 0.1 * (90 + 96 + 4 + 90)
    assert spiking_layer_pj(layer, 3, bus_access_pj) == pytest.approx(5 * memory + operations)
    ann = 864 * 2 + 32 + 32
    assert formal_layer_pj(layer, bus_access_pj) == pytest.approx(5 * ann + 864 * 3.2 + 0.1 * (32 + 48 + 32 + 18))


def test_implied_zeta_of_the_table_is_the_zeta_of_the_run() -> None:
    layer = replace(EMPTY, macs_padded=1000, spikes_in=2.1, inputs=7, acs=300.0)
    counts = OperationCounts(4, (layer,))
    found = analytic_table(counts)
    compute_only = [name.startswith("horowitz") for name in found["model"]]
    np.testing.assert_allclose(found["implied_zeta"][compute_only], zeta(counts))
    assert np.isnan(found["implied_zeta"][~np.array(compute_only)]).all()
    (words,) = [row["verdict"] for row in found.rows() if row["model"] == "neurobench"]
    assert words == "300 effective ACs, 0 effective MACs, at most 4 membrane updates"


def test_lemaire_memory_is_near_the_srams_it_was_fitted_to() -> None:
    for kib, published in ((8, 10), (32, 20), (1024, 100)):
        assert memory_access_pj(kib * 1024 // 4) == pytest.approx(published, rel=0.45)


def small_run(kind: str) -> tuple[Network, EventStream, ActivityTrace, list[np.ndarray]]:
    rng = np.random.default_rng(3)
    weights = rng.integers(-1, 2, size=(3, 2, 3, 3)).astype(np.float32)
    conv, shape = convolution(weights, (6, 6, 2), stride=(2, 2), padding=(1, 1))
    last = dense(rng.normal(size=(4, 3)).astype(np.float32), pool=Pool((3, 3), (3, 3)), input_shape=shape)
    populations = {
        "in": Population("in", (6, 6, 2), None),
        "h": Population("h", shape, IF.example(27), np.ones(27, np.float32)),
        "out": Population("out", (4,), IF.example(4)),
    }
    net = Network("n", populations, (Projection("in", "h", conv), Projection("h", "out", last)), 1e-3)
    fired = [rng.random((2, 5, size)) < 0.3 for size in (72, 27, 4)]
    stream = EventStream.from_dense(fired[0])
    if kind != "spikes":
        stream = replace(stream, kind=kind, value=np.ones(stream.total, np.int32), value_bits=8)
    none = np.zeros((10, 0), np.uint8)
    activity = {
        name: PopulationActivity(item.ptr, item.index, none, none)
        for name, item in zip(populations, map(EventStream.from_dense, fired), strict=True)
    }
    trace = ActivityTrace("k", 2, 5, activity, np.zeros((2, 4)), np.zeros((2, 4), np.int32), {})
    return net, stream, trace, fired


@pytest.mark.parametrize("kind", ["spikes", "graded"])
def test_counts_by_brute_force(kind: str) -> None:
    net, stream, trace, fired = small_run(kind)
    counts = operation_counts(net, stream, trace)
    first, second = counts.layers
    products = np.einsum("stn,on->", fired[0].astype(float), net.projections[0].connection.dense_matrix() != 0) / 2
    assert (first.acs, first.value_macs) == ((products, 0) if kind == "spikes" else (0, products))
    assert first.analog == (kind == "graded")
    assert second.acs == fired[1].sum() * 4 / 2
    assert (first.kernel, first.taps, first.filters, first.inputs, first.outputs) == (9, 4, 3, 72, 27)
    assert (second.kernel, second.taps, second.filters, second.inputs, second.dense) == (1, 1, 4, 3, True)
    assert first.spikes_out == second.spikes_in == fired[1].sum() / 2
    assert counts.timesteps == 5
    assert first.bias
    assert not first.leak
    assert counts.macs == 9 * 9 * 2 * 3 + 12
    synapses = 12 + (first.macs_padded if kind == "spikes" else 0)
    assert counts.spikes_per_synapse == pytest.approx(counts.acs / synapses)


def test_table_names_every_model_with_its_source() -> None:
    net, stream, trace, _ = small_run("spikes")
    found = analytic_table(operation_counts(net, stream, trace))
    assert set(found["model"]) == {
        "horowitz-fp32", "horowitz-int32", "horowitz-int32-kundu", "horowitz-int8", "lemaire-2022", "lemaire-2022-bus",
        "yan-2024", "davidson-furber-2021", "dampfhoffer-2023", "neurobench",
    }  # fmt: skip
    for row in found.rows():
        assert len(row["source"]) > 20
        assert np.isfinite(row["ratio"]) != bool(row["verdict"])
    quiet = replace(EMPTY, analog=True, value_macs=9.0, macs_padded=9)
    verdicts = [item for item in analytic_table(OperationCounts(2, (quiet,)))["verdict"] if item]
    assert verdicts.count("no layer receives spikes") == len(verdicts) - 1 == 3
    assert np.isnan(zeta(OperationCounts(2, (quiet,))))
