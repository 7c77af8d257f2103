"""How many bits a tensor takes in an encoding, payload and metadata apart, exactly for the zeros at hand.

Names are those of Sparseloop (Wu et al., MICRO 2022), which the study of Schaefer et al. (TCAS-II 2023) uses. A tensor
is cut into streams: the weights of a filter, or the neurons of a timestep. Above the encoding of a stream lies one rank
of uncompressed offset pairs, a pointer per stream, wherever the length of a stream depends on its zeros. A spike is its
own position: in an encoding that names positions it has no payload.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.compression.bits import field_width
from accelsim.registry import Registry

ENCODINGS: Registry[type["ArrayEncoding"]] = Registry("array encoding", "accelsim.pearray.encodings")

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Widths that encodings share.

    Attributes
    ----------
    run_bits : int
        Width of a run of zeros.
    fiber : int
        Positions that one coordinate, or one list of offsets, covers.
    """

    run_bits: int
    fiber: int


@dataclass(frozen=True)
class Size:
    """Bits of an encoded tensor."""

    payload: int
    metadata: int

    @property
    def bits(self) -> int:
        """Payload and metadata."""
        return self.payload + self.metadata


class ArrayEncoding(ABC):
    """Base of all encodings; ``mask`` is (streams, length) and says what is not zero."""

    variable: ClassVar[bool] = True
    """Whether the length of a stream depends on its zeros, so that pointers find it."""

    def size(self, mask: Mask, value_bits: int, layout: Layout) -> Size:
        """Return the bits of a tensor, pointers included.

        Parameters
        ----------
        mask : (streams, length) bool
        value_bits : int
            Width of a value; 0 for spikes, which are what they mark.
        layout : Layout
        """
        payload, metadata = self.streams(mask, value_bits, layout)
        pointers = (mask.shape[0] + 1) * field_width(int(np.count_nonzero(mask))) if self.variable else 0
        return Size(int(payload.sum()), int(metadata.sum()) + pointers)

    @abstractmethod
    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream, (streams,) each, without pointers."""


def ones(mask: Mask) -> Counts:
    """Return what is not zero of every stream, (streams,)."""
    return np.asarray(np.count_nonzero(mask, axis=1), dtype=np.int64)


def whole(mask: Mask, bits: int) -> Counts:
    """Return ``length * bits`` for every stream."""
    return np.full(mask.shape[0], mask.shape[1] * bits, dtype=np.int64)


def gaps(mask: Mask) -> tuple[npt.NDArray[Any], Counts]:
    """Return the stream of everything that is not zero, and the zeros in front of it."""
    stream, place = np.nonzero(mask)
    before = np.concatenate(([-1], place[:-1]))
    before[np.concatenate(([True], stream[1:] != stream[:-1]))[: stream.size]] = -1
    return stream, place - before[: stream.size] - 1
