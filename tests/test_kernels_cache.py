"""The cache of compiled kernels notices an edit of a callee in another file, which numba's own does not."""

import os
import shutil
import subprocess
import sys

import pytest

CALLEE = "from accelsim.kernels import inlined\n\n\n@inlined\ndef inner(x):\n    return x + {added}\n"
CALLER = (
    "from accelsim.kernels import kernel\nfrom accelsim.functional.probe_callee import inner\n\n\n"
    "@kernel\ndef outer(x):\n    return 2 * inner(x)\n"
)
RUN = (
    "from accelsim.functional.probe_caller import outer\n"
    "print(outer(10), sum(outer.stats.cache_hits.values()))\n"
)
FROZEN = "import accelsim.kernels\naccelsim.kernels.source_hash = lambda *sources: 'frozen'\n"


@pytest.fixture
def package(tmp_path, repository):
    """A copy of the sources with two probe kernels; returns a function that sets the callee and runs the caller."""
    keep = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(repository / "accelsim", tmp_path / "accelsim", ignore=keep)
    folder = tmp_path / "accelsim" / "functional"
    (folder / "probe_caller.py").write_text(CALLER)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(added, before=""):
        (folder / "probe_callee.py").write_text(CALLEE.format(added=added))
        done = subprocess.run(
            [sys.executable, "-c", before + RUN], cwd=tmp_path, env=environment, capture_output=True, text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result, hits = done.stdout.split()
        return int(result), int(hits)

    return run


def test_edited_callee_is_compiled_again(package):
    assert package(1) == (22, 0)
    assert package(1) == (22, 1)  # unchanged sources come from the cache
    assert package(5) == (30, 0)


def test_without_the_hash_the_result_would_be_stale(package):
    """The control: with a constant folder numba returns the old result, so the test above can fail."""
    assert package(1, FROZEN) == (22, 0)
    assert package(5, FROZEN) == (22, 1)


def test_edited_stranger_does_not_compile_again(package, tmp_path):
    """What a kernel's file does not import, directly or not, cannot be compiled into it."""
    assert package(1) == (22, 0)
    with (tmp_path / "accelsim" / "report" / "terminal.py").open("a") as file:
        file.write("# edited\n")
    assert package(1) == (22, 1)


@pytest.mark.parametrize("line", [
    "from accelsim.functional import probe_callee\n\ninner = probe_callee.inner\n",
    "from accelsim.functional import (  # names\n    probe_callee,\n)\n\ninner = probe_callee.inner\n",
    "import accelsim.functional.probe_callee\n\ninner = accelsim.functional.probe_callee.inner\n",
    "from accelsim.functional.probe_between import inner\n",
])
def test_every_form_of_import_is_followed(package, tmp_path, line):
    folder = tmp_path / "accelsim" / "functional"
    (folder / "probe_between.py").write_text("from accelsim.functional.probe_callee import inner\n")
    direct = "from accelsim.functional.probe_callee import inner\n"
    (folder / "probe_caller.py").write_text(CALLER.replace(direct, line))
    assert package(1) == (22, 0)
    assert package(5) == (30, 0)
