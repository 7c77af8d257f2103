"""The run of zeros before every value; runs that do not fit are escaped (RLE).

A run of the largest number before an explicit zero value is the escape of values (Han et al., EIE, ISCA 2016); of
spikes, which have no value, the largest number itself is the escape and stands for as many zeros. Zeros behind the last
value are not stored.
"""

import numpy as np

from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Counts, Layout, Mask, gaps, ones


@ENCODINGS.register("rle")
class RunLength(ArrayEncoding):
    """``entries * value_bits`` and ``entries * run_bits``, escapes included."""

    def streams(self, mask: Mask, value_bits: int, layout: Layout) -> tuple[Counts, Counts]:
        """Return payload and metadata bits of every stream."""
        largest = (1 << layout.run_bits) - 1
        stream, zeros = gaps(mask)
        span = largest + 1 if value_bits else largest
        escapes = np.bincount(stream, weights=zeros // span, minlength=mask.shape[0]).astype(np.int64)
        entries = ones(mask) + escapes
        return entries * value_bits, entries * layout.run_bits
