"""Integer counters of a run, and the energy table that prices them.

``Counters[(component path, action)]`` is an integer per sample. ``EnergyTable[(component path, action)]`` is a price
in pJ with its source. There is no default price: a counted action without one is an error that lists every missing
pair.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import CostError

Key = tuple[str, str]


@dataclass(eq=False)
class Counters:
    """Counts of actions by component.

    Attributes
    ----------
    samples : int
    counts : dict of (component path, action) to (samples,) int64
    """

    samples: int
    counts: dict[Key, npt.NDArray[np.int64]] = field(default_factory=dict)

    def add(self, component: str, action: str, count: npt.NDArray[Any] | int) -> None:
        """Add ``count`` (a number, or one per sample) to an action."""
        value = np.empty(self.samples, dtype=np.int64)
        value[:] = count
        known = self.counts.get((component, action))
        self.counts[component, action] = value if known is None else known + value

    def total(self, action: str) -> npt.NDArray[np.int64]:
        """Return the sum of an action over all components, (samples,)."""
        total = np.zeros(self.samples, dtype=np.int64)
        for (_, name), count in self.counts.items():
            if name == action:
                total += count
        return total

    def matrix(self, keys: Sequence[Key]) -> npt.NDArray[np.int64]:
        """Return some counts in order, (keys, samples)."""
        return np.array([self.counts[key] for key in keys], dtype=np.int64).reshape(len(keys), self.samples)

    def __getitem__(self, key: Key) -> npt.NDArray[np.int64]:
        return self.counts[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(sorted(self.counts))


@dataclass(frozen=True)
class Price:
    """Energy of one action, with where it comes from.

    Attributes
    ----------
    energy_pj : float
    source : str
    expression : str
        The formula with its numbers filled in, Python arithmetic whose value is the energy; empty where it is a number.
    """

    energy_pj: float
    source: str
    expression: str = ""

    @property
    def formula(self) -> str:
        """The expression, or the number itself."""
        return self.expression or f"{self.energy_pj:.12g}"


@dataclass(frozen=True)
class EnergyTable:
    """Prices by (component path, action)."""

    prices: Mapping[Key, Price]

    def energy(self, counters: Counters) -> dict[Key, npt.NDArray[np.float64]]:
        """Return the energy of every counted action, pJ, (samples,) each.

        Raises
        ------
        CostError
            Listing every counted (component, action) that has no price.
        """
        keys = list(counters)
        missing = [f"{component}.{action}" for component, action in keys if (component, action) not in self.prices]
        if missing:
            raise CostError("no energy for " + ", ".join(missing))
        prices = np.array([self.prices[key].energy_pj for key in keys])
        return dict(zip(keys, counters.matrix(keys).astype(np.float64) * prices[:, None], strict=True))
