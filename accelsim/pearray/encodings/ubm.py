"""One bit per position beside every value, zeros included: what may be skipped is known, nothing is saved (UB)."""

from typing import ClassVar

from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Counts, Layout, Mask, whole


@ENCODINGS.register("ubm")
class UncompressedBitmask(ArrayEncoding):
    """``length * value_bits`` and ``length``."""

    variable: ClassVar[bool] = False

    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream."""
        del layout
        return whole(mask, value_bits), whole(mask, 1)
