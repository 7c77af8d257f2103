"""Are the names in a hardware file known? Looking that up loads the models, so only ``hw check`` and ``hw show`` do."""

from typing import Any

from accelsim.baseline.dataflow import BEST, DATAFLOWS
from accelsim.baseline.prices import named_problems
from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.costs.power_use import require_known_power
from accelsim.errors import ConfigError, UnknownNameError
from accelsim.hardware.core_types import BASE
from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, NOC_SOURCES, SRAM_SOURCES
from accelsim.hardware.topologies.topology import TOPOLOGIES
from accelsim.hardware.yaml_reader import Location
from accelsim.mapping.partition import PARTITIONERS
from accelsim.mapping.placement import PLACERS
from accelsim.pearray.encoding import ENCODINGS
from accelsim.pearray.machine import build_dataflow
from accelsim.pearray.prices import named_problems as array_problems
from accelsim.registry import Registry

Names = dict[str, tuple[Registry[Any], str]]


def unknown_names(machine: LoadedChip | LoadedArray) -> list[str]:
    """Return one line per name that nothing is registered under: ``file:line: path: unknown ...``."""
    technology = machine.spec.technology
    names: Names = {
        "technology.sram_source": (SRAM_SOURCES, technology.sram_source),
        "technology.arithmetic_source": (ARITHMETIC_SOURCES, technology.arithmetic_source),
    }
    dataflow = machine.spec.baseline.dataflow
    problems: list[str] = []
    problems += _placed(machine, named_problems(technology))
    if isinstance(machine, LoadedArray):
        problems += _of_array(machine) + _placed(machine, array_problems(machine.spec))
        formats = machine.spec.formats
        names |= {"formats.inputs": (ENCODINGS, formats.inputs), "formats.weights": (ENCODINGS, formats.weights)}
    else:
        problems += _of_power(machine)
        names |= _of_chip(machine)
    if dataflow != BEST and dataflow not in DATAFLOWS.names():
        unknown = UnknownNameError(DATAFLOWS.kind, dataflow, [BEST, *DATAFLOWS])
        problems.append(f"{place_of(machine, 'baseline.dataflow')}: baseline.dataflow: {unknown}")
    for path, (registry, name) in names.items():
        try:
            registry.get(name)
        except UnknownNameError as error:
            problems.append(f"{place_of(machine, path)}: {path}: {error}")
    return problems


def place_of(machine: LoadedChip | LoadedArray, path: str) -> Location:
    """Return where a value was written; what was written as a whole, where its block stands."""
    while path not in machine.locations:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return machine.locations[path]


def _of_chip(chip: LoadedChip) -> Names:
    return {
        "technology.noc_source": (NOC_SOURCES, chip.spec.technology.noc_source),
        "noc.topology": (TOPOLOGIES, chip.spec.noc.topology),
        **{
            f"{'core' if name == BASE else f'core_types.{name}'}.weight_format": (WEIGHT_FORMATS, core.weight_format)
            for name, core in chip.spec.kinds_of_core.items()
            if name == BASE or "weight_format" in chip.data["core_types"][name]
        },
        "mapping.partition": (PARTITIONERS, chip.spec.mapping.partition),
        "mapping.placement": (PLACERS, chip.spec.mapping.placement),
    }


def _placed(machine: LoadedChip | LoadedArray, problems: dict[str, UnknownNameError]) -> list[str]:
    return [f"{place_of(machine, path)}: {path}: {error}" for path, error in problems.items()]


def _of_power(chip: LoadedChip) -> list[str]:
    try:
        require_known_power(chip.spec)
    except ConfigError as error:
        return [f"{place_of(chip, problem.partition(':')[0])}: {problem}" for problem in error.problems]
    return []


def _of_array(array: LoadedArray) -> list[str]:
    """Return the problems of an array's dataflow, its parameters included."""
    try:
        build_dataflow(array)
    except ConfigError as error:
        return error.problems
    return []
