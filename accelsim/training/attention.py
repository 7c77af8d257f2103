r"""What a compressed network learns from an uncompressed one: where it looks, and how sure it is.

Attention maps (Zagoruyko and Komodakis, ICLR 2017): :math:`a(x) = \mathrm{vec}(\mathrm{mean}_c x^2) / \lVert .
\rVert_2` of a layer's outputs; the loss is the mean of :math:`(a_s - a_t)^2`, summed over pairs of layers.
Distillation (Hinton, Vinyals and Dean 2015): :math:`\alpha T^2 KL(\mathrm{softmax}(y_t / T) \,||\,
\mathrm{softmax}(y_s / T)) + (1 - \alpha) CE`. Spike-Thrift uses attention of a meta-model; its weights of the terms
and its pairs of layers are not published, here they are parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def attention_map(outputs: Tensor) -> Tensor:
    """Return the attention map ``(B, y x)`` of outputs ``(B, c, y, x)``, of length 1."""
    return functional.normalize(outputs.square().mean(1).flatten(1))


def attention_loss(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Return the distance of the attention maps, summed over the layers that have a plane."""
    pairs = [(one, other) for one, other in zip(student, teacher, strict=True) if one.dim() == 4]
    distances = [(attention_map(one) - attention_map(other)).square().mean() for one, other in pairs]
    return torch.stack(distances).sum() if distances else torch.zeros(())


def distillation_loss(student: Tensor, teacher: Tensor, labels: Tensor, *, temperature: float, weight: float) -> Tensor:
    """Return cross-entropy and the softened teacher's verdict, ``weight`` of the latter."""
    hard = functional.cross_entropy(student, labels)
    if weight == 0.0:
        return hard
    soft = functional.kl_div(
        functional.log_softmax(student / temperature, 1),
        functional.log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    return weight * temperature**2 * soft + (1.0 - weight) * hard
