"""What a chip amounts to: cores, neurons and memory, for one line of a table."""

from dataclasses import dataclass

import numpy as np

from accelsim.hardware.cores import cores_of
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.spec import ChipSpec


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
        SRAM of one core (of the kind with the most) and of all cores, bit; queues and the baseline's buffers are not
        counted.
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
    cores = cores_of(spec)
    neurons = cores.each(
        lambda core: core.membrane.memory.words * core.membrane.values_in_word(core.membrane.bits)
    )
    bits = [
        sum(memory.capacity for memory in core_memories(spec.of_kind(name)).values()) for name in cores.kinds
    ]
    each = np.array(bits)[cores.kind]
    return ChipSummary(cores.count, int(neurons.sum()), int(each.max()), int(each.sum()))
