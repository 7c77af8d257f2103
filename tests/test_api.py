"""The Python interface: light to import, options as Python has them, data frames, figures, HTML that is escaped."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import typer.main
from sample_result import sample_result
from test_report_serialize import assert_same
from typer.testing import CliRunner

import accelsim as ax
from accelsim.api import runs, studies
from accelsim.api.options import assignments
from accelsim.api.result import Result
from accelsim.cli.app import build
from accelsim.cli.completion import chips, workloads
from accelsim.errors import ConfigError, OutputError, UnknownNameError
from accelsim.hardware.loader import load_chip
from accelsim.network.events import A_FEW
from accelsim.pipeline import doctor
from accelsim.pipeline.timeline import TimelineRequest
from accelsim.result.run_result import RunResult

HEAVY = ("numpy", "numba", "pandas", "matplotlib", "pydantic", "rich", "jinja2", "simpy", "plotly")


def test_import_is_light():
    code = f"import accelsim, sys; dir(accelsim); print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_is_there():
    assert set(ax.__all__) <= set(dir(ax))
    for name in ax.__all__:
        assert getattr(ax, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ax.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("core.synapse_memory.banks", 8), ("core.synapse_memory.banks", np.int64(8)), ("clock", "150 MHz"),
        ("core.skip_zero_weights", True), ("noc.size", [5, 4]), ("technology.overrides", []),
    ],
)  # fmt: skip
def test_values_arrive(path, value):
    node = load_chip("core", assignments({path: value}, "set")).data
    for step in path.split("."):
        node = node[step]
    assert node == value


def test_values_inside_others():
    (text,) = assignments({"a": {"b": ["x, y", 1.5, None, False, 'q"\\']}}, "set")
    assert text == 'a={"b": ["x, y", 1.5, null, false, "q\\"\\\\"]}'
    assert assignments(None, "set") == ()
    with pytest.raises(ConfigError, match="set: expected a mapping"):
        assignments(["core.scan=all"], "set")
    with pytest.raises(ConfigError, match=r"set: a\.b: expected a number"):
        assignments({"a.b": object()}, "set")


def test_options_arrive(monkeypatch, tmp_path):
    heard = []
    monkeypatch.setattr(runs, "run_once", lambda *args, **named: heard.append((args, named)) or sample_result())
    assert isinstance(ax.run(), Result)
    ax.run("a.yaml", "w", samples=3, set={"core.scan": "all"}, workload_set={"timesteps": 4}, threads=2, seed=1,
           cache=False, ann="a.nir", timeline=tmp_path / "t.json", timeline_steps="3:5")  # fmt: skip
    (first, one), (second, two) = heard
    assert first == ("core", "mnist_conv")
    assert (one["samples"], one["overrides"], one["timeline"]) == (A_FEW, (), None)
    assert second == ("a.yaml", "w")
    assert two == {
        "samples": 3, "overrides": ("core.scan=all",), "workload_overrides": ("timesteps=4",), "engine": "compiled",
        "threads": 2, "seed": 1, "cache": False, "ann": "a.nir",
        "timeline": TimelineRequest(tmp_path / "t.json", 0, range(3, 5)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: ax.run(hw=3), "hw: expected a name or a path, got 3"),
        (lambda: ax.run(workload=["a"]), r"workload: expected a name or a path, got \['a'\]"),
        (lambda: ax.run(samples="x"), "samples: expected a whole number of at least 1, or None, got 'x'"),
        (lambda: ax.run(samples=1.5), "samples: expected a whole number"),
        (lambda: ax.run(samples=0), "samples: expected a whole number of at least 1, or None, got 0"),
        (lambda: ax.run(threads="2"), "threads: expected a whole number"),
        (lambda: ax.run(seed=-1), "seed: expected a whole number of at least 0"),
        (lambda: ax.run(engine=1), "engine: expected a name"),
        (lambda: ax.run(ann=1), "ann: expected a name or a path"),
        (lambda: ax.run(timeline=1), "timeline: expected a name or a path"),
        (lambda: ax.run(timeline="t", timeline_sample=-1), "timeline_sample: expected a whole number"),
        (lambda: ax.run(load_chip("core"), set={"core.scan": "all"}), "set: expected no changes of a chip"),
        (lambda: ax.compare("core"), "chips: expected a list of names or paths, got 'core'"),
        (lambda: ax.compare([3]), "chips: expected a list of names or paths, got 3"),
        (lambda: ax.compare(["core"], samples=True), "samples: expected a whole number"),
        (lambda: ax.load_result(3), "load_result: expected a name or a path, got 3"),
        (lambda: ax.sweep(3), "study: expected a study file, or a mapping, got 3"),
        (lambda: ax.sweep("s.yaml", processes=0), "processes: expected a whole number of at least 1"),
        (lambda: ax.sweep("s.yaml", 3), "out: expected a name or a path, got 3"),
        (lambda: ax.sweep("s.yaml", plugins="own.py"), "plugins: expected a list of files or modules, got 'own.py'"),
        (lambda: ax.open_study(3), "open_study: expected a name or a path, got 3"),
    ],
)
def test_wrong_types_are_errors_of_ours(call, expected):
    with pytest.raises(ConfigError, match=f"^{expected}"):
        call()


def test_one_objective_may_be_a_text(monkeypatch):
    heard = []
    monkeypatch.setattr(studies, "front_of", lambda _study, goals, group: heard.append((goals, group)))
    study = object.__new__(studies.Study)
    study.pareto("energy")
    study.pareto(["energy", "latency"], group="hw")
    assert heard == [("energy", None), (("energy", "latency"), "hw")]
    with pytest.raises(ConfigError, match="objectives: expected a list of names of totals, got 3"):
        study.pareto(3)


@pytest.fixture(scope="module")
def result() -> Result:
    return Result.of(sample_result())


def test_a_result_is_the_run_result(result):
    assert isinstance(result, RunResult)
    assert_same(result, sample_result())
    assert repr(result).startswith("<Result: mnist_conv on core, 16 samples. The SNN takes")


def test_tables(result):
    compared = result.table()
    assert list(compared.columns) == ["SNN", "ANN", "SNN against ANN"]
    assert compared.loc["energy / inference", "SNN"] == "1.25 uJ"
    for name, table in {**result.tables(), **result.derived_tables()}.items():
        frame = result.table(name)
        assert list(frame.columns) == table.names
        assert len(frame) == len(table)
    assert result.table("layers").attrs["units"]["energy_pj"] == "pJ"
    totals = result.table("totals")
    assert totals.loc["energy_per_inference", ["SNN", "ANN", "unit"]].tolist() == [1.25e6, 4e6, "pJ"]
    assert np.isnan(totals.loc["macs", "SNN"])
    with pytest.raises(UnknownNameError, match="did you mean 'layers'"):
        result.table("layer")
    assert result.value("energy_per_inference") == 1.25e6
    with pytest.raises(UnknownNameError, match="energy_per_sop"):
        result.value("energy_per_spo")


def test_figures(result, tmp_path):
    assert "energy" in dir(result.plot)
    assert result.plot.energy()._repr_png_().startswith(b"\x89PNG")
    assert result.plot.latency().figure.get_axes()
    assert result.plot.energy().save(tmp_path / "sub" / "a.svg").read_text().startswith("<?xml")
    with pytest.raises(AttributeError, match="no figure 'nothing'; there are energy"):
        result.plot.nothing  # noqa: B018
    with pytest.raises(OutputError, match="cannot write a figure"):
        result.plot.energy().save(tmp_path / "a.nothing")


def test_html_is_escaped(result):
    assert "mnist_conv on core, 16 samples" in result._repr_html_()
    evil = dataclasses.replace(result, workload={**result.workload, "name": "<script>alert(1)</script>"})
    assert "<script" not in evil._repr_html_()
    assert "&lt;script&gt;" in evil._repr_html_()
    assert "SNN chip" in result.report()


def test_files(result, tmp_path):
    folder = result.save(tmp_path / "run", figures=False)
    again = ax.load_result(folder)
    assert isinstance(again, Result)
    assert_same(again, result)
    assert again.html(tmp_path / "a.html").read_text().startswith("<!doctype html>")


def test_compare_shows_machines():
    machines = ax.compare(["core"], samples=1)
    assert {"core", "core: array"} <= set(machines.table()["machine"])
    assert "<th scope=\"row\">core</th>" in machines._repr_html_()


def leaves(command, words=()):
    if not hasattr(command, "commands"):
        return [words]
    return [leaf for name, inner in command.commands.items() for leaf in leaves(inner, (*words, name))]


@pytest.mark.parametrize("words", [(), *leaves(typer.main.get_command(build()))], ids=" ".join)
def test_help_has_an_example(words):
    shown = CliRunner().invoke(build(), [*words, "--help"], env={"COLUMNS": "200"}).output
    usage, _, rest = " ".join(shown.split()).partition("[OPTIONS]")
    assert " ".join(("accelsim", *words)) in usage
    assert " ".join(("accelsim", *words)) in rest


def test_completion():
    assert "small" in chips("s")
    assert all(name.startswith("s") for name in chips("s"))
    assert workloads("mnist_c") == ["mnist_conv"]
    shown = CliRunner().invoke(build(), ["--show-completion"])
    assert "--show-completion" in CliRunner().invoke(build(), ["--help"]).output
    assert shown.exit_code in {0, 1}  # 1: the shell that runs the tests is none that it knows


def test_doctor_finds_all_well():
    done = CliRunner().invoke(build(), ["doctor"])
    assert done.exit_code == 0, done.output
    for name in ("python", "threads", "compiled kernels", "activity traces", "data", "extra train", "self-test"):
        assert name in done.output
    assert "both engines agree in" in done.output


def test_doctor_tells_what_is_broken(monkeypatch):
    def broken():
        raise OSError("no such folder")
        yield

    def advised():
        yield doctor.Finding("thing", "note", "odd", "do this")

    monkeypatch.setattr(doctor, "examine", lambda: iter([*doctor._guarded(broken), *doctor._guarded(advised)]))
    done = CliRunner().invoke(build(), ["doctor"])
    assert done.exit_code == 1
    assert "fail broken" in done.output
    assert "OSError: no such folder" in done.output
    assert "do this" in done.output


def test_doctor_notices_engines_that_differ(monkeypatch):
    from accelsim.pipeline import flow

    def run(_hw, _workload, *, engine, **_options):
        return sample_result(snn_pj=1e6 if engine == "compiled" else 2e6)

    monkeypatch.setattr(flow, "run", run)
    (found,) = doctor._engines()
    assert (found.state, found.name) == ("fail", "self-test")
    assert "energy_per_inference" in found.found
