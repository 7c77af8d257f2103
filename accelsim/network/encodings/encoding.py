"""What an encoding is: images of bytes in, events out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.events import EventStream, Kind
from accelsim.registry import Registry

ENCODINGS: Registry[type["Encoding"]] = Registry("encoding", "accelsim.network.encodings")

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class EncodingOptions:
    """Parameters of the encodings; None where a workload does not state one.

    Attributes
    ----------
    timesteps : int
        Timesteps per sample.
    integer : bool
        Whether values are integer steps (int32) or real numbers (float32).
    rate : float or None
        Spike probability of a full pixel (255) per timestep, 0..1.
    seed : int or None
    value_bits : int or None
        Width of a value, 1..16 bit.
    """

    timesteps: int
    integer: bool
    rate: float | None = None
    seed: int | None = None
    value_bits: int | None = None


class Encoding(ABC):
    """Base of all encodings."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of :class:`EncodingOptions` that must be stated; the others must not be."""

    @classmethod
    @abstractmethod
    def encode(cls, images: Images, options: EncodingOptions) -> EventStream:
        """Return the events of (samples, height, width, channels) uint8 images, neurons channel-last.

        Raises
        ------
        EventError
            If there are no images.
        """

    @classmethod
    def expected(cls, images: Images, options: EncodingOptions) -> npt.NDArray[np.float64] | None:  # noqa: ARG003
        """Return what the mean of the events over time approaches, (samples, size); None where nothing is random.

        It is the analog image in the units of the network's input, which an ANN reads.
        """
        return None


def value_events(kind: Kind, images: Images, options: EncodingOptions, steps: int) -> EventStream:
    """Return a value per pixel that is not zero, in each of the first ``steps`` timesteps.

    A pixel ``x`` has the integer value ``rint(x / 255 * (2**value_bits - 1))``, whose step is worth
    ``1 / (2**value_bits - 1)``; a float32 network gets the real value at the same resolution.
    """
    bits = required(options.value_bits, "value_bits")
    flat = flattened(images)
    samples, size = flat.shape
    full = (1 << bits) - 1
    steps_of = np.rint(flat.astype(np.float64) / 255.0 * full).astype(np.int32)
    sample, neuron = np.nonzero(steps_of)
    values: npt.NDArray[Any] = steps_of[sample, neuron]
    if not options.integer:
        values = (values / full).astype(np.float32)
    counts = np.zeros((samples, options.timesteps), dtype=np.int64)
    counts[:, :steps] = np.bincount(sample, minlength=samples)[:, None]
    ptr = np.concatenate(([0], np.cumsum(counts.ravel())))
    # Every timestep of a sample repeats the same run of the one-step list.
    per_sample = np.split(np.arange(sample.size), np.cumsum(counts[:, 0])[:-1])
    at = np.concatenate([np.tile(run, steps) for run in per_sample]) if sample.size else np.zeros(0, dtype=np.int64)
    return EventStream(
        kind,
        samples,
        options.timesteps,
        size,
        ptr,
        neuron[at].astype(np.int32),
        values[at],
        bits,
        1.0 / full if options.integer else 1.0,
    )


def flattened(images: Images) -> Images:
    """Return (samples, size) pixels; raise :class:`EventError` if there are none."""
    if images.ndim != 4 or images.size == 0:
        raise EventError(f"expected images (samples, height, width, channels), got shape {images.shape}")
    return images.reshape(images.shape[0], -1)


def required(value: Any, name: str) -> Any:
    """Return an option; raise :class:`EventError` where it is missing."""
    if value is None:
        raise EventError(f"{name}: this encoding needs it, got nothing")
    return value
