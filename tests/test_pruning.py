"""Every pruning method against a naive twin; channels are removed as if they had never been there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_builders import chain, flatten, neuron_if

from accelsim.errors import ConfigError, NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.pruning.pruner import Pruning, prune
from accelsim.network.workload import load_workload
from accelsim.neurons.integrate_fire import IF


def neurons(size, threshold=1.0):
    threshold = np.broadcast_to(np.float32(threshold), (size,)).astype(np.float32)
    return IF(threshold, np.zeros(size, np.float32), "subtract", ">")


def conv_net(seed, threshold=1.0):
    rng = np.random.default_rng(seed)
    first, shape = convolution(rng.normal(size=(4, 2, 3, 3)).astype(np.float32), (6, 6, 2), padding=(1, 1))
    second, inner = convolution(rng.normal(size=(6, 4, 3, 3)).astype(np.float32), shape, stride=(2, 2))
    weights = rng.normal(size=(5, 6)).astype(np.float32)
    third = dense(weights, pool=Pool((2, 2), (2, 2), (0, 0)), input_shape=inner)
    sizes = {"input": (6, 6, 2), "a": shape, "b": inner, "out": (5,)}
    populations = {
        name: Population(name, size, None if name == "input" else neurons(int(np.prod(size)), threshold),
                         None if name == "input" else rng.normal(size=int(np.prod(size))).astype(np.float32) * 0.1)
        for name, size in sizes.items()
    }  # fmt: skip
    edges = (Projection("input", "a", first), Projection("a", "b", second), Projection("b", "out", third))
    return Network("net", populations, edges, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 0.99))
def test_magnitude_by_layer_and_over_the_network(seed, share):
    net = conv_net(seed)
    by_layer = prune(net, Pruning("magnitude", share, "layer"))
    for edge, before in zip(by_layer.projections, net.projections, strict=True):
        rows, old = edge.connection.rows, before.connection.rows
        assert np.count_nonzero(rows == 0) == round(share * rows.size)
        kept = rows != 0
        np.testing.assert_array_equal(rows[kept], old[kept])
        if kept.any() and not kept.all():
            assert np.abs(old[~kept]).max() <= np.abs(old[kept]).min()
    together = prune(net, Pruning("magnitude", share, "global"))
    rows = np.concatenate([edge.connection.rows.ravel() for edge in together.projections])
    old = np.concatenate([edge.connection.rows.ravel() for edge in net.projections])
    assert np.count_nonzero(rows == 0) == round(share * rows.size)
    smallest = np.argsort(np.abs(old))[: round(share * old.size)]
    np.testing.assert_array_equal(rows == 0, np.isin(np.arange(old.size), smallest))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([(1, 2), (2, 4), (1, 5), (3, 7)]))
def test_n_of_m_along_the_input(seed, shape):
    n, m = shape
    net = conv_net(seed)
    done = prune(net, Pruning("n_m", n=n, m=m))
    for edge, before in zip(done.projections, net.projections, strict=True):
        rows, old = edge.connection.rows, before.connection.rows
        for output in range(rows.shape[1]):
            for start in range(0, len(rows), m):
                part, was = rows[start : start + m, output], old[start : start + m, output]
                keep = np.argsort(np.abs(was))[max(0, len(was) - n) :]
                expected = np.zeros_like(was)
                expected[keep] = was[keep]
                np.testing.assert_array_equal(part, expected)


def test_groups_of_a_convolution_stay_apart():
    weights = np.arange(1, 13, dtype=np.float32).reshape(2, 2, 3, 1)
    connection, shape = convolution(weights, (4, 1, 4), groups=2)
    target = Population("a", shape, neurons(int(np.prod(shape))))
    populations = {"input": Population("input", (4, 1, 4), None), "a": target}
    done = prune(Network("n", populations, (Projection("input", "a", connection),), 1.0), Pruning("n_m", n=1, m=4))
    # Six weights per output: the largest of four and the largest of the two that are left, per group.
    assert done.projections[0].connection.rows.ravel().tolist() == [0, 0, 0, 4, 0, 6, 0, 0, 0, 10, 0, 12]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.25, 0.5, 0.9]))
def test_removed_channels_are_as_if_they_never_fired(seed, share):
    net = conv_net(seed)
    small = prune(net, Pruning("channels", share))
    # The twin keeps all neurons, but those of the weakest channels never reach their threshold.
    silent = {}
    current = net
    for name in ("a", "b"):
        population = net.populations[name]
        channels = population.shape[-1]
        number = min(round(share * channels), channels - 1)
        edge = current.incoming(name)[0].connection
        # What is weakest in b is judged after the channels of a are gone.
        matrix = np.abs(edge.rows.astype(np.float64))
        if name == "b":
            stays = ~silent["a"]
            matrix = matrix.reshape(4, 9, -1)[stays].reshape(-1, matrix.shape[1])
        silent[name] = np.isin(np.arange(channels), np.argsort(matrix.sum(axis=0), kind="stable")[:number])
        assert small.populations[name].shape == (*population.shape[:2], channels - number)
    mute = {
        name: item if name not in silent else Population(
            name, item.shape,
            neurons(item.size, np.where(np.tile(silent[name], item.size // item.shape[-1]), 1e9, 1.0)), item.bias)
        for name, item in net.populations.items()
    }  # fmt: skip
    twin = Network("twin", mute, net.projections, 1.0)
    events = EventStream.from_dense(np.random.default_rng(seed).random((2, 5, 72)) < 0.3)
    ours, theirs = (execute(item, events, Numerics(None, None), 1) for item in (small, twin))
    np.testing.assert_allclose(ours.output, theirs.output, atol=1)
    for name in ("a", "b"):
        size = net.populations[name].size
        kept = ~np.tile(silent[name], size // net.populations[name].shape[-1])
        small_spikes = ours.dense(name, int(kept.sum()))
        np.testing.assert_array_equal(small_spikes, theirs.dense(name, size)[:, :, kept])
    for edge, before in zip(small.projections, net.projections, strict=True):
        shape, old = edge.connection.shape, before.connection.shape
        assert shape.weight_words == edge.connection.rows.size
        assert shape.window * shape.filters == edge.connection.rows.size
        assert shape.macs <= old.macs and shape.pixels == old.pixels


def test_channels_of_a_grouped_convolution_are_refused():
    weights = np.ones((4, 2, 1, 1), np.float32)
    connection, shape = convolution(weights, (2, 2, 4), groups=2)
    sizes = {"input": (2, 2, 4), "a": shape, "out": (3,)}
    populations = {
        name: Population(name, size, None if name == "input" else neurons(int(np.prod(size))))
        for name, size in sizes.items()
    }
    edges = (Projection("input", "a", connection), Projection("a", "out", dense(np.ones((3, 16), np.float32))))
    net = Network("n", populations, edges, 1.0)
    with pytest.raises(NetworkError, match=r"input->a: runs reach part of the channels.*; keep population a"):
        prune(net, Pruning("channels", 0.5))
    assert prune(net, Pruning("channels", 0.5, keep=("a",))).populations["a"].size == 16
    with pytest.raises(NetworkError, match=r"keep: expected a population of neurons \(a, out\), got 'b'"):
        prune(net, Pruning("channels", 0.5, keep=("b",)))


MANIFEST = """\
name: tiny
description: x
network:
  file: net.nir
  dialect: euler
  dt: 1 s
  reset: subtract
  threshold_op: ">"
  prune: {method: magnitude, sparsity: 0.5, scope: layer}
  quantize: {bits: 4, granularity: tensor, scheme: asymmetric}
input:
  file: spikes.npz
  encoding: events
timesteps: 2
decoding: rate
provenance: {}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "workload.yaml").write_text(MANIFEST)
    middle = {"f": flatten((1, 2, 3)), "fc": ("Linear", {"weight": np.arange(12.0).reshape(2, 6)})}
    chain(tmp_path / "net.nir", (1, 2, 3), middle, neuron_if((2,)), (2,))
    np.savez(tmp_path / "spikes.npz", input=np.ones((2, 1, 1, 2, 3), np.uint8))
    return tmp_path


def test_a_workload_prunes_and_quantises(folder):
    load = load_workload(folder)
    rows = load.network.projections[0].connection.rows
    assert np.count_nonzero(rows) == 6 and load.network.projections[0].connection.bits == 5
    told = load.provenance["network"]["pruning"]
    assert told["method"] == "magnitude" and told["projections"]["input->neurons"]["nonzero"] == [11, 6]
    plain = load_workload(folder, overrides=["network.prune=null", "network.quantize=grid"])
    connection = plain.network.projections[0].connection
    assert np.count_nonzero(connection.rows) == 11 and connection.bits == 5
    assert load_workload(folder, overrides=["network.prune={method: n_m, n: 1, m: 3}"]).network is not None


PROBLEMS = [
    ("network.prune={method: smallest}", "network.prune.method: expected a known pruning method, got 'smallest'"),
    ("network.prune={method: magnitude, sparsity: 0.5}", "network.prune: expected scope with method magnitude"),
    ("network.prune={method: n_m, n: 4, m: 4}", "network.prune: expected n below m, got n: 4, m: 4"),
    ("network.prune={method: channels, sparsity: 0.5, n: 3}", "network.prune: expected no n with method channels"),
    ("network.prune={method: channels, sparsity: 1.0}", "network.prune.sparsity: expected less than 1, got 1.0"),
    ("network.quantize={bits: 8, granularity: tensor, scheme: power_of_two}", "expected bits 2..5 with scheme"),
]


@pytest.mark.parametrize(("override", "message"), PROBLEMS)
def test_mistakes_are_located(folder, override, message):
    with pytest.raises(ConfigError, match=message):
        load_workload(folder, overrides=[override])
