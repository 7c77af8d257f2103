"""The energy account of a run: dynamic and static energy by component, summed by kind and by owner, and checked.

The owner of a component is the part of its path before the first dot: ``core[3]`` owns ``core[3].synapse_memory``;
routers, links and ports own themselves. Every sum is compared with an independent recomputation, so energy is neither
lost nor counted twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.counters import Counters, EnergyTable, Key
from accelsim.errors import ConservationError, CostError

_TOLERANCE: Final = 1e-12

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Split:
    """Dynamic and static energy, pJ, (samples,) each."""

    dynamic: Samples
    static: Samples

    @property
    def total(self) -> Samples:
        """Sum of both, (samples,)."""
        return self.dynamic + self.static


@dataclass(frozen=True, eq=False)
class EnergyAccount:
    """Energy of a run, pJ, (samples,) everywhere.

    Attributes
    ----------
    samples : int
    kinds : mapping of component path to kind
    actions : mapping of (component path, action) to dynamic energy
    components : mapping of component path to Split
        Every component, those that did nothing included.
    """

    samples: int
    kinds: Mapping[str, str]
    actions: Mapping[Key, Samples]
    components: Mapping[str, Split]

    def total(self) -> Split:
        """Return the energy of the chip."""
        return self._sum(self.components)

    def by_kind(self) -> dict[str, Split]:
        """Return energy by kind of component, in the order of first appearance."""
        return self._grouped({path: self.kinds[path] for path in self.components})

    def by_owner(self) -> dict[str, Split]:
        """Return energy by core, router, link and port."""
        return self._grouped({path: owner(path) for path in self.components})

    def by_core(self) -> dict[str, Split]:
        """Return energy by core: the owners whose components have dotted paths."""
        dotted = {path: owner(path) for path in self.components if owner(path) != path}
        return self._grouped(dotted)

    def by_action(self) -> dict[Key, Samples]:
        """Return dynamic energy by (kind, action)."""
        groups: dict[Key, Samples] = {}
        for (path, action), energy in self.actions.items():
            key = (self.kinds[path], action)
            groups[key] = groups.get(key, np.zeros(self.samples)) + energy
        return groups

    def _grouped(self, group_of: Mapping[str, str]) -> dict[str, Split]:
        members: dict[str, list[str]] = {}
        for path, group in group_of.items():
            members.setdefault(group, []).append(path)
        return {group: self._sum(paths) for group, paths in members.items()}

    def _sum(self, paths: Iterable[str]) -> Split:
        dynamic, static = np.zeros(self.samples), np.zeros(self.samples)
        for path in paths:
            dynamic += self.components[path].dynamic
            static += self.components[path].static
        return Split(dynamic, static)


def owner(path: str) -> str:
    """Return the part of a component path before the first dot."""
    return path.partition(".")[0]


def account(
    counters: Counters, table: EnergyTable, components: Mapping[str, str], static: Mapping[str, Samples]
) -> EnergyAccount:
    """Combine counts, prices and static energy, and check the result.

    Parameters
    ----------
    counters : Counters
    table : EnergyTable
    components : mapping of component path to kind
        Every component of the chip.
    static : mapping of component path to (samples,) float64
        Static energy, pJ.

    Raises
    ------
    CostError
        If a count or a static energy belongs to no component, or a counted action has no price.
    ConservationError
        As :func:`check`.
    """
    strange = sorted(({path for path, _ in counters} | set(static)) - set(components))
    if strange:
        raise CostError(f"energy of unknown components: {', '.join(strange)}")
    actions = table.energy(counters)
    dynamic = {path: np.zeros(counters.samples) for path in components}
    for (path, _), energy in actions.items():
        dynamic[path] = dynamic[path] + energy
    splits = {path: Split(dynamic[path], static.get(path, np.zeros(counters.samples))) for path in components}
    result = EnergyAccount(counters.samples, components, actions, splits)
    check(result, counters, table, static)
    return result


def check(account: EnergyAccount, counters: Counters, table: EnergyTable, static: Mapping[str, Samples]) -> None:
    """Recompute all energy from counts and prices and compare it with every view of the account.

    The recomputation is one product of the integer counts with the prices, in extended precision where the platform
    has it.

    Raises
    ------
    ConservationError
        If a count is negative or a view differs by more than 1e-12 of its value.
    """
    keys = list(counters)
    counts = np.array([counters[key] for key in keys], dtype=np.int64).reshape(len(keys), counters.samples)
    if (counts < 0).any():
        raise ConservationError(f"negative count of {'.'.join(keys[int(np.argwhere(counts < 0)[0, 0])])}")
    prices = np.array([table.prices[key].energy_pj for key in keys], dtype=np.longdouble)
    expected_dynamic = (prices[:, None] * counts.astype(np.longdouble)).sum(axis=0)
    leaked = np.array([static[path] for path in sorted(static)], dtype=np.longdouble)
    expected_static = leaked.reshape(len(static), counters.samples).sum(axis=0)
    by_action = np.array(list(account.by_action().values())).reshape(-1, counters.samples).sum(axis=0)
    _compare("by action", by_action, expected_dynamic)
    views = {"total": [account.total()], "by kind": account.by_kind().values(), "by owner": account.by_owner().values()}
    for name, splits in views.items():
        zero = np.zeros(counters.samples)
        _compare(f"{name}, dynamic", sum((split.dynamic for split in splits), zero), expected_dynamic)
        _compare(f"{name}, static", sum((split.static for split in splits), zero), expected_static)


def _compare(view: str, found: Samples, expected: npt.NDArray[np.longdouble]) -> None:
    close = np.abs(found - expected) <= _TOLERANCE * np.abs(expected)
    if not close.all():
        at = int(np.argmin(close))
        raise ConservationError(f"energy {view}, sample {at}: {found[at]} pJ, but recomputed it is {expected[at]} pJ")
