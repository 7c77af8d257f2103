"""Ctrl-C while modules are imported waits until they are, a second one does not; none is lost in a callback."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

SCRIPT = """
import signal, sys, time
from accelsim.cli.interrupts import answer_interrupts

answer_interrupts()
try:
    import interrupted
    time.sleep(10)
    print("lost")
except KeyboardInterrupt:
    print("ended" if "interrupted" in sys.modules else "broken")
"""

LIBRARY = """
import signal, time

try:
    signal.raise_signal(signal.SIGINT)
    time.sleep(0.1)
    {}
except KeyboardInterrupt as error:
    raise RuntimeError("could not be imported") from error
"""


def told_by(tmp_path, library, script=SCRIPT):
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "interrupted.py").write_text(library)
    return subprocess.run([sys.executable, tmp_path / "script.py"], env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip


def test_an_import_ends_before_its_interrupt(tmp_path):
    done = told_by(tmp_path, LIBRARY.format("pass"))
    assert (done.stdout, done.stderr) == ("ended\n", "")


def test_a_second_interrupt_does_not_wait(tmp_path):
    done = told_by(tmp_path, LIBRARY.format("signal.raise_signal(signal.SIGINT)"))
    assert "RuntimeError: could not be imported" in done.stderr


def test_an_interrupt_that_a_callback_loses_comes_again(tmp_path):
    library = """
import signal, weakref

class Thing:
    pass

def callback(_):
    signal.raise_signal(signal.SIGINT)
"""
    script = SCRIPT.replace("import interrupted\n", """import interrupted
    thing = interrupted.Thing()
    reference = interrupted.weakref.ref(thing, interrupted.callback)
    del thing
""")
    done = told_by(tmp_path, library, script)
    assert (done.stdout, done.stderr) == ("ended\n", "")


def test_an_ignored_interrupt_stays_ignored(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = told_by(tmp_path, LIBRARY.format("pass") + "\nimport sys; print('here'); sys.exit(0)")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.stdout, done.stderr) == ("here\n", "")


TRAIN = pytest.param(
    ["train", "quant-prune", "--out", "out"], id="train",
    marks=pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
)  # fmt: skip


@pytest.mark.parametrize("command", [["sweep", "study.yaml"], TRAIN], ids=lambda words: words[0])
@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_a_command_that_starts_is_interrupted(tmp_path, command, seconds):
    (tmp_path / "study.yaml").write_text(
        "{name: one, hw: core, workload: dense_256, samples: 1, objectives: [energy], axes: {core.synapse_lanes: [1]}}"
    )
    # The plug-in is the first that the command imports: from then on, every moment must do.
    (tmp_path / "told.py").write_text("import pathlib; pathlib.Path('told').touch()")
    words = [sys.executable, "-m", "accelsim", "--plugin", "told.py", *command]
    with subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True, start_new_session=True) as process:  # fmt: skip
        while process.poll() is None and not (tmp_path / "told").exists():
            time.sleep(0.01)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.endswith("error: interrupted\n")
