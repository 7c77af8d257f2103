"""The network that a recipe judges best, copied to where workloads are kept, with its provenance."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch

from accelsim.errors import OutputError, TrainingError
from accelsim.hardware.yaml_reader import read_yaml
from accelsim.hardware.yaml_writer import write_yaml
from accelsim.network.workload import MANIFEST
from accelsim.training.bench import Bench
from accelsim.training.recipe import RECIPES, Best, parameters_of
from accelsim.training.recipe_spec import changed, command_of, read_recipe
from accelsim.training.verdict import agreement
from accelsim.training.workload import write_samples

MOST_BYTES: Final = 1 << 20
"""Of a bundled workload."""
_FILES: Final = {".nir": "network with whole weights", ".npz": "events of the samples", ".gz": "images or labels, IDX",
                 ".yaml": "how they are read; provenance"}  # fmt: skip


def keep_best(name: str, bench: Bench, into: Path) -> Path:
    """Copy the best workload of a recipe to ``into/DATA_RECIPE``.

    Parameters
    ----------
    name : str
        Of the recipe.
    bench : Bench
        With its results.
    into : Path
        Such as ``workloads``.

    Returns
    -------
    Path
        The folder; files of a workload that was there are replaced.

    Raises
    ------
    TrainingError
        If there is no result, its workload is missing, it takes more than ``MOST_BYTES``, or accelsim does not predict
        as the twin in torch for every test sample.
    OutputError
        If it cannot be written.
    """
    recipe = RECIPES.get(name)
    best = recipe.best(bench)
    source = bench.folder / "workloads" / best.folder
    files = sorted(path for path in source.glob("*") if path.is_file())
    if not (source / MANIFEST).is_file():
        raise TrainingError(f"{source}: expected the workload of {best.row['key']}, got none")
    size = sum(path.stat().st_size for path in files)
    if size > MOST_BYTES:
        raise TrainingError(f"{source}: expected at most {MOST_BYTES} bytes to keep, got {size}")
    entries = changed(bench.spec, read_recipe(recipe.spec, parameters_of(name)))
    title = f"{bench.spec.data.name}_{name.removesuffix(f'-{bench.spec.data.name}')}".replace("-", "_")
    data, _ = read_yaml(source / MANIFEST)
    data["name"] = title
    data["description"] = f"{recipe.title}: {best.why}"
    data["provenance"] = {
        "source": f"trained from scratch; data: {bench.data.source}",
        "licence": "samples as the data set; network as this project",
        "made_by": command_of(name, entries),
        "paper": recipe.paper,
        "point": str(best.row["key"]),
        "chosen": best.why,
        "torch": torch.__version__.split("+")[0],
        "test_accuracy": float(best.row["exported"]),
        "test_samples": len(bench.data.test.labels[: best.tested]),
        "equal_predictions": _compared(bench, best, data),
        "nonzero_weights": int(best.row["nonzero"]),
    }
    target = into / title
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in files:
            if path.name != MANIFEST:
                shutil.copyfile(path, target / path.name)
        (target / MANIFEST).write_text(write_yaml(data), encoding="utf-8")
        (target / "README.md").write_text(_read_me(title, data, [path.name for path in files]), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{target}: cannot write: {error.strerror or error}") from None
    return target


def _compared(bench: Bench, best: Best, manifest: dict[str, Any]) -> int:
    """Return of how many test samples accelsim's prediction was compared with the twin's; all have to be equal."""
    twin, code = bench.predictions(best.folder), bench.spec.input.code(manifest["timesteps"])
    samples = bench.data.test.take(slice(len(twin)))
    with TemporaryDirectory() as place:
        folder = Path(place)
        network = manifest["network"]["file"]
        shutil.copyfile(bench.folder / "workloads" / best.folder / network, folder / network)
        whole = manifest | write_samples(folder, samples, code)
        (folder / MANIFEST).write_text(write_yaml(whole), encoding="utf-8")
        share = agreement(folder, twin, bench.spec.threads)
    if share < 1.0:
        raise TrainingError(f"{best.folder}: expected the twin's prediction for {len(twin)} samples, got {share:.4%}")
    return len(twin)


def _read_me(title: str, data: dict[str, Any], files: list[str]) -> str:
    """Return what the folder says of itself: the provenance in words, and which file is what."""
    told = data["provenance"]
    rows = [f"| `{name}` | {_FILES.get(Path(name).suffix, 'input')} |" for name in files]
    told_of = (
        f"{data['description']}. Point `{told['point']}` of `{told['made_by']}`, after {told['paper']}. "
        f"{told['test_accuracy']:.2%} of {told['test_samples']} test samples are right, "
        f"{told['nonzero_weights']} weights are not zero. The prediction is that of the network in torch for "
        f"{told['equal_predictions']} of {told['test_samples']} test samples."
    )
    table = ["| file | what |", "| --- | --- |", *rows]
    origin = [f"**Source**: {told['source']}.", "", f"**Licence**: {told['licence']}.", ""]
    return "\n".join([f"# {title}", "", told_of, "", *table, "", *origin])
