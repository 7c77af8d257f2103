"""Run tables of dense and convolutional connections against direct loops over every product."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from network_builders import channel_last, naive_conv, naive_sum_pool

from accelsim.errors import NetworkError
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool

small = st.integers(1, 3)
pair = st.tuples(small, small)
none_to_two = st.integers(0, 2)


@st.composite
def pools(draw):
    window = draw(pair)
    padding = tuple(draw(st.integers(0, size // 2)) for size in window)
    return Pool(window, draw(pair), padding)


@st.composite
def geometries(draw):
    groups = draw(st.integers(1, 2))
    shape = (draw(st.integers(1, 7)), draw(st.integers(1, 7)), groups * draw(st.integers(1, 2)))
    pool = draw(st.none() | pools())
    pooled = shape[:2]
    if pool is not None:
        assume(all(size + 2 * pool.padding[i] >= pool.window[i] for i, size in enumerate(shape[:2])))
        pooled = pool.output_shape(*shape[:2])
    kernel, dilation = draw(pair), draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = tuple((draw(none_to_two), draw(none_to_two)) for _ in range(2))
    reach = [dilation[i] * (kernel[i] - 1) + 1 for i in range(2)]
    assume(all(reach[i] <= pooled[i] + sum(padding[i]) for i in range(2)))
    c_out = groups * draw(small)
    return shape, pool, pooled, kernel, draw(pair), padding, dilation, groups, c_out, draw(st.integers(0, 2**31))


@settings(max_examples=150, deadline=None)
@given(geometries())
def test_convolution_equals_the_direct_sum(geometry):
    shape, pool, pooled, kernel, stride, padding, dilation, groups, c_out, seed = geometry
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 50, (c_out, shape[2] // groups, *kernel)).astype(np.int32)
    weights *= rng.choice([-1, 1], weights.shape).astype(np.int32)
    connection, out = convolution(
        weights, shape, stride=stride, padding=padding, dilation=dilation, groups=groups, bits=8, pool=pool
    )
    x = rng.integers(0, 5, (shape[2], *shape[:2]))
    middle = x if pool is None else naive_sum_pool(x, pool.window, pool.stride, pool.padding)
    expected = naive_conv(middle, weights, stride, padding, dilation, groups)
    assert out == (*expected.shape[1:], c_out)
    np.testing.assert_array_equal(connection.dense_matrix() @ channel_last(x), channel_last(expected))

    inside = naive_conv(np.ones((shape[2], *pooled), int), np.ones_like(weights), stride, padding, dilation, groups)
    layer = connection.shape
    assert layer.macs == inside.sum()
    assert layer.macs_padded == expected.size * weights[0].size == layer.pixels * layer.window * layer.filters * groups
    assert (layer.input_words, layer.output_words, layer.weight_words) == (middle.size, expected.size, weights.size)
    assert connection.rows.shape == (shape[2] * kernel[0] * kernel[1], c_out // groups)
    assert connection.rows.flags.c_contiguous and connection.bits == 8
    # Every run's weights belong to the channels of the targets it covers.
    target = connection.run_start[:, None] + np.arange(connection.run_length)
    np.testing.assert_array_equal(connection.channel[connection.run_row], target % c_out)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), small, pools(), st.integers(0, 2**31))
def test_pool_in_front_of_dense_equals_the_direct_sum(height, width, channels, pool, seed):
    assume(height + 2 * pool.padding[0] >= pool.window[0] and width + 2 * pool.padding[1] >= pool.window[1])
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, (channels, height, width))
    pooled = naive_sum_pool(x, pool.window, pool.stride, pool.padding)
    weights = rng.integers(-9, 10, (4, pooled.size)).astype(np.int32)
    connection = dense(weights, bits=5, pool=pool, input_shape=(height, width, channels))
    np.testing.assert_array_equal(connection.dense_matrix() @ channel_last(x), weights @ channel_last(pooled))
    assert connection.rows.shape == (pooled.size, 4)
    assert connection.shape.macs == connection.shape.macs_padded == 4 * pooled.size


def test_dense_is_its_matrix():
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    connection = dense(weights)
    np.testing.assert_array_equal(connection.dense_matrix(), weights)
    np.testing.assert_array_equal(connection.run_ptr, [0, 1, 2, 3])
    np.testing.assert_array_equal(connection.channel, [[0, 1]] * 3)
    assert (connection.n_source, connection.n_target, connection.bits) == (3, 2, 32)


def test_weights_are_shared_not_unrolled():
    connection, out = convolution(np.ones((32, 16, 3, 3), np.float32), (64, 64, 16), padding=(1, 1))
    assert out == (64, 64, 32)
    assert connection.rows.size == 16 * 9 * 32
    assert connection.run_row.size == 16 * (64 * 3 - 2) ** 2


def test_pool_gain_is_one_over_its_window():
    assert Pool((2, 3), (2, 3)).gain == pytest.approx(1 / 6)
    assert Pool((3, 3), (2, 2), (1, 1)).output_shape(7, 8) == (4, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: convolution(np.ones((4, 2, 3, 3)), (8, 8, 3)),
            r"for 3 input channels in 1 groups, got shape \(4, 2, 3",
        ),
        (lambda: convolution(np.ones((3, 2, 3, 3)), (8, 8, 4), groups=2), "for 4 input channels in 2 groups"),
        (lambda: convolution(np.ones((4, 3)), (8, 8, 3)), r"expected convolution weights .*, got shape \(4, 3\)"),
        (
            lambda: convolution(np.ones((1, 1, 5, 5)), (3, 8, 1)),
            "spans 5 inputs does not fit 3 inputs with 0 of padding",
        ),
        (lambda: convolution(np.ones((1, 1, 1, 1)), (3, 3, 1), stride=(0, 1)), "expected size, kernel, stride"),
        (lambda: convolution(np.ones((1, 4, 1, 1)), (1 << 14, 1 << 14, 4)), "beyond the limit of 268435456"),
        (lambda: convolution(np.ones((1, 1, 1, 1)), (2, 2, 1), padding=(1, (0, 1))), "expected padding"),
        (lambda: dense(np.ones(3)), r"expected dense weights \(n_target, n_source\), got shape \(3,\)"),
        (
            lambda: dense(np.ones((2, 5)), pool=Pool((2, 2), (2, 2)), input_shape=(4, 4, 1)),
            "for 5 inputs behind a pool",
        ),
        (lambda: dense(np.ones((2, 4)), pool=Pool((2, 2), (2, 2))), "needs the .height, width, channels. before it"),
    ],
)
def test_geometry_errors_say_what_was_expected(call, message):
    with pytest.raises(NetworkError, match=message):
        call()
