r"""Spiking neurons over whole sequences, with surrogate gradients, trainable threshold and leak.

Works on ``(T, B, ...)``: a network without recurrence and delay is evaluated layer by layer. Two orders of a timestep:

.. math::

    \text{integrate, then fire:}\quad m_t = \lambda r_{t-1} + x_t,\; s_t = [m_t > \theta],\;
    r_t = m_t - s_t\theta \text{ or } m_t (1 - s_t)

    \text{fire, then integrate:}\quad s_t = [m_{t-1} > \theta],\; m_t = \lambda m_{t-1} + x_t - s_t\theta

The first is accelsim's ``LIF`` and ``IF`` with reset ``subtract`` or ``zero``, the second its ``FireFirstLIF`` (reset
by subtraction alone) and the neuron of Rathi et al., ICLR 2020 (hybrid conversion). The reset is not differentiated
through its spike. Not modelled: synaptic currents, refractory periods, recurrence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from accelsim.training.surrogates import SURROGATES, Surrogate

Order = Literal["integrate_first", "fire_first"]
Reset = Literal["subtract", "zero"]

LEAK_STEPS = 4096
"""Leaks are multiples of 1 / 4096, as accelsim's integer neurons have them."""


@dataclass(frozen=True)
class NeuronOptions:
    """What all neurons of a network have in common.

    ``leak`` is the factor on the membrane per timestep, 0..1; ``threshold`` that of a layer before training.
    """

    leak: float = 1.0
    threshold: float = 1.0
    reset: Reset = "subtract"
    order: Order = "integrate_first"
    surrogate: str = "fast_sigmoid"
    train_threshold: bool = False
    train_leak: bool = False


class _IntegrateFirst(torch.autograd.Function):  # type: ignore[misc]  # torch is untyped here
    """Integrate, then fire, over a sequence; backward is BPTT."""

    @staticmethod
    def forward(
        ctx: Any, current: Tensor, threshold: Tensor, leak: Tensor, zero: bool, truncate: bool, surrogate: Surrogate
    ) -> Tensor:
        level, factor = threshold.item(), leak.item()
        membrane, spikes = torch.empty_like(current), torch.empty_like(current)
        rest = torch.zeros_like(current[0])
        for step, incoming in enumerate(current):
            rest = rest.mul_(factor)
            if truncate:
                rest = rest.trunc_()
            torch.add(rest, incoming, out=membrane[step])
            torch.gt(membrane[step], level, out=spikes[step])
            if zero:
                torch.mul(membrane[step], 1.0 - spikes[step], out=rest)
            else:
                torch.sub(membrane[step], spikes[step], alpha=level, out=rest)
        ctx.save_for_backward(membrane, spikes, threshold, leak)
        ctx.zero, ctx.surrogate = zero, surrogate
        return spikes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        membrane, spikes, threshold, leak = ctx.saved_tensors
        level, factor = threshold.item(), leak.item()
        fires = ctx.surrogate(membrane / level - 1.0).mul_(grads[0])  # d loss / d u
        to_membrane = fires / level
        carried = torch.zeros_like(membrane[0])  # d loss / d rest of this step
        to_threshold = -(fires * membrane).sum() / level**2
        to_leak = torch.zeros_like(leak)
        for step in range(len(membrane) - 1, -1, -1):
            if step < len(membrane) - 1:
                carried = to_membrane[step + 1] * factor
                rest = membrane[step] * (1.0 - spikes[step]) if ctx.zero else membrane[step] - level * spikes[step]
                if ctx.needs_input_grad[2]:
                    to_leak += (to_membrane[step + 1] * rest).sum()
                if ctx.needs_input_grad[1] and not ctx.zero:
                    to_threshold -= (carried * spikes[step]).sum()
            to_membrane[step].add_(carried.mul_(1.0 - spikes[step]) if ctx.zero else carried)
        return to_membrane, to_threshold.reshape_as(threshold), to_leak, None, None, None


class _Spike(torch.autograd.Function):  # type: ignore[misc]
    """Compare with the threshold; the surrogate stands for the derivative."""

    @staticmethod
    def forward(ctx: Any, distance: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(distance)
        ctx.surrogate = surrogate
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (distance,) = ctx.saved_tensors
        return ctx.surrogate(distance).mul_(grads[0]), None


def _fire_first(
    current: Tensor, threshold: Tensor, leak: Tensor, truncate: bool, surrogate: Surrogate
) -> Tensor:
    membrane = torch.zeros_like(current[0])
    spikes = []
    for incoming in current:
        fired = _Spike.apply(membrane / threshold - 1.0, surrogate)
        decayed = membrane * leak
        if truncate:
            decayed = decayed + (decayed.trunc() - decayed).detach()
        membrane = decayed + incoming - fired.detach() * threshold
        spikes.append(fired)
    return torch.stack(spikes)


class Neurons(nn.Module):  # type: ignore[misc]
    """The neurons of one layer: one threshold and one leak, both trainable if asked for.

    Parameters
    ----------
    options : NeuronOptions
    """

    def __init__(self, options: NeuronOptions) -> None:
        super().__init__()
        self.options = options
        self.threshold = nn.Parameter(torch.tensor(float(options.threshold)), requires_grad=options.train_threshold)
        self.leak = nn.Parameter(torch.tensor(float(options.leak)), requires_grad=options.train_leak)
        self._surrogate = SURROGATES[options.surrogate]

    @property
    def leak_steps(self) -> int:
        """The leak as a multiple of 1 / 4096."""
        return round(min(max(float(self.leak.detach()), 0.0), 1.0) * LEAK_STEPS)

    def forward(self, current: Tensor, unit: Tensor | float = 1.0, *, truncate: bool = False) -> Tensor:
        """Return spikes ``(T, B, ...)``, 0 or 1.

        Parameters
        ----------
        current : (T, B, ...) Tensor
            Accumulated input in steps of ``unit``.
        unit : Tensor or float
            Real value of one step of the current; the threshold is taken in such steps.
        truncate : bool
            Round the decayed membrane toward zero and the threshold to whole steps, as integer hardware does.
        """
        threshold = self.threshold / unit
        leak = self.leak.clamp(0.0, 1.0)
        if truncate:
            threshold = threshold + (threshold.round() - threshold).detach()
            leak = leak + (self.leak_steps / LEAK_STEPS - leak).detach()
        if self.options.order == "fire_first":
            return _fire_first(current, threshold, leak, truncate, self._surrogate)
        zero = self.options.reset == "zero"
        spikes: Tensor = _IntegrateFirst.apply(current, threshold, leak, zero, truncate, self._surrogate)
        return spikes
