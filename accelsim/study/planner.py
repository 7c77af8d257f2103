"""From points to tasks: settings applied, conditions tried, contents hashed. Files are read once."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from accelsim.errors import ConfigError
from accelsim.hardware.ert import expand_ert
from accelsim.hardware.overrides import MayHold, split_path, with_values
from accelsim.hardware.problems import shown
from accelsim.hardware.yaml_reader import Locations
from accelsim.network.workload import workload_file
from accelsim.network.workload_schema import may_hold_in, read_workload_spec
from accelsim.study.dimensions import dimension_of
from accelsim.study.expressions import Value
from accelsim.study.identity import FileHashes, digest_of, input_hashes, model_digest, plugin_digest
from accelsim.study.reader import StudyFile
from accelsim.study.settings import OWN, WORKLOAD, as_override, split
from accelsim.study.space import Point
from accelsim.study.task import Task
from accelsim.units import CANONICAL, UnitError, parse_any

_PRICED: Final = ("technology", "energies")
"""What a table of energies changes of a chip."""
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
        self._plugins, self._model = plugin_digest(plugins), model_digest()
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
        base, locations, chip_name = self._chip(own["hw"])
        chip = _set("hw", hw, base, parts.chip) if parts.chip else base
        settings = dict(parts.chip)
        if (chip.get("technology") or {}).get("ert") is not None:
            tables = {key: dict(chip[key]) for key in _PRICED if isinstance(chip.get(key), dict)}
            chip = {**chip, **tables}
            expand_ert(chip, dict(locations))
            settings |= {key: chip[key] for key in tables}  # a point stays what it was when the file changes
        seeds = {} if own["seed"] is None else {"input.seed": own["seed"]}
        overrides = tuple(as_override(path, value) for path, value in {**parts.workload, **seeds}.items())
        digest, description, workload_name = self._workload(workload, overrides, {**parts.workload, **seeds})
        if not self._holds(point, own, chip, description):
            return None
        ann = None if own["ann"] is None else str((self._study.folder / own["ann"]).resolve())
        ann_digest = None if ann is None else self._hashes.of(Path(ann))
        content = {
            "model": self._model, "plugins": self._plugins, "engine": spec.engine, "chip": chip, "workload": digest,
            "samples": own["samples"], "ann": ann_digest,
        }  # fmt: skip
        return Task(
            id=digest_of(content), axes=point.axes, hw=hw, chip=chip, chip_settings=settings, workload=workload,
            workload_overrides=overrides, workload_digest=digest,
            samples=None if own["samples"] == "all" else own["samples"], ann=ann, ann_digest=ann_digest,
            plugins=self._plugins, model=self._model, engine=spec.engine, constraints=spec.constraints,
            bases={"chip": chip_name, "workload": workload_name},
        )  # fmt: skip

    def _chip(self, name: str) -> tuple[dict[str, Any], Locations, str]:
        if name not in self._chips:
            data, locations = self._study.machine(name)
            self._chips[name] = (data, locations, self._document(data))
        return self._chips[name]

    def _workload(self, name: str, overrides: tuple[str, ...], settings: Mapping[str, Any]) -> Workload:
        """Return a workload with settings, which are also given as overrides.

        A setting that it does not have is an error of the study; a value that it refuses is the point's: whoever
        evaluates the point finds the same, and says so.
        """
        key = (name, overrides)
        if key not in self._workloads:
            path = workload_file(name)
            base = read_workload_spec(path)[1] if not overrides else self._workload(name, (), {})[1]
            data = base
            if overrides:
                data = _set("workload", name, base, settings, may_hold_in(base))
                with contextlib.suppress(ConfigError):
                    data = read_workload_spec(path, overrides)[1]
            digest = digest_of([data, input_hashes(data, path.parent, self._hashes)])
            self._workloads[key] = (digest, data, self._document(base))
        return self._workloads[key]

    def _document(self, data: dict[str, Any]) -> str:
        name = digest_of(data)
        self.documents[name] = data
        return name

    def _holds(
        self, point: Point, own: Mapping[str, Any], chip: Mapping[str, Any], workload: Mapping[str, Any]
    ) -> bool:
        def lookup(name: str) -> Value:
            value = point.axes.get(name)
            if value is None:
                value = point.settings.get(name, own.get(name))
            if value is None and name not in own:
                data = workload if name.startswith(WORKLOAD) else chip
                try:
                    value = _value_at(data, name.removeprefix(WORKLOAD))
                except KeyError:
                    raise ConfigError(_not_there(name, point, own)) from None
            return _measured(name, value)

        for at, (where, what) in enumerate(self._study.conditions):
            try:
                if (where is None or where.holds(lookup)) and not what.holds(lookup):
                    return False
            except ConfigError as error:
                raise ConfigError(f"conditions[{at}]: {error}") from None
        return True


def _set(
    kind: str, name: str, base: dict[str, Any], settings: Mapping[str, Any], may_hold: MayHold | None = None
) -> dict[str, Any]:
    try:
        return with_values(base, settings, may_hold)
    except ConfigError as error:
        some = "machines" if kind == "hw" else "workloads"
        hint = f"an axis of some {some} alone says which: when: {{{kind}: NAME}}"
        raise ConfigError([f"{kind} {name}: {problem}; {hint}" for problem in error.problems]) from None


def _value_at(data: Any, path: str) -> Any:
    """Return what stands at a path; KeyError if nothing does."""
    for step in split_path(path):
        try:
            data = data[step]
        except (IndexError, TypeError):
            raise KeyError(path) from None
    return data


def _not_there(name: str, point: Point, own: Mapping[str, Any]) -> str:
    """Say that a point has no such setting."""
    if name not in point.axes and not any(name == path for path in point.settings):
        got = f"got {name!r}"
    else:
        got = f"got {name!r}, an axis that this point does not vary along"
    chosen = ", ".join(f"{axis}={value}" for axis, value in point.axes.items() if value is not None)
    return (
        f"expected an axis, a path of the chip or workload, or one of {', '.join(OWN)}; {got}, at the point {chosen} "
        f"(hw {own['hw']}, workload {own['workload']}). A condition on some points says which: "
        "{if: hw == 'NAME', then: ...}"
    )


def _measured(name: str, value: Any) -> Value:
    """Return a setting as conditions calculate with it."""
    if isinstance(value, int | float):
        return Value(value)
    if isinstance(value, str):
        try:
            number, dimension = parse_any(value)
        except UnitError:
            return Value(value)
        return Value(number, dimension_of(CANONICAL[dimension]))
    raise ConfigError(f"{name}: expected a number, a quantity, a text or a truth value, got {shown(value)}")
