"""The coordinate of every value within its fiber, and a count of values per fiber (CP)."""

from accelsim.compression.bits import field_width
from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Counts, Layout, Mask, ones, whole


@ENCODINGS.register("cp")
class CoordinatePayload(ArrayEncoding):
    """``ones * value_bits`` and ``ones * ceil(log2(fiber)) + fibers * ceil(log2(fiber + 1))``."""

    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream."""
        fibers = -(-mask.shape[1] // layout.fiber)
        count = whole(mask[:, :fibers], field_width(layout.fiber))
        return ones(mask) * value_bits, ones(mask) * field_width(layout.fiber - 1) + count
