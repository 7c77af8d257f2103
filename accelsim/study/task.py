"""One point as work for anybody: self-contained, small, sent to workers as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from accelsim.errors import AccelsimError

DONE: Final = "done"
INFEASIBLE: Final = "infeasible"
FAILED: Final = "failed"
EARLY: Final = frozenset({"area", "cores_used", "cores_total"})
"""Totals that are known before anything is timed."""
Status = Literal["done", "infeasible", "failed"]


class StudyError(AccelsimError):
    """The study itself is wrong, or a worker cannot work: no other point would do better."""


@dataclass(frozen=True, eq=False)
class Task:
    """A point to evaluate.

    Attributes
    ----------
    id : str
        Hash of everything that the result depends on.
    axes : dict
        Value or label on every axis.
    hw, workload, ann : str
        As the user named them, relative to the working directory; ``ann`` may be None.
    chip : dict
        The resolved hardware description, not checked yet.
    chip_settings : dict
        What the study changed of it, by dotted path.
    workload_overrides : tuple of str
    workload_digest, ann_digest : str
        Of the workload's description and files, and of the ANN's file: a worker must find the same. The latter is None
        without a file.
    plugins : dict of str to str
        Digest of every plug-in by its name: a worker must have imported the same.
    model : str
        Digest of the simulator.
    samples : int or None
        None for all.
    engine : str
    constraints : tuple of str
    bases : dict
        Names of the documents that the resolved chip and workload derive from.
    """

    id: str
    axes: Mapping[str, Any]
    hw: str
    chip: dict[str, Any]
    chip_settings: Mapping[str, Any]
    workload: str
    workload_overrides: tuple[str, ...]
    workload_digest: str
    samples: int | None
    ann: str | None
    ann_digest: str | None
    plugins: Mapping[str, str]
    model: str
    engine: str
    constraints: tuple[str, ...]
    bases: Mapping[str, str]

    def configuration(self) -> dict[str, Any]:
        """Return what, with the documents, gives the whole configuration again."""
        return {
            "hw": self.hw, "chip": self.bases["chip"], "set": dict(self.chip_settings), "workload": self.workload,
            "description": self.bases["workload"], "workload_set": list(self.workload_overrides),
            "workload_digest": self.workload_digest, "samples": self.samples, "ann": self.ann, "engine": self.engine,
            "ann_digest": self.ann_digest, "plugins": dict(self.plugins), "model": self.model,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out of a point.

    Attributes
    ----------
    id : str
    status : {"done", "infeasible", "failed"}
    totals : dict of str to float
        By name; those of the MAC array begin with ``baseline.``. An infeasible point that was not simulated has the
        few that are known before.
    quantities : dict of str to (str, str)
        Unit and definition of every total.
    violations : dict of str to float
        Constraints that do not hold, and by which share of their limit.
    error : str
        Of a failed point.
    seconds, engine_seconds : float
        CPU time of the point, and of the timing engine in it.
    worker : str
    """

    id: str
    status: Status
    totals: Mapping[str, float] = field(default_factory=dict)
    quantities: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    violations: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    engine_seconds: float = 0.0
    worker: str = ""
