"""The command ``compare`` over a stand-in for the pipeline's run, and the figure that it draws."""

import csv
import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from sample_result import sample_result
from typer.testing import CliRunner

from accelsim.cli.compare import compare as command
from accelsim.errors import AccelsimError, ConfigError, MappingError
from accelsim.network.events import A_FEW
from accelsim.pipeline import comparison
from accelsim.report import machines
from accelsim.report.figures.machines import draw
from accelsim.report.figures.style import styled
from accelsim.result.comparison import COLUMNS
from accelsim.result.run_result import Quantity


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []

    def run(hw: str, workload: str, **options: Any) -> object:
        found.append((str(hw), str(workload), options["samples"], options["ann"]))
        if hw == "tiny":
            raise MappingError("the network needs 9 cores, the chip has 1")
        result = sample_result(samples=16 if options["samples"] is A_FEW else options["samples"])
        place = {"technology": {"node": "22 nm"}}
        config = {**result.config, **place, "baseline": {"rows": 16, "columns": 16, "dataflow": "ws"}}
        totals = {**result.totals, "energy_dram_cold": Quantity(5e6, "pJ", "")}
        if str(hw).startswith("b"):
            config["baseline"] = {"rows": 8, "columns": 8, "dataflow": "os", "clock": "500 MHz"}
            totals["energy_per_inference"] = Quantity(1e4, "pJ", "")
        meta = {**result.meta, "hashes": {"hardware": "abc"}, "command": f"accelsim run --hw {hw}"}
        workload_ = {**result.workload, "timesteps": 4}
        return replace(result, config=config, totals=totals, meta=meta, workload=workload_)

    monkeypatch.setattr(comparison, "run", run)
    return found


def invoke(*words: str) -> Any:
    app = typer.Typer()
    app.command("compare")(command)
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


def test_one_table_of_chips_and_arrays(calls: list[tuple[Any, ...]]) -> None:
    found = comparison.compare(["a", "b.yaml", "dir/b.yaml", "a"], "w", samples=3)
    assert [call[:3] for call in calls] == [("a", "w", 3), ("b.yaml", "w", 3), ("dir/b.yaml", "w", 3), ("a", "w", 3)]
    table = found.machines
    assert table.names == list(COLUMNS)
    assert list(table["machine"]) == ["a", "a: array", "a: array", "b", "b: array", "b: array", "b (2)", "a (2)"]
    assert list(table["kind"]) == ["snn", "array", "array"] * 2 + ["snn", "snn"]
    assert list(table["fairest"]) == [False, False, True, False, False, True, False, False]
    assert table["description"][4] == "8-bit ANN, dense, 8x8 os"
    np.testing.assert_allclose(table["energy_first_pj"] > table["energy_pj"], True)
    assert list(found.meta["chips"]) == ["a", "b", "b (2)", "a (2)"]
    assert found.meta["chips"]["b"]["command"] == "accelsim run --hw b.yaml"
    told = machines.finding(found)
    assert told.startswith("Least energy: b (SNN, 4 timesteps), the next takes 125x as much; fastest: ")


def test_files_and_terminal(calls: list[tuple[Any, ...]], tmp_path: Path) -> None:
    done = invoke("a", "b", "--samples", "2", "--out", str(tmp_path / "o"), "--ann", "own.nir")
    assert done.exit_code == 0, done.output
    assert calls[0][3] == Path("own.nir")
    assert f"Files: {tmp_path / 'o'}" in done.stdout
    assert "* b: array" in done.stdout
    written = {path.name for path in (tmp_path / "o").iterdir()}
    assert written == {f"comparison.{kind}" for kind in ("json", "csv", "png", "svg")}
    document = json.loads((tmp_path / "o" / "comparison.json").read_text())
    assert document["format"] == "accelsim.comparison"
    rows = ["a", "a: array", "a: array", "b", "b: array", "b: array"]
    assert [row["machine"] for row in document["machines"]] == rows
    assert document["units"]["energy_pj"] == "pJ"
    with (tmp_path / "o" / "comparison.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["energy_pj [pJ]"]) for row in rows] == [row["energy_pj"] for row in document["machines"]]
    again = invoke("a", "b", "--samples", "2", "--json")
    assert json.loads(again.stdout)["machines"] == document["machines"]
    assert invoke("a", "--quiet").stdout == ""


def test_refusals(calls: list[tuple[Any, ...]], tmp_path: Path) -> None:
    with pytest.raises(AccelsimError, match="tiny: the network needs 9 cores"):
        comparison.compare(["a", "tiny"], "w")
    with pytest.raises(ConfigError, match="expected 1 to 32 chips, got 33"):
        comparison.compare(["a"] * 33, "w")
    (tmp_path / "file").write_text("")
    calls.clear()
    assert invoke("a", "--out", str(tmp_path / "file")).exit_code != 0
    assert calls == []  # found before the work
    assert invoke().exit_code == 2


def test_another_node_or_clock_is_said(calls: list[tuple[Any, ...]]) -> None:
    alike, other = (comparison.compare(chips, "w", samples=1) for chips in (["a"], ["a", "b"]))
    assert list(other.machines["clock"]) == ["200 MHz"] * 4 + ["500 MHz"] * 2
    assert machines.different_places(alike) == ""
    told = machines.different_places(other)
    assert told.startswith("Not the same node or clock, so not design alone is compared. 22 nm, 200 MHz: a, a: array, ")
    assert told.endswith("22 nm, 500 MHz: b: array.")


def test_figure_shows_every_machine(calls: list[tuple[Any, ...]]) -> None:
    tall = []
    for chips in (["a", "b"], ["a", "b", *(f"b{at}" for at in range(28))]):
        found = comparison.compare(chips, "dense_256", samples=1)
        with styled():
            figure = draw(found)
            figure.canvas.draw()
        left, right = figure.axes
        names = [text.get_text() for text in left.get_yticklabels()]
        assert len(names) == len(found.machines)
        assert names[:3] == ["a  (22 nm, 200 MHz)", "a: array, dense", "a: array, fairest"]
        for axes, key in ((left, "energy_pj"), (right, "latency_ns")):
            ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
            np.testing.assert_allclose(ends, found.machines[key])
        boxes = [text.get_window_extent() for text in left.get_yticklabels()]
        assert all(above.y0 >= below.y1 - 1 for above, below in itertools.pairwise(boxes))  # none overlap
        assert not any("$" in text.get_text() for text in left.get_xticklabels())
        assert "mnist_conv on " in left.get_title(loc="left")
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert named == ["SNN chip", "ANN, dense array", "ANN, fairest array"]
        tall.append(figure.get_size_inches()[1])
    assert tall[1] > 2 * tall[0]
