"""Product sparsity: a position whose spikes contain those of another one reuses its sum.

Wei et al., "Prosperity: Accelerating Spiking Neural Networks via Product Sparsity", HPCA 2025. Rows of the product,
numbered (pixel, timestep), are cut into tiles of ``tile_rows`` x ``tile_taps``; a row of a tile is replaced by its
difference to the row that holds the most of its spikes and none else. ``cycles = max(spikes left + rows that equal
another, search) * ceil(filters / elements)``, where the search takes a cycle per row with at least two spikes and one
per ``popcount_lanes`` rows. Neurons are updated in whole groups of lanes, timestep by timestep.
"""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from accelsim.hardware.quantities import Count, Spec
from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.dataflows.spike_stream import grouped_updates
from accelsim.pearray.kernels import subset_reuse
from accelsim.pearray.layer import ArrayLayer, Shape


class ProductSparseOptions(Spec):
    """Parameters of product sparsity."""

    tile_rows: Annotated[Count, Field(le=65536)]
    tile_taps: Annotated[Count, Field(le=64)]
    popcount_lanes: Annotated[Count, Field(le=4096)]


@DATAFLOWS.register("product_sparse")
class ProductSparse(Dataflow):
    """Subsets are reused."""

    Options: ClassVar[type[Spec]] = ProductSparseOptions
    whole_layer: ClassVar[bool] = True

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses of what is left of the spikes."""
        shape, tile_rows = layer.shape, int(self.options.tile_rows)
        pattern, ones = np.zeros(tile_rows, dtype=np.uint64), np.zeros(tile_rows, dtype=np.int64)
        left = repeated = searched = 0
        for spikes in layer.spikes:
            rows = np.ascontiguousarray(spikes.transpose(1, 0, 2)).reshape(shape.positions, shape.window)
            found = subset_reuse(
                rows, tile_rows, int(self.options.tile_taps), int(self.options.popcount_lanes), pattern, ones
            )
            left, repeated, searched = left + found[0], repeated + found[1], searched + found[2]
        tiles = ceil_div(shape.filters, self.size)
        products = (left + repeated) * shape.filters
        return Work(
            cycles=max(left + repeated, searched) * tiles,
            additions=left * shape.filters,
            input_reads=shape.positions * shape.window * shape.groups * tiles,
            weight_reads=left * shape.filters,
            sum_reads=products,
            sum_writes=products,
            input_passes=tiles,
            weight_passes=ceil_div(shape.positions, tile_rows),
            weights_by_spike=left * shape.filters,
        )

    def update_cycles(self, shape: Shape) -> int:
        """Return the cycles of the neuron units."""
        return grouped_updates(shape, self.neurons.lanes, self.neurons.cycles)
