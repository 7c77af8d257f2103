"""NIR graphs and options that cannot be represented: every refusal names the node and says why."""


import numpy as np
import pytest
from network_builders import (
    chain,
    conv2d,
    flatten,
    lif,
    neuron_if,
    pool,
    write_graph,
)

from accelsim.errors import NetworkError, UnknownNameError
from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.neurons.integrate_fire import IF

EULER = ImportOptions("euler", 1.0, "subtract", ">")
SNNTORCH = ImportOptions("snntorch", 1e-4, "subtract", ">", reset_delay=False)

FC = ("Linear", {"weight": np.eye(2, dtype=np.float32)})
CONV = conv2d(np.ones((1, 1, 1, 1), np.float32))
SPATIAL = ("Scale", {"scale": np.arange(4.0).reshape(1, 2, 2)})


def _nan():
    weight = np.eye(2)
    weight[0, 1] = np.nan
    return "Linear", {"weight": weight}


REFUSED = [
    (
        (2,),
        {"x": ("Conv3d", {})},
        (2,),
        r"node 'x' \(Conv3d\): not a node type .* Known: Affine, AvgPool2d, Conv1d",
    ),
    (
        (2,),
        {"x": ("Delay", {"delay": np.array([1.0, 1.5])})},
        (2,),
        r"node 'x' \(Delay\): delay: expected a whole number of timesteps of 1 s, got 1.5 s",
    ),
    ((2,), {"x": ("Delay", {"delay": -np.ones(2)})}, (2,), r"node 'x' \(Delay\): delay: expected a whole .*, got -1 s"),
    ((2,), {"x": ("Delay", {"delay": np.full(2, 5000.0)})}, (2,), r"expected a delay of 0\.\.4096.*, got 5000"),
    (
        (1, 2, 2),
        {"a": CONV, "b": conv2d(np.ones((1, 1, 3, 3)), padding=(1, 1))},
        (1, 2, 2),
        r"node 'b' \(Conv2d\): pads the output of a convolution without neurons between them",
    ),
    (
        (2, 2, 2),
        {"p": pool("SumPool2d", (2, 2)), "d": ("Delay", {"delay": np.array([[[0.0]], [[1.0]]])})},
        (2, 1, 1),
        r"node 'd' \(Delay\): delay: differs between the outputs of a pool",
    ),
    ((3,), {"a": FC}, (2,), r"node 'a' \(Linear\): weight: expected shape \(n_out, 3\), got \(2, 2\)"),
    (
        (1, 2, 2),
        {"a": FC},
        (2,),
        r"node 'a' \(Linear\): expected an input \(n,\); is a Flatten missing\?, got \(1, 2, 2\)",
    ),
    ((4,), {"a": CONV}, (4,), r"node 'a' \(Conv2d\): expected an input \(channels, height, width\), got \(4,\)"),
    (
        (2, 2, 2),
        {"a": CONV},
        (2, 2, 2),
        r"node 'a' \(Conv2d\): weight: expected shape .* for 2 input channels in 1 groups",
    ),
    ((1, 2, 2), {"a": conv2d(np.ones((1, 1, 3, 3)))}, (1, 1, 1), r"node 'a' \(Conv2d\): a kernel that spans 3 inputs"),
    (
        (1, 2, 2),
        {"a": conv2d(np.ones((1, 1, 1, 1)), input_shape=(3, 2))},
        (1, 2, 2),
        r"input_shape: expected \(2, 2\).*\(3, 2\)",
    ),
    (
        (1, 2, 2),
        {"a": conv2d(np.ones((1, 1, 1, 1)), bias=np.ones(3))},
        (1, 2, 2),
        r"bias: expected shape \(1,\), got \(3,\)",
    ),
    ((2,), {"a": _nan()}, (2,), r"node 'a' \(Linear\): weight holds a NaN or infinite value"),
    (
        (1, 2, 2),
        {"s": SPATIAL, "a": CONV},
        (1, 2, 2),
        r"node 's' \(Scale\): varies over positions, but the convolution behind",
    ),
    (
        (1, 2, 2),
        {"a": CONV, "s": SPATIAL},
        (1, 2, 2),
        r"node 's' \(Scale\): varies over positions, but the convolution in front",
    ),
    (
        (1, 2, 2),
        {"s": SPATIAL, "p": pool("SumPool2d", (2, 2))},
        (1, 1, 1),
        r"node 's' \(Scale\): varies .* before a pool",
    ),
    (
        (1, 2, 2),
        {"a": pool("SumPool2d", (1, 1)), "p": pool("SumPool2d", (2, 2))},
        (1, 1, 1),
        r"node 'p' \(SumPool2d\): a pool behind another pool",
    ),
    ((1, 2, 2), {"p": pool("SumPool2d", (3, 3))}, (1, 1, 1), r"node 'p' \(SumPool2d\): a kernel that spans 3 inputs"),
    (
        (1, 2, 2),
        {"f": flatten((1, 2, 3))},
        (4,),
        r"node 'f' \(Flatten\): input_type: expected \(1, 2, 2\).*got \(1, 2, 3\)",
    ),
    (
        (1, 2, 2),
        {"f": ("Flatten", {"start_dim": 3, "end_dim": -1})},
        (4,),
        r"node 'f' \(Flatten\): flattens axes 3..-1 of \(1, 2, 2\), which has 3",
    ),
    (
        (2,),
        {"s": ("Scale", {"scale": np.ones(3)})},
        (2,),
        r"node 's' \(Scale\): scale: expected shape \(2,\), got \(3,\)",
    ),
    (
        (2,),
        {"a": ("Affine", {"weight": "none"})},
        (2,),
        r"node 'a' \(Affine\): parameter 'weight': expected numbers, got 'none'",
    ),
    (
        (2,),
        {"a": ("Affine", {"bias": np.ones(2)})},
        (2,),
        r"node 'a' \(Affine\): parameter 'weight' is missing; it has bias",
    ),
    ((2, 2, 2, 2), {"a": FC}, (2,), r"node 'input' \(Input\): shape: expected \(n,\), .*, got \(2, 2, 2, 2\)"),
]


@pytest.mark.parametrize(("shape", "middle", "out", "message"), REFUSED)
def test_chains_that_cannot_be_represented_name_the_node(tmp_path, shape, middle, out, message):
    chain(tmp_path / "n.nir", shape, middle, neuron_if(out), out)
    with pytest.raises(NetworkError, match=message):
        import_network(tmp_path / "n.nir", EULER)


INPUT, OUTPUT = ("Input", {"shape": (2,)}), ("Output", {"shape": (2,)})
BASE = {"input": INPUT, "a": FC, "n": neuron_if((2,)), "output": OUTPUT}
LINE = [("input", "a"), ("a", "n"), ("n", "output")]

GRAPHS = [
    (
        {**BASE, "b": FC, "c": FC},
        [("input", "a"), ("a", "b"), ("b", "c"), ("c", "b"), ("c", "n"), ("n", "output")],
        r"the graph has a cycle without neurons: (b -> c -> b|c -> b -> c)",
    ),
    (BASE, [*LINE, ("n", "ghost")], "edge 'n' -> 'ghost': node 'ghost' does not exist"),
    (BASE, [*LINE, ("a", "n")], "edge 'a' -> 'n': stated twice"),
    (BASE, [("input", "a"), ("a", "output")], r"node 'n' \(IF\): no edge leads to it"),
    ({**BASE, "b": FC}, [*LINE, ("n", "b")], r"node 'b' \(Linear\): no edge leaves it; expected a path to the output"),
    (
        {k: BASE[k] for k in ("input", "a", "output")},
        [("input", "a"), ("a", "output")],
        r"fed by node 'a' \(Linear\); expected neu",
    ),
    ({**BASE, "second": INPUT}, LINE, "expected exactly one node of type Input, got 'input', 'second'"),
    (
        {**{k: BASE[k] for k in ("a", "n", "output")}, "b": FC},
        [*LINE[1:], ("b", "n")],
        "expected exactly one node of type Input, got none",
    ),
    (
        {**BASE, "output": ("Output", {"shape": (3,)})},
        LINE,
        r"node 'output' \(Output\): shape: expected \(2,\).*, got \(3,\)",
    ),
    ({**BASE, "n": neuron_if((3,))}, LINE, r"node 'n' \(IF\): r: expected shape \(2,\), got \(3,\)"),
]


@pytest.mark.parametrize(("nodes", "edges", "message"), GRAPHS)
def test_graphs_that_cannot_be_represented(tmp_path, nodes, edges, message):
    path = write_graph(tmp_path / "n.nir", nodes, edges)
    with pytest.raises(NetworkError, match=message) as caught:
        import_network(path, EULER)
    assert str(caught.value).startswith(str(path))


def test_gain_that_varies_over_positions_of_a_convolution_is_refused(tmp_path):
    kind, values = neuron_if((1, 2, 2))
    values["r"] = np.arange(1.0, 5.0).reshape(1, 2, 2)
    chain(tmp_path / "n.nir", (1, 2, 2), {"a": CONV}, (kind, values), (1, 2, 2))
    with pytest.raises(NetworkError, match=r"node 'neurons' \(IF\): the input gain .*: varies over positions"):
        import_network(tmp_path / "n.nir", EULER)


def test_a_network_that_ends_in_a_reordering_flatten_is_refused(tmp_path):
    nodes = {
        "input": ("Input", {"shape": (2, 2, 2)}),
        "s": ("Scale", {"scale": np.float64(1)}),
        "n": neuron_if((2, 2, 2)),
    }
    nodes |= {"f": flatten((2, 2, 2)), "output": ("Output", {"shape": (8,)})}
    path = write_graph(tmp_path / "n.nir", nodes, [("input", "s"), ("s", "n"), ("n", "f"), ("f", "output")])
    with pytest.raises(NetworkError, match=r"node 'f' \(Flatten\): would reorder the output of shape \(2, 2, 2\)"):
        import_network(path, EULER)


OPTIONS = [
    (ImportOptions("norse", 1e-3, reset_delay=True), "dialect norse: reset_delay: expected false, got true"),
    (ImportOptions("euler", 1e-4, reset="zero"), "threshold_op: expected '>' or '>=', got nothing; neither"),
    (ImportOptions("nir-strict"), "dialect nir-strict: dt: expected a positive time, got nothing"),
    (ImportOptions("norse", spike_mode="multi"), "spike_mode: expected no such choice, got 'multi'"),
    (ImportOptions("sinabs", membrane_floor="low"), "membrane_floor: expected none or .* a number, got 'low'"),
    (ImportOptions("euler", 1e-4, "zero", ">", refractory=200), "refractory: expected whole .*, 0..127, got 200"),
    (
        ImportOptions("snntorch", 1e-4, "v_reset", ">", reset_delay=False),
        "reset: expected subtract or zero or none, got 'v_reset'",
    ),
    (ImportOptions("spikingjelly", 1e-4), r"\(LIF\): r: expected 1 \(decay_input\) or tau/dt = 10, got 3"),
    (ImportOptions("rockpool", 1e-4), "dialect rockpool: dt: expected 0.000"),
    (ImportOptions("snntorch", 1e-4, "zero", ">=", reset_delay=False), "threshold_op: expected '>', got '>='"),
    (ImportOptions("nir-strict", 1e-4, "subtract", ">"), "dialect nir-strict: reset: expected v_reset, got 'subtract'"),
    (ImportOptions("euler", 0.0, "subtract", ">"), "dt: expected a positive time, got 0.0 s"),
    (
        ImportOptions("euler", 0.1, "subtract", ">"),
        r"node 'neurons' \(LIF\): tau: expected at least dt = 0.1 s, got 0.001 s",
    ),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_options_that_do_not_fit_the_dialect(tmp_path, options, message):
    path = chain(tmp_path / "n.nir", (2,), {"a": FC}, lif((2,), r=3.0), (2,))
    with pytest.raises(NetworkError, match=message):
        import_network(path, options)


def test_nodes_that_a_framework_does_not_have(tmp_path):
    cuba = {key: np.ones(2) for key in ("tau_syn", "tau_mem", "r", "v_leak")}
    path = chain(tmp_path / "n.nir", (2,), {"a": FC}, ("CubaLI", cuba), (2,))
    with pytest.raises(NetworkError, match=r"\(CubaLI\): dialect spyx runs CubaLIF, IF, LI, LIF, Threshold"):
        import_network(path, ImportOptions("spyx"))


def test_unknown_dialect_and_format_list_the_known_ones(tmp_path):
    path = chain(tmp_path / "n.nir", (2,), {"a": FC}, lif((2,)), (2,))
    with pytest.raises(UnknownNameError, match=r"unknown dialect 'snntorc'; did you mean 'snntorch'\? Known: euler"):
        import_network(path, ImportOptions("snntorc", 1e-4, "zero", ">"))
    with pytest.raises(UnknownNameError, match=r"unknown importer 'onnx'\. Known: .*nir"):
        import_network(path, EULER, "onnx")
    with pytest.raises(NetworkError, match=r"no importer for suffix '.pt'; name one with .*nir \(.nir\)"):
        import_network(path.rename(path.with_suffix(".pt")), EULER)


def test_levels_that_a_reset_cannot_use_are_refused(tmp_path):
    path = chain(tmp_path / "a.nir", (2,), {"a": FC}, lif((2,), threshold=0.0), (2,))
    with pytest.raises(NetworkError, match="v_threshold: expected more than 0 for a subtracting reset, got 0"):
        import_network(path, SNNTORCH)
    path = chain(tmp_path / "b.nir", (2,), {"a": FC}, lif((2,), v_reset=0.5), (2,))
    with pytest.raises(NetworkError, match=r"v_reset: expected 0 for reset 'zero' in dialect snntorch, got 0.5"):
        import_network(path, ImportOptions("snntorch", 1e-4, "zero", ">", reset_delay=False))


def test_the_models_of_two_nodes_types_are_those_of_the_field(tmp_path):
    path = chain(tmp_path / "n.nir", (2,), {"a": FC}, neuron_if((2,)), (2,))
    assert isinstance(import_network(path, EULER).output.model, IF)
