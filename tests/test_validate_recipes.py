"""Every recipe from data to page, as ``--quick`` runs it; minutes each."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("nir")

from accelsim.network.workload import load_workload  # noqa: E402
from accelsim.training.keep import keep_best  # noqa: E402
from accelsim.training.page import write_page  # noqa: E402
from accelsim.training.recipe import RECIPES, parameters_of, run_recipe  # noqa: E402
from accelsim.training.recipe_spec import read_recipe  # noqa: E402

pytestmark = pytest.mark.validate


@pytest.mark.parametrize("name", RECIPES.names())
def test_a_quick_run_ends_in_a_page_and_a_network_that_runs(name, shared_data, tmp_path):
    source = read_recipe(RECIPES.get(name).spec, parameters_of(name), quick=True).data.name
    data = None if source == "synthetic_gestures" else shared_data / source
    bench = run_recipe(name, data=data, out=tmp_path / "out", quick=True)
    page = write_page(name, bench, tmp_path / "page")
    text = page.read_text()
    assert page.name == f"{name}.md"
    assert any(words in text for words in ("**What differs.**", "**What is ours.**", "**What it is.**"))
    pictures = [line.split("(")[1][:-1] for line in text.splitlines() if line.startswith("![")]
    assert all((tmp_path / "page" / picture).stat().st_size > 5_000 for picture in pictures)
    kept = keep_best(name, bench, tmp_path / "kept")
    row = RECIPES.get(name).best(bench).row
    assert row["agreement"] == 1.0
    assert load_workload(kept, 2).provenance["stated"]["test_accuracy"] == row["exported"]
