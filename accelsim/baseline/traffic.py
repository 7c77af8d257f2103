"""Where the array's words go: buffer accesses per layer, what does not fit and crosses to DRAM, and the time it takes.

Weights are resident as far as the weight buffer reaches, in the order of the layers; the rest is fetched in every
inference, once per pass of the dataflow. Without ``keep_weights`` all are fetched in every inference, once where the
layer fits the buffer. Activations and partial sums that exceed their buffers go to DRAM and back. A
layer lasts as long as its slowest part - array, a buffer's banks (one access per bank and cycle; one read and one write
on 1R1W), a port, or DRAM - since all are double-buffered; layers run one after the other. Input and output cross the
chip's ports in words of ``noc.flit_bits``, packed, since an ANN's values need no address.

Not modelled: a tiling that would avoid spilled partial sums (the figure is an upper bound, and is warned of), bank
conflicts within a buffer, overlap of layers, the traffic of activations on their way from one buffer to the next.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.baseline.dataflow import Counts, Gemm, LayerCost, Packing, ceil_div, layer_costs
from accelsim.baseline.prices import INPUT, OUTPUT, PORTS, WEIGHT, buffers, port_of
from accelsim.errors import CostError
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.spec import ChipSpec
from accelsim.network.graph import Network


@dataclass(frozen=True, eq=False)
class Ends:
    """Where each layer stands in the network; every field is (layers,).

    Attributes
    ----------
    to_output : (layers,) bool
        Is the last projection into the output.
    first, last : (layers,) bool
        First and last projection into its target: the first starts the sums, the last lets them leave.
    biases : (layers,) int64
        Bias words that the last projection adds; one per filter.
    inputs, outputs : (layers,) int64
        Activations before the array (after a pool), and sums behind it.
    arriving : (layers,) int64
        Values that come through the input port (before a pool); 0 but for the first projection from the input.
    """

    to_output: npt.NDArray[np.bool_]
    first: npt.NDArray[np.bool_]
    last: npt.NDArray[np.bool_]
    biases: Counts
    inputs: Counts
    outputs: Counts
    arriving: Counts


@dataclass(frozen=True, eq=False)
class Traffic:
    """Accesses and cycles per layer; every field is (layers,).

    Attributes
    ----------
    words : dict of (component, action) to (layers,) int64
        Reads and writes of buffers, words through the input and output ports.
    dram_bits : (layers,) int64
        In every inference: weights, activations and sums that do not fit on chip.
    cold_bits : (layers,) int64
        Resident weights, fetched once after power-up.
    cold_words : (layers,) int64
        Weight-buffer writes of that.
    array_cycles, cycles, cold_cycles : (layers,) int64
        Of the dataflow alone; with buffers and DRAM; with the resident weights fetched too.
    buffer_cycles : (layers,) int64
        Of the busiest buffer or port.
    cost : LayerCost
    warnings : tuple of str
        What does not fit.
    """

    words: dict[tuple[str, str], Counts]
    dram_bits: Counts
    cold_bits: Counts
    cold_words: Counts
    array_cycles: Counts
    buffer_cycles: Counts
    cycles: Counts
    cold_cycles: Counts
    cost: LayerCost
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Density:
    """What is left where zeros are neither stored nor multiplied; every field is (layers,) float64, at most 1.

    Attributes
    ----------
    inputs, weights : (layers,) float64
        Bits that are stored and read, masks included.
    products : (layers,) float64
        Cycles of the array.
    """

    inputs: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    products: npt.NDArray[np.float64]


def ends_of(network: Network) -> Ends:
    """Return where each projection stands."""
    edges = network.projections
    into = {name: [edge.name for edge in network.incoming(name)] for name in network.populations}
    last = np.array([edge.name == into[edge.target][-1] for edge in edges])
    biased = np.array([network.populations[edge.target].bias is not None for edge in edges])
    shapes = [edge.connection.shape for edge in edges]
    read = [edge.name for edge in network.outgoing(network.input.name)][:1]
    return Ends(
        to_output=np.array([edge.target == network.output.name for edge in edges]) & last,
        first=np.array([edge.name == into[edge.target][0] for edge in edges]),
        last=last,
        biases=np.array([shape.filters * shape.groups for shape in shapes], dtype=np.int64) * (biased & last),
        inputs=np.array([shape.input_words for shape in shapes], dtype=np.int64),
        outputs=np.array([shape.output_words for shape in shapes], dtype=np.int64),
        arriving=np.array([edge.connection.n_source * (edge.name in read) for edge in edges], dtype=np.int64),
    )


def clock_of(chip: ChipSpec) -> float:
    """Return the clock of the array, GHz: the chip's, unless the hardware file states another."""
    own = chip.baseline.clock
    return float(chip.clock if own is None else own)


def traffic_of(
    chip: ChipSpec, gemm: Gemm, ends: Ends, density: Density | None = None, state_bits: int = 0
) -> Traffic:
    """Return accesses and cycles of every layer.

    Parameters
    ----------
    density : Density, optional
        Zeros are skipped; without it everything is stored, read and multiplied.
    state_bits : int
        Width of a state that every output keeps in the output buffer, read and written once.

    Raises
    ------
    CostError
        If the DRAM has no bandwidth.
    MappingError
        If ``compat: scalesim`` is asked for a layer or dataflow that SCALE-Sim has not.
    """
    spec = chip.baseline
    if spec.dram.bandwidth <= 0:
        raise CostError(f"baseline.dram.bandwidth: expected more than zero, got {spec.dram.bandwidth:g} bit/ns")
    bits_per_cycle = spec.dram.bandwidth / clock_of(chip)
    per_word = {
        INPUT: _packed(spec.input_buffer, spec.activation_bits),
        WEIGHT: _packed(spec.weight_buffer, spec.weight_bits),
        OUTPUT: _packed(spec.output_buffer, spec.accumulator_bits),
    }
    packing = Packing(per_word[INPUT][0], per_word[WEIGHT][0], per_word[OUTPUT][0])
    mode = spec.compat or "mended"
    cost = layer_costs(spec.dataflow, gemm, spec.rows, spec.columns, packing=packing, mode=mode)

    left = density or Density(*(np.ones(gemm.pixels.size) for _ in range(3)))

    weight_bits = _share(gemm.weights * spec.weight_bits, left.weights) + ends.biases * spec.accumulator_bits
    streamed, passes = np.clip(np.cumsum(weight_bits) - spec.weight_buffer.capacity, 0, weight_bits), cost.filter_passes
    if not spec.keep_weights:
        streamed, passes = weight_bits, np.where(weight_bits <= spec.weight_buffer.capacity, 1, passes)
    fetched = streamed * passes
    input_bits = _share(ends.inputs * spec.activation_bits, left.inputs)
    input_over = np.maximum(input_bits - spec.input_buffer.capacity, 0)
    sum_over = np.maximum(cost.psum_live * spec.accumulator_bits - spec.output_buffer.capacity, 0)
    returned_bits = np.ceil(ends.outputs * cost.psum_passes * sum_over / np.maximum(cost.psum_live, 1)).astype(np.int64)
    spilled = input_over * (cost.ifmap_passes + 1)
    states = ends.outputs * ends.last * state_bits
    states_over = np.clip(np.cumsum(states) - spec.output_buffer.capacity, 0, states)
    dram = fetched + spilled + 2 * returned_bits + 2 * states_over
    weight_width = spec.weight_buffer.width
    bias_words = ceil_div(ends.biases * spec.accumulator_bits, weight_width)
    output_words = ceil_div(ends.outputs, per_word[OUTPUT][0])
    continued = output_words * ~ends.first  # a second projection starts from the sums of the first
    state_words = ceil_div(states, spec.output_buffer.width)
    words = {
        (INPUT, "read"): _share(cost.ifmap_reads * per_word[INPUT][1], left.inputs),
        (INPUT, "write"): _share(ceil_div(ends.inputs, per_word[INPUT][0]) * per_word[INPUT][1], left.inputs),
        (WEIGHT, "read"): _share(cost.filter_reads * per_word[WEIGHT][1], left.weights) + bias_words,
        (WEIGHT, "write"): ceil_div(fetched, weight_width),
        (OUTPUT, "read"): (cost.psum_reads + output_words * ends.last + continued) * per_word[OUTPUT][1] + state_words,
        (OUTPUT, "write"): cost.ofmap_writes * per_word[OUTPUT][1] + state_words,
        (PORTS, "input"): ceil_div(ends.arriving * spec.activation_bits, chip.noc.flit_bits),
        (PORTS, "output"): ceil_div(ends.outputs * ends.to_output * spec.accumulator_bits, chip.noc.flit_bits),
    }
    moving = [_bank_cycles(memory, words, name) for name, memory in buffers(spec).items()]
    for way in ("input", "output"):
        port = port_of(chip, way)
        chip_cycles = words[PORTS, way] * (0 if port is None else port.cycles_per_event)
        moving.append(np.ceil(chip_cycles * (clock_of(chip) / chip.clock)).astype(np.int64))
    buffer_cycles = np.max(moving, axis=0)
    cold_bits = weight_bits - streamed
    array_cycles = _share(cost.cycles, left.products)
    busy = np.maximum(array_cycles, buffer_cycles)
    return Traffic(
        words=words,
        dram_bits=dram,
        cold_bits=cold_bits,
        cold_words=ceil_div(cold_bits, weight_width),
        array_cycles=array_cycles,
        buffer_cycles=buffer_cycles,
        cycles=np.maximum(busy, _dram_cycles(dram, bits_per_cycle)),
        cold_cycles=np.maximum(busy, _dram_cycles(dram + cold_bits, bits_per_cycle)),
        cost=cost,
        warnings=_warnings(spec.keep_weights, streamed, weight_bits, input_over, returned_bits, states_over),
    )


def _share(amount: Counts, share: npt.NDArray[np.float64]) -> Counts:
    return np.ceil(amount * share).astype(np.int64)


def _packed(memory: SramSpec, bits: int) -> tuple[int, int]:
    """Return elements per word and words per element; one of them is 1."""
    return max(1, memory.width // bits), -(-bits // memory.width)


def _bank_cycles(memory: SramSpec, words: dict[tuple[str, str], Counts], name: str) -> Counts:
    read, write = words[name, "read"], words[name, "write"]
    return ceil_div(np.maximum(read, write) if memory.ports == "1R1W" else read + write, memory.banks)


def _dram_cycles(bits: Counts, bits_per_cycle: float) -> Counts:
    return np.ceil(bits / bits_per_cycle).astype(np.int64)


def _warnings(
    kept: bool, streamed: Counts, weights: Counts, inputs: Counts, sums: Counts, states: Counts
) -> tuple[str, ...]:
    found = []
    if not kept:
        found.append("the weights are fetched from DRAM in every inference")
    elif streamed.any():
        share = streamed.sum() / weights.sum()
        found.append(f"{share:.1%} of the weights do not fit on chip and are fetched from DRAM in every inference")
    if inputs.any():
        found.append(f"activations of {np.count_nonzero(inputs)} layers exceed the input buffer and spill to DRAM")
    if sums.any():
        found.append(f"partial sums of {np.count_nonzero(sums)} layers exceed the output buffer: spilled, upper bound")
    if states.any():
        found.append("states exceed the output buffer and cross to DRAM and back in every timestep")
    return tuple(found)
