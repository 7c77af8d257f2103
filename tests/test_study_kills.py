"""kill -9 of the driver and of workers: nothing committed is lost or run again, little is repeated."""

import collections
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import accelsim.study.evaluate as evaluation
from accelsim.study import Study, sweep

ROOT = Path(__file__).resolve().parents[1]

STUDY = """
name: kills
hw: core
workload: dense_256
samples: 1
axes:
  core.synapse_lanes: {range: [1, 8], step: 1}
  core.neuron_lanes: {range: [1, 5], step: 1}
objectives: [energy, latency]
"""

COUNTER = """
import os
import accelsim.study.evaluate as evaluation

plain = evaluation.Evaluator.evaluate
log = os.environ["EXECUTIONS"]


def counted(self, task):
    found = plain(self, task)
    with open(log, "ab", buffering=0) as file:
        file.write(f"{task.id}\\n".encode())
    return found


evaluation.Evaluator.evaluate = counted
"""


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Give a study, a plug-in that counts executions, and the counts so far."""
    log = tmp_path / "executions"
    log.touch()
    monkeypatch.setenv("EXECUTIONS", str(log))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "counter.py").write_text(COUNTER)
    return lambda: collections.Counter(log.read_text().split())


def committed(folder):
    file = folder / "study.sqlite"
    if not file.is_file():
        return set()
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as sql:
        try:
            return {row[0] for row in sql.execute("SELECT id FROM points")}
        except sqlite3.OperationalError:  # killed before there was a table
            return set()


def start(tmp_path, processes):
    words = ["--plugin", str(tmp_path / "counter.py"), "sweep", str(tmp_path / "study.yaml"), "--out",
             str(tmp_path / "out"), "--processes", str(processes), "--quiet"]  # fmt: skip
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # one that is ignored here would be so there
    try:
        return subprocess.Popen([sys.executable, "-m", "accelsim", *words], cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)


def plain(frame):
    """Return what must be equal; the plug-in that counts is a part of the identities."""
    axes = ["core.synapse_lanes", "core.neuron_lanes"]
    return frame.drop(columns=["id", "seconds", "engine_seconds"]).set_index(axes).sort_index()


def kill_and_resume(tmp_path, counted, kills, seed):
    rng, workers = random.Random(seed), 2  # noqa: S311 - moments, not secrets
    total, before = 40, set()
    for _ in range(kills):
        driver = start(tmp_path, workers)
        goal = min(len(before) + rng.randint(1, max(1, total // kills)), total - 1)
        deadline = time.monotonic() + 240
        while len(committed(tmp_path / "out")) < goal and driver.poll() is None and time.monotonic() < deadline:
            time.sleep(rng.random() * 0.02)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        now = committed(tmp_path / "out")
        assert before <= now
        before = now
    assert start(tmp_path, workers).wait(timeout=240) == 0
    study = Study.open(tmp_path / "out")
    points = study.points()
    assert len(points) == points["id"].nunique() == total
    assert study.counts() == {"done": total}
    counts = counted()
    assert set(counts) == set(points["id"])
    assert sum(counts.values()) <= total + kills * workers
    alone = sweep(tmp_path / "study.yaml", tmp_path / "alone", processes=1)
    pd.testing.assert_frame_equal(plain(points), plain(alone.points()), check_exact=True)


def test_a_killed_driver_loses_at_most_what_is_in_flight(tmp_path, counted):
    kill_and_resume(tmp_path, counted, kills=2, seed=1)


@pytest.mark.validate
def test_ten_kills_of_the_driver(tmp_path, counted):
    kill_and_resume(tmp_path, counted, kills=10, seed=2)


def test_a_point_that_kills_its_workers_fails_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(evaluation.Evaluator, "evaluate", evaluation.Evaluator.evaluate)  # the plug-in is ours too
    (tmp_path / "killer.py").write_text(
        "import os, signal\n"
        "import accelsim.study.evaluate as evaluation\n"
        "plain = evaluation.Evaluator.evaluate\n"
        "def evaluate(self, task):\n"
        "    if task.axes['core.synapse_lanes'] == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return plain(self, task)\n"
        "evaluation.Evaluator.evaluate = evaluate\n"
    )
    text = STUDY.replace("[1, 8]", "[1, 3]").replace("[1, 5], step: 1", "[1, 2], step: 1")
    (tmp_path / "study.yaml").write_text(text)
    study = sweep(tmp_path / "study.yaml", tmp_path / "out", processes=2, plugins=(str(tmp_path / "killer.py"),))
    points = study.points()
    dead = points[points["core.synapse_lanes"] == 2]
    assert study.counts() == {"done": 4, "failed": 2}
    assert set(dead["error"]) == {"3 workers died of this point, the last one by signal SIGKILL"}


def test_an_interrupt_keeps_what_is_done(tmp_path, counted):
    (tmp_path / "study.yaml").write_text(STUDY.replace("[1, 8]", "[1, 64]"))  # long enough not to end by itself
    driver = start(tmp_path, 2)
    deadline = time.monotonic() + 240
    while not committed(tmp_path / "out") and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(driver.pid, signal.SIGINT)
    try:
        assert driver.wait(timeout=120) == 130
    finally:
        driver.kill()
    kept = committed(tmp_path / "out")
    assert kept
    assert len(pd.read_parquet(tmp_path / "out" / "points.parquet")) == len(kept)


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="needs /proc")
@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5])
def test_an_interrupt_while_the_engines_are_imported(tmp_path, seconds):
    (tmp_path / "study.yaml").write_text(STUDY)
    words = [sys.executable, "-m", "accelsim", "sweep", "study.yaml", "--out", "out", "--processes", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as driver:  # fmt: skip
        children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children")
        while driver.poll() is None and not children.read_text():
            time.sleep(0.01)  # once the server is below it, the driver is in its command
        time.sleep(seconds)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: the driver and all below it
        _, told = driver.communicate(timeout=120)
    assert driver.returncode == 130
    assert told == "error: interrupted\n"


def test_a_script_without_a_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    data = {"hw": "core", "workload": "mnist_conv", "name": "x", "axes": {"core.synapse_lanes": [4, 8]}, "samples": 1}
    script.write_text(f"from accelsim.study import sweep\nsweep({data!r}, {str(tmp_path / 'out')!r}, processes=2)\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "StudyError: a worker process could not start" in done.stderr
    assert "if __name__ == '__main__'" in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert Study(tmp_path / "out").counts() == {}
