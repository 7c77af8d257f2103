"""Both operands as bitmasks that are joined: LoAS' fully temporal-parallel inner product.

Yin, Kim, Wu, Panda, "LoAS: Fully Temporal-Parallel Dataflow for Dual-Sparse Spiking Neural Networks", MICRO 2024. The
spikes of a neuron over all timesteps are one word; a neuron that is silent in all of them is no entry of its fiber. An
element joins the fiber of an output position with the weights of a filter, ``chunk_bits`` positions of both masks at a
time: every match takes a cycle, a chunk without a match one as well. Elements work on as many filters of one position;
the slowest ends the tile: ``cycles = sum over tiles of max over filters of sum over chunks of max(1, matches)``.

A match adds its weight for all timesteps at once (the pseudo-accumulator); timesteps in which the neuron was silent
take the weight away again: ``additions = matches + silent timesteps of matches``. The slow prefix sum that finds those
runs behind the fast one and is taken never to be the slower. Banks of the cache never conflict here.
"""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from accelsim.hardware.quantities import Count, Spec
from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.layer import ArrayLayer


class DualSparseOptions(Spec):
    """Parameters of the inner join."""

    chunk_bits: Annotated[Count, Field(le=65536)]


@DATAFLOWS.register("dual_sparse")
class DualSparse(Dataflow):
    """Matches of two masks."""

    Options: ClassVar[type[Spec]] = DualSparseOptions
    whole_layer: ClassVar[bool] = True

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses of the matches."""
        shape, chunk = layer.shape, int(self.options.chunk_bits)
        cycles = matches = corrections = words = 0
        for group in range(shape.groups):
            ones = layer.spikes[group].sum(axis=0, dtype=np.int64)
            fires = ones > 0
            silent = np.where(fires, shape.timesteps - ones, 0).sum(axis=0)
            nonzero = np.ones((shape.window, shape.filters), bool) if layer.nonzero is None else layer.nonzero[group]
            busy = np.zeros((shape.pixels, shape.filters))
            for first in range(0, shape.window, chunk):
                own = slice(first, first + chunk)
                found = fires[:, own].astype(np.float64) @ nonzero[own].astype(np.float64)
                matches += int(found.sum())
                busy += np.maximum(found, 1)
            tiles = np.maximum.reduceat(busy, np.arange(0, shape.filters, self.size), axis=1)
            cycles += int(tiles.sum())
            corrections += int((silent * nonzero.sum(axis=1)).sum())
            words += int(fires.sum())
        tiles_of_filters = ceil_div(shape.filters, self.size)
        return Work(
            cycles=cycles,
            additions=matches + corrections,
            input_reads=matches * shape.timesteps,
            input_writes=words * shape.timesteps * tiles_of_filters,
            weight_reads=matches,
            sum_reads=matches + corrections,
            sum_writes=matches + corrections,
            input_passes=tiles_of_filters,
            weights_by_spike=matches,
        )
