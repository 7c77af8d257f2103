"""Which weights are left: magnitude masks, and sparse learning that moves a fixed budget of weights.

Sparse learning (Dettmers and Zettlemoyer, "Sparse networks from scratch", 2019): every epoch the smallest weights of
each layer go, a share that a cosine brings down to zero; as many grow back where they help most, which the mean
magnitude of a layer's momentum says for layers and the largest momentum for weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from accelsim.errors import TrainingError
from accelsim.training.network import Layer, Network


def magnitude_masks(
    weights: Sequence[Tensor], sparsity: float, scope: Literal["layer", "global"]
) -> list[Tensor]:
    """Return masks that leave the largest weights.

    Exactly ``round(sparsity * n)`` weights go, of every layer or of all together; of equal ones the first.

    Parameters
    ----------
    weights : sequence of Tensor
    sparsity : float
        Share that goes, 0 <= sparsity < 1.
    scope : {"layer", "global"}

    Raises
    ------
    TrainingError
        On another share.
    """
    if not 0.0 <= sparsity < 1.0:
        raise TrainingError(f"sparsity: expected 0 or more and less than 1, got {sparsity}")
    groups = [[item] for item in weights] if scope == "layer" else [list(weights)]
    masks = []
    for group in groups:
        joined = torch.cat([item.detach().abs().flatten() for item in group])
        mask = torch.ones_like(joined)
        mask[joined.argsort(stable=True)[: round(sparsity * len(joined))]] = 0.0
        parts = mask.split([item.numel() for item in group])
        masks += [part.view_as(item) for part, item in zip(parts, group, strict=True)]
    return masks


def set_masks(layers: Sequence[Layer], masks: Sequence[Tensor]) -> None:
    """Give every layer its mask and clear what it takes."""
    with torch.no_grad():
        for layer, mask in zip(layers, masks, strict=True):
            layer.mask.copy_(mask)
            layer.weight.mul_(mask)


class SparseLearning:
    """A budget of weights that moves while the network trains.

    Parameters
    ----------
    network : Network
        Random masks are drawn for it, uniform over all its layers.
    density : float
        Share of weights that the budget holds, 0..1.
    share : float
        Of a layer's weights that move after the first epoch.
    """

    def __init__(self, network: Network, density: float, share: float = 0.5) -> None:
        if not 0.0 < density <= 1.0:
            raise TrainingError(f"density: expected more than 0 and at most 1, got {density}")
        self._layers, self._share = list(network.layers), share
        masks = [(torch.rand_like(layer.weight) < density).float() for layer in self._layers]
        set_masks(self._layers, masks)
        with torch.no_grad():
            for layer in self._layers:
                layer.weight.mul_(density**-0.5)  # outputs vary as those of all weights would

    def move(self, momenta: Sequence[Tensor], progress: float) -> None:
        """Prune the smallest weights of every layer and grow as many in all.

        Parameters
        ----------
        momenta : sequence of Tensor
            Of every layer's weights, also of those that the mask holds at zero.
        progress : float
            Of the training, 0..1; the share that moves is ``share`` (1 + cos(pi progress)) / 2.
        """
        share = self._share * 0.5 * (1.0 + math.cos(math.pi * progress))
        removed, helpful = 0, []
        with torch.no_grad():
            for layer, momentum in zip(self._layers, momenta, strict=True):
                kept = layer.mask.bool()
                helpful.append(float(momentum[kept].abs().mean()) if kept.any() else 0.0)
                number = min(int(share * layer.kept), layer.kept - 1)
                magnitude = layer.weight.abs().masked_fill(~kept, torch.inf)
                layer.mask.view(-1)[magnitude.flatten().argsort(stable=True)[: max(number, 0)]] = 0.0
                removed += max(number, 0)
            self._grow(momenta, helpful, removed)
            for layer in self._layers:
                layer.weight.mul_(layer.mask)

    def _grow(self, momenta: Sequence[Tensor], helpful: Sequence[float], number: int) -> None:
        """Grow ``number`` weights, in proportion to what helps; what a full layer cannot take goes to the others."""
        total = sum(helpful)
        order = sorted(range(len(self._layers)), key=lambda at: self._layers[at].weight.numel())
        left, weight_left = number, total if total > 0 else 1.0
        for place, at in enumerate(order):
            wanted = left if place == len(order) - 1 else round(left * helpful[at] / weight_left)
            left -= self._grown(at, momenta[at], wanted)
            weight_left = max(weight_left - helpful[at], 1e-30)
        for at in order:
            left -= self._grown(at, momenta[at], left)

    def _grown(self, at: int, momentum: Tensor, wanted: int) -> int:
        """Grow the weights of a layer that have the largest momentum; return how many."""
        layer = self._layers[at]
        grown: int = min(wanted, layer.weight.numel() - layer.kept)
        magnitude = momentum.abs().masked_fill(layer.mask.bool(), -1.0)
        layer.mask.view(-1)[magnitude.flatten().argsort(descending=True, stable=True)[:grown]] = 1.0
        return grown
