"""Two hundred damaged files of every format but NIR, which has its own: a network or an error that says where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FORMATS = ("densities", "netx", "recording", "sanafe", "snn", "state_dict")


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_files_end_in_a_network_or_an_error(repository, form):
    program = Path(__file__).with_name("import_fuzz.py")
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "-W", "error", program, form, "200", "7"],
        capture_output=True, text=True, timeout=600, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(f"{form}: 200 cases, "), done.stdout
    assert " 0 still a network" not in done.stdout
