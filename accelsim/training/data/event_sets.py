"""Data sets of event cameras: N-MNIST and DVS128 Gesture, cut into a fixed number of timesteps.

Every sample is cut into timesteps of equal duration, from its first event on; a pixel with an event in a timestep is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accelsim.errors import TrainingError
from accelsim.network.event_formats.event_format import EVENT_FORMATS, RawSample, RawSamples
from accelsim.training.data.dataset import DATASETS, DataOptions, Dataset, DatasetReader, Split, held_out


def frames(sample: RawSample, timesteps: int, sensor: tuple[int, int], downsample: int) -> npt.NDArray[np.uint8]:
    """Return a sample as (timesteps, 2, height, width) frames of 0 and 1.

    Parameters
    ----------
    sample : RawSample
    timesteps : int
        Of equal duration, over the whole sample.
    sensor : (height, width)
    downsample : int
        Side of the square of pixels that becomes one; an event in it is an event.
    """
    height, width = (side // downsample for side in sensor)
    made = np.zeros((timesteps, 2, height, width), dtype=np.uint8)
    if sample.time.size:
        since = sample.time - sample.time.min()
        step = since * timesteps // (int(since.max()) + 1)
        made[step, sample.polarity.astype(np.int64), sample.y // downsample, sample.x // downsample] = 1
    return made


def _split(samples: RawSamples, most: int | None, make: Callable[[RawSample], npt.NDArray[np.uint8]]) -> Split:
    inputs, labels = [], []
    for index in range(samples.available if most is None else min(most, samples.available)):
        sample = samples.read(index)
        inputs.append(make(sample))
        labels.append(-1 if sample.label is None else sample.label)
    if min(labels) < 0:
        raise TrainingError(f"{samples.read(0).place}: expected a label of every sample")
    return Split(np.stack(inputs), np.array(labels, dtype=np.int64))


@DATASETS.register("nmnist")
class Nmnist(DatasetReader):
    """MNIST's digits before a moving event camera, 34 x 34: as published, or packed in one npz file."""

    files: ClassVar[tuple[str, ...]] = ("Train", "Test")
    published = "N-MNIST (G. Orchard et al. 2015), CC BY-SA 4.0: folders Train and Test with one for every digit"
    sensor: ClassVar[tuple[int, int]] = (34, 34)

    @classmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:
        """Read an npz file where the folder has one, else the folders; see :meth:`DatasetReader.read`."""
        from accelsim.network.event_formats.nmnist import (  # noqa: PLC0415 - a format, found by the registry
            open_folders,
            open_packed,
        )

        packed = sorted(folder.glob("nmnist*.npz"))
        if len(packed) > 1:
            raise TrainingError(f"{folder}: expected one npz file, got {len(packed)}")
        missing = [name for name in cls.files if not (folder / name).is_dir()]
        if not packed and missing:
            raise TrainingError(
                f"{folder}: expected nmnist*.npz, or Train and Test; missing: {', '.join(missing)}. Nothing is "
                f"downloaded: get {cls.published}"
            )
        parts = []
        for name, most in zip(cls.files, (options.train, options.test), strict=True):
            samples = open_packed(packed[0], test=name == "Test") if packed else open_folders(folder / name)
            parts.append(_split(samples, most, lambda item: frames(item, options.timesteps, cls.sensor, 1)))
        return held_out("nmnist", parts[0], parts[1], 10, cls.published, options)


@DATASETS.register("dvs_gesture")
class DvsGesture(DatasetReader):
    """Eleven hand gestures before an event camera, 128 x 128, one pixel of 4 x 4: 32 x 32."""

    files: ClassVar[tuple[str, ...]] = ("trials_to_train.txt", "trials_to_test.txt")
    published = "DVS128 Gesture (A. Amir et al. 2017), CC BY 4.0: recordings, label files and the two lists of trials"

    @classmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:
        """Read the recordings of both lists; see :meth:`DatasetReader.read`."""
        parts = []
        for path, most in zip(cls.expect(folder, cls.files), (options.train, options.test), strict=True):
            names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            if not names:
                raise TrainingError(f"{path}: expected a recording in every line, got none")
            splits: list[Split] = []
            for recording in cls.expect(folder, names):
                samples = EVENT_FORMATS.get("dvs_gesture").open(recording, None)
                splits.append(_split(samples, None, lambda item: frames(item, options.timesteps, (128, 128), 4)))
            joined = Split(
                np.concatenate([item.inputs for item in splits]), np.concatenate([item.labels for item in splits])
            )
            parts.append(joined.take(slice(most)))
        return held_out("dvs_gesture", parts[0], parts[1], 11, cls.published, options)
