"""How long the barrier of a mapped chip takes."""

from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping


def barrier_cycles(chip: ChipSpec, mapping: Mapping) -> int:
    """Return the cycles of the barrier between two steps, which may depend on the routers with cores in use."""
    return chip.barrier.cycles_of(len({int(mapping.fabric.terminal_router[core]) for core in mapping.used_cores}))
