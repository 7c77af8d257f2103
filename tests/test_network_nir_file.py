"""Damaged, oversized and foreign network files end in one clear error, never in a traceback."""

import contextlib

import h5py
import numpy as np
import pytest
from network_builders import chain, neuron_if, write_graph

from accelsim.errors import AccelsimError, NetworkError
from accelsim.network.importers import hdf5_file, nir_file
from accelsim.network.importers.hdf5_text import TextReader
from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.network.importers.nir_file import read_nir

OPTIONS = ImportOptions("snntorch", 1e-4, "subtract", ">", reset_delay=False)


@pytest.fixture
def line(tmp_path):
    """A small valid file."""
    return chain(tmp_path / "n.nir", (2,), {"a": ("Linear", {"weight": np.eye(2)})}, neuron_if((2,)), (2,))


@pytest.fixture(scope="module")
def real(shared_data):
    return (shared_data / "oracles" / "snntorch" / "snntorch_conv_mnist.nir").read_bytes()


@pytest.mark.parametrize("part", range(20))
def test_a_truncated_file_is_an_error(tmp_path, real, part):
    path = tmp_path / "cut.nir"
    path.write_bytes(real[: len(real) * part // 20])
    with pytest.raises(AccelsimError, match=r"truncated or corrupt|expected an HDF5 file"):
        import_network(path, OPTIONS)


@pytest.mark.parametrize("place", range(40))
def test_a_corrupted_file_is_an_error_or_still_a_network(tmp_path, real, place):
    rng = np.random.default_rng(place)
    damaged = bytearray(real)
    start = int(rng.integers(8, len(real) - 64)) if place % 2 else int(rng.integers(8, 12_000))
    damaged[start : start + 16] = rng.bytes(16)
    path = tmp_path / "bad.nir"
    path.write_bytes(damaged)
    try:
        network = import_network(path, OPTIONS)
    except AccelsimError as error:
        assert str(error).startswith((str(path), "dialect"))
    else:
        assert network.output.size == 10


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(NetworkError, match=r"gone.nir: cannot read the network file: No such file or directory"):
        read_nir(tmp_path / "gone.nir")
    with pytest.raises(NetworkError, match="cannot read the network file: Is a directory"):
        read_nir(tmp_path)


@pytest.mark.parametrize(("content", "got"), [(b"", "an empty file"), (b"PK\x03\x04 not hdf5", "another format")])
def test_another_format_says_so(tmp_path, content, got):
    path = tmp_path / "x.nir"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=rf"expected an HDF5 file \(NIR\), got {got}"):
        read_nir(path)


def test_hdf5_that_is_no_nir_says_so(tmp_path):
    path = tmp_path / "x.nir"
    with h5py.File(path, "w") as file:
        file["weights"] = np.ones(3)
    with pytest.raises(
        NetworkError, match="an HDF5 file, but no NIR graph: expected the group 'node' with nodes and edges"
    ):
        read_nir(path)


def _edit(path, change):
    with h5py.File(path, "a") as file:
        change(file["node"])


def _replace(group, key, value):
    del group[key]
    group[key] = value


def _huge(root):
    root["nodes/a"].create_dataset("extra", shape=(1 << 20, 1 << 20), dtype="f4", chunks=(1024, 1024))


def _external(root):
    root["nodes/a"].create_dataset("extra", shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)])


def _external_link(root):
    root["nodes/a/extra"] = h5py.ExternalLink("other.nir", "/node")


def _soft_link(root):
    root["nodes/b"] = h5py.SoftLink("/node")


def _virtual(root):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
    root["nodes/a"].create_virtual_dataset("extra", layout)


def _drop_type(root):
    del root["nodes/a/type"]


EDITS = [
    (_huge, r"node 'a': extra: 1099511627776 elements of shape \(1048576, 1048576\), the limit is 268435456"),
    (_external, "node 'a': extra: stored outside the file"),
    (_external_link, "'extra' is a link; expected the data inside the file"),
    (_soft_link, "'b' is a link; expected the data inside the file"),
    (_virtual, "node 'a': extra: stored outside the file"),
    (
        lambda root: _replace(root["nodes/a"], "type", "x" * 70_000),
        "node .a.: type: a text of 70000 characters, the limit is 65536",
    ),
    (_drop_type, "node 'a': expected a group with a 'type'"),
    (lambda root: _replace(root, "edges", np.zeros(3)), "expected edges as a list of pairs of node names"),
    (lambda root: _replace(root, "edges", np.zeros((3, 2))), "edges: expected text, got float64"),
    (lambda root: _replace(root, "nodes", np.zeros(3)), "expected the group 'node/nodes', got a dataset"),
    (lambda root: _replace(root["nodes/a"], "type", 3), "node 'a': type: expected text, got"),
    (
        lambda root: _replace(root["nodes/a"], "weight", 1j),
        "node 'a': weight: expected numbers, got data of type complex128",
    ),
    (
        lambda root: _replace(root["nodes/a"], "weight", ["x", "y"]),
        "node 'a': weight: expected numbers or one text, got 2 texts",
    ),
    (
        lambda root: _replace(root["nodes/a"], "weight", h5py.Empty("f4")),
        "node 'a': weight: expected data, got an empty dataset",
    ),
    (lambda root: root["nodes"].create_group("n" * 201), "a node name has 201 characters, the limit is 200"),
]


@pytest.mark.parametrize(("change", "message"), EDITS)
def test_what_a_file_must_not_hold(line, change, message):
    _edit(line, change)
    with pytest.raises(NetworkError, match=message) as caught:
        read_nir(line)
    assert str(caught.value).startswith(str(line))


def test_limit_on_all_bytes_together(line, monkeypatch):
    monkeypatch.setattr(hdf5_file, "MAX_TOTAL_BYTES", 70)  # the weight alone has 32, the three arrays of the neurons 48
    with pytest.raises(
        NetworkError, match=r"node 'n.*': .*: the file holds more than 70 bytes of parameters, which is"
    ):
        read_nir(line)


def test_limits_on_nodes_and_edges(line, monkeypatch):
    monkeypatch.setattr(nir_file, "MAX_EDGES", 2)
    with pytest.raises(NetworkError, match="3 edges, the limit is 2"):
        read_nir(line)
    monkeypatch.setattr(nir_file, "MAX_NODES", 3)
    with pytest.raises(NetworkError, match="4 nodes, the limit is 3"):
        read_nir(line)


def test_an_input_too_large_to_hold_is_refused(tmp_path):
    nodes = {"input": ("Input", {"shape": (1 << 20, 1 << 20, 4)}), "output": ("Output", {"shape": (2,)})}
    nodes |= {"a": ("Scale", {"scale": np.float64(1)}), "n": neuron_if((2,))}
    path = write_graph(tmp_path / "n.nir", nodes, [("input", "a"), ("a", "n"), ("n", "output")])
    with pytest.raises(
        NetworkError, match=r"node 'input' \(Input\): shape: 4398046511104 neurons, the limit is 67108864"
    ):
        import_network(path, ImportOptions("euler", 1.0, "subtract", ">"))


def test_metadata_is_kept_in_the_provenance(line):
    _edit(line, lambda root: root["nodes/a"].create_group("metadata").update({}))
    with h5py.File(line, "a") as file:
        file["node/nodes/a/metadata/bits"] = 8
        file["node/nodes/a/metadata/scale"] = 0.5
        file["node/nodes/a/metadata/tool"] = "trainer"
    network = import_network(line, ImportOptions("euler", 1.0, "subtract", ">"))
    assert network.provenance["weights"]["a"] == {"stored": "float64", "bits": 8, "scale": 0.5, "tool": "trainer"}


def test_texts_agree_with_the_library(line):
    names = ["", "a", "\u00e4" * 40, "x" * 4000]
    with h5py.File(line, "a") as file:
        file["many"] = np.array([names, names[::-1]], dtype=object).astype(h5py.string_dtype())
    with h5py.File(line) as file:
        assert TextReader(line).read(file["many"]) == [item.decode() for item in file["many"][()].ravel()]


def test_fixed_length_texts_are_read(line):
    _edit(line, lambda root: _replace(root["nodes/a"], "type", np.bytes_(b"Linear")))
    _edit(
        line,
        lambda root: _replace(root, "edges", np.array([[b"input", b"a"], [b"a", b"neurons"], [b"neurons", b"output"]])),
    )
    graph = read_nir(line)
    assert graph.nodes["a"].type == "Linear" and graph.edges[1] == ("a", "neurons")


def test_a_damaged_heap_of_texts_is_an_error(line):
    """The library itself may never return from one; here every object is bounded by the file."""
    whole = line.read_bytes()
    heap = whole.index(b"GCOL")
    for place in range(heap, heap + 200):
        for value in (0, 255):
            damaged = bytearray(whole)
            damaged[place] = value
            line.write_bytes(damaged)
            with contextlib.suppress(NetworkError):
                assert len(read_nir(line).nodes) == 4
    with h5py.File(line.with_name("block.nir"), "w", userblock_size=512) as file:
        file["node"] = 1
    with pytest.raises(NetworkError, match="expected a plain HDF5 file, got one behind 512 other bytes"):
        read_nir(line.with_name("block.nir"))
