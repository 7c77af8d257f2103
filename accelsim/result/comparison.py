"""One workload on several machines: a table with a row per machine, chips and arrays alike."""

from dataclasses import dataclass
from typing import Any, Final

from accelsim.result.table import Table

COLUMNS: Final = (
    "machine",
    "kind",
    "description",
    "node",
    "clock",
    "energy_pj",
    "energy_static_pj",
    "energy_first_pj",
    "latency_ns",
    "energy_delay",
    "accuracy",
    "fairest",
)
"""Columns of :attr:`Comparison.machines`; ``kind`` is ``snn`` (a chip) or ``array``."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found.

    Attributes
    ----------
    workload : str
    samples : int
    machines : Table
        One row per machine, in the order in which the chips were given, each followed by its baselines.
    meta : dict
        Version, and for every chip the command that repeats its run, the hash of its description and its warnings.
    """

    workload: str
    samples: int
    machines: Table
    meta: dict[str, Any]
