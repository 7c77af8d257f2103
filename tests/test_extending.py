"""The newcomer's test: one file outside the package adds a neuron, a format or a topology, and both engines run it.

The files are those of docs/extending.md, letter for letter. They are loaded as a user loads them, with ``--plugin``.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.errors import AccelsimError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.hardware.topologies.topology import TOPOLOGIES, build_fabric
from accelsim.mapping.mapping import map_network
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.importer import IMPORTERS
from accelsim.neurons.lif import LIF
from accelsim.neurons.model import NEURON_MODELS
from accelsim.pipeline.plugins import load_plugin
from accelsim.result.serialize import from_json
from accelsim.testing.contract import ContractError
from accelsim.testing.neuron_model import check_neuron_model
from accelsim.testing.topology import check_topology
from accelsim.testing.weight_format import check_weight_format
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
FILES = {name: ROOT / "examples" / "extending" / f"toy_{name}.py" for name in ("neuron", "format", "topology")}
TREE = ("noc.topology=heap", "noc.size=[16]", "ports[0].router=[0]", "ports[1].router=[15]")
REGISTRIES = (NEURON_MODELS, WEIGHT_FORMATS, TOPOLOGIES, IMPORTERS)


@pytest.fixture
def toys():
    """Load the three files as plug-ins; afterwards nothing is left in the registries."""
    kept = [(registry, registry.names(), dict(registry._items)) for registry in REGISTRIES]
    for path in FILES.values():
        load_plugin(str(path))
    yield
    for registry, _, items in kept:
        registry._items.clear()
        registry._items.update(items)
    for name in FILES:
        sys.modules.pop(f"accelsim_plugin_toy_{name}", None)


@pytest.mark.parametrize("name", FILES)
def test_the_document_holds_the_file(name):
    document = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert FILES[name].read_text(encoding="utf-8") in blocks, "docs/extending.md differs"


# --- neuron ---


def test_neuron_holds_the_contract(toys):
    check_neuron_model(NEURON_MODELS.get("linear_leak"))


def test_contract_notices_a_neuron_that_multiplies(toys):
    model = NEURON_MODELS.get("linear_leak")

    class Forgets(model):
        def quantized(self, scale):
            return dataclasses.replace(super().quantized(scale), threshold=super().quantized(2 * scale).threshold)

        def step(self, state, current, fired, limits):
            return super().step(state, current, fired, None)

    with pytest.raises(ContractError, match="leaves"):
        check_neuron_model(Forgets)


def tiny_network(model, rng):
    """Input 12 -> 20 toy neurons -> 5 LIF, integers."""
    first = dense(rng.integers(-40, 60, (20, 12)).astype(np.int32), bits=8)
    second = dense(rng.integers(-40, 60, (5, 20)).astype(np.int32), bits=8)
    hidden = model(rng.integers(0, 30, 20).astype(np.int32), rng.integers(40, 120, 20).astype(np.int32))
    output = LIF(*(np.full(5, value, np.int32) for value in (3686, 100, 0)), "subtract", ">")
    populations = {
        "in": Population("in", (12,), None),
        "hidden": Population("hidden", (20,), hidden, None, np.ones(20)),
        "out": Population("out", (5,), output, None, np.ones(5)),
    }
    return Network("tiny", populations, (Projection("in", "hidden", first), Projection("hidden", "out", second)), 1e-3)


def naive_spikes(network, active):
    """Spikes of ``hidden``, one neuron and one timestep after the other, in Python integers."""
    model, matrix = network.populations["hidden"].model, network.projections[0].connection.dense_matrix()
    samples, timesteps, _ = active.shape
    spikes = np.zeros((samples, timesteps, 20), dtype=np.uint8)
    for sample, neuron in np.ndindex(samples, 20):
        leak, threshold, v = int(model.leak[neuron]), int(model.threshold[neuron]), 0
        for step in range(timesteps):
            v = max(v - leak, 0) if v > 0 else min(v + leak, 0)
            v += sum(int(matrix[neuron, source]) for source in np.flatnonzero(active[sample, step]))
            if v >= threshold:
                v -= threshold
                spikes[sample, step, neuron] = 1
    return spikes


def assert_equal_timing(one, other):
    for field in dataclasses.fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(left, right), f"engines differ in {field.name}"


def both_engines(network, chip, events, trace):
    mapping = map_network(network, chip, events.kind, events.value_bits)
    machine = build_machine(network, chip, mapping, trace)
    compiled, reference = (simulate(machine, chip, mapping, engine, 1) for engine in ("compiled", "reference"))
    assert_equal_timing(compiled, reference)
    return mapping, compiled


def test_neuron_in_a_network_on_both_engines(toys):
    rng = np.random.default_rng(5)
    network = tiny_network(NEURON_MODELS.get("linear_leak"), rng)
    active = rng.random((3, 8, 12)) < 0.4
    events = EventStream.from_dense(active)
    chip = load_chip("small", ["core.scan=touched"]).spec
    trace = execute(network, events, Numerics(chip.core.membrane.bits, chip.core.accumulator.bits), threads=1)
    expected = naive_spikes(network, active)
    assert 0 < expected.mean() < 1
    assert np.array_equal(trace.dense("hidden", 20), expected)
    _, timing = both_engines(network, chip, events, trace)
    spikes = trace.spikes("hidden").sum() + trace.spikes("out").sum() + events.total
    assert timing.terminals["fired"].sum() == spikes


# --- weight format ---


def test_format_holds_the_contract(toys):
    check_weight_format(WEIGHT_FORMATS.get("delta"))


def test_format_by_hand(toys):
    """Header: 3 bit of count (0..7), 2 bit of width (0..3); a gap of 3 takes 2 bit; two entries of 2 + 4 bit."""
    encoded = WEIGHT_FORMATS.get("delta")().encode(np.array([[0, 5, 0, 0, 0, -1, 0]], dtype=np.int32), 4)
    assert encoded.row_bits.tolist() == [17]
    assert "".join(map(str, np.unpackbits(encoded.data)[:17])) == "010" + "10" + "01" + "0101" + "11" + "1111"


def test_contract_notices_a_format_that_loses_a_gap(toys):
    class Short(WEIGHT_FORMATS.get("delta")):
        def _read(self, stream, start, shape, bits):
            return np.roll(super()._read(stream, start, shape, bits), 1, axis=1)

    with pytest.raises(ContractError, match="rows back"):
        check_weight_format(Short)


# --- topology ---


def test_topology_holds_the_contract(toys):
    check_topology(TOPOLOGIES.get("heap"))


def test_contract_notices_a_tree_that_turns_the_wrong_way(toys):
    class Swapped(TOPOLOGIES.get("heap")):
        def next_port(self, router, target):
            port = super().next_port(router, target)
            return np.where(port > 0, 3 - port, port)

    with pytest.raises(ContractError):
        check_topology(Swapped)


@pytest.mark.parametrize("routers", [1, 2, 3, 7, 16, 31])
def test_routes_of_the_tree_are_its_paths(toys, routers):
    tree = TOPOLOGIES.get("heap")([routers])
    fabric = build_fabric(tree, [*range(routers), routers - 1])
    for source, target in np.ndindex(fabric.terminals, fabric.terminals):
        ends = [int(fabric.terminal_router[end]) + 1 for end in (source, target)]
        hops = 0
        while ends[0] != ends[1]:
            ends[ends[0] < ends[1]] >>= 1
            hops += 1
        told = tree.hops(*(fabric.terminal_router[[end]].astype(np.int64) for end in (source, target)))
        assert fabric.hops(source, target) == hops == told


def test_tree_refuses_two_dimensions(toys):
    with pytest.raises(AccelsimError, match=r"noc.size: expected one number .* got \[4, 4\]"):
        TOPOLOGIES.get("heap")([4, 4])


# --- all of it from the command line ---


def accelsim(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "accelsim", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)


def main_job(engine):
    plugins = [part for name in ("format", "topology") for part in ("--plugin", str(FILES[name]))]
    overrides = [part for text in ("core.weight_format=delta", *TREE) for part in ("--set", text)]
    made = accelsim(*plugins, "run", "--hw", "core", *overrides, "--samples", "1", "--json", "--engine", engine)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_main_job_with_plugins_on_both_engines():
    texts = [main_job(engine) for engine in ("compiled", "reference")]
    compiled, reference = map(json.loads, texts)
    assert compiled["config"]["core"]["weight_format"] == "delta"
    assert compiled["config"]["noc"]["topology"] == "heap"
    assert (compiled.pop("meta")["engine"], reference.pop("meta")["engine"]) == ("compiled", "reference")
    assert compiled == reference
    assert len(from_json(texts[0]).links) == 30  # a tree of 16 routers has 15 links each way


def test_without_the_plugin_the_names_are_unknown():
    made = accelsim("run", "--hw", "core", "--set", "core.weight_format=delta", "--samples", "1")
    assert made.returncode == 2
    assert "unknown weight format 'delta'" in made.stderr
    assert "Traceback" not in made.stderr


# --- the other kinds: the blocks of the document, as one plug-in ---


def document_blocks():
    document = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    toys = {path.read_text(encoding="utf-8") for path in FILES.values()}
    return "\n\n".join(block for block in blocks if block not in toys)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "others.py"
    path.write_text(document_blocks(), encoding="utf-8")
    return str(path)


CHOICES = {
    "mapping.partition": "pairs",
    "mapping.placement": "backwards",
    "technology.sram_source": "cacti7-doubled",
    "technology.arithmetic_source": "free-adders",
    "technology.noc_source": "dsent-low-leakage",
    "baseline.dataflow": "ws-ideal",
}


def test_main_job_with_every_kind_of_hardware_plugin(others, tmp_path):
    overrides = [part for path, name in CHOICES.items() for part in ("--set", f"{path}={name}")]
    results = []
    for extra in (["--set", "baseline.dataflow=ws"], overrides):
        made = accelsim("--plugin", others, "run", "--hw", "small", *extra, "--samples", "1", "--json")
        assert made.returncode == 0, made.stderr
        results.append(from_json(made.stdout))
    plain, changed = results
    assert changed.totals["sops"] == plain.totals["sops"]  # mapping and prices do not change the function
    assert changed.totals["accuracy"] == plain.totals["accuracy"]
    assert changed.baseline.layers["array_cycles"].sum() < plain.baseline.layers["array_cycles"].sum()
    static = [dict(zip(item.components["component"], item.components["static_pj"], strict=True)) for item in results]
    cycles = [item.totals["throughput_interval_cycles"].value for item in results]
    assert static[1]["router"] / cycles[1] == pytest.approx(static[0]["router"] / cycles[0] / 10)


WORKLOAD = """\
name: toy
description: two layers of linear-leak neurons
network:
  file: weights.npz
  dialect: euler
  dt: 1 ms
  reset: subtract
  threshold_op: ">="
  quantize: {bits: 8, granularity: tensor}
input:
  file: digits-idx3-ubyte.gz
  encoding: bright
timesteps: 4
decoding: rate
provenance: {source: made by a test}
"""


def test_importer_neuron_and_encoding_in_a_workload(others, tmp_path):
    rng = np.random.default_rng(3)
    weights = {"w0": rng.normal(0.02, 0.1, (24, 784)), "w1": rng.normal(0.1, 0.3, (10, 24))}
    np.savez(tmp_path / "weights.npz", **weights)
    (tmp_path / "workload.yaml").write_text(WORKLOAD, encoding="utf-8")
    digits = "digits-idx3-ubyte.gz"
    (tmp_path / digits).write_bytes((ROOT / "workloads" / "mnist_conv" / digits).read_bytes())
    plugins = ("--plugin", str(FILES["neuron"]), "--plugin", others)
    made = accelsim(*plugins, "run", "--hw", "small", "--workload", str(tmp_path), "--samples", "2", "--json")
    assert made.returncode == 0, made.stderr
    result = from_json(made.stdout)
    assert result.workload["encoding"] == "bright"
    assert dict(zip(result.layers["layer"], result.layers["spikes"], strict=True))["layer0"] > 0
