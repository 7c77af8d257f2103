"""The README does what it says: its commands run, its numbers are what they print, its figure is there."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from command_lines import run_line
from repository_files import ROOT

pytestmark = pytest.mark.slow

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = {
    "make run": "installs; continuous integration does it",
    "make test": "runs this test",
    "python3 -m venv .venv": "test_packaging installs into an environment of its own",
    ".venv/bin/pip install .": "the same",
    ".venv/bin/accelsim run --hw core": "the same",
}
MAX_FIGURE = 300e3


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the commands of the README find in a checkout, and the files that it tells to write."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("hwconfigs", "workloads"):
        shutil.copytree(ROOT / name, folder / name)
    for text in blocks("yaml"):
        name = re.match(r"# (\S+\.yaml)\n", text)
        assert name, f"the first line of a YAML block names its file: {text[:40]!r}"
        (folder / name[1]).write_text(text)
    return folder


def stale_lines(shown: str, printed: str) -> list[str]:
    """Return the lines of a shortened report that the real one lacks, in this order; ``...`` stands for anything."""
    rest = iter(line.rstrip() for line in printed.splitlines())
    return [line for line in shown.splitlines() if line not in {"", "..."} and line.rstrip() not in rest]


def stale_values(row: str, printed: str) -> list[str]:
    """Return the values of a table row, number and unit, that were not printed."""
    values = re.findall(r"\| ([\d.,]+ [a-zA-Z]+)(?= \|)", row)
    return [value for value in values if not re.search(rf"(?<![\d.,]){re.escape(value)}(?!\w)", printed)]


def test_commands_run(checkout: Path) -> None:
    lines = [line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines() if line]
    assert set(NOT_RUN) <= set(lines)
    for line in lines:
        if line not in NOT_RUN:
            run_line(line, checkout)


def test_python_runs(checkout: Path) -> None:
    (source,) = blocks("python")
    (checkout / "example.py").write_text(source)
    assert "nJ per inference" in run_line(f"{shlex.quote(sys.executable)} -W error example.py", checkout)


def test_report_is_what_a_run_prints(checkout: Path) -> None:
    (shown,) = blocks("text")
    assert not stale_lines(shown, run_line("accelsim run --hw hwconfigs/core.yaml", checkout))


ROWS = re.findall(r"^\| `(accelsim run [^`]*)` (\|.*)$", TEXT, re.MULTILINE)


def test_there_are_numbers() -> None:
    assert len(ROWS) >= 3


@pytest.mark.parametrize(("command", "row"), ROWS)
def test_numbers_are_what_a_run_prints(command: str, row: str, checkout: Path) -> None:
    assert row.count(" |") == len(re.findall(r"\| [\d.,]+ [a-zA-Z]+(?= \|)", row))
    printed = run_line(command, checkout)
    assert not stale_values(row, "\n".join(printed.split("Where the time went")[0].splitlines()))


def test_figures_are_there_and_small() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    figures = {page: re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8")) for page in pages}
    assert figures[ROOT / "README.md"]
    for page, names in figures.items():
        for name in names:
            data = (page.parent / name).read_bytes()
            assert data.startswith(b"\x89PNG")
            assert len(data) < MAX_FIGURE
    used = {Path(name).name for names in figures.values() for name in names}
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == used


@pytest.mark.parametrize(
    ("shown", "stale"),
    [("a 1\n...\nc 3\n", []), ("a 2\n", ["a 2"]), ("c 3\na 1\n", ["a 1"]), ("a\n", ["a"]), ("b 2  \n\nc 3\n", [])],
)
def test_a_stale_line_is_found(shown: str, stale: list[str]) -> None:
    assert stale_lines(shown, "a 1\nb 2\nc 3  \n") == stale


@pytest.mark.parametrize(
    ("row", "stale"),
    [("| 73 nJ | 28 us |", []), ("| 3 nJ |", ["3 nJ"]), ("| 73 n |", ["73 n"]), ("| 74 nJ | 28 us |", ["74 nJ"])],
)
def test_a_stale_value_is_found(row: str, stale: list[str]) -> None:
    assert stale_values(row, "energy   73 nJ\nlatency  28 us\n") == stale
