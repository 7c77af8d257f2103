"""The Pareto front of a study: points that no other point beats in all objectives, overall and by group.

Points that failed, or that violate a constraint, do not take part. An objective that is no number at a point that does
take part is an error that names both, not a point that silently goes missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from accelsim.errors import ConfigError
from accelsim.result.hypervolume import hypervolume, knee
from accelsim.result.pareto import pareto_front, without_nan
from accelsim.study.constraints import dimension_of_total
from accelsim.study.expressions import Value, parse
from accelsim.study.objectives import Objective, full_name, make_objective, require_known
from accelsim.study.study import Study
from accelsim.study.task import DONE

if TYPE_CHECKING:
    import pandas as pd

_SHOWN: Final = 10
"""Digits of an identity in messages."""


@dataclass(frozen=True, eq=False)
class Front:
    """Fronts of a study.

    Attributes
    ----------
    objectives : tuple of Objective
    group : str or None
        Column whose values have a front each.
    points : DataFrame
        Points that take part, as :meth:`Study.points` gives them, with three columns more: ``group``, ``front`` (no
        point of its group beats it) and ``knee`` (where the front of its group bends).
    reference : dict of str to float
        Corner of the hypervolumes, by objective: the worst of all points that take part unless it was given.
    hypervolumes : dict of str to float
        Of the front of every group, bounded by the reference, as a share of the box between the reference and the best
        value of every objective.
    units : dict of str to str
        Of the objectives.
    """

    objectives: tuple[Objective, ...]
    group: str | None
    points: "pd.DataFrame"
    reference: Mapping[str, float]
    hypervolumes: Mapping[str, float]
    units: Mapping[str, str]

    @property
    def table(self) -> "pd.DataFrame":
        """Points of the fronts, by group and by the first objective."""
        order = ["group", *(item.name for item in self.objectives)]
        rows = self.points[self.points["front"]].sort_values(order, kind="stable")
        return rows.reset_index(drop=True)


def pareto(
    study: Study | str | Path,
    objectives: str | Sequence[str | Objective] = (),
    *,
    group: str | None = None,
    reference: Mapping[str, float] | None = None,
) -> Front:
    """Return the front of a study.

    Parameters
    ----------
    study : Study, str or Path
    objectives : str, or sequence of str or Objective
        Totals, ``energy`` or ``sops:max``; those of the study file if not given. Less is better, of accuracies and
        utilisations more.
    group : str, optional
        A column of the points: one front for each of its values.
    reference : mapping of str to float, optional
        Corner of the hypervolume for some objectives, in their canonical units.

    Raises
    ------
    ConfigError
        If there is no objective or no point, a name is unknown, or an objective is no number at some point.
    """
    opened = study if isinstance(study, Study) else Study.open(study)
    named = [objectives] if isinstance(objectives, str) else objectives
    goals = tuple(item if isinstance(item, Objective) else make_objective(item) for item in named)
    goals = goals or tuple(Objective(name, direction) for name, direction in opened.objectives)  # type: ignore[arg-type]
    if not goals:
        raise ConfigError(f"{opened.folder}: expected objectives: the study file names none")
    points = opened.points()
    points = points[points["status"] == DONE].reset_index(drop=True)
    if not len(points):
        raise ConfigError(f"{opened.folder}: expected points that are done and within all constraints, got none")
    quantities = opened.quantities
    require_known(goals, quantities)
    if group is not None and group not in points.columns:
        raise ConfigError(f"group: expected a column, got {group!r}. Known: {', '.join(opened.axes)}")
    return front_of(points, goals, group, reference, {item.name: quantities[item.name][0] for item in goals})


def parse_reference(texts: Sequence[str]) -> dict[str, float]:
    """Return the corner that ``energy=1 uJ`` and the like describe: values in canonical units by total.

    Raises
    ------
    ConfigError
        If a text is not ``NAME=VALUE``, there is no such total, or the value is not in its unit.
    """
    found = {}
    for text in texts:
        name, equals, written = (part.strip() for part in text.partition("="))
        if not equals or not name or not written:
            raise ConfigError(f"--reference {text}: expected NAME=VALUE")
        try:
            found[full_name(name)] = _value_in_unit(name, written)
        except ConfigError as error:
            raise ConfigError(f"--reference {text}: {error}") from None
    return found


def _value_in_unit(name: str, written: str) -> float:
    if parse(f"0 == {written}").names:
        raise ConfigError(f"expected a number with the unit of {name}, got {written!r}")
    held = parse(f"{name} == {written}")
    held.check(dimension_of_total)
    return float(held.sides(lambda _: Value(0.0))[1])


def front_of(
    points: "pd.DataFrame",
    goals: Sequence[Objective],
    group: str | None,
    reference: Mapping[str, float] | None,
    units: Mapping[str, str],
) -> Front:
    """Return the fronts of a table of points; see :func:`pareto`."""
    names = [item.name for item in goals]
    directions = [item.direction for item in goals]
    try:
        values = without_nan(points[names].to_numpy(dtype=np.float64), names, [row[:_SHOWN] for row in points["id"]])
    except ValueError as error:
        raise ConfigError(f"objective {error}; leave the points or the objective out") from None
    best = [(np.min if way == "min" else np.max)(values[:, at]) for at, way in enumerate(directions)]
    worst = [(np.max if way == "min" else np.min)(values[:, at]) for at, way in enumerate(directions)]
    given = {full_name(name): value for name, value in (reference or {}).items()}
    require_known([Objective(name, "min") for name in given], names)
    endless = [name for name, value in given.items() if not np.isfinite(value)]
    if endless:
        raise ConfigError(f"reference: expected finite numbers, got {given[endless[0]]} for {endless[0]}")
    corner = [given.get(name, float(worst[at])) for at, name in enumerate(names)]
    box = abs(float(np.prod(np.subtract(corner, best))))
    labels = ["all"] * len(points) if group is None else [str(item) for item in points[group]]
    found = points.copy()
    found["group"], found["front"], found["knee"] = labels, False, False
    volumes = {}
    for label in dict.fromkeys(labels):
        rows = np.flatnonzero(np.array(labels, dtype=object) == label)
        on = rows[pareto_front(values[rows], directions)]
        found.loc[on, "front"] = True
        bend = knee(values[on], directions)
        if bend is not None:
            found.loc[on[bend], "knee"] = True
        volumes[label] = hypervolume(values[on], directions, corner) / box if box > 0 else float("nan")
    return Front(tuple(goals), group, found, dict(zip(names, corner, strict=True)), volumes, dict(units))
