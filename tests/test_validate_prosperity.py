"""Cycles of array models against the rows that Prosperity's simulator wrote, and the command that compares them."""

import numpy as np
import pytest
from typer.testing import CliRunner

from accelsim.cli.validate import app
from accelsim.errors import ConfigError
from accelsim.network.spike_tensors import MadeUp, read_spike_tensors
from accelsim.pearray.layer import array_layer
from accelsim.validation.prosperity import Runs, compare_file

HEAD = "network,model,layer,compute_cycles\n"


def test_every_published_row_is_exact(shared_data):
    outcomes = list(compare_file(shared_data / "spike_tensors" / "prosperity_small_oracle.csv"))
    assert len(outcomes) == 132
    assert [line for outcome in outcomes for line in outcome.mismatches] == []


def test_a_wrong_figure_is_one_line_and_exit_code_1(shared_data, tmp_path):
    (tmp_path / "lenet5_mnist.npz").symlink_to(shared_data / "spike_tensors" / "lenet5_mnist.npz")
    file = tmp_path / "table.csv"
    file.write_text(HEAD + "lenet5_mnist,PTB,conv2d_1,36180\nlenet5_mnist,MINT,conv2d_1,175256\n")
    done = CliRunner().invoke(app, ["prosperity", str(file)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{file}:3: lenet5_mnist MINT conv2d_1: compute_cycles: expected 175256, got 175255",
        "2 rows, 1 mismatches",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected columns network, model, layer, compute_cycles, got none named network"),
        (HEAD, "expected rows below the header, found none"),
        (HEAD + "vgg,PTB,a,1\n", ":2: expected one of lenet5_mnist, vgg9_cifar10, got 'vgg'"),
        (HEAD + "lenet5_mnist,TPU,a,1\n", ":2: expected one of Eyeriss, PTB, SATO, MINT, .*, got 'TPU'"),
        (HEAD + "lenet5_mnist,PTB,a,1\n", ":2: layer: expected one of conv2d_1, .*, TOTAL, got 'a'"),
        (HEAD + "lenet5_mnist,PTB,fc_0,many\n", ":2: compute_cycles: expected a number, got 'many'"),
        (HEAD + "lenet5_mnist,PTB,fc_0,1.5\n", ":2: compute_cycles: expected a whole number, got '1.5'"),
    ],
)
def test_a_table_that_cannot_be_compared(shared_data, tmp_path, text, message):
    (tmp_path / "lenet5_mnist.npz").symlink_to(shared_data / "spike_tensors" / "lenet5_mnist.npz")
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        list(compare_file(tmp_path / "table.csv"))


def test_a_network_of_the_tensors_has_the_same_spikes_as_the_windows(shared_data):
    """The unfolding of rows and runs, which a run uses, against windows cut from the recorded images."""
    folder = shared_data / "spike_tensors"
    made_up = MadeUp(density=1.0, weight_bits=8, seed=0, kernel=3, padding=1, outputs=10)
    recording = read_spike_tensors(folder / "vgg9_cifar10.npz", made_up)
    layers = Runs(folder).layers("vgg9_cifar10")
    edges = {edge.target: edge for edge in recording.network.projections}
    for name in ("conv2d_1", "conv2d_4", "conv2d_5"):
        edge = edges[name]
        events = recording.spikes[edge.source]
        found = array_layer(edge.name, edge.connection, events.ptr, events.index, np.ones_like(events.index))
        np.testing.assert_array_equal(found.spikes, layers[name].spikes)
