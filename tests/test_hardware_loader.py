"""Loading chips: presets, ``extends``, ``--set``, and the words of every refusal."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.errors import ConfigError, UnknownNameError
from accelsim.hardware.loader import MAX_EXTENDS, load_chip
from accelsim.hardware.overrides import split_path
from accelsim.hardware.presets import preset_names, preset_path
from accelsim.hardware.yaml_reader import read_yaml
from accelsim.hardware.yaml_writer import write_yaml

CORE = preset_path("core").resolve()


def write(folder: Path, text: str, name: str = "chip.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def refusal(source, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_chip(source, overrides)
    return caught.value.problems


@pytest.mark.parametrize("name", ["core", "small", "large"])
def test_what_show_prints_loads_to_the_same_chip(tmp_path, name):
    chip = load_chip(name, ["core.synapse_memory.banks=8", "ports[0].cycles_per_event=2"])
    again = load_chip(write(tmp_path, write_yaml(chip.data, chip.locations)))
    assert again.spec == chip.spec
    assert again.sha256 == chip.sha256
    assert chip.spec.core.synapse_memory.banks == 8
    assert [port.cycles_per_event for port in chip.spec.ports] == [2, 1]


def test_quantities_are_in_canonical_units():
    spec = load_chip("core").spec
    assert spec.clock == pytest.approx(0.2)  # GHz
    assert spec.core.synapse_memory.capacity == 64 * 1024 * 8  # bit
    assert spec.noc.link_length == 0.5  # mm
    assert spec.ports[0].energy_per_event == 0.288  # pJ
    assert spec.baseline.dram.bandwidth == pytest.approx(3.2 * 8)  # bit/ns
    assert spec.technology.temperature == 300


BASE = """\
extends: core
name: base
core: {synapse_lanes: 2, membrane: {bits: 8}}
noc: {size: [4, 5]}
"""
TOP = """\
extends: ./b.yaml
name: top
core:
  synapse_lanes: 3
ports:
  - {name: io, direction: both, router: [1, 2], cycles_per_event: 1, input_queue: 1, spike_fifo: 1, injection_queue: 1,
     energy_per_event: 0 pJ, source: free of charge}
"""


def test_extends_merges_mappings_and_replaces_lists_and_values(tmp_path):
    write(tmp_path, BASE, "b.yaml")
    top = write(tmp_path, TOP)
    chip = load_chip(top)
    core = load_chip("core")
    assert chip.spec.name == "top"
    assert chip.spec.core.synapse_lanes == 3
    assert chip.spec.core.membrane.bits == 8
    assert chip.spec.core.membrane.memory == core.spec.core.membrane.memory
    assert chip.spec.noc.size == (4, 5)
    assert [item.name for item in chip.spec.ports] == ["io"]
    assert "extends" not in chip.data
    where = {path: (Path(place.file).name, place.line) for path, place in chip.locations.items()}
    assert where["core.synapse_lanes"] == ("chip.yaml", 4)
    assert where["core.membrane.bits"] == ("b.yaml", 3)
    assert where["core.mac_lanes"] == ("core.yaml", core.locations["core.mac_lanes"].line)
    assert where["ports[0].name"] == ("chip.yaml", 6)
    assert "ports[1]" not in where  # the second port of core is gone, and so is its place
    assert set(where) - {""} == set(_paths(chip.data, ""))


def _paths(value, path):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        here = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else key
        yield here
        yield from _paths(item, here)


def test_the_hash_is_of_values_not_of_files(tmp_path):
    core = load_chip("core")
    assert load_chip(write(tmp_path, "extends: core\n")).sha256 == core.sha256
    shuffled = dict(reversed(core.data.items()))
    assert load_chip(write(tmp_path, write_yaml(shuffled))).sha256 == core.sha256
    assert load_chip("core", ["core.pipeline_drain=5"]).sha256 != core.sha256


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("core.synapse_memory.banks=0", "core.synapse_memory.banks: expected at least 1, got 0"),
        ("core.synapse_memory.banks=257", "core.synapse_memory.banks: expected at most 256, got 257"),
        ("core.synapse_memory.banks=7",
         "core.synapse_memory: capacity of 524288 bit is not a whole number of 64-bit words in 7 banks"),
        ("core.synapse_memory.banks=true", "core.synapse_memory.banks: expected an integer, got true"),
        ("core.synapse_memory.banks=4.0", "core.synapse_memory.banks: expected an integer, got 4.0"),
        ("core.synapse_memory.banks='4'", "core.synapse_memory.banks: expected an integer, got '4'"),
        ("core.synapse_memory.banks=", "core.synapse_memory.banks: expected an integer, got nothing"),
        ("core.synapse_memory.capacity=-64 KiB", "core.synapse_memory.capacity: expected more than 0, got '-64 KiB'"),
        ("core.synapse_memory.capacity=65536",
         "core.synapse_memory.capacity: expected a capacity such as '1 KiB', got 65536"),
        ("core.synapse_memory.capacity=1 kB",
         "core.synapse_memory.capacity: expected a capacity such as '1 KiB' in one of bit, B, KiB, MiB, GiB"),
        ("core.synapse_memory.capacity=0.3 B",
         "core.synapse_memory.capacity: expected a whole number of bits, got '0.3 B'"),
        ("core.synapse_memory.capacity=2000 GiB",
         "core.synapse_memory.capacity: expected at most 1024 GiB, got '2000 GiB'"),
        ("core.synapse_memory=64 KiB", "core.synapse_memory: expected a mapping of keys, got '64 KiB'"),
        ("core.synapse_memory.ports=2RW", "core.synapse_memory.ports: expected '1RW' or '1R1W', got '2RW'"),
        ("core.skip_zero_weights=yes", "core.skip_zero_weights: expected true or false, got 'yes'"),
        ("core.skip_zero_weights=1", "core.skip_zero_weights: expected true or false, got 1"),
        ("core.weight_format=3", "core.weight_format: expected text, got 3"),
        ("core.weight_format=a b", r"core.weight_format: expected text that matches ^[A-Za-z0-9_.\-]+$, got 'a b'"),
        ("core.accumulator.bits=32", None),  # as wide as its word: allowed
        ("core.accumulator.per_word=3",
         "core.accumulator: 3 values of 16 bit is wider than the memory word of 32 bit"),
        ("core.accumulator.memory.width=8",
         "core.accumulator: a value of 16 bit is wider than the memory word of 8 bit"),
        ("clock=200", "clock: expected a frequency such as '1 MHz', got 200"),
        ("clock=5 ns", "clock: expected a frequency such as '1 MHz' in one of kHz, MHz, GHz; got unit 'ns' in '5 ns'"),
        ("clock=0 MHz", "clock: expected a frequency above zero"),
        ("clock=1e999 MHz", "clock: expected a frequency such as '1 MHz', got '1e999 MHz', which is not finite"),
        ("clock=.nan", "clock: expected a finite number, got .nan"),
        ("noc.size=[100000, 10000]", "noc: 1000000000 routers are more than the 4096 that this version simulates"),
        ("noc.size=[9223372036854775807, 9223372036854775807]",
         f"noc: {(2**63 - 1) ** 2} routers are more than the 4096 that this version simulates"),
        ("noc.size=[]", "noc.size: expected at least 1 items, got 0"),
        ("noc.size=4", "noc.size: expected a list, got 4"),
        ("noc.size[0]=-1", "noc.size[0]: expected at least 1, got -1"),
        ("ports[1].router=[4, 0]", "ports: output hangs on router (4, 0), outside the size (4, 4)"),
        ("ports[1].name=input", "ports: names must differ, got input, input"),
        ("technology.overrides=[{component: core, action: x, energy: 1 pJ}]",
         "technology.overrides[0].source: expected a value, got nothing: the key is missing"),
        ("core.bank=3", "core.bank: expected a known path, got an unknown one. Known in core: synapse_lanes,"),
        ("core.synapse_memory.bank=3",
         "core.synapse_memory.bank: expected a known path, got an unknown one; did you mean core.synapse_memory.banks"),
        ("synapse_memory.banks=3",
         "synapse_memory.banks: expected a known path, got an unknown one; did you mean core.synapse_memory.banks"),
        ("ports[2].name=x", "ports[2].name: expected a known path, got an unknown one; did you mean ports[1].name"),
        ("clock.x=1", "clock.x: expected a known path, got an unknown one"),
        ("extends=small", "extends: expected a known path, got an unknown one. Known: name,"),
        ("core.scan=!!python/name:os.system all",
         "core.scan: tags are not allowed, got 'tag:yaml.org,2002:python/name:os.system'"),
        ("core", "expected dotted.path=value, got no '='"),
        ("core..scan=all", "'core..scan': expected a dotted path such as core.synapse_memory.banks or ports[0].router"),
    ],
)  # fmt: skip
def test_overrides_are_checked(override, message):
    if message is None:
        load_chip("core", [override])
        return
    (problem,) = refusal("core", [override])
    assert problem.startswith(f"--set {override}: {message}")
    if not message.endswith((",", "banks", "name", "one", "GiB")):
        assert problem == f"--set {override}: {message}"


def test_an_override_may_give_what_the_file_leaves_out(tmp_path):
    data = load_chip("core").data
    del data["core"]["scan"]
    del data["barrier"]
    file = write(tmp_path, write_yaml(data))
    line = file.read_text().splitlines().index("core:") + 1
    keys = "cycles, done_tree, hop_cycles, kind, root, settle_cycles"
    assert refusal(file) == [
        f"{file}:1: barrier: expected a mapping with {keys}, got nothing: the key is missing",
        f"{file}:{line}: core.scan: expected a value, got nothing: the key is missing",
    ]
    assert load_chip(file, ["core.scan=all", "barrier.cycles=3"]).spec.barrier.cycles == 3


WRONG = """\
extends: core
clok: 1 GHz
barrier:
  cycles: -1
core:
  synapse_lanes: true
  synapse_memory:
    bank: 4
    capacity: -1 KiB
"""
KEYS = (
    "barrier, baseline, clock, core, core_types, cores, description, energies, layer_serial, limits, machine, mapping, "
    "name, noc, ports, provenance, schedule, synchronization, technology, tick"
)
MEMORY_KEYS = "banks, capacity, ports, width"


def test_all_problems_of_a_file_at_once_in_its_order(tmp_path):
    file = write(tmp_path, WRONG)
    memory = "core.synapse_memory"
    assert refusal(file) == [
        f"{file}:2: clok: expected a known key, got 'clok'; did you mean 'clock'? Known: {KEYS}",
        f"{file}:4: barrier.cycles: expected at least 0, got -1",
        f"{file}:6: core.synapse_lanes: expected an integer, got true",
        f"{file}:8: {memory}.bank: expected a known key, got 'bank'; did you mean 'banks'? Known: {MEMORY_KEYS}",
        f"{file}:9: {memory}.capacity: expected more than 0, got '-1 KiB'",
    ]


def test_an_override_may_add_a_key_of_the_users_own():
    spec = load_chip("core", ["mapping.slices.lif1=3", "mapping.slices.lif2=1"]).spec
    assert spec.mapping.slices == {"lif1": 3, "lif2": 1}


def test_all_wrong_overrides_at_once():
    assert len(refusal("core", ["a=1", "b=2", "core.scan=all"])) == 2


def test_extends_in_a_circle(tmp_path):
    a = write(tmp_path, "extends: b.yaml\n", "a.yaml")
    b = write(tmp_path, "name: b\nextends: ./a.yaml\n", "b.yaml")
    assert refusal(a) == [f"{tmp_path / '.' / 'b.yaml'}:2: extends: expected no cycle, got a.yaml -> b.yaml -> a.yaml"]
    assert b.name == "b.yaml"
    own = write(tmp_path, "extends: own.yaml\n", "own.yaml")
    assert refusal(own) == [f"{own}:1: extends: expected no cycle, got own.yaml -> own.yaml"]


def test_extends_too_long(tmp_path):
    for index in range(MAX_EXTENDS + 1):
        write(tmp_path, f"extends: {index + 1}.yaml\n", f"{index}.yaml")
    (problem,) = refusal(tmp_path / "0.yaml")
    assert problem == f"{tmp_path / '15.yaml'}:1: extends: expected at most {MAX_EXTENDS} files, got more"


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("cor", "unknown hardware preset 'cor'; did you mean 'core'? Known: " + ", ".join(preset_names())),
        ("3", "expected a preset or a relative path, got 3"),
        ("[core]", "expected a preset or a relative path, got a list"),
        ("''", "expected a preset or a relative path, got ''"),
    ],
)
def test_extends_what_is_not_there(tmp_path, base, message):
    file = write(tmp_path, f"name: x\nextends: {base}\n")
    assert refusal(file) == [f"{file}:2: extends: {message}"]


@pytest.mark.parametrize("base", ["gone.yaml", "'a\\0.yaml'", '"a\\0.yaml"', "x/" * 3000 + "y.yaml", "."])
def test_extends_an_unreadable_file(tmp_path, base):
    file = write(tmp_path, f"extends: {base}\n")
    (problem,) = refusal(file)
    if base == "gone.yaml":
        found = tmp_path / "gone.yaml"
        reason = "expected a readable YAML file, got: No such file or directory"
        assert problem == f"{found}: {reason} (extended by {file}:1)"
    assert f"{file}:1" in problem


def test_names_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "extends: core\nname: mine\n", "core.yaml")
    assert load_chip("core").spec.name == "core"
    assert load_chip("core.yaml").spec.name == "mine"
    assert load_chip("./core.yaml").spec.name == "mine"
    with pytest.raises(UnknownNameError):
        load_chip("mine")
    assert refusal("mine.yaml") == ["mine.yaml: expected a readable YAML file, got: No such file or directory"]


LINES = CORE.read_text().splitlines()
JUNK = st.sampled_from(["", "x", "- 3", "core:", "  banks: -1", "size: [1e9]", "a: !!python/object:os.x", "b: &a", "{"])


@given(st.integers(0, len(LINES) - 1), st.integers(0, 5), JUNK)
def test_a_mangled_file_loads_or_is_refused(tmp_path_factory, at, removed, junk):
    file = tmp_path_factory.getbasetemp() / "mangled.yaml"
    file.write_text("\n".join([*LINES[:at], junk, *LINES[at + removed :]]))
    try:
        chip = load_chip(file)
    except ConfigError as error:
        assert all(str(file) in problem for problem in error.problems)
    else:
        json.dumps(chip.data, allow_nan=False)


LEAVES = sorted(path for path in _paths(read_yaml(CORE)[0], ""))
VALUES = st.one_of(
    st.sampled_from(["", "-1", "0", "1e9", "true", "[]", "{}", "1 pJ", "-1 KiB", "99999999999", ".inf", "x", "[1, 2]"]),
    st.text(max_size=6),
)


@given(st.sampled_from(LEAVES), VALUES)
def test_any_override_loads_or_is_refused(path, value):
    try:
        load_chip("core", [f"{path}={value}"])
    except ConfigError as error:
        assert error.problems


STEPS = st.one_of(st.from_regex(r"[a-z_][a-z0-9_]{0,4}", fullmatch=True), st.integers(0, 99))


@given(st.lists(STEPS, min_size=1, max_size=5))
def test_a_path_is_split_into_its_steps(steps):
    if isinstance(steps[0], int):
        steps = ["x", *steps]
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    assert split_path(text) == steps
