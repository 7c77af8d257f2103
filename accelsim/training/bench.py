"""The bench of a recipe: where its files lie, what it has found so far, and the machines that judge its networks.

``OUT/points.json`` holds every finished point by table and key; a point that is there is not made again, unless it was
judged otherwise (on other machines, with other samples): then all networks are, from their checkpoints. ``OUT/log`` has
a CSV and a checkpoint of each training stage, ``OUT/workloads`` the exported networks, ``OUT/predictions`` what their
twins in torch predict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from accelsim.errors import TrainingError
from accelsim.network.npz import Npz
from accelsim.report.files import prepare_folder
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.training.data.dataset import Dataset
from accelsim.training.fit import write_rows
from accelsim.training.recipe_spec import RecipeSpec

Row = dict[str, Any]
SpecT = TypeVar("SpecT", bound=RecipeSpec)
_POINTS = TypeAdapter(dict[str, dict[str, Row]])
_STATED = TypeAdapter(dict[str, Any])


@dataclass
class Bench:
    """Where a recipe works.

    Attributes
    ----------
    folder : Path
    spec : RecipeSpec
    data : Dataset
    progress : Progress
    """

    folder: Path
    spec: RecipeSpec
    data: Dataset
    progress: Progress = NO_PROGRESS
    _points: dict[str, dict[str, Row]] = field(default_factory=dict)
    _outdated: bool = False

    def __post_init__(self) -> None:
        """Read what was found before; refuse the results of other parameters or data.

        Raises
        ------
        TrainingError
            If the folder holds results of another recipe, of other parameters or data, or a file of them is damaged.
        OutputError
            If it cannot be written to.
        """
        prepare_folder(self.folder)
        torch.set_num_threads(self.spec.threads)
        stated = self.folder / "parameters.json"
        differ = self._differ(stated.read_bytes()) if stated.is_file() else set()
        if differ - self.spec.judged:
            what = "data" if differ == {"data"} else "parameters"
            raise TrainingError(
                f"{self.folder}: holds results of other {what} ({stated.name}: {', '.join(sorted(differ))}); choose "
                "another --out or remove it"
            )
        self._outdated = bool(differ)
        found = self.folder / "points.json"
        if found.is_file() and not self._outdated:
            try:
                self._points = _POINTS.validate_json(found.read_bytes())
            except ValidationError:
                raise TrainingError(
                    f"{found}: expected tables of points, got something else; without it all networks are judged again"
                ) from None
        for table in self._points:
            self._write_table(table)

    def _differ(self, stated: bytes) -> set[str]:
        """Return what differs from results as stated: threads, which change last bits, and further seeds do not."""
        try:
            known = _STATED.validate_json(stated)
            spec = type(self.spec).model_validate_json(json.dumps(known["parameters"]))
        except (ValidationError, KeyError):
            return {"all"}
        free = {"threads"} | ({"seeds"} if self.spec.seeds[: len(spec.seeds)] == spec.seeds else set())
        names = type(self.spec).model_fields.keys() - free
        different = {name for name in names if getattr(spec, name) != getattr(self.spec, name)}
        return different | (set() if known.get("data") == self.data.digest else {"data"})

    def parameters(self, kind: type[SpecT]) -> SpecT:
        """Return the parameters as those of a recipe."""
        if not isinstance(self.spec, kind):
            raise TypeError(f"expected {kind.__name__}, got {type(self.spec).__name__}")
        return self.spec

    def log(self, stage: str, seed: int, draws: str | None = None) -> Path:
        """Return the log file of a stage and seed torch for it: a stage does not depend on what ran before.

        Stages with the same ``draws`` get the same random numbers (first weights, order of samples): what they differ
        in is then what their parameters differ in. From here on the folder belongs to these parameters and data.
        """
        if self._outdated:
            (self.folder / "points.json").unlink(missing_ok=True)
            self._outdated = False
        stated = {"data": self.data.digest, "parameters": self.spec.model_dump(mode="json")}
        (self.folder / "parameters.json").write_text(json.dumps(stated, indent=1), encoding="utf-8")
        digest = hashlib.sha256(f"{draws or stage} {seed}".encode()).digest()
        torch.manual_seed(int.from_bytes(digest[:4], "little"))
        return self.folder / "log" / f"{stage}-{seed}.csv"

    def point(self, table: str, key: str, make: Callable[[], Row]) -> Row:
        """Return the row of a point: the one found before, or the one that ``make`` finds now."""
        rows = self._points.setdefault(table, {})
        if key not in rows:
            rows[key] = {"key": key, **make()}
            part = self.folder / "points.part"
            part.write_text(json.dumps(self._points, indent=1), encoding="utf-8")
            part.replace(self.folder / "points.json")
            self._write_table(table)
        return rows[key]

    def _write_table(self, table: str) -> None:
        write_rows(self.folder / "tables" / f"{table}.csv", self.rows(table))

    def remember(self, name: str, predictions: Tensor) -> None:
        """Keep the twin's predictions of a workload: all that its accuracy was taken on."""
        folder = self.folder / "predictions"
        folder.mkdir(exist_ok=True)
        np.savez_compressed(folder / f"{name}.npz", classes=predictions.numpy().astype(np.uint16))

    def predictions(self, name: str) -> Tensor:
        """Return what :meth:`remember` kept.

        Raises
        ------
        TrainingError
            If there is none.
        """
        path = self.folder / "predictions" / f"{name}.npz"
        if not path.is_file():
            raise TrainingError(f"{path}: expected the predictions of {name}, got none; its point has to run again")
        with Npz(path) as file:
            return torch.from_numpy(file.array("classes").astype(np.int64))

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table so far."""
        return list(self._points.get(table, {}).values())
