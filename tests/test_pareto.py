"""The Pareto front against brute force, ties and NaN included, and on the table of a published pruning study."""

import csv
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.result.pareto import pareto_front

VALUE = st.sampled_from([0.0, 1.0, 2.0, 3.0, -0.0, float("inf"), float("-inf"), float("nan")])


def dominates(one, other, directions):
    signs = [1 if direction == "min" else -1 for direction in directions]
    pairs = [(sign * a, sign * b) for sign, a, b in zip(signs, one, other, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(0, 14))
def test_against_every_pair(data, width, count):
    points = [[data.draw(VALUE) for _ in range(width)] for _ in range(count)]
    directions = [data.draw(st.sampled_from(["min", "max"])) for _ in range(width)]
    beaten = [any(dominates(other, point, directions) for other in points) for point in points]
    expected = [not any(np.isnan(point)) and not lost for point, lost in zip(points, beaten, strict=True)]
    found = pareto_front(np.array(points).reshape(count, width), directions)
    assert found.tolist() == expected
    shuffled = np.random.default_rng(count).permutation(count)
    assert pareto_front(np.array(points).reshape(count, width)[shuffled], directions).tolist() == [
        expected[at] for at in shuffled
    ]


def test_many_points_in_three_dimensions():
    points = np.random.default_rng(1).integers(0, 30, (400, 3)).astype(float)
    signs = np.array([1, -1, 1])
    beaten = (points[None] * signs <= points[:, None] * signs).all(axis=2)
    better = (points[None] * signs < points[:, None] * signs).any(axis=2)
    assert (pareto_front(points, ["min", "max", "min"]) == ~(beaten & better).any(axis=1)).all()


@pytest.mark.parametrize(("values", "directions", "message"), [
    ([1.0, 2.0], ["min"], r"got shape \(2,\) and 1 directions"),
    ([[1.0, 2.0]], ["min"], r"got shape \(1, 2\) and 1 directions"),
    ([[1.0]], ["low"], "expected directions min or max, got low"),
])  # fmt: skip
def test_refusals(values, directions, message):
    with pytest.raises(ValueError, match=message):
        pareto_front(values, directions)


def grid(folder):
    with (folder / "paper3_energy_table.csv").open(newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["stat"] == "mean"]


ENERGY_FRONT = [  # mJ, per cent, mode, pruned, bits
    (8.109, 57.29, "joint", 0.975, 2), (8.460, 91.32, "seq", 0.925, 2), (8.666, 96.53, "seq", 0.85, 2),
    (9.134, 97.22, "joint", 0.75, 2), (9.593, 97.57, "joint", 0.0, 2), (11.056, 97.92, "seq", 0.8, 4),
]  # fmt: skip
EDP_FRONT = [  # mJ x cycles, per cent, mode, pruned, bits
    (6.691e7, 91.32, "seq", 0.925, 2), (7.131e7, 95.83, "joint", 0.85, 2), (7.378e7, 96.53, "seq", 0.85, 2),
    (7.722e7, 97.22, "joint", 0.75, 2), (8.517e7, 97.57, "joint", 0.0, 2), (9.796e7, 97.92, "seq", 0.8, 4),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "edp"), [(ENERGY_FRONT, False), (EDP_FRONT, True)], ids=["P3.9", "P3.10"])
def test_the_fronts_of_the_published_grid(expected, edp, shared_data):
    """Schaefer et al., TCAS-II 2023: the authors' own energies, cycles and accuracies (run-length, mean workload)."""
    rows = grid(shared_data)
    assert len(rows) == 75
    cost = np.array([float(row["rle_uJ"]) / 1e3 * (float(row["cycles_rle"]) if edp else 1) for row in rows])
    accuracy = np.array([100 * float(row["acc"]) for row in rows])
    front = np.flatnonzero(pareto_front(np.column_stack([cost, accuracy]), ["min", "max"]))
    found = sorted(
        (cost[at], accuracy[at], re.sub("quential|cumulative", "", rows[at]["mode"]), float(rows[at]["prune"]),
         int(rows[at]["bits"]))
        for at in front
    )  # fmt: skip
    assert [item[2:] for item in found] == [item[2:] for item in expected]
    np.testing.assert_allclose([item[0] for item in found], [item[0] for item in expected], rtol=5e-4)
    np.testing.assert_allclose([item[1] for item in found], [item[1] for item in expected], atol=0.005)


def test_the_arithmetic_of_the_published_grid(shared_data):
    """P3.1 to P3.5, within the last digit that the reference prints."""
    rows = {(row["mode"], float(row["prune"]), int(row["bits"])): row for row in grid(shared_data)}
    ternary, pruned, plain = (rows[key] for key in (("joint", 0.0, 2), ("joint", 0.8, 8), ("joint", 0.0, 8)))

    def value(row, column):
        return float(row[column])

    for column, percent in (("rle_uJ", 45.7), ("cp_uJ", 45.7), ("ubm_uJ", 38.7), ("uop_uJ", 34.3)):
        assert 100 * (value(pruned, column) / value(ternary, column) - 1) == pytest.approx(percent, abs=0.05)
    assert {rows["joint", 0.0, bits]["acc"] for bits in (2, 3, 4, 6, 8)} == {ternary["acc"]}
    assert value(ternary, "acc") == pytest.approx(281 / 288, abs=5e-5)
    assert value(plain, "rle_uJ") / value(ternary, "rle_uJ") == pytest.approx(2.43, abs=0.005)
    cycles = value(pruned, "cycles_rle") / value(ternary, "cycles_rle")
    assert cycles == pytest.approx(1.089, abs=5e-4)
    assert cycles * value(pruned, "rle_uJ") / value(ternary, "rle_uJ") == pytest.approx(1.587, abs=5e-4)
