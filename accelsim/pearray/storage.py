"""What operands take in buffers and DRAM: encoded bits of weights and of spikes, and what is fetched in whole words."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.hardware.array_spec import FormatsSpec
from accelsim.pearray.dataflow import ceil_div
from accelsim.pearray.encoding import ENCODINGS, ArrayEncoding, Layout, Mask, Size


@dataclass(frozen=True)
class StoredWeights:
    """Weights of a layer as they are stored.

    Attributes
    ----------
    size : Size
    fetched : int
        Bits that one pass over them moves: whole words, padded where a new one begins. Where every value has a word of
        its own, metadata is packed beside them.
    """

    size: Size
    fetched: int


def layout_of(formats: FormatsSpec) -> Layout:
    """Return the widths that the encodings of a machine share."""
    return Layout(formats.run_bits, formats.fiber)


def stored_weights(nonzero: npt.NDArray[np.bool_], bits: int, formats: FormatsSpec) -> StoredWeights:
    """Return how the weights of a layer are stored; a stream is the window of one filter.

    Parameters
    ----------
    nonzero : (groups, window, filters) bool
    bits : int
        Width of a weight.
    formats : FormatsSpec
    """
    encoding, layout = ENCODINGS.get(formats.weights)(), layout_of(formats)
    mask = nonzero.transpose(0, 2, 1).reshape(-1, nonzero.shape[1])
    size = encoding.size(mask, bits, layout)
    word = formats.fetch_bits
    if formats.aligned == "layer":
        return StoredWeights(size, ceil_div(size.bits, word) * word)
    if formats.aligned == "value":
        return StoredWeights(size, word * ceil_div(size.payload, bits) + ceil_div(size.metadata, word) * word)
    whole = mask.shape[1] // formats.fiber * formats.fiber
    words = _words(encoding, mask[:, :whole].reshape(-1, formats.fiber), bits, layout, word)
    words += _words(encoding, mask[:, whole:], bits, layout, word)
    pointers = size.bits - int(sum(part.sum() for part in encoding.streams(mask, bits, layout)))
    return StoredWeights(size, (words + ceil_div(pointers, word)) * word)


def _words(encoding: ArrayEncoding, mask: Mask, bits: int, layout: Layout, word: int) -> int:
    if not mask.size:
        return 0
    payload, metadata = encoding.streams(mask, bits, layout)
    return int((-(-(payload + metadata) // word)).sum())


def stored_spikes(spikes: npt.NDArray[np.integer], formats: FormatsSpec, value_bits: int = 0) -> Size:
    """Return how the neurons of a population are stored; a stream is a timestep.

    Parameters
    ----------
    spikes : (timesteps, neurons) int
        What is not zero is stored.
    formats : FormatsSpec
    value_bits : int
        Width of a value, or of a count of spikes; 0 for single spikes.
    """
    return ENCODINGS.get(formats.inputs)().size(spikes != 0, value_bits, layout_of(formats))
