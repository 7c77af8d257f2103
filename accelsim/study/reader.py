"""From a study file to a checked study: every problem of the file at once, with its line."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from accelsim.errors import AccelsimError, ConfigError
from accelsim.hardware.loader import check_machine, resolve_machine
from accelsim.hardware.overrides import split_path, with_values
from accelsim.hardware.yaml_reader import Location, Locations, child, read_yaml
from accelsim.network.spec_problems import spec_problems
from accelsim.network.workload import workload_file
from accelsim.network.workload_schema import may_hold_in, read_workload_spec
from accelsim.pipeline.names import unknown_names
from accelsim.study.axes import Axis, make_axis
from accelsim.study.catalog import require_totals
from accelsim.study.constraints import dimension_of_total
from accelsim.study.expressions import Comparison, parse
from accelsim.study.objectives import Objective, make_objective
from accelsim.study.settings import WORKLOAD, split
from accelsim.study.space import Space, check_axes
from accelsim.study.spec import ConditionSpec, ObjectiveSpec, StudySpec

Rule = tuple[Comparison | None, Comparison]
"""What must hold, and, where not None, where."""
Machine = tuple[dict[str, Any], Locations]
"""Plain values of a hardware description, and where each stands."""
_OWN_FAULTS: Final = ("expected", "unknown")


@dataclass(frozen=True, eq=False)
class StudyFile:
    """A study file, read.

    Attributes
    ----------
    spec : StudySpec
    space : Space
    conditions : tuple of Rule
    constraints : tuple of Comparison
    objectives : tuple of Objective
    folder : Path
        Of the file; names in it are relative to it.
    data : dict
        The file as plain values.
    sha256 : str
    """

    spec: StudySpec
    space: Space
    conditions: tuple[Rule, ...]
    constraints: tuple[Comparison, ...]
    objectives: tuple[Objective, ...]
    folder: Path
    data: dict[str, Any]
    _machines: dict[str, Machine] = field(default_factory=dict, repr=False)

    def machine(self, name: str) -> Machine:
        """Return a hardware description with its bases merged in, read once; see :func:`resolve_machine`."""
        place = self.chip(name)
        if str(place) not in self._machines:
            self._machines[str(place)] = resolve_machine(place)
        return self._machines[str(place)]

    def chip(self, name: str) -> str | Path:
        """Return a preset's name, or the path of a file named relative to the study."""
        return self.folder / name if _is_path(name) else name

    def workload(self, name: str) -> str | Path:
        """Return a bundled workload's name, or the path of a folder named relative to the study."""
        beside = self.folder / name
        return beside.resolve() if _is_path(name) or beside.is_dir() else name

    @property
    def sha256(self) -> str:
        """Hash of what the file says."""
        return hashlib.sha256(repr(self.data).encode()).hexdigest()


def read_study(path: str | Path) -> StudyFile:
    """Read and check a study file.

    Raises
    ------
    ConfigError
        With every problem as ``file:line: dotted.path: expected ..., got ...``.
    """
    data, locations = read_yaml(path)
    return check_study(data, locations, Path(path).parent)


def check_study(data: dict[str, Any], locations: Locations, folder: Path) -> StudyFile:
    """Check the plain values of a study; parameters and errors as :func:`read_study`."""
    try:
        spec = StudySpec.model_validate(data)
    except ValidationError as error:
        raise ConfigError(spec_problems(error, StudySpec, data, locations)) from None
    problems = _Problems(locations)
    axes = []
    for name, written in spec.axes.items():
        with problems.at("axes", name):
            axes.append(make_axis(name, written))
    for name, text in check_axes(axes):
        problems.add(f"axes.{name}", text)
    conditions = []
    for at, item in enumerate(spec.conditions):
        with problems.at("conditions", at):
            conditions.append(_rule(item))
    constraints = []
    for at, text in enumerate(spec.constraints):
        with problems.at("constraints", at):
            limit = parse(text)
            limit.check(dimension_of_total)
            constraints.append(limit)
    objectives = []
    for at, goal in enumerate(spec.objectives):
        with problems.at("objectives", at):
            found = _objective(goal)
            require_totals([found])
            objectives.append(found)
    study = StudyFile(
        spec, Space(tuple(axes), spec.points), tuple(conditions), tuple(constraints), tuple(objectives), folder, data
    )
    if spec.mode == "grid":
        for axis in axes:
            if axis.interval:
                problems.add(f"axes.{axis.name}", "expected step or count: a range without is for mode: search")
    _check_settings(study, problems)
    problems.stop()
    return study


def _rule(item: str | ConditionSpec) -> Rule:
    return (None, parse(item)) if isinstance(item, str) else (parse(item.if_), parse(item.then))


def _objective(item: str | ObjectiveSpec) -> Objective:
    return make_objective(item) if isinstance(item, str) else make_objective(item.name, item.direction)


def _is_path(name: str) -> bool:
    return any(sign in name for sign in "/\\") or name.endswith((".yaml", ".yml"))


class _Problems:
    """Collects problems under the place in the file that they belong to."""

    def __init__(self, locations: Locations) -> None:
        self._locations = locations
        self._found: list[tuple[Location, str]] = []
        self._path = self._name = ""

    def at(self, *steps: str | int) -> "_Problems":
        """Collect what is raised in a ``with`` block under a path."""
        path = ""
        for step in steps:
            path = child(path, step)
        self._path, self._name = path, f"{str(steps[-1]).removeprefix(WORKLOAD)}: "
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, AccelsimError):
            return False
        for text in error.problems if isinstance(error, ConfigError) else [str(error)]:
            self.add(self._path, text.removeprefix(self._name))
        return True

    def add(self, path: str, text: str) -> None:
        """Note a problem."""
        above = path
        while above not in self._locations and above:
            above = above[: max(above.rfind("."), above.rfind("["), 0)]
        line = f"{path}: {text}"
        if all(line != known for _, known in self._found):
            self._found.append((self._locations[above], line))

    def stop(self) -> None:
        """Raise what was found, in the order of the file."""
        if self._found:
            placed = sorted(self._found, key=lambda item: (item[0].file, item[0].line))
            raise ConfigError([f"{where}: {text}" for where, text in placed])


def _check_settings(study: StudyFile, problems: _Problems) -> None:
    """Try every setting alone on every chip and workload of the study: paths must exist, values be of their kind."""
    spec = study.spec
    own = {name: [getattr(spec, name)] for name in ("hw", "workload")}
    places: list[tuple[tuple[str | int, ...], Mapping[str, Any]]] = [(("set",), spec.set)]
    places += [(("axes", axis.name), item) for axis in study.space.axes for item in _settings_of(axis)]
    places += [(("points", at), item) for at, item in enumerate(spec.points)]
    for steps, settings in places:
        for name, value in split(settings).own.items():
            with problems.at(*steps):
                _check_own(name, value)
                if name in own:
                    own[name].append(value)
    chips: list[dict[str, Any]] = []
    for name in dict.fromkeys(own["hw"]):
        with problems.at("hw" if name == spec.hw else "axes.hw"):
            chips.append(study.machine(name)[0])
    workloads: list[dict[str, Any]] = []
    for name in dict.fromkeys(own["workload"]):
        with problems.at("workload" if name == spec.workload else "axes.workload"):
            workloads.append(read_workload_spec(workload_file(study.workload(name)))[1])
    for steps, settings in places:
        parts = split(settings)
        if parts.chip and chips:
            with problems.at(*steps):
                _check_chip(chips, parts.chip)
        if parts.workload and workloads:
            with problems.at(*steps):
                _any_holds(lambda data: with_values(data, parts.workload, may_hold_in(data)), workloads)  # noqa: B023


def _settings_of(axis: Axis) -> tuple[Mapping[str, Any], ...]:
    if axis.interval is None:
        return axis.settings
    return tuple({axis.name: axis.interval.text(value)} for value in (axis.interval.low, axis.interval.high))


def _check_own(name: str, value: Any) -> None:
    if name in {"samples", "seed"}:
        if (name, value) == ("samples", "all"):
            return
        if not isinstance(value, int) or isinstance(value, bool) or value < (name == "samples"):
            raise ConfigError(f"{name}: expected a whole number, got {value!r}")
    elif not isinstance(value, str) or not value or "\0" in value:
        raise ConfigError(f"{name}: expected a name or a path, got {value!r}")


def _check_chip(chips: list[dict[str, Any]], settings: Mapping[str, Any]) -> None:
    for path in settings:
        split_path(path)
    _any_holds(lambda data: with_values(data, settings), chips)
    if len(chips) != 1 or None in settings.values():
        return
    data = with_values(chips[0], settings)
    try:
        found = unknown_names(check_machine(data, {"": Location("", 0)}))
    except ConfigError as error:
        found = error.problems
    # A rule over several keys may hold together with other axes; what is wrong by itself is wrong for ever.
    own = [text for text in found if any(f": {path}: {word}" in text for path in settings for word in _OWN_FAULTS)]
    if own:
        raise ConfigError([text.removeprefix(": ") for text in own])


def _any_holds(attempt: Any, candidates: list[dict[str, Any]]) -> None:
    """Succeed where one of several chips or workloads takes the settings; points of the others say that they do not."""
    errors = []
    for data in candidates:
        try:
            attempt(data)
        except ConfigError as error:
            errors.append(error)
    if len(errors) == len(candidates):
        raise errors[0]
