"""For every position the offset of its value within its fiber (UOP); equal neighbours mean a zero."""

from accelsim.compression.bits import field_width
from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Counts, Layout, Mask, ones, whole


@ENCODINGS.register("uop")
class UncompressedOffsetPairs(ArrayEncoding):
    """``ones * value_bits`` and ``length * ceil(log2(fiber + 1))``: the first offset is zero and not stored."""

    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream."""
        return ones(mask) * value_bits, whole(mask, field_width(layout.fiber))
