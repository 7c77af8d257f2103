"""Latency coding (time to first spike): a pixel ``x > 0`` spikes once, the brighter the earlier.

At timestep ``min(floor((1 - x / 255) * timesteps), timesteps - 1)``; pixels of zero never spike.
"""

import numpy as np

from accelsim.network.encodings.encoding import ENCODINGS, Encoding, EncodingOptions, Images, flattened
from accelsim.network.events import EventStream


@ENCODINGS.register("latency")
class Latency(Encoding):
    """One spike per pixel, its time falling linearly with the value."""

    @classmethod
    def encode(cls, images: Images, options: EncodingOptions) -> EventStream:
        """Return spikes; see :meth:`Encoding.encode`."""
        flat = flattened(images)
        samples, size = flat.shape
        sample, neuron = np.nonzero(flat)
        # (255 - x) * T // 255 in integers: no rounding at the borders between timesteps.
        time = np.minimum(
            (255 - flat[sample, neuron].astype(np.int64)) * options.timesteps // 255, options.timesteps - 1
        )
        step = sample * options.timesteps + time
        order = np.lexsort((neuron, step))
        counts = np.bincount(step, minlength=samples * options.timesteps)
        ptr = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        return EventStream("spikes", samples, options.timesteps, size, ptr, neuron[order].astype(np.int32))
