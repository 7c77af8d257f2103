"""Studies end to end, on a small workload: rows, resuming, content addressing, failures, reruns."""

import csv
import json
import sqlite3
import sys

import pandas as pd
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import accelsim as ax
import accelsim.study.evaluate as evaluation
from accelsim.cli.app import build
from accelsim.errors import AccelsimError
from accelsim.hardware.yaml_reader import Location
from accelsim.mapping.placement import PLACERS
from accelsim.pipeline import run
from accelsim.study import Study, pareto, read_study, sweep
from accelsim.study.planner import Planner
from accelsim.study.reader import check_study
from accelsim.study.rerun import load_point

STUDY = """
name: small
hw: core
workload: dense_256
samples: 1
axes:
  core.synapse_lanes: [4, 8]
  core.synapse_memory.banks: [2, 4]
objectives: [energy, latency]
"""


@pytest.fixture
def executed(monkeypatch):
    """Count the points that are really evaluated."""
    names = []
    plain = evaluation.Evaluator.evaluate

    def counted(self, task):
        names.append(task.id)
        return plain(self, task)

    monkeypatch.setattr(evaluation.Evaluator, "evaluate", counted)
    return names


def written(folder, text, name="study.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def totals(frame):
    return frame.drop(columns=["seconds", "engine_seconds"]).set_index("id").sort_index()


def test_every_point_is_the_run_that_it_names(tmp_path):
    study = sweep(written(tmp_path, STUDY), tmp_path / "out", processes=1)
    points = study.points()
    assert study.counts() == {"done": 4}
    assert points["core.synapse_lanes"].tolist() == [4, 4, 8, 8]
    assert points["core.synapse_memory.banks"].tolist() == [2, 4, 2, 4]
    for _, row in points.iterrows():
        lanes, banks = row["core.synapse_lanes"], row["core.synapse_memory.banks"]
        sets = (f"core.synapse_lanes={lanes}", f"core.synapse_memory.banks={banks}")
        alone = run("core", "dense_256", samples=1, overrides=sets, threads=1)
        for name, item in alone.totals.items():
            assert row[name] == item.value or (pd.isna(row[name]) and item.value != item.value)
        assert row["baseline.energy_per_inference"] == alone.baseline.totals["energy_per_inference"].value
        configuration = study.configuration(row["id"])
        assert configuration["chip"] == alone.config
        assert configuration["workload"] == alone.workload["provenance"]["description"]
    again = load_point(f"{tmp_path}/out/#{points['id'][2][:12]}")
    repeated = run(
        again.chip, again.workload, samples=again.samples, workload_overrides=again.workload_overrides,
        engine=again.engine, ann=again.ann, origin=again.origin,
    )  # fmt: skip
    assert repeated.totals["energy_per_inference"].value == points["energy_per_inference"][2]
    assert "--from" in repeated.meta["command"]


def test_processes_find_the_same_to_the_last_bit(tmp_path):
    path = written(tmp_path, STUDY)
    alone = totals(sweep(path, tmp_path / "one", processes=1).points())
    both = totals(sweep(path, tmp_path / "two", processes=2).points())
    pd.testing.assert_frame_equal(alone, both, check_exact=True)


def test_a_committed_point_never_runs_again(tmp_path, executed):
    path = written(tmp_path, STUDY)
    sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 4
    sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 4
    # 16 is new; the value of the preset is the same point whether it is named or not
    written(tmp_path, STUDY.replace("[4, 8]", "[8, 16]"))
    study = sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 6
    assert study.points()["core.synapse_lanes"].tolist() == [8, 8, 16, 16]
    assert len(study.points(everything=True)) == 6
    written(tmp_path, STUDY.replace("axes:\n", "axes:\n  core.neuron_lanes: [4]\n"))
    study = sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 6
    assert len(study.points()) == 4


def test_a_changed_file_makes_new_points_of_what_depends_on_it(tmp_path, executed):
    chip = written(tmp_path, "extends: core\nname: mine\n", "mine.yaml")
    text = STUDY.replace("axes:", "axes:\n  hw: [core, ./mine.yaml]").replace("banks: [2, 4]", "banks: [4]")
    path = written(tmp_path, text)
    sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 4
    chip.write_text("extends: core\nname: mine\ncore: {neuron_lanes: 8}\n")
    study = sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 6
    assert study.counts() == {"done": 4}


def test_a_failure_is_a_row(tmp_path, executed):
    path = written(tmp_path, STUDY.replace("[2, 4]", "[3, 4]"))
    study = sweep(path, tmp_path / "out", processes=1)
    points = study.points()
    assert points["status"].tolist() == ["failed", "done", "failed", "done"]
    assert "is not a whole number of" in points["error"][0]
    sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == 4
    sweep(path, tmp_path / "out", processes=1, retry_failed=True)
    assert len(executed) == 6


def test_constraints_are_tried_before_the_timing_where_that_is_possible(tmp_path):
    text = STUDY + "constraints: [area <= 1 um2, latency <= 1 ps]\n"
    study = sweep(written(tmp_path, text), tmp_path / "out", processes=1)
    points = study.points()
    assert set(points["status"]) == {"infeasible"}
    assert set(points["violations"]) == {"area <= 1 um2"}
    assert "latency" not in points
    with pytest.raises(AccelsimError, match="within all constraints, got none"):
        pareto(study)
    late = sweep(written(tmp_path, STUDY + "constraints: [latency <= 1 ps]\n"), tmp_path / "late", processes=1)
    assert set(late.points()["violations"]) == {"latency <= 1 ps"}
    assert (late.points()["latency"] > 0).all()


def test_other_constraints_judge_committed_points_anew(tmp_path, executed):
    path = written(tmp_path, STUDY + "constraints: [latency <= 1 ps]\n")
    assert sweep(path, tmp_path / "out", processes=1).counts() == {"infeasible": 4}
    written(tmp_path, STUDY + "constraints: [latency <= 1 s]\n")
    study = sweep(path, tmp_path / "out", processes=1)
    assert (study.counts(), len(executed)) == ({"done": 4}, 4)
    assert set(study.points()["violations"]) == {""}
    early = tmp_path / "early"
    written(tmp_path, STUDY + "constraints: [area <= 1 um2]\n")
    assert sweep(path, early, processes=1).counts() == {"infeasible": 4}
    written(tmp_path, STUDY)
    assert sweep(path, early, processes=1).counts() == {"done": 4}
    assert len(executed) == 12  # what was refused before the timing had to be timed


def test_a_constraint_on_nothing_ends_the_study(tmp_path):
    path = written(tmp_path, STUDY + "constraints: [aera <= 4 mm2]\n")
    for processes in (1, 2):
        with pytest.raises(AccelsimError, match="unknown total 'aera'; did you mean 'area'"):
            sweep(path, tmp_path / "out", processes=processes)


def test_a_broken_plugin_ends_the_study(tmp_path):
    (tmp_path / "broken.py").write_text("raise RuntimeError('on purpose')\n")
    with pytest.raises(AccelsimError, match="on purpose"):
        sweep(written(tmp_path, STUDY), tmp_path / "out", processes=2, plugins=(str(tmp_path / "broken.py"),))


def test_a_constraint_on_what_a_committed_point_lacks_ends_the_study(tmp_path):
    axes = "axes:\n  hw: [core, prosperity]\n"
    text = STUDY[: STUDY.index("axes:")] + axes
    path = written(tmp_path, text)
    assert sweep(path, tmp_path / "out", processes=1).counts() == {"done": 2}
    for folder in ("out", "other"):  # committed points, and new ones
        written(tmp_path, text + "constraints: [packets <= 5]\n")
        with pytest.raises(AccelsimError, match=r"hw prosperity, a layer-serial array, .*has no packets"):
            sweep(path, tmp_path / folder, processes=1)
    written(tmp_path, text + "constraints: [acuracy >= 0.9]\n")
    with pytest.raises(AccelsimError, match=r"study.yaml:8: constraints\[0\]: unknown total 'acuracy'"):
        sweep(path, tmp_path / "out", processes=1)


def test_a_value_that_a_workload_refuses_is_a_failed_row(tmp_path):
    study = {"name": "bits", "hw": "core", "workload": "mnist_conv", "samples": 1}
    axis = {"workload.network.quantize.bits": [4, 99]}
    points = sweep(study | {"axes": axis}, tmp_path / "bits", processes=1).points()
    assert points["status"].tolist() == ["done", "failed"]
    assert "--set network.quantize.bits=99: " in points["error"][1]
    steps = sweep(study | {"axes": {"workload.timesteps": [2, 0]}}, tmp_path / "steps", processes=1)
    assert steps.counts() == {"done": 1, "failed": 1}
    both = {"workload": ["mnist_conv", "dense_256"], **axis}
    with pytest.raises(AccelsimError, match=r"workload dense_256: network.quantize.*when: \{workload: NAME\}"):
        sweep(study | {"axes": both}, tmp_path / "both", processes=1)


def test_a_worker_refuses_a_plugin_that_changed_since_it_was_imported(tmp_path, monkeypatch):
    plugin = tmp_path / "later.py"
    plugin.write_text("A = 1\n")
    path = written(tmp_path, STUDY.replace("[4, 8]", "[8]"))
    study = sweep(path, tmp_path / "out", processes=1, plugins=(str(plugin),))
    point = f"{tmp_path}/out/#{study.points()['id'][0]}"
    load_point(point)
    plugin.write_text("A = 2\n")
    with pytest.raises(AccelsimError, match="--plugin later: expected what the study was planned with"):
        sweep(path, tmp_path / "out", processes=1, plugins=(str(plugin),))
    with pytest.raises(AccelsimError, match="expected the plug-in later as it was, but it has changed since"):
        load_point(point)
    sweep(path, tmp_path / "out", processes=2, plugins=(str(plugin),))  # new processes import the new file
    monkeypatch.delitem(sys.modules, "accelsim_plugin_later")
    with pytest.raises(AccelsimError, match="expected --plugin later, which the point was"):
        load_point(point)


def test_a_changed_ann_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "load_ann", lambda _path, _network: None)
    ann = tmp_path / "ann.nir"
    ann.write_bytes(b"one")
    study = {"name": "ann", "hw": "core", "workload": "dense_256", "samples": 1, "ann": str(ann)}
    study |= {"axes": {"core.synapse_lanes": [8]}}
    worker = evaluation.Evaluator()
    task = next(Planner(check_study(study, {"": Location("study", 0)}, tmp_path)).tasks())
    assert worker.evaluate(task).status == "done"
    made = sweep(study, tmp_path / "out", processes=1)
    point = f"{tmp_path}/out/#{made.points()['id'][0]}"
    load_point(point)
    ann.write_bytes(b"another")
    with pytest.raises(AccelsimError, match=r"expected the ANN .* as it was, but it has changed since"):
        load_point(point)
    assert "expected the ANN that the study was planned with" in evaluation.Evaluator().evaluate(task).error
    changed = next(Planner(check_study(study, {"": Location("study", 0)}, tmp_path)).tasks())
    assert changed.id != task.id
    loaded = len(worker._workloads)
    worker.evaluate(changed)
    assert worker.evaluate(task).status == "done"  # still loaded as it was
    assert len(worker._workloads) <= loaded + 1


def test_a_rerun_by_another_simulator_warns(tmp_path, monkeypatch):
    path = written(tmp_path, STUDY.replace("[4, 8]", "[8]").replace("[2, 4]", "[4]"))
    study = sweep(path, tmp_path / "out", processes=1)
    monkeypatch.setattr("accelsim.study.rerun.model_digest", lambda: "other")
    with pytest.warns(UserWarning, match="the simulator's sources or tables have changed"):
        load_point(f"{tmp_path}/out/#{study.points()['id'][0]}")


def test_a_plugin_is_loaded_before_the_study_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(PLACERS, "_items", {name: PLACERS.get(name) for name in PLACERS})
    (tmp_path / "toy.py").write_text(
        "from accelsim.mapping.placement import PLACERS\nPLACERS.register('toy')(PLACERS.get('row_major'))\n"
    )
    study = {"name": "toy", "hw": "core", "workload": "dense_256", "samples": 1, "axes": {"mapping.placement": ["toy"]}}
    given = (str(tmp_path / "toy.py"),)
    assert sweep(study, tmp_path / "out", processes=1, plugins=given).counts() == {"done": 1}
    PLACERS._items.pop("toy")
    assert ax.sweep(study, tmp_path / "out", processes=1, plugins=given).counts() == {"done": 1}


def test_failed_points_end_the_command_with_one(tmp_path):
    def swept(text, *words):
        found = CliRunner().invoke(build(), ["sweep", str(written(tmp_path, text)), "--out", str(tmp_path / "out"),
                                             "--processes", "1", *words], env={"COLUMNS": "400"})  # fmt: skip
        return found.exit_code, " ".join(found.output.split())

    all_fail = STUDY.replace("[2, 4]", "[3]")
    code, output = swept(all_fail)
    assert code == 1 and "2 points, 2 failed" in output and "pareto" not in output
    assert swept(all_fail, "-q")[0] == 1
    code, output = swept(STUDY.replace("[2, 4]", "[3, 4]"))
    assert code == 1 and "next: accelsim pareto" in output
    code, output = swept(STUDY.replace("[2, 4]", "[4]"))
    assert code == 0 and "2 points, 2 done" in output
    code, output = swept(STUDY.replace("[2, 4]", "[4]") + "constraints: [latency <= 1 ps]\n")
    assert code == 0 and "2 infeasible" in output and "accelsim pareto" not in output
    nothing = STUDY + "conditions: [core.synapse_lanes <= 2]\n"
    assert "0 to run" in swept(nothing, "--plan")[1]


def test_a_point_has_its_own_chip(tmp_path):
    words = ["run", "--from", str(tmp_path / "#ab"), "--hw", "core", "--engine", "compiled"]
    found = CliRunner().invoke(build(), words, env={"COLUMNS": "400"})
    assert found.exit_code == 2 and "expected --from without --hw and --engine" in found.output


def test_exports_hold_what_the_database_holds(tmp_path):
    study = sweep(written(tmp_path, STUDY), tmp_path / "out", processes=1)
    points = study.points()
    table = pyarrow.parquet.read_table(tmp_path / "out" / "points.parquet")
    assert table.column("energy_per_inference").to_pylist() == points["energy_per_inference"].tolist()
    assert table.schema.field("energy_per_inference").metadata[b"unit"] == b"pJ"
    rows = rows_of(tmp_path / "out" / "points.csv")
    assert [float(row["latency [ns]"]) for row in rows] == points["latency"].tolist()


def test_a_front_has_the_full_configuration_of_its_points(tmp_path):
    from accelsim.study.front_files import write_front

    study = sweep(written(tmp_path, STUDY), tmp_path / "out", processes=1)
    front = pareto(study)
    write_front(study, front, tmp_path / "front")
    rows = rows_of(tmp_path / "front" / "front.csv")
    assert [row["id"] for row in rows] == front.table["id"].tolist()
    assert {row["core.membrane.bits"] for row in rows} == {"16"}
    assert all(row["workload.name"] for row in rows)
    assert [float(row["energy_per_inference"]) for row in rows] == front.table["energy_per_inference"].tolist()


def test_a_database_of_another_version_is_refused(tmp_path):
    sweep(written(tmp_path, STUDY.replace("[4, 8]", "[8]").replace("[2, 4]", "[4]")), tmp_path / "out", processes=1)
    file = tmp_path / "out" / "study.sqlite"
    with sqlite3.connect(file) as sql:
        sql.execute("UPDATE facts SET value = ? WHERE name = 'version'", (json.dumps(99),))
    sql.close()
    with pytest.raises(AccelsimError, match="expected a study of version 1, got version 99"):
        Study.open(tmp_path / "out")
    file.write_bytes(b"no database")
    with pytest.raises(AccelsimError, match="got a file that SQLite refuses"):
        Study.open(tmp_path / "out")


def test_every_problem_of_a_file_is_told_with_its_line(tmp_path):
    path = written(tmp_path, """\
name: wrong
hw: core
workload: dense_256
samples: 1
axes:
  core.synapse_lane: [4, 8]
  core.scan: [al]
  core.synapse_memory.banks: {log_range: [2, 8]}
  core.weight_format: [cssr]
  workload.timestep: [3]
  clock: {range: [1 MHz, 2 ns], count: 2}
conditions:
  - core.synapse_lanes + 4
constraints: ["area <= 4 mm3"]
objectives: ["energy:low"]
""")
    with pytest.raises(AccelsimError) as caught:
        read_study(path)
    lines = str(caught.value).splitlines()
    expected = [
        (6, "axes.core.synapse_lane: expected a known path, got an unknown one; did you mean core.synapse_lanes?"),
        (7, "axes.core.scan: expected 'all' or 'touched', got 'al'"),
        (8, "axes.core.synapse_memory.banks: expected step or count"),
        (9, "axes.core.weight_format: unknown weight format 'cssr'"),
        (10, "axes.workload.timestep: expected a known path"),
        (11, "axes.clock: range: expected one unit, got MHz and ns"),
        (13, "conditions[0]: 'core.synapse_lanes + 4': expected a comparison"),
        (14, "constraints[0]: 'area <= 4 mm3': expected a number with a unit"),
        (15, "objectives[0]: objective 'energy:low': expected NAME, NAME:min or NAME:max"),
    ]
    assert len(lines) == len(expected), lines
    for line, (number, text) in zip(lines, expected, strict=True):
        assert line.startswith(f"{path}:{number}: {text}"), line


@pytest.mark.parametrize("hw", ["core", "odin"])
def test_a_point_keeps_the_table_of_energies_that_it_was_simulated_with(tmp_path, hw):
    (tmp_path / "chip.yaml").write_text(f"extends: {hw}\ntechnology: {{ert: {{file: ert.yaml}}}}\n")

    def table(energy):
        actions = [{"name": "read", "arguments": {}, "energy": energy}]
        entry = {"name": "chip.synapse_memory", "actions": actions}
        (tmp_path / "ert.yaml").write_text(json.dumps({"ERT": {"version": "0.4", "tables": [entry]}}))

    text = STUDY.replace("hw: core", "hw: ./chip.yaml").split("axes:")[0] + "axes:\n  clock: [50 MHz, 60 MHz]\n"
    table(1.25)
    study = sweep(written(tmp_path, text), tmp_path / "out", processes=1)
    first = study.points()
    assert set(first["status"]) == {"done"}, first["error"].tolist()
    table(99.0)
    for _, row in first.iterrows():
        again = load_point(f"{tmp_path}/out/#{row['id'][:12]}")
        result = run(again.chip, again.workload, samples=again.samples)
        assert result.totals["energy_per_inference"].value == row["energy_per_inference"]
    second = sweep(tmp_path / "study.yaml", tmp_path / "out", processes=1).points()
    assert not set(second["id"]) & set(first["id"])
    assert (second["energy_per_inference"] > first["energy_per_inference"]).all()
