"""What the documents name exists: links, files, commands, options, dotted names, keys; and their Python runs."""

import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer.main
from command_lines import run_line

from accelsim.baseline.prices import ARRAY, DRAM, INPUT, OUTPUT, PORTS, WEIGHT
from accelsim.cli.app import build
from accelsim.errors import AccelsimError
from accelsim.hardware.loader import load_chip
from accelsim.hardware.schema import keys_at

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("**/*.md")) + [
    path for path in (ROOT / "README.md", *ROOT.glob("workloads/*/README.md")) if path.exists()
]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
FOLDERS = ("accelsim", "tests", "docs", "hwconfigs", "workloads", "examples", "benchmarks")
PARTS = ("clock", "technology", "noc", "core", "barrier", "mapping", "baseline")
BASELINE_PARTS = {ARRAY, DRAM, INPUT, OUTPUT, PORTS, WEIGHT}
"""Components of the MAC array: names of prices, not keys."""
ENTRY_GROUPS = {
    "neuron_model", "weight_format", "topology", "importer", "dialect", "encoding", "event_format", "pruning_method",
    "partition", "placement", "sram_source", "arithmetic_source", "noc_source", "dataflow",
    "array_dataflow", "array_encoding", "analytic_model", "engine", "elastic_engine", "data_set", "recipe",
}


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def inline_code(text):
    return re.findall(r"`([^`\n]+)`", without_blocks(text))


def anchors(text):
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def commands(text):
    """Return every accelsim command line: indented or fenced lines that begin with it, and inline code."""
    return shown_commands(text) + [code for code in inline_code(text) if re.match(r"accelsim [a-z-]", code)]


def shown_commands(text):
    """Return the command lines that a page shows on lines of their own, indented or in a block of a shell."""
    fenced = "\n".join(blocks(text, "(?:sh|console|bash)")).replace("\\\n", " ")
    lines = fenced.splitlines() + [line[4:] for line in without_blocks(text).splitlines() if line.startswith("    ")]
    lines = [line.split("  #")[0].strip().removeprefix("$ ") for line in lines]
    return [line for line in lines if line.startswith("accelsim ")]


# Each check returns what is wrong on a page, so that it can be tried on a page that is wrong.


def broken_links(text, folder):
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = folder / path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8") if path else text)):
            wrong.append(target)
    return wrong


def missing_files(text):
    named = re.findall(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./*-]*[\w*/]", text)
    named = [name.rstrip("/") for name in named if not re.search(r"/(X|NAME|FILE)\b", name)]
    return [name for name in named if not list(ROOT.glob(name))]


def exists(dotted):
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            if importlib.util.find_spec(module) is None:
                continue
        except ModuleNotFoundError:
            continue
        if end == len(parts):
            return True
        found = importlib.import_module(module)
        for name in parts[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def unknown_names(text):
    named = re.findall(r"(?<![\w./])accelsim(?:\.[A-Za-z_]\w*)+(?![\w/])", text)
    named = [name for name in named if name.removeprefix("accelsim.") not in ENTRY_GROUPS]
    return sorted({name for name in named if not exists(name)})


def wrong_commands(text):
    application = typer.main.get_command(build())
    found = {line: problem_of(line, application) for line in commands(text)}
    return [f"{line}: {problem}" for line, problem in found.items() if problem]


def problem_of(line, application):
    command, overrides = application, []
    words = iter(shlex.split(line.replace("...", ""))[1:])
    for word in words:
        if word.startswith("-"):
            options = {name: param for param in command.params for name in (*param.opts, *param.secondary_opts)}
            option, equals, value = word.partition("=")
            if option in ("-h", "--help"):
                continue
            if option not in options:
                return f"{option} is no option of {command.name}"
            if not options[option].is_flag and not equals:
                value = next(words, "")
            if option == "--set" and command.name not in OF_WORKLOADS:
                overrides.append(value)
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"{word} is no command of {command.name}"
            command = command.commands[word]
    try:
        load_chip("core", [text for text in overrides if text])
    except AccelsimError as error:
        return str(error)
    return ""


def unknown_keys(text):
    wrong = []
    for code in inline_code(text):
        steps = code.split(".")
        if not re.fullmatch(rf"({'|'.join(PARTS)})(\.[a-z_]+)+", code) or code.endswith((".md", ".py")):
            continue
        if code in BASELINE_PARTS:
            continue
        if any(step not in keys_at(steps[:at]) for at, step in enumerate(steps)):
            wrong.append(code)
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_links(name):
    assert broken_links(text_of(name), (ROOT / name).parent) == []


@pytest.mark.parametrize("name", NAMES)
def test_files(name):
    assert missing_files(text_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_dotted_names(name):
    assert unknown_names(text_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_commands(name):
    assert wrong_commands(text_of(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_keys_of_the_hardware_file(name):
    assert unknown_keys(text_of(name)) == []


@pytest.mark.parametrize("name", [name for name in NAMES if blocks(text_of(name), "python")])
def test_python_runs(name, tmp_path):
    source = "\n\n".join(blocks(text_of(name), "python"))
    if name.startswith("workloads/"):
        source = "import numpy as np\nseed, i, timesteps, rate, digit = 1, 0, 2, 0.5, np.zeros((28, 28))\n" + source
    script = tmp_path / "page.py"
    script.write_text(source, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(script)]
    made = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert made.returncode == 0, made.stderr


OF_WORKLOADS = {"import", "inspect", "export", "train"}
"""Commands whose ``--set`` changes a workload, or a recipe."""
STUDY = """\
name: banks
hw: core
workload: mnist_conv
samples: 1
axes: {core.synapse_lanes: [4, 8], core.weight_format: [bitmask, csr]}
objectives: [energy, latency, area]
"""
"""A study of the form that the page shows, with fewer points."""
NOT_RUN = {
    "accelsim --install-completion": "it changes the shell of whoever runs it",
    "accelsim train ": "takes minutes; the tests of the recipes run them on less",
    "accelsim run --hw core --workload results/quant-prune/": "needs what a recipe wrote",
    "accelsim run --from results/banks/#": "the identity of a point is an example",
}
"""Beginnings of commands that this does not run, and why."""
PLACEHOLDER = re.compile(r"(?<![\w-])[A-Z][A-Z|]{2,}(?![\w-])|\.\.\.")
"""A word for the reader's own file or name, such as FILE.csv: there is nothing to run."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name != "README.md" and shown_commands(text_of(name))])
def test_shown_commands_run(name, tmp_path):
    for folder in ("hwconfigs", "workloads", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    network = ROOT / "workloads" / "mnist_conv"
    shutil.copy(network / "network.nir", tmp_path / "model.nir")  # the reader's own files
    shutil.copy(network / "digits-idx3-ubyte.gz", tmp_path / "digits.gz")
    spikes = (np.random.default_rng(1).random((8, 4, 1, 28, 28)) < 0.1).astype(np.uint8)
    np.savez(tmp_path / "spikes.npz", input=spikes, labels=np.arange(4))
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    for text in blocks(text_of(name), "yaml"):
        if found := re.match(r"# (\S+\.yaml)\n", text):
            (tmp_path / found[1]).write_text(text, encoding="utf-8")
    lines = [line for line in dict.fromkeys(shown_commands(text_of(name))) if not line.startswith(tuple(NOT_RUN))]
    for line in lines:
        if PLACEHOLDER.search(line) or line in shown_commands(text_of("README.md")):  # test_readme runs those
            continue
        run_line(line, tmp_path)


def test_every_page_is_in_the_index():
    index = text_of("docs/README.md")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_the_table_of_kinds_lists_every_registry():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "accelsim").rglob("*.py"))
    kinds = re.findall(r"Registry\(\s*\"([a-z ]+)\"", sources)
    assert {kind.replace(" ", "_") for kind in kinds} == ENTRY_GROUPS
    listed = re.findall(r"[A-Z]` \| `accelsim\.([a-z_]+)` \|", text_of("docs/extending.md"))
    assert set(listed) == ENTRY_GROUPS


WRONG = [
    (lambda text: broken_links(text, ROOT / "docs"), "[a](nowhere.md)", "[a](design.md)"),
    (lambda text: broken_links(text, ROOT / "docs"), "[a](design.md#nothing)", "[a](design.md#glossary)"),
    (missing_files, "see `accelsim/nothing.py`", "see `accelsim/units.py` and tests/test_*.py"),
    (unknown_names, "`accelsim.units.nothing`", "`accelsim.units.engineering`, `accelsim.topology`"),
    (unknown_names, "`accelsim.nothing.at_all`", "`accelsim.run`"),
    (wrong_commands, "`accelsim hw nothing`", "`accelsim hw list`"),
    (wrong_commands, "```sh\naccelsim run \\\n  --nothing 3\n```", "```sh\naccelsim run \\\n  --samples 3\n```"),
    (wrong_commands, "    accelsim run --nothing 3", "    accelsim run --samples 3 --set core.synapse_memory.banks=8"),
    (wrong_commands, "    accelsim run --set core.nothing=3", "    accelsim run --set core.synapse_lanes=4"),
    (unknown_keys, "`core.synapse_memory.nothing`", "`core.synapse_memory.banks`"),
]


@pytest.mark.parametrize(("check", "wrong", "right"), WRONG)
def test_the_checks_notice(check, wrong, right):
    assert check(wrong)
    assert not check(right)
