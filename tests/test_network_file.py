"""accelsim's own network file: any network comes back as it was written, and no damaged file does harm."""

import dataclasses
import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from extra_neurons import Burster, Gate
from functional_builders import random_events, random_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import AccelsimError, NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.key import trace_key
from accelsim.functional.numerics import Numerics
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions
from accelsim.network.network_file import write_network
from accelsim.network.workload import load_workload, workload_names
from accelsim.neurons.model import NEURON_MODELS

NONE = ImportOptions()
WIDTHS = {True: Numerics(24, 32), False: Numerics(None, None)}


@pytest.fixture(scope="module", autouse=True)
def more_models():
    """The models of the random graphs, known for the time of these tests."""
    NEURON_MODELS.get("if")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(NEURON_MODELS._items, "burster", Burster)
        patch.setitem(NEURON_MODELS._items, "gate", Gate)
        yield


def _again(network, folder):
    path = folder / "network.snn"
    write_network(network, path)
    return import_network(path, NONE)


def _same(ours, theirs):
    """Compare every field, arrays by value and type."""
    if isinstance(ours, np.ndarray):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    elif dataclasses.is_dataclass(ours):
        assert type(ours) is type(theirs)
        for item in dataclasses.fields(ours):
            if item.name != "provenance":
                _same(getattr(ours, item.name), getattr(theirs, item.name))
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            _same(value, theirs[key])
    elif isinstance(ours, tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            _same(one, other)
    else:
        assert ours == theirs


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), integer=st.booleans(), readout=st.booleans())
def test_any_network_gives_the_same_spikes_again(tmp_path_factory, seed, integer, readout):
    network = random_graph(seed, integer=integer, readout=readout)
    again = _again(network, tmp_path_factory.mktemp("snn"))
    _same(network, again)
    events = random_events(seed, network.input.size, integer=integer)
    limits = WIDTHS[integer]
    first, second = (execute(item, events, limits, 1) for item in (network, again))
    assert first.key == second.key
    assert (first.output == second.output).all()
    for name, population in network.populations.items():
        assert (first.dense(name, population.size) == second.dense(name, population.size)).all()


@pytest.mark.parametrize("name", NEURON_MODELS.names())
def test_every_neuron_model_is_written(tmp_path, name):
    model = NEURON_MODELS.get(name).example(5)
    network = random_graph(1, integer=np.issubdtype(model.dtype, np.integer))
    edge = network.incoming(network.output.name)[0]
    source = Population(edge.source, (edge.connection.n_source,), None)
    connection = dataclasses.replace(
        edge.connection,
        rows=np.ones((1, 5), dtype=model.dtype),
        channel=np.zeros((1, 5), np.int32),
        run_row=np.zeros_like(edge.connection.run_row),
        run_start=np.zeros_like(edge.connection.run_start),
        n_target=5,
    )
    populations = {source.name: source, "n": Population("n", (5,), model)}
    network = Network("one", populations, (Projection(source.name, "n", connection),), 1e-3)
    _same(network, _again(network, tmp_path))


@pytest.mark.parametrize("name", workload_names())
def test_bundled_workloads_quantised_and_not(tmp_path, name):
    recorded = load_workload(name, samples=1).recording is not None
    for overrides in ((),) if recorded else ((), ("network.quantize=none",)):
        load = load_workload(name, samples=1, overrides=overrides)
        again = _again(load.network, tmp_path)
        _same(load.network, again)
        assert trace_key(load.network, load.events, WIDTHS[load.network.integer]) == trace_key(
            again, load.events, WIDTHS[load.network.integer]
        )
        assert again.provenance == json.loads(json.dumps(load.network.provenance))


FILES = [
    ("lava_dl/pilotnet_lif/network.net", NONE),
    ("lava_dl/mnist/trained_mnist_network.net", NONE),
    ("lava_dl/tinynet/tiny.net", NONE),
    ("nir_paper/02_cnn/cnn_sinabs.nir", ImportOptions("sinabs")),
    ("nir_paper/03_rnn/braille_noDelay_bias_zero.nir", ImportOptions("snntorch")),
    ("nir_paper/01_lif/lif_norse.nir", ImportOptions("norse", dt=1e-4)),
    ("oracles/snntorch/snntorch_conv_mnist.nir", ImportOptions("snntorch")),
    ("oracles/sinabs/sinabs_iaf_multi.nir", ImportOptions("sinabs")),
    ("oracles/sinabs/sinabs_lif.nir", ImportOptions("sinabs")),
    ("oracles/norse/norse_lif_dt1.nir", ImportOptions("norse")),
    ("oracles/spikingjelly/IF_hard.nir", ImportOptions("spikingjelly")),
]


@pytest.mark.parametrize(("name", "options"), FILES)
def test_networks_of_others(tmp_path, shared_data, name, options):
    network = import_network(shared_data / name, options)
    _same(network, _again(network, tmp_path))


def test_shared_kernels_are_stored_once(tmp_path):
    load = load_workload("mnist_conv", samples=1)
    twice = dataclasses.replace(load.network, projections=load.network.projections)
    write_network(twice, tmp_path / "n.snn")
    with np.load(tmp_path / "n.snn", allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        stored = {name: file[name].shape for name in file.files}
    conv = load.network.projections[0].connection
    assert conv.shape.kind == "conv" and stored["connection0.rows"] == conv.rows.shape
    assert len(header["connections"]) == len(load.network.projections)
    assert (tmp_path / "n.snn").read_bytes() == (write_network(twice, tmp_path / "m.snn"), tmp_path / "m.snn")[
        1
    ].read_bytes()


def _edited(tmp_path, change):
    """Write a network, with its header or its arrays changed."""
    path = tmp_path / "n.snn"
    write_network(random_graph(3, integer=True), path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    if "header" in arrays:
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def _at(*steps):
    def change(header, _):
        *path, last, value = steps
        for step in path:
            header = header[step]
        header[last] = value

    return change


def _array(key, value):
    def change(_, arrays):
        arrays[key] = value(arrays[key])

    return change


REFUSED = [
    (_at("version", 2), "expected format 'accelsim network', version 1"),
    (_at("format", "x"), "expected format 'accelsim network', version 1"),
    (_at("dt", -1.0), "dt: expected a positive time"),
    (_at("name", 3), "name: expected str, got 3"),
    (_at("populations", 5), "populations: expected list, got 5"),
    (_at("populations", []), "populations: expected at least one"),
    (_at("populations", 1, "shape", [1 << 40]), r"populations\[1\]: shape: expected"),
    (_at("populations", 1, "shape", [3, "x"]), r"populations\[1\]: shape: expected a whole number"),
    (_at("populations", 1, "name", "in"), r"populations\[1\]: name: 'in' occurs twice"),
    (_at("populations", 1, "model", None), r"populations\[1\]: model: expected a neuron model"),
    (_at("populations", 1, "model", "name", "hodgkin"), "unknown neuron model 'hodgkin'"),
    (_at("populations", 1, "model", "parameters", {}), "expected threshold"),
    (_at("populations", 1, "model", "parameters", "threshold", 3), "threshold: expected an? .*, got 3"),
    (_at("connections", 0, "bits", 99), r"connections\[0\]: bits: expected 1..16, got 99"),
    (_at("connections", 0, "n_source", True), r"connections\[0\]: n_source: expected a whole number"),
    (_at("connections", 0, "shape", {"kind": "dense"}), r"connections\[0\]: shape: expected kind"),
    (_at("connections", 0, "rows", "gone"), "expected an array 'gone'"),
    (_at("connections", 0, "rows", None), "expected the name of an array, got None"),
    (_at("projections", 0, "delay", -1), r"projections\[0\]: delay: expected a whole number"),
    (_at("projections", 0, "delay", 1 << 20), "expected a delay of 0..4096"),
    (_at("projections", 0, "connection", 99), r"projections\[0\]: connection: expected 0.."),
    (_at("projections", 0, "target", "nobody"), "population 'nobody' does not exist"),
    (_array("connection0.run_start", lambda x: x + 1000), r"connections\[0\]: run_start: expected 0.."),
    (_array("connection0.run_row", lambda x: x - 1000), r"connections\[0\]: run_row: expected 0.."),
    (_array("connection0.run_ptr", lambda x: x[::-1].copy()), r"connections\[0\]: run_ptr: expected"),
    (_array("connection0.rows", lambda x: x.astype(np.float64)), r"connections\[0\]: rows: expected int32 or float32"),
    (_array("connection0.rows", lambda x: x * 100_000), r"connections\[0\]: rows: expected integers of 8 bit"),
    (_array("connection0.channel", lambda x: x + 10**6), r"connections\[0\]: channel: expected"),
    (lambda _, arrays: arrays.pop("header"), "expected an array 'header'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_a_file_must_not_hold(tmp_path, change, message):
    path = _edited(tmp_path, change)
    with pytest.raises(AccelsimError, match=message) as caught:
        import_network(path, NONE)
    assert str(caught.value).startswith(str(path)) or "unknown neuron model" in message


def test_nothing_is_unpickled(tmp_path):
    """An array of objects is a pickle, and a pickle runs what it likes."""

    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('a pickle was loaded')",))

    path = tmp_path / "n.snn"
    write_network(random_graph(3), path)
    with zipfile.ZipFile(path, "a") as file:
        raw = io.BytesIO()
        np.lib.format.write_array_header_1_0(raw, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        raw.write(pickle.dumps(np.array([Trap()], dtype=object)))
        file.writestr("trap.npy", raw.getvalue())
    assert import_network(path, NONE).name == "graph"
    path = _edited(tmp_path, _at("connections", 0, "rows", "trap"))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("trap.npy", raw.getvalue())
    with pytest.raises(NetworkError, match=r"trap: .* not a plain array: expected numbers, got object"):
        import_network(path, NONE)


def test_choices_that_the_file_makes_itself_are_refused(tmp_path):
    write_network(random_graph(3), tmp_path / "n.snn")
    with pytest.raises(NetworkError, match="dialect: expected nothing, format accelsim states"):
        import_network(tmp_path / "n.snn", ImportOptions("euler"))
