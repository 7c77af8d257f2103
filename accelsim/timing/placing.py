"""The kernel that says where the state of every neuron of a core lies."""

from typing import Any

from accelsim.kernels import kernel


@kernel
def place_neurons(parts: Any, layout: Any, engines: Any, slots: Any) -> None:
    """Write where the state of every neuron lies.

    Parameters
    ----------
    parts : (n_parts,) PART
    layout : (n_parts, 4) int32
        First words of membranes and accumulators, neurons that share a word of either.
    engines : (terminals,) ENGINE
    slots : (n,) SLOT
        Written.
    """
    for number in range(parts.size):
        own = parts[number]
        engine, span = engines[own.terminal], own.membrane_span
        membranes, accumulators = max(1, engine.membrane_banks), max(1, engine.accumulator_banks)  # a port has none
        for rank in range(own.neurons):
            slot = slots[own.first + rank]
            slot.membrane_word = layout[number, 0] + rank // layout[number, 2] * span if span > 0 else -1
            slot.accumulator_word = layout[number, 1] + rank // layout[number, 3]
            slot.membrane_bank = max(slot.membrane_word, 0) % membranes
            slot.accumulator_bank = slot.accumulator_word % accumulators
