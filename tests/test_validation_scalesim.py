"""SCALE-Sim 3.0.0: recorded layers and stalls, layers that it runs now, and tables that are not what they should be."""

import csv
import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from accelsim.baseline.dataflow import Gemm, layer_costs
from accelsim.cli.validate import app
from accelsim.errors import ConfigError, MappingError
from accelsim.validation.scalesim import FIGURES, compare_file
from accelsim.validation.scalesim_memory import Memory, replay
from accelsim.validation.scalesim_order import Layer

COLUMNS = (
    "ifmap_h", "ifmap_w", "filter_h", "filter_w", "channels", "num_filters", "stride", "dataflow",
    "array_rows", "array_cols", "sram_kib_each", "dram_bw_words_per_cycle_each",
    "total_cycles", "stall_cycles", "total_cycles_incl_prefetch",
    "sram_ifmap_reads_words", "sram_filter_reads_words", "sram_ofmap_writes_words",
    "dram_ifmap_reads_words", "dram_filter_reads_words", "dram_ofmap_writes_words",
)  # fmt: skip
RUN = [  # printed by SCALE-Sim 3.0.0 for shapes drawn at random: windows over the border, odd sizes
    [11, 3, 3, 3, 8, 8, 3, "ws", 4, 4, 1, "", 503, 0, 632, 576, 576, 576, 264, 576, 579],
    [7, 6, 2, 3, 9, 7, 1, "ws", 16, 8, 2, 1, 1965, 1718, 3660, 1296, 378, 672, 2048, 432, 672],
    [11, 12, 5, 3, 1, 15, 1, "ws", 8, 4, 2, 4, 1377, 674, 1869, 4200, 225, 2100, 4096, 240, 2103],
    [6, 10, 2, 3, 7, 5, 1, "is", 16, 4, 2, "", 1169, 0, 1360, 1680, 2100, 600, 420, 210, 600],
]
STALL_SHAPES = {
    ("mlp", 0): (1, 1, 1, 1, 784, 128, 1), ("mlp", 1): (1, 1, 1, 1, 128, 128, 1), ("mlp", 2): (1, 1, 1, 1, 128, 10, 1),
    ("vggs", 0): (18, 18, 3, 3, 3, 16, 1), ("vggs", 1): (18, 18, 3, 3, 16, 16, 1),
    ("vggs", 2): (10, 10, 3, 3, 16, 32, 1),
    ("vggs", 3): (10, 10, 3, 3, 32, 32, 1), ("vggs", 4): (6, 6, 3, 3, 32, 64, 1), ("vggs", 5): (1, 1, 1, 1, 256, 64, 1),
    ("vggs", 6): (1, 1, 1, 1, 64, 10, 1),
}  # fmt: skip


def write(path: Path, rows, columns=COLUMNS) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def test_every_figure_of_every_recorded_layer(shared_data: Path) -> None:
    found = list(compare_file(shared_data / "scalesim" / "layers.csv"))
    assert [line for row in found for line in row.mismatches] == []
    assert len(found) == 261
    assert sum(row.compared for row in found) >= 261 * 13 + 77 * 4


def test_every_recorded_stall(shared_data: Path, tmp_path: Path) -> None:
    stalls = pd.read_csv(shared_data / "scalesim" / "stalls.csv")
    shapes = [STALL_SHAPES[row.network, row.layer_index] for row in stalls.itertuples()]
    table = stalls.join(pd.DataFrame(shapes, columns=list(COLUMNS[:7])))
    table.to_csv(tmp_path / "stalls.csv", index=False)
    found = list(compare_file(tmp_path / "stalls.csv"))
    assert [line for row in found for line in row.mismatches] == []
    assert len(found) == 114
    assert all(row.compared == 7 for row in found)


def test_layers_drawn_at_random_and_a_wrong_figure(tmp_path: Path) -> None:
    right = write(tmp_path / "right.csv", RUN)
    assert [row.compared for row in compare_file(right)] == [9] * len(RUN)
    good = CliRunner().invoke(app, ["scalesim", str(right)])
    assert good.exit_code == 0
    assert good.output == "4 rows, 36 figures, 0 mismatches in 0 rows\n"
    rows = [list(row) for row in RUN]
    rows[2][13] += 1
    wrong = write(tmp_path / "wrong.csv", rows)
    bad = CliRunner().invoke(app, ["scalesim", str(wrong)])
    assert bad.exit_code == 1
    assert bad.output.splitlines() == [
        f"{wrong}:4: ws 8x4: stall_cycles: recorded 675, ours 674", "4 rows, 36 figures, 1 mismatches in 1 rows"
    ]  # fmt: skip
    for at, name in enumerate(COLUMNS):
        if name in FIGURES:
            rows = [list(RUN[1])]
            rows[0][at] += 1
            (row,) = compare_file(write(tmp_path / "one.csv", rows))
            assert len(row.mismatches) == 1


def test_matrix_products_need_no_shape_of_a_convolution(tmp_path: Path) -> None:
    columns = (
        "M_out_pixels", "K_window", "N_filters", "dataflow", "array_rows", "array_cols", "compute_cycles", "macs",
    )  # fmt: skip
    values = [64, 150, 16, "os", 8, 8, 16 * (150 + 14) - 1, 64 * 150 * 16]
    (row,) = compare_file(write(tmp_path / "t.csv", [values], columns))
    assert row.compared == 2
    assert not row.mismatches


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataflow": "rs"}, r":2: dataflow: expected one of ws, is, os, got 'rs'"),
        ({"array_rows": "0"}, r":2: array_rows: expected an integer between 1 and 16777216, got '0'"),
        ({"channels": "2.5"}, r":2: channels: expected an integer"),
        ({"stride": "two"}, r":2: stride: expected a number, got 'two'"),
        ({"stride": ""}, r":2: stride: expected a number, got ''"),
        ({"filter_h": "12"}, r":2: a filter larger than its input"),
        ({"total_cycles": "nan"}, r":2: total_cycles: expected a finite number"),
        ({"num_filters": "16777216", "ifmap_h": "1000000", "ifmap_w": "100000"}, r":2: expected at most \d+ products"),
        ({"ifmap_h": "100000", "ifmap_w": "1000"}, r":2: .*a layer of more than 134217728 operand words"),
    ],
)
def test_rows_that_are_refused(tmp_path: Path, change, message) -> None:
    row = {**dict(zip(COLUMNS, RUN[0], strict=True)), **change}
    with pytest.raises(ConfigError, match=message):
        list(compare_file(write(tmp_path / "t.csv", [row.values()])))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no column ifmap_h|no column M_out_pixels.*got none"),
        ("\n", "no column"),
        (",".join(COLUMNS) + "\n", "expected rows below the header, found none"),
        (",".join(COLUMNS) + "\n1,2\n", ":2: expected as many values as there are columns"),
        (",".join(COLUMNS) + "\n" + "1," * 40 + "\n", ":2: expected as many values as there are columns"),
        (",".join((*COLUMNS, "stride")) + "\n", "columns stride repeat"),
        (",".join(COLUMNS[:10]) + "\n1\n", "nothing to compare; known figures: M_out_pixels"),
        ('a,"b\n', "not a table of comma-separated values"),
        ("network,dataflow,array_rows,array_cols\n", "no column M_out_pixels, K_window, N_filters; expected ifmap_h"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, text, message) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        list(compare_file(tmp_path / "t.csv"))


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\x00\xff\xfe\x80")
    for path in (tmp_path, tmp_path / "gone.csv", tmp_path / "binary.csv"):
        with pytest.raises(ConfigError, match="cannot be read as a table"):
            list(compare_file(path))


def test_memories_refuse_what_scalesim_has_not() -> None:
    layer = Layer(8, 8, 3, 3, 2, 4)
    with pytest.raises(MappingError, match="dataflows ws, is, os, not 'rs'"):
        replay(layer, "rs", 4, 4, Memory(1024, None))
    with pytest.raises(MappingError, match="below 200 words"):
        replay(layer, "ws", 4, 4, Memory(100, None))


def _python_with_scalesim() -> str:
    python = os.environ.get("SCALESIM_PYTHON") or (sys.executable if importlib.util.find_spec("scalesim") else "")
    if not python:
        pytest.skip("SCALE-Sim is not installed; set SCALESIM_PYTHON to a Python that has scalesim 3.0.0 and numpy<2")
    return python


def _random_layer(rng: random.Random) -> list[int]:
    high, wide = rng.choice([1, 2, 3, 5, 7]), rng.choice([1, 2, 3, 5])
    tall, broad = high + rng.randint(0, 14), wide + rng.randint(0, 14)
    return [tall, broad, high, wide, rng.randint(1, 9), rng.randint(1, 40), rng.randint(1, 4)]


@pytest.mark.validate
def test_layers_that_scalesim_runs_now() -> None:
    rng, python = random.Random(20), _python_with_scalesim()  # noqa: S311
    cases = [
        {
            "rows": rng.choice([1, 3, 4, 8, 16, 32]), "columns": rng.choice([1, 4, 5, 8, 16]),
            "dataflow": rng.choice(["ws", "is", "os"]), "kib": rng.choice([1, 2, 8, 64]),
            "bandwidth": rng.choice([None, 1, 3, 4, 10]), "layers": [_random_layer(rng) for _ in range(5)],
        }
        for _ in range(60)
    ]  # fmt: skip
    runner = Path(__file__).with_name("scalesim_runner.py")
    text = json.dumps(cases)
    done = subprocess.run([python, runner], input=text, text=True, capture_output=True, check=True, timeout=3000)
    compared = stalled = 0
    for case, reports in zip(cases, json.loads(done.stdout.splitlines()[-1]), strict=True):
        for sizes, report in zip(case["layers"], reports, strict=True):
            layer = Layer(*sizes)
            memory = Memory(1024 * case["kib"], case["bandwidth"])
            got = replay(layer, case["dataflow"], case["rows"], case["columns"], memory)
            one = [[item] for item in (layer.pixels, layer.window, layer.filters, 1)]
            gemm = Gemm(*map(_array, one), _array([layer.pixels * layer.window * layer.filters]))
            cost = layer_costs(case["dataflow"], gemm, case["rows"], case["columns"], mode="scalesim")
            words = [int(item[0]) for item in (cost.ifmap_reads, cost.filter_reads, cost.ofmap_writes)]
            dram = [got.ifmap_dram, got.filter_dram, got.ofmap_dram]
            assert [got.cycles, got.stalls, got.span, *words, *dram] == report, (case, sizes)
            assert got.stalls or int(cost.cycles[0]) == got.cycles
            compared, stalled = compared + 1, stalled + bool(got.stalls)
    assert compared == 300
    assert stalled >= 20


def _array(values):
    return np.array(values, dtype=np.int64)
