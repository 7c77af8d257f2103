"""Surrogate gradients: what stands in the backward pass for the derivative of a spike.

Every function takes ``u = membrane / threshold - 1`` and returns the stand-in of ``d spike / d u`` (dimensionless).

==============  =======================================================  ===========================================
name            formula                                                  source
==============  =======================================================  ===========================================
fast_sigmoid    ``1 / (1 + 2 |u|)**2``                                   Zenke and Ganguli 2018 (SuperSpike)
linear          ``0.3 max(0, 1 - |u|)``                                  Bellec et al. 2018; Rathi et al. 2020 (hybrid)
atan            ``1 / (1 + (pi u)**2)``                                  Fang et al. 2021, alpha = 2
==============  =======================================================  ===========================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from torch import Tensor

Surrogate = Callable[[Tensor], Tensor]


def fast_sigmoid(distance: Tensor) -> Tensor:
    """Return ``1 / (1 + 2 |u|)**2``."""
    return distance.abs().mul_(2.0).add_(1.0).square_().reciprocal_()


def linear(distance: Tensor) -> Tensor:
    """Return ``0.3 max(0, 1 - |u|)``."""
    return distance.abs().neg_().add_(1.0).clamp_(min=0.0).mul_(0.3)


def atan(distance: Tensor) -> Tensor:
    """Return ``1 / (1 + (pi u)**2)``."""
    return distance.mul(math.pi).square_().add_(1.0).reciprocal_()


SURROGATES: Final[Mapping[str, Surrogate]] = {"fast_sigmoid": fast_sigmoid, "linear": linear, "atan": atan}
