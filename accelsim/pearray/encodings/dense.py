"""Every value, zeros included; a spike is one bit."""

from typing import ClassVar

from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Counts, Layout, Mask, whole


@ENCODINGS.register("dense")
class Dense(ArrayEncoding):
    """``length * value_bits``."""

    variable: ClassVar[bool] = False

    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream."""
        del layout
        return whole(mask, max(1, value_bits)), whole(mask, 0)
