"""Which kind of core each population lives on.

A population may live on a kind whose cores can multiply, where values reach it, and hold its neurons. Among the
assignments whose slices fit, the one is taken whose scarcest kind is used least, in slices per core; of equal ones
that with the smaller sum of shares. Few combinations are all tried; of many, populations choose one after the other,
the one that takes the largest share first. A population is not cut over several kinds.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

from accelsim.errors import MappingError
from accelsim.hardware.cores import Cores
from accelsim.mapping.demand import DemandModel
from accelsim.mapping.partition import Slice, fewest_slices, pack
from accelsim.network.graph import Network, Population

_ALL = 1024
"""Combinations of populations and kinds that are all tried."""

Fits = dict[str, dict[str, list[Slice]]]
"""The fewest slices by population and kind of core."""


def assign(
    network: Network, cores: Cores, models: Mapping[str, DemandModel], multiplies: frozenset[str]
) -> dict[str, list[Population]]:
    """Return the populations of every kind of core, in the network's order.

    Parameters
    ----------
    network, cores
    models : mapping of str to DemandModel
        By kind of core.
    multiplies : frozenset of str
        Populations that values reach: their cores need ``mac_lanes``.

    Raises
    ------
    MappingError
        If a population fits no kind of core, or all of them together do not fit.
    """
    populations = [item for item in network.populations.values() if item.model is not None]
    kinds = [name for name in cores.kinds if len(cores.numbers(name))]
    if len(kinds) == 1:
        return {kinds[0]: populations}
    fits = {item.name: _fits(item, cores, models, kinds, item.name in multiplies) for item in populations}
    options = [list(fits[item.name]) for item in populations]
    few = math.prod(len(item) for item in options) <= _ALL
    every = itertools.product(*options)
    chosen = min(every, key=lambda kinds: _cost(kinds, fits, cores)) if few else _in_turn(fits, cores)
    if _cost(chosen, fits, cores)[0]:
        _refuse(chosen, fits, cores)
    by_kind: dict[str, list[Population]] = {name: [] for name in kinds}
    for population, name in zip(populations, chosen, strict=True):
        by_kind[name].append(population)
    return by_kind


def _fits(
    population: Population, cores: Cores, models: Mapping[str, DemandModel], kinds: Sequence[str], multiplies: bool
) -> dict[str, list[Slice]]:
    found: dict[str, list[Slice]] = {}
    wrong = []
    for name in kinds:
        if multiplies and cores.kinds[name].mac_lanes == 0:
            wrong.append(f"  {name}: has no mac_lanes, and the population receives values")
            continue
        try:
            limit = len(cores.numbers(name))
            found[name] = fewest_slices(models[name], population, cores.kinds[name], limit)
        except MappingError as error:
            wrong.append(f"  {name}: {error}")
    if not found:
        raise MappingError(f"population {population.name} fits no kind of core\n" + "\n".join(wrong))
    return found


def _cost(chosen: Sequence[str], fits: Fits, cores: Cores) -> tuple[bool, float, float]:
    """Return whether it does not fit, the most slices per core of a kind, and the sum over kinds."""
    shares, wrong = [], False
    for name in set(chosen):
        slices = _slices(name, chosen, fits)
        here = len(cores.numbers(name))
        shares.append(len(slices) / here)
        try:
            pack(slices, cores.kinds[name], here)
        except MappingError:
            wrong = True
    return wrong, max(shares, default=0.0), sum(shares)


def _slices(name: str, chosen: Sequence[str], fits: Fits) -> list[Slice]:
    return [item for own, kind in zip(fits.values(), chosen, strict=True) if kind == name for item in own[name]]


def _in_turn(fits: Fits, cores: Cores) -> tuple[str, ...]:
    number = {kind: len(cores.numbers(kind)) for kind in cores.kinds}
    share = {name: {kind: len(own) / number[kind] for kind, own in fit.items()} for name, fit in fits.items()}
    used = dict.fromkeys(cores.kinds, 0.0)
    chosen = {}
    for name in sorted(fits, key=lambda name: -min(share[name].values())):
        kind = min(share[name], key=lambda kind: used[kind] + share[name][kind])
        used[kind] += share[name][kind]
        chosen[name] = kind
    return tuple(chosen[name] for name in fits)


def _refuse(chosen: Sequence[str], fits: Fits, cores: Cores) -> None:
    """Raise the error of the kind that is short, with its name."""
    for name in dict.fromkeys(chosen):
        try:
            pack(_slices(name, chosen, fits), cores.kinds[name], len(cores.numbers(name)))
        except MappingError as error:
            layers = [layer for layer, kind in zip(fits, chosen, strict=True) if kind == name]
            raise MappingError(f"cores of kind {name}, for {', '.join(layers)}: {error}") from None
