"""Confusion matrix, recalls and their report, against counting by hand."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from accelsim.report.classes import classes
from accelsim.report.figures.confusion import draw_matrix
from accelsim.report.figures.style import styled
from accelsim.result.classes import classes_table, confusion, confusion_table, wilson
from accelsim.result.table import table


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 6)), max_size=40))
def test_counts_are_those_of_a_loop(pairs):
    labels, predicted = (np.array([pair[at] for pair in pairs], dtype=np.int64) for at in (0, 1))
    matrix = confusion(labels, predicted)
    for true in range(len(matrix)):
        for found in range(len(matrix)):
            assert matrix[true, found] == pairs.count((true, found))
    known = [pair for pair in pairs if pair[0] >= 0]
    assert matrix.sum() == len(known)
    rows = {(row["label"], row["prediction"]): row["samples"] for row in confusion_table(labels, predicted).rows()}
    assert rows == {pair: known.count(pair) for pair in known}
    for row in classes_table(labels, predicted).rows():
        mine = [pair for pair in known if pair[0] == row["class"]]
        right = sum(pair[1] == row["class"] for pair in mine)
        assert (row["samples"], row["correct"]) == (len(mine), right)
        assert row["predicted"] == sum(pair[1] == row["class"] for pair in known)
        if mine:
            assert row["recall"] == right / len(mine)
            assert (row["recall_low"], row["recall_high"]) == wilson(right, len(mine))
        else:
            assert math.isnan(row["recall"]) and (row["recall_low"], row["recall_high"]) == (0.0, 1.0)


def text_of(labels, predicted):
    labels, predicted = np.array(labels), np.array(predicted)
    samples = table("samples", ("label", "", "", labels), ("prediction", "", "", predicted))
    console = Console(width=100, color_system=None, highlight=False, record=True, file=None, quiet=False)
    with console.capture() as shown:
        for part in classes(samples, classes_table(labels, predicted)):
            console.print(part)
    return shown.get()


def test_the_section_of_the_report():
    text = text_of([0, 0, 1, 1, 1], [0, 1, 1, 1, 0])
    assert "samples by label (rows)" in text and "50.0 %" in text and "66.7 %" in text
    assert "2 of 5 wrong; most often 1 as 0 (1x), 0 as 1 (1x)" in text
    assert "All 2 predictions are right" in text_of([0, 1], [0, 1])
    assert text_of([-1, -1], [0, 1]) == ""
    many = text_of(np.arange(30), np.roll(np.arange(30), 1))
    assert "30 classes; tables/confusion.csv has the matrix" in many and "Lowest recall: 0 (0.0 % of 1)" in many


def test_the_figure_has_a_number_per_pair_that_occurs():
    with styled():
        figure = draw_matrix(confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])))
        axes = figure.axes[0]
        assert sorted(text.get_text() for text in axes.texts if text.get_text().isdigit()) == ["1", "1", "1", "1"]
        assert axes.get_title(loc="left") == "3 of 4 right (75.0 %)"
        empty = draw_matrix(confusion(np.array([-1]), np.array([0])))
        assert empty.axes[0].get_title(loc="left").startswith("No sample has a label")
