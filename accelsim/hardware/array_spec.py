"""What a layer-serial array is: the second class of machine that a hardware file can describe.

Modelled: a grid of processing elements with scratchpads, buffers on chip, DRAM, neuron units, how spikes and weights
are stored, and in which order layers and timesteps run. Layers run one after the other; an execution model (the
dataflow) says in closed form, from the spikes of the layer, how long each takes and what it reads. Not modelled: cycles
of single words on the wires between elements, DRAM pages and refresh, several clock domains.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StringConstraints, model_validator

from accelsim.hardware.memory_spec import DramSpec, SramSpec
from accelsim.hardware.quantities import Count, Frequency, Name, Spec
from accelsim.hardware.spec import MacArraySpec
from accelsim.hardware.technology_spec import ProcessSpec, ProvenanceSpec

Option = Annotated[int, Field(strict=True, ge=0)] | StrictBool | Name


class ElementsSpec(Spec):
    """The grid of processing elements and the way in which it runs a layer."""

    dataflow: Name
    """Execution model: what an element holds still, what it skips, how cycles follow from the spikes."""
    rows: Annotated[Count, Field(le=4096)]
    columns: Annotated[Count, Field(le=4096)]
    options: dict[Name, dict[Name, Option]] = Field(default_factory=dict)
    """Parameters by dataflow: each has its own; those of the one that is named are read."""
    accumulator_bits: Annotated[Count, Field(ge=4, le=64)]
    """Width of the adder and of a partial sum."""
    multiplies: StrictBool
    """Whether an element can multiply: a first layer that takes values instead of spikes needs it."""
    compat: Literal["prosperity"] | None = None
    """Cycles as the simulator of that paper counts them, its roundings included; left out: without them."""

    @property
    def size(self) -> int:
        """Elements."""
        return self.rows * self.columns


class ScratchpadSpec(Spec):
    """A memory inside every processing element, built of flip-flops or of SRAM where a table has one so small."""

    words: Annotated[Count, Field(le=1 << 20)]
    bits: Annotated[Count, Field(le=1024)]
    """Width of a word; a value wider than a word takes several."""
    kind: Literal["registers", "sram"]


class ScratchpadsSpec(Spec):
    """What lies inside an element.

    One that is left out: operands come straight from the buffer, sums stay in the adder's own register.
    """

    inputs: ScratchpadSpec | None = None
    weights: ScratchpadSpec | None = None
    sums: ScratchpadSpec | None = None


class StorageSpec(Spec):
    """Buffers on chip, and what lies in which."""

    buffers: Annotated[dict[Name, SramSpec], Field(min_length=1)]
    inputs: Name
    """Buffer of spikes that enter and leave a layer."""
    sums: Name
    """Buffer of partial sums and membrane potentials."""
    weights: Name | None = None
    """Buffer of weights; left out: they go from DRAM to the elements."""
    activations: Literal["on_chip", "spill"]
    """``on_chip``: spikes and membranes are taken to fit, and what does not is reported; ``spill``: it goes to DRAM and
    back."""

    @model_validator(mode="after")
    def _known_buffers(self) -> Self:
        for key in ("inputs", "sums", "weights"):
            name = getattr(self, key)
            if name is not None and name not in self.buffers:
                raise ValueError(f"{key}: expected one of the buffers {', '.join(self.buffers)}, got {name!r}")
        return self


class FormatsSpec(Spec):
    """How operands are stored in buffers and DRAM."""

    inputs: Name
    weights: Name
    run_bits: Annotated[Count, Field(le=16)]
    """Width of a run of zeros in ``rle``."""
    fiber: Annotated[Count, Field(le=65536)]
    """Positions of a fiber: what one coordinate of ``cp`` and the offsets of ``uop`` cover."""
    fetch_bits: Annotated[Count, Field(le=65536)]
    """A fetch of weights from DRAM moves whole words of this width."""
    aligned: Literal["layer", "fiber", "value"]
    """What begins at a word of its own: the weights of a layer, every fiber of them, or every value."""


class NeuronUnitSpec(Spec):
    """The units that update neurons when a timestep's sums are complete."""

    lanes: Annotated[Count, Field(le=4096)]
    cycles: Annotated[Count, Field(le=65536)]
    """Cycles of an update."""
    overlapped: StrictBool
    """Whether updates run behind the sums of the next tile; otherwise after the layer's."""
    state_bits: Annotated[Count, Field(ge=4, le=32)]
    """Stored width of a membrane potential."""


class PeArraySpec(Spec):
    """A layer-serial array: the root of a hardware file with ``machine: pe_array``."""

    machine: Literal["pe_array"]
    name: Name
    description: Annotated[str, StringConstraints(max_length=2000)]
    limits: tuple[Annotated[str, StringConstraints(min_length=8, max_length=600)], ...] = ()
    """What this description cannot represent of the machine that it describes; printed with every result."""
    provenance: dict[str, ProvenanceSpec] = Field(default_factory=dict)
    """Where a published machine's numbers come from, by dotted path, which covers what is below; the longest counts."""
    clock: Frequency
    order: Literal["layer", "timestep"]
    """``layer``: all timesteps of a layer before the next one, weights are fetched once; ``timestep``: all layers of a
    timestep before the next one, weights are fetched in every timestep and membranes wait in the buffer."""
    technology: ProcessSpec
    elements: ElementsSpec
    scratchpads: ScratchpadsSpec
    storage: StorageSpec
    formats: FormatsSpec
    neurons: NeuronUnitSpec
    dram: DramSpec
    baseline: MacArraySpec

    @model_validator(mode="after")
    def _runs(self) -> Self:
        if self.clock <= 0:
            raise ValueError("clock: expected a frequency above zero")
        if self.dram.bandwidth <= 0:
            raise ValueError("dram: expected a bandwidth above zero")
        return self
