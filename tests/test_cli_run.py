"""The command ``run`` over a stand-in for the pipeline: what it passes on, what it prints and where."""

import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from rich.console import Console
from sample_result import sample_result
from test_report_serialize import assert_same
from typer.testing import CliRunner

import accelsim
from accelsim.cli.progress import BarProgress, make_progress
from accelsim.cli.report import report_command
from accelsim.cli.run import run_command
from accelsim.errors import OutputError
from accelsim.network.events import A_FEW
from accelsim.result.progress import NO_PROGRESS
from accelsim.result.schema import VERSION
from accelsim.result.serialize import from_json, read_result


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def run(hw: str, workload: str, **options: Any) -> object:
        found.append({"hw": hw, "workload": workload, **options})
        return sample_result(samples=16 if options["samples"] is A_FEW else options["samples"])

    pipeline = ModuleType("accelsim.pipeline")
    pipeline.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "accelsim.pipeline", pipeline)
    monkeypatch.setattr(accelsim, "pipeline", pipeline, raising=False)
    return found


def invoke(*words: str) -> Any:
    app = typer.Typer()
    app.command("run")(run_command)
    app.command("report")(report_command)
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


def test_defaults(calls: list[dict[str, Any]]) -> None:
    done = invoke("run")
    assert done.exit_code == 0, done.output
    assert calls == [
        {
            "hw": "core",
            "workload": "mnist_conv",
            "samples": A_FEW,
            "overrides": (),
            "workload_overrides": (),
            "engine": "compiled",
            "threads": None,
            "seed": None,
            "progress": NO_PROGRESS,
            "cache": True,
            "ann": None,
            "timeline": None,
            "back_to_back": False,
            "state": "reset",
        }
    ]
    assert "3.2x less energy" in done.stdout
    assert "\x1b" not in done.stdout


def test_every_option_arrives(calls: list[dict[str, Any]]) -> None:
    done = invoke(
        "run",
        "--hw",
        "a.yaml",
        "--workload",
        "w",
        "--samples",
        "3",
        "--set",
        "a.b=1",
        "--set",
        "c=2 pJ",
        "--workload-set",
        "timesteps=4",
        "--engine",
        "reference",
        "--threads",
        "2",
        "--seed",
        "7",
        "--no-cache",
        "--ann",
        "a.nir",
        "--quiet",
    )
    assert (done.exit_code, done.stdout) == (0, "")
    assert calls == [
        {
            "hw": "a.yaml",
            "workload": "w",
            "samples": 3,
            "overrides": ("a.b=1", "c=2 pJ"),
            "workload_overrides": ("timesteps=4",),
            "engine": "reference",
            "threads": 2,
            "seed": 7,
            "progress": NO_PROGRESS,
            "cache": False,
            "ann": Path("a.nir"),
            "timeline": None,
            "back_to_back": False,
            "state": "reset",
        }
    ]


def test_json_is_all_there_is_on_stdout(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    done = invoke("run", "--json", "--out", str(tmp_path / "o"), "--no-figures")
    assert_same(from_json(done.stdout), sample_result())
    assert done.stdout == (tmp_path / "o" / "result.json").read_text()
    assert not (tmp_path / "o" / "figures").exists()
    assert json.loads(done.stdout)["version"] == VERSION


def test_out_writes_and_names_the_folder(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    done = invoke("run", "--out", str(tmp_path / "o"))
    assert f"Files: {tmp_path / 'o'}" in done.stdout
    assert (tmp_path / "o" / "figures" / "noc_load.svg").stat().st_size > 1000
    assert_same(read_result(tmp_path / "o"), sample_result())


def test_an_impossible_folder_is_found_before_the_run(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "o").write_text("a file")
    done = invoke("run", "--out", str(tmp_path / "o"))
    assert isinstance(done.exception, OutputError)
    assert calls == []


@pytest.mark.parametrize(
    "words", [("--samples", "0"), ("--threads", "-1"), ("--samples", "x"), ("--sed", "1")]
)
def test_wrong_usage(calls: list[dict[str, Any]], words: tuple[str, ...]) -> None:
    done = invoke("run", *words)
    assert done.exit_code == 2
    assert words[0] in done.output
    assert calls == []


def test_report_shows_what_run_showed(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    shown = invoke("run", "--out", str(tmp_path / "o"), "--no-figures").stdout
    again = invoke("report", str(tmp_path / "o")).stdout
    assert shown == again + f"\nFiles: {tmp_path / 'o'}\n"
    assert (
        invoke("report", str(tmp_path / "o" / "result.json"), "--json").stdout
        == (tmp_path / "o" / "result.json").read_text()
    )


@pytest.mark.parametrize("command", [["run", "--help"], ["report", "--help"], ["compare", "--help"]])
def test_help_loads_nothing_heavy(command: list[str]) -> None:
    code = f"""
import sys
import typer
from accelsim.cli.run import run_command
from accelsim.cli.report import report_command
from accelsim.cli.compare import compare
app = typer.Typer()
app.command("compare")(compare)
app.command("run")(run_command)
app.command("report")(report_command)
try:
    app({command!r})
except SystemExit as stop:
    assert not stop.code, stop.code
heavy = {{"numba", "numpy", "pandas", "matplotlib", "pyarrow", "simpy", "h5py"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout


def terminal() -> tuple[io.StringIO, Console]:
    stream = io.StringIO()
    return stream, Console(file=stream, force_terminal=True, width=100)


def test_a_short_stage_draws_nothing() -> None:
    stream, console = terminal()
    with BarProgress(console, delay=5).stage("timing", 10) as stage:
        stage.advance(10)
    assert stream.getvalue() == ""


def test_a_long_stage_draws_a_bar_that_vanishes_also_on_failure() -> None:
    stream, console = terminal()
    bars = BarProgress(console, delay=0.01)
    with pytest.raises(ValueError, match="inside"), bars.stage("timing [x]", 10) as stage:
        stage.advance(4)
        deadline = time.monotonic() + 5
        while "4/10" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        raise ValueError("inside")
    drawn = stream.getvalue()
    assert "timing [x]" in drawn
    assert "4/10" in drawn
    assert drawn.endswith("\r\x1b[2K\x1b[?25h\r")  # the line is erased, the cursor is back
    assert not any(isinstance(item, threading.Timer) for item in threading.enumerate())


def test_no_bars_without_a_terminal_or_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert make_progress(quiet=False) is NO_PROGRESS
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert make_progress(quiet=True) is NO_PROGRESS
    assert isinstance(make_progress(quiet=False), BarProgress)
