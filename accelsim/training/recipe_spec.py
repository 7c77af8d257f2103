"""What a recipe's YAML states, as far as all recipes share it; and how it is read.

``accelsim/training/recipes/NAME.yaml`` holds every parameter of a recipe and, under ``quick``, dotted paths that make
it short. ``--config FILE`` takes another file, ``--set PATH=VALUE`` changes one entry.
"""

from __future__ import annotations

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from accelsim.errors import ConfigError
from accelsim.hardware.overrides import apply_overrides
from accelsim.hardware.quantities import Count, CountOrZero, Name, Spec
from accelsim.hardware.schema import may_hold_key
from accelsim.hardware.yaml_reader import parse_yaml, read_yaml
from accelsim.network.spec_problems import spec_problems
from accelsim.training.architecture import LayerSpec
from accelsim.training.data.dataset import DataOptions
from accelsim.training.encoding import InputCode
from accelsim.training.fit import FitOptions
from accelsim.training.spiking import NeuronOptions

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class DataSpec(Spec):
    """Which samples."""

    name: Name
    timesteps: Annotated[Count, Field(le=1000)] = 10
    """Frames that event data is cut into."""
    validation: Count
    train: Count
    """Most samples to read, validation included."""
    test: Count

    def options(self, seed: int) -> DataOptions:
        """Return what the reader is told."""
        return DataOptions(self.timesteps, self.validation, seed, self.train, self.test)


class NeuronSpec(Spec):
    """Neurons of all hidden layers."""

    leak: Share
    reset: Literal["subtract", "zero"]
    order: Literal["integrate_first", "fire_first"]
    surrogate: Literal["fast_sigmoid", "linear", "atan"]
    train_threshold: bool
    train_leak: bool

    @model_validator(mode="after")
    def _exportable(self) -> Self:
        if (self.order, self.reset) == ("fire_first", "zero"):
            raise ValueError("reset: expected subtract with order: fire_first, for which no export resets to zero")
        return self

    def options(self) -> NeuronOptions:
        """Return them as the network takes them."""
        return NeuronOptions(
            leak=self.leak,
            reset=self.reset,
            order=self.order,
            surrogate=self.surrogate,
            train_threshold=self.train_threshold,
            train_leak=self.train_leak,
        )


class InputSpec(Spec):
    """How samples enter the network."""

    kind: Literal["poisson", "graded", "frames"]
    rate: Share = 0.5
    seed: CountOrZero = 1

    def code(self, timesteps: int) -> InputCode:
        """Return the code for so many timesteps."""
        return InputCode(self.kind, timesteps, self.rate, self.seed)


class FitSpec(Spec):
    """One training stage."""

    epochs: CountOrZero
    learning_rate: Positive
    batch: Count = 128
    optimizer: Literal["adam", "sgd"] = "adam"
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0
    warm_up: Share = 0.1
    clip: Annotated[float, Field(ge=0.0)] = 0.0
    augment: bool = False
    """Images moved and mirrored at random; see :mod:`accelsim.training.data.augment`."""

    def options(self) -> FitOptions:
        """Return what the loop takes."""
        return FitOptions(**self.model_dump())


class HardwareSpec(Spec):
    """A machine that exported networks are run on."""

    chip: str
    overrides: tuple[str, ...] = ()
    name: Name | None = None
    """In tables; that of the chip if not stated."""

    @property
    def label(self) -> str:
        """What its columns begin with."""
        return self.name or self.chip


class RecipeSpec(Spec, ABC):
    """What all recipes state."""

    judged: ClassVar[frozenset[str]] = frozenset({"hardware", "samples"})
    """Fields that no training depends on: with others, networks are judged again."""

    data: DataSpec
    layers: Annotated[tuple[LayerSpec, ...], Field(min_length=1)]
    dropout: Share = 0.0
    """While the first network of a recipe trains, which the others begin with or learn from."""
    neurons: NeuronSpec
    input: InputSpec
    seeds: Annotated[tuple[CountOrZero, ...], Field(min_length=1)]
    """Headline points run once for each; grids with the first alone."""
    hardware: Annotated[tuple[HardwareSpec, ...], Field(min_length=1)]
    samples: Count
    """Test samples of a cycle-level run."""
    threads: Count = 2

    @property
    @abstractmethod
    def input_timesteps(self) -> tuple[int, ...]:
        """Timesteps of every input that the recipe makes."""


S = TypeVar("S", bound=RecipeSpec)


def read_recipe(model: type[S], path: Path, overrides: Sequence[str] = (), *, quick: bool = False) -> S:
    """Read a recipe's parameters.

    Parameters
    ----------
    model : type
        The recipe's specification.
    path : Path
    overrides : sequence of str
        ``ann.epochs=3``, after those of ``quick``.
    quick : bool
        Apply the file's ``quick`` entries.

    Raises
    ------
    ConfigError
        With every problem, file and line.
    """
    data, locations = read_yaml(path)
    short = data.pop("quick", [])
    if not isinstance(short, list) or not all(isinstance(item, str) for item in short):
        raise ConfigError(f"{path}: quick: expected a list of PATH=VALUE, got {type(short).__name__}")
    entries: list[Any] = [*(short if quick else ()), *overrides]
    apply_overrides(entries, data, locations, partial(may_hold_key, root=model))
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(spec_problems(error, model, data, locations)) from None


def changed(spec: RecipeSpec, usual: RecipeSpec) -> list[str]:
    """Return the entries that differ from the recipe's own, as ``--set`` takes them after a shell has read them."""
    own, other = (item.model_dump(mode="json", exclude_none=True) for item in (spec, usual))
    short = spec.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    entries: dict[str, Any] = {}
    for key, value in own.items():
        theirs = other.get(key)
        if isinstance(value, dict) and isinstance(theirs, dict) and value.keys() == theirs.keys():
            entries |= {f"{key}.{inner}": item for inner, item in value.items() if item != theirs[inner]}
        elif value != theirs:
            entries[key] = short.get(key, value)
    return [f"{path}={_written(value)}" for path, value in entries.items()]


def command_of(name: str, entries: Sequence[str], options: str = "") -> str:
    """Return the command of a recipe with such entries, as a shell takes it."""
    return " ".join([f"accelsim train {name}{options}", *(f"--set {shlex.quote(entry)}" for entry in entries)])


def _written(value: Any) -> str:
    """Return a value as YAML in one line, without quotes where it reads the same without."""
    quoted = json.dumps(value)
    plain = quoted.replace('"', "")
    try:
        same = parse_yaml(plain, "", "", lines=False)[0] == value
    except ConfigError:
        same = False
    return plain if same else quoted
