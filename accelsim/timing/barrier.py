"""How long the end of a step takes on a mapped chip: draining pipelines, then the barrier."""

from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping


def barrier_cycles(chip: ChipSpec, mapping: Mapping) -> int:
    """Return the cycles of the barrier between two steps, which may depend on the routers with cores in use."""
    return chip.barrier.cycles_of(len({int(mapping.fabric.terminal_router[core]) for core in mapping.used_cores}))


def drain_cycles(mapping: Mapping) -> int:
    """Return the cycles in which the pipelines of all cores drain: those of the slowest kind."""
    return int(mapping.layout.each(lambda core: core.pipeline_drain).max())
