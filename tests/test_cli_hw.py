"""The command line as a user meets it: exit codes, streams, messages, and how little it loads."""

import json
import os
import subprocess
import sys

import pytest

import accelsim
from accelsim.hardware.loader import load_chip
from accelsim.hardware.presets import preset_names

MAIN = "from accelsim.cli.app import main; main()"
HEAVY = {"numba", "numpy", "pandas", "pydantic", "simpy", "matplotlib", "pyarrow", "ruamel.yaml", "h5py"}


def run(repository, *arguments, code=MAIN, **options):
    environment = {**os.environ, "PYTHONPATH": str(repository), "NO_COLOR": "1", "COLUMNS": "120"}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=repository,
                          env=environment, timeout=60, check=False, **options)  # fmt: skip


def test_help_and_version_load_nothing_heavy(repository):
    code = f"import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n{MAIN}"
    for option in ("--help", "--version"):
        done = run(repository, option, code=code)
        assert done.returncode == 0
        assert not HEAVY & set(done.stderr.split())
        assert ("hw" if option == "--help" else f"accelsim {accelsim.__version__}") in done.stdout


def test_list_shows_every_preset(repository):
    done = run(repository, "hw", "list")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert rows["core"][1:8] == ["16", "mesh", "4x4", "200", "MHz", "22", "nm"]
    assert rows["large"][1] == "64"
    assert rows["small"][1:4] == ["4", "mesh", "2x2"]


def test_show_is_a_hardware_file(repository, tmp_path):
    done = run(repository, "hw", "show", "small", "--set", "core.synapse_memory.banks=8")
    assert (done.returncode, done.stderr) == (0, "")
    file = tmp_path / "shown.yaml"
    file.write_text(done.stdout)
    expected = load_chip("small", ["core.synapse_memory.banks=8"])
    assert load_chip(file).spec == expected.spec
    assert f"# sha256 of the values: {expected.sha256}" in done.stdout
    assert "# hwconfigs/small.yaml:" in done.stdout
    assert "# --set core.synapse_memory.banks=8" in done.stdout


def test_schema_is_json(repository):
    done = run(repository, "hw", "schema")
    assert "ChipSpec" in json.loads(done.stdout)["$defs"]


def test_check_prints_all_problems_of_all_files(repository, tmp_path):
    (tmp_path / "good.yaml").write_text("extends: core\n")
    bad = tmp_path / "bad.yaml"
    bad.write_text("extends: core\nclock: 3\ncore: {scan: '[red]x[/red]'}\n")
    names = tmp_path / "names.yaml"
    names.write_text("extends: core\nnoc: {topology: mehs}\n")
    files = [str(tmp_path / f"{name}.yaml") for name in ("good", "bad", "names", "gone")]
    done = run(repository, "hw", "check", *files)
    assert done.returncode == 2
    assert done.stdout == f"{tmp_path}/good.yaml: ok, core with 16 cores\n"
    lines = done.stderr.splitlines()
    assert lines[0] == f"error: {bad}:2: clock: expected a frequency such as '1 MHz', got 3"
    assert lines[1] == f"error: {bad}:3: core.scan: expected 'all' or 'touched', got '[red]x[/red]'"
    assert lines[2].startswith(f"error: {names}:2: noc.topology: unknown topology 'mehs'; did you mean 'mesh'?")
    assert lines[3] == f"error: {tmp_path}/gone.yaml: expected a readable YAML file, got: No such file or directory"
    assert len(lines) == 4


def test_unknown_names_of_the_array_are_found_with_their_place(repository, tmp_path):
    file = tmp_path / "names.yaml"
    file.write_text(
        "extends: core\ntechnology:\n  calibration:\n    - {component: baseline.x, factor: 2, reason: of the tests}\n"
        "  overrides:\n    - {component: baseline.dram, action: read, energy: 1 pJ, source: of the tests}\n"
        "baseline: {dataflow: bset}\n"
    )
    expected = [
        f"error: {file}:6: technology.overrides[0].component: unknown baseline override 'baseline.dram.read'; did you",
        f"error: {file}:4: technology.calibration[0].component: unknown baseline calibration 'baseline.x'; did you",
        f"error: {file}:7: baseline.dataflow: unknown dataflow 'bset'; did you mean 'best'? Known: best, is, ",
    ]
    for command in ("check", "show"):
        done = run(repository, "hw", command, str(file))
        assert (done.returncode, done.stdout) == (2, "")
        found = done.stderr.splitlines()
        assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("hw show cor", "unknown hardware preset 'cor'; did you mean 'core'? Known: " + ", ".join(preset_names())),
        (
            "hw show core --set core.scan=[red]",
            "--set core.scan=[red]: core.scan: expected 'all' or 'touched', got a list",
        ),
        ("--plugin gone.py hw list", "--plugin gone.py: expected a Python file, got a path that does not exist"),
        ("--plugin no_such_x hw list", "--plugin no_such_x: ModuleNotFoundError: No module named 'no_such_x'"),
    ],
)
def test_an_input_error_is_one_line_and_exit_code_2(repository, arguments, message):
    done = run(repository, *arguments.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {message}\n")


def test_wrong_usage_is_exit_code_2(repository):
    done = run(repository, "hw", "shw")
    assert done.returncode == 2
    assert "No such command 'shw'" in done.stderr


TOPOLOGY_PLUGIN = """\
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import TOPOLOGIES

@TOPOLOGIES.register("mine")
class Mine(Mesh): ...
"""


@pytest.mark.parametrize(
    ("text", "returncode", "stderr"),
    [
        (TOPOLOGY_PLUGIN, 0, ""),
        ("x = 1\n1 / 0\n", 2, "error: --plugin {file}: {file}:2: ZeroDivisionError: division by zero\n"),
        ("raise KeyboardInterrupt\n", 130, "error: interrupted\n"),
    ],
)
def test_plugins(repository, tmp_path, text, returncode, stderr):
    file = tmp_path / "plug.py"
    file.write_text(text)
    chip = tmp_path / "chip.yaml"
    chip.write_text("extends: core\nnoc: {topology: mine}\n")
    done = run(repository, "--plugin", str(file), "hw", "check", str(chip))
    assert (done.returncode, done.stderr) == (returncode, stderr.format(file=file))


def test_a_closed_pipe_is_quiet(repository):
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([sys.executable, "-c", MAIN, "hw", "schema"], stdout=writer, stderr=subprocess.PIPE,
                              env=environment, timeout=60, check=False)  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(("setting", "expected"), [
    ("noc.topology=torus", "noc.router.virtual_channels: expected at least 2 with topology torus [4, 4]"),
    ("noc.concentration=8", "router ports: expected 2..8, got 12"),
])  # fmt: skip
def test_a_chip_that_no_run_takes_is_found_without_one(repository, setting, expected):
    """Channels and prices of routers do not depend on a network."""
    for command in (["hw", "check", "core"], ["check", "mnist_conv", "--hw", "core"]):
        done = run(repository, *command, "--set", setting)
        assert done.returncode == 2 and expected in " ".join(done.stderr.split()), done.stderr
