"""Graded input: in every timestep one packet per pixel that is not zero, carrying its value.

The first layer multiplies (MACs). Pixels that round to zero at ``value_bits`` send nothing.
"""

from typing import ClassVar

from accelsim.network.encodings.encoding import ENCODINGS, Encoding, EncodingOptions, Images, value_events
from accelsim.network.events import EventStream


@ENCODINGS.register("graded")
class Graded(Encoding):
    """A value per pixel and timestep."""

    needs: ClassVar[tuple[str, ...]] = ("value_bits",)

    @classmethod
    def encode(cls, images: Images, options: EncodingOptions) -> EventStream:
        """Return graded events; see :meth:`Encoding.encode`."""
        return value_events("graded", images, options, options.timesteps)
