"""Poisson (Bernoulli) rate coding: in each timestep a pixel ``x`` spikes with probability ``rate * x / 255``.

The draws are a contract, so that a training script can make the same spikes: sample ``i`` (its index in the file) uses
``Generator(Philox(key=[seed, i])).random((timesteps, channels, height, width))``, channel-first as in training
frameworks, and spikes where the draw is below the probability. Neither the number of samples nor their order matters.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.network.encodings.encoding import ENCODINGS, Encoding, EncodingOptions, Images, flattened, required
from accelsim.network.events import EventStream


@ENCODINGS.register("poisson")
class Poisson(Encoding):
    """Independent spikes with a probability in proportion to the pixel."""

    needs: ClassVar[tuple[str, ...]] = ("rate", "seed")

    @classmethod
    def encode(cls, images: Images, options: EncodingOptions) -> EventStream:
        """Return spikes; see :meth:`Encoding.encode`."""
        rate, seed = required(options.rate, "rate"), required(options.seed, "seed")
        size = flattened(images).shape[1]
        samples, height, width, channels = images.shape
        counts = np.zeros((samples, options.timesteps), dtype=np.int64)
        found = []
        for sample in range(samples):
            generator = np.random.Generator(np.random.Philox(key=np.array([seed, sample], dtype=np.uint64)))
            draw = generator.random((options.timesteps, channels, height, width))
            probability = rate * images[sample].astype(np.float64) / 255
            spikes = draw.transpose(0, 2, 3, 1).reshape(options.timesteps, size) < probability.ravel()
            counts[sample] = np.count_nonzero(spikes, axis=1)
            found.append(np.nonzero(spikes)[1].astype(np.int32))
        ptr = np.concatenate(([0], np.cumsum(counts.ravel())))
        return EventStream("spikes", samples, options.timesteps, size, ptr, np.concatenate(found))

    @classmethod
    def expected(cls, images: Images, options: EncodingOptions) -> npt.NDArray[np.float64]:
        """Return the probability of every pixel; see :meth:`Encoding.expected`."""
        probability: npt.NDArray[np.float64] = required(options.rate, "rate") * flattened(images) / 255.0
        return probability
