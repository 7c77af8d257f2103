"""Positions dealt to elements by load: each element accumulates the spikes of its positions, one per cycle.

Every row of the product, an output position in one timestep, goes to the element with the least work so far; the layer
ends with the busiest: ``cycles = busiest * filters``. Neurons are decided by a binary search over the timesteps,
``n * (log2(T) + 1)``. These are the cycles of SATO (Liu et al., DAC 2022) in Prosperity's simulator
(``run_sato_conv_fc``; Wei et al., HPCA 2025); timesteps that are no power of two are rounded up to one here.
"""

from typing import ClassVar

import numpy as np

from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.kernels import busiest
from accelsim.pearray.layer import ArrayLayer, Shape


@DATAFLOWS.register("balanced_rows")
class BalancedRows(Dataflow):
    """The busiest element ends the layer."""

    whole_layer: ClassVar[bool] = True
    repeats: ClassVar[bool] = True

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses of the spikes."""
        shape = layer.shape
        most = 0
        for group in range(shape.groups):
            rows = layer.group(group).sum(axis=1, dtype=np.int64)
            most += int(busiest(rows, np.zeros(self.size, dtype=np.int64)))
        sums = layer.additions
        return Work(
            cycles=most * shape.filters,
            additions=sums,
            input_reads=shape.positions * shape.window * shape.groups * shape.filters,
            weight_reads=sums,
            sum_reads=sums,
            sum_writes=sums,
            input_passes=shape.filters,
            weight_passes=ceil_div(shape.positions, self.size),
            weights_by_spike=sums,
        )

    def update_cycles(self, shape: Shape) -> int:
        """Return the cycles of the search tree over the timesteps, with one comparison at its leaf."""
        return shape.neurons * ((shape.timesteps - 1).bit_length() + 1)
