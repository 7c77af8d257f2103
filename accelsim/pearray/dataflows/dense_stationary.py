"""Weights held still, every spike and every zero streamed: an array that does not know what a spike is.

A column of elements holds filters, a row taps. ``cycles = ceil(filters / columns) * ceil(window * positions / rows)``:
positions of all timesteps are laid end to end over the rows, so that no row is left over at the end of a tile. With
``compat: prosperity`` the second quotient is rounded down, and neurons are updated on the array, ``rows`` at a time and
only ``floor(timesteps / columns)`` times (the Eyeriss model of Prosperity's simulator, ``run_eyeriss_conv_fc``; Wei et
al., HPCA 2025), which is never for fewer timesteps than columns.
"""

from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.layer import ArrayLayer, Shape


@DATAFLOWS.register("dense_stationary")
class DenseStationary(Dataflow):
    """Nothing is skipped."""

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses: every tap of every position meets every filter."""
        shape, passes = layer.shape, self.tiles(layer.shape)
        products, folds = shape.products, ceil_div(shape.window, self.elements.rows)
        return Work(
            cycles=self.cycles(shape),
            additions=products,
            input_reads=products,
            weight_reads=products,
            weight_writes=shape.window * shape.filters * shape.groups,
            sum_reads=products,
            sum_writes=products,
            input_passes=passes,
            sum_spills=shape.positions * shape.filters * shape.groups * (folds - 1),
        )

    def tiles(self, shape: Shape) -> int:
        """Return the tiles of filters."""
        return ceil_div(shape.filters, self.elements.columns)

    def cycles(self, shape: Shape) -> int:
        """Return the cycles of a layer; a function of its sizes alone."""
        values, rows = shape.window * shape.positions, self.elements.rows
        streamed = values // rows if self.elements.compat else ceil_div(values, rows)
        return shape.groups * self.tiles(shape) * streamed

    def update_cycles(self, shape: Shape) -> int:
        """Return the cycles in which the neuron units, or with ``compat`` the array, update the layer."""
        if self.elements.compat:
            return shape.timesteps // self.elements.columns * shape.neurons // self.elements.rows
        return super().update_cycles(shape)
