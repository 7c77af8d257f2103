"""The training loop that every recipe uses: seeded, logged to a CSV file, resumed where it was cut.

One epoch goes over the training samples in an order drawn from torch's generator. The learning rate is a function of
the step alone (linear warm-up over a share of the steps, then half a cosine), so that a resumed run continues exactly;
a checkpoint is written after every epoch.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from accelsim.errors import TrainingError
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.training.checkpoint import load, optimizer_tensors, restore_optimizer, save
from accelsim.training.data.augment import augmented
from accelsim.training.data.dataset import Split
from accelsim.training.network import Network

Loss = Callable[[npt.NDArray[np.uint8], Tensor], Tensor]
"""Samples and labels of a batch to the loss."""


@dataclass(frozen=True)
class FitOptions:
    """How long and how fast.

    ``warm_up`` is the share of the steps in which the rate rises; ``augment`` shows images moved and mirrored.
    """

    epochs: int
    learning_rate: float
    batch: int = 128
    optimizer: Literal["adam", "sgd"] = "adam"
    weight_decay: float = 0.0
    warm_up: float = 0.1
    clip: float = 0.0
    augment: bool = False


@dataclass
class Hooks:
    """What a recipe does beside the steps.

    ``after_step`` gets the progress 0..1; ``after_epoch`` the epoch and the optimiser;
    ``score`` returns figures for the log.
    """

    after_step: Callable[[float], None] = field(default=lambda _: None)
    after_epoch: Callable[[int, torch.optim.Optimizer], None] = field(default=lambda *_: None)
    score: Callable[[], dict[str, float]] = field(default=dict)


def rate_at(options: FitOptions, progress: float) -> float:
    """Return the learning rate at a progress of 0..1."""
    if progress < options.warm_up:
        return options.learning_rate * (0.1 + 0.9 * progress / options.warm_up)
    done = (progress - options.warm_up) / max(1.0 - options.warm_up, 1e-9)
    return options.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done)))


def make_optimizer(network: Network, options: FitOptions) -> torch.optim.Optimizer:
    """Return the optimiser of all parameters that train; thresholds, leaks and scales do not decay."""
    weights = [layer.weight for layer in network.layers]
    known = {id(item) for item in weights}
    others = [item for item in network.parameters() if item.requires_grad and id(item) not in known]
    groups = [{"params": weights, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.learning_rate, momentum=0.9)
    return torch.optim.Adam(groups, lr=options.learning_rate)


def fit(
    network: Network,
    data: Split,
    loss: Loss,
    options: FitOptions,
    *,
    log: Path,
    hooks: Hooks | None = None,
    progress: Progress = NO_PROGRESS,
    name: str = "training",
) -> list[dict[str, Any]]:
    """Train, from the last checkpoint if there is one.

    Parameters
    ----------
    network : Network
        Its quantisers are in place.
    data : Split
    loss : callable
    options : FitOptions
    log : Path
        CSV file of epochs; the checkpoint lies beside it.
    hooks : Hooks
    progress : Progress
    name : str
        Of the stage, for the progress bar.

    Returns
    -------
    list of dict
        A row of figures per epoch.

    Raises
    ------
    TrainingError
        If the loss is no number.
    """
    hooks = hooks or Hooks()
    optimizer = make_optimizer(network, options)
    place = log.with_suffix(".safetensors")
    rows = _resume(network, optimizer, place)
    steps = math.ceil(len(data) / options.batch)
    with progress.stage(name, total=options.epochs * steps) as stage:
        stage.advance(len(rows) * steps)
        for epoch in range(len(rows), options.epochs):
            network.train()
            total = 0.0
            for at, chosen in enumerate(torch.randperm(len(data)).split(options.batch)):
                done = (epoch + at / steps) / options.epochs
                for group in optimizer.param_groups:
                    group["lr"] = rate_at(options, done)
                picked = chosen.numpy()
                inputs = augmented(data.inputs[picked]) if options.augment else data.inputs[picked]
                value = loss(inputs, torch.from_numpy(data.labels[picked]))
                if not torch.isfinite(value):
                    raise TrainingError(f"{name}: epoch {epoch}, step {at}: expected a finite loss, got {value.item()}")
                optimizer.zero_grad()
                value.backward()
                if options.clip > 0.0:
                    torch.nn.utils.clip_grad_norm_(network.parameters(), options.clip)
                optimizer.step()
                network.apply_masks()
                hooks.after_step((epoch + (at + 1) / steps) / options.epochs)
                total += value.item()
                stage.advance()
            hooks.after_epoch(epoch, optimizer)
            network.eval()
            rows.append({"epoch": epoch, "loss": total / steps, **hooks.score()})
            _keep(network, optimizer, place, rows)
            write_rows(log, rows)
    network.eval()
    return rows


def _keep(network: Network, optimizer: torch.optim.Optimizer, place: Path, rows: list[dict[str, Any]]) -> None:
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    tensors |= optimizer_tensors(optimizer) | {"random": torch.get_rng_state()}
    save(place, tensors, {"rows": rows})


def _resume(network: Network, optimizer: torch.optim.Optimizer, place: Path) -> list[dict[str, Any]]:
    if not place.is_file():
        return []
    tensors, numbers = load(place)
    prefix = "network."
    own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    if own.keys() != network.state_dict().keys():
        raise TrainingError(f"{place}: expected a checkpoint of this network, got one of another; remove it")
    network.load_state_dict(own)
    restore_optimizer(optimizer, tensors)
    torch.set_rng_state(tensors["random"])
    rows: list[dict[str, Any]] = numbers["rows"]
    return rows


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as CSV, columns in the order in which they appear first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = dict.fromkeys(key for row in rows for key in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)
