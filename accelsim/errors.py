"""Errors that a user can cause, each with a message that says where, what was got and what was expected.

Every error derives from :class:`AccelsimError`; the command line turns one into exit code 2 without a traceback.
Anything else that escapes is a defect of accelsim.
"""

import difflib
from collections.abc import Iterable, Sequence


class AccelsimError(Exception):
    """Base of all errors caused by an input, a configuration or the environment."""


class ConfigError(AccelsimError):
    """A configuration file is wrong; lists every problem of the file at once.

    Parameters
    ----------
    problems : sequence of str
        One line each, ``file:line: dotted.path: expected ..., got ...``.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class UnknownNameError(ConfigError):
    """A name is not registered; the message lists the known ones and the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = sorted(known)
        near = difflib.get_close_matches(name, choices, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        super().__init__(f"unknown {kind} {name!r}{hint} Known: {', '.join(choices) or '(none)'}")
        self.kind, self.name, self.known = kind, name, choices


class NetworkError(AccelsimError):
    """A network file cannot be represented, or a network is inconsistent."""


class EventError(AccelsimError):
    """Input events or labels are malformed or out of range."""


class WorkloadError(AccelsimError):
    """A workload folder is incomplete or inconsistent."""


class MappingError(AccelsimError):
    """A network does not fit on a chip, or uses a feature that the chip does not have."""


class CostError(AccelsimError):
    """An energy, area or leakage figure is missing or would need extrapolation."""


class TrainingError(AccelsimError):
    """A recipe, a data set or a training run is wrong or incomplete."""


class OutputError(AccelsimError):
    """Results cannot be written."""


class SimulationError(AccelsimError):
    """The machine model reached a state that it must never reach."""


class DeadlockError(SimulationError):
    """A hardware step cannot end; the message names the cycle of waiting channels."""


class ConservationError(SimulationError):
    """Packets or operations were lost or made: a defect, never a property of a workload."""
