"""A Dask cluster on loopback: one of three worker processes is killed, and the points are those of the serial run."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from accelsim.errors import AccelsimError
from accelsim.pipeline import run
from accelsim.study import sweep
from accelsim.study.extra import load_extra
from accelsim.study.spread import spread_over

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.filterwarnings("ignore")

STUDY = """
name: cluster
hw: core
workload: dense_256
samples: 1
axes:
  core.synapse_lanes: {range: [1, 8], step: 1}
  core.neuron_lanes: {range: [1, 5], step: 1}
objectives: [energy, latency]
"""


def plain(frame):
    return frame.drop(columns=["seconds", "engine_seconds"]).set_index("id").sort_index()


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and three workers as processes of their own; give the address and the workers."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    file = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    processes = [subprocess.Popen([*command, *options], **quiet)]
    deadline = time.monotonic() + 60
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    import json

    address = json.loads(file.read_text())["address"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny",
              "--no-dashboard", "--local-directory", str(tmp_path)]  # fmt: skip
    processes += [subprocess.Popen(worker, **quiet) for _ in range(3)]
    yield address, processes[1:]
    for process in processes:
        process.kill()
        process.wait()


def test_a_killed_worker_loses_no_point(tmp_path, cluster):
    address, workers = cluster
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    alone = sweep(path, tmp_path / "alone", processes=1)

    def kill_in_the_middle():
        file = tmp_path / "out" / "study.sqlite"
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline:
            time.sleep(0.02)
            if file.is_file() and count(file) >= 8:
                break
        workers[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    study = sweep(path, tmp_path / "out", scheduler=address)
    killer.join()
    points = study.points()
    assert len(points) == points["id"].nunique() == 40
    pd.testing.assert_frame_equal(plain(points), plain(alone.points()), check_exact=True)

    whole = run("core", "mnist_conv", samples=2, threads=1)
    with spread_over(address) as (spread, threads):
        parts = run("core", "mnist_conv", samples=2, threads=threads, spread=spread)
    assert {name: item.value for name, item in parts.totals.items()} == {
        name: item.value for name, item in whole.totals.items()
    }
    for name, table in whole.tables().items():
        for column in table.columns:
            np.testing.assert_array_equal(parts.tables()[name][column.name], column.values)


def count(file):
    import sqlite3

    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as sql:
            return sql.execute("SELECT COUNT(*) FROM points").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_nobody_at_the_address(tmp_path, monkeypatch):
    import accelsim.study.cluster as module

    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    (tmp_path / "study.yaml").write_text(STUDY)
    with pytest.raises(AccelsimError, match="expected a Dask scheduler, got"):
        sweep(tmp_path / "study.yaml", tmp_path / "out", scheduler="tcp://127.0.0.1:9")


def test_a_missing_package_says_how_to_install_it():
    with pytest.raises(AccelsimError, match=r"pip install accelsim\[study\]"):
        load_extra("no_such_package_at_all", "--scheduler")
