"""Are the names in a hardware file registered? Looking that up loads the models, so only ``hw check`` does."""

from typing import Any

from accelsim.errors import ConfigError, UnknownNameError
from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.registry import Registry

Names = dict[str, tuple[Registry[Any], str]]


def unknown_names(machine: LoadedChip | LoadedArray) -> list[str]:
    """Return one line per name that nothing is registered under: ``file:line: path: unknown ...``."""
    from accelsim.baseline.dataflow import DATAFLOWS
    from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, NOC_SOURCES, SRAM_SOURCES

    technology = machine.spec.technology
    names: Names = {
        "technology.sram_source": (SRAM_SOURCES, technology.sram_source),
        "technology.arithmetic_source": (ARITHMETIC_SOURCES, technology.arithmetic_source),
        "technology.noc_source": (NOC_SOURCES, technology.noc_source),
        "baseline.dataflow": (DATAFLOWS, machine.spec.baseline.dataflow),
    }
    problems = []
    if isinstance(machine, LoadedArray):
        problems += _of_array(machine)
    else:
        names |= _of_chip(machine)
    for path, (registry, name) in names.items():
        try:
            registry.get(name)
        except UnknownNameError as error:
            problems.append(f"{machine.locations[path]}: {path}: {error}")
    return problems


def _of_chip(chip: LoadedChip) -> Names:
    from accelsim.compression.format import WEIGHT_FORMATS
    from accelsim.hardware.topologies.topology import TOPOLOGIES
    from accelsim.mapping.partition import PARTITIONERS
    from accelsim.mapping.placement import PLACERS

    return {
        "noc.topology": (TOPOLOGIES, chip.spec.noc.topology),
        "core.weight_format": (WEIGHT_FORMATS, chip.spec.core.weight_format),
        "mapping.partition": (PARTITIONERS, chip.spec.mapping.partition),
        "mapping.placement": (PLACERS, chip.spec.mapping.placement),
    }


def _of_array(array: LoadedArray) -> list[str]:
    """Return the problems of an array's dataflow, its parameters included."""
    from accelsim.pearray.machine import build_dataflow

    try:
        build_dataflow(array)
    except ConfigError as error:
        return error.problems
    return []
