"""One bit per position, then the values that are not zero (B in Sparseloop)."""

from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Counts, Layout, Mask, ones, whole


@ENCODINGS.register("bitmask")
class Bitmask(ArrayEncoding):
    """``ones * value_bits`` and ``length``."""

    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream."""
        del layout
        return ones(mask) * value_bits, whole(mask, 1)
