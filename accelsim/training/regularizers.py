"""Penalties on activation maps, to make a network quiet (Narduzzi et al. compare such penalties).

Each takes the outputs of one layer, ``(B, ...)`` behind its rectifier, and the fan-out of its neurons, and returns a
number per sample and neuron, so that one strength means the same for layers of any size.

============  ================================================  ==================================================
name          penalty of a sample's ``n`` outputs ``a``          source
============  ================================================  ==================================================
l1            ``mean |a|``                                      godatta/Ultra-Low-Latency-SNN, type 1
l2            ``mean a**2``                                     standard
hoyer         ``|a|_1 / (|a|_2 sqrt(n))``                       Hoyer 2004, the ratio of norms
hoyer_square  ``|a|_1**2 / (|a|_2**2 n)``                       Yang et al., ICLR 2020
group         ``mean over channels of |a_c|_2 / sqrt(n_c)``     Yuan and Lin 2006, by channel
synops        ``mean fan_out |a|`` over the mean fan-out        Sorbaro et al., Front. Neurosci. 2020
============  ================================================  ==================================================

``l1`` and ``synops`` make values small, which a rate-coded SNN turns into fewer spikes; ``hoyer`` and ``hoyer_square``
do not change with the scale of the values and make them zero, which an array that skips zeros uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

Regularizer = Callable[[Tensor, float], Tensor]
_TINY: Final = 1e-8


def l1(outputs: Tensor, fan_out: float) -> Tensor:  # noqa: ARG001 - all penalties are called alike
    """Return the mean magnitude."""
    return outputs.abs().mean()


def l2(outputs: Tensor, fan_out: float) -> Tensor:  # noqa: ARG001
    """Return the mean square."""
    return outputs.square().mean()


def _norms(outputs: Tensor) -> tuple[Tensor, Tensor, int]:
    flat = outputs.flatten(1)
    return flat.abs().sum(1), flat.square().sum(1), flat.shape[1]


def hoyer(outputs: Tensor, fan_out: float) -> Tensor:  # noqa: ARG001
    """Return the ratio of the norms, 1 where all outputs are equal and ``1 / sqrt(n)`` where one is left."""
    first, second, size = _norms(outputs)
    return (first / (second * size + _TINY).sqrt()).mean()


def hoyer_square(outputs: Tensor, fan_out: float) -> Tensor:  # noqa: ARG001
    """Return the square of that ratio."""
    first, second, size = _norms(outputs)
    return (first.square() / (second * size + _TINY)).mean()


def group(outputs: Tensor, fan_out: float) -> Tensor:  # noqa: ARG001
    """Return the mean length of a channel; of a dense layer, of a neuron over the batch."""
    if outputs.dim() == 2:
        return (outputs.square().mean(0) + _TINY).sqrt().mean()
    return (outputs.square().mean((2, 3)) + _TINY).sqrt().mean()


def synops(outputs: Tensor, fan_out: float) -> Tensor:
    """Return the mean magnitude times the fan-out (relative to the network's mean)."""
    return outputs.abs().mean() * fan_out


REGULARIZERS: Final[Mapping[str, Regularizer]] = {
    "l1": l1, "l2": l2, "hoyer": hoyer, "hoyer_square": hoyer_square, "group": group, "synops": synops,
}  # fmt: skip


def penalty(name: str, outputs: list[Tensor], fan_outs: list[float]) -> Tensor:
    """Return the penalty of all hidden layers, their mean weighted by their neurons.

    Parameters
    ----------
    name : str
        One of ``REGULARIZERS``.
    outputs : list of Tensor
        Of every hidden layer, ``(B, ...)``.
    fan_outs : list of float
        Weights that a neuron of each layer reaches.
    """
    sizes = torch.tensor([item[0].numel() for item in outputs], dtype=torch.float32)
    mean = sum(fan * float(size) for fan, size in zip(fan_outs, sizes, strict=True)) / float(sizes.sum())
    parts = [
        REGULARIZERS[name](item, fan / mean) * (float(size) / float(sizes.sum()))
        for item, fan, size in zip(outputs, fan_outs, sizes, strict=True)
    ]
    return torch.stack(parts).sum()
