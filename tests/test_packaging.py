"""What a user installs: the wheel, from the source distribution and in its own environment; an editable install."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from repository_files import copy_project, project_files

pytestmark = pytest.mark.slow

MAX_WHEEL, MAX_PROJECT = 5e6, 15e6


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run without what would let Python find the checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def environment(folder: Path) -> Path:
    """Make an environment that sees the installed dependencies, but not an accelsim that is installed with them.

    A path in a .pth file comes after the environment's own packages, and .pth files there, by which editable installs
    work, are not read.
    """
    venv.create(folder)
    python = folder / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(run([str(python), "-c", code], folder).stdout.strip())
    paths = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (own / "dependencies.pth").write_text("\n".join(paths) + "\n")
    return python


def install(python: Path, *words: str) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install", "--no-deps"]
    run([*pip, "--no-index", "--ignore-installed", "--quiet", *words], python.parent)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and from it the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(project)], folder)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    (found,) = folder.glob("*.whl")
    return found


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    held = {name for name in names if ".dist-info/" not in name}
    wanted = {file.as_posix() for file in project_files() if file.parts[0] == "accelsim"}
    for folder in ("hwconfigs", "workloads"):
        wanted |= {f"accelsim/{file.as_posix()}" for file in project_files() if file.parts[0] == folder}
    assert held == wanted
    assert any(name.endswith("LICENSE") for name in names - held)
    assert "# accelsim" in metadata
    assert wheel.stat().st_size < MAX_WHEEL


def test_wheel_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    install(python, str(wheel))
    (tmp_path / "empty").mkdir()
    where = run([str(python), "-c", "import accelsim; print(accelsim.__file__)"], tmp_path / "empty").stdout
    assert Path(where).is_relative_to(tmp_path / "env")
    words = ["run", "--hw", "core", "--samples", "1", "--quiet", "--out", "results"]
    done = run([str(python.parent / "accelsim"), *words], tmp_path / "empty")
    assert (done.stdout, done.stderr) == ("", "")
    results = tmp_path / "empty" / "results"
    assert (results / "result.json").stat().st_size > 1000
    assert len(list((results / "figures").glob("*.png"))) >= 3
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["results"]


def test_editable_install_finds_chips_and_workloads(project: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    install(python, "--no-build-isolation", "--editable", str(project))
    code = """
from importlib.resources import files
import accelsim
from accelsim.hardware.presets import preset_folder, preset_names
from accelsim.network.workload import workload_folder, workload_names
print(accelsim.__file__, files("accelsim.hwconfigs") / "core.yaml", files("accelsim.workloads") / "mnist_conv")
print(preset_folder() / "core.yaml", workload_folder() / "mnist_conv")
print(*preset_names(), *workload_names())
"""
    (tmp_path / "empty").mkdir()
    first, second, third = run([str(python), "-c", code], tmp_path / "empty").stdout.splitlines()
    chip, workload = project / "hwconfigs" / "core.yaml", project / "workloads" / "mnist_conv"
    assert first.split() == [str(project / "accelsim" / "__init__.py"), str(chip), str(workload)]
    assert second.split() == [str(chip), str(workload)]
    assert {"core", "small", "mnist_conv"} <= set(third.split())
    assert "core" in run([str(python.parent / "accelsim"), "hw", "list"], tmp_path / "empty").stdout


def test_project_stays_small(project: Path) -> None:
    sizes = {file: (project / file).stat().st_size for file in project_files(project)}
    assert sum(sizes.values()) < MAX_PROJECT, sorted(sizes.items(), key=lambda item: -item[1])[:10]
