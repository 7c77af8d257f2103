"""What a result must satisfy to count: tried where its totals are known, before the timing or after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accelsim.hardware.schema import PE_ARRAY
from accelsim.study.catalog import unit_of_total
from accelsim.study.dimensions import Dimension, dimension_of
from accelsim.study.expressions import Comparison, Value
from accelsim.study.objectives import full_name
from accelsim.study.task import DONE, EARLY, FAILED, INFEASIBLE, Status, StudyError, Task


def dimension_of_total(name: str) -> Dimension:
    """Return the dimension of a total.

    Raises
    ------
    UnknownNameError
        If there is no such total.
    """
    return dimension_of(unit_of_total(name))


def violations(constraints: Sequence[Comparison], totals: Mapping[str, float]) -> dict[str, float]:
    """Return constraints that do not hold, and by which share of the limit; those of totals to come are left out."""

    def lookup(name: str) -> Value:
        return Value(totals[full_name(name)], dimension_of_total(name))

    known = [item for item in constraints if all(full_name(name) in totals for name in item.names)]
    excess = {item.text: item.excess(lookup) for item in known}
    return {text: value for text, value in excess.items() if value > 0}


def require_totals(constraints: Sequence[Comparison], totals: Mapping[str, float], task: Task) -> None:
    """Refuse constraints on totals that the whole result of a point does not have.

    Raises
    ------
    StudyError
        With the constraint and the point.
    """
    for item in constraints:
        for name in item.names:
            if full_name(name) not in totals:
                machine = "a layer-serial array" if task.chip.get("machine") == PE_ARRAY else "a mesh of cores"
                point = f"point {task.id[:10]} (hw {task.hw}, {machine}, workload {task.workload})"
                raise StudyError(f"constraints: {item.text!r}: expected totals that every point has, but {point} has "
                                 f"no {name}. It has: {', '.join(totals)}")  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Judges committed points by the constraints of today.

    Attributes
    ----------
    constraints : tuple of Comparison
    retry_failed : bool
        Whether points that failed are to be evaluated again.
    """

    constraints: tuple[Comparison, ...] = ()
    retry_failed: bool = False

    def __call__(
        self, status: Status, totals: Mapping[str, float], task: Task
    ) -> tuple[Status, dict[str, float]] | None:
        """Return status and violations of a committed point; None where it must be evaluated again.

        That is a point that was refused before it was timed and would not be any more.

        Raises
        ------
        StudyError
            If the point was timed and lacks a total of a constraint.
        """
        if status == FAILED:
            return None if self.retry_failed else (FAILED, {})
        early = totals.keys() <= EARLY
        if not early:
            require_totals(self.constraints, totals, task)
        broken = violations(self.constraints, totals)
        if not broken and early:
            return None
        return (INFEASIBLE if broken else DONE), broken
