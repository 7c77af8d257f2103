"""Encodings against their definitions, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import EventError, UnknownNameError
from accelsim.network.encodings.encoding import ENCODINGS, EncodingOptions


def images(seed, samples=3, shape=(4, 5, 2)):
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, (samples, *shape)) * (rng.random((samples, *shape)) < 0.7)).astype(np.uint8)


def options(timesteps, integer=True, **rest):
    return EncodingOptions(timesteps, integer, **rest)


def dense(stream, values=None):
    """Return (samples, timesteps, size) with 1 or the value at each event."""
    out = np.zeros((stream.samples * stream.timesteps, stream.size))
    step = np.repeat(np.arange(out.shape[0]), np.diff(stream.ptr))
    out[step, stream.index] = 1 if values is None else values
    return out.reshape(stream.samples, stream.timesteps, stream.size)


def test_all_are_registered():
    assert ENCODINGS.names() == ["bias_current", "graded", "latency", "poisson"]
    with pytest.raises(UnknownNameError, match="unknown encoding 'poison'; did you mean 'poisson'"):
        ENCODINGS.get("poison")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 1), st.integers(1, 6))
def test_poisson_keeps_its_contract_of_draws(seed, rate, timesteps):
    x = images(seed)
    stream = ENCODINGS.get("poisson").encode(x, options(timesteps, rate=rate, seed=seed))
    for sample in range(3):
        key = np.array([seed, sample], dtype=np.uint64)
        draw = np.random.Generator(np.random.Philox(key=key)).random((timesteps, 2, 4, 5))
        first = draw < rate * x[sample].transpose(2, 0, 1) / 255  # channel-first
        expected = first.transpose(0, 2, 3, 1).reshape(timesteps, -1)
        np.testing.assert_array_equal(dense(stream)[sample], expected)
    assert stream.kind == "spikes" and stream.value is None


def test_the_mean_of_poisson_events_approaches_the_image_that_an_ann_reads():
    x = images(5)
    given = options(4000, rate=0.8, seed=11)
    image = ENCODINGS.get("poisson").expected(x, given)
    found = dense(ENCODINGS.get("poisson").encode(x, given)).mean(axis=1)
    np.testing.assert_allclose(image, 0.8 * x.reshape(3, -1) / 255)
    np.testing.assert_allclose(found, image, atol=5 * np.sqrt(0.25 / 4000))
    for name in ("latency", "graded", "bias_current"):
        assert ENCODINGS.get(name).expected(x, options(4, value_bits=8)) is None


def test_poisson_of_a_sample_does_not_depend_on_the_others():
    x = images(1)
    rest = {"rate": 0.5, "seed": 7}
    all_of_them = ENCODINGS.get("poisson").encode(x, options(5, **rest))
    first = ENCODINGS.get("poisson").encode(x[:1], options(5, **rest))
    np.testing.assert_array_equal(dense(all_of_them)[:1], dense(first))


def test_poisson_reaches_its_rate():
    x = np.full((4, 28, 28, 1), 128, np.uint8)
    stream = ENCODINGS.get("poisson").encode(x, options(50, rate=0.5, seed=3))
    n, p = 4 * 784 * 50, 0.5 * 128 / 255
    assert abs(stream.total - n * p) < 5 * np.sqrt(n * p * (1 - p))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 300))
def test_latency_is_one_spike_per_lit_pixel_at_its_time(seed, timesteps):
    x = images(seed, samples=2)
    found = dense(ENCODINGS.get("latency").encode(x, options(timesteps)))
    for pixel, spikes in zip(x.ravel(), found.transpose(0, 2, 1).reshape(-1, timesteps), strict=True):
        times = np.flatnonzero(spikes).tolist()
        # floor((1 - x / 255) T) without rounding
        assert times == ([min((255 - int(pixel)) * timesteps // 255, timesteps - 1)] if pixel else [])


@pytest.mark.parametrize("name", ["graded", "bias_current"])
@pytest.mark.parametrize("bits", [1, 4, 8, 12])
def test_values_are_steps_of_their_scale(name, bits):
    x = images(2)
    full = 2**bits - 1
    integer = ENCODINGS.get(name).encode(x, options(3, value_bits=bits))
    real = ENCODINGS.get(name).encode(x, options(3, integer=False, value_bits=bits))
    expected = np.rint(x.reshape(3, -1) / 255 * full)
    steps = 3 if name == "graded" else 1
    for step in range(3):
        np.testing.assert_array_equal(dense(integer, integer.value)[:, step], expected * (step < steps))
    np.testing.assert_allclose(dense(real, real.value), dense(integer, integer.value) / full, rtol=1e-6)
    assert integer.kind == name and integer.value.dtype == np.int32 and integer.value_bits == bits
    assert integer.value_scale == pytest.approx(1 / full) and real.value_scale == 1.0 and real.value.dtype == np.float32
    assert (integer.value != 0).all()  # zeros send nothing


def test_eight_bits_carry_the_bytes_themselves():
    x = images(3)
    stream = ENCODINGS.get("graded").encode(x, options(1, value_bits=8))
    np.testing.assert_array_equal(dense(stream, stream.value)[:, 0], x.reshape(3, -1))


@pytest.mark.parametrize(
    ("name", "missing"), [("poisson", "rate"), ("graded", "value_bits"), ("bias_current", "value_bits")]
)
def test_a_missing_parameter_is_named(name, missing):
    with pytest.raises(EventError, match=f"{missing}: this encoding needs it, got nothing"):
        ENCODINGS.get(name).encode(images(0), options(2))


@pytest.mark.parametrize("name", ["bias_current", "graded", "latency", "poisson"])
def test_no_images_is_an_error(name):
    with pytest.raises(
        EventError, match=r"expected images \(samples, height, width, channels\), got shape \(0, 4, 5, 2\)"
    ):
        ENCODINGS.get(name).encode(images(0)[:0], options(2, rate=0.5, seed=1, value_bits=8))
