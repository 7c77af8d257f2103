"""The energy account of a run: dynamic and static energy by component, summed by kind and by owner, and checked.

The owner of a component is the part of its path before the first dot: ``core[3]`` owns ``core[3].synapse_memory``;
routers, links and ports own themselves. Every sum is compared with an independent recomputation, so energy is neither
lost nor counted twice.
"""

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.counters import Counters, EnergyTable, Key
from accelsim.errors import ConservationError, CostError

_TOLERANCE: Final = 1e-12
_ALL: Final = slice(None)

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
        Every component, those that did nothing included.
    actions : mapping of (component path, action) to dynamic energy
    dynamic, static : (components, samples) float64
        In the order of ``kinds``.
    """

    samples: int
    kinds: Mapping[str, str]
    actions: Mapping[Key, Samples]
    dynamic: Samples
    static: Samples

    @functools.cached_property
    def components(self) -> dict[str, Split]:
        """Energy by component path."""
        return {path: Split(*both) for path, *both in zip(self.kinds, self.dynamic, self.static, strict=True)}

    def total(self) -> Split:
        """Return the energy of the chip."""
        return self._grouped([""] * len(self.kinds)).get("", Split(*np.zeros((2, self.samples))))

    def by_kind(self) -> dict[str, Split]:
        """Return energy by kind of component, in the order of first appearance."""
        return self._grouped(list(self.kinds.values()))

    def by_owner(self) -> dict[str, Split]:
        """Return energy by core, router, link and port."""
        return self._grouped([owner(path) for path in self.kinds])

    def by_core(self) -> dict[str, Split]:
        """Return energy by core: the owners whose components have dotted paths."""
        dotted = [at for at, path in enumerate(self.kinds) if owner(path) != path]
        return self._grouped([owner(path) for path in self.kinds if owner(path) != path], dotted)

    def by_action(self) -> dict[Key, Samples]:
        """Return dynamic energy by (kind, action)."""
        groups = [(self.kinds[path], action) for path, action in self.actions]
        energy = np.array(list(self.actions.values())).reshape(len(groups), self.samples)
        return dict(zip(dict.fromkeys(groups), _sums(groups, energy), strict=True))

    def _grouped(self, groups: Sequence[str], rows: slice | list[int] = _ALL) -> dict[str, Split]:
        sums = zip(_sums(groups, self.dynamic[rows]), _sums(groups, self.static[rows]), strict=True)
        return {name: Split(*both) for name, both in zip(dict.fromkeys(groups), sums, strict=True)}


def _sums(groups: Sequence[Hashable], rows: Samples) -> Samples:
    """Return the sum of the rows of every group, one after the other, groups in the order of first appearance."""
    number = {name: at for at, name in enumerate(dict.fromkeys(groups))}
    total = np.zeros((len(number), rows.shape[1]))
    np.add.at(total, [number[name] for name in groups], rows)
    return total


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
    place = {path: at for at, path in enumerate(components)}
    dynamic, leaked = np.zeros((2, len(components), counters.samples))
    if actions:
        np.add.at(dynamic, [place[path] for path, _ in actions], np.array(list(actions.values())))
    for path, energy in static.items():
        leaked[place[path]] = energy
    result = EnergyAccount(counters.samples, components, actions, dynamic, leaked)
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
    counts = counters.matrix(keys)
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
