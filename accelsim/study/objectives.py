"""Objectives: totals of a run, each with the direction that is better by nature."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accelsim.errors import ConfigError, UnknownNameError
from accelsim.result.pareto import Direction

SHORT: Final = {
    "energy": "energy_per_inference",
    "edp": "energy_delay",
}
"""Short names of totals."""
BASELINE: Final = "baseline."
"""Prefix of the totals of the MAC array."""
_MORE_IS_BETTER: Final = frozenset({"accuracy", "accuracy_low", "accuracy_high", "utilisation"})


@dataclass(frozen=True)
class Objective:
    """A total, and whether less or more of it is better."""

    name: str
    direction: Direction


def full_name(name: str) -> str:
    """Return the name of a total; short names are spelled out."""
    return SHORT.get(name, name)


def make_objective(text: str, direction: Direction | None = None) -> Objective:
    """Return the objective that ``energy``, ``latency`` or ``spikes:max`` means.

    Raises
    ------
    ConfigError
        If the direction is neither min nor max.
    """
    name, colon, stated = text.strip().partition(":")
    if colon and stated not in {"min", "max"}:
        raise ConfigError(f"objective {text!r}: expected NAME, NAME:min or NAME:max")
    name = full_name(name)
    nature: Direction = "max" if name.removeprefix(BASELINE) in _MORE_IS_BETTER else "min"
    return Objective(name, direction or (stated if colon else nature))  # type: ignore[arg-type]


def require_known(objectives: Iterable[Objective], known: Iterable[str]) -> None:
    """Refuse an objective that is no total.

    Raises
    ------
    UnknownNameError
        With the totals that there are.
    """
    names = list(known)
    for objective in objectives:
        if objective.name not in names:
            raise UnknownNameError("total", objective.name, [*SHORT, *names])
