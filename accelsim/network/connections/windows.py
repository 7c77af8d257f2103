"""Sliding windows along one axis: which inputs reach which outputs through which tap.

A convolution and a pool are separable in their geometry: the pairs of an image are the product of the pairs of its
rows and of its columns. Each axis is listed once, sorted by source, and two axes are joined into the runs of a
connection without a loop over neurons. A sum pool in front of a layer is a join of two lists: source -> pooled
position -> output.

Geometry as in PyTorch's ``Conv2d`` and ``AvgPool2d`` (cross-correlation; ``ceil_mode`` false):
``output = floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError

MAX_RUNS = 1 << 28
"""Largest number of runs of one connection."""

Indices = npt.NDArray[np.int64]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Pool:
    """A sum pool in front of a layer, (y, x) each; outside the border it adds zero.

    An average pool is the sum pool with the weights behind it scaled by :attr:`gain`. Padding counts in the average,
    as in PyTorch's default ``count_include_pad``.
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    @property
    def gain(self) -> float:
        """Factor that turns the sum into an average."""
        return 1.0 / (self.window[0] * self.window[1])

    def output_shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the pooled height and width."""
        y, x = (
            output_size(size, self.window[axis], self.stride[axis], 2 * self.padding[axis], 1)
            for axis, size in enumerate((height, width))
        )
        return y, x


def stated(pool: Pool | None) -> tuple[Pair, Pair, Pair] | None:
    """Return window, stride and padding of a pool."""
    return None if pool is None else (pool.window, pool.stride, pool.padding)


@dataclass(frozen=True)
class Window:
    """A window that slides along one axis; ``padding`` is (before, after)."""

    kernel: int
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    dilation: int = 1

    def outputs(self, size: int) -> int:
        """Return the outputs of an axis of ``size`` inputs; see :func:`output_size`."""
        return output_size(size, self.kernel, self.stride, sum(self.padding), self.dilation)


@dataclass(frozen=True, eq=False)
class Taps:
    """Pairs of one axis, sorted by source, then tap, then target; each array (n_pairs,) int64."""

    source: Indices
    tap: Indices
    target: Indices
    size: int
    out: int

    def counts(self) -> Indices:
        """Return the number of pairs of each source, (size,)."""
        return np.bincount(self.source, minlength=self.size)


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return the outputs of one axis; ``padding`` is the sum of both sides.

    Raises
    ------
    NetworkError
        If a parameter is out of range or the kernel does not fit.
    """
    if min(size, kernel, stride, dilation) < 1 or padding < 0:
        raise NetworkError(
            f"expected size, kernel, stride and dilation of at least 1 and padding of at least 0, got size {size}, "
            "kernel "
            f"{kernel}, stride {stride}, dilation {dilation}, padding {padding}"
        )
    reach = dilation * (kernel - 1) + 1
    if reach > size + padding:
        raise NetworkError(f"a kernel that spans {reach} inputs does not fit {size} inputs with {padding} of padding")
    return (size + padding - reach) // stride + 1


def window_taps(size: int, window: Window) -> Taps:
    """Return the pairs of a window that slides along an axis of ``size`` inputs."""
    out, kernel = window.outputs(size), window.kernel
    if out * kernel > MAX_RUNS:
        raise NetworkError(f"an axis of {out} outputs with {kernel} taps each is beyond the limit of {MAX_RUNS} pairs")
    target, tap = np.divmod(np.arange(out * kernel, dtype=np.int64), kernel)
    source = target * window.stride - window.padding[0] + tap * window.dilation
    inside = (source >= 0) & (source < size)
    return _sorted(source[inside], tap[inside], target[inside], size, out)


def through_pool(pool: Taps, window: Taps) -> Taps:
    """Return the pairs of a window behind a pool: unpooled source to output, with the tap of the window."""
    counts = window.counts()
    first = np.concatenate(([0], np.cumsum(counts)))
    repeats = counts[pool.target]
    at = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    at += np.repeat(first[pool.target], repeats)
    source = np.repeat(pool.source, repeats)
    return _sorted(source, window.tap[at], window.target[at], pool.size, window.out)


def axis_taps(size: int, window: Window, pool: Pool | None, axis: int) -> tuple[Taps, Taps]:
    """Return the pairs of one axis from the unpooled source, and those of the window alone."""
    if pool is None:
        plain = window_taps(size, window)
        return plain, plain
    pooled = window_taps(size, Window(pool.window[axis], pool.stride[axis], (pool.padding[axis],) * 2))
    plain = window_taps(pooled.out, window)
    return through_pool(pooled, plain), plain


def join_axes(y: Taps, x: Taps, channels: int) -> tuple[Indices, Indices, Indices, Indices]:
    """Combine two axes for an image of ``channels``, numbered channel-last.

    Returns
    -------
    run_ptr : (y.size * x.size * channels + 1,) int64
    channel, at_y, at_x : (n_runs,) int64
        Input channel of each run and its entries in ``y`` and ``x``.

    Raises
    ------
    NetworkError
        If there would be more than :data:`MAX_RUNS` runs.
    """
    total = y.source.size * x.source.size * channels
    if total > MAX_RUNS or y.size * x.size * channels > MAX_RUNS:
        raise NetworkError(f"a layer with {total} runs is beyond the limit of {MAX_RUNS}")
    in_y, in_x = y.counts(), x.counts()
    count = np.repeat(np.multiply.outer(in_y, in_x).ravel(), channels)
    run_ptr = np.concatenate(([0], np.cumsum(count, dtype=np.int64)))
    source = np.repeat(np.arange(count.size), count)
    local = np.arange(total) - run_ptr[source]
    pixel, channel = np.divmod(source, channels)
    row, column = np.divmod(pixel, x.size)
    turn_y, turn_x = np.divmod(local, in_x[column])
    at_y = (np.cumsum(in_y) - in_y)[row] + turn_y
    at_x = (np.cumsum(in_x) - in_x)[column] + turn_x
    return run_ptr, channel, at_y, at_x


def _sorted(source: Indices, tap: Indices, target: Indices, size: int, out: int) -> Taps:
    order = np.lexsort((target, tap, source))
    return Taps(source[order], tap[order], target[order], size, out)
