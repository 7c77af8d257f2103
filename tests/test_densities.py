"""Workloads that are only densities: what is drawn has them, and tables that are none."""

import numpy as np
import pytest
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import AccelsimError, EventError, NetworkError
from accelsim.network.densities import read_densities
from accelsim.network.workload import load_workload

HEAD = "name,weights,inputs,outputs,T,C,M,P,Q,R,S"
# The layers of the network of the paper (without its attention), smaller.
ROWS = [
    "Conv1,0.5,0.1,0.2,20,2,16,32,32,3,3",
    "Conv2,0.25,0.15,0.1,20,16,16,16,16,3,3",
    "Conv3,0.4,0.05,0.1,20,16,16,16,16,3,3",
    "Dense1,0.3,0.2,0.1,20,1024,64,1,1,1,1",
    "Dense2,0.3,0.2,0.1,20,64,110,1,1,1,1",
]


def _table(path, rows, head=HEAD):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def _share(events):
    return events.total / (events.samples * events.timesteps * events.size)


def test_densities_are_those_of_the_table(tmp_path):
    recording = read_densities(_table(tmp_path / "d.csv", ROWS), 8, 1, 3)
    network = recording.network
    assert [item.shape for item in network.populations.values()] == [
        (32, 32, 2), (32, 32, 16), (16, 16, 16), (16, 16, 16), (64,), (110,),
    ]  # fmt: skip
    for edge, density in zip(network.projections, (0.5, 0.25, 0.4, 0.3, 0.3), strict=True):
        rows = edge.connection.rows
        assert np.count_nonzero(rows) / rows.size == pytest.approx(density, abs=4 * np.sqrt(0.25 / rows.size))
        assert edge.connection.integer and edge.connection.bits == 8
    assert _share(recording.spikes["input"]) == pytest.approx(0.1, abs=0.01)
    # Behind a pool of 2 x 2, one neuron of each window stands for it.
    assert _share(recording.spikes["Conv1"]) == pytest.approx(0.15 / 4, abs=0.01)
    assert _share(recording.spikes["Conv2"]) == pytest.approx(0.05, abs=0.01)
    assert _share(recording.spikes["Conv3"]) == pytest.approx(0.2 / 4, abs=0.01)
    assert _share(recording.spikes["Dense2"]) == pytest.approx(0.1, abs=0.03)
    assert "seed 3" in network.provenance["random_spikes"]
    again, other = (read_densities(tmp_path / "d.csv", 8, 1, seed) for seed in (3, 4))
    assert (again.spikes["Conv1"].index == recording.spikes["Conv1"].index).all()
    assert (again.network.projections[2].connection.rows == network.projections[2].connection.rows).all()
    assert other.spikes["Conv1"].total != recording.spikes["Conv1"].total


def test_strides_and_kernels_that_are_not_square(tmp_path):
    rows = ["a,1,0.5,0.5,4,1,2,5,9,3,1,2,1", "b,1,0.5,0.5,4,2,3,5,9,1,1,1,1"]
    network = read_densities(_table(tmp_path / "d.csv", rows, f"{HEAD},HS,WS"), 4, 0, 0).network
    assert [item.shape for item in network.populations.values()] == [(11, 9, 1), (5, 9, 2), (5, 9, 3)]


def test_imported_as_a_workload(tmp_path):
    path = _table(tmp_path / "d.csv", ROWS)
    stated = ["--set", "recording.weight_bits=8", "--set", "recording.padding=1", "--set", "recording.seed=1"]
    result = CliRunner().invoke(build(), ["import", str(path), "-o", str(tmp_path / "w"), *stated])
    assert result.exit_code == 0, result.output
    load = load_workload(tmp_path / "w")
    assert load.recording is not None and load.timesteps == 20
    assert load.provenance["network"]["format"] == "densities"
    wrong = CliRunner().invoke(build(), ["import", str(path), "-o", str(tmp_path / "x"), *stated, "--dialect", "euler"])
    assert "dialect: expected nothing" in str(wrong.exception) and not (tmp_path / "x").exists()
    with pytest.raises(AccelsimError, match=r"recording\.kernel"):
        load_workload(tmp_path / "w", overrides=["recording.kernel=3"])


REFUSED = [
    (["a,2,0.5,0.5,4,1,2,5,5,3,3"], r"d.csv:2: weights: expected a density within 0..1, got '2'"),
    (["a,x,0.5,0.5,4,1,2,5,5,3,3"], r"weights: expected a density within 0..1, got 'x'"),
    (["a,nan,0.5,0.5,4,1,2,5,5,3,3"], r"weights: expected a density"),
    (["a,1,0.5,0.5,4,1,2,5,5,0,3"], r"R: expected a whole number, 1..1048576, got '0'"),
    (["a,1,0.5,0.5,4,1,2,5,5"], r"R: expected a whole number, 1..1048576, got None"),
    (["a,1,0.5,0.5,4,1,2,5,5,3,3,9"], "expected columns name,"),
    ([",1,0.5,0.5,4,1,2,5,5,3,3"], r"name: expected 1..200 characters"),
    (["input,1,0.5,0.5,4,1,2,5,5,3,3"], "expected each name once"),
    ([ROWS[0], ROWS[0].replace("Conv1", "b").replace(",20,", ",10,")], "b: T: expected 20, as in"),
    ([ROWS[0], "TCJA,1,1,1,20,20,20,1,256,1,4"], "TCJA: expected an input of 32 x 32 or 16 x 16 with 16 channels"),
    ([ROWS[3], ROWS[3].replace("Dense1", "b")], "b: expected a dense row with C = 64"),
    (["a,1,0.5,0.5,4,1,2,1000000,1000000,1,1"], "spikes to draw, the limit is|beyond the limit"),
    ([], "expected columns"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), REFUSED)
def test_what_a_table_must_not_hold(tmp_path, rows, message):
    with pytest.raises((EventError, NetworkError), match=message) as caught:
        read_densities(_table(tmp_path / "d.csv", rows), 8, 0, 0)
    assert str(caught.value).startswith(str(tmp_path / "d.csv"))
