"""Command lines that documents show, run in this process: its imports and kernels are loaded once for all of them."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from repository_files import ROOT
from typer.testing import CliRunner

from accelsim.cli.app import build

COLUMNS = "100"


def run_line(line: str, folder: Path) -> str:
    """Return what a command line prints, run in a folder; an AssertionError with its output where it fails.

    Another program than accelsim, and a plug-in, which would stay loaded, get a process of their own.
    """
    words = shlex.split(line)
    if words[0] != "accelsim" or "--plugin" in words:
        words = [sys.executable, "-m", *words] if words[0] == "accelsim" else words
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": COLUMNS}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr}"
        return done.stdout
    before = Path.cwd()
    os.chdir(folder)
    try:
        found = CliRunner(env={"COLUMNS": COLUMNS}).invoke(build(), words[1:], prog_name="accelsim")
    finally:
        os.chdir(before)
    assert found.exit_code == 0, f"{line}\n{found.stdout[-2000:]}\n{found.stderr}\n{found.exception}"
    return found.stdout
