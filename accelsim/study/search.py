"""``mode: search``: Optuna proposes points, the same workers evaluate them, the same database keeps them.

A point that is committed already, by an earlier run or as a repeated proposal, is told to Optuna from the database and
costs nothing. Ordered axes are whole numbers for the samplers (positions of the values), others are categories. Beside
the study's own file, any SQLAlchemy URL may hold the Optuna study, so that drivers on many machines share one search.

Trials carry user attributes: ``settings``, the values on the axes, and ``point``, its identity.
"""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from accelsim.errors import AccelsimError, ConfigError
from accelsim.study.axes import Axis
from accelsim.study.constraints import Judge
from accelsim.study.database import Database
from accelsim.study.extra import load_extra
from accelsim.study.local import Numbered, Workers
from accelsim.study.objectives import Objective, require_known
from accelsim.study.planner import Planner
from accelsim.study.reader import StudyFile
from accelsim.study.space import Point
from accelsim.study.task import FAILED, INFEASIBLE

FILE: Final = "search.sqlite"
_VIOLATIONS: Final = "violations"
_POINT: Final = "point"
_SETTINGS: Final = "settings"
_IN_VAIN: Final = 200
"""Proposals in a row that bring nothing new, after which a space counts as exhausted."""


class Search:
    """One search.

    Parameters
    ----------
    study : StudyFile
    planner : Planner
    database : Database
    plan : int
        Number of the plan that its points belong to.
    folder : Path
        Of the results.
    judge : Judge
        Of points that are committed already.
    """

    def __init__(
        self, study: StudyFile, planner: Planner, database: Database, plan: int, folder: Path, judge: Judge
    ) -> None:
        self._optuna = load_extra("optuna", "mode: search")
        spec = study.spec.search
        if spec is None:
            raise ConfigError("search: expected a search block")
        self._study, self._planner, self._database, self._plan, self._spec = study, planner, database, plan, spec
        self._optuna.logging.get_logger("optuna").setLevel(logging.WARNING)
        url = spec.storage or f"sqlite:///{(folder / FILE).resolve()}"
        directions = ["minimize" if item.direction == "min" else "maximize" for item in study.objectives]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            # what replaces it is not in Optuna 4
            warnings.filterwarnings("ignore", "`constraints_func`", FutureWarning)
            try:
                self._trials = self._optuna.create_study(
                    study_name=study.spec.name, storage=url, directions=directions, load_if_exists=True
                )
            except Exception as error:  # noqa: BLE001 - whatever a storage's driver raises
                raise AccelsimError(f"search.storage: {url}: {type(error).__name__}: {error}") from None
            held = len(self._trials.directions)
            if held != len(directions):
                raise ConfigError(f"search: expected {len(directions)} objectives in {url}, got a study with {held}")
            self._trials.sampler = self._sampler(len(self._trials.trials))
        self._judge = judge
        self._waiting: dict[str, list[Any]] = {}
        self._new = 0
        if spec.storage is None:
            self._tell_left_behind()

    def run(self, workers: Workers, advance: Any) -> None:
        """Evaluate the points that Optuna proposes, until there are enough of them."""
        for number, task, outcome in workers.run(self._proposals(advance)):
            self._database.commit(self._plan, number, task, outcome)
            for trial in self._waiting.pop(task.id):
                self._tell(trial, outcome.status, outcome.totals, outcome.violations)
            advance(1)

    def _proposals(self, advance: Any) -> Iterator[Numbered]:
        vain = 0
        while self._new < self._spec.points and vain < _IN_VAIN:
            trial = self._trials.ask()
            point = self._point(trial)
            task = self._planner.task(point)
            vain += 1
            if task is None:
                self._trials.tell(trial, state=self._optuna.trial.TrialState.FAIL)
                continue
            trial.set_user_attr(_POINT, task.id)
            trial.set_user_attr(_SETTINGS, dict(task.axes))
            if task.id in self._waiting:
                self._waiting[task.id].append(trial)
                continue
            before = self._database.outcome(task.id)
            there = self._database.claim(self._plan, [(trial.number, task)], self._judge)
            known = self._database.outcome(task.id) if there else None
            if before is not None and known is not None:
                if before["plan"] != self._plan:
                    self._new, vain = self._new + 1, 0
                    advance(1)
                self._tell(trial, known["status"], known["totals"], known["violations"])
                continue
            self._database.add_documents(self._planner.documents)
            self._waiting[task.id] = [trial]
            self._new, vain = self._new + 1, 0
            yield trial.number, task

    def _tell(self, trial: Any, status: str, totals: Mapping[str, float], violations: Mapping[str, float]) -> None:
        goals = self._study.objectives
        trial.set_user_attr(_VIOLATIONS, [violations.get(text, 0.0) for text in self._study.spec.constraints])
        if status == FAILED:
            self._trials.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            return
        if status != INFEASIBLE:
            require_known(goals, totals)
        values = [totals.get(item.name, math.nan) for item in goals]
        if status == INFEASIBLE:  # not simulated: worse than everything that was
            values = [_worst(item) if math.isnan(value) else value for item, value in zip(goals, values, strict=True)]
        if any(math.isnan(value) for value in values):
            self._trials.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            return
        self._trials.tell(trial, values)

    def _tell_left_behind(self) -> None:
        """End the trials that were under way when an earlier driver was killed, with their result if there is one."""
        running = self._optuna.trial.TrialState.RUNNING
        for frozen in self._trials.get_trials(deepcopy=False, states=(running,)):
            trial = self._optuna.trial.Trial(self._trials, frozen._trial_id)  # noqa: SLF001 - Optuna has no other way
            known = self._database.outcome(frozen.user_attrs.get(_POINT, ""))
            if known is None:
                self._trials.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            else:
                self._tell(trial, known["status"], known["totals"], known["violations"])

    def _point(self, trial: Any) -> Point:
        chosen: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        for axis in self._study.space.axes:
            if not axis.active(chosen):
                chosen[axis.name] = None
                continue
            if axis.interval is not None:
                bounds = axis.interval
                ask = trial.suggest_int if bounds.whole else trial.suggest_float
                ends = (round(bounds.low), round(bounds.high)) if bounds.whole else (bounds.low, bounds.high)
                value = bounds.text(ask(axis.name, *ends, log=bounds.log))
                chosen[axis.name], settings[axis.name] = value, value
                continue
            at = self._position(trial, axis)
            chosen[axis.name] = axis.values[at]
            settings |= axis.settings[at]
        return self._study.space.point(chosen, settings)

    def _position(self, trial: Any, axis: Axis) -> int:
        last = len(axis.values) - 1
        if axis.ordered:
            return int(trial.suggest_int(axis.name, 0, last))
        return int(trial.suggest_categorical(axis.name, list(range(last + 1))))

    def _sampler(self, before: int) -> Any:
        samplers, spec = self._optuna.samplers, self._spec
        limits = {"constraints_func": _violations_of} if self._study.constraints else {}
        seed = spec.seed + before  # a search that goes on must not propose the same points again
        size = {} if spec.population is None else {"population_size": spec.population}
        if spec.sampler == "grid":
            axes = self._study.space.axes
            continuous = [axis.name for axis in axes if axis.interval]
            if continuous:
                raise ConfigError(f"search.sampler: expected no continuous axis with grid, got {', '.join(continuous)}")
            return samplers.GridSampler({axis.name: list(range(len(axis.values))) for axis in axes}, seed=spec.seed)
        if spec.sampler == "random":
            return samplers.RandomSampler(seed=seed)
        if spec.sampler == "tpe":
            return samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True, **limits)
        made = samplers.NSGAIISampler if spec.sampler == "nsga2" else samplers.NSGAIIISampler
        return made(seed=seed, **size, **limits)


def _violations_of(trial: Any) -> list[float]:
    found: list[float] = trial.user_attrs.get(_VIOLATIONS, [])
    return found


def _worst(objective: Objective) -> float:
    return math.inf if objective.direction == "min" else -math.inf
