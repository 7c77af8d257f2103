"""Train the default workload: a pruned, 8-bit convolutional spiking network for MNIST digits.

``python -m accelsim.training.mnist --data DIR --out DIR`` reads the four files of MNIST and writes a workload
folder. Pruning follows a cubic schedule during training, and the last epochs train with quantised weights in
integer membrane arithmetic, exactly as the hardware computes.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nir
import numpy as np
import numpy.typing as npt
import torch
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from torch import Tensor
from torch.nn import functional

from accelsim.training.export import poisson_events, read_idx, to_nir, write_idx, write_manifest
from accelsim.training.neurons import THRESHOLD, QuantizedLayer, code_scale, integer_spikes, lif
from accelsim.training.projection import Projection

log = logging.getLogger(__name__)

PROJECTIONS: Final = (
    Projection("conv1", (16, 1, 5, 5), stride=2, padding=2),
    Projection("conv2", (32, 16, 3, 3), padding=1, pool=2),
    Projection("fc1", (128, 1568)),
    Projection("fc2", (10, 128)),
)
INPUT_SHAPE: Final = (1, 28, 28)
FILES: Final = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
DIGITS: Final = 64  # test digits bundled with the workload
EVALUATION_BATCH: Final = 500


@dataclass(frozen=True)
class Recipe:
    """Choices of one training run.

    ``rate`` is the spike probability of a white pixel per timestep. ``sparsity`` is the pruned fraction of
    each layer. ``prune_span`` and ``quantize_from`` are positions in the run as fractions of all optimiser
    steps. ``activity_cost`` is the loss per 1000 hidden spikes of an inference. ``gains`` are the standard
    deviations of the initial weights times the square root of their fan-in.
    """

    epochs: int = 8
    seed: int = 0
    timesteps: int = 8
    rate: float = 0.5
    encoding_seed: int = 1
    batch: int = 128
    learning_rate: float = 5e-3
    sparsity: tuple[float, ...] = (0.4, 0.75, 0.9, 0.6)
    prune_span: tuple[float, float] = (0.15, 0.6)
    prune_every: int = 50
    quantize_from: float = 0.7
    activity_cost: float = 0.05
    gains: tuple[float, ...] = (2.0, 3.0, 1.5, 1.5)


class Network:
    """Four spiking layers of trainable float weights, with masks of the weights that pruning leaves."""

    def __init__(self, gains: tuple[float, ...]) -> None:
        self.weights: list[Tensor] = []
        for projection, gain in zip(PROJECTIONS, gains, strict=True):
            fan_in = math.prod(projection.shape[1:])
            weight = torch.randn(projection.shape) * (gain / math.sqrt(fan_in))
            self.weights.append(weight.requires_grad_())
        self.masks = [torch.ones_like(weight) for weight in self.weights]

    def forward(self, events: Tensor, *, quantized: bool) -> list[Tensor]:
        """Return the spikes ``(T, B, ...)`` of every layer for input spikes ``(T, B, 1, 28, 28)``.

        If ``quantized``, weights are rounded to codes, gradients passing straight through, and membranes
        decay as integers.
        """
        spikes = []
        for projection, weight in zip(PROJECTIONS, self.weights, strict=True):
            threshold, codes = THRESHOLD / projection.gain, weight
            if quantized:
                scale = code_scale(weight.detach().numpy())
                threshold = float(round(threshold / scale))
                exact = weight / scale
                codes = exact + (exact.round() - exact).detach()
            events = lif(projection.accumulate(events, codes), threshold, truncate=quantized)
            spikes.append(events)
        return spikes

    def prune(self, fractions: list[float]) -> None:
        """Mask the given fraction of smallest weights in each layer."""
        for index, (weight, fraction) in enumerate(zip(self.weights, fractions, strict=True)):
            magnitude = weight.detach().abs()
            count = int(fraction * magnitude.numel())
            if count > 0:
                self.masks[index] = magnitude > magnitude.flatten().kthvalue(count).values

    def apply_masks(self) -> None:
        """Set the masked weights to zero."""
        for weight, mask in zip(self.weights, self.masks, strict=True):
            weight.detach().mul_(mask)

    def quantize(self) -> list[QuantizedLayer]:
        """Round the weights to 8-bit codes."""
        pairs = zip(PROJECTIONS, self.weights, strict=True)
        return [QuantizedLayer.of(projection, weight.detach().numpy()) for projection, weight in pairs]


def _batches(count: int, recipe: Recipe) -> Iterator[Tensor]:
    for _ in range(recipe.epochs):
        yield from torch.randperm(count).split(recipe.batch)


def train(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], recipe: Recipe) -> Network:
    """Train from scratch, seeded.

    Parameters
    ----------
    images, labels
        Training set, ``(n, 28, 28)`` and ``(n,)``, ``uint8``.
    recipe
        Choices of the run.

    Returns
    -------
    Network
        The trained network, pruned, weights not yet rounded.
    """
    torch.manual_seed(recipe.seed)
    pixels, targets = torch.from_numpy(images.copy())[:, None], torch.from_numpy(labels.astype(np.int64))
    network = Network(recipe.gains)
    total = recipe.epochs * math.ceil(len(pixels) / recipe.batch)
    optimizer = torch.optim.Adam(network.weights, lr=recipe.learning_rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total, pct_start=0.1)
    first, last = recipe.prune_span
    for step, chosen in enumerate(_batches(len(pixels), recipe)):
        progress = step / total
        if step % recipe.prune_every == 0:
            ramp = 1.0 - (1.0 - min(1.0, max(0.0, (progress - first) / (last - first)))) ** 3
            network.prune([fraction * ramp for fraction in recipe.sparsity])
        probability = pixels[chosen] * (recipe.rate / 255)
        events = (torch.rand(recipe.timesteps, *probability.shape) < probability).float()
        spikes = network.forward(events, quantized=progress >= recipe.quantize_from)
        error = functional.cross_entropy(spikes[-1].sum(0), targets[chosen])
        activity = torch.stack([layer.sum() for layer in spikes[:-1]]).sum() / (1000 * len(chosen))
        optimizer.zero_grad()
        (error + recipe.activity_cost * activity).backward()
        optimizer.step()
        schedule.step()
        network.apply_masks()
        if step % 100 == 0:
            log.info("%d of %d: loss %.4f, spikes %.0f", step, total, error.item(), 1000 * activity.item())
    return network


def evaluate(
    layers: list[QuantizedLayer], images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], recipe: Recipe
) -> tuple[float, list[float]]:
    """Classify in integer arithmetic by spike count; ties go to the lowest class.

    Parameters
    ----------
    layers
        The quantised network.
    images, labels
        Test set, ``(n, 28, 28)`` and ``(n,)``, ``uint8``.
    recipe
        Gives the encoding.

    Returns
    -------
    accuracy : float
        Fraction of correct digits.
    spikes : list of float
        Mean spikes per inference of the input and of every layer.
    """
    correct, totals = 0, np.zeros(1 + len(layers))
    for start in range(0, len(images), EVALUATION_BATCH):
        chosen = slice(start, start + EVALUATION_BATCH)
        encoded = poisson_events(
            images[chosen], start, recipe.timesteps, rate=recipe.rate, seed=recipe.encoding_seed
        )
        events = torch.from_numpy(encoded)
        spikes = integer_spikes(layers, events)
        counts = spikes[-1].sum(0).numpy()
        correct += int(np.sum(counts.argmax(1) == labels[chosen]))
        totals += [int(layer.sum()) for layer in (events, *spikes)]
    return correct / len(images), list(totals / len(images))


def main(arguments: list[str] | None = None) -> None:
    """Train, evaluate and write the workload folder."""
    parser = argparse.ArgumentParser(description="Train the MNIST workload.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the four MNIST files")
    parser.add_argument("--out", type=Path, required=True, help="workload folder to write")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads; a repeated run needs the same")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    data = [read_idx(options.data / file) for file in FILES]

    start = time.perf_counter()
    layers = train(data[0], data[1], recipe).quantize()
    log.info("trained in %.0f s", time.perf_counter() - start)
    accuracy, spikes = evaluate(layers, data[2], data[3], recipe)
    zeros = float(np.mean(np.concatenate([layer.codes.ravel() for layer in layers]) == 0))
    log.info("accuracy %.4f, zeros %.4f, spikes per inference %s", accuracy, zeros, np.round(spikes, 1))

    options.out.mkdir(parents=True, exist_ok=True)
    nir.write(options.out / "network.nir", to_nir(layers, INPUT_SHAPE), compression_opts=9)
    for name, array in zip(("digits-idx3", "labels-idx1"), data[2:], strict=True):
        write_idx(options.out / f"{name}-ubyte.gz", array[:DIGITS])
    command = "python -m accelsim.training.mnist --data DIR --out DIR"
    provenance = {
        "source": "trained from scratch on MNIST (Y. LeCun, C. Cortes, C. J. C. Burges)",
        "licence": "digits CC BY-SA 3.0; network as this project",
        "made_by": DoubleQuotedScalarString(f"{command} --epochs {recipe.epochs} --seed {recipe.seed}"),
        "torch": DoubleQuotedScalarString(torch.__version__.split("+")[0]),
        "seed": recipe.seed,
        "test_accuracy": accuracy,
        "zero_weights": round(zeros, 4),
    }
    write_manifest(
        options.out / "workload.yaml",
        timesteps=recipe.timesteps,
        rate=recipe.rate,
        encoding_seed=recipe.encoding_seed,
        provenance=provenance,
    )


if __name__ == "__main__":
    main()
