"""Spikes one by one: every spike takes a cycle per tile of filters, zeros take none.

``cycles = spikes met by taps * ceil(filters / elements)``. These are the cycles of MINT (Yin et al., ASP-DAC 2024) and
of Prosperity without product sparsity in Prosperity's simulator (``run_MINT_convfc``; Wei et al., HPCA 2025). With
``update: grouped`` neurons are updated in groups of lanes, timestep by timestep, ``ceil(n / lanes) * T * cycles``
(Prosperity); with ``pooled`` all updates of a layer fill the lanes without gaps (MINT).
"""

from typing import ClassVar, Literal

from accelsim.hardware.quantities import Spec
from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.layer import ArrayLayer, Shape


class SpikeStreamOptions(Spec):
    """Parameters of the spike stream."""

    update: Literal["pooled", "grouped"]


def grouped_updates(shape: Shape, lanes: int, cycles: int) -> int:
    """Return the cycles of updates in whole groups of lanes, one timestep after the other."""
    return ceil_div(shape.neurons, lanes) * shape.timesteps * cycles


@DATAFLOWS.register("spike_stream")
class SpikeStream(Dataflow):
    """A spike is a cycle."""

    Options: ClassVar[type[Spec]] = SpikeStreamOptions
    repeats: ClassVar[bool] = True

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses of the spikes."""
        shape = layer.shape
        tiles = ceil_div(shape.filters, self.size)
        sums = layer.additions
        return Work(
            cycles=sums // shape.filters * tiles,
            additions=sums,
            input_reads=shape.positions * shape.window * shape.groups * tiles,
            weight_reads=sums,
            sum_reads=sums,
            sum_writes=sums,
            input_passes=tiles,
            weight_passes=ceil_div(shape.positions * shape.filters * self.elements.accumulator_bits, self.sums_bits),
            weights_by_spike=sums,
        )

    @property
    def sums_bits(self) -> int:
        """Capacity of the buffer of sums: output positions that fit into it pass over the weights together."""
        return self.spec.storage.buffers[self.spec.storage.sums].capacity

    def update_cycles(self, shape: Shape) -> int:
        """Return the cycles of the neuron units."""
        if self.options.update == "grouped":
            return grouped_updates(shape, self.neurons.lanes, self.neurons.cycles)
        return super().update_cycles(shape)
