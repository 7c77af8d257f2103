"""Does a workload fit a chip? Capacities and mapping alone: nothing is executed, no cycle is simulated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.errors import MappingError
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES
from accelsim.mapping.demand import Demand, DemandModel, room_of
from accelsim.mapping.mapping import Mapping, map_network
from accelsim.mapping.partition import equal_slices
from accelsim.network.workload import Workload, load_workload
from accelsim.result.fit import Fit
from accelsim.result.table import Table, table

MEMORIES: Final = {
    "synapse_words": "core.synapse_memory",
    "axons": "core.axon_memory",
    "membrane_words": "core.membrane.memory",
    "accumulator_words": "core.accumulator.memory",
}
"""Fields of a demand by the place of their memory in the hardware file."""

_ROUTING: Final = "core.routing_memory"


def check(
    hw: str | Path,
    workload: str | Path,
    *,
    overrides: Sequence[str] = (),
    workload_overrides: Sequence[str] = (),
) -> Fit:
    """Hold a workload against the memories of a chip.

    Parameters
    ----------
    hw, workload, overrides, workload_overrides
        As :func:`accelsim.pipeline.flow.run`.

    Raises
    ------
    AccelsimError
        If chip or workload are wrong in themselves; what does not fit is ``Fit.problem``.
    """
    chip = load_chip(hw, overrides).spec
    load = load_workload(workload, 1, workload_overrides, without_input=True)
    mapping: Mapping | None = None
    problem = ""
    try:
        mapping = map_network(load.network, chip, load.events.kind, load.events.value_bits)
    except MappingError as error:
        problem = str(error)
    topology = TOPOLOGIES.get(chip.noc.topology)(chip.noc.size)
    cores = topology.cores(chip.noc.concentration)
    model: DemandModel | None = None
    try:
        weights = WEIGHT_FORMATS.get(chip.core.weight_format)()
        model = DemandModel(load.network, chip.core, weights, load.events.kind, chip.mapping, chip.schedule, chip.lead)
    except MappingError as error:
        problem = problem or str(error)
    needs = {} if model is None else _needs(model, load)
    overflow = _overflow(chip, model, load, cores) if problem and model is not None else ""
    meta: dict[str, Any] = {
        "chip": chip.name,
        "workload": load.name,
        "cores": cores,
        "cores_used": None if mapping is None else len(mapping.used_cores),
        "weight_format": chip.core.weight_format,
        "schedule": chip.schedule,
        "partition": chip.mapping.partition,
    }
    return Fit(
        meta=meta,
        problem=problem,
        overflow=overflow,
        memories=_memories(chip, needs, cores, mapping),
        layers=_layers(chip, load, needs, mapping),
        cores=None if mapping is None else _cores(chip, mapping),
    )


def _needs(model: DemandModel, load: Workload) -> dict[str, Demand]:
    """Return what every population needs as a whole, as if on one core."""
    return {
        name: model.demands(name, [np.arange(item.size, dtype=np.int32)])[0]
        for name, item in load.network.populations.items()
        if item.model is not None
    }


def _overflow(chip: ChipSpec, model: DemandModel, load: Workload, cores: int) -> str:
    """Return the memory that the first layer that fits no number of slices lacks, or the scarcest of all together."""
    room, bits = room_of(chip.core), _bits(chip)
    total = Demand(0, 0, 0, 0)
    for name, population in load.network.populations.items():
        if population.model is None:
            continue
        parts = model.stated.get(name, min(cores, population.size))
        slices = equal_slices(model, population, parts)
        total = sum((item.demand for item in slices), total)
        for field, place in MEMORIES.items():
            need, have = max(getattr(item.demand, field) for item in slices), getattr(room, field)
            if need > have:
                return (
                    f"{place}: layer {name} cut into {parts} slices needs {_kib(need * bits[field])} in one core, a "
                    f"core has {_kib(have * bits[field])}, {_kib((need - have) * bits[field])} missing"
                )
    field = max(MEMORIES, key=lambda key: getattr(total, key) / max(1, getattr(room, key)))
    need, have = getattr(total, field) * bits[field], getattr(room, field) * bits[field] * cores
    if need > have:
        return f"{MEMORIES[field]}: all layers together need {_kib(need)}, {cores} cores have {_kib(have)}"
    return ""


def _kib(size: int) -> str:
    return f"{size / 8192:.4g} KiB"


def _bits(chip: ChipSpec) -> dict[str, int]:
    core = chip.core
    return {
        "synapse_words": core.synapse_memory.width,
        "axons": core.axon_memory.entry_bits,
        "membrane_words": core.membrane.memory.width,
        "accumulator_words": core.accumulator.memory.width,
    }


def _memories(chip: ChipSpec, needs: dict[str, Demand], cores: int, mapping: Mapping | None) -> Table:
    room, bits = room_of(chip.core), _bits(chip)
    total = sum(needs.values(), Demand(0, 0, 0, 0))
    names = list(MEMORIES)
    each = [getattr(room, name) for name in names]
    need = [getattr(total, name) for name in names]
    width = [bits[name] for name in names]
    filled = [float("nan")] * len(names)
    routing = chip.core.routing_memory
    entries, used = routing.memory.capacity // routing.entry_bits, 0
    if mapping is not None:
        filled = [max(getattr(held, name) for held in mapping.occupation.values()) / max(1, size)
                  for name, size in zip(names, each, strict=True)]  # fmt: skip
        on_cores = mapping.routing_entries[: mapping.cores]
        used = int(on_cores.sum())
        filled.append(float(on_cores.max(initial=0)) / max(1, entries))
    else:
        filled.append(float("nan"))
    return table(
        "memories",
        ("memory", "", "Place in the hardware file", [*MEMORIES.values(), _ROUTING]),
        ("bits", "bit", "Width of a word or entry", [*width, routing.entry_bits]),
        ("core_entries", "", "Words or entries of one core", [*each, entries]),
        ("chip_entries", "", "Of all cores", [size * cores for size in (*each, entries)]),
        ("need_entries", "", "Of the network (routing: known once mapped), slices that hold entries twice left out",
         [*need, used]),
        ("fullest", "", "Filled fraction of the fullest core, NaN where nothing is mapped", filled),
    )  # fmt: skip


def _layers(chip: ChipSpec, load: Workload, needs: dict[str, Demand], mapping: Mapping | None) -> Table:
    names, bits = list(needs), _bits(chip)
    held = {
        name: len({part.terminal for part in mapping.parts if part.population == name}) if mapping else -1
        for name in names
    }
    columns = [
        (f"{field}_bits", "bit", f"Need of {place}, all slices on one core",
         [getattr(needs[name], field) * bits[field] for name in names])
        for field, place in MEMORIES.items()
    ]  # fmt: skip
    return table(
        "layers",
        ("layer", "", "Population", names),
        ("neurons", "", "Neurons", [load.network.populations[name].size for name in names]),
        *columns,
        ("cores", "", "Cores that hold a part of it, -1 where nothing is mapped", [held[name] for name in names]),
    )


def _cores(chip: ChipSpec, mapping: Mapping) -> Table:
    room, used = room_of(chip.core), mapping.used_cores
    routing = chip.core.routing_memory
    entries = routing.memory.capacity // routing.entry_bits
    layers = dict.fromkeys(used, "")
    neurons = dict.fromkeys(used, 0)
    for part in mapping.parts:
        if part.terminal in layers:
            layers[part.terminal] += (", " if layers[part.terminal] else "") + part.population
            neurons[part.terminal] += len(part.neurons)
    filled = [
        (f"{field}_filled", "", f"Filled fraction of {place}",
         [getattr(mapping.occupation[core], field) / max(1, getattr(room, field)) for core in used])
        for field, place in MEMORIES.items()
    ]  # fmt: skip
    return table(
        "cores",
        ("core", "", "Number", used),
        ("layers", "", "Populations that it holds", [layers[core] for core in used]),
        ("neurons", "", "Neurons that it holds", [neurons[core] for core in used]),
        *filled,
        ("routing_filled", "", f"Filled fraction of {_ROUTING}",
         [int(mapping.routing_entries[core]) / max(1, entries) for core in used]),
    )  # fmt: skip
