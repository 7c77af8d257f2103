"""What a data set is: arrays to train and to test on, from files that the user has.

Images are bytes ``(n, channels, height, width)``; events are frames ``(n, timesteps, channels, height, width)`` of 0
and 1. Nothing is downloaded and nothing is unpickled; what is missing is an error that says what is needed and where
it is published.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.errors import TrainingError
from accelsim.registry import Registry

DATASETS: Registry[type[DatasetReader]] = Registry("data set", "accelsim.training.data")


@dataclass(frozen=True, eq=False)
class Split:
    """Samples with labels.

    Attributes
    ----------
    inputs : (n, channels, height, width) or (n, timesteps, channels, height, width) uint8
    labels : (n,) int64
    """

    inputs: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: Any) -> Split:
        """Return the samples of a slice or of indices."""
        return Split(self.inputs[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples to train, to choose by, and to test on.

    Attributes
    ----------
    name : str
    train, validation, test : Split
        Points and networks are chosen on ``validation`` and told by ``test``.
    classes : int
    source : str
        Where it comes from, and its licence.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: int
    source: str

    def __post_init__(self) -> None:
        """Refuse parts without samples, and labels that no class has."""
        for name, part in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            where = f"data set {self.name}, {name}"
            if not len(part):
                raise TrainingError(f"{where}: expected at least one sample, got none")
            low, high = int(part.labels.min()), int(part.labels.max())
            if low < 0 or high >= self.classes:
                raise TrainingError(f"{where}: expected labels of 0 to {self.classes - 1}, got {low} to {high}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all samples and labels."""
        found = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            found.update(repr((part.inputs.shape, part.inputs.dtype.str)).encode())
            found.update(np.ascontiguousarray(part.inputs).data)
            found.update(np.ascontiguousarray(part.labels).data)
        return found.hexdigest()

    @property
    def events(self) -> bool:
        """Whether the samples are frames of events."""
        return self.train.inputs.ndim == 5

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of an input."""
        return tuple(self.train.inputs.shape[-3:])


@dataclass(frozen=True)
class DataOptions:
    """What a reader may be told.

    Attributes
    ----------
    timesteps : int
        Of event data.
    validation : int
        Samples to choose by: taken away from the training part, drawn with ``seed``; of made-up data, made beside it.
    seed : int
        Also of made-up data.
    train, test : int or None
        Most samples to read of each part; None for all.
    """

    timesteps: int = 10
    validation: int = 1000
    seed: int = 0
    train: int | None = None
    test: int | None = None


class DatasetReader(ABC):
    """Base of all data sets."""

    files: ClassVar[Sequence[str]]
    """What the folder must hold, or one of ``choices`` of such lists."""

    published: ClassVar[str]
    """Where it is to be had, and its licence."""

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:
        """Read the data set.

        Raises
        ------
        TrainingError
            If a file is missing.
        EventError
            If a file is not what it should be.
        """

    @classmethod
    def expect(cls, folder: Path, files: Sequence[str]) -> list[Path]:
        """Return the paths of files; raise with all that are missing."""
        missing = [name for name in files if not (folder / name).is_file()]
        if missing:
            raise TrainingError(
                f"{folder}: expected {', '.join(files)}; missing: {', '.join(missing)}. Nothing is downloaded: get "
                f"{cls.published}"
            )
        return [folder / name for name in files]


def read_dataset(name: str, folder: Path | None, options: DataOptions) -> Dataset:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        Registered in ``DATASETS``.
    folder : Path or None
        Of its files; data that is made up needs none.
    options : DataOptions

    Raises
    ------
    TrainingError
        If files are missing, or no folder is given where one is needed.
    """
    reader = DATASETS.get(name)
    if folder is None and reader.files:
        raise TrainingError(f"data set {name}: expected --data, a folder with {', '.join(reader.files)}")
    return reader.read(folder or Path(), options)


def held_out(name: str, train: Split, test: Split, classes: int, source: str, options: DataOptions) -> Dataset:
    """Return a data set with a validation part drawn from the training part."""
    train, test = train.take(slice(options.train)), test.take(slice(options.test))
    if options.validation >= len(train):
        got = options.validation
        raise TrainingError(f"data set {name}: expected fewer than {len(train)} to validate on, got {got}")
    order = np.random.default_rng(options.seed).permutation(len(train))
    held, rest = np.sort(order[: options.validation]), np.sort(order[options.validation :])
    return Dataset(name, train.take(rest), train.take(held), test, classes, source)
