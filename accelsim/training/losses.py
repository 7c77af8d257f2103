"""Losses that the recipes share: a batch of samples and labels to a number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from accelsim.training.encoding import WHITE, InputCode
from accelsim.training.fit import Loss
from accelsim.training.network import Network


def images_of(samples: npt.NDArray[np.uint8]) -> Tensor:
    """Return what an ANN reads: pixels of 0..1, or the mean of the frames."""
    values = torch.from_numpy(samples).float()
    return values.mean(1) if samples.ndim == 5 else values / WHITE


def ann_loss(network: Network) -> Loss:
    """Return the cross-entropy of the network run as an ANN."""
    return lambda samples, labels: functional.cross_entropy(network.activations(images_of(samples))[-1], labels)


def snn_loss(network: Network, code: InputCode, *, integer: bool = False) -> Loss:
    """Return the cross-entropy of the network run as an SNN; ``integer`` with whole codes and membranes."""

    def loss(samples: npt.NDArray[np.uint8], labels: Tensor) -> Tensor:
        logits = network.spikes(code.training(samples), integer=integer)[-1]
        return functional.cross_entropy(logits, labels)

    return loss
