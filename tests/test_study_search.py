"""Searches: samplers, constraints, resuming, repeated proposals, continuous axes."""

import pytest

import accelsim.study.evaluate as evaluation
from accelsim.study import pareto, sweep

pytestmark = pytest.mark.filterwarnings("ignore")

SEARCH = """
name: search
hw: core
workload: dense_256
samples: 1
axes:
  core.synapse_lanes: {range: [1, 4], step: 1}
  core.weight_format: [bitmask, dense]
  clock: {range: [100 MHz, 400 MHz]}
objectives: [energy, latency]
constraints: [latency <= 1 ms]
mode: search
search: {sampler: SAMPLER, points: 6, seed: 3}
"""


@pytest.fixture
def executed(monkeypatch):
    names = []
    plain = evaluation.Evaluator.evaluate
    monkeypatch.setattr(
        evaluation.Evaluator, "evaluate", lambda self, task: (names.append(task.id), plain(self, task))[1]
    )
    return names


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_a_search_evaluates_as_many_points_as_it_says(tmp_path, executed, sampler):
    path = tmp_path / "study.yaml"
    path.write_text(SEARCH.replace("SAMPLER", sampler))
    study = sweep(path, tmp_path / "out", processes=1)
    assert len(study.points()) == 6 == len(set(executed)) == len(executed)
    assert study.points()["clock"].str.endswith("MHz").all()
    assert pareto(study).table["front"].all()
    one = pareto(study, "energy").table
    assert one.loc[one["front"], "energy_per_inference"].tolist() == [one["energy_per_inference"].min()]
    path.write_text(SEARCH.replace("SAMPLER", sampler).replace("points: 6", "points: 8"))
    study = sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == len(set(executed))
    assert len(study.points(everything=True)) == len(executed) >= 8


def test_a_small_space_is_exhausted_and_no_point_repeated(tmp_path, executed, monkeypatch):
    monkeypatch.setattr("accelsim.study.search._IN_VAIN", 50)
    path = tmp_path / "study.yaml"
    text = SEARCH.replace("SAMPLER", "random").replace("  clock: {range: [100 MHz, 400 MHz]}\n", "")
    text = text.replace("range: [1, 4]", "range: [1, 2]")
    path.write_text(text.replace("points: 6", "points: 100"))
    study = sweep(path, tmp_path / "out", processes=1)
    assert len(executed) == len(study.points()) == 4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3"])
def test_samplers_are_made_without_warnings(tmp_path, sampler):
    path = tmp_path / "study.yaml"
    path.write_text(SEARCH.replace("SAMPLER", sampler).replace("latency <= 1 ms", "area <= 1 um2").replace("6,", "1,"))
    assert sweep(path, tmp_path / "out", processes=1).counts() == {"infeasible": 1}


def test_what_breaks_a_constraint_is_told_as_such(tmp_path):
    import optuna

    path = tmp_path / "study.yaml"
    path.write_text(SEARCH.replace("SAMPLER", "nsga2").replace("latency <= 1 ms", "area <= 1 um2"))
    study = sweep(path, tmp_path / "out", processes=1)
    assert study.counts() == {"infeasible": 6}
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path}/out/search.sqlite").trials
    assert all(trial.values == [float("inf")] * 2 for trial in trials)
    assert all(trial.user_attrs["violations"][0] > 0 for trial in trials)
