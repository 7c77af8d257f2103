"""Kernel rows held still: Eyeriss' dataflow with zeros skipped on both sides.

Chen, Emer, Sze, ISCA 2016, and Chen et al., JSSC 2017. A set of elements, one per kernel row and output row, makes a
strip of output rows; sets side by side take other filters, sets below each other further channels. An element holds the
kernel rows of ``p`` filters and ``q`` channels, as many as its scratchpads take: ``q * kernel_width`` inputs with
``channels: held``, those of one channel at a time with ``streamed``; ``p * q * kernel_width`` weights, ``p`` sums. Of
all mappings ``prefer: passes`` takes the widest strip and then the one with the fewest passes, ``fetches`` the one that
fetches weights the least, then the one with the fewest passes. Loops, outermost first: timesteps (``batch_steps`` at a
time), strips, folds of filters, folds of channels.

Only products of a spike and a weight that is not zero take a cycle with ``skips: both`` (weights are skipped where
there is no spike, and inputs where there is no weight: Schaefer et al., TCAS-II 2023, and timeloop-quant's
``sparse_opt``). A pass ends with its busiest element: ``cycles = sum over passes of max over elements of products``,
exact for the spikes and weights at hand. Partial sums of the kernel rows and sets of a pass are added down the columns;
those of further folds of channels go to the buffer and come back.

Weights are fetched again for every strip of every batch of timesteps, unless all of the layer's lie in the elements.
Not modelled: filling and draining a pass; the rows of inputs that two strips share are counted with each.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from accelsim.errors import MappingError
from accelsim.hardware.quantities import Count, Spec
from accelsim.pearray.dataflow import DATAFLOWS, Dataflow, Work, ceil_div
from accelsim.pearray.layer import ArrayLayer, Shape


class RowStationaryOptions(Spec):
    """Parameters of the row-stationary dataflow."""

    batch_steps: Annotated[Count, Field(le=65536)]
    """Timesteps for which weights stay in the elements."""
    skips: Literal["both", "inputs"]
    """Zeros of which operands take no cycle: ``inputs`` alone where weights are stored and taken in dense."""
    channels: Literal["held", "streamed"]
    """Whether an element holds the inputs of all of its channels, or of one at a time."""
    prefer: Literal["passes", "fetches"]
    """What the mapping has few of."""


@dataclass(frozen=True)
class Mapped:
    """A layer on the array: blocks of ``p`` filters and ``q`` channels, and how many fit side by side.

    ``strips`` of ``strip_rows`` output rows; ``across`` blocks of filters and ``down`` blocks of channels per pass.
    """

    channels: int
    p: int
    q: int
    strip_rows: int
    strips: int
    across: int
    down: int
    filter_blocks: int
    channel_blocks: int

    @property
    def filter_folds(self) -> int:
        """Passes over the filters."""
        return ceil_div(self.filter_blocks, self.across)

    @property
    def channel_folds(self) -> int:
        """Passes over the channels."""
        return ceil_div(self.channel_blocks, self.down)


@DATAFLOWS.register("row_stationary")
class RowStationary(Dataflow):
    """Both operands are skipped."""

    Options: ClassVar[type[Spec]] = RowStationaryOptions

    def work(self, layer: ArrayLayer) -> Work:
        """Return cycles and accesses of the passes."""
        shape, at = layer.shape, self.mapped(layer.shape)
        cycles = reads = delivered = sums = 0
        taken = np.ones((shape.groups, shape.window, shape.filters), dtype=np.bool_)
        if layer.nonzero is not None and self.options.skips == "both":
            taken = layer.nonzero
        for group in range(shape.groups):
            nonzero = taken[group]
            rows = shape.pixels // shape.columns
            spikes = layer.spikes[group].reshape(shape.timesteps * rows, shape.columns, shape.window)
            per_row = spikes.sum(axis=1, dtype=np.int64)
            held = np.add.reduceat(nonzero, np.arange(0, shape.filters, at.p), axis=1, dtype=np.int64)
            cycles += self._cycles(per_row.reshape(shape.timesteps, rows, -1), held, shape, at)
            reads += int((per_row.sum(axis=0) * (held > 0).sum(axis=1)).sum())
            sums += int((per_row.sum(axis=0) * nonzero.sum(axis=1)).sum())
            delivered += self._delivered(spikes, shape) * at.filter_blocks
        outputs = shape.positions * shape.filters * shape.groups
        down_the_column = outputs * (shape.kernel[0] * at.channel_blocks - at.channel_folds)
        weights = int(taken.sum())
        batches = ceil_div(shape.timesteps, 1 if self.spec.order == "timestep" else int(self.options.batch_steps))
        held_all = at.filter_folds * at.channel_folds * shape.groups == 1
        return Work(
            cycles=cycles,
            additions=sums + down_the_column,
            input_reads=reads,
            input_writes=delivered,
            weight_reads=sums,
            weight_writes=weights * (shape.pixels // shape.columns) * (1 if held_all else batches),
            sum_reads=sums + down_the_column,
            sum_writes=sums + down_the_column,
            input_passes=at.filter_folds,
            weight_passes=1 if held_all else at.strips * batches,
            sum_spills=outputs * (at.channel_folds - 1),
        )

    def mapped(self, shape: Shape) -> Mapped:
        """Return how a layer lies on the array.

        Raises
        ------
        MappingError
            If a kernel row does not fit into an element, or its rows into a column.
        """
        high, wide = shape.kernel
        pads, elements = self.spec.scratchpads, self.elements
        if pads.inputs is None or pads.weights is None or pads.sums is None:
            raise MappingError(f"{shape.name}: row_stationary needs scratchpads of inputs, weights and sums")
        streamed = self.options.channels == "streamed"
        most = min(pads.inputs.words, pads.weights.words) // wide
        if most < 1 or high > elements.rows:
            raise MappingError(
                f"{shape.name}: expected a kernel of at most {elements.rows} rows and "
                f"{min(pads.inputs.words, pads.weights.words)} columns, got {high} x {wide}"
            )
        rows = shape.pixels // shape.columns
        channels = shape.window // (high * wide)
        widest, down = min(rows, elements.columns), elements.rows // high
        most = pads.weights.words // wide if streamed else most
        fetches = self.options.prefer == "fetches"
        choices = []
        for strip in range(1 if fetches else widest, widest + 1):
            for q in range(1, min(channels, most) + 1):
                p = min(shape.filters, pads.sums.words, pads.weights.words // (q * wide))
                blocks = (ceil_div(shape.filters, p), ceil_div(channels, q))
                across = elements.columns // strip
                choices.append(Mapped(channels, p, q, strip, ceil_div(rows, strip), across, down, *blocks))

        def cost(item: Mapped) -> tuple[int, ...]:
            passes = item.filter_folds * item.channel_folds
            fetched = (1 if passes == 1 else item.strips) if fetches else 0
            return (fetched, passes != 1 if fetches else 0, passes * item.strips, item.channel_folds, item.q)

        return min(choices, key=cost)

    @staticmethod
    def _cycles(
        per_row: npt.NDArray[np.int64], held: npt.NDArray[np.int64], shape: Shape, at: Mapped
    ) -> int:
        """Return the cycles of one group.

        ``per_row`` (timesteps, output rows, window): spikes by tap; ``held`` (window, filter blocks): weights
        that are not zero.
        """
        steps, rows, _ = per_row.shape
        high, wide = shape.kernel
        taps = per_row.reshape(steps * rows, at.channels, high, wide).astype(np.float64)
        weights = held.reshape(at.channels, high, wide, at.filter_blocks).astype(np.float64)
        folds = at.filter_folds
        total = 0
        for first in range(0, at.channel_blocks, at.down):
            most = np.zeros((steps, at.strips, folds))
            for block in range(first, min(first + at.down, at.channel_blocks)):
                own = slice(block * at.q, (block + 1) * at.q)
                for row in range(high):
                    products = np.tensordot(taps[:, own, row], weights[own, row], axes=((1, 2), (0, 1)))
                    passes = np.maximum.reduceat(products, np.arange(0, at.filter_blocks, at.across), axis=1)
                    strips = np.maximum.reduceat(
                        passes.reshape(steps, rows, folds), np.arange(0, rows, at.strip_rows), axis=1
                    )
                    most = np.maximum(most, strips)
            total += int(most.sum())
        return total

    @staticmethod
    def _delivered(spikes: npt.NDArray[np.uint8], shape: Shape) -> int:
        """Return the spikes that the elements of one block of filters take in: each once per kernel row that it meets.

        Windows that move by one input share all taps but the first with the next one.
        """
        if shape.stride != 1 or shape.kernel[1] == 1:
            return int(spikes.sum(dtype=np.int64))
        first = spikes[:, :, :: shape.kernel[1]].sum(dtype=np.int64)
        rest = spikes[:, -1].sum(dtype=np.int64) - spikes[:, -1, :: shape.kernel[1]].sum(dtype=np.int64)
        return int(first + rest)
