"""Projections from the linear nodes between two neuron nodes.

A pool in front becomes part of the connection (sum pool; an average's factor goes into the weights). Scales are folded
into the weights: per input channel where they stand in front of the linear node, per output channel behind it. Linear
nodes in a row are joined where that is exact (:mod:`accelsim.network.importers.nir_join`). Delays that differ between
neurons make several projections. What cannot be folded without unrolling shared weights is refused. Without a linear
node the connection is one to one (per channel, pooled).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.windows import Pool
from accelsim.network.importers.conv_geometry import Geometry, geometry_of, joined
from accelsim.network.importers.layout import Layout
from accelsim.network.importers.nir_file import RawNode
from accelsim.network.importers.nir_weights import Conv, Dense, Kernel, Weights, dense_behind, per_channel

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]
Pair = tuple[int, int]

DELAY_TOLERANCE: Final = 1e-6
"""How far a delay may be from a whole number of timesteps, relative to itself or to one timestep."""


class Chain:
    """Takes the linear nodes in order.

    Parameters
    ----------
    source : Layout
        Of the population in front.
    dt : float
        Timestep, s.

    Attributes
    ----------
    layout : Layout
        Behind the nodes so far.
    repairs : list of str
        What was put right.
    biases : dict of int to (n,) float64
        Constant currents by the timestep at which they begin, in the order of ``layout``.
    """

    def __init__(self, source: Layout, dt: float) -> None:
        self.source = source
        self.layout = source
        self.repairs: list[str] = []
        self.biases: dict[int, Floats] = {}
        self._dt = dt
        self._pool: Pool | None = None
        self._image = source.image
        self._kernel: Kernel | None = None
        self._before: list[tuple[str, Floats]] = []
        self._after: list[tuple[str, Floats]] = []
        self._gain = 1.0
        self._source_delay: Steps = np.zeros(1, dtype=np.int64)
        self._target_delay: Steps = np.zeros(1, dtype=np.int64)
        self._flattened: RawNode | None = None

    def add(self, node: RawNode, *, bias: bool = True) -> None:
        """Take the next node; its bias is left out where another path counts it already.

        Raises
        ------
        NetworkError
            Naming the node, with what was expected and what was got.
        """
        try:
            _TAKE[node.type](self, node)
            if bias and node.type in _BIASED:
                self._add_bias(node)
        except NetworkError as error:
            text = str(error)
            raise NetworkError(text if text.startswith("node ") else f"{node}: {text}") from None
        self._flattened = node if node.type == "Flatten" else None

    def weights(self, neurons: str, gain: Floats | None) -> Weights:
        """Return everything that the connection into ``neurons`` is made of; ``gain`` (n,) multiplies it."""
        after = list(self._after)
        if gain is not None and (gain != 1.0).any():
            after.append((f"{neurons}: the input gain r dt/tau (or r dt)", gain))
        return Weights(
            image=self._image,
            layout=self.layout,
            pool=self._pool,
            kernel=self._kernel,
            before=tuple(self._before),
            after=tuple(after),
            gain=self._gain,
            source_delay=self._source_delay,
            target_delay=self._target_delay,
        )

    def take_scale(self, node: RawNode) -> None:
        """Fold an elementwise factor."""
        factor = self.layout.parameter(node, "scale")
        self.biases = {delay: value * factor for delay, value in self.biases.items()}
        (self._before if self._kernel is None else self._after).append((str(node), factor))

    def take_flatten(self, node: RawNode) -> None:
        """Merge axes, channel-first; they count from the sample, as the file has no batch axis."""
        shape = self.layout.exported
        _expect_stated(node, "input_type", shape)
        (start,), (end,) = node.integers("start_dim", 1), node.integers("end_dim", 1)
        first, last = (axis + len(shape) if axis < 0 else axis for axis in (start, end))
        if not 0 <= first <= last < len(shape):
            if (start, end) == (1, -1) and len(shape) == 1:
                return  # nothing to flatten behind the channels
            raise NetworkError(f"flattens axes {start}..{end} of {shape}, which has {len(shape)}")
        self.layout = self.layout.flattened(first, last)

    def take_delay(self, node: RawNode) -> None:
        """Delay every value by a whole number of timesteps."""
        delay = self.layout.parameter(node, "delay")
        steps = np.rint(delay / self._dt)
        wrong = np.abs(delay - steps * self._dt) > DELAY_TOLERANCE * np.maximum(np.abs(delay), self._dt)
        if wrong.any() or (delay < 0).any() or (steps > 1 << 30).any():
            value = delay[np.argmax(wrong | (delay < 0) | (steps > 1 << 30))]
            raise NetworkError(f"delay: expected a whole number of timesteps of {self._dt:g} s, got {value:g} s")
        whole = steps.astype(np.int64)
        if (whole == whole[0]).all():
            whole = whole[:1]
        if self._kernel is not None:
            self._target_delay = self._target_delay + whole
        elif self._pool is None or whole.size == 1:
            self._source_delay = self._source_delay + whole
        else:
            raise NetworkError("delay: differs between the outputs of a pool; expected one delay there")
        shifted: dict[int, Floats] = {}
        for begin, value in self.biases.items():
            for extra in np.unique(whole).tolist():
                part = value * (whole == extra)
                shifted[begin + extra] = shifted.get(begin + extra, 0.0) + part
        self.biases = shifted

    def take_pool(self, node: RawNode) -> None:
        """Put a sum or average pool in front, or join it to the convolution in front of it."""
        self._expect_axes(3, "(channels, height, width)")
        window, stride, padding = (_pair(node, key) for key in ("kernel_size", "stride", "padding"))
        pool = Pool(window, stride, padding)
        height, width = pool.output_shape(*self.layout.image[:2])
        channels = self.layout.shape[0]
        if isinstance(self._kernel, Conv):
            if channels * window[0] * window[1] > 1 << 24:
                raise NetworkError(f"kernel_size: a window of {window} is too large to be joined to a convolution")
            ones = np.full((channels, 1, *window), pool.gain if node.type == "AvgPool2d" else 1.0)
            sides = ((padding[0], padding[0]), (padding[1], padding[1]))
            self._join_conv(ones, Geometry(stride, sides, (1, 1), channels), (height, width))
            return
        if self._kernel is not None or self._pool is not None:
            before = "another pool" if self._kernel is None else "a dense layer"
            raise NetworkError(
                f"a pool behind {before}; expected it in front of a linear node, behind a convolution or directly "
                "behind neurons"
            )
        self._before = [(name, self._pooled_scale(name, value, height * width)) for name, value in self._before]
        self._pool, self._image = pool, self.layout.image
        self._gain = pool.gain if node.type == "AvgPool2d" else 1.0
        self.layout = Layout((channels, height, width))

    def _pooled_scale(self, name: str, factor: Floats, pixels: int) -> Floats:
        channels = per_channel(factor, self.layout.shape[0])
        if channels is None:
            raise NetworkError(f"{name}: varies over positions and stands before a pool, so it cannot be folded")
        return np.tile(channels, pixels)

    def take_dense(self, node: RawNode) -> None:
        """Make it a dense layer, or join it to the linear node in front."""
        weight = node.array("weight")
        self._undo_batch_axis(weight.shape)
        self._expect_axes(1, "(n,); is a Flatten missing?")
        if weight.ndim != 2 or weight.size == 0 or weight.shape[1] != self.layout.size:
            raise NetworkError(f"weight: expected shape (n_out, {self.layout.size}), got {weight.shape}")
        _expect_bias(node, weight.shape[0])
        columns = self.layout.to_neurons(weight)
        if self._kernel is None:
            self._kernel = Dense(columns)
        else:
            self._one_delay()
            self._kernel = dense_behind(columns, self._kernel, self._after)
            self.biases = {delay: columns.astype(np.float64) @ value for delay, value in self.biases.items()}
            self._after = []
        self.layout = Layout((weight.shape[0],))

    def _undo_batch_axis(self, shape: tuple[int, ...]) -> None:
        """Flatten whole where a Flatten counted a batch axis that the file does not have."""
        flat = self._flattened
        if flat is None or len(self.layout.exported) == 1 or len(shape) != 2 or shape[1] != self.layout.size:
            return
        if flat.integers("start_dim", 1) == (1,):
            self.repairs.append(f"{flat}: start_dim 1 counts a batch axis that the file does not have: taken for 0")
            self.layout = self.layout.flattened(0, len(self.layout.exported) - 1)

    def take_conv(self, node: RawNode) -> None:
        """Make it a convolution, or join it to the one in front."""
        axes = 1 if node.type == "Conv1d" else 2
        self._expect_axes(axes + 1, "(channels, length)" if axes == 1 else "(channels, height, width)")
        shape = self.layout.shape
        weight = node.array("weight")
        (groups,) = node.integers("groups", 1)
        if weight.ndim != axes + 2 or weight.size == 0 or groups < 1 or weight.shape[1] * groups != shape[0]:
            kernel = ", ".join(("kh", "kw")[-axes:])
            raise NetworkError(
                f"weight: expected shape (c_out, c_in / groups, {kernel}) for {shape[0]} input channels in {groups} "
                "groups, got "
                f"{weight.shape}"
            )
        if weight.shape[0] % groups:
            raise NetworkError(f"groups: expected a divisor of the {weight.shape[0]} output channels, got {groups}")
        _expect_stated(node, "input_shape", shape[1:])
        _expect_bias(node, weight.shape[0])
        how = geometry_of(node, weight.shape[2:], groups)
        size = how.outputs(self.layout.image[:2], weight.shape[2:])
        spread = weight[:, :, None, :] if axes == 1 else weight
        if self._kernel is not None:
            self._join_conv(spread, how, size, axes)
            return
        if self._pool is None:
            self._image = self.layout.image
        elif self._pool.output_shape(*self._image[:2]) != self.layout.image[:2]:
            raise NetworkError("a flatten between a pool and a convolution; put it in front of the pool")
        self._kernel = Conv(spread, how, self.layout)
        self.layout = Layout((weight.shape[0], *(size[2 - axes :])))

    def _join_conv(self, weights: npt.NDArray[np.floating], how: Geometry, size: Pair, axes: int = 2) -> None:
        if not isinstance(self._kernel, Conv):
            raise NetworkError("a convolution behind a dense layer without neurons between them; put neurons there")
        self._one_delay()
        first = self._kernel.scaled(self._after)
        kernel, geometry = joined(first, self._kernel.geometry, weights, how)
        channels = self.layout.shape[0]
        biases = {}
        for begin, value in self.biases.items():
            constant = per_channel(value, channels)
            if constant is None:
                raise NetworkError("the bias in front varies over positions, so the two cannot be joined")
            filters = weights.shape[0] // how.groups
            groups = np.arange(weights.shape[0]) // filters
            summed = weights.sum(axis=(2, 3)) * constant.reshape(how.groups, -1)[groups]
            biases[begin] = np.tile(summed.sum(axis=1), size[0] * size[1])
        self.biases = biases
        self._kernel, self._after = Conv(kernel, geometry, self._kernel.layout), []
        self.layout = Layout((weights.shape[0], *(size[2 - axes :])))

    def _one_delay(self) -> None:
        if self._target_delay.size > 1:
            raise NetworkError("follows a delay that differs between the outputs of a linear node; put neurons between")

    def _add_bias(self, node: RawNode) -> None:
        if "bias" not in node.values:
            return
        bias = node.array("bias").astype(np.float64).ravel()
        if bias.any():
            begin = 0
            full = np.resize(bias, self.layout.size)
            self.biases[begin] = self.biases.get(begin, 0.0) + full

    def _expect_axes(self, axes: int, meaning: str) -> None:
        seen = self.layout.exported
        if len(seen) != axes:
            raise NetworkError(f"expected an input {meaning}, got {seen}")
        if axes > 1 and self.layout.view is not None:
            raise NetworkError(f"expected an input {meaning}, got {seen} flattened across channels")


def _expect_stated(node: RawNode, key: str, shape: tuple[int, ...]) -> None:
    """Check a shape that the file repeats; absent or empty says nothing."""
    if key not in node.values or isinstance(node.values[key], str) or node.values[key].size == 0:
        return
    stated = tuple(int(item) for item in node.array(key).ravel())
    if stated != shape:
        raise NetworkError(f"{key}: expected {shape}, the shape in front of it, got {stated}")


def _expect_bias(node: RawNode, outputs: int) -> None:
    if node.type == "Linear" or "bias" not in node.values:
        return
    shape = node.array("bias").shape
    if shape not in {(outputs,), (0,)}:
        raise NetworkError(f"bias: expected shape ({outputs},), got {shape}")


def _pair(node: RawNode, key: str) -> Pair:
    first, second = node.integers(key, 2)
    return first, second


_BIASED: Final = {"Affine", "Conv1d", "Conv2d"}

_TAKE: Final[dict[str, Callable[[Chain, RawNode], None]]] = {
    "Affine": Chain.take_dense,
    "AvgPool2d": Chain.take_pool,
    "Conv1d": Chain.take_conv,
    "Conv2d": Chain.take_conv,
    "Delay": Chain.take_delay,
    "Flatten": Chain.take_flatten,
    "Linear": Chain.take_dense,
    "Scale": Chain.take_scale,
    "SumPool2d": Chain.take_pool,
}

LINEAR_TYPES: Final = tuple(_TAKE)
