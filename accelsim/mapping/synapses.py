"""From parts to axons: every (source neuron, core) pair that a packet joins, with the cost of its rows.

A packet of an input with values passes ``mac_lanes`` instead of ``synapse_lanes``. A port that loads biases sends one
packet per bias, which the core writes beside the membrane in one cycle. Outputs go to the output ports in turn.
"""

import numpy as np
import numpy.typing as npt

from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.axons import COST_FIELDS, AxonBuilder, Axons
from accelsim.mapping.demand import DemandModel
from accelsim.mapping.kernels import row_costs
from accelsim.mapping.parts import Draft, Part, ports_of
from accelsim.network.graph import Network, Projection


def packet_flits(chip: ChipSpec, cores: int, payload: int) -> int:
    """Return the flits of a packet: destination, axon number and ``payload`` bits."""
    return -(-(address_bits(chip, cores) + payload) // chip.noc.flit_bits)


def address_bits(chip: ChipSpec, cores: int) -> int:
    """Return the bits that name a destination and an axon there."""
    terminals = cores + len(chip.ports)
    entries = chip.core.axon_memory.memory.capacity // chip.core.axon_memory.entry_bits
    return (terminals - 1).bit_length() + max(1, entries - 1).bit_length()


def build_axons(network: Network, chip: ChipSpec, model: DemandModel, plan: Draft, value_bits: int) -> Axons:
    """Return the axons of a drafted network, in logical terminals.

    Parameters
    ----------
    network, chip, model, plan
    value_bits : int
        Width of the values that graded input packets carry.
    """
    builder = AxonBuilder()
    for part in plan.parts:
        for edge in network.incoming(part.population):
            from_input = edge.source == network.input.name
            if from_input and plan.kind == "bias_current":
                _add_loads(builder, chip, plan, part, integer=network.integer)
                continue
            graded = from_input and plan.kind == "graded"
            sources = model.incoming[edge.name].axons(part.low, part.high)
            costs = _row_costs(chip, model, edge, part, graded=graded)
            flits = packet_flits(chip, plan.cores, value_bits if graded else 0)
            builder.add(sources + plan.offsets[edge.source], part.terminal, flits, costs[sources], macs=graded)
    _add_outputs(builder, network, chip, plan)
    return builder.build(plan.sources)


def _row_costs(
    chip: ChipSpec, model: DemandModel, edge: Projection, part: Part, *, graded: bool
) -> npt.NDArray[np.int64]:
    core, connection = chip.core, edge.connection
    nonzero = (connection.rows != 0).astype(np.uint8)
    words, issued = model.incoming[edge.name].stored(part.low, part.high)
    costs = np.zeros((connection.n_source, len(COST_FIELDS)), dtype=np.int64)
    row_costs(
        connection.run_ptr,
        connection.run_row,
        connection.run_start,
        part.low,
        part.high,
        part.accumulator_word * part.accumulators_per_word,
        nonzero if core.skip_zero_weights else issued,
        nonzero,
        words,
        core.mac_lanes if graded else core.synapse_lanes,
        core.synapse_memory.banks,
        core.accumulator.memory.banks,
        part.accumulators_per_word,
        core.accumulator.memory.rmw_slots,
        costs,
    )
    return costs


def _fixed_costs(axons: int, cycles: int) -> npt.NDArray[np.int64]:
    costs = np.zeros((axons, len(COST_FIELDS)), dtype=np.int64)
    costs[:, COST_FIELDS.index("cycles")] = costs[:, COST_FIELDS.index("ideal")] = cycles
    return costs


def _add_loads(builder: AxonBuilder, chip: ChipSpec, plan: Draft, part: Part, *, integer: bool) -> None:
    biases = np.arange(part.low, part.high) + min(plan.offsets.values())
    flits = packet_flits(chip, plan.cores, chip.core.accumulator.bits if integer else 32)
    builder.add(biases, part.terminal, flits, _fixed_costs(len(biases), 1), loads=True)


def _add_outputs(builder: AxonBuilder, network: Network, chip: ChipSpec, plan: Draft) -> None:
    cores, output = plan.cores, network.output
    readout = output.model is not None and not output.model.spiking
    value_bits = chip.core.membrane.bits if network.integer else 32
    flits = packet_flits(chip, cores, value_bits if readout else 0)
    ports = ports_of(chip, "output", cores)
    for at, terminal in enumerate(ports):
        neurons = np.arange(output.size)[at :: len(ports)] + plan.offsets[output.name]
        costs = _fixed_costs(len(neurons), chip.ports[terminal - cores].cycles_per_event)
        builder.add(neurons, terminal, flits, costs)
