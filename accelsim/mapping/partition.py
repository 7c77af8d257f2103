"""Cutting populations into slices that fit a core.

A slice is a run of consecutive neurons (whole pixels of a shaped population where one fits). ``compact`` uses as few cores as
possible, equal slices within a population; ``spread`` then gives the spare cores, one at a time, to the population whose
slices are the largest, so that layers work in parallel.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.errors import MappingError
from accelsim.hardware.spec import CoreSpec
from accelsim.mapping.demand import Demand, DemandModel
from accelsim.network.graph import Network, Population
from accelsim.registry import Registry

Partitioner = Callable[[Network, DemandModel, Demand, int], list["Slice"]]
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
    pairs = zip(bounds[:-1], bounds[1:], strict=True)
    return [Slice(population.name, low, high, model.demand(population.name, low, high)) for low, high in pairs]


def fewest_slices(model: DemandModel, population: Population, room: Demand, limit: int) -> list[Slice]:
    """Cut a population into the fewest equal slices that each fit ``room``.

    Raises
    ------
    MappingError
        If a single neuron does not fit, or more than ``limit`` slices would be needed.
    """
    alone = model.demand(population.name, 0, 1)
    if alone.excess(room):
        raise MappingError(_too_big(population, alone, room))
    parts = 1
    while True:
        slices = equal_slices(model, population, parts)
        worst = max(_pressure(item.demand, room) for item in slices)
        if worst <= 1:
            return slices
        if parts >= limit:
            total = model.demand(population.name, 0, population.size)
            raise MappingError(_too_many(population, total, room, limit))
        parts = min(limit, max(parts + 1, int(parts * min(worst, 2.0))))


def _pressure(demand: Demand, room: Demand) -> float:
    return max(getattr(demand, name) / max(getattr(room, name), 1) for name in room.__dataclass_fields__)


@PARTITIONERS.register("compact")
def compact(network: Network, model: DemandModel, room: Demand, cores: int) -> list[Slice]:
    """Return the fewest slices of every population, in topological order."""
    slices: list[Slice] = []
    for population in network.populations.values():
        if population.model is not None:
            slices += fewest_slices(model, population, room, cores)
    return slices


@PARTITIONERS.register("spread")
def spread(network: Network, model: DemandModel, room: Demand, cores: int) -> list[Slice]:
    """Return compact slices, the largest populations cut further while cores are spare."""
    parts: dict[str, list[Slice]] = {}
    for item in compact(network, model, room, cores):
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


_MEMORIES = {
    "membrane_words": ("core.membrane.memory", "words"),
    "accumulator_words": ("core.accumulator.memory (each of its two halves)", "words"),
    "axons": ("core.axon_memory", "entries"),
    "synapse_words": ("core.synapse_memory", "words"),
}


def _too_big(population: Population, alone: Demand, room: Demand) -> str:
    lines = [f"population {population.name}: one neuron does not fit a core"]
    for name, over in alone.excess(room).items():
        memory, unit = _MEMORIES[name]
        lines.append(
            f"  {memory}: needs {getattr(alone, name)} {unit}, has {getattr(room, name)}, {over} missing; enlarge it to at least "
            f"{getattr(alone, name)} {unit}"
        )
    return "\n".join(lines)


def _too_many(population: Population, total: Demand, room: Demand, limit: int) -> str:
    name = max(_MEMORIES, key=lambda key: getattr(total, key) / max(getattr(room, key), 1))
    memory, unit = _MEMORIES[name]
    need, have = getattr(total, name), getattr(room, name) * limit
    return (
        f"population {population.name} does not fit the chip: {memory} would have to hold {need} {unit}, all {limit} cores "
        f"together hold {have}: {need - have if need > have else 0} missing, and slices need some words twice. "
        f"About {-(-need // max(getattr(room, name), 1)) + 1} cores of this kind, or {-(-need // limit)} {unit} per core, would fit it"
    )


def pack(slices: list[Slice], room: Demand, cores: int, core: CoreSpec) -> list[int]:
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
        total = slices[0].demand
        for item in slices[1:]:
            total = total + item.demand
        name = max(_MEMORIES, key=lambda key: getattr(total, key) / max(getattr(room, key), 1))
        memory, unit = _MEMORIES[name]
        by_layer: dict[str, int] = {}
        for item in slices:
            by_layer[item.population] = by_layer.get(item.population, 0) + getattr(item.demand, name)
        biggest = max(by_layer, key=lambda key: by_layer[key])
        need, have = getattr(total, name), getattr(room, name) * cores
        raise MappingError(
            f"the network needs {len(loads)} cores and the chip has {cores}. Most wanted: {memory}, {need} {unit} needed, {have} "
            f"present, {max(need - have, 0)} missing; population {biggest} alone needs {by_layer[biggest]}. It would fit "
            f"{len(loads)} cores like these, or {cores} cores with about {-(-need * 5 // (4 * cores))} {unit} each "
            f"(now {getattr(room, name)}; weight format {core.weight_format})"
        )
    return chosen
