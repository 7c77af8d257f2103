"""From the work of the elements to accesses of every memory, and to the cycles of a layer.

Rules, per layer and sample (``docs/pe-array.md`` argues them):

- *Inputs*: the stored spikes of the source are read from their buffer once per pass.
- *Weights* come from DRAM in every inference; a visit of a layer (one, or one per timestep with ``order: timestep``)
  fetches them at least once. With a buffer they are fetched once per visit where those of a tile of filters fit into
  it (filters are the outermost loop, and inputs pass once per tile), else once per pass; without one, once per pass.
  Elements that read weights by spike read their buffer word by word, several weights each.
- *Partial sums* that leave the elements are written to their buffer and read back; without scratchpads every access
  goes to the buffer.
- *Membranes* are read and written in the buffer of sums once per neuron and timestep, unless the dataflow takes all
  timesteps of a layer together.
- *Outputs* are written once. What does not fit (``activations: spill``) is written to DRAM and read back.

A layer takes the longest of elements, DRAM and busiest buffer; neuron updates follow, or run behind. A bank takes one
access per cycle, or with ``1R1W`` a read and a write; words are spread evenly over the banks.
"""

import math
from dataclasses import dataclass
from typing import Final

from accelsim.counters import Key
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.pearray.dataflow import Dataflow, Work, ceil_div
from accelsim.pearray.layer import Shape
from accelsim.pearray.prices import DRAM, ELEMENTS, SCRATCHPADS
from accelsim.pearray.storage import StoredWeights

CAUSES: Final = ("elements", "dram", "buffers", "neurons")
"""What a layer's cycles are spent on: products; then waiting for DRAM, for a buffer, for neuron updates."""


@dataclass(frozen=True)
class Operands:
    """What a layer moves.

    Attributes
    ----------
    input_bits : int
        Stored spikes of the source, all timesteps.
    weights : StoredWeights
    weight_bits : int
        Width of a weight.
    value_bits : int
        Width of an input value; 1 for spikes.
    multiplied : bool
        Whether products are multiplications.
    """

    input_bits: int
    weights: StoredWeights
    weight_bits: int
    value_bits: int
    multiplied: bool


class Accesses:
    """Counts of one layer and sample by (component, action)."""

    def __init__(self) -> None:
        self.counts: dict[Key, int] = {}

    def add(self, component: str, action: str, count: int) -> None:
        """Add to a count; nothing where it is zero."""
        if count:
            self.counts[component, action] = self.counts.get((component, action), 0) + count


def count_layer(spec: PeArraySpec, shape: Shape, work: Work, moved: Operands) -> Accesses:
    """Return the accesses of one projection, its neurons not included."""
    out = Accesses()
    out.add(ELEMENTS, "add", work.additions)
    if moved.multiplied:
        out.add(ELEMENTS, "multiply", work.additions - work.merges)
    _scratchpads(spec, work, moved, out)
    inputs = spec.storage.buffers[spec.storage.inputs]
    out.add(spec.storage.inputs, "read", work.input_passes * ceil_div(moved.input_bits, inputs.width))
    _weights(spec, shape, work, moved, out)
    sums = spec.storage.buffers[spec.storage.sums]
    width = spec.elements.accumulator_bits
    out.add(spec.storage.sums, "write", ceil_div(work.sum_spills * width, sums.width))
    out.add(spec.storage.sums, "read", ceil_div(work.sum_spills * width, sums.width))
    return out


def _scratchpads(spec: PeArraySpec, work: Work, moved: Operands, out: Accesses) -> None:
    widths = {"inputs": moved.value_bits, "weights": moved.weight_bits, "sums": spec.elements.accumulator_bits}
    counted = {
        "inputs": (work.input_reads, work.input_writes),
        "weights": (work.weight_reads, work.weight_writes),
        "sums": (work.sum_reads, work.sum_writes),
    }
    for key, (reads, writes) in counted.items():
        pad = getattr(spec.scratchpads, key)
        if pad is not None:
            words = ceil_div(widths[key], pad.bits)
            out.add(SCRATCHPADS[key], "read", reads * words)
            out.add(SCRATCHPADS[key], "write", writes * words)
        elif key == "sums":
            buffer = spec.storage.buffers[spec.storage.sums]
            out.add(spec.storage.sums, "read", ceil_div(reads * widths[key], buffer.width))
            out.add(spec.storage.sums, "write", ceil_div(writes * widths[key], buffer.width))


def _weights(spec: PeArraySpec, shape: Shape, work: Work, moved: Operands, out: Accesses) -> None:
    visits = shape.timesteps if spec.order == "timestep" else 1
    passes = max(visits, work.weight_passes)
    name, stored = spec.storage.weights, moved.weights
    if name is None:
        out.add(DRAM, "bit", passes * stored.fetched)
        return
    buffer = spec.storage.buffers[name]
    tile = ceil_div(stored.size.bits, work.input_passes)
    fetches = visits if tile <= buffer.capacity else passes
    out.add(DRAM, "bit", fetches * stored.fetched)
    out.add(name, "write", fetches * ceil_div(stored.size.bits, buffer.width))
    if work.weights_by_spike is None:
        out.add(name, "read", passes * ceil_div(stored.size.bits, buffer.width))
    else:
        out.add(name, "read", ceil_div(work.weights_by_spike * moved.weight_bits, buffer.width))


def count_neurons(
    spec: PeArraySpec, dataflow: Dataflow, neurons: int, timesteps: int, stored: int, out: Accesses
) -> None:
    """Add the states and outputs of a population; ``stored`` are the bits of its spikes."""
    sums, inputs = spec.storage.buffers[spec.storage.sums], spec.storage.buffers[spec.storage.inputs]
    if not dataflow.whole_layer:
        words = timesteps * ceil_div(neurons * spec.neurons.state_bits, sums.width)
        out.add(spec.storage.sums, "read", words)
        out.add(spec.storage.sums, "write", words)
    out.add(spec.storage.inputs, "write", ceil_div(stored, inputs.width))


def cycles_of(spec: PeArraySpec, counts: dict[Key, int], elements: int, updates: int) -> tuple[int, int, int, int]:
    """Return the cycles of a layer by :data:`CAUSES`."""
    dram = math.ceil(counts.get((DRAM, "bit"), 0) * spec.clock / spec.dram.bandwidth)
    busiest = 0
    for name, memory in spec.storage.buffers.items():
        reads, writes = (counts.get((name, way), 0) for way in ("read", "write"))
        accesses = max(reads, writes) if memory.ports == "1R1W" else reads + writes
        busiest = max(busiest, ceil_div(accesses, memory.banks))
    waits = max(0, dram - elements)
    waits_buffers = max(0, busiest - max(elements, dram))
    running = elements + waits + waits_buffers
    neurons = max(0, updates - running) if spec.neurons.overlapped else updates
    return elements, waits, waits_buffers, neurons
