"""The connections of one layer, as a training framework sees them: shape, stride, padding, the pool in front.

Modelled: convolution and dense weights without bias, behind an average pool of events. The pool adds events undivided
and its ``1 / window**2`` is a gain of the weights, as the exported network has it: spikes stay spikes.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Projection:
    """Connections of one layer, without bias.

    Parameters
    ----------
    name
        Node name in the exported graph.
    shape
        Weight shape: ``(c_out, c_in, k, k)`` for a convolution, ``(n_out, n_in)`` for a dense layer.
    stride, padding
        Of the convolution, in pixels.
    pool
        Side of the average pool that precedes the weights; 1 for none.
    """

    name: str
    shape: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    pool: int = 1

    @property
    def gain(self) -> float:
        """Factor by which the pool scales every weight (dimensionless)."""
        return 1.0 / self.pool**2

    @property
    def fan_in(self) -> int:
        """Weights into one neuron."""
        fan = 1
        for size in self.shape[1:]:
            fan *= size
        return fan

    @property
    def fan_out(self) -> float:
        """Mean number of weights that one neuron of the source reaches, away from borders."""
        if len(self.shape) == 2:
            return float(self.shape[0])
        return self.shape[0] * self.shape[2] * self.shape[3] / self.stride**2

    @property
    def weights(self) -> int:
        """Number of weights."""
        return self.shape[0] * self.fan_in

    def output_shape(self, source: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(c_out, y, x)`` or ``(n_out,)`` for a source, after its pool, of shape ``source``."""
        if len(self.shape) == 2:
            return self.shape[:1]
        kernel = self.shape[2]
        height, width = ((size + 2 * self.padding - kernel) // self.stride + 1 for size in source[1:])
        return self.shape[0], height, width

    def pooled_shape(self, source: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape behind the pool of a source of shape ``source``."""
        return source if self.pool == 1 else (source[0], *(size // self.pool for size in source[1:]))

    def accumulate(self, events: Tensor, weight: Tensor) -> Tensor:
        """Sum the weights of the arriving events.

        Parameters
        ----------
        events
            Spikes or values of the source layer, ``(T, B, ...)``.
        weight
            Weights in any unit, of shape ``self.shape``.

        Returns
        -------
        Tensor
            Accumulated input ``(T, B, c_out, y, x)`` or ``(T, B, n_out)``, in the unit of ``weight`` divided by
            ``self.gain``.
        """
        steps, batch = events.shape[:2]
        flat = events.flatten(0, 1)
        if self.pool > 1:
            flat = functional.avg_pool2d(flat, self.pool, divisor_override=1)
        if len(self.shape) == 2:
            out = functional.linear(flat.flatten(1), weight)
        else:
            out = functional.conv2d(flat, weight, stride=self.stride, padding=self.padding)
        return out.unflatten(0, (steps, batch))
