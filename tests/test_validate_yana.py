"""YANA's SHD network: every step and state as in the RTL, in both engines; its images and samples read or refused."""

import json

import pytest
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import EventError, NetworkError
from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.validation.yana import read_sample, validate


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "yana"


def check(outcomes):
    outcomes = list(outcomes)
    assert [outcome.cycles for outcome in outcomes] == [124_551, 217, 10_373, 29_074]
    assert [outcome.expected for outcome in outcomes] == [124_551, 217, 10_373, 29_074]
    recorded = outcomes[0]
    assert len(recorded.ends) == 101
    assert (recorded.wrong_steps, recorded.wrong_states) == (0, 0)


def test_cycles_and_states_are_those_of_the_rtl(folder):
    check(validate(folder, "compiled"))


@pytest.mark.validate
def test_the_reference_engine_has_them_too(folder):
    check(validate(folder, "reference"))


def test_a_sample_of_ones_own(folder, tmp_path):
    sample = tmp_path / "burst.txt"
    sample.write_text("0 0000001111000000\n")
    (outcome,) = validate(folder, "compiled", sample)
    assert (outcome.cycles, outcome.events, outcome.expected, outcome.equal) == (217, 1, None, True)
    (reference,) = validate(folder, "reference", sample)
    assert reference == outcome
    (short,) = validate(folder, "compiled", sample, 2)
    assert short.cycles == 217 - 46  # without the step that updates the readout: 26 + 20 neurons


def test_a_wrong_recording_is_noticed(folder, tmp_path):
    copy = tmp_path / "yana"
    for part in ("shd_0/init", "shd_0/dataset"):
        (copy / part).mkdir(parents=True)
        for file in (folder / part).iterdir():
            (copy / part / file.name).write_bytes(file.read_bytes())
    steps = (folder / "steps_sample0.csv").read_text().replace("818,953,135", "818,954,136")
    (copy / "steps_sample0.csv").write_text(steps)
    states = copy / "shd_0" / "dataset" / "neuron_state_trace_0.txt"
    states.write_text(states.read_text().replace("101 19 00000010001001011110", "101 19 00000010001001011111"))
    outcome = next(validate(copy, "compiled"))
    assert (outcome.wrong_steps, outcome.wrong_states, outcome.equal) == (1, 1, False)
    done = CliRunner().invoke(build(), ["validate", "yana", str(copy)])
    assert done.exit_code == 1
    assert "101 steps, 1 differ  1 output states differ" in done.output


def test_the_command(folder):
    done = CliRunner().invoke(build(), ["validate", "yana", str(folder), "--json"])
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert [run["equal"] for run in found["runs"]] == [True] * 4
    assert found["runs"][0]["ends"][-1] == 124_550


def test_without_a_folder_the_command_says_what_it_wants(monkeypatch):
    monkeypatch.delenv("ACCELSIM_YANA", raising=False)
    done = CliRunner().invoke(build(), ["validate", "yana"])
    assert done.exit_code != 0
    assert "expected the folder of YANA's memory images" in str(done.exception) + done.output


@pytest.mark.parametrize(("text", "told"), [
    ("0 0000001111000000\nx 0000001111000000\n", r":2: expected a step below 65536 and 16 bits, got x 00"),
    ("0 000000111100000\n", r":1: expected a step below 65536 and 16 bits"),
    ("5 0000001111000000\n4 0000001111000000\n", r":2: expected steps in order, got 4 after 5"),
    ("\n", "expected lines of a step and 16 bits, got none"),
])  # fmt: skip
def test_samples_that_are_refused(tmp_path, text, told):
    sample = tmp_path / "sample.txt"
    sample.write_text(text)
    with pytest.raises(EventError, match=told):
        read_sample(sample)
    with pytest.raises(EventError, match="cannot be read"):
        read_sample(tmp_path / "none.txt")


KINDS = {"mem_weights": "000", "mem_mapping": "001", "mem_routing": "010", "threshold": "011", "tau_mem_inv": "100",
         "leak_ram": "101"}  # fmt: skip
ADDRESS = {0: "00000", 1: "00001", 3: "11001"}


def entry(kind, core, value) -> str:
    """Return the four lines of an entry."""
    return "".join(f"{KINDS[kind]}{value >> 24 * at & 0xFFFFFF:024b}{ADDRESS[core]}\n" for at in reversed(range(4)))


def route(dx, dy, neuron, weight) -> int:
    return weight << 15 | neuron << 5 | (dy & 3) << 3 | dx & 7


@pytest.fixture
def images(tmp_path):
    """Images of two channels, two neurons with a route each, and one output."""
    first = route(1, 0, 0, 0) | route(1, 0, 1, 1) << 31
    texts = {
        ("mem_mapping", 0): entry("mem_mapping", 0, 1 << 30) + entry("mem_mapping", 0, 1 << 31 | 1 << 15 | 1),
        ("mem_routing", 0): entry("mem_routing", 0, first) + entry("mem_routing", 0, 1 << 72 | route(1, 0, 1, 2)),
        ("mem_mapping", 1): entry("mem_mapping", 1, 0) + entry("mem_mapping", 1, 1 << 31),
        ("mem_routing", 1): entry("mem_routing", 1, route(0, -1, 0, 3)),
        ("mem_weights", 1): entry("mem_weights", 1, 5 | (-7 & 0x3FFFF) << 18 | 9 << 36),
        ("mem_weights", 3): entry("mem_weights", 3, 4 << 54),
        ("leak_ram", 1): "".join(entry("leak_ram", 1, at << 8 | 200 - at) for at in range(32)),
        ("threshold", 1): entry("threshold", 1, 102),
        ("tau_mem_inv", 1): entry("tau_mem_inv", 1, 6554),
    }
    for (kind, core), text in texts.items():
        (tmp_path / f"{kind}_core_{core}.txt").write_text(text)
    return tmp_path


def test_images_become_a_network(images):
    network = import_network(images, ImportOptions(), "yana")
    assert {name: item.size for name, item in network.populations.items()} == {"input": 2, "core_1_0": 2, "core_1_1": 1}
    assert [edge.connection.rows.tolist() for edge in network.projections] == [[[5, -7], [0, 9]], [[4], [4]]]
    model = network.populations["core_1_0"].model
    assert (model.threshold.tolist(), model.gain.tolist()) == ([102] * 2, [6554] * 2)
    assert model.leak[:2].tolist() == [200, 199]


@pytest.mark.parametrize(("name", "change", "told"), [
    ("mem_routing_core_0.txt", lambda text: text[:-33], "expected 4 lines per entry, got 7 lines"),
    ("mem_routing_core_0.txt", lambda text: "x" + text[1:], r"mem_routing_core_0.txt:1: expected 010, 24 bits"),
    ("mem_routing_core_0.txt", lambda text: text[: 4 * 33], "1 has routes in line 1, which mem_routing_core_0"),
    ("mem_routing_core_0.txt", lambda _: entry("mem_routing", 0, route(1, 0, 0, 0) | route(1, 0, 0, 1) << 31) * 2,
     "has routes in line 1|0 has two routes to neuron 0"),
    ("mem_weights_core_1.txt", lambda _: entry("mem_weights", 1, 5), "route to weight 1 of core .1, 0., which is zero"),
    ("mem_weights_core_3.txt", lambda _: "", "a route leads to a core without weights"),
    ("leak_ram_core_1.txt", lambda text: text[: 33 * 8], "leak_ram_core_1.txt: expected 32 factors, got 2"),
    ("threshold_core_1.txt", lambda _: "", "expected a leak table and a threshold, got none"),
    ("mem_mapping_core_0.txt", lambda _: "\xff", "cannot be read"),
])  # fmt: skip
def test_images_that_are_refused(images, name, change, told):
    path = images / name
    path.write_text(change(path.read_text()), encoding="utf-8")
    with pytest.raises(NetworkError, match=told):
        import_network(images, ImportOptions(), "yana")


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    with pytest.raises(NetworkError, match="got no mapping"):
        import_network(tmp_path, ImportOptions(), "yana")
    with pytest.raises(NetworkError, match="expected a folder of memory images"):
        import_network(tmp_path / "none", ImportOptions(), "yana")
