"""What an import does not take in silence: choices that a dialect lacks, labels without an input, missing files."""

import numpy as np
import pytest
from network_builders import chain, lif
from safetensors.numpy import save_file
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import AccelsimError
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions


def _network(folder, tau=1e-3):
    linear = {"a": ("Linear", {"weight": np.eye(3, dtype=np.float32)})}
    chain(folder / "n.nir", [3], linear, lif(3, tau=tau), [3])
    return folder / "n.nir"


def _import(folder, *more):
    result = CliRunner().invoke(build(), ["import", str(_network(folder)), "-o", str(folder / "w"), *map(str, more)])
    assert not (folder / "w").exists()
    assert isinstance(result.exception, AccelsimError), result.output
    return str(result.exception)


@pytest.mark.parametrize("floor", [0.0, -1.0, "-threshold"])
def test_a_floor_is_refused_by_a_dialect_without_one_even_at_zero(tmp_path, floor):
    with pytest.raises(AccelsimError, match="membrane_floor: expected no such choice"):
        import_network(_network(tmp_path), ImportOptions("snntorch", membrane_floor=floor))


def test_choices_of_a_list_of_layers_are_stated_ones(tmp_path):
    save_file({"fc.weight": np.eye(3, dtype=np.float32)}, tmp_path / "n.safetensors")
    layers = "layers: [{type: dense, weights: fc}, {type: neurons, model: LIF, threshold: 1.0, beta: 0.9}]\n"
    head = "dialect: snntorch\ninput: [3]\n"
    (tmp_path / "n.yaml").write_text(f"{head}choices: {{norm_input: false}}\n{layers}")
    import_network(tmp_path / "n.safetensors", ImportOptions())
    (tmp_path / "n.yaml").write_text(f"{head}choices: {{spike_mode: multi}}\n{layers}")
    with pytest.raises(AccelsimError, match="choices: spike_mode: dialect snntorch has no such choice, it has dt, "):
        import_network(tmp_path / "n.safetensors", ImportOptions())


def test_labels_and_timesteps_need_an_input(tmp_path):
    stated = ("--dialect", "snntorch")
    assert "--labels x.npz: expected --input with it" in _import(tmp_path, *stated, "--labels", "x.npz:labels")
    assert "--timesteps 4: expected --input with it" in _import(tmp_path, *stated, "--timesteps", 4)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    good = tmp_path / "good.npz"
    np.savez(good, input=np.ones((2, 1, 3), dtype=np.uint8))
    stated = ("--dialect", "snntorch", "--input")
    assert "gone.npz" in _import(tmp_path, *stated, tmp_path / "gone.npz")
    told = _import(tmp_path, *stated, good, "--labels", f"{tmp_path / 'lost.npz'}:labels")
    assert "lost.npz: cannot read it: No such file" in told


def test_inputs_of_no_known_form(tmp_path):
    np.save(tmp_path / "bare.npy", np.ones((2, 1, 3)))
    np.savez(tmp_path / "one.npz", input=5)
    stated = ("--dialect", "snntorch", "--input")
    assert "expected an npz file with the array 'input'" in _import(tmp_path, *stated, tmp_path / "bare.npy")
    assert "expected (timesteps, samples, ...)" in _import(tmp_path, *stated, tmp_path / "one.npz")


def test_a_time_constant_of_one_timestep_in_norse(tmp_path):
    """dt / tau in float32 may exceed one by its last bit; the share of the difference stays one."""
    path = _network(tmp_path, tau=1e-3 * (1.0 - 3e-7))
    network = import_network(path, ImportOptions("norse", dt=1e-3))
    assert (network.populations["neurons"].model.share == 1.0).all()
