"""Convolutions as shared rows: one row per (input channel, ky, kx), its run of output channels.

Modelled: 1-D (height 1) and 2-D convolution with stride, padding (also uneven), dilation and groups, and a sum pool in
front. Weights are never unrolled: the table grows with neurons and kernel taps. Taps outside the border have no run.
Not modelled: padding modes other than zero, transposed convolution.

Definition (PyTorch ``Conv2d``, cross-correlation), ``p`` the pooled input:
``out[oy, ox, o] = sum over j, ky, kx of W[o, j, ky, kx] * p[oy*s - pad + ky*d, ox*s - pad + kx*d, g(o)*C/G + j]``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection, Geometry, LayerShape
from accelsim.network.connections.windows import Pool, Window, axis_taps, join_axes, stated

Pair = tuple[int, int]


def convolution(
    weights: npt.NDArray[Any],
    input_shape: tuple[int, int, int],
    *,
    stride: Pair = (1, 1),
    padding: Pair | tuple[Pair, Pair] = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    bits: int = 32,
    pool: Pool | None = None,
) -> tuple[Connection, tuple[int, int, int]]:
    """Return the connection of a convolution and the shape of its output.

    Parameters
    ----------
    weights : (c_out, c_in / groups, kh, kw) int32 or float32
    input_shape : tuple of int
        (height, width, channels) of the source population, before the pool.
    stride, dilation : (y, x)
    padding : (y, x) or ((top, bottom), (left, right))
    groups : int
    bits : int
        Stored width of one weight.
    pool : Pool or None
        Sum pool in front.

    Returns
    -------
    Connection, (height, width, channels)
        ``shape`` describes the convolution of the pooled map: the additions of the pool are no multiplications.

    Raises
    ------
    NetworkError
        If shapes and groups do not agree or the kernel does not fit.
    """
    height, width, c_in = input_shape
    c_out, per_group, kh, kw = _checked(weights, c_in, groups)
    (pad_y, pad_x) = _sides(padding)
    y, plain_y = axis_taps(height, Window(kh, stride[0], pad_y, dilation[0]), pool, 0)
    x, plain_x = axis_taps(width, Window(kw, stride[1], pad_x, dilation[1]), pool, 1)
    filters = c_out // groups

    run_ptr, channel, at_y, at_x = join_axes(y, x, c_in)
    run_row = (channel * kh + y.tap[at_y]) * kw + x.tap[at_x]
    run_start = (y.target[at_y] * x.out + x.target[at_x]) * c_out + channel // per_group * filters

    rows = weights.reshape(groups, filters, per_group, kh, kw).transpose(0, 2, 3, 4, 1).reshape(-1, filters)
    group = np.repeat(np.arange(groups, dtype=np.int32), per_group * kh * kw)
    output = (group * filters)[:, None] + np.arange(filters, dtype=np.int32)
    pixels, window = y.out * x.out, per_group * kh * kw
    shape = LayerShape(
        kind="conv",
        pixels=pixels,
        window=window,
        filters=filters,
        groups=groups,
        macs=plain_y.source.size * plain_x.source.size * per_group * c_out,
        macs_padded=pixels * window * c_out,
        input_words=plain_y.size * plain_x.size * c_in,
        output_words=pixels * c_out,
        weight_words=int(weights.size),
    )
    connection = Connection(
        rows=np.ascontiguousarray(rows),
        run_ptr=run_ptr,
        run_row=run_row.astype(np.int32),
        run_start=run_start.astype(np.int32),
        channel=output.astype(np.int32),
        n_source=height * width * c_in,
        n_target=pixels * c_out,
        shape=shape,
        bits=bits,
        geometry=Geometry(input_shape, (kh, kw), stride, (pad_y, pad_x), dilation, groups, stated(pool)),
    )
    return connection, (y.out, x.out, c_out)


def _checked(weights: npt.NDArray[Any], c_in: int, groups: int) -> tuple[int, int, int, int]:
    if weights.ndim != 4 or weights.size == 0:
        raise NetworkError(f"expected convolution weights (c_out, c_in / groups, kh, kw), got shape {weights.shape}")
    c_out, per_group, kh, kw = weights.shape
    if groups < 1 or c_out % groups or per_group * groups != c_in:
        raise NetworkError(
            f"expected weights (c_out, c_in / groups, kh, kw) for {c_in} input channels in {groups} groups, got shape "
            f"{weights.shape}"
        )
    return c_out, per_group, kh, kw


def _sides(padding: Pair | tuple[Pair, Pair]) -> tuple[Pair, Pair]:
    first, second = padding
    if isinstance(first, tuple) and isinstance(second, tuple):
        return first, second
    if isinstance(first, tuple) or isinstance(second, tuple):
        raise NetworkError(f"expected padding (y, x) or ((top, bottom), (left, right)), got {padding}")
    return (first, first), (second, second)
