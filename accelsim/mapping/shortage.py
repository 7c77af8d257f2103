"""Saying that a network does not fit: which layer, which memory, how much is missing, and what would fit it."""

from collections.abc import Sequence

from accelsim.hardware.spec import CoreSpec
from accelsim.mapping.demand import Demand, room_of

_PLACES = {
    "membrane_words": "core.membrane.memory",
    "accumulator_words": "core.accumulator.memory",
    "axons": "core.axon_memory",
    "synapse_words": "core.synapse_memory",
}
_KIB = 8 * 1024
_SERIAL = "; a chip with layer_serial runs it group by group, weights from DRAM"


def _entry_bits(name: str, core: CoreSpec) -> int:
    return {
        "membrane_words": core.membrane.memory.width,
        "accumulator_words": core.accumulator.memory.width,
        "axons": core.axon_memory.entry_bits,
        "synapse_words": core.synapse_memory.width,
    }[name]


def _amount(name: str, count: int, core: CoreSpec) -> str:
    bits = count * _entry_bits(name, core)
    return f"{count} {'entries' if name == 'axons' else 'words'} ({bits / _KIB:.4g} KiB)"


def _scarcest(demand: Demand, room: Demand) -> str:
    return max(_PLACES, key=lambda name: getattr(demand, name) / max(getattr(room, name), 1))


def _place(name: str, slots: int) -> str:
    """Return the memory's place in the hardware file; of accumulators, how many a neuron has."""
    if name != "accumulator_words":
        return _PLACES[name]
    return f"{_PLACES[name]} ({slots} slots, as spikes wait up to {slots - 1} step{'s' * (slots > 2)})"


def neuron_too_big(population: str, alone: Demand, core: CoreSpec, slots: int) -> str:
    """Say that a single neuron exceeds a core."""
    room = room_of(core)
    lines = [f"population {population}: a single neuron does not fit a core"]
    for name, over in alone.excess(room).items():
        need, have = getattr(alone, name), getattr(room, name)
        lines.append(
            f"  {_place(name, slots)}: needs {_amount(name, need, core)}, has {_amount(name, have, core)}, "
            f"{_amount(name, over, core)} missing"
        )
    return "\n".join(lines)


def population_too_big(
    population: str, total: Demand, worst: Demand | None, cores: int, core: CoreSpec, slots: int
) -> str:
    """Say that a population fits no number of slices: ``worst`` is the largest of as many as there are cores."""
    room = room_of(core)
    scarce = worst if worst is not None and not _exceeds(total, room, cores) else total
    name = _scarcest(scarce, room)
    need, each = getattr(scarce, name), getattr(room, name)
    if scarce is worst:
        return (
            f"population {population} does not fit {cores} cores: {_place(name, slots)}: the largest slice still needs "
            f"{_amount(name, need, core)}, a core has {_amount(name, each, core)}, {_amount(name, need - each, core)} "
            "missing (every slice holds what all its neurons share, such as a kernel)"
        )
    return (
        f"population {population} does not fit {cores} cores: {_place(name, slots)} would have to hold "
        f"{_amount(name, need, core)}, all cores together hold {_amount(name, each * cores, core)}, "
        f"{_amount(name, max(need - each * cores, 0), core)} missing (and slices of a population hold some entries "
        f"twice). It would fit about {-(-need // max(each, 1)) + 1} cores like these, or {cores} cores with "
        f"{_amount(name, -(-need // cores), core)} each{_SERIAL}"
    )


def _exceeds(total: Demand, room: Demand, cores: int) -> bool:
    return any(getattr(total, name) > cores * getattr(room, name) for name in _PLACES)


def too_few_cores(slices: Sequence[tuple[str, Demand]], needed: int, cores: int, core: CoreSpec) -> str:
    """Say that all populations together need more cores than there are."""
    room, total = room_of(core), sum((demand for _, demand in slices), Demand(0, 0, 0, 0))
    name = _scarcest(total, room)
    by_layer: dict[str, int] = {}
    for population, demand in slices:
        by_layer[population] = by_layer.get(population, 0) + getattr(demand, name)
    biggest = max(by_layer, key=lambda layer: by_layer[layer])
    need, each = getattr(total, name), getattr(room, name)
    return (
        f"the network needs {needed} cores, the chip has {cores}: {_PLACES[name]} is the scarcest, "
        f"{_amount(name, need, core)} needed, {_amount(name, each * cores, core)} present, "
        f"{_amount(name, max(need - each * cores, 0), core)} missing; population {biggest} takes "
        f"{_amount(name, by_layer[biggest], core)} of it. It would fit {needed} cores like these, or {cores} cores "
        f"with about {_amount(name, -(-need * 5 // (4 * cores)), core)} each (weight format "
        f"{core.weight_format}){_SERIAL}"
    )


def stated_too_big(population: str, parts: int, demand: Demand, core: CoreSpec, slots: int) -> str:
    """Say that a stated number of slices is too small."""
    room = room_of(core)
    name = _scarcest(demand, room)
    need, have = getattr(demand, name), getattr(room, name)
    return (
        f"mapping.slices.{population}: one of {parts} slices does not fit a core: {_place(name, slots)}: needs "
        f"{_amount(name, need, core)}, has {_amount(name, have, core)}, {_amount(name, need - have, core)} missing; "
        "state more slices"
    )
