"""Spiking layers: projection of events, leaky integrate-and-fire, surrogate gradient, and the integer twin.

Everything works on whole sequences ``(T, B, ...)``: a network without recurrence and without delay may be
evaluated layer by layer, as a layer needs its source's spikes of the same or earlier steps only. Membranes
are kept in accumulator units, so one code path serves float weights (unit 1) and integer weight codes (unit =
weight scale); the threshold is given in the same unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from accelsim.training.projection import Projection

BITS: Final = 8
CODE_MAX: Final = 2 ** (BITS - 1) - 1
"""Largest magnitude of an integer weight."""

BETA: Final = 3584 / 4096
"""Membrane decay of one timestep, a 12-bit fraction (dimensionless)."""

THRESHOLD: Final = 1.0
"""Firing threshold in units of the float membrane."""

SLOPE: Final = 2.0
"""Steepness of the fast-sigmoid surrogate, per threshold."""


class _Lif(torch.autograd.Function):  # type: ignore[misc]  # torch is untyped here
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
        distance = membrane.div(ctx.threshold).sub_(1.0).abs_()
        grad = grads[0] / distance.mul_(SLOPE).add_(1.0).square_().mul_(ctx.threshold)
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
        Round the decayed membrane toward zero, as integer hardware does; input and threshold must be
        integers.

    Returns
    -------
    Tensor
        Spikes ``(T, B, ...)``, 0 or 1, differentiable through a fast-sigmoid surrogate.
    """
    spikes: Tensor = _Lif.apply(current, threshold, truncate)
    return spikes


def code_scale(weight: npt.NDArray[np.float32]) -> float:
    """Return the weight of code 1 under symmetric per-tensor quantisation (dimensionless)."""
    return float(np.abs(weight).max()) / CODE_MAX


@dataclass(frozen=True)
class QuantizedLayer:
    """One layer as the hardware sees it.

    Parameters
    ----------
    projection
        Geometry of the weights.
    codes
        Integer weights, ``int8``, of shape ``projection.shape``, ``-127..127``.
    scale
        Float weight of code 1 (dimensionless).
    """

    projection: Projection
    codes: npt.NDArray[np.int8]
    scale: float

    @classmethod
    def of(cls, projection: Projection, weight: npt.NDArray[np.float32]) -> QuantizedLayer:
        """Round float weights of shape ``projection.shape`` to the nearest codes."""
        scale = code_scale(weight)
        return cls(projection, np.round(weight / scale).astype(np.int8), scale)

    @property
    def threshold(self) -> int:
        """Firing threshold in accumulator units."""
        return round(THRESHOLD / (self.scale * self.projection.gain))

    @property
    def weight(self) -> npt.NDArray[np.float32]:
        """Float weights on the grid, of shape ``projection.shape``."""
        return (self.codes * np.float64(self.scale)).astype(np.float32)


def integer_spikes(layers: list[QuantizedLayer], events: Tensor) -> list[Tensor]:
    """Run the network in integer arithmetic only.

    Sums of weight codes stay below 2**24, so the float32 kernels that form them are exact; the membrane is
    ``int32`` and decays by ``m * 3584 / 4096`` truncated toward zero.

    Parameters
    ----------
    layers
        The network, input side first.
    events
        Input spikes ``(T, B, 1, 28, 28)``, bool.

    Returns
    -------
    list of Tensor
        Spikes of every layer, ``(T, B, ...)``, bool.
    """
    spikes = []
    decay = round(BETA * 4096)
    for layer in layers:
        codes = torch.from_numpy(layer.codes).float()
        current = layer.projection.accumulate(events.float(), codes).to(torch.int32)
        membrane = torch.zeros_like(current[0])
        events = torch.empty_like(current, dtype=torch.bool)
        for step, incoming in enumerate(current):
            membrane = torch.div(membrane * decay, 4096, rounding_mode="trunc") + incoming
            events[step] = membrane > layer.threshold
            membrane = membrane - events[step] * layer.threshold
        spikes.append(events)
    return spikes
