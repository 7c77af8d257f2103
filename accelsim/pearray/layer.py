"""A layer as an array of processing elements sees it: a product of spikes and weights.

A connection of rows and runs is unfolded into its matrix (im2col): for every group, timestep and output position the
spikes that meet each tap of the window. A sum pool in front is part of the runs, so an entry counts the spikes of its
pooling window. Shared weights stay shared.

Not represented: connections that are no matrix product, such as lists of single synapses; they are refused by name.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import MappingError
from accelsim.network.connections.connection import Connection, Geometry
from accelsim.network.connections.windows import output_size
from accelsim.pearray.kernels import unfold

MAX_ENTRIES: Final = 1 << 31
"""Entries of one layer's matrix of spikes, over its timesteps."""

Entries = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Shape:
    """Sizes of a layer as a product: ``groups`` x (timesteps * pixels, window) x (window, filters).

    ``kernel`` are the rows and columns of the window, (1, 1) for a dense layer; ``columns`` the output positions of one
    image row, ``stride`` the inputs between two of them.
    """

    name: str
    kind: Literal["dense", "conv"]
    timesteps: int
    pixels: int
    window: int
    filters: int
    groups: int = 1
    kernel: tuple[int, int] = (1, 1)
    columns: int = 1
    stride: int = 1

    @property
    def positions(self) -> int:
        """Output positions over all timesteps: rows of the product."""
        return self.timesteps * self.pixels

    @property
    def neurons(self) -> int:
        """Neurons behind the layer."""
        return self.pixels * self.filters * self.groups

    @property
    def products(self) -> int:
        """Products over all timesteps, padding and zeros included."""
        return self.positions * self.window * self.filters * self.groups


@dataclass(frozen=True, eq=False)
class ArrayLayer:
    """A layer with its activity and its weights.

    Attributes
    ----------
    shape : Shape
    spikes : (groups, timesteps, pixels, window) uint8
        Spikes that meet each tap; more than 1 behind a sum pool, or where a neuron spikes several times in a timestep.
    nonzero : (groups, window, filters) bool, or None
        Which weights are not zero; None where the weights are not known: all of them then count.
    """

    shape: Shape
    spikes: Entries
    nonzero: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        expected = (self.shape.groups, self.shape.timesteps, self.shape.pixels, self.shape.window)
        if self.spikes.shape != expected or self.spikes.dtype != np.uint8:
            raise MappingError(
                f"{self.shape.name}: expected spikes uint8 {expected}, got {self.spikes.dtype} {self.spikes.shape}"
            )
        weights = (self.shape.groups, self.shape.window, self.shape.filters)
        if self.nonzero is not None and self.nonzero.shape != weights:
            raise MappingError(f"{self.shape.name}: expected weights {weights}, got {self.nonzero.shape}")

    def group(self, index: int) -> Entries:
        """Return the spikes of one group, (positions, window): timesteps outermost."""
        return np.reshape(self.spikes[index], (self.shape.positions, self.shape.window))

    @property
    def additions(self) -> int:
        """Weights that are met by a spike, stored zeros included; a tap with several spikes is added as often."""
        return int(self.spikes.sum(dtype=np.int64)) * self.shape.filters

    @property
    def effective(self) -> int:
        """Non-zero weights that are met by a spike."""
        if self.nonzero is None:
            return self.additions
        per_tap = self.spikes.sum(axis=(1, 2), dtype=np.int64)
        return int((per_tap * self.nonzero.sum(axis=2)).sum())


def shape_of(name: str, connection: Connection, timesteps: int) -> Shape:
    """Return the sizes of a connection.

    Raises
    ------
    MappingError
        If it is no matrix product of a window that slides over an image, or of a dense layer.
    """
    own, rows = connection.shape, connection.rows
    if rows.shape != (own.groups * own.window, own.filters) or connection.n_target != (
        own.pixels * own.filters * own.groups
    ):
        raise MappingError(
            f"{name}: an array needs a dense layer or a convolution, got rows of shape {rows.shape} for "
            f"{connection.n_target} neurons"
        )
    sizes = (timesteps, own.pixels, own.window, own.filters, own.groups)
    if own.kind == "dense" or connection.geometry is None:
        return Shape(name, own.kind, *sizes)
    where = connection.geometry
    return Shape(name, own.kind, *sizes, where.kernel, _columns(where), where.stride[1])


def _columns(where: Geometry) -> int:
    """Return the output positions of one image row of a convolution."""
    width = where.source[1]
    if where.pool is not None:
        window, stride, padding = (pair[1] for pair in where.pool)
        width = output_size(width, window, stride, 2 * padding, 1)
    return output_size(width, where.kernel[1], where.stride[1], sum(where.padding[1]), where.dilation[1])


def array_layer(
    name: str, connection: Connection, ptr: npt.NDArray[np.int64], index: npt.NDArray[Any], count: npt.NDArray[Any]
) -> ArrayLayer:
    """Return a connection with the spikes of its source.

    Parameters
    ----------
    name : str
    connection : Connection
    ptr : (timesteps + 1,) int64
        Spikes of timestep t are ``index[ptr[t] : ptr[t + 1]]``.
    index : (n_spikes,) int
        Source neurons.
    count : (n_spikes,) int
        Spikes of each.

    Raises
    ------
    MappingError
        As :func:`shape_of`, or if the matrix is too large or a tap meets more than 255 spikes in a timestep.
    """
    shape = shape_of(name, connection, len(ptr) - 1)
    size = shape.groups * shape.positions * shape.window
    if size > MAX_ENTRIES:
        raise MappingError(f"{name}: {size} entries of spikes, the limit is {MAX_ENTRIES}")
    spikes = np.zeros((shape.groups, shape.timesteps, shape.pixels, shape.window), dtype=np.uint8)
    runs = (connection.run_ptr, connection.run_row, connection.run_start)
    if not unfold(ptr, index.astype(np.int64), count.astype(np.int64), *runs, shape.filters, spikes):
        raise MappingError(f"{name}: a tap meets more than 255 spikes in a timestep")
    nonzero = (connection.rows != 0).reshape(shape.groups, shape.window, shape.filters)
    return ArrayLayer(shape, spikes, nonzero)


def repeated(layer: ArrayLayer) -> ArrayLayer:
    """Return the layer for elements that know one spike or none: a tap with n spikes enters as n taps of one.

    The window is as many times as long as the fullest tap; copy k of a tap has a spike where there are more than k.
    """
    most = int(layer.spikes.max(initial=0))
    spikes = np.concatenate([(layer.spikes > copy).astype(np.uint8) for copy in range(most)], axis=3)
    nonzero = None if layer.nonzero is None else np.concatenate([layer.nonzero] * most, axis=1)
    shape = replace(layer.shape, window=layer.shape.window * most, kernel=(1, 1))
    return ArrayLayer(shape, spikes, nonzero)


def unfolded(images: Entries, kernel: int, padding: int) -> Entries:
    """Return (timesteps, channels, height, width) as windows of stride 1, (1, timesteps, pixels, window).

    A window is numbered (channel, y, x), as the rows of a convolution are.
    """
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    steps, channels, height, width = windows.shape[:4]
    turned = windows.transpose(0, 2, 3, 1, 4, 5).reshape(1, steps, height * width, channels * kernel * kernel)
    return np.ascontiguousarray(turned)
