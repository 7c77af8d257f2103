"""Arrays and layers for tests."""

import numpy as np

from accelsim.hardware.loader import load_array
from accelsim.pearray.layer import ArrayLayer, Shape
from accelsim.pearray.machine import build_dataflow


def built(preset, *overrides):
    return build_dataflow(load_array(preset, overrides))


def layer_of(rng, timesteps, pixels, window, filters, density, *, groups=1, kind="conv", weights=0.5, **sizes):
    """Return a layer of random spikes and weights."""
    shape = Shape("layer", kind, timesteps, pixels, window, filters, groups, **sizes)
    spikes = (rng.random((groups, timesteps, pixels, window)) < density).astype(np.uint8)
    return ArrayLayer(shape, spikes, rng.random((groups, window, filters)) < weights)
