"""Cutting populations into slices that fit a core.

A slice is a run of neurons in the order in which the chip's mapping cuts (``order``): whole pixels of a shaped
population, or whole channels, where one fits. ``compact`` uses as few cores as possible, equal slices within a
population; ``spread`` then gives the spare cores, one at a time, to the population whose slices are the largest, so
that layers work in parallel. A population with a stated number of slices (``slices``) has that number.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.hardware.spec import CoreSpec
from accelsim.mapping.demand import Demand, DemandModel, room_of
from accelsim.mapping.shortage import neuron_too_big, population_too_big, stated_too_big, too_few_cores
from accelsim.network.graph import Population
from accelsim.registry import Registry

Partitioner = Callable[[Sequence[Population], DemandModel, CoreSpec, int], list["Slice"]]
"""From populations, their demands on one kind of core, its description and the number of such cores to slices."""

_NEURONS_TRIED = 256
"""Neurons of the worst slice that are tried alone before an error blames the whole population."""

PARTITIONERS: Registry[Partitioner] = Registry("partition", "accelsim.mapping")


@dataclass(frozen=True, eq=False)
class Slice:
    """Ascending neurons (n,) int32 of a population, and what they need."""

    population: str
    neurons: npt.NDArray[np.int32]
    demand: Demand


def slices_at(model: DemandModel, population: Population, bounds: npt.NDArray[np.int64]) -> list[Slice]:
    """Cut a population at positions of the model's order; (parts + 1,) with both ends."""
    sequence = model.sequence(population)
    parts = [np.sort(part) for part in np.split(sequence, bounds[1:-1])]
    demands = model.demands(population.name, parts)
    return [Slice(population.name, part, demand) for part, demand in zip(parts, demands, strict=True)]


def equal_bounds(model: DemandModel, population: Population, parts: int) -> npt.NDArray[np.int64]:
    """Return where ``parts`` slices of nearly equal size begin and end, (parts + 1,)."""
    step = model.granule(population)
    if population.size // step < parts:
        step = 1
    units = population.size // step
    bounds = np.rint(units * np.arange(parts + 1) / parts).astype(np.int64) * step
    bounds[-1] = population.size
    return bounds


def equal_slices(model: DemandModel, population: Population, parts: int) -> list[Slice]:
    """Cut a population into ``parts`` slices of nearly equal size."""
    return slices_at(model, population, equal_bounds(model, population, parts))


def stated_slices(model: DemandModel, population: Population, core: CoreSpec) -> list[Slice]:
    """Cut a population into the stated number of slices: floor(n / number) neurons each, the last takes the rest.

    Raises
    ------
    MappingError
        If one of them does not fit a core.
    """
    parts = model.stated[population.name]
    bounds = np.arange(parts + 1) * (population.size // parts)
    bounds[-1] = population.size
    slices = slices_at(model, population, bounds)
    room = room_of(core)
    worst = max(slices, key=lambda item: _pressure(item.demand, room))
    if worst.demand.excess(room):
        raise MappingError(stated_too_big(population.name, parts, worst.demand, core, model.slots[population.name]))
    return slices


def fewest_slices(model: DemandModel, population: Population, core: CoreSpec, limit: int) -> list[Slice]:
    """Cut a population into the fewest equal slices that each fit a core, or into the stated number.

    Raises
    ------
    MappingError
        If a single neuron does not fit, or more than ``limit`` slices would be needed.
    """
    if population.name in model.stated:
        return stated_slices(model, population, core)
    room = room_of(core)
    everyone = np.arange(population.size, dtype=np.int32)
    total = model.demands(population.name, [everyone])[0]
    fewest = math.ceil(_pressure(total, room))  # slices never need less than the whole does
    worst: Slice | None = None
    failed = False
    for parts in range(max(1, fewest), min(limit, population.size) + 1):
        largest = int(np.diff(equal_bounds(model, population, parts)).max())
        words = model.state_words(population.name, largest)
        if words[0] > room.membrane_words or words[1] > room.accumulator_words:
            continue
        slices = equal_slices(model, population, parts)
        worst = max(slices, key=lambda item: _pressure(item.demand, room))
        if not worst.demand.excess(room):
            return slices
        if not failed:  # often the first neuron says that no number of slices will do
            _check_alone(model, population, core, worst.neurons[:1])
        failed = True
    _check_alone(model, population, core, worst.neurons[:_NEURONS_TRIED] if worst else everyone[:1])
    largest_demand = worst.demand if worst else None
    slots = model.slots[population.name]
    raise MappingError(population_too_big(population.name, total, largest_demand, limit, core, slots))


def _check_alone(model: DemandModel, population: Population, core: CoreSpec, neurons: npt.NDArray[np.int32]) -> None:
    """Refuse a population of which one of some neurons does not fit a core by itself."""
    for neuron in neurons:
        alone = model.demands(population.name, [np.array([neuron], np.int32)])[0]
        if alone.excess(room_of(core)):
            raise MappingError(neuron_too_big(population.name, alone, core, model.slots[population.name]))


def _pressure(demand: Demand, room: Demand) -> float:
    return float(max(getattr(demand, name) / max(getattr(room, name), 1) for name in room.__dataclass_fields__))


@PARTITIONERS.register("compact")
def compact(populations: Sequence[Population], model: DemandModel, core: CoreSpec, cores: int) -> list[Slice]:
    """Return the fewest slices of every population, in topological order."""
    return [item for population in populations for item in fewest_slices(model, population, core, cores)]


@PARTITIONERS.register("spread")
def spread(populations: Sequence[Population], model: DemandModel, core: CoreSpec, cores: int) -> list[Slice]:
    """Return compact slices, the largest populations cut further while cores are spare."""
    room, known = room_of(core), {population.name: population for population in populations}
    parts: dict[str, list[Slice]] = {}
    for item in compact(populations, model, core, cores):
        parts.setdefault(item.population, []).append(item)
    fewest = {name: len(slices) for name, slices in parts.items()}
    most = {
        name: known[name].size // model.granule(known[name])
        for name in parts
        if name not in model.stated
    }
    while True:
        wanted = _shares(known, model, fewest, most, cores)
        for name, count in wanted.items():
            if len(parts[name]) != count:
                parts[name] = equal_slices(model, known[name], count)
            if any(item.demand.excess(room) for item in parts[name]):
                most[name] = count - 1  # a cut that misses the borders of the coarser one: do with fewer slices
                break
        else:
            return [item for slices in parts.values() for item in slices]


def _shares(
    populations: Mapping[str, Population],
    model: DemandModel,
    fewest: dict[str, int],
    most: dict[str, int],
    cores: int,
) -> dict[str, int]:
    """Return slices by population: from ``fewest`` on, one more for the largest slice while cores are spare."""

    def largest(name: str) -> int:
        return int(np.diff(equal_bounds(model, populations[name], count[name])).max())

    count = dict(fewest)
    sizes = {name: largest(name) for name in sorted(most) if count[name] < most[name]}
    for _ in range(cores - sum(count.values())):
        if not sizes:
            break
        name = max(sizes, key=lambda key: sizes[key])
        count[name] += 1
        sizes[name] = largest(name)
        if count[name] >= most[name]:
            del sizes[name]
    return count


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
