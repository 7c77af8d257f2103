"""Cutting populations into slices that fit a core.

A slice is a run of consecutive neurons (whole pixels of a shaped population where one fits). ``compact`` uses as few
cores as possible, equal slices within a population; ``spread`` then gives the spare cores, one at a time, to the
population whose slices are the largest, so that layers work in parallel.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from accelsim.errors import MappingError
from accelsim.hardware.spec import CoreSpec
from accelsim.mapping.demand import Demand, DemandModel, room_of
from accelsim.mapping.shortage import neuron_too_big, population_too_big, too_few_cores
from accelsim.network.graph import Network, Population
from accelsim.registry import Registry

Partitioner = Callable[[Network, DemandModel, CoreSpec, int], list["Slice"]]
_NEURONS_TRIED = 256
"""Neurons of the worst slice that are tried alone before an error blames the whole population."""

PARTITIONERS: Registry[Partitioner] = Registry("partition", "accelsim.mapping")


@dataclass(frozen=True)
class Slice:
    """Neurons ``low .. high - 1`` of a population, and what they need."""

    population: str
    low: int
    high: int
    demand: Demand


def granule(population: Population) -> int:
    """Return the neurons that stay together: the channels of a pixel."""
    return population.shape[-1] if len(population.shape) > 1 else 1


def equal_slices(model: DemandModel, population: Population, parts: int) -> list[Slice]:
    """Cut a population into ``parts`` slices of nearly equal size."""
    step = granule(population)
    if population.size // step < parts:
        step = 1
    units = population.size // step
    bounds = [round(units * at / parts) * step for at in range(parts)] + [population.size]
    return [
        Slice(population.name, low, high, model.demand(population.name, low, high)) for low, high in pairwise(bounds)
    ]


def fewest_slices(model: DemandModel, population: Population, core: CoreSpec, limit: int) -> list[Slice]:
    """Cut a population into the fewest equal slices that each fit a core.

    Raises
    ------
    MappingError
        If a single neuron does not fit, or more than ``limit`` slices would be needed.
    """
    room = room_of(core)
    total = model.demand(population.name, 0, population.size)
    fewest = math.ceil(_pressure(total, room))  # slices never need less than the whole does
    slices: list[Slice] = []
    for parts in range(max(1, fewest), min(limit, population.size) + 1):
        slices = equal_slices(model, population, parts)
        if not any(item.demand.excess(room) for item in slices):
            return slices
    worst = max(slices, key=lambda item: _pressure(item.demand, room), default=None)
    for neuron in range(worst.low, min(worst.high, worst.low + _NEURONS_TRIED)) if worst else (0,):
        alone = model.demand(population.name, neuron, neuron + 1)
        if alone.excess(room):
            raise MappingError(neuron_too_big(population.name, alone, core))
    raise MappingError(population_too_big(population.name, total, limit, core))


def _pressure(demand: Demand, room: Demand) -> float:
    return float(max(getattr(demand, name) / max(getattr(room, name), 1) for name in room.__dataclass_fields__))


@PARTITIONERS.register("compact")
def compact(network: Network, model: DemandModel, core: CoreSpec, cores: int) -> list[Slice]:
    """Return the fewest slices of every population, in topological order."""
    slices: list[Slice] = []
    for population in network.populations.values():
        if population.model is not None:
            slices += fewest_slices(model, population, core, cores)
    return slices


@PARTITIONERS.register("spread")
def spread(network: Network, model: DemandModel, core: CoreSpec, cores: int) -> list[Slice]:
    """Return compact slices, the largest populations cut further while cores are spare."""
    room = room_of(core)
    parts: dict[str, list[Slice]] = {}
    for item in compact(network, model, core, cores):
        parts.setdefault(item.population, []).append(item)
    divisible = set(parts)
    while divisible and sum(map(len, parts.values())) < cores:
        name = max(sorted(divisible), key=lambda key: max(item.high - item.low for item in parts[key]))
        population = network.populations[name]
        if len(parts[name]) >= population.size // granule(population):
            divisible.discard(name)
            continue
        finer = equal_slices(model, population, len(parts[name]) + 1)
        if any(item.demand.excess(room) for item in finer):
            divisible.discard(name)
            continue
        parts[name] = finer
    return [item for slices in parts.values() for item in slices]


def pack(slices: list[Slice], core: CoreSpec, cores: int) -> list[int]:
    """Assign slices to cores, several to one where there are too few: first fit in topological order.

    Returns
    -------
    list of int
        Core of each slice, numbered from 0.

    Raises
    ------
    MappingError
        With the layers, the memory that is short, and how many cores would do.
    """
    room = room_of(core)
    if len(slices) <= cores:
        return list(range(len(slices)))
    loads: list[Demand] = []
    chosen = []
    for item in slices:
        for index, load in enumerate(loads):
            if not (load + item.demand).excess(room):
                loads[index] = load + item.demand
                chosen.append(index)
                break
        else:
            loads.append(item.demand)
            chosen.append(len(loads) - 1)
    if len(loads) > cores:
        raise MappingError(too_few_cores([(item.population, item.demand) for item in slices], len(loads), cores, core))
    return chosen
