"""What a result must satisfy to count: tried where its totals are known, before the timing or after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accelsim.study.expressions import Comparison
from accelsim.study.objectives import full_name
from accelsim.study.task import DONE, EARLY, FAILED, INFEASIBLE, Status


def violations(constraints: Sequence[Comparison], totals: Mapping[str, float]) -> dict[str, float]:
    """Return constraints that do not hold, and by which share of the limit; those of unknown totals are left out."""
    known = [item for item in constraints if all(full_name(name) in totals for name in item.names)]
    excess = {item.text: item.excess(lambda name: totals[full_name(name)]) for item in known}
    return {text: value for text, value in excess.items() if value > 0}


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

    def __call__(self, status: Status, totals: Mapping[str, float]) -> tuple[Status, dict[str, float]] | None:
        """Return status and violations of a committed point; None where it must be evaluated again.

        That is a point that was refused before it was timed and would not be any more.
        """
        if status == FAILED:
            return None if self.retry_failed else (FAILED, {})
        broken = violations(self.constraints, totals)
        if not broken and totals.keys() <= EARLY:
            return None
        return (INFEASIBLE if broken else DONE), broken
