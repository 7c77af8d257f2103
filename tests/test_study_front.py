"""Fronts against brute force in two to five objectives, hypervolumes by counting, knees, refusals."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import AccelsimError
from accelsim.report.figures.pareto import FrontPlot, draw
from accelsim.report.figures.style import styled
from accelsim.result.hypervolume import hypervolume, knee
from accelsim.result.pareto import pareto_front
from accelsim.study.front import front_of, parse_reference
from accelsim.study.objectives import Objective, make_objective


def naive(points, signs):
    signed = points * signs
    return np.array([not any((other <= one).all() and (other < one).any() for other in signed) for one in signed], bool)


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 5), st.integers(1, 60), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_fronts_with_ties_and_duplicates(width, count, values, seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, values, (count, width)).astype(float)
    ways = rng.choice(["min", "max"], width).tolist()
    signs = np.array([1 if way == "min" else -1 for way in ways])
    assert (pareto_front(points, ways) == naive(points, signs)).all()
    many = np.concatenate([points, rng.random((300, width)) * values])
    assert (pareto_front(many, ways) == naive(many, signs)).all()


def test_a_front_of_every_point():
    angle = np.linspace(0, np.pi / 2, 3000)
    assert pareto_front(np.column_stack([np.cos(angle), np.sin(angle)]), ["max", "max"]).all()
    sphere = np.abs(np.random.default_rng(0).normal(size=(3000, 3)))
    assert pareto_front(sphere / np.linalg.norm(sphere, axis=1)[:, None], ["max"] * 3).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_hypervolume_counts_cells(width, count, seed):
    points = np.random.default_rng(seed).integers(0, 5, (count, width))
    cells = np.array(list(itertools.product(range(5), repeat=width)))
    covered = (cells[None] >= points[:, None]).all(axis=2).any(axis=0).sum()
    assert hypervolume(points, ["min"] * width, [5] * width) == pytest.approx(covered)
    assert hypervolume(-points, ["max"] * width, [-5] * width) == pytest.approx(covered)


def test_hypervolume_in_closed_form():
    assert hypervolume([[1.0, 2.0], [2.0, 1.0]], ["min", "min"], [3.0, 3.0]) == pytest.approx(3.0)
    assert hypervolume([[4.0, 4.0]], ["min", "min"], [3.0, 3.0]) == 0.0
    with pytest.raises(ValueError, match="without NaN"):
        hypervolume([[np.nan, 0.0]], ["min", "min"], [1.0, 1.0])


def test_the_knee_is_where_the_front_bends():
    front = [[0.0, 10.0], [1.0, 2.0], [2.0, 1.5], [10.0, 0.0]]
    assert knee(front, ["min", "min"]) == 1
    assert knee(front[:2], ["min", "min"]) is None
    assert knee(-np.array(front), ["max", "max"]) == 1


def table(rows):
    names = [f"{at:064x}" for at in range(len(rows))]
    return pd.DataFrame({"id": names, "energy_per_inference": [row[0] for row in rows],
                         "accuracy": [row[1] for row in rows], "kind": [row[2] for row in rows]})  # fmt: skip


GOALS = (make_objective("energy"), make_objective("accuracy"))


def test_a_front_for_every_group():
    found = front_of(table([(1, 0.9, "a"), (2, 0.95, "a"), (3, 0.9, "b"), (4, 0.8, "b")]), GOALS, "kind", None, {})
    assert (Objective("energy_per_inference", "min"), Objective("accuracy", "max")) == GOALS
    assert found.points["front"].tolist() == [True, True, True, False]
    assert found.table["group"].tolist() == ["a", "a", "b"]
    assert found.hypervolumes["a"] > found.hypervolumes["b"]
    whole = front_of(table([(1, 0.9, "a"), (2, 0.95, "a"), (3, 0.9, "b")]), GOALS, None, None, {})
    assert whole.points["front"].tolist() == [True, True, False]


def test_nan_is_refused_by_name():
    with pytest.raises(AccelsimError, match=r"objective accuracy: expected a number at every point, got none at 00000"):
        front_of(table([(1, np.nan, "a"), (2, 0.9, "a")]), GOALS, None, None, {})


def test_references_have_units():
    assert parse_reference(["energy=1 uJ", "latency=5 ns"]) == {"energy_per_inference": 1e6, "latency": 5.0}
    with pytest.raises(AccelsimError, match="expected a number with the unit of energy"):
        parse_reference(["energy=much"])


def test_a_reference_is_finite():
    with pytest.raises(AccelsimError, match="reference: expected finite numbers, got nan for energy_per_inference"):
        front_of(table([(1, 0.9, "a")]), GOALS, None, {"energy": np.nan}, {})


@pytest.mark.parametrize("width", [1, 2, 3])
def test_figures_show_every_point(width):
    values = np.random.default_rng(width).random((50, width)) + 0.1
    front = pareto_front(values, ["min"] * width)
    names, units = ["energy_per_inference", "latency", "area"][:width], ["pJ", "ns", "mm2"][:width]
    groups = np.array(["a", "$b$"] * 25, dtype=object)
    with styled():
        figure = draw(FrontPlot("<study>", names, units, ["min"] * width, values, groups, front, front, "group"))
        figure.draw_without_rendering()
    drawn = [axes for axes in figure.axes if axes.get_visible()]
    assert len(drawn) == max(1, width * (width - 1) // 2)
    if width > 1:
        assert len(drawn[0].collections[0].get_offsets()) == int((~front).sum())
