"""Bias current: each value is given once, at timestep 0, and acts as a constant current in every timestep.

The products with the weights of the first layer are formed once per sample, at the port.
"""

from typing import ClassVar

from accelsim.network.encodings.encoding import ENCODINGS, Encoding, EncodingOptions, Images, value_events
from accelsim.network.events import EventStream


@ENCODINGS.register("bias_current")
class BiasCurrent(Encoding):
    """A value per pixel, once per sample."""

    needs: ClassVar[tuple[str, ...]] = ("value_bits",)

    @classmethod
    def encode(cls, images: Images, options: EncodingOptions) -> EventStream:
        """Return values at timestep 0; see :meth:`Encoding.encode`."""
        return value_events("bias_current", images, options, 1)
