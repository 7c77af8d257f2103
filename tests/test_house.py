"""The house rules: sizes of files, clean tools, floors, no forgotten package, nothing of one machine in the text."""

import ast
import configparser
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from repository_files import ROOT, copy_project, project_files

MAX_LINES = 400
SOURCES = [file for file in project_files() if file.suffix == ".py"]
PACKAGE = [file for file in SOURCES if file.parts[0] == "accelsim"]
MAPPED = {"accelsim.hwconfigs": "hwconfigs", "accelsim.workloads": "workloads"}
"""Packages that lie elsewhere in the tree than their name says: package_dir of setup.cfg."""

# A path of somebody's machine. The character class keeps this line from matching itself.
MACHINE_PATH = re.compile(r"(?<![\w.~})-])/(?:work|root|home|Users|tmp|scratch)[/](?=[\w.])")
TEXTS = {".py", ".md", ".cfg", ".toml", ".yaml", ".csv", ".txt", ".in", ""}


# Each rule returns what breaks it, so that it can be tried on a tree that does.


def long_files(root: Path, files: list[Path]) -> dict[str, int]:
    lines = {file.as_posix(): len((root / file).read_text(encoding="utf-8").splitlines()) for file in files}
    return {name: count for name, count in lines.items() if count > MAX_LINES}


def printing(root: Path, files: list[Path]) -> list[str]:
    return [
        f"{file}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def without_docstring(root: Path, files: list[Path]) -> list[str]:
    trees = {file: ast.parse((root / file).read_text(encoding="utf-8")) for file in files}
    return [file.as_posix() for file, tree in trees.items() if not (ast.get_docstring(tree) or "").strip()]


def machine_paths(root: Path, files: list[Path]) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()[:80]}"
        for file in files
        if file.suffix in TEXTS
        for number, line in enumerate((root / file).read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]


def listed_packages(root: Path) -> list[str]:
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg", encoding="utf-8")
    return config["options"]["packages"].split()


def packages_on_disk(files: list[Path]) -> list[str]:
    folders = {file.parent.as_posix().replace("/", ".") for file in files if file.name == "__init__.py"}
    own = {name for name in folders if name.split(".")[0] == "accelsim"}
    return sorted(own | {name for name, folder in MAPPED.items() if folder in folders})


def tool(root: Path, *words: str) -> tuple[int, str]:
    module = {"ruff": [sys.executable, "-m", "ruff"], "mypy": [sys.executable, "-m", "mypy"]}
    lint = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as run; run()"
    start = module.get(words[0], [sys.executable, "-c", lint])
    done = subprocess.run([*start, *words[1:]], cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_no_file_is_too_long() -> None:
    median = statistics.median(len((ROOT / file).read_text().splitlines()) for file in PACKAGE)
    found = long_files(ROOT, SOURCES)
    assert not found, f"more than {MAX_LINES} lines: {found} (median of the package: {median:g}, aim: near 110)"


def test_the_package_does_not_print() -> None:
    assert not printing(ROOT, PACKAGE)


def test_every_module_says_what_it_is() -> None:
    assert not without_docstring(ROOT, PACKAGE)


def test_no_path_of_one_machine() -> None:
    assert not machine_paths(ROOT, project_files())


def test_setup_lists_the_packages_on_disk() -> None:
    listed = listed_packages(ROOT)
    assert listed == sorted(set(listed))
    assert listed == packages_on_disk(SOURCES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [("ruff", "check", "--output-format=concise", "."), ("mypy",), ("lint-imports",)],
    ids=lambda words: words[0],
)
def test_tool_is_content(words: tuple[str, ...]) -> None:
    code, output = tool(ROOT, *words)
    assert code == 0, output


# The rules can fail.


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small tree that breaks every rule once."""
    root = tmp_path_factory.mktemp("broken")
    for name in ("setup.cfg", "ruff.toml", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    files = {
        "accelsim/__init__.py": '"""A package."""\n',
        "accelsim/cli/__init__.py": "def shout(text):\n    print(text)\n",
        "accelsim/long.py": '"""Long."""\n' + "\n" * MAX_LINES,
        "accelsim/forgotten/__init__.py": '"""Not in setup.cfg."""\n',
        "notes.md": "see " + "/".join(["", "work", "notes"]) + "\nbut not https://example.org/home/x or a/tmp/b\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_rules_find_what_breaks_them(broken: Path) -> None:
    files = project_files(broken)
    sources = [file for file in files if file.suffix == ".py"]
    assert long_files(broken, sources) == {"accelsim/long.py": MAX_LINES + 1}
    assert printing(broken, sources) == ["accelsim/cli/__init__.py:2"]
    assert without_docstring(broken, sources) == ["accelsim/cli/__init__.py"]
    assert [text.split(":")[:2] for text in machine_paths(broken, files)] == [["notes.md", "1"]]
    assert set(packages_on_disk(sources)) - set(listed_packages(broken)) == {"accelsim.forgotten"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("ruff", "check", "."), "D103"),
        (("mypy", "--no-incremental"), "no-untyped-def"),
    ],
    ids=["ruff", "mypy"],
)
def test_the_tools_are_strict(broken: Path, words: tuple[str, ...], complaint: str) -> None:
    code, output = tool(broken, *words)
    assert code != 0
    assert complaint in output, output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("accelsim/errors.py", "import accelsim.hardware.spec\n", "accelsim.errors -> accelsim.hardware.spec"),
        ("accelsim/stray.py", "", "accelsim.stray"),
    ],
    ids=["upward import", "module without a floor"],
)
def test_the_floors_are_kept(tmp_path: Path, module: str, text: str, complaint: str) -> None:
    copy_project(tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(text)
    code, output = tool(tmp_path, "lint-imports", "--no-cache")
    assert code != 0
    assert complaint in output, output


def test_the_copy_of_the_project_is_whole(tmp_path: Path) -> None:
    assert project_files(copy_project(tmp_path)) == project_files()
