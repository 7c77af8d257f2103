"""Made-up gestures before an event camera: shapes that move, turn, grow and shake.

A clip is a bright shape (bar, square, triangle, cross, disc) on a dark ground, rendered with soft edges at every
timestep boundary. A pixel has an event in a timestep where its log intensity changed by more than the contrast
threshold, of channel 1 where it became brighter and 0 where darker (one event of a pixel and timestep at most); noise
adds events anywhere. Classes, as in DVS128 Gesture eleven: eight movements of a shape, three that turn or mix. Not
modelled: the latency and the refractory time of pixels, hot pixels, background motion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.training.data.dataset import DATASETS, DataOptions, Dataset, DatasetReader, Split

SIDE: Final = 32
TRAIN: Final = 4000
TEST: Final = 2000
CONTRAST: Final = 0.25
"""Change of log intensity that makes an event; cameras are set to 0.15..0.4 (Gallego et al. 2022)."""
NOISE: Final = 0.001
"""Events per pixel, polarity and timestep that nothing caused."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Pose:
    """A shape at the given times: centre (pixels), radius (pixels), angle (rad)."""

    x: Floats
    y: Floats
    size: Floats
    turned: Floats


Move = Callable[[_Pose, Floats, np.random.Generator], _Pose]


def _slide(x: int, y: int) -> Move:
    """Return a movement through the middle, 12 to 18 pixels long."""

    def move(pose: _Pose, time: Floats, draw: np.random.Generator) -> _Pose:
        along = draw.uniform(6, 9) * (2 * time - 1)
        return replace(pose, x=pose.x + x * along, y=pose.y + y * along)

    return move


def _turn(sign: int) -> Move:
    return lambda pose, time, draw: replace(pose, turned=pose.turned + sign * draw.uniform(2.0, 3.5) * time)


def _zoom(*, grows: bool) -> Move:
    def move(pose: _Pose, time: Floats, draw: np.random.Generator) -> _Pose:
        return replace(pose, size=0.7 * pose.size * draw.uniform(1.8, 2.4) ** (time if grows else 1 - time))

    return move


def _shake(pose: _Pose, time: Floats, draw: np.random.Generator) -> _Pose:
    swing = 2 * np.pi * draw.uniform(1.5, 2.5) * time + draw.uniform(0, 2 * np.pi)
    return replace(pose, x=pose.x + draw.uniform(3, 4.5) * np.sin(swing))


def _circle(sign: int) -> Move:
    def move(pose: _Pose, time: Floats, draw: np.random.Generator) -> _Pose:
        reach, swing = draw.uniform(4, 5.5), sign * 2 * np.pi * time + draw.uniform(0, 2 * np.pi)
        return replace(pose, x=pose.x + reach * np.cos(swing), y=pose.y + reach * np.sin(swing))

    return move


GESTURES: Final[Mapping[str, Move]] = {
    "right": _slide(1, 0),
    "left": _slide(-1, 0),
    "down": _slide(0, 1),
    "up": _slide(0, -1),
    "clockwise": _turn(1),
    "counter-clockwise": _turn(-1),
    "grow": _zoom(grows=True),
    "shrink": _zoom(grows=False),
    "shake": _shake,
    "circle": _circle(1),
    "circle back": _circle(-1),
}
"""Classes by name, in the order of their labels."""


def _triangle(x: Floats, y: Floats) -> Floats:
    slopes = np.minimum(0.5 - 0.87 * x - 0.5 * y, 0.5 + 0.87 * x - 0.5 * y)
    return np.asarray(np.minimum(0.5 + y, slopes) + 0.15)


def _cross(x: Floats, y: Floats) -> Floats:
    near, far = np.minimum(np.abs(x), np.abs(y)), np.maximum(np.abs(x), np.abs(y))
    return np.asarray(np.minimum(0.35 - near, 1.1 - far))


SHAPES: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = {
    "bar": lambda x, y: np.asarray(np.minimum(1.2 - np.abs(x), 0.4 - np.abs(y))),
    "square": lambda x, y: np.asarray(0.85 - np.maximum(np.abs(x), np.abs(y))),
    "triangle": _triangle,
    "cross": _cross,
    "disc": lambda x, y: np.asarray(1.0 - np.hypot(x, y)),
}
"""Distance to the edge of a shape of radius 1, positive inside. The disc, which nobody sees turning, is last."""


def clip(gesture: str, timesteps: int, draw: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return one clip as (timesteps, 2, 32, 32) frames of 0 and 1.

    Parameters
    ----------
    gesture : str
        A key of ``GESTURES``.
    timesteps : int
    draw : numpy Generator
    """
    shapes = list(SHAPES.values())
    turns = gesture.endswith("clockwise")
    edge = shapes[int(draw.integers(len(shapes) - 1 if turns else len(shapes)))]
    time = np.linspace(0.0, 1.0, timesteps + 1)
    same = np.ones_like(time)
    x, y = SIDE / 2 + draw.uniform(-3, 3, 2)
    still = _Pose(x * same, y * same, draw.uniform(4.5, 7.5) * same, draw.uniform(0, 2 * np.pi) * same)
    pose = GESTURES[gesture](still, time, draw)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    across, down = columns[None] - pose.x[:, None, None], rows[None] - pose.y[:, None, None]
    cosine, sine = np.cos(pose.turned)[:, None, None], np.sin(pose.turned)[:, None, None]
    radius = pose.size[:, None, None]
    distance = radius * edge((cosine * across + sine * down) / radius, (cosine * down - sine * across) / radius)
    bright = 0.1 + 0.9 / (1.0 + np.exp(-2.0 * np.clip(distance, -20, 20)))
    change = np.diff(np.log(bright), axis=0)
    made = np.stack([change < -CONTRAST, change > CONTRAST], axis=1)
    made |= draw.random(made.shape) < NOISE
    return made.astype(np.uint8)


def clips(number: int, timesteps: int, seed: int, part: int) -> Split:
    """Return clips of all classes in turn; clip *i* of a part depends on seed, part and *i* alone."""
    labels = np.arange(number, dtype=np.int64) % len(GESTURES)
    names = list(GESTURES)
    inputs = np.empty((number, timesteps, 2, SIDE, SIDE), dtype=np.uint8)
    for at, label in enumerate(labels):
        inputs[at] = clip(names[label], timesteps, np.random.default_rng((seed, part, at)))
    return Split(inputs, labels)


@DATASETS.register("synthetic_gestures")
class SyntheticGestures(DatasetReader):
    """Made-up gestures: 4,000 clips to train, 2,000 to test, unless others are asked for; those to choose by beside."""

    files: ClassVar[tuple[str, ...]] = ()
    published = "generated by accelsim.training.data.gestures"

    @classmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:  # noqa: ARG003 - no files
        """Make the clips; see :meth:`DatasetReader.read`."""
        numbers = (TRAIN if options.train is None else options.train, TEST if options.test is None else options.test,
                   options.validation)  # fmt: skip
        train, test, validation = (clips(number, options.timesteps, options.seed, part)
                                   for part, number in enumerate(numbers))  # fmt: skip
        return Dataset("synthetic_gestures", train, validation, test, len(GESTURES), cls.published)
