"""How good a network is: accuracy and spikes on a part of a data set, as ANN, as SNN and in whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from accelsim.training.data.dataset import Split
from accelsim.training.encoding import WHITE, InputCode
from accelsim.training.integers import IntegerLayer, integer_run
from accelsim.training.losses import images_of
from accelsim.training.network import Network
from accelsim.training.spiking import NeuronOptions

BATCH = 250


@dataclass(frozen=True)
class Score:
    """What a network reaches.

    Attributes
    ----------
    accuracy : float
        Share of right predictions, 0..1.
    predictions : (n,) int64 Tensor
    spikes : list of float
        Mean spikes of the input and of every hidden layer per sample; empty of an ANN.
    """

    accuracy: float
    predictions: Tensor
    spikes: list[float]


def score_ann(network: Network, data: Split, noise: float = 0.0) -> Score:
    """Return what the network reaches as an ANN; ``noise`` is the standard deviation added to pixels of 0..1."""

    def run(first: int, part: Split) -> tuple[Tensor, list[Tensor]]:
        images = images_of(part.inputs)
        if noise > 0.0:
            generator = torch.Generator().manual_seed(first)
            images = (images + noise * torch.randn(images.shape, generator=generator)).clamp(0.0, 1.0)
        return network.activations(images)[-1], []

    return _score(data, run)


def score_snn(network: Network, data: Split, code: InputCode, noise: float = 0.0) -> Score:
    """Return what the network reaches as an SNN, in float; ``noise`` as of :func:`score_ann`, pixels kept in 0..1."""

    def run(first: int, part: Split) -> tuple[Tensor, list[Tensor]]:
        inputs = part.inputs
        if noise > 0.0:
            generator = torch.Generator().manual_seed(first)
            images = torch.from_numpy(inputs).float() / WHITE + noise * torch.randn(inputs.shape, generator=generator)
            inputs = (images.clamp(0.0, 1.0) * WHITE).round().to(torch.uint8).numpy()
        events = code.test(inputs, first)
        outputs = network.spikes(events)
        return outputs[-1], [events, *outputs[:-1]]

    return _score(data, run)


def score_integer(layers: list[IntegerLayer], data: Split, code: InputCode, options: NeuronOptions) -> Score:
    """Return what the exported network reaches."""

    def run(first: int, part: Split) -> tuple[Tensor, list[Tensor]]:
        events = code.test(part.inputs, first)
        graded = code.kind == "graded"
        whole = (events * WHITE).round() if graded else events
        outputs = integer_run(layers, whole, options, 1.0 / WHITE if graded else 1.0)
        return outputs[-1], [events, *outputs[:-1]]

    return _score(data, run)


def _score(data: Split, run: Callable[[int, Split], tuple[Tensor, list[Tensor]]]) -> Score:
    found, spikes = [], []
    with torch.no_grad():
        for first in range(0, len(data), BATCH):
            part = data.take(slice(first, first + BATCH))
            logits, events = run(first, part)
            found.append(logits.argmax(1))
            spikes.append([float(item.count_nonzero()) for item in events])
    predictions = torch.cat(found)
    right = float((predictions == torch.from_numpy(data.labels)).double().mean())
    means = [sum(column) / len(data) for column in zip(*spikes, strict=True)]
    return Score(right, predictions, means)
