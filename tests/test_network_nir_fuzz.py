"""Damaged and absurd NIR files: a network or a NetworkError, in bounded time and memory, never anything else."""

import itertools
import time
import tracemalloc

import h5py
import numpy as np
import pytest
from framework_recordings import archive
from network_builders import conv2d, flatten, lif, neuron_if, pool, write_graph

from accelsim.errors import NetworkError
from accelsim.network.importers.importer import ImportOptions, import_network

KINDS = ("Affine", "AvgPool2d", "Conv1d", "Conv2d", "CubaLI", "CubaLIF", "Delay", "Flatten", "I", "IF", "Input", "LI",
         "LIF", "Linear", "NIRGraph", "Output", "Scale", "SumPool2d", "Threshold", "Conv3d")  # fmt: skip
OPTIONS = (
    ImportOptions("euler", 1e-4, "zero", ">"),
    ImportOptions("nir-strict", 1e-4),
    *(ImportOptions(name) for name in ("norse", "rockpool", "sinabs", "snntorch", "spikingjelly", "spyx")),
)
MOST_SECONDS = 30.0
MOST_BYTES = 2 << 30
"""What a small file may make the importer hold: far above any of these networks, below what a size in it may claim."""


def seeds(folder):
    """Write three files: a recurrent one, a convolutional one, and one with nearly every node."""
    paths = []
    for name in ("snntorch_rleaky_subtract_late", "sinabs_iaf_multi"):
        paths.append(folder / f"{name}.nir")
        paths[-1].write_bytes(archive()[f"nir/{name}"].tobytes())
    nodes = {
        "input": ("Input", {"shape": (2, 8, 8)}),
        "conv": conv2d(np.ones((4, 2, 3, 3), np.float32), padding=(1, 1), input_shape=(8, 8)),
        "pool": pool("AvgPool2d", (2, 2)),
        "hidden": lif((4, 4, 4)),
        "wait": ("Delay", {"delay": np.full((4, 4, 4), 1e-4)}),
        "scale": ("Scale", {"scale": np.ones((4, 1, 1))}),
        "flat": flatten((4, 4, 4)),
        "fc": ("Affine", {"weight": np.ones((5, 64), np.float32), "bias": np.ones(5, np.float32)}),
        "last": neuron_if((5,)),
        "back": ("Linear", {"weight": np.eye(5)}),
        "output": ("Output", {"shape": (5,)}),
    }
    forward = [name for name in nodes if name != "back"]
    edges = [*itertools.pairwise(forward), ("last", "back"), ("back", "last")]
    return [*paths, write_graph(folder / "every.nir", nodes, edges)]


def change(path, rng):
    """Change one to three things in the graph of a file."""
    with h5py.File(path, "r+") as file:
        nodes = file["node/nodes"]
        for _ in range(rng.integers(1, 4)):
            name = str(rng.choice(list(nodes)))
            _change(file, nodes[name], str(rng.choice(list(nodes[name]) or ["none"])), rng)


def _put(group, key, value):
    if key in group:
        del group[key]
    group[key] = value


def _change(file, group, key, rng):
    kind = rng.integers(9)
    data = group.get(key)
    numeric = isinstance(data, h5py.Dataset) and key != "type" and data.dtype.kind in "fi" and data.size
    if kind == 0 and key in group:
        del group[key]
    elif kind == 1:
        _put(group, "type", str(rng.choice(KINDS)))
    elif kind == 2 and numeric:
        shape = tuple(int(size) for size in rng.choice([0, 1, 2, 7, 64, 1000, 20_000], rng.integers(0, 4)))
        del group[key]  # stored in chunks, none of which is written: a huge shape takes no space
        group.create_dataset(key, shape=shape, dtype="f4", chunks=True if shape and 0 not in shape else None)
    elif kind == 3 and numeric:
        factor = rng.choice([0.0, -1.0, 1e30, 1e-30, np.nan, np.inf, 2.5])
        with np.errstate(all="ignore"):
            _put(group, key, data[()] * factor)
    elif kind == 4 and "shape" in group:
        _put(group, "shape", rng.choice([0, 1, 3, 8192, 10**7, -4, 2**40], rng.integers(1, 5)))
    elif kind == 5:
        edges = file["node/edges"][()]
        edges[rng.integers(len(edges)), rng.integers(2)] = rng.choice([*file["node/nodes"], "ghost", ""]).encode()
        _put(file["node"], "edges", edges.astype(h5py.string_dtype()))
    elif kind == 6:
        ends = [str(end) for end in rng.choice(list(file["node/nodes"]), 2)]
        edges = [*file["node/edges"].asstr()[()].tolist(), ends]
        _put(file["node"], "edges", np.array(edges, dtype=object).astype(h5py.string_dtype()))
    elif kind == 7:
        for item, values in (("stride", [-1, 0, 3]), ("padding", [1, 1000, 10**8]), ("dilation", [0, 5, 10**6])):
            if item in group:
                _put(group, item, [int(rng.choice(values))] * 2)
    elif key in group:
        _put(group, key, "text")


def damaged(path, rng):
    """Damage a file in place: flipped bytes, cut short, or another graph."""
    kind = rng.integers(4)
    content = bytearray(path.read_bytes())
    if kind == 0:
        for place in rng.integers(len(content), size=rng.integers(1, 20)):
            content[place] = rng.integers(256)
        path.write_bytes(content)
    elif kind == 1:
        path.write_bytes(content[: rng.integers(len(content))])
    else:
        change(path, rng)


@pytest.mark.parametrize("part", range(4))
def test_mutated_files(tmp_path, part):
    rng = np.random.default_rng(part)
    originals = [path.read_bytes() for path in seeds(tmp_path)]
    networks = 0
    path = tmp_path / "mutated.nir"
    tracemalloc.start()
    try:
        for _ in range(50):
            path.write_bytes(originals[rng.integers(len(originals))])
            damaged(path, rng)
            begin = time.monotonic()
            try:
                networks += import_network(path, OPTIONS[rng.integers(len(OPTIONS))]).neurons > 0
            except NetworkError as error:
                assert str(error)
            assert time.monotonic() - begin < MOST_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert networks < 50


def test_the_unchanged_files_are_networks(tmp_path):
    recurrent, convolutional, every = seeds(tmp_path)
    assert import_network(recurrent, ImportOptions("snntorch")).neurons == 17
    assert import_network(convolutional, ImportOptions("sinabs")).neurons == 74
    assert import_network(every, ImportOptions("euler", 1e-4, "zero", ">")).neurons == 69


def test_paths_are_bounded(tmp_path):
    """Twenty diamonds of linear nodes in a row would be a million paths."""
    eye = {"weight": np.eye(2)}
    nodes = {"input": ("Input", {"shape": (2,)}), "n": neuron_if((2,)), "output": ("Output", {"shape": (2,)})}
    edges, last = [("n", "output")], "input"
    for stage in range(20):
        for name in ("a", "b", "c"):
            nodes[f"{name}{stage}"] = "Linear", eye
        edges += [(last, f"a{stage}"), (last, f"b{stage}"), (f"a{stage}", f"c{stage}"), (f"b{stage}", f"c{stage}")]
        last = f"c{stage}"
    path = write_graph(tmp_path / "n.nir", nodes, [*edges, (last, "n")])
    with pytest.raises(NetworkError, match=r"node 'n' \(IF\): more than 1024 paths lead to it"):
        import_network(path, OPTIONS[0])


def test_nesting_is_bounded(tmp_path):
    path = write_graph(tmp_path / "n.nir", {"input": ("Input", {"shape": (2,)})}, [("input", "g")])
    with h5py.File(path, "r+") as file:
        inner = file["node/nodes"].create_group("g")
        inner["type"], inner["edges"], inner["nodes"] = "NIRGraph", file["node/edges"][()], file["node/nodes"]
    with pytest.raises(NetworkError, match=r"nested more than 8 deep|nodes, the limit is"):
        import_network(path, OPTIONS[0])
