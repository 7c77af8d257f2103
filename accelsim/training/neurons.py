"""Spiking layers for training: projection of events, leaky integrate-and-fire, surrogate gradient.

Everything works on whole sequences ``(T, B, ...)``: a network without recurrence and without delay may be
evaluated layer by layer, as layer ``l`` needs the spikes of layer ``l - 1`` of the same or earlier steps only.
Membranes are kept in accumulator units, so one code path serves float weights (unit 1) and integer weight
codes (unit = weight scale); the threshold is given in the same unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

BETA: Final = 3584 / 4096
"""Membrane decay of one timestep, a 12-bit fraction (dimensionless)."""

THRESHOLD: Final = 1.0
"""Firing threshold in units of the float membrane."""

SLOPE: Final = 5.0
"""Steepness of the fast-sigmoid surrogate, per threshold."""


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
    pooled
        Whether a 2x2 average pool precedes the weights. Events pass it undivided; its 1/4 goes to ``gain``.
    """

    name: str
    shape: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    pooled: bool = False

    @property
    def gain(self) -> float:
        """Factor by which the pool scales every weight (dimensionless)."""
        return 0.25 if self.pooled else 1.0

    def accumulate(self, events: Tensor, weight: Tensor) -> Tensor:
        """Sum the weights of the arriving events.

        Parameters
        ----------
        events
            Spikes of the source layer, ``(T, B, ...)``, 0 or 1.
        weight
            Weights in any unit, of shape ``self.shape``.

        Returns
        -------
        Tensor
            Accumulated input ``(T, B, c_out, y, x)`` or ``(T, B, n_out)``, in the unit of ``weight``.
        """
        steps, batch = events.shape[:2]
        flat = events.flatten(0, 1)
        if self.pooled:
            flat = functional.avg_pool2d(flat, 2, divisor_override=1)
        if len(self.shape) == 2:
            out = functional.linear(flat.flatten(1), weight)
        else:
            out = functional.conv2d(flat, weight, stride=self.stride, padding=self.padding)
        return out.unflatten(0, (steps, batch))


class _Lif(torch.autograd.Function):
    """LIF over a sequence; backward is BPTT with a fast-sigmoid surrogate and a detached reset."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, threshold: float, truncate: bool) -> Tensor:
        membrane = torch.empty_like(current)
        spikes = torch.empty_like(current)
        rest = torch.zeros_like(current[0])
        for step, incoming in enumerate(current):
            rest.mul_(BETA)
            if truncate:
                rest.trunc_()
            torch.add(rest, incoming, out=membrane[step])
            torch.gt(membrane[step], threshold, out=spikes[step])
            torch.sub(membrane[step], spikes[step], alpha=threshold, out=rest)
        ctx.save_for_backward(membrane)
        ctx.threshold = threshold
        return spikes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (membrane,) = ctx.saved_tensors
        slope = membrane.div(ctx.threshold).sub_(1.0).abs_().mul_(SLOPE).add_(1.0).square_().mul_(ctx.threshold)
        grad = grads[0] / slope
        for step in range(len(grad) - 2, -1, -1):
            grad[step].add_(grad[step + 1], alpha=BETA)
        return grad, None, None


def lif(current: Tensor, threshold: float = THRESHOLD, *, truncate: bool = False) -> Tensor:
    """Leaky integrate-and-fire neurons with reset by subtraction in the same step.

    Each step does ``m = BETA * m + current; s = m > threshold; m = m - s * threshold`` from ``m = 0``.

    Parameters
    ----------
    current
        Accumulated input ``(T, B, ...)`` in accumulator units.
    threshold
        Firing threshold in the same unit.
    truncate
        Round the decayed membrane toward zero, as integer hardware does; input and threshold must be integers.

    Returns
    -------
    Tensor
        Spikes ``(T, B, ...)``, 0 or 1, differentiable through a fast-sigmoid surrogate.
    """
    spikes: Tensor = _Lif.apply(current, threshold, truncate)
    return spikes
