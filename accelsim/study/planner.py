"""From points to tasks: settings applied, conditions tried, contents hashed. Files are read once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from accelsim.errors import ConfigError
from accelsim.hardware.ert import expand_ert
from accelsim.hardware.loader import resolve_machine
from accelsim.hardware.overrides import split_path, with_values
from accelsim.hardware.yaml_reader import Locations
from accelsim.network.workload import workload_file
from accelsim.network.workload_schema import read_workload_spec
from accelsim.study.axes import number_of
from accelsim.study.identity import FileHashes, digest_of, input_hashes, model_digest, plugin_digest
from accelsim.study.reader import StudyFile
from accelsim.study.settings import OWN, WORKLOAD, as_override, split
from accelsim.study.space import Point
from accelsim.study.task import Task

Workload = tuple[str, dict[str, Any], str]
"""Digest of description and files, description, name of the document of the description without overrides."""


class Planner:
    """Makes tasks of points.

    Parameters
    ----------
    study : StudyFile
    plugins : tuple of str
        What workers import.

    Attributes
    ----------
    documents : dict of str to dict
        Descriptions that tasks refer to, by hash.
    """

    def __init__(self, study: StudyFile, plugins: tuple[str, ...] = ()) -> None:
        self._study = study
        self._outside = {"model": model_digest(), "plugins": plugin_digest(plugins), "engine": study.spec.engine}
        self._chips: dict[str, tuple[dict[str, Any], Locations, str]] = {}
        self._workloads: dict[tuple[str, tuple[str, ...]], Workload] = {}
        self._hashes = FileHashes()
        self.documents: dict[str, dict[str, Any]] = {}

    def tasks(self) -> Iterator[Task]:
        """Yield the task of every point that satisfies the conditions, in order."""
        for point in self._study.space:
            task = self.task(point)
            if task is not None:
                yield task

    def task(self, point: Point) -> Task | None:
        """Return the task of a point, or None where a condition does not hold.

        Raises
        ------
        AccelsimError
            If a condition cannot be tried, or a file cannot be read.
        """
        spec = self._study.spec
        parts = split({**spec.set, **point.settings})
        own: dict[str, Any] = {name: getattr(spec, name) for name in OWN} | parts.own
        hw, workload = str(self._study.chip(own["hw"])), str(self._study.workload(own["workload"]))
        base, locations, chip_name = self._chip(hw)
        chip = _set(hw, base, parts.chip) if parts.chip else base
        if (chip.get("technology") or {}).get("ert") is not None:
            chip = {**chip, "technology": dict(chip["technology"])}
            expand_ert(chip, dict(locations))
        seeds = {} if own["seed"] is None else {"input.seed": own["seed"]}
        overrides = tuple(as_override(path, value) for path, value in {**parts.workload, **seeds}.items())
        digest, description, workload_name = self._workload(workload, overrides)
        if not self._holds(point, chip, description):
            return None
        ann = None if own["ann"] is None else str((self._study.folder / own["ann"]).resolve())
        content = {
            **self._outside, "chip": chip, "workload": digest, "samples": own["samples"],
            "ann": None if ann is None else self._hashes.of(Path(ann)),
        }  # fmt: skip
        return Task(
            id=digest_of(content), axes=point.axes, hw=hw, chip=chip, chip_settings=parts.chip, workload=workload,
            workload_overrides=overrides, workload_digest=digest,
            samples=None if own["samples"] == "all" else own["samples"], ann=ann, engine=spec.engine,
            constraints=spec.constraints, bases={"chip": chip_name, "workload": workload_name},
        )  # fmt: skip

    def _chip(self, hw: str) -> tuple[dict[str, Any], Locations, str]:
        if hw not in self._chips:
            data, locations = resolve_machine(Path(hw) if "/" in hw or hw.endswith((".yaml", ".yml")) else hw)
            self._chips[hw] = (data, locations, self._document(data))
        return self._chips[hw]

    def _workload(self, name: str, overrides: tuple[str, ...]) -> Workload:
        key = (name, overrides)
        if key not in self._workloads:
            path = workload_file(name)
            base = read_workload_spec(path)[1] if not overrides else self._workload(name, ())[1]
            data = base if not overrides else read_workload_spec(path, overrides)[1]
            digest = digest_of([data, input_hashes(data, path.parent, self._hashes)])
            self._workloads[key] = (digest, data, self._document(base))
        return self._workloads[key]

    def _document(self, data: dict[str, Any]) -> str:
        name = digest_of(data)
        self.documents[name] = data
        return name

    def _holds(self, point: Point, chip: Mapping[str, Any], workload: Mapping[str, Any]) -> bool:
        def lookup(name: str) -> Any:
            value = point.axes.get(name)
            if value is None:
                value = point.settings.get(name)
            if value is None:
                data = workload if name.startswith(WORKLOAD) else chip
                value = _value_at(data, name.removeprefix(WORKLOAD))
            number = number_of(value)
            return value if number is None else number

        for at, (where, what) in enumerate(self._study.conditions):
            try:
                if (where is None or where.holds(lookup)) and not what.holds(lookup):
                    return False
            except ConfigError as error:
                raise ConfigError(f"conditions[{at}]: {error}") from None
        return True


def _set(hw: str, base: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return with_values(base, settings)
    except ConfigError as error:
        hint = "an axis of some machines alone says which: when: {hw: NAME}"
        raise ConfigError([f"hw {hw}: {problem}; {hint}" for problem in error.problems]) from None


def _value_at(data: Any, path: str) -> Any:
    for step in split_path(path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            raise ConfigError(f"expected an axis or a path of the chip or workload, got {path!r}") from None
    return data
