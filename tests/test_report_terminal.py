"""The terminal report: the right numbers of a known result, the winner in words, no escape codes in files."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from sample_result import CAUSES, DYNAMIC, LAYERS, sample_result

from accelsim.report.parts import grid
from accelsim.report.terminal import make_console, print_report, report_text
from accelsim.result.run_result import Quantity, RunResult
from accelsim.result.table import Column, Table, table


def line_of(text: str, start: str) -> str:
    found = [line for line in text.splitlines() if line.strip().startswith(start)]
    assert len(found) == 1, (start, found)
    return found[0]


def cells(text: str, start: str) -> list[str]:
    return [cell for cell in line_of(text, start).split("  ") if cell]


def test_headlines_of_a_known_result() -> None:
    text = report_text(sample_result())
    assert "The SNN takes 3.2x less energy than the ANN on the MAC array and is 3.0x slower." in text
    rows = {
        "energy / inference": ["1.25 uJ", "4 uJ", "SNN 3.2x less"],
        "energy-delay product": ["150 pJ*s", "160 pJ*s", "SNN 1.07x less"],
        "power": ["10.4 mW", "100 mW", "SNN 9.6x less"],
        "operations": ["310,000 SOPs", "1,550,000 MACs", "SNN 5.0x fewer"],
        "accuracy": ["93.8 %", "98.0 %", "SNN 4.2 points lower"],
        "first, weights from DRAM": ["-", "13 uJ"],
    }
    for start, expected in rows.items():
        line = line_of(text, start)
        at = [line.index(item) for item in expected]
        assert at == sorted(at), line
    assert "71.7-98.9 %" in text
    assert "includes the ANN's" in text


def test_baselines_stand_side_by_side_and_the_fairest_is_named() -> None:
    text = report_text(sample_result())
    assert "Beside the fairest ANN (4-bit ANN, ideal skipping): SNN 1.28x less energy, SNN 7.5x slower." in text
    assert "* most products are zero." in text
    rows = {
        "8-bit ANN, dense": ["4 uJ", "13 uJ", "40 us", "160 pJ*s", "98 %", "3.2x less", "3.0x slower"],
        "* 4-bit ANN, ideal": ["1.6 uJ", "5.2 uJ", "16 us", "64 pJ*s", "97 %", "1.28x less", "7.5x slower"],
        "SNN in 4 passes": ["24 uJ", "78 uJ", "240 us", "960 pJ*s", "-", "19.2x less", "2.0x faster"],
    }
    for start, expected in rows.items():
        line = line_of(text, start)
        at = [line.index(item) for item in expected]
        assert at == sorted(at), line
        assert line.rstrip().endswith(expected[-1])  # nothing is cut


def test_direction_turns_with_the_numbers() -> None:
    text = report_text(sample_result(snn_pj=9e6))
    assert "2.2x more energy than the ANN" in text
    assert "SNN 2.2x more" in line_of(text, "energy / inference")


def test_time_and_energy_name_every_part_with_its_share() -> None:
    text = report_text(sample_result())
    for cause, share in CAUSES.items():
        line = line_of(text, cause)
        assert f"{100 * share:.1f} %" in line
        assert f"{24_000 * share:,.0f} cycles" in line
    for component, share in DYNAMIC.items():
        line = line_of(text, component)
        assert f"{100 * share:.1f} %" in line
        assert f"{1e3 * share:.3g} nJ" in line  # dynamic: 80 % of 1.25 uJ, split by share
    lengths = {cause: line_of(text, cause).count("█") for cause in CAUSES}
    assert lengths["synapse compute"] == 34
    assert sorted(lengths.values(), reverse=True) == list(lengths.values())


def test_layers_counts_analytic_and_provenance_are_there() -> None:
    text = report_text(sample_result())
    assert cells(text, "conv2")[0].strip() == "conv2"
    assert "259,200" in line_of(text, "conv2")
    assert "58 %" in line_of(text, "conv2")
    layers = text[text.index("Layers  ") : text.index("Cores  ")]
    assert [line.split()[0] for line in layers.splitlines()[2 : 2 + len(LAYERS)]] == list(LAYERS)
    assert "310,000" in line_of(text, "SOPs  ")
    assert "355,000" in line_of(text, "SOPs issued")
    assert "9,224" in line_of(text, "SOPs  ")
    assert "24,000" in line_of(text, "latency in cycles")
    assert "SNN 12.1x less" in line_of(text, "op count")
    assert "! link energy interpolated at 28 nm" in text
    assert "reset: subtract (assumed)" in text
    assert "9f31c2aa0b71" in text
    assert "accelsim run --hw core --workload mnist_conv" in text


def test_many_cores_are_condensed_and_few_are_not() -> None:
    many, few = report_text(sample_result(8, 8)), report_text(sample_result(4, 4))
    assert "mean of 32" in many
    assert "24 unused cores" in many
    result = sample_result(8, 8)
    used = result.cores["neurons"] > 0
    energy = np.sort(result.cores["energy_pj"][used])[:-8]
    assert f"{energy.mean() / 1e3:.3g} nJ" in line_of(many, "others")
    assert "mean of" not in few


def test_missing_labels_and_a_single_sample() -> None:
    text = report_text(sample_result(samples=1, labelled=False))
    assert "samples have no labels" in text
    assert "95 % interval" not in text
    assert "1 sample " in text
    assert cells(text, "packets")[2].strip() == "-"


def test_empty_tables_are_no_error() -> None:
    result = sample_result(1, 1)
    empty = {
        name: Table(name, tuple(Column(c.name, c.unit, c.definition, c.values[:0]) for c in item.columns))
        for name, item in result.tables().items()
        if not name.startswith("baseline")
    }
    assert "Where the time went" in report_text(replace(result, **empty))


def test_missing_totals_leave_a_dash() -> None:
    result = replace(sample_result(), totals={"latency": Quantity(1e5, "ns", "")})
    text = report_text(result)
    assert "No energy of the ANN to compare with." in text
    assert line_of(text, "energy / inference").split()[-3:] == ["4", "uJ", "-"]


def test_plain_text_is_plain_and_100_wide() -> None:
    hostile = sample_result(8, 8, name="[red]x[/red]\x1b[2J" + "y" * 90)
    layer = table(
        "layers",
        *((c.name, c.unit, c.definition, c.values) for c in hostile.layers.columns[1:]),
        ("layer", "", "", ["\x1b]0;title\x07", "[bold]b[/bold]", "c" * 120, "d", "e"]),
    )
    text = report_text(replace(hostile, layers=layer))
    assert "\x1b" not in text
    assert "[red]x[/red]" in text
    assert "[bold]b[/bold]" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_terminal_gets_colour_and_an_ascii_pipe_gets_no_blocks() -> None:
    stream = io.StringIO()
    print_report(sample_result(), Console(file=stream, force_terminal=True, color_system="standard", width=100))
    assert "\x1b[32m" in stream.getvalue()

    raw = io.BytesIO()
    narrow = io.TextIOWrapper(raw, encoding="ascii")
    print_report(sample_result(), make_console(narrow))
    narrow.flush()
    assert b"#####" in raw.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (8, 8), (16, 1)])
def test_every_size_of_chip_has_a_report(size: tuple[int, int]) -> None:
    result: RunResult = sample_result(*size)
    assert report_text(result).count("\n") > 60


def test_a_model_that_gives_only_a_verdict_and_an_ann_without_accuracy() -> None:
    result = sample_result()
    analytic = table(
        "analytic",
        ("model", "", "", ["a bar"]),
        ("source", "", "", ["x"]),
        ("snn_pj", "pJ", "", [np.nan]),
        ("ann_pj", "pJ", "", [np.nan]),
        ("ratio", "", "", [np.nan]),
        ("verdict", "", "", ["0.8 spikes per neuron, below 1.72: favours the SNN"]),
    )
    totals = {**result.baseline.totals, "accuracy": Quantity(np.nan, "", "")}
    text = report_text(replace(result, analytic=analytic, baseline=replace(result.baseline, totals=totals)))
    assert "below 1.72: favours the SNN" in line_of(text, "a bar")
    assert "the ANN's" not in text
    assert line_of(text, "accuracy ").split() == ["accuracy", "93.8", "%", "-", "-"]


@pytest.mark.parametrize("width", [80, 100])
def test_numbers_beside_a_long_name_are_whole(width: int) -> None:
    cells = ["99.9 nJ", "5.72 uJ", "26.8 us", "10.8 pJ*s", "100 %", "31.9x less", "31.9x slower"]
    stream = io.StringIO()
    table_ = grid([("", "left"), *((f"c{at}", "right") for at in range(7))], [("* 8-bit ANN, ideal skipping", *cells)])
    Console(file=stream, width=width).print(table_)
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert all(cell in text for cell in cells)
    names = " ".join(line.split("  ")[0] for line in text.splitlines())
    assert names.split() == ["*", "8-bit", "ANN,", "ideal", "skipping"]
