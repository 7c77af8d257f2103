"""What an execution model answers: cycles and accesses of a layer, in closed form, from its spikes.

Counts are exact sums over tiles, never a mean density times a size. Accesses are those of the elements; how often the
operands pass through buffers and DRAM is stated in passes, which :mod:`accelsim.pearray.traffic` turns into words.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from accelsim.hardware.array_spec import PeArraySpec
from accelsim.hardware.quantities import Spec
from accelsim.pearray.layer import ArrayLayer, Shape
from accelsim.registry import Registry

DATAFLOWS: Registry[type["Dataflow"]] = Registry("array dataflow", "accelsim.pearray.dataflows")


class NoOptions(Spec):
    """Of a dataflow that has none."""


@dataclass(frozen=True)
class Work:
    """What the elements do for one layer and one sample, over all timesteps.

    Attributes
    ----------
    cycles : int
        Of the elements, neuron updates not included.
    additions : int
        Weights added to a sum; stored zeros included where the elements take them.
    input_reads, input_writes : int
        Values (one spike, or one value) that scratchpads of inputs read and take in.
    weight_reads, weight_writes : int
        The same of weights.
    sum_reads, sum_writes : int
        The same of partial sums.
    input_passes : int
        How often the layer's stored spikes are read from their buffer.
    weight_passes : int
        How often the layer's stored weights are read from where they come from, over all timesteps; once for every
        visit of a layer at least.
    weights_by_spike : int or None
        Weights that are read because a spike met them, where elements do not read whole layers; then ``weight_passes``
        is what a buffer is filled with.
    sum_spills : int
        Partial sums that leave the elements and come back: so many words are written to and read from their buffer.
    """

    cycles: int
    additions: int
    input_reads: int = 0
    input_writes: int = 0
    weight_reads: int = 0
    weight_writes: int = 0
    sum_reads: int = 0
    sum_writes: int = 0
    input_passes: int = 1
    weight_passes: int = 1
    weights_by_spike: int | None = None
    sum_spills: int = 0


class Dataflow(ABC):
    """Base of all execution models.

    Parameters
    ----------
    spec : PeArraySpec
    options : Spec
        An instance of ``Options``, checked.
    """

    Options: ClassVar[type[Spec]] = NoOptions
    whole_layer: ClassVar[bool] = False
    """Whether it takes all timesteps of a layer together, so that ``order: timestep`` is no choice."""
    repeats: ClassVar[bool] = False
    """Whether it takes taps with several spikes (of a sum pool); otherwise each enters as so many taps of one."""

    def __init__(self, spec: PeArraySpec, options: Any) -> None:
        self.spec, self.options = spec, options
        self.elements, self.neurons = spec.elements, spec.neurons

    @property
    def size(self) -> int:
        """Processing elements."""
        return self.elements.rows * self.elements.columns

    @abstractmethod
    def work(self, layer: ArrayLayer) -> Work:
        """Return what the elements do for a layer, over all of its timesteps."""

    def update_cycles(self, shape: Shape) -> int:
        """Return the cycles of the neuron units for a layer, over all of its timesteps."""
        return ceil_div(shape.neurons * shape.timesteps * self.neurons.cycles, self.neurons.lanes)


def ceil_div(a: int, b: int) -> int:
    """Return the quotient of two positive integers, rounded up."""
    return -(-a // b)
