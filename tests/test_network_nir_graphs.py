"""NIR graphs beyond a chain: recurrence, nesting, skips, sums, delays, joined linear nodes, thresholds, repairs."""



import nir
import numpy as np
import pytest
from framework_recordings import counts_of, run
from hypothesis import given, settings
from hypothesis import strategies as st
from network_builders import (
    chain,
    channel_last,
    conv2d,
    flatten,
    lif,
    naive_conv,
    naive_sum_pool,
    neuron_if,
    pool,
    write_graph,
)

from accelsim.errors import NetworkError
from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.neurons.cuba_lif import CubaLI, CubaLIF
from accelsim.neurons.fire_first import FireFirstLIF
from accelsim.neurons.lif import LIF
from accelsim.neurons.threshold import Threshold

EULER = ImportOptions("euler", 1.0, "subtract", ">")


def linear(weight, bias=None):
    if bias is None:
        return "Linear", {"weight": np.asarray(weight)}
    return "Affine", {"weight": np.asarray(weight), "bias": np.asarray(bias)}


def end(kind, shape):
    return kind, {"shape": shape}


def matrices(network, source, target):
    """Return the dense matrices between two populations by delay."""
    found = {}
    for edge in network.projections:
        if (edge.source, edge.target) == (source, target):
            found[edge.delay] = found.get(edge.delay, 0) + edge.connection.dense_matrix().astype(float)
    return found


def response(network, x):
    """Return the current of the only layer."""
    (name,) = (name for name, item in network.populations.items() if item.model is not None)
    bias = 0 if network.populations[name].bias is None else network.populations[name].bias
    return sum(m @ channel_last(x) for m in matrices(network, network.input.name, name).values()) + bias


def recurrent(path, w_rec, bias=None, neurons=None):
    """Write input -> fc -> neurons <-> w_rec, neurons -> output."""
    n = len(w_rec)
    nodes = {
        "input": end("Input", (2,)),
        "fc": linear(np.ones((n, 2))),
        "neurons": neurons or neuron_if((n,)),
        "w_rec": linear(w_rec, bias),
        "output": end("Output", (n,)),
    }
    edges = [("input", "fc"), ("fc", "neurons"), ("neurons", "w_rec"), ("w_rec", "neurons"), ("neurons", "output")]
    return write_graph(path, nodes, edges)


def test_a_recurrent_edge_acts_one_timestep_late(tmp_path):
    w_rec = np.array([[0.0, 1.5], [-1.0, 0.0]])
    network = import_network(recurrent(tmp_path / "n.nir", w_rec, [0.25, 0.0]), EULER)
    assert network.provenance["recurrent"] == ["neurons->neurons"]
    np.testing.assert_array_equal(matrices(network, "neurons", "neurons")[1], w_rec)
    np.testing.assert_array_equal(network.output.bias, [0.25, 0])  # from the first timestep on


def test_norse_leaves_the_recurrent_bias_out_of_the_first_timestep(tmp_path):
    path = recurrent(tmp_path / "n.nir", np.zeros((2, 2)), [0.75, 0.0])
    network = import_network(path, ImportOptions("norse"))
    assert network.output.bias is None
    trace = run(network, np.zeros((1, 6, 2), int))
    fired = counts_of(trace, "neurons", 2)[0]
    assert fired[:, 0].tolist() == [0, 0, 1, 0, 1, 0]  # 0, 0.75, 1.5: two timesteps from the second on
    assert "fires in every timestep" in network.provenance["neurons"]["neurons.bias1"]
    early = import_network(path, ImportOptions("euler", 1.0, "zero", ">"))
    assert counts_of(run(early, np.zeros((1, 6, 2), int)), "neurons", 2)[0, :, 0].tolist() == [0, 1, 0, 1, 0, 1]


def test_two_populations_in_a_cycle(tmp_path):
    nodes = {"input": end("Input", (1,)), "output": end("Output", (1,)), "a": neuron_if((1,)), "b": neuron_if((1,))}
    nodes |= {name: linear(np.eye(1)) for name in ("in", "ab", "ba")}
    edges = [("input", "in"), ("in", "a"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("ba", "a"), ("b", "output")]
    network = import_network(write_graph(tmp_path / "n.nir", nodes, edges), EULER)
    assert network.provenance["recurrent"] == ["b->a"]
    assert {edge.name: edge.delay for edge in network.projections} == {"input->a": 0, "a->b": 0, "b->a": 1}
    delayed = {**nodes, "wait": ("Delay", {"delay": np.array([3.0])})}
    edges = [*[edge for edge in edges if edge != ("b", "ba")], ("b", "wait"), ("wait", "ba")]
    network = import_network(write_graph(tmp_path / "d.nir", delayed, edges), EULER)
    assert network.provenance["recurrent"] == []  # the stated delay is the whole delay
    assert {edge.name: edge.delay for edge in network.projections} == {"input->a": 0, "a->b": 0, "b->a": 3}


@pytest.mark.parametrize("inner", ["lif", "sub.lif"])
def test_nested_graphs_of_the_nir_package(tmp_path, inner):
    prefix = inner.removesuffix("lif")
    neurons = nir.LIF(tau=np.full(3, 2.0), r=np.full(3, 2.0), v_leak=np.zeros(3), v_threshold=np.ones(3))
    size = np.array([3])
    ends = {f"{prefix}input": nir.Input({"input": size}), f"{prefix}output": nir.Output({"output": size})}
    nested = nir.NIRGraph(
        {**ends, inner: neurons, f"{prefix}w": nir.Linear(np.arange(9.0).reshape(3, 3))},
        [(f"{prefix}input", inner), (inner, f"{prefix}w"), (f"{prefix}w", inner), (inner, f"{prefix}output")],
        type_check=False,
    )
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([2])}),
            "fc": nir.Linear(np.ones((3, 2))),
            "sub": nested,
            "output": nir.Output({"output": np.array([3])}),
        },
        [("input", "fc"), ("fc", "sub"), ("sub", "output")],
        type_check=False,
    )
    nir.write(tmp_path / "n.nir", graph)
    network = import_network(tmp_path / "n.nir", EULER)
    assert list(network.populations) == ["input", "sub.lif"]
    np.testing.assert_array_equal(matrices(network, "sub.lif", "sub.lif")[1], np.arange(9).reshape(3, 3))


def test_skips_and_sums_are_projections_into_one_population(tmp_path):
    nodes = {"input": end("Input", (2,)), "output": end("Output", (2,)), "a": neuron_if((2,)), "b": neuron_if((2,))}
    nodes |= {"in": linear(np.eye(2)), "ab": linear(2 * np.eye(2), [1.0, 0.0])}
    nodes["skip"] = linear(3 * np.eye(2), [0.5, 0.5])
    edges = [("input", "in"), ("in", "a"), ("a", "ab"), ("ab", "b"), ("input", "skip"), ("skip", "b"), ("b", "output")]
    network = import_network(write_graph(tmp_path / "n.nir", nodes, edges), EULER)
    assert {edge.name for edge in network.incoming("b")} == {"a->b", "input->b"}
    np.testing.assert_array_equal(network.output.bias, [1.5, 0.5])


def test_a_sum_in_front_of_a_linear_node_counts_its_bias_once(tmp_path):
    nodes = {"input": end("Input", (2,)), "output": end("Output", (2,)), "n": neuron_if((2,))}
    nodes |= {"a": linear(np.eye(2), [1.0, 2.0]), "b": linear(5 * np.eye(2)), "c": linear(2 * np.eye(2), [0.5, 0.0])}
    edges = [("input", "a"), ("input", "b"), ("a", "c"), ("b", "c"), ("c", "n"), ("n", "output")]
    network = import_network(write_graph(tmp_path / "n.nir", nodes, edges), EULER)
    np.testing.assert_array_equal(sum(matrices(network, "input", "n").values()), 12 * np.eye(2))
    np.testing.assert_array_equal(network.output.bias, [2.5, 4.0])


def test_delays_of_sources_and_targets_are_projections_of_their_own(tmp_path):
    weight = np.arange(1.0, 7).reshape(2, 3)
    nodes = {
        "early": ("Delay", {"delay": np.array([0.0, 2e-3, 2e-3])}),
        "fc": linear(weight, [1.0, 1.0]),
        "late": ("Delay", {"delay": np.array([0.0, 1e-3])}),
    }
    path = chain(tmp_path / "n.nir", (3,), nodes, neuron_if((2,), r=1e3), (2,))
    network = import_network(path, ImportOptions("euler", 1e-3, "zero", ">"))
    found = matrices(network, "input", "neurons")
    assert sorted(found) == [0, 1, 2, 3]
    np.testing.assert_array_equal(sum(found.values()), weight)
    for delay, matrix in found.items():
        for target, source in np.argwhere(matrix):
            assert delay == (0, 2, 2)[source] + (0, 1)[target]
    trace = run(network, np.zeros((1, 3, 3), int))  # the delayed bias comes one timestep later
    assert counts_of(trace, "neurons", 2)[0].tolist() == [[0, 0], [1, 0], [0, 1]]


def test_delays_of_the_outputs_of_a_convolution(tmp_path):
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=(3, 2, 3, 3)), rng.normal(size=(2, 4, 4))
    delay = rng.integers(0, 3, (3, 4, 4)).astype(float)
    nodes = {"conv": conv2d(weight, padding=(1, 1)), "late": ("Delay", {"delay": delay})}
    network = import_network(chain(tmp_path / "n.nir", (2, 4, 4), nodes, neuron_if((3, 4, 4)), (3, 4, 4)), EULER)
    expected = channel_last(naive_conv(x, weight, (1, 1), ((1, 1), (1, 1)), (1, 1), 1))
    for steps, matrix in matrices(network, "input", "neurons").items():
        part = np.where(channel_last(delay) == steps, expected, 0)
        np.testing.assert_allclose(matrix @ channel_last(x), part, rtol=1e-4, atol=1e-5)


def test_a_float32_delay_of_many_timesteps_is_whole(tmp_path):
    nodes = {"fc": linear(np.eye(2)), "wait": ("Delay", {"delay": np.full(2, 0.35, np.float32)})}
    path = chain(tmp_path / "n.nir", (2,), nodes, neuron_if((2,)), (2,))
    assert [edge.delay for edge in import_network(path, ImportOptions("euler", 1e-3, "zero", ">")).projections] == [350]


@st.composite
def joined(draw):
    """Two or three linear nodes in a row, a convolution first."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    groups = draw(st.sampled_from([1, 2]))
    first = conv2d(
        rng.normal(size=(4, 4 // groups, draw(st.integers(1, 3)), draw(st.integers(1, 3)))),
        rng.normal(size=4),
        stride=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        padding=(draw(st.integers(0, 2)), draw(st.integers(0, 2))),
        dilation=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        groups=groups,
    )
    then = draw(st.sampled_from(["conv", "grouped", "SumPool2d", "AvgPool2d", "dense"]))
    return rng, first, then, draw(st.booleans())


@settings(max_examples=60, deadline=None)
@given(joined())
def test_linear_nodes_in_a_row_are_joined_exactly(tmp_path_factory, case):
    rng, (kind, values), then, scaled = case
    x = rng.normal(size=(4, 9, 8))
    sides = tuple((side, side) for side in values["padding"])
    current = naive_conv(x, values["weight"], values["stride"], sides, values["dilation"], values["groups"])
    current += values["bias"][:, None, None]
    middle = {"a": (kind, values)}
    if scaled:
        factor = rng.uniform(0.5, 2, (4, 1, 1))
        middle["s"], current = ("Scale", {"scale": factor}), current * factor
    if then in {"conv", "grouped"}:
        groups = 2 if then == "grouped" else 1
        weight, bias, stride = rng.normal(size=(6, 4 // groups, 2, 1)), rng.normal(size=6), (1, 2)
        middle["b"] = conv2d(weight, bias, stride=stride, groups=groups)
        current = naive_conv(current, weight, stride, ((0, 0), (0, 0)), (1, 1), groups) + bias[:, None, None]
    elif then == "dense":
        middle["f"] = flatten(current.shape)
        weight, bias = rng.normal(size=(5, current.size)), rng.normal(size=5)
        middle["b"], current = linear(weight, bias), weight @ current.ravel() + bias
    else:
        middle["b"] = pool(then, (2, 2), (1, 2))
        current = naive_sum_pool(current, (2, 2), (1, 2), (0, 0)) * (0.25 if then == "AvgPool2d" else 1)
    if then == "dense":
        weight, bias = rng.normal(size=(3, 5)), rng.normal(size=3)
        middle["c"], current = linear(weight, bias), weight @ current + bias
    path = tmp_path_factory.mktemp("joined") / "n.nir"
    network = import_network(chain(path, x.shape, middle, neuron_if(current.shape), current.shape), EULER)
    np.testing.assert_allclose(response(network, x), channel_last(current), rtol=1e-4, atol=1e-3)
    assert len(network.projections) == 1 and network.projections[0].nodes == tuple(middle)


def test_partial_flattens(tmp_path):
    rng = np.random.default_rng(1)
    x, kernel, matrix = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 2, 3)), rng.normal(size=(4, 24))
    conv1d = {"weight": kernel, "stride": 1, "padding": "valid", "dilation": 1, "groups": 1, "bias": np.zeros(5)}
    nodes = {"f": ("Flatten", {"start_dim": 1, "end_dim": 2}), "c": ("Conv1d", conv1d)}
    network = import_network(chain(tmp_path / "a.nir", x.shape, nodes, neuron_if((5, 10)), (5, 10)), EULER)
    expected = naive_conv(x.reshape(2, 1, 12), kernel[:, :, None], (1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    np.testing.assert_allclose(response(network, x), channel_last(expected), rtol=1e-4, atol=1e-5)
    nodes = {"f": ("Flatten", {"start_dim": 0, "end_dim": 1}), "g": ("Flatten", {"start_dim": 0, "end_dim": -1})}
    nodes["fc"] = linear(matrix)
    network = import_network(chain(tmp_path / "b.nir", x.shape, nodes, neuron_if((4,)), (4,)), EULER)
    np.testing.assert_allclose(response(network, x), matrix @ x.ravel(), rtol=1e-4, atol=1e-5)


def test_recurrence_of_neurons_behind_a_flatten_is_in_their_order(tmp_path):
    rng = np.random.default_rng(2)
    w_rec = rng.normal(size=(8, 8))
    nodes = {"input": end("Input", (2, 2, 2)), "conv": conv2d(np.eye(2).reshape(2, 2, 1, 1)), "f": flatten((2, 2, 2))}
    nodes |= {"n": neuron_if((8,)), "w": linear(w_rec, np.arange(8.0)), "output": end("Output", (8,))}
    edges = [("input", "conv"), ("conv", "f"), ("f", "n"), ("n", "w"), ("w", "n"), ("n", "output")]
    nodes["last"] = neuron_if((8,))
    nodes["fc"] = linear(np.eye(8))
    edges = [*edges[:-1], ("n", "fc"), ("fc", "last"), ("last", "output")]
    network = import_network(write_graph(tmp_path / "n.nir", nodes, edges), EULER)
    spikes = rng.normal(size=(2, 2, 2))
    found = matrices(network, "n", "n")[1] @ channel_last(spikes)
    np.testing.assert_allclose(found, channel_last((w_rec @ spikes.ravel()).reshape(2, 2, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(network.populations["n"].bias, channel_last(np.arange(8.0).reshape(2, 2, 2)))


def test_thresholds_alone_and_behind_an_integrator(tmp_path):
    limit = "Threshold", {"threshold": np.full(2, 0.5)}
    network = import_network(chain(tmp_path / "a.nir", (2,), {"fc": linear(np.eye(2))}, limit, (2,)), EULER)
    assert isinstance(network.output.model, Threshold)
    leaky = "LI", {"tau": np.full(2, 2.0), "r": np.full(2, 2.0), "v_leak": np.zeros(2)}
    path = chain(tmp_path / "b.nir", (2,), {"fc": linear(np.eye(2)), "li": leaky}, limit, (2,))
    for dialect in (EULER, ImportOptions("spyx")):
        network = import_network(path, dialect)
        assert isinstance(network.output.model, LIF) and network.output.model.reset == "none"
        assert list(network.populations) == ["input", "neurons"]


@pytest.mark.parametrize("spiking", [True, False])
@pytest.mark.parametrize("synapse", ["filter", "jump"])
def test_current_based_neurons(tmp_path, synapse, spiking):
    values = {"tau_syn": np.full(2, 2.0), "tau_mem": np.full(2, 4.0), "r": np.full(2, 3.0), "w_in": np.full(2, 0.5)}
    values["v_leak"] = np.full(2, 0.125)
    if spiking:
        values["v_threshold"] = np.full(2, 50.0)
    kind = "CubaLIF" if spiking else "CubaLI"
    path = chain(tmp_path / "n.nir", (2,), {"fc": linear(np.eye(2))}, (kind, values), (2,))
    model = import_network(path, ImportOptions("euler", 1.0, "zero", ">", synapse=synapse)).output.model
    assert isinstance(model, CubaLIF if spiking else CubaLI)
    state, fired, i, v = np.zeros((2, 1, 2), np.float32), np.zeros((1, 2), np.uint16), 0.0, 0.125
    state[...] = model.initial()[:, None]
    for x in (1.0, 0.0, 2.0):
        model.step(state, np.full((1, 2), x, np.float32), fired, None)
        i += 0.5 * (0.5 * x - i) if synapse == "filter" else 0.5 * x
        v += 0.25 * (0.125 - v + 3.0 * i)
        i *= 1.0 if synapse == "filter" else 0.5
        np.testing.assert_allclose(state[:, 0, 0], [i, v], rtol=1e-6)


def test_spyx_leads_the_input_past_its_recurrent_weights(tmp_path):
    nodes = {
        "input": end("Input", (2,)),
        "fc": linear(np.eye(2)),
        "rlif.lif": lif((2,), tau=2.0, r=0.5),
        "rlif.w_rec": linear(np.array([[0.0, 3.0], [4.0, 0.0]])),
        "output": end("Output", (2,)),
    }
    edges = [("input", "fc"), ("fc", "rlif.w_rec"), ("rlif.w_rec", "rlif.lif"), ("rlif.lif", "rlif.w_rec")]
    path = write_graph(tmp_path / "n.nir", nodes, [*edges, ("rlif.lif", "output")])
    network = import_network(path, ImportOptions("spyx"))
    np.testing.assert_array_equal(matrices(network, "input", "rlif.lif")[0], np.eye(2))
    assert isinstance(network.output.model, FireFirstLIF)
    assert network.provenance["repairs"] == [
        "repaired: 'fc' leads into the recurrent weights 'rlif.w_rec': taken to lead to 'rlif.lif'"
    ]


REPAIRED = [
    (
        {"input": end("Input", (2,)), "n1": neuron_if((2,)), "output": end("Output", (2,))},
        [("input", "n"), ("n", "output")],
        "edges name the missing node 'n': taken for 'n1', the only node without an edge",
    ),
    (
        {"fc": linear(np.ones((2, 3))), "n": neuron_if((2,)), "output": end("Output", (2,))},
        [("fc", "n"), ("n", "output")],
        "no Input node: one of shape (3,) added at node 'fc' (Linear)",
    ),
    (
        {"conv": conv2d(np.ones((2, 1, 1, 1)), groups=2, input_shape=(3, 4)), "n": neuron_if((2, 3, 4))},
        [("conv", "n")],
        "no Output node: one of shape (2, 3, 4) added at node 'n' (IF)",
    ),
    (
        {
            "input": end("Input", (2, 1, 2)),
            "f": ("Flatten", {"start_dim": 1, "end_dim": -1}),
            "fc": linear(np.ones((2, 4))),
            "n": neuron_if((2,)),
            "output": end("Output", (2,)),
        },
        [("input", "f"), ("f", "fc"), ("fc", "n"), ("n", "output")],
        "node 'f' (Flatten): start_dim 1 counts a batch axis that the file does not have: taken for 0",
    ),
]


@pytest.mark.parametrize(("nodes", "edges", "repair"), REPAIRED)
def test_repairs_are_told(tmp_path, nodes, edges, repair):
    network = import_network(write_graph(tmp_path / "n.nir", nodes, edges), EULER)
    assert f"repaired: {repair}" in network.provenance["repairs"]


def test_what_has_two_readings_is_not_repaired(tmp_path):
    nodes = {"input": end("Input", (2,)), "a": neuron_if((2,)), "b": neuron_if((2,)), "output": end("Output", (2,))}
    path = write_graph(tmp_path / "n.nir", nodes, [("input", "n"), ("n", "output")])
    with pytest.raises(NetworkError, match="edge 'input' -> 'n': node 'n' does not exist"):
        import_network(path, EULER)


def test_choices_come_from_the_metadata_unless_the_user_states_them(tmp_path):
    import h5py

    path = chain(tmp_path / "n.nir", (2,), {"fc": linear(np.eye(2))}, lif((2,), tau=0.01, r=1.0), (2,))
    with h5py.File(path, "r+") as file:
        extra = file["node"].create_group("metadata")
        extra["dt"], extra["reset_mechanism"], extra["threshold_op"] = 1e-3, "zero", ">="
    network = import_network(path, ImportOptions("euler", threshold_op=">"))
    said = {key: (choice["value"], choice["from"]) for key, choice in network.provenance["choices"].items()}
    assert said["dt"] == (1e-3, "metadata of the file") and said["reset"] == ("zero", "metadata of the file")
    assert said["threshold_op"] == (">", "stated by the user")
    assert said["refractory"] == (0, "dialect euler: default of the framework")


def test_choices_of_the_metadata_that_a_dialect_lacks_are_told(tmp_path):
    import h5py

    path = chain(tmp_path / "n.nir", (2,), {"fc": linear(np.eye(2))}, lif((2,), tau=0.01, r=1.0), (2,))
    with h5py.File(path, "r+") as file:
        extra = file["node"].create_group("metadata")
        extra["spike_mode"], extra["norm_input"], extra["reset"] = "multi", False, "zero"
    network = import_network(path, ImportOptions("euler", 1e-3, "subtract", ">"))
    left_out = [text for text in network.provenance["repairs"] if text.startswith("left out")]
    assert left_out == ["left out: metadata spike_mode = 'multi': dialect euler has no such choice"]


def test_a_leak_of_nothing_is_exported_as_an_infinite_time_constant(tmp_path):
    kind, values = lif((2,), tau=np.inf, r=np.inf)
    path = chain(tmp_path / "n.nir", (2,), {"fc": linear(np.eye(2))}, (kind, values), (2,))
    model = import_network(path, ImportOptions("snntorch")).output.model
    assert (model.leak == 1).all() and (model.threshold == 1).all()
    with pytest.raises(NetworkError, match="r holds a NaN or infinite value"):
        import_network(path, EULER)
