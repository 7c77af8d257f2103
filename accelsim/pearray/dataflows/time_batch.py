"""Timesteps in windows: a weight is read once for all timesteps of a window (Parallel Time Batching).

Lee, Zhang, Li, "Parallel Time Batching: Systolic-Array Acceleration of Sparse Spiking Neural Computation", HPCA 2022.
Rows of the array hold filters, a column holds one output position in one window of ``window_steps`` timesteps. A tap
enters a tile of columns if any of them has a spike for it in its window; then it takes ``window_steps`` cycles. Taps
whose columns do not overlap are packed into one (StSAP), greedily, in the order of the taps.

``cycles = ceil(filters / rows) * window_steps * packed taps of all tiles + 2 * rows * pixels``: the last term fills and
drains the array once for each output position, as in Prosperity's model of PTB (``run_PTB_convfc``; Wei et al., HPCA
2025), whose cycles these are. That model packs convolutions only (``packing: convolutions``). Timesteps are padded to a
power of two with ``compat: prosperity``, else to whole windows.
"""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.hardware.quantities import Count, Spec
from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.kernels import packed_rows, window_masks
from accelsim.pearray.layer import ArrayLayer, Shape


class TimeBatchOptions(Spec):
    """Parameters of the time batch."""

    window_steps: Annotated[Count, Field(le=1024)]
    packing: Literal["all", "convolutions", "none"]


@DATAFLOWS.register("time_batch")
class TimeBatch(Dataflow):
    """Windows of timesteps, packed."""

    Options: ClassVar[type[Spec]] = TimeBatchOptions
    whole_layer: ClassVar[bool] = True

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses of the packed taps."""
        shape, steps = layer.shape, int(self.options.window_steps)
        packed = sum(self.taps(layer, group) for group in range(shape.groups))
        tiles = ceil_div(shape.filters, self.elements.rows)
        cycles = packed * tiles * steps + 2 * self.elements.rows * shape.pixels
        sums = layer.additions
        return Work(
            cycles=cycles,
            additions=sums,
            input_reads=packed * self.elements.columns * steps * tiles,
            input_writes=packed * self.elements.columns * steps * tiles,
            weight_reads=packed * shape.filters,
            weight_writes=packed * shape.filters,
            sum_reads=sums,
            sum_writes=sums,
            input_passes=tiles,
            weight_passes=ceil_div(self.windows(shape) * shape.pixels, self.elements.columns),
            weights_by_spike=packed * shape.filters,
        )

    def windows(self, shape: Shape) -> int:
        """Return the windows of timesteps."""
        padded = 1 << (shape.timesteps - 1).bit_length() if self.elements.compat else shape.timesteps
        return ceil_div(padded, int(self.options.window_steps))

    def taps(self, layer: ArrayLayer, group: int) -> int:
        """Return the taps of all tiles that enter the array."""
        shape, columns = layer.shape, self.elements.columns
        tiles = ceil_div(self.windows(shape) * shape.pixels, columns)
        masks = np.zeros((tiles, shape.window), dtype=np.uint64)
        window_masks(layer.group(group), int(self.options.window_steps), shape.pixels, masks)
        packs = self.options.packing == "all" or (self.options.packing == "convolutions" and shape.kind == "conv")
        if not packs:
            return int(np.count_nonzero(masks))
        full = np.uint64((1 << columns) - 1)
        return int(packed_rows(masks, full, np.zeros(shape.window, dtype=np.uint8)))
