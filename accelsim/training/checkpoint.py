"""Checkpoints: tensors and a few numbers in a safetensors file; nothing is unpickled.

A checkpoint holds the network, the optimiser's moments, torch's random state and what the stage counts; a file is
written whole or not at all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from accelsim.errors import TrainingError


def save(path: Path, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    """Write tensors and JSON-able numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    whole = {name: item.detach().contiguous().clone() for name, item in tensors.items()}
    save_file(whole, part, metadata={"numbers": json.dumps(numbers)})
    part.replace(path)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and numbers.

    Raises
    ------
    TrainingError
        If the file is not a checkpoint.
    """
    try:
        with safe_open(path, "pt") as file:
            numbers = json.loads((file.metadata() or {})["numbers"])
            return {name: file.get_tensor(name) for name in file.keys()}, numbers  # noqa: SIM118 - not a mapping
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise TrainingError(f"{path}: expected a checkpoint, got something else: {error}") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the state of an optimiser, by number of the parameter."""
    return {
        f"optimizer.{number}.{name}": torch.as_tensor(value)
        for number, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser its state back."""
    whole = optimizer.state_dict()
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".", 2)
            whole["state"].setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(whole)
