"""Dense layers: one row and one run per source neuron, the weights to every target.

With a sum pool in front, the rows belong to the pooled neurons and each unpooled source has one run per pooled
position that it falls into (none where the pool leaves a border out).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection, Geometry, LayerShape
from accelsim.network.connections.windows import Pool, Window, axis_taps, join_axes, stated


def dense(
    weights: npt.NDArray[Any],
    bits: int = 32,
    pool: Pool | None = None,
    input_shape: tuple[int, int, int] | None = None,
) -> Connection:
    """Return the connection of a dense layer.

    Parameters
    ----------
    weights : (n_target, n_source) int32 or float32
        Columns in the order of the source neurons (channel-last), after the pool where there is one.
    bits : int
        Stored width of one weight.
    pool : Pool or None
        Sum pool in front; needs ``input_shape``, the (height, width, channels) before it.

    Raises
    ------
    NetworkError
        If the shapes do not agree.
    """
    if weights.ndim != 2 or weights.size == 0:
        raise NetworkError(f"expected dense weights (n_target, n_source), got shape {weights.shape}")
    n_target, n_in = weights.shape
    if pool is None:
        n_source = n_in
        run_ptr = np.arange(n_in + 1, dtype=np.int64)
        run_row = np.arange(n_in, dtype=np.int32)
    else:
        n_source, run_ptr, run_row = _pooled_runs(n_in, pool, input_shape)
    products = n_target * n_in
    return Connection(
        rows=np.ascontiguousarray(weights.T),
        run_ptr=run_ptr,
        run_row=run_row,
        run_start=np.zeros(run_row.size, dtype=np.int32),
        channel=np.tile(np.arange(n_target, dtype=np.int32), (n_in, 1)),
        n_source=n_source,
        n_target=n_target,
        shape=LayerShape(
            kind="dense",
            pixels=1,
            window=n_in,
            filters=n_target,
            groups=1,
            macs=products,
            macs_padded=products,
            input_words=n_in,
            output_words=n_target,
            weight_words=products,
        ),
        bits=bits,
        geometry=None if pool is None or input_shape is None else Geometry(input_shape, pool=stated(pool)),
    )


def _pooled_runs(
    n_in: int, pool: Pool, input_shape: tuple[int, int, int] | None
) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    if input_shape is None:
        raise NetworkError("a pool in front of a dense layer needs the (height, width, channels) before it")
    height, width, channels = input_shape
    # A 1x1 window over the pooled map: the target of a pair is the pooled position.
    y, _ = axis_taps(height, Window(1), pool, 0)
    x, _ = axis_taps(width, Window(1), pool, 1)
    if y.out * x.out * channels != n_in:
        raise NetworkError(
            f"dense weights for {n_in} inputs behind a pool that leaves {(y.out, x.out, channels)} of {input_shape}"
        )
    run_ptr, channel, at_y, at_x = join_axes(y, x, channels)
    run_row = (y.target[at_y] * x.out + x.target[at_x]) * channels + channel
    return height * width * channels, run_ptr, run_row.astype(np.int32)
