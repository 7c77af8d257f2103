r"""Weight quantisers that train: symmetric levels, gradients straight through the rounding or scaled by its error.

``DuQ``-like levels (Schaefer et al., IEEE TCAS-II 2023; :math:`n = 2^{b-1}`, :math:`2^b - 1` levels):

.. math:: q = \mathrm{round}(\mathrm{clip}(w / a, -1, 1) (n - 1)), \qquad w_q = c\, q / (n - 1)

with ``a`` (range) and ``c`` (output scale) learnt. Both start where the levels are nearest to the weights in the mean
square; the authors start at max(|mean - 3 sigma|, |mean + 3 sigma|), which leaves few weights of a pruned or ternary
layer. The gradient of the rounding is EWGS (Lee, Kim and Ham, CVPR 2021): ``g (1 + delta sign(g) (x - round(x)))``,
delta = 5e-3; delta = 0 is straight through. ``b = 2`` is ternary.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

EWGS_DELTA: Final = 5e-3
"""Strength of the element-wise scaling, as in Schaefer et al.'s configurations."""


class _Round(torch.autograd.Function):  # type: ignore[misc]  # torch is untyped here
    @staticmethod
    def forward(ctx: Any, values: Tensor, delta: float) -> Tensor:
        rounded = values.round()
        ctx.save_for_backward(values - rounded)
        ctx.delta = delta
        return rounded

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (error,) = ctx.saved_tensors
        return grads[0] * (1.0 + ctx.delta * grads[0].sign() * error), None


class LearnedScale(nn.Module):  # type: ignore[misc]
    """A symmetric quantiser with learnt range and scale.

    Parameters
    ----------
    bits : int
        2..8.
    weight : Tensor
        Its first range is taken from these weights; those that are zero (pruned) do not count.
    delta : float
        Of the element-wise gradient scaling; 0 for straight-through.
    """

    def __init__(self, bits: int, weight: Tensor, delta: float = EWGS_DELTA) -> None:
        super().__init__()
        self.bits, self.delta = bits, delta
        first = best_reach(weight.detach(), self.largest)
        self.reach = nn.Parameter(first.clone())
        self.scale = nn.Parameter(first.clone())

    @property
    def largest(self) -> int:
        """Largest code."""
        return (1 << (self.bits - 1)) - 1

    def codes(self, weight: Tensor) -> Tensor:
        """Return whole numbers in ``-largest..largest``, differentiable by the stand-in gradient."""
        clipped = (weight / self.reach.abs().clamp(min=1e-8)).clamp(-1.0, 1.0)
        rounded: Tensor = _Round.apply(clipped * self.largest, self.delta)
        return rounded

    @property
    def step(self) -> Tensor:
        """Real weight of code 1."""
        return self.scale.abs().clamp(min=1e-8) / self.largest


def best_reach(weight: Tensor, largest: int) -> Tensor:
    """Return the range whose levels are nearest to the weights that are not zero, by the mean square, of 80 ranges."""
    kept = weight[weight != 0].flatten()
    if kept.numel() == 0:
        return torch.tensor(1.0)
    top, best, least = kept.abs().max(), torch.tensor(1.0), torch.tensor(torch.inf)
    for part in range(1, 81):
        reach = top * part / 80
        error = ((kept / reach).clamp(-1, 1).mul(largest).round() * reach / largest - kept).square().mean()
        if error < least:
            best, least = reach, error
    return best


class MaxScale(nn.Module):  # type: ignore[misc]
    """A symmetric quantiser whose largest weight has the largest code, without anything to learn."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits
        self.register_buffer("_step", torch.tensor(1.0))

    @property
    def largest(self) -> int:
        """Largest code."""
        return (1 << (self.bits - 1)) - 1

    def codes(self, weight: Tensor) -> Tensor:
        """Return whole numbers in ``-largest..largest``, gradients passing straight through."""
        top = weight.detach().abs().max()
        self._step = torch.where(top > 0, top / self.largest, torch.ones_like(top))
        rounded: Tensor = _Round.apply((weight / self._step).clamp(-self.largest, self.largest), 0.0)
        return rounded

    @property
    def step(self) -> Tensor:
        """Real weight of code 1, of the weights that were last encoded."""
        step: Tensor = self._step
        return step


Quantizer = LearnedScale | MaxScale
