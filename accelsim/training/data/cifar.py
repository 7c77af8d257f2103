"""CIFAR-10 and CIFAR-100: binary batches, and npz files of a part of them.

Binary batches (Krizhevsky 2009): per image one label byte (CIFAR-100: coarse, then fine) and 3072 bytes, channel-first.
Npz: ``images`` (n, 32, 32, 3) uint8 and ``labels`` (n,), in ``cifar10_train*.npz`` and ``cifar10_test*.npz``.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from accelsim.errors import EventError, TrainingError
from accelsim.network.event_formats.event_format import read_bytes
from accelsim.network.npz import Npz
from accelsim.training.data.dataset import DATASETS, DataOptions, Dataset, DatasetReader, Split, held_out

_PIXELS = 3 * 32 * 32


def _batches(paths: list[Path], labels: int) -> Split:
    """Return the images of binary batches with ``labels`` label bytes, of which the last counts."""
    parts = []
    for path in paths:
        data = read_bytes(path)
        if data.size == 0 or data.size % (labels + _PIXELS):
            raise EventError(f"{path}: expected records of {labels + _PIXELS} bytes, got {data.size} bytes")
        parts.append(data.reshape(-1, labels + _PIXELS))
    rows = np.concatenate(parts)
    images = rows[:, labels:].reshape(-1, 3, 32, 32)
    return Split(np.ascontiguousarray(images), rows[:, labels - 1].astype(np.int64))


def _npz(path: Path) -> Split:
    with Npz(path) as file:
        images, labels = file.array("images"), file.array("labels")
    if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3) or labels.shape != images.shape[:1]:
        raise EventError(f"{path}: expected images (n, 32, 32, 3) uint8 and labels (n,), got {images.shape}")
    return Split(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels.astype(np.int64))


@DATASETS.register("cifar10")
class Cifar10(DatasetReader):
    """Ten classes of small photographs."""

    files: ClassVar[tuple[str, ...]] = (*(f"data_batch_{at}.bin" for at in range(1, 6)), "test_batch.bin")
    published = "CIFAR-10, binary version (A. Krizhevsky)"

    @classmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:
        """Read npz files where the folder has them, else the six batches; see :meth:`DatasetReader.read`."""
        found = [sorted(folder.glob(f"cifar10_{part}*.npz")) for part in ("train", "test")]
        if all(found):
            if any(len(paths) > 1 for paths in found):
                number = len(found[0]) + len(found[1])
                raise TrainingError(f"{folder}: expected one npz file of each part, got {number}")
            train, test = (_npz(paths[0]) for paths in found)
        else:
            paths = cls.expect(folder, cls.files)
            train, test = _batches(paths[:-1], 1), _batches(paths[-1:], 1)
        return held_out("cifar10", train, test, 10, cls.published, options)


@DATASETS.register("cifar100")
class Cifar100(DatasetReader):
    """A hundred classes."""

    files: ClassVar[tuple[str, ...]] = ("train.bin", "test.bin")
    published = "CIFAR-100, binary version (A. Krizhevsky)"

    @classmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:
        """Read both batches, fine labels; see :meth:`DatasetReader.read`."""
        train, test = (_batches([path], 2) for path in cls.expect(folder, cls.files))
        return held_out("cifar100", train, test, 100, cls.published, options)
