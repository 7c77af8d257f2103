"""What a chip amounts to: cores, neurons and memory, for one line of a table."""

from dataclasses import dataclass

from accelsim.hardware.spec import ChipSpec, SramSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES


@dataclass(frozen=True)
class ChipSummary:
    """Totals of a chip.

    Attributes
    ----------
    cores : int
        ``noc.concentration`` per router that carries any.
    neurons : int
        Membranes that fit, at the width of an integer network.
    core_memory, chip_memory : int
        SRAM of one core and of all cores, bit; queues and the baseline's buffers are not counted.
    """

    cores: int
    neurons: int
    core_memory: int
    chip_memory: int


def core_memories(spec: ChipSpec) -> dict[str, SramSpec]:
    """Return the memories of a core by the dotted path of their description."""
    core = spec.core
    return {
        "core.axon_memory.memory": core.axon_memory.memory,
        "core.routing_memory.memory": core.routing_memory.memory,
        "core.synapse_memory": core.synapse_memory,
        "core.membrane.memory": core.membrane.memory,
        "core.accumulator.memory": core.accumulator.memory,
    }


def summary(spec: ChipSpec) -> ChipSummary:
    """Add up a chip."""
    cores = TOPOLOGIES.get(spec.noc.topology)(spec.noc.size).cores(spec.noc.concentration)
    state = spec.core.membrane
    neurons = cores * (state.memory.words * state.values_in_word(state.bits))
    bits = sum(memory.capacity for memory in core_memories(spec).values())
    return ChipSummary(cores, neurons, bits, cores * bits)
