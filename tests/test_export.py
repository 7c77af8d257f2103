"""Networks as NIR files and as accelsim's own: read back, they are the same network or were refused."""

import shutil

import numpy as np
import pytest
from functional_builders import random_events
from network_builders import chain, conv2d, flatten, lif, neuron_if, pool, write_graph
from ruamel.yaml import YAML
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import AccelsimError, ConfigError, NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.exporting import export_workload
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions
from accelsim.network.nir_export import write_nir
from accelsim.network.workload import load_workload, workload_folder
from accelsim.pipeline.check import check

FLOATS = Numerics(None, None)


def _spikes(network, seed=0):
    events = random_events(seed, network.input.size, integer=False, rate=0.4)
    trace = execute(network, events, FLOATS, 1)
    return {name: trace.dense(name, item.size) for name, item in network.populations.items()}


def _same_spikes(one, other):
    ours, theirs = _spikes(one), _spikes(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert (value == theirs[name]).all(), name
    return ours


FILES = [
    ("nir_paper/02_cnn/cnn_sinabs.nir", ImportOptions("sinabs")),
    ("nir_paper/03_rnn/braille_noDelay_bias_zero.nir", ImportOptions("snntorch")),
    ("nir_paper/01_lif/lif_norse.nir", ImportOptions("norse", dt=1e-4)),
    ("oracles/snntorch/snntorch_conv_mnist.nir", ImportOptions("snntorch")),
    ("oracles/snntorch/snntorch_conv_mnist.nir", ImportOptions("snntorch", reset="zero", reset_delay=False)),
    ("oracles/snntorch/snntorch_conv_mnist.nir", ImportOptions("spyx", 1e-4)),
    ("oracles/snntorch/snntorch_conv_mnist.nir", ImportOptions("euler", 1e-4, "subtract", ">=")),
    ("oracles/sinabs/sinabs_iaf_multi.nir", ImportOptions("sinabs", membrane_floor="-threshold")),
    ("oracles/sinabs/sinabs_lif.nir", ImportOptions("sinabs", spike_mode="single")),
    ("oracles/norse/norse_lif_dt1.nir", ImportOptions("norse")),
    ("oracles/spikingjelly/IF_hard.nir", ImportOptions("spikingjelly")),
]


@pytest.mark.parametrize(("name", "options"), FILES)
def test_published_networks_come_back_without_a_dialect_stated(tmp_path, shared_data, name, options):
    network = import_network(shared_data / name, options)
    write_nir(network, tmp_path / "n.nir")
    again = import_network(tmp_path / "n.nir", ImportOptions())
    _same_spikes(network, again)


def _layers(rng):
    return {
        "c": conv2d(rng.normal(size=(4, 2, 3, 3)).astype("f4"), rng.normal(size=4).astype("f4"), padding=(1, 1)),
        "n": neuron_if((4, 8, 8)),
        "p": pool("SumPool2d", (2, 2)),
        "c2": conv2d(rng.normal(size=(6, 2, 3, 1)).astype("f4"), stride=(2, 1), dilation=(1, 2), groups=2),
        "n2": neuron_if((6, 1, 4)),
        "f": flatten((6, 1, 4)),
        "d": ("Affine", {"weight": rng.normal(size=(5, 24)).astype("f4"), "bias": rng.normal(size=5).astype("f4")}),
    }


def test_geometry_of_convolutions_and_pools_is_kept(tmp_path):
    path = chain(tmp_path / "a.nir", (2, 8, 8), _layers(np.random.default_rng(0)), neuron_if((5,)), (5,))
    network = import_network(path, ImportOptions("euler", 1.0, "subtract", ">"))
    write_nir(network, tmp_path / "b.nir")
    again = import_network(tmp_path / "b.nir", ImportOptions())
    assert any(value.any() for value in _same_spikes(network, again).values())
    for one, other in zip(network.projections, again.projections, strict=True):
        assert one.connection.geometry == other.connection.geometry
        assert one.connection.shape == other.connection.shape
        assert (one.connection.run_start == other.connection.run_start).all()


def test_delays_skips_and_recurrence_are_kept(tmp_path):
    rng = np.random.default_rng(1)
    weight = {"weight": rng.normal(size=(4, 4)).astype("f4")}
    nodes = {
        "input": ("Input", {"shape": (4,)}), "a": ("Linear", weight), "one": lif((4,)), "b": ("Linear", weight),
        "delay": ("Delay", {"delay": np.full(4, 3e-4)}), "two": lif((4,)), "skip": ("Linear", weight),
        "back": ("Linear", weight), "output": ("Output", {"shape": (4,)}),
    }  # fmt: skip
    edges = [("input", "a"), ("a", "one"), ("one", "b"), ("b", "delay"), ("delay", "two"), ("input", "skip"),
             ("skip", "two"), ("two", "back"), ("back", "two"), ("two", "output")]  # fmt: skip
    path = write_graph(tmp_path / "a.nir", nodes, edges)
    network = import_network(path, ImportOptions("euler", 1e-4, "zero", ">"))
    write_nir(network, tmp_path / "b.nir")
    again = import_network(tmp_path / "b.nir", ImportOptions())
    delays = {(edge.source, edge.target): edge.delay for edge in again.projections}
    assert delays == {("input", "one"): 0, ("one", "two"): 3, ("input", "two"): 0, ("two", "two"): 1}
    _same_spikes(network, again)


def test_what_nir_cannot_hold_is_refused(tmp_path, shared_data):
    network = import_network(shared_data / "lava_dl" / "tinynet" / "tiny.net", ImportOptions())
    with pytest.raises(NetworkError, match=r"NIR has no integer arithmetic; export it as \.snn"):
        write_nir(network, tmp_path / "n.nir")
    folder = shared_data / "nir_paper" / "03_rnn"
    network = import_network(folder / "braille_noDelay_bias_zero.nir", ImportOptions("norse", dt=1e-4))
    with pytest.raises(NetworkError, match=r"NIR cannot hold|NIR holds"):
        write_nir(network, tmp_path / "n.nir")
    assert not list(tmp_path.iterdir())


def _run(*arguments):
    return CliRunner().invoke(build(), list(map(str, arguments)))


def test_a_workload_goes_through_both_formats(tmp_path):
    for name in ("n.snn", "n.nir"):
        result = _run("export", "mnist_conv", "-o", tmp_path / name)
        assert result.exit_code == 0, result.output
    own = import_network(tmp_path / "n.snn", ImportOptions())
    load = load_workload("mnist_conv", samples=2)
    assert own.integer and own.provenance["quantization"] == load.network.provenance["quantization"]
    floats = load_workload("mnist_conv", samples=1, overrides=["network.quantize=none"]).network
    _same_spikes(floats, import_network(tmp_path / "n.nir", ImportOptions()))
    result = _run("export", "mnist_conv", "-o", tmp_path / "n.onnx")
    assert isinstance(result.exception, AccelsimError) and "ends in .snn or .nir" in str(result.exception)


def test_import_writes_a_workload_that_runs(tmp_path, shared_data):
    folder = shared_data / "oracles"
    spikes = folder / "snntorch" / "snntorch_subtract_nodelay.npz"
    result = _run(
        "import", folder / "sinabs" / "sinabs_iaf_multi.nir", "-o", tmp_path / "w", "--dialect", "sinabs",
        "--spike-mode", "single", "--input", spikes, "--labels", f"{spikes}:labels",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    load = load_workload(tmp_path / "w")
    assert load.events.samples == 32 and load.labels is not None and load.timesteps == 16
    assert load.provenance["network"]["choices"]["spike_mode"] == {"value": "single", "from": "stated by the user"}
    text = " ".join(result.output.split())
    for words in ("stated by the user", "default of the framework", "72,488 synapses", "weights stay float32"):
        assert words in text
    again = _run("import", folder / "sinabs" / "sinabs_iaf_multi.nir", "-o", tmp_path / "w", "--dialect", "sinabs")
    assert "expected a folder that does not exist yet" in str(again.exception)


def test_import_keeps_a_grid_as_integers(tmp_path, repository):
    source = repository / "workloads" / "mnist_conv" / "network.nir"
    stated = ["--dialect", "euler", "--dt", "100 us", "--reset", "subtract", "--threshold-op", ">"]
    result = _run("import", source, "-o", tmp_path / "w", *stated)
    assert result.exit_code == 0, result.output
    assert "integers" in result.output and "quantize: grid" in (tmp_path / "w" / "workload.yaml").read_text()
    assert "no input: add input, timesteps and decoding" in " ".join(result.output.split())
    digits = repository / "workloads" / "mnist_conv" / "digits-idx3-ubyte.gz"
    given = ["--input", digits, "--timesteps", "4", "--set", "input.encoding=poisson", "--set", "input.rate=0.5"]
    result = _run("import", source, "-o", tmp_path / "x", *stated, *given, "--set", "input.seed=1",
                  "--prune", "magnitude,sparsity=0.5,scope=layer", "--quantize", "8,granularity=channel")  # fmt: skip
    assert result.exit_code == 0, result.output
    load = load_workload(tmp_path / "x", samples=2)
    assert load.network.integer and load.timesteps == 4


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--input", "DIGITS"], "expected --set input.encoding="),
        (["--input", "DIGITS", "--set", "input.encoding=latency"], "expected --timesteps N"),
        (["--dt", "3"], "--dt: expected a time such as"),
        (["--quantize", "8,granularity"], "expected values such as key=value"),
        (["--reset", "soft"], "reset: expected"),
        (["--set", "x"], "expected PATH=VALUE"),
        (["--quantize", "99"], "network.quantize"),
        (["--prune", "magnitude"], "expected sparsity with method magnitude"),
        (["--format", "onnx"], "unknown importer 'onnx'"),
    ],
)
def test_mistakes_of_an_import_leave_nothing(tmp_path, repository, extra, message):
    source = repository / "workloads" / "mnist_conv"
    extra = [source / "digits-idx3-ubyte.gz" if item == "DIGITS" else item for item in extra]
    stated = ["--dialect", "euler", "--dt", "100 us", "--reset", "subtract", "--threshold-op", ">"]
    result = _run("import", source / "network.nir", "-o", tmp_path / "w", *stated, *extra)
    assert isinstance(result.exception, AccelsimError), result.output
    assert message in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_workload_without_input_is_checked_and_exported(tmp_path):
    """The way of someone who asks only whether it fits; to run it, the input is missed by name."""
    (tmp_path / "w").mkdir()
    shutil.copy(workload_folder() / "mnist_conv" / "network.nir", tmp_path / "w")
    text = (workload_folder() / "mnist_conv" / "workload.yaml").read_text()
    data = YAML(typ="safe").load(text)
    for key in ("input", "labels", "timesteps"):
        del data[key]
    with (tmp_path / "w" / "workload.yaml").open("w") as file:
        YAML().dump(data, file)
    assert check("core", tmp_path / "w").problem == check("core", "mnist_conv").problem == ""
    assert "integers" in export_workload(str(tmp_path / "w"), tmp_path / "n.snn")
    with pytest.raises(ConfigError, match="input: expected a value, got nothing"):
        load_workload(tmp_path / "w")
