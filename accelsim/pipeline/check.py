"""Does a workload fit a chip? Capacities and mapping alone: nothing is executed, no cycle is simulated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from accelsim.errors import ConfigError, MappingError
from accelsim.hardware.cores import Cores, cores_of
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec, CoreSpec
from accelsim.mapping.demand import Demand, DemandModel, room_of
from accelsim.mapping.groups import Group, group_network
from accelsim.mapping.mapping import Mapping, demand_models, map_network
from accelsim.mapping.partition import equal_slices
from accelsim.network.workload import Workload, load_workload
from accelsim.pipeline.buildable import problems_of
from accelsim.result.fit import Fit
from accelsim.result.table import Table, table

MEMORIES: Final = {
    "synapse_words": "synapse_memory",
    "axons": "axon_memory",
    "membrane_words": "membrane.memory",
    "accumulator_words": "accumulator.memory",
}
"""Fields of a demand by the place of their memory in the description of a core."""

_ROUTING: Final = "routing_memory"


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
    loaded = load_chip(hw, overrides)
    chip, problems = loaded.spec, problems_of(loaded)
    if problems:
        raise ConfigError(problems)
    load = load_workload(workload, 1, workload_overrides, without_input=True)
    mapping: Mapping | None = None
    problem = ""
    groups: list[Group] = []
    try:
        mapping = map_network(load.network, chip, load.events.kind, load.events.value_bits)
    except MappingError as error:
        problem = str(error)
        if chip.layer_serial is not None:
            groups, problem = _groups(load, chip)
    cores = cores_of(chip)
    models: dict[str, DemandModel] = {}
    try:
        models = demand_models(load.network, chip, cores, load.events.kind)
    except MappingError as error:
        problem = problem or str(error)
    needs = {name: _needs(model, load) for name, model in models.items()}
    overflow = _overflow(models, load, cores) if problem else ""
    meta: dict[str, Any] = {
        "chip": chip.name,
        "workload": load.name,
        "cores": cores.count,
        "cores_used": None if mapping is None else len(mapping.used_cores),
        "weight_format": ", ".join(dict.fromkeys(core.weight_format for core in cores.kinds.values())),
        "schedule": chip.schedule,
        "partition": chip.mapping.partition,
        "groups": len(groups) or 1,
        "group_layers": [_named(load, group) for group in groups],
    }
    return Fit(
        meta=meta,
        problem=problem,
        overflow=overflow,
        memories=_memories(needs, cores, mapping),
        layers=_layers(load, needs, cores, mapping),
        cores=None if mapping is None else _cores(mapping),
    )


def _groups(load: Workload, chip: ChipSpec) -> tuple[list[Group], str]:
    """Return the groups of a network that does not fit, or why there are none."""
    try:
        return group_network(load.network, chip, load.events.kind, load.events.value_bits), ""
    except MappingError as error:
        return [], str(error)


def _named(load: Workload, group: Group) -> str:
    """Return the populations of a group, slices with their neurons."""
    sizes = {name: item.size for name, item in load.network.populations.items()}
    pieces = group.section.pieces.items()
    return ", ".join(name if piece == (0, sizes[name]) else f"{name}[{piece[0]}:{piece[1]}]" for name, piece in pieces)


def _needs(model: DemandModel, load: Workload) -> dict[str, Demand]:
    """Return what every population needs as a whole, as if on one core."""
    return {
        name: model.demands(name, [np.arange(item.size, dtype=np.int32)])[0]
        for name, item in load.network.populations.items()
        if item.model is not None
    }


def _overflow(models: dict[str, DemandModel], load: Workload, cores: Cores) -> str:
    """Return what is short on every kind of core, if something is on all of them."""
    kinds = [name for name in models if len(cores.numbers(name))]
    found = [_short(name, cores.kinds[name], models[name], load, len(cores.numbers(name))) for name in kinds]
    return "; ".join(found) if all(found) else ""


def _short(kind: str, core: CoreSpec, model: DemandModel, load: Workload, cores: int) -> str:
    """Return the memory that the first layer that fits no number of slices lacks, or the scarcest of all together."""
    room, bits = room_of(core), _bits(core)
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
                    f"{kind}.{place}: layer {name} cut into {parts} slices needs {_kib(need * bits[field])} in one "
                    f"core, a core has {_kib(have * bits[field])}, {_kib((need - have) * bits[field])} missing"
                )
    field = max(MEMORIES, key=lambda key: getattr(total, key) / max(1, getattr(room, key)))
    need, have = getattr(total, field) * bits[field], getattr(room, field) * bits[field] * cores
    if need > have:
        return f"{kind}.{MEMORIES[field]}: all layers together need {_kib(need)}, {cores} cores have {_kib(have)}"
    return ""


def _kib(size: int) -> str:
    return f"{size / 8192:.4g} KiB"


def _bits(core: CoreSpec) -> dict[str, int]:
    return {
        "synapse_words": core.synapse_memory.width,
        "axons": core.axon_memory.entry_bits,
        "membrane_words": core.membrane.memory.width,
        "accumulator_words": core.accumulator.memory.width,
    }


def _memories(needs: dict[str, dict[str, Demand]], cores: Cores, mapping: Mapping | None) -> Table:
    """Return one row per memory of every kind of core."""
    place: list[str] = []
    rows: list[tuple[int, int, int, int, float]] = []
    for kind, core in cores.kinds.items():
        room, bits, numbers = room_of(core), _bits(core), cores.numbers(kind)
        total = sum(needs.get(kind, {}).values(), Demand(0, 0, 0, 0))
        held = [] if mapping is None else [mapping.occupation[n] for n in mapping.used_cores if n in numbers]
        for field, memory in MEMORIES.items():
            each, fullest = getattr(room, field), max((getattr(item, field) for item in held), default=np.nan)
            place.append(f"{kind}.{memory}")
            rows.append((bits[field], each, each * len(numbers), getattr(total, field), fullest / max(1, each)))
        entries = np.zeros(0) if mapping is None else mapping.routing_entries[numbers]
        each, fullest = core.routing_memory.entries, float(entries.max()) if len(entries) else np.nan
        place.append(f"{kind}.{_ROUTING}")
        rows.append(
            (core.routing_memory.entry_bits, each, each * len(numbers), int(entries.sum()), fullest / max(1, each))
        )
    width, each_core, chip, need, filled = zip(*rows, strict=True)
    return table(
        "memories",
        ("memory", "", "Kind of core, and place in its description", place),
        ("bits", "bit", "Width of a word or entry", list(width)),
        ("core_entries", "", "Words or entries of one core", list(each_core)),
        ("chip_entries", "", "Of all cores of the kind", list(chip)),
        ("need_entries", "", "Of the network (routing: known once mapped), slices that hold entries twice left out",
         list(need)),
        ("fullest", "", "Filled fraction of the fullest core, NaN where nothing is mapped", list(filled)),
    )  # fmt: skip


def _layers(load: Workload, needs: dict[str, dict[str, Demand]], cores: Cores, mapping: Mapping | None) -> Table:
    """Return one row per population, on the kind of core that holds it, or the first where nothing is mapped."""
    names = list(next(iter(needs.values()), {}))
    homes: dict[str, set[int]] = {name: set() for name in names}
    for part in mapping.parts if mapping is not None else ():
        homes.get(part.population, set()).add(part.terminal)
    kinds = [cores.name(min(homes[name], default=0)) for name in names]
    columns = [
        (f"{field}_bits", "bit", f"Need of {place}, all slices on one core",
         [getattr(needs[kind][name], field) * _bits(cores.kinds[kind])[field]
          for name, kind in zip(names, kinds, strict=True)])
        for field, place in MEMORIES.items()
    ]  # fmt: skip
    return table(
        "layers",
        ("layer", "", "Population", names),
        ("neurons", "", "Neurons", [load.network.populations[name].size for name in names]),
        ("type", "", "Kind of core", kinds),
        *columns,
        ("cores", "", "Cores that hold a part of it, -1 where nothing is mapped",
         [len(homes[name]) if mapping is not None else -1 for name in names]),
    )  # fmt: skip


def _cores(mapping: Mapping) -> Table:
    """Return one row per core in use."""
    used, layout = mapping.used_cores, mapping.layout
    room = {core: room_of(layout.of(core)) for core in used}
    layers = dict.fromkeys(used, "")
    neurons = dict.fromkeys(used, 0)
    for part in mapping.parts:
        if part.terminal in layers:
            layers[part.terminal] += (", " if layers[part.terminal] else "") + part.population
            neurons[part.terminal] += len(part.neurons)
    filled = [
        (f"{field}_filled", "", f"Filled fraction of {place}",
         [getattr(mapping.occupation[core], field) / max(1, getattr(room[core], field)) for core in used])
        for field, place in MEMORIES.items()
    ]  # fmt: skip
    return table(
        "cores",
        ("core", "", "Number", used),
        ("type", "", "Kind of core", [layout.name(core) for core in used]),
        ("layers", "", "Populations that it holds", [layers[core] for core in used]),
        ("neurons", "", "Neurons that it holds", [neurons[core] for core in used]),
        *filled,
        ("routing_filled", "", f"Filled fraction of {_ROUTING}",
         [int(mapping.routing_entries[core]) / max(1, layout.of(core).routing_memory.entries) for core in used]),
    )  # fmt: skip
