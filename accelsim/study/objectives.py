"""Objectives: totals of a run, each with the direction that is better by nature."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from accelsim.errors import ConfigError, UnknownNameError
from accelsim.result.pareto import Direction
from accelsim.units import UnitError, parse_any

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


def parse_reference(texts: Sequence[str]) -> dict[str, float]:
    """Return the corner that ``energy=1 uJ`` and the like describe: values in canonical units by total.

    Raises
    ------
    ConfigError
        If a text is not ``NAME=VALUE``.
    """
    found = {}
    for text in texts:
        name, equals, written = text.partition("=")
        try:
            value = float(written)
        except ValueError:
            try:
                value = parse_any(written.strip())[0]
            except UnitError as error:
                raise ConfigError(f"--reference {text}: {error}") from None
        if not equals or not name:
            raise ConfigError(f"--reference {text}: expected NAME=VALUE")
        found[full_name(name.strip())] = value
    return found
