"""PyTorch state_dicts as safetensors with a list of layers: equal to the NIR file of the same network."""

import h5py
import numpy as np
import pytest
from functional_builders import random_events
from safetensors.numpy import save_file
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import AccelsimError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions

LAYERS = """\
dialect: snntorch
choices:
  reset: {reset}
  reset_delay: false
input: [1, 28, 28]
layers:
  - {{type: conv, weights: conv1, stride: 2, padding: 1}}
  - {{type: neurons, model: LIF, threshold: 1.0, beta: 0.9}}
  - {{type: conv, weights: conv2, stride: 2, padding: 1}}
  - {{type: neurons, model: LIF, threshold: lif2.threshold, beta: lif2.beta}}
  - {{type: flatten}}
  - {{type: dense, weights: fc}}
  - {{type: neurons, model: LIF, threshold: 1.0, beta: 0.9}}
"""


def _tensors(path):
    """Weights of the recorded network, under the names that a module would give them."""
    with h5py.File(path) as file:
        nodes = file["node/nodes"]
        found = {}
        for name, node in (("conv1", "0"), ("conv2", "2"), ("fc", "5")):
            found[f"{name}.weight"] = nodes[node]["weight"][()].astype(np.float32)
            found[f"{name}.bias"] = nodes[node]["bias"][()].astype(np.float32)
    return found | {"lif2.threshold": np.float32([1.0]), "lif2.beta": np.float32([0.9])}


@pytest.mark.parametrize(("reset", "recording"), [("subtract", "subtract"), ("zero", "zero")])
def test_the_recordings_of_snntorch(tmp_path, shared_data, reset, recording):
    folder = shared_data / "oracles" / "snntorch"
    save_file(_tensors(folder / "snntorch_conv_mnist.nir"), tmp_path / "net.safetensors")
    (tmp_path / "net.yaml").write_text(LAYERS.format(reset=reset))
    arguments = ["validate", "spikes", tmp_path / "net.safetensors", folder / f"snntorch_{recording}_nodelay.npz"]
    result = CliRunner().invoke(build(), list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "3 layers, 32 samples, 16 timesteps, 0 mismatches"


HEAD = "dialect: euler\nchoices: {dt: 1.0, reset: zero, threshold_op: '>'}\ninput: [2, 6, 6]\n"


def _write(folder, tensors, layers):
    save_file(tensors, folder / "n.safetensors")
    (folder / "n.yaml").write_text(HEAD + "layers:\n" + "".join(f"  - {layer}\n" for layer in layers))
    return folder / "n.safetensors"


CONV = "{type: conv, weights: c, padding: 1}"
IF = "{type: neurons, model: IF, threshold: 1.0}"
DENSE = "{type: dense, weights: d}"


def _some(rng):
    return {
        "c.weight": rng.normal(size=(3, 2, 3, 3)).astype(np.float32),
        "c.bias": rng.normal(size=3).astype(np.float32),
        "d.weight": rng.normal(size=(4, 27)).astype(np.float32),
    }


def test_batch_norm_is_folded(tmp_path):
    rng = np.random.default_rng(1)
    norm = {"b.weight": rng.uniform(0.5, 2, 3), "b.bias": rng.normal(size=3), "b.running_mean": rng.normal(size=3),
            "b.running_var": rng.uniform(0.1, 2, 3)}  # fmt: skip
    tensors = _some(rng) | {key: value.astype(np.float32) for key, value in norm.items()}
    layers = [CONV, "{type: batch_norm, weights: b}", IF]
    network = import_network(_write(tmp_path, tensors, layers), ImportOptions())
    factor = norm["b.weight"] / np.sqrt(norm["b.running_var"] + 1e-5)
    kernel = network.projections[0].connection.rows.reshape(2, 3, 3, 3).transpose(3, 0, 1, 2)
    np.testing.assert_allclose(kernel, tensors["c.weight"] * factor[:, None, None, None], rtol=1e-5)
    bias = (tensors["c.bias"] - norm["b.running_mean"]) * factor + norm["b.bias"]
    np.testing.assert_allclose(network.output.bias.reshape(-1, 3)[0], bias, rtol=1e-5)
    assert "b: batch norm folded into c" in network.provenance["repairs"]


def test_a_max_pool_is_the_or_of_its_window(tmp_path):
    rng = np.random.default_rng(2)
    layers = [CONV, IF, "{type: max_pool, kernel: 2}", "{type: flatten}", DENSE, IF]
    network = import_network(_write(tmp_path, _some(rng), layers), ImportOptions())
    events = random_events(3, 72, integer=False, rate=0.4)
    trace = execute(network, events, Numerics(None, None), 1)
    first, pooled = list(network.populations)[1:3]
    image = trace.dense(first, 108).reshape(-1, 3, 2, 3, 2, 3)
    assert image.any() and (trace.dense(pooled, 27).reshape(-1, 3, 3, 3) == image.max(axis=(2, 4))).all()


def test_pruned_weights_and_recurrence(tmp_path):
    rng = np.random.default_rng(4)
    whole, mask = rng.normal(size=(4, 72)).astype(np.float32), rng.random((4, 72)) < 0.5
    tensors = {"d.weight_orig": whole, "d.weight_mask": mask.astype(np.float32), "r.weight": np.eye(4, dtype="f4")}
    layers = ["{type: flatten}", DENSE, "{type: neurons, model: LIF, threshold: 1.0, beta: 0.5, recurrent: r}"]
    network = import_network(_write(tmp_path, tensors, layers), ImportOptions())
    assert [edge.delay for edge in network.projections if edge.source == edge.target] == [1]
    (forward,) = (edge.connection for edge in network.projections if edge.source == "input")
    assert np.count_nonzero(forward.rows) == mask.sum()


REFUSED = [
    ([CONV, "{type: neurons, model: IF}"], r"layers\[1\] \(neurons\): IF: threshold: expected a number or the name"),
    ([CONV, "{type: neurons, model: LIF, threshold: 1.0}"], "expected either tau or beta, got neither"),
    ([CONV, "{type: neurons, model: LIF, threshold: 1.0, beta: 1.5}"], "beta: expected a factor of at least 0"),
    ([CONV, "{type: neurons, model: IF, threshold: 1.0, beta: 0.5}"], "beta: expected no such parameter"),
    ([CONV, "{type: neurons, model: Izhikevich}"], r"n.yaml:6: layers.1.*expected"),
    (["{type: dense, weights: x}", IF], "expected a tensor 'x.weight', got c.bias, c.weight, d.weight"),
    (["{type: dense, weights: c}", IF], r"c.weight: expected \(outputs, inputs\)"),
    (["{type: batch_norm, weights: b}"], "b: expected a convolution or dense layer in front, got the input"),
    ([CONV, IF, CONV, IF], "layer 'c': the name occurs twice"),
    ([CONV, IF, DENSE, IF], r"node 'd' \(Linear\)"),
    (["{type: convolve}"], "layers.0"),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "message"), REFUSED)
def test_what_a_list_must_not_hold(tmp_path, layers, message):
    path = _write(tmp_path, _some(np.random.default_rng(0)), layers)
    with pytest.raises(AccelsimError, match=message):
        import_network(path, ImportOptions())


def test_missing_and_foreign_files(tmp_path):
    path = _write(tmp_path, _some(np.random.default_rng(0)), [CONV, IF])
    path.write_bytes(b"\x80\x04\x95 a pickle")
    with pytest.raises(AccelsimError, match="expected a safetensors file, got another format"):
        import_network(path, ImportOptions())
    path.unlink()
    with pytest.raises(AccelsimError, match="cannot read the network file"):
        import_network(path, ImportOptions())
    path.with_suffix(".yaml").unlink()
    with pytest.raises(AccelsimError, match="expected the list of layers of the tensors beside them"):
        import_network(path, ImportOptions())
    pickled = tmp_path / "n.pt"
    pickled.write_bytes(b"\x80\x04")
    with pytest.raises(AccelsimError, match=r"no importer for suffix '\.pt'"):
        import_network(pickled, ImportOptions())
