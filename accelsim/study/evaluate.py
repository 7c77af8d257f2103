"""A worker's part: from a task to its outcome, with everything shared that tasks share.

One thread in one process: workloads are loaded once, traces, mappings and baselines made once for what they depend on.
An error that an input can cause is an outcome; so is a defect, with its place, because one point must not end a study.
"""

import contextlib
import os
import socket
import time
import traceback
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from accelsim.baseline.given import load_ann
from accelsim.errors import AccelsimError
from accelsim.hardware.loader import LoadedArray, check_machine
from accelsim.hardware.yaml_reader import Location
from accelsim.kernels import cache_folder
from accelsim.mapping.mapping import Mapping as ChipMapping
from accelsim.mapping.schedule import Schedule
from accelsim.network.events import Limit
from accelsim.network.graph import Network
from accelsim.network.workload import Workload, load_workload, workload_file
from accelsim.network.workload_schema import read_workload_spec
from accelsim.pipeline.array_flow import ArrayRun, measure_array, require_closed_forms
from accelsim.pipeline.array_tables import totals as array_totals
from accelsim.pipeline.flow import Run, measure
from accelsim.pipeline.inputs import ArrayInputs, ChipInputs
from accelsim.pipeline.reuse import Reuse
from accelsim.pipeline.totals import totals
from accelsim.result.run_result import Quantity
from accelsim.study.constraints import require_totals, violations
from accelsim.study.expressions import parse
from accelsim.study.identity import FileHashes, digest_of, imported, input_hashes
from accelsim.study.objectives import BASELINE
from accelsim.study.task import DONE, FAILED, INFEASIBLE, Outcome, StudyError, Task
from accelsim.timing.compiled import run as compiled

_WORKLOADS: Final = 4
"""Workloads that a worker keeps in memory."""
_LONGEST_ERROR: Final = 4000
_WARM: Final = "study.warm"


class Refused(AccelsimError):  # noqa: N818 - not an error of anybody: the way out of a run that need not be timed
    """A constraint does not hold before anything was timed."""


class Evaluator:
    """Evaluates tasks one after the other.

    Parameters
    ----------
    plugins : tuple of str
        Python files and modules to import first.
    """

    def __init__(self, plugins: tuple[str, ...] = ()) -> None:
        self._plugins = {path: digest for name in plugins for path, digest in imported(name).items()}
        self._reuse = Reuse()
        self._workloads: OrderedDict[Any, tuple[Workload, Network | None, str | None]] = OrderedDict()
        self._hashes = FileHashes()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._warm = False

    def evaluate(self, task: Task) -> Outcome:
        """Return what comes out of a task.

        Raises
        ------
        StudyError
            If a point has no such total as a constraint names, or plug-ins have changed. Whatever is wrong with the
            point alone is an outcome.
        """
        if not self._warm:
            self._warm = True
            with compiling_alone():
                return self._timed(task)
        return self._timed(task)

    def _timed(self, task: Task) -> Outcome:
        began = time.process_time()
        try:
            found = self._evaluate(task)
        except StudyError:
            raise
        except AccelsimError as error:
            found = Outcome(task.id, FAILED, error=str(error)[:_LONGEST_ERROR])
        except Exception as error:  # noqa: BLE001 - a defect in one point must not end the study
            place = traceback.extract_tb(error.__traceback__)[-1]
            text = f"defect: {type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
            found = Outcome(task.id, FAILED, error=text[:_LONGEST_ERROR])
        spent = time.process_time() - began
        return Outcome(
            found.id, found.status, found.totals, found.quantities, found.violations, found.error, spent,
            found.engine_seconds, self._name,
        )  # fmt: skip

    def _evaluate(self, task: Task) -> Outcome:
        if dict(task.plugins) != self._plugins:
            changed = sorted(name for name, _ in self._plugins.items() ^ dict(task.plugins).items())
            raise StudyError(f"--plugin {changed[0]}: expected what the study was planned with, but {self._name} has "
                             "imported another version of it: start this worker, or this process, again")  # fmt: skip
        machine = check_machine(task.chip, {"": Location(f"point {task.id[:10]}", 0)})
        load, own, ann = self._load(task)
        given: dict[str, Any] = {
            "hw": task.hw, "workload_name": task.workload, "workload_overrides": task.workload_overrides,
            "workload": load, "own": own, "ann": ann,
        }  # fmt: skip
        constraints = [parse(text) for text in task.constraints]
        early: dict[str, Quantity] = {}
        engine = _Clock()

        def admit(mapping: ChipMapping, area: Mapping[str, float]) -> None:
            early["cores_used"] = Quantity(float(len(mapping.used_cores)), "", "cores that hold neurons")
            early["cores_total"] = Quantity(float(mapping.cores), "", "cores of the chip")
            if area:
                early["area"] = Quantity(sum(area.values()), "mm2", "area of the whole chip")
            if violations(constraints, values_of(early)):
                raise Refused

        try:
            made: Run | ArrayRun
            if isinstance(machine, LoadedArray):
                require_closed_forms(task.engine)
                made = measure_array(ArrayInputs(chip=machine, **given), 1, engine, reuse=self._reuse)
            else:
                Schedule.of(machine.spec.schedule, load.network, load.timesteps)
                inputs = ChipInputs(chip=machine, **given)
                made = measure(inputs, task.engine, 1, engine, reuse=self._reuse, admit=admit)
        except Refused:
            return _outcome(task, INFEASIBLE, early, violations(constraints, values_of(early)), engine.seconds)
        found = all_totals(made)
        require_totals(constraints, values_of(found), task)
        broken = violations(constraints, values_of(found))
        return _outcome(task, INFEASIBLE if broken else DONE, found, broken, engine.seconds)

    def _load(self, task: Task) -> tuple[Workload, Network | None, str | None]:
        key = (task.workload, task.workload_overrides, task.workload_digest, task.samples, task.ann, task.ann_digest)
        if key in self._workloads:
            self._workloads.move_to_end(key)
            return self._workloads[key]
        source = Path(task.workload) if "/" in task.workload else task.workload
        path = workload_file(source)
        data = read_workload_spec(path, task.workload_overrides)[1]
        if digest_of([data, input_hashes(data, path.parent, self._hashes)]) != task.workload_digest:
            raise AccelsimError(f"{path}: expected the workload that the study was planned with, got other files")
        if task.ann is not None and self._hashes.of(Path(task.ann)) != task.ann_digest:
            raise AccelsimError(f"{task.ann}: expected the ANN that the study was planned with, got another file")
        load = load_workload(source, Limit(task.samples), task.workload_overrides)
        file = load.ann if task.ann is None else Path(task.ann)
        own = None if file is None else load_ann(file, load.network)
        self._workloads[key] = (load, own, None if file is None else str(file))
        if len(self._workloads) > _WORKLOADS:
            self._workloads.popitem(last=False)
        return self._workloads[key]


@contextlib.contextmanager
def compiling_alone() -> Iterator[None]:
    """Let one process of a machine compile the kernels, and the others wait and load them, where nobody has yet."""
    folder = cache_folder(Path(compiled.__file__))
    if folder is None or (folder / _WARM).exists():
        yield
        return
    with FileLock(folder / f"{_WARM}.lock"):
        yield
        with contextlib.suppress(OSError):
            (folder / _WARM).touch()


def all_totals(made: Run | ArrayRun) -> dict[str, Quantity]:
    """Return the totals of a run, and those of the MAC array with their prefix."""
    array = {f"{BASELINE}{name}": item for name, item in made.baseline.totals.items()}
    return {**(array_totals(made) if isinstance(made, ArrayRun) else totals(made)), **array}


def values_of(found: Mapping[str, Quantity]) -> dict[str, float]:
    """Return the values of totals."""
    return {name: float(item.value) for name, item in found.items()}


def _outcome(
    task: Task, status: Any, found: Mapping[str, Quantity], broken: Mapping[str, float], engine_seconds: float
) -> Outcome:
    values = values_of(found)
    quantities = {name: (item.unit, item.definition) for name, item in found.items()}
    return Outcome(task.id, status, values, quantities, broken, engine_seconds=engine_seconds)


class _Clock:
    """A listener that measures the CPU time of the timing engine."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def stage(self, name: str, total: int | None = None) -> "_ClockStage":  # noqa: ARG002 - the protocol's signature
        """Return the stage ``name``."""
        return _ClockStage(self, counts=name == "simulate")


class _ClockStage:
    def __init__(self, owner: _Clock, *, counts: bool) -> None:
        self._owner, self._counts, self._began = owner, counts, 0.0

    def __enter__(self) -> "_ClockStage":
        self._began = time.process_time()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._counts:
            self._owner.seconds += time.process_time() - self._began

    def advance(self, n: int = 1, /) -> None:
        """Ignore the items."""
