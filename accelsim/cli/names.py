"""Are the names in a hardware file registered? Looking that up loads the models, so only ``hw check`` does."""

from typing import Any

from accelsim.errors import UnknownNameError
from accelsim.hardware.loader import LoadedChip
from accelsim.registry import Registry


def unknown_names(chip: LoadedChip) -> list[str]:
    """Return one line per name that nothing is registered under: ``file:line: path: unknown ...``."""
    from accelsim.baseline.dataflow import DATAFLOWS
    from accelsim.compression.format import WEIGHT_FORMATS
    from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, NOC_SOURCES, SRAM_SOURCES
    from accelsim.hardware.topologies.topology import TOPOLOGIES
    from accelsim.mapping.partition import PARTITIONERS
    from accelsim.mapping.placement import PLACERS

    technology = chip.spec.technology
    names: dict[str, tuple[Registry[Any], str]] = {
        "technology.sram_source": (SRAM_SOURCES, technology.sram_source),
        "technology.arithmetic_source": (ARITHMETIC_SOURCES, technology.arithmetic_source),
        "technology.noc_source": (NOC_SOURCES, technology.noc_source),
        "noc.topology": (TOPOLOGIES, chip.spec.noc.topology),
        "core.weight_format": (WEIGHT_FORMATS, chip.spec.core.weight_format),
        **{
            f"core_types.{name}.weight_format": (WEIGHT_FORMATS, core.weight_format)
            for name, core in chip.spec.core_types.items()
        },
        "mapping.partition": (PARTITIONERS, chip.spec.mapping.partition),
        "mapping.placement": (PLACERS, chip.spec.mapping.placement),
        "baseline.dataflow": (DATAFLOWS, chip.spec.baseline.dataflow),
    }
    problems = []
    for path, (registry, name) in names.items():
        try:
            registry.get(name)
        except UnknownNameError as error:
            if path in chip.locations:  # else a kind of core has the base's name, reported there
                problems.append(f"{chip.locations[path]}: {path}: {error}")
    return problems
