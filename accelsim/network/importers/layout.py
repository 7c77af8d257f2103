"""From channel-first files to channel-last neurons, in one place.

Exported tensors are (channels, height, width), (channels, length) or flat. Inside accelsim shaped populations are
numbered (y, x, channel). A layout remembers the shape through a flatten, so that a dense layer behind it, and neurons
behind that, are put in the order of the population that they read.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.importers.nir_file import RawNode

MAX_NEURONS = 1 << 26
"""Largest population of an imported network."""


@dataclass(frozen=True)
class Layout:
    """Shape of the values on an edge.

    Attributes
    ----------
    shape : tuple of int
        As exported before any flatten that mixes channels: (n,), (channels, length) or (channels, height, width).
    view : tuple of int or None
        Shape that the file sees behind a flatten, of the same channel-first values; None: ``shape`` itself.
    """

    shape: tuple[int, ...]
    view: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def exported(self) -> tuple[int, ...]:
        """The shape that the file's next node sees."""
        return self.shape if self.view is None else self.view

    def flattened(self, start: int, end: int) -> "Layout":
        """Return the layout behind a flatten of the axes ``start`` to ``end`` of what the file sees, both included."""
        seen = self.exported
        merged = (*seen[:start], int(np.prod(seen[start : end + 1], dtype=np.int64)), *seen[end + 1 :])
        if merged == seen:
            return self
        if start > 0 and self.view is None:
            return Layout(merged)  # channels stay apart, and so does the numbering
        return Layout(self.shape, merged)

    @property
    def image(self) -> tuple[int, int, int]:
        """(height, width, channels); flat values are channels of one pixel."""
        if len(self.shape) == 1:
            return (1, 1, self.shape[0])
        height = self.shape[1] if len(self.shape) == 3 else 1
        return (height, self.shape[-1], self.shape[0])

    @property
    def population(self) -> tuple[int, ...]:
        """Shape of the population: (n,) or (height, width, channels)."""
        return self.shape if len(self.shape) == 1 else self.image

    def to_neurons(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values whose trailing axes are the exported shape with one trailing axis in neuron order."""
        lead = values.shape[: values.ndim - len(self.exported)]
        height, width, channels = self.image
        spread = values.reshape(*lead, channels, height, width)
        return np.ascontiguousarray(np.moveaxis(spread, -3, -1).reshape(*lead, self.size))

    def parameter(
        self, node: RawNode, key: str, default: float | None = None, *, infinite: bool = False
    ) -> npt.NDArray[np.float64]:
        """Return a parameter of a node as one value per neuron, (n,).

        Accepted are one value for all, one per channel (shape (channels, 1, 1)) and the exported shape.

        Raises
        ------
        NetworkError
            With the shapes that were expected and got.
        """
        if default is not None and key not in node.values:
            return np.full(self.size, default)
        target = self.exported
        per_channel = (target[0], *(1,) * (len(target) - 1))
        shape = getattr(node.values.get(key), "shape", target)
        single = np.prod(shape, dtype=np.int64) == 1
        if not single and shape not in {target, per_channel}:
            raise NetworkError(f"{node}: {key}: expected shape {target}, got {shape}")
        value = node.array(key, infinite=infinite).astype(np.float64)
        return self.to_neurons(np.broadcast_to(value.reshape(()) if single else value, target))


def layout_of(node: RawNode) -> Layout:
    """Return the layout that an Input or Output node states.

    Raises
    ------
    NetworkError
        If it is not (n,), (channels, length) or (channels, height, width), or too large.
    """
    value = node.array("shape").ravel()
    if (
        value.size not in {1, 2, 3}
        or (value != np.rint(value)).any()
        or (value < 1).any()
        or (value > MAX_NEURONS).any()
    ):
        raise NetworkError(
            f"{node}: shape: expected (n,), (channels, length) or (channels, height, width), got "
            f"{tuple(value.tolist())}"
        )
    layout = Layout(tuple(int(item) for item in value))
    if layout.size > MAX_NEURONS:
        raise NetworkError(f"{node}: shape: {layout.size} neurons, the limit is {MAX_NEURONS}")
    return layout
