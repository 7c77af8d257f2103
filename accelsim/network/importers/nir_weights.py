"""The connection that a chain of linear nodes stands for: kernel, factors and pool made one, delays made apart."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.importers.connection_parts import of_sources, of_targets, to_order
from accelsim.network.importers.conv_geometry import Geometry
from accelsim.network.importers.layout import Layout

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]
Factors = tuple[tuple[str, Floats], ...]

MAX_UNROLLED: Final = 1 << 24
"""Largest matrix of a convolution that is joined with a dense layer."""
MAX_PRODUCTS: Final = 1 << 34
"""Most products that joining two dense layers may take."""
MAX_PARTS: Final = 256
"""Most projections that delays between the same two populations may make."""


@dataclass(frozen=True, eq=False)
class Dense:
    """(n_out, n_in) weights; columns in the order of the neurons in front."""

    weights: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Conv:
    """(c_out, c_in / groups, kh, kw) weights over a map of ``layout``."""

    weights: npt.NDArray[Any]
    geometry: Geometry
    layout: Layout

    def scaled(self, after: list[tuple[str, Floats]]) -> Floats:
        """Return the weights times the factors behind them.

        Raises
        ------
        NetworkError
            If a factor varies over positions.
        """
        factor = channel_factor(tuple(after), self.weights.shape[0])
        scaled: Floats = self.weights.astype(np.float64) * factor[:, None, None, None]
        return scaled

    def matrix(self) -> Floats:
        """Return the convolution as a (outputs, inputs) matrix.

        Raises
        ------
        NetworkError
            If it is beyond MAX_UNROLLED.
        """
        how = self.geometry
        height, width = how.outputs(self.layout.image[:2], self.weights.shape[2:])
        size = height * width * self.weights.shape[0] * self.layout.size
        if size > MAX_UNROLLED:
            raise NetworkError(
                f"follows a convolution without neurons between them; joined they are {size} weights, the limit is "
                f"{MAX_UNROLLED}"
            )
        matrix: Floats = _convolution(self.weights.astype(np.float64), self.layout.image, how, None).dense_matrix()
        return matrix


Kernel = Dense | Conv


@dataclass(frozen=True, eq=False)
class Weights:
    """Everything that a connection is made of; see :class:`accelsim.network.importers.nir_chain.Chain`.

    ``image`` is the (height, width, channels) in front of the pool or, without one, of the convolution.
    """

    image: tuple[int, int, int]
    layout: Layout
    pool: Pool | None
    kernel: Kernel | None
    before: Factors
    after: Factors
    gain: float
    source_delay: Steps
    target_delay: Steps

    def connections(self, target: Layout) -> list[tuple[int, Connection]]:
        """Return (delay in timesteps, connection) of every part, targets in the order of ``target``.

        Raises
        ------
        NetworkError
            If a factor cannot be folded, or the order of the targets cannot be had.
        """
        whole = self._whole()
        order = permutation(self.layout, target)
        delays = self.target_delay
        if order is not None:
            ordered = to_order(whole, order)
            if ordered is None:
                raise NetworkError(
                    f"its {self.layout.shape} values are added to neurons of shape {target.shape} that another flatten "
                    "put in another order; expected a dense layer or the same shape"
                )
            whole = ordered
            delays = delays if delays.size == 1 else delays[order]
        return _parts(whole, self.source_delay, delays)

    def _whole(self) -> Connection:
        if isinstance(self.kernel, Dense):
            factor = self._factor()[:, None] * self._input_factor(self.kernel.weights.shape[1])
            image = self.image if self.pool is not None else None
            return dense(folded(self.kernel.weights, factor), pool=self.pool, input_shape=image)
        return self._one_to_one() if self.kernel is None else self._convolution(self.kernel)

    def _convolution(self, kernel: Conv) -> Connection:
        c_out, per_group = kernel.weights.shape[:2]
        factor = channel_factor(self.after, c_out)[:, None] * np.ones(per_group)
        for name, values in self.before:
            channels = per_channel(values, kernel.layout.shape[0])
            if channels is None:
                raise NetworkError(f"{name}: varies over positions, but the convolution behind it shares its weights")
            group = np.arange(c_out) // (c_out // kernel.geometry.groups)
            factor *= channels.reshape(-1, per_group)[group]
        weights = folded(kernel.weights, factor[:, :, None, None] * self.gain)
        return _convolution(weights, self.image, kernel.geometry, self.pool)

    def _one_to_one(self) -> Connection:
        """Join each (pooled) position to its own neuron."""
        height, width, channels = self.layout.image
        factor = self._factor() * self._input_factor(self.layout.size)
        channel = per_channel(factor, channels)
        if channel is not None:
            image = self.layout.image if self.pool is None else self.image
            weights = folded(np.ones((channels, 1, 1, 1), dtype=np.float32), channel[:, None, None, None])
            return convolution(weights, image, groups=channels, pool=self.pool)[0]
        if self.pool is not None:
            names = ", ".join(name for name, _ in self.after)
            raise NetworkError(f"{names}: varies over positions behind a pool, so it cannot be folded")
        size = height * width * channels
        weights = folded(np.ones((size, 1, 1, 1), dtype=np.float32), factor[:, None, None, None])
        return convolution(weights, (1, 1, size), groups=size)[0]

    def _input_factor(self, size: int) -> Floats:
        factor = np.full(size, self.gain)
        for _, values in self.before:
            factor = factor * values
        return factor

    def _factor(self) -> Floats:
        factor = np.ones(self.layout.size)
        for _, values in self.after:
            factor = factor * values
        return factor


def dense_behind(columns: npt.NDArray[Any], kernel: Kernel, after: list[tuple[str, Floats]]) -> Dense:
    """Return a dense layer and the linear node in front of it as one dense layer.

    Raises
    ------
    NetworkError
        If they are too large to be joined.
    """
    first = kernel.matrix() if isinstance(kernel, Conv) else kernel.weights.astype(np.float64)
    products = columns.size * first.shape[1]
    if products > MAX_PRODUCTS:
        raise NetworkError(
            f"follows a linear node without neurons between them; joining them takes {products} products, the limit is "
            f"{MAX_PRODUCTS}; merge the two at export"
        )
    for _, values in after:
        first = first * values[:, None]
    return Dense(columns.astype(np.float64) @ first)


def channel_factor(factors: Factors, channels: int) -> Floats:
    """Return the product of factors behind a convolution, one per channel.

    Raises
    ------
    NetworkError
        If a factor varies over positions.
    """
    factor = np.ones(channels)
    for name, values in factors:
        constant = per_channel(values, channels)
        if constant is None:
            raise NetworkError(f"{name}: varies over positions, but the convolution in front shares its weights")
        factor *= constant
    return factor


def per_channel(values: Floats, channels: int) -> Floats | None:
    """Return the values of the channels where they are the same at every position, else None."""
    spread = values.reshape(-1, channels)
    return spread[0].copy() if (spread == spread[0]).all() else None


def folded(weights: npt.NDArray[Any], factor: Floats) -> npt.NDArray[np.float32]:
    """Return weights times factor in float32; untouched where every factor is one.

    Raises
    ------
    NetworkError
        If a product is beyond float32.
    """
    product = weights if (factor == 1.0).all() else weights.astype(np.float64) * factor
    if (np.abs(product) > np.finfo(np.float32).max).any():
        raise NetworkError("a weight times its folded factors is beyond float32")
    return product.astype(np.float32)


def permutation(layout: Layout, target: Layout) -> Steps | None:
    """Return, for each neuron of ``target``, the same value's place in ``layout``; None where the orders agree."""
    if layout.shape == target.shape:
        return None
    count = np.arange(layout.size)
    place = np.empty(layout.size, dtype=np.int64)
    place[layout.to_neurons(count.reshape(layout.exported))] = count
    order = place[target.to_neurons(count.reshape(target.exported))]
    return None if (order == count).all() else order


def _convolution(
    weights: npt.NDArray[Any], image: tuple[int, int, int], how: Geometry, pool: Pool | None
) -> Connection:
    return convolution(
        weights,
        image,
        stride=how.stride,
        padding=how.padding,
        dilation=how.dilation,
        groups=how.groups,
        pool=pool,
    )[0]


def _parts(whole: Connection, source_delay: Steps, target_delay: Steps) -> list[tuple[int, Connection]]:
    first, second = np.unique(source_delay), np.unique(target_delay)
    if first.size * second.size > MAX_PARTS:
        count = first.size * second.size
        raise NetworkError(f"delays that differ would make {count} projections, the limit is {MAX_PARTS}")
    parts = []
    for early in first.tolist():
        part = whole if first.size == 1 else of_sources(whole, source_delay == early)
        for late in second.tolist():
            item = part if second.size == 1 else of_targets(part, target_delay == late)
            if item.run_row.size:
                parts.append((early + late, item))
    return parts or [(int(first[0] + second[0]), whole)]
