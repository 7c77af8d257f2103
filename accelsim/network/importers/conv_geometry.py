"""Convolutions as a file states them, and two of them in a row as one.

Two convolutions without neurons between them are one with a larger kernel, exactly, where the second one pads nothing:
its kernel is the sum of the first one's, shifted by the stride of the first and weighted by the second. A pool behind a
convolution is such a second convolution.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.windows import output_size
from accelsim.network.importers.nir_file import RawNode

MAX_KERNEL: Final = 1 << 24
"""Largest number of weights of a joined kernel."""

Floats = npt.NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """Of a convolution, (y, x) each; a 1-D one has height 1."""

    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1

    def outputs(self, size: Pair, kernel: tuple[int, ...]) -> Pair:
        """Return the output height and width; a 1-D kernel has one axis."""
        spans = (1,) * (2 - len(kernel)) + tuple(kernel)
        height, width = (
            output_size(size[axis], spans[axis], self.stride[axis], sum(self.padding[axis]), self.dilation[axis])
            for axis in range(2)
        )
        return height, width


def geometry_of(node: RawNode, kernel: tuple[int, ...], groups: int) -> Geometry:
    """Return what a Conv1d or Conv2d node states.

    Raises
    ------
    NetworkError
        On a padding or stride that is none.
    """
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
    return Geometry((y, x), (first, second), (spread_y, spread_x), groups)


def joined(
    first: npt.NDArray[Any], how: Geometry, second: npt.NDArray[Any], then: Geometry
) -> tuple[Floats, Geometry]:
    """Return the kernel (c_out, c_in / groups, kh, kw) and geometry of two convolutions in a row.

    Parameters
    ----------
    first, second : (c_out, c_in / groups, kh, kw)
    how, then : Geometry
        Of the first and of the second.

    Raises
    ------
    NetworkError
        If the second pads, or the kernel is beyond MAX_KERNEL.
    """
    if then.padding != ((0, 0), (0, 0)):
        raise NetworkError(
            "pads the output of a convolution without neurons between them, which is no single convolution; put "
            "neurons between them or the padding into the first"
        )
    depthwise = then.groups == first.shape[0] and second.shape[:2] == (first.shape[0], 1)
    groups = how.groups if depthwise else 1
    left = first.astype(np.float64) if depthwise else _ungrouped(first, how.groups)
    right = second.astype(np.float64) if depthwise else _ungrouped(second, then.groups)
    step = [how.stride[axis] * then.dilation[axis] for axis in range(2)]
    reach = [how.dilation[axis] * (left.shape[2 + axis] - 1) + 1 for axis in range(2)]
    span = [reach[axis] + step[axis] * (right.shape[2 + axis] - 1) for axis in range(2)]
    shape = (right.shape[0], left.shape[1], *span)
    if np.prod(shape, dtype=np.float64) > MAX_KERNEL:
        raise NetworkError(
            f"two convolutions in a row would be one kernel of shape {shape}, the limit is {MAX_KERNEL} weights"
        )
    kernel = np.zeros(shape)
    for ky in range(right.shape[2]):
        for kx in range(right.shape[3]):
            weights = right[:, :, ky, kx]
            added = left * weights[:, :1, None, None] if depthwise else np.tensordot(weights, left, axes=(1, 0))
            y, x = ky * step[0], kx * step[1]
            kernel[:, :, y : y + reach[0] : how.dilation[0], x : x + reach[1] : how.dilation[1]] += added
    stride = (how.stride[0] * then.stride[0], how.stride[1] * then.stride[1])
    return kernel, Geometry(stride, how.padding, (1, 1), groups)


def _ungrouped(weights: npt.NDArray[Any], groups: int) -> Floats:
    """Return the weights of a grouped convolution as those of one group, zeros between groups."""
    c_out, per_group = weights.shape[:2]
    if groups * per_group * c_out * weights.shape[2] * weights.shape[3] > MAX_KERNEL:
        raise NetworkError(f"two convolutions in a row, one of {groups} groups, would be beyond {MAX_KERNEL} weights")
    full = np.zeros((c_out, groups * per_group, *weights.shape[2:]))
    filters = c_out // groups
    for group in range(groups):
        rows, columns = slice(group * filters, (group + 1) * filters), slice(group * per_group, (group + 1) * per_group)
        full[rows, columns] = weights[rows]
    return full
