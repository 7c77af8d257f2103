"""Every script of examples/ runs, in a folder of its own, and prints what it says."""

import runpy
import sys
from pathlib import Path

import pytest
from repository_files import ROOT

from accelsim.neurons.model import NEURON_MODELS

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
PRINTS = {
    "change_one_parameter": "8 banks:",
    "compare_chips": "The least energy-delay product: core: array",
    "import_a_nir_file": "it fits: ",
    "own_neuron_model": "leak 30: ",
    "run_a_preset": " us per inference",
    "sweep_and_pareto": "on the front",
}
WRITES = {"run_a_preset": ["results/energy.svg", "results/core.html"]}


def test_every_script_is_expected():
    assert {script.stem for script in SCRIPTS} <= set(PRINTS)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert [script.name for script in SCRIPTS if f"`examples/{script.name}`" not in page] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_runs(script: Path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setattr(sys, "path", list(sys.path))
    NEURON_MODELS.names()
    monkeypatch.setattr(NEURON_MODELS, "_items", dict(NEURON_MODELS._items))
    runpy.run_path(str(script), run_name="__main__")
    sys.modules.pop("toy_neuron", None)
    assert PRINTS[script.stem] in capsys.readouterr().out
    for name in WRITES.get(script.stem, []):
        assert (tmp_path / name).stat().st_size > 1000
