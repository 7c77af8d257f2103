"""One projection from the linear nodes between two neuron nodes: [Scale] [pool] [Flatten] linear [Scale] -> neurons.

A pool becomes part of the connection (sum pool; an average's factor goes into the weights). A Scale is folded into the
weights: per input channel where it stands before the linear node, per output channel behind it. What cannot be folded
without unrolling shared weights is refused. Without a linear node the connection is one to one (per channel, pooled).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool, output_size
from accelsim.network.importers.layout import Layout
from accelsim.network.importers.nir_file import RawNode

Floats = npt.NDArray[np.float64]


Pair = tuple[int, int]


@dataclass(frozen=True)
class _Geometry:
    """Of a convolution, (y, x) each; a 1-D one has height 1."""

    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int

    def outputs(self, size: Pair, kernel: tuple[int, ...]) -> Pair:
        """Return the output height and width; a 1-D kernel has one axis."""
        spans = (1,) * (2 - len(kernel)) + tuple(kernel)
        height, width = (
            output_size(size[axis], spans[axis], self.stride[axis], sum(self.padding[axis]), self.dilation[axis])
            for axis in range(2)
        )
        return height, width


class Chain:
    """Takes the linear nodes in order and builds one connection.

    Parameters
    ----------
    source : Layout
        Of the population in front.
    """

    def __init__(self, source: Layout) -> None:
        self.source = source
        self.layout = source
        self._in = source
        self._image = source.image
        self._pool: Pool | None = None
        self._linear: RawNode | None = None
        self._before: list[tuple[RawNode, Floats]] = []
        self._after: list[tuple[str, Floats]] = []
        self._gain = 1.0
        self._geometry = _Geometry((1, 1), ((0, 0), (0, 0)), (1, 1), 1)

    def add(self, node: RawNode) -> None:
        """Take the next node.

        Raises
        ------
        NetworkError
            Naming the node, with what was expected and what was got.
        """
        try:
            _TAKE[node.type](self, node)
        except NetworkError as error:
            text = str(error)
            raise NetworkError(text if text.startswith("node ") else f"{node}: {text}") from None

    def finish(self, neurons: RawNode, gain: Floats) -> tuple[Connection, Floats | None]:
        """Return the connection into ``neurons`` and the bias per neuron, both times ``gain`` (n,)."""
        if (gain != 1.0).any():
            self._after.append((f"{neurons}: the input gain r dt/tau (or r dt)", gain))
        if self._linear is None:
            return self._one_to_one(), None
        linear = self._linear
        try:
            connection = self._dense(linear) if linear.type in {"Linear", "Affine"} else self._convolution(linear)
        except NetworkError as error:
            text = str(error)
            raise NetworkError(text if text.startswith("node ") else f"{linear}: {text}") from None
        bias = linear.array("bias").astype(np.float64).ravel() if "bias" in linear.values else np.zeros(0)
        if bias.size == 0:
            return connection, None
        return connection, np.resize(bias, self.layout.size) * self._factor()

    def take_scale(self, node: RawNode) -> None:
        """Fold an elementwise factor."""
        factor = self.layout.parameter(node, "scale")
        if self._linear is None:
            self._before.append((node, factor))
        else:
            self._after.append((str(node), factor))

    def take_flatten(self, node: RawNode) -> None:
        """Flatten the whole shape, channel-first."""
        shape = self.layout.exported
        _expect_stated(node, "input_type", shape)
        (start,), (end,) = node.integers("start_dim", 1), node.integers("end_dim", 1)
        last = len(shape) - 1
        if start > 0 or end not in {-1, last}:
            raise NetworkError(
                f"flattens axes {start}..{end} of {shape}; expected all of them (start_dim 0, end_dim -1), as the "
                "file has no "
                "batch axis"
            )
        self.layout = replace(self.layout, flat=True)

    def take_pool(self, node: RawNode) -> None:
        """Put a sum or average pool in front."""
        if self._linear is not None or self._pool is not None:
            before = self._linear or "another pool"
            raise NetworkError(
                f"a pool behind {before}; expected it in front of a linear node or directly behind neurons"
            )
        self._expect_axes(3, "(channels, height, width)")
        window = _pair(node, "kernel_size")
        pool = Pool(window, _pair(node, "stride"), _pair(node, "padding"))
        height, width = pool.output_shape(*self.layout.image[:2])
        channels = self.layout.shape[0]
        self._before = [(scale, self._pooled_scale(scale, factor, height * width)) for scale, factor in self._before]
        self._pool = pool
        self._gain = pool.gain if node.type == "AvgPool2d" else 1.0
        self.layout = Layout((channels, height, width))

    def _pooled_scale(self, scale: RawNode, factor: Floats, pixels: int) -> Floats:
        per_channel = self._per_channel(factor, self.layout.shape[0])
        if per_channel is None:
            raise NetworkError(f"{scale}: varies over positions and stands before a pool, so it cannot be folded")
        return np.tile(per_channel, pixels)

    def take_dense(self, node: RawNode) -> None:
        """Make it a dense layer."""
        self._take_linear(node)
        self._expect_axes(1, "(n,); is a Flatten missing?")
        weight = node.array("weight")
        if weight.ndim != 2 or weight.shape[1] != self.layout.size:
            raise NetworkError(f"weight: expected shape (n_out, {self.layout.size}), got {weight.shape}")
        self._in = self.layout
        self._expect_bias(node, weight.shape[0])
        self.layout = Layout((weight.shape[0],))

    def take_conv(self, node: RawNode) -> None:
        """Make it a convolution."""
        self._take_linear(node)
        axes = 1 if node.type == "Conv1d" else 2
        self._expect_axes(axes + 1, "(channels, length)" if axes == 1 else "(channels, height, width)")
        shape = self.layout.shape
        weight = node.array("weight")
        (groups,) = node.integers("groups", 1)
        if weight.ndim != axes + 2 or groups < 1 or weight.shape[1] * groups != shape[0]:
            kernel = ", ".join(("kh", "kw")[-axes:])
            raise NetworkError(
                f"weight: expected shape (c_out, c_in / groups, {kernel}) for {shape[0]} input channels in {groups} "
                "groups, got "
                f"{weight.shape}"
            )
        _expect_stated(node, "input_shape", shape[1:])
        self._expect_bias(node, weight.shape[0])
        self._in = self.layout
        self._geometry = _geometry(node, weight.shape[2:], groups)
        height, width = self._geometry.outputs(self.layout.image[:2], weight.shape[2:])
        self.layout = Layout((weight.shape[0], *((height, width)[2 - axes :])))

    def _take_linear(self, node: RawNode) -> None:
        if self._linear is not None:
            raise NetworkError(
                f"follows {self._linear} without neurons between them; merge the two linear nodes at export"
            )
        self._linear = node

    def _dense(self, node: RawNode) -> Connection:
        weights = self._in.to_neurons(node.array("weight"))
        factor = self._factor()[:, None] * self._input_factor(self._in.size)
        image = self._image if self._pool is not None else None
        return dense(_folded(weights, factor), pool=self._pool, input_shape=image)

    def _convolution(self, node: RawNode) -> Connection:
        weights = node.array("weight")
        if weights.ndim == 3:
            weights = weights[:, :, None, :]
        c_out, per_group = weights.shape[:2]
        factor = self._channel_factor(c_out)[:, None] * np.ones(per_group)
        for scale, values in self._before:
            channels = self._per_channel(values, self._in.shape[0])
            if channels is None:
                raise NetworkError(f"{scale}: varies over positions, but the convolution behind it shares its weights")
            group = np.arange(c_out) // (c_out // self._geometry.groups)
            factor *= channels.reshape(-1, per_group)[group]
        folded = _folded(weights, factor[:, :, None, None] * self._gain)
        how = self._geometry
        return convolution(
            folded,
            self._image,
            stride=how.stride,
            padding=how.padding,
            dilation=how.dilation,
            groups=how.groups,
            pool=self._pool,
        )[0]

    def _one_to_one(self) -> Connection:
        """Join each (pooled) position to its own neuron."""
        height, width, channels = self.layout.image
        factor = self._factor() * self._input_factor(self.layout.size)
        per_channel = self._per_channel(factor, channels)
        if per_channel is not None:
            weights = _folded(np.ones((channels, 1, 1, 1), dtype=np.float32), per_channel[:, None, None, None])
            return convolution(weights, self._image, groups=channels, pool=self._pool)[0]
        if self._pool is not None:
            names = ", ".join(name for name, _ in self._after)
            raise NetworkError(f"{names}: varies over positions behind a pool, so it cannot be folded")
        size = height * width * channels
        weights = _folded(np.ones((size, 1, 1, 1), dtype=np.float32), factor[:, None, None, None])
        return convolution(weights, (1, 1, size), groups=size)[0]

    def _input_factor(self, size: int) -> Floats:
        factor = np.full(size, self._gain)
        for _, values in self._before:
            factor = factor * values
        return factor

    def _factor(self) -> Floats:
        factor = np.ones(self.layout.size)
        for _, values in self._after:
            factor = factor * values
        return factor

    def _channel_factor(self, channels: int) -> Floats:
        factor = np.ones(channels)
        for name, values in self._after:
            per_channel = self._per_channel(values, channels)
            if per_channel is None:
                raise NetworkError(f"{name}: varies over positions, but the convolution in front shares its weights")
            factor *= per_channel
        return factor

    @staticmethod
    def _per_channel(values: Floats, channels: int) -> Floats | None:
        """Return the values of the channels where they are the same at every position, else None."""
        spread = values.reshape(-1, channels)
        return spread[0].copy() if (spread == spread[0]).all() else None

    def _expect_axes(self, axes: int, meaning: str) -> None:
        if len(self.layout.exported) != axes:
            raise NetworkError(f"expected an input {meaning}, got {self.layout.exported}")

    @staticmethod
    def _expect_bias(node: RawNode, outputs: int) -> None:
        if node.type == "Linear" or "bias" not in node.values:
            return
        shape = node.array("bias").shape
        if shape not in {(outputs,), (0,)}:
            raise NetworkError(f"bias: expected shape ({outputs},), got {shape}")


def _geometry(node: RawNode, kernel: tuple[int, ...], groups: int) -> _Geometry:
    axes = len(kernel)
    missing = 2 - axes
    stride, dilation = node.integers("stride", axes), node.integers("dilation", axes)
    padding = node.values.get("padding")
    sides: tuple[Pair, ...]
    if not isinstance(padding, str):
        sides = tuple((side, side) for side in node.integers("padding", axes))
    elif padding == "valid":
        sides = ((0, 0),) * axes
    elif padding == "same":
        if set(stride) != {1}:
            raise NetworkError(f"padding: 'same' expects stride 1, got {stride}")
        # As in PyTorch, an even total of zeros is split, and an odd one has the extra zero behind.
        totals = [spread * (size - 1) for spread, size in zip(dilation, kernel, strict=True)]
        sides = tuple((total // 2, total - total // 2) for total in totals)
    else:
        raise NetworkError(f"padding: expected integers, 'same' or 'valid', got {padding!r}")
    first, second = ((0, 0),) * missing + sides
    y, x = (1,) * missing + stride
    spread_y, spread_x = (1,) * missing + dilation
    return _Geometry((y, x), (first, second), (spread_y, spread_x), groups)


def _expect_stated(node: RawNode, key: str, shape: tuple[int, ...]) -> None:
    """Check a shape that the file repeats; absent or empty says nothing."""
    if key not in node.values or isinstance(node.values[key], str) or node.values[key].size == 0:
        return
    stated = tuple(int(item) for item in node.array(key).ravel())
    if stated != shape:
        raise NetworkError(f"{key}: expected {shape}, the shape in front of it, got {stated}")


def _pair(node: RawNode, key: str) -> Pair:
    first, second = node.integers(key, 2)
    return first, second


def _folded(weights: npt.NDArray[Any], factor: Floats) -> npt.NDArray[np.float32]:
    """Return weights times factor in float32; untouched where every factor is one."""
    if (factor == 1.0).all():
        return weights.astype(np.float32)
    product = weights.astype(np.float64) * factor
    if (np.abs(product) > np.finfo(np.float32).max).any():
        raise NetworkError("a weight times its folded factors is beyond float32")
    return product.astype(np.float32)


_TAKE: Final[dict[str, Callable[[Chain, RawNode], None]]] = {
    "Affine": Chain.take_dense,
    "AvgPool2d": Chain.take_pool,
    "Conv1d": Chain.take_conv,
    "Conv2d": Chain.take_conv,
    "Flatten": Chain.take_flatten,
    "Linear": Chain.take_dense,
    "Scale": Chain.take_scale,
    "SumPool2d": Chain.take_pool,
}

LINEAR_TYPES: Final = tuple(_TAKE)
