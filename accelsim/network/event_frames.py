"""Event recordings cut into timesteps: the events of a network's input.

Modelled: timesteps of a fixed duration (``window``) or of a fixed number of events (``events_per_step``); polarities as
two channels or one; exchange and mirroring of axes, a cut-out, spatial down-sampling by whole factors, in this order;
several events of one neuron in one timestep as one spike (``or``) or as that many (``count``); one long recording cut
into overlapping samples (``stride``). Not modelled: time surfaces, voxel grids, denoising, refractory filters.

Events before the time zero, outside the cut-out, of a polarity that is left out, and beyond the last timestep are not
used; how many of each is part of the report. Neither order nor number of events depends on the order of the file,
except that timesteps by number of events take them by time, then by place in the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import RawSample, RawSamples
from accelsim.network.events import EventStream

MAX_COUNT: Final = 65535
"""Most events of one neuron in one timestep."""

MAX_SAMPLES: Final = 1 << 20


@dataclass(frozen=True)
class Frames:
    """How a recording becomes timesteps.

    Attributes
    ----------
    timesteps : int
    multiple : {"or", "count"}
    time_zero : {"first_event", "file"}
        Where timestep 0 begins: at the first event of the sample, all polarities and pixels considered, or at the
        zero of the file's clock (a labelled window: at its start).
    window : int or None
        Duration of a timestep, ns.
    events_per_step : int or None
        Events used per timestep, instead of a duration.
    polarity : {"both", "swap", "merge", "on", "off"} or None
        Channels (off, on), (on, off), all in one, or one kind alone; None where the file has no polarity.
    sensor : (height, width) or None
        Of the file; None to take what the file says.
    transpose : bool
        Exchange rows and columns.
    flip : {"", "x", "y", "xy"}
        Mirror columns, rows or both.
    crop : (y, x, height, width) or None
    downsample : int
        Side of the square of pixels that becomes one.
    stride : int or None
        ns between the starts of samples that are cut from one recording.
    """

    timesteps: int
    multiple: Literal["or", "count"]
    time_zero: Literal["first_event", "file"]
    window: int | None = None
    events_per_step: int | None = None
    polarity: Literal["both", "swap", "merge", "on", "off"] | None = None
    sensor: tuple[int, int] | None = None
    transpose: bool = False
    flip: Literal["", "x", "y", "xy"] = ""
    crop: tuple[int, int, int, int] | None = None
    downsample: int = 1
    stride: int | None = None


@dataclass(frozen=True, eq=False)
class Framed:
    """Events of the timesteps, and what was left out.

    Attributes
    ----------
    events : EventStream
    labels : (samples,) int64 or None
    report : dict of str to int
        Events read, used, before the time zero, outside, of another polarity, too late, out of order; spikes made.
    """

    events: EventStream
    labels: npt.NDArray[np.int64] | None
    report: dict[str, int]


def frame_shape(samples: RawSamples, frames: Frames, place: str) -> tuple[int, int, int]:
    """Return (height, width, channels) of a timestep.

    Raises
    ------
    EventError
        If the sensor or the polarity is not known, or crop and down-sampling do not fit it.
    """
    sensor = frames.sensor or samples.sensor
    if sensor is None:
        raise EventError(f"{place}: expected input.sensor: the file does not say its height and width")
    if samples.sensor is not None and frames.sensor not in (None, samples.sensor):
        raise EventError(f"{place}: input.sensor: expected {samples.sensor}, as the file says, got {frames.sensor}")
    if (frames.polarity is None) != (samples.polarities == 1):
        asked = "both, swap, merge, on or off" if samples.polarities == 2 else "no such key: events have no polarity"
        raise EventError(f"{place}: input.polarity: expected {asked}, got {frames.polarity or 'nothing'}")
    height, width = sensor[::-1] if frames.transpose else sensor
    if frames.crop is not None:
        top, left, rows, columns = frames.crop
        if rows < 1 or columns < 1 or top + rows > height or left + columns > width:
            raise EventError(f"{place}: input.crop: expected a part of {(height, width)}, got {list(frames.crop)}")
        height, width = rows, columns
    if (height % frames.downsample and height > 1) or width % frames.downsample:
        raise EventError(
            f"{place}: input.downsample: expected a divisor of {(height, width)}, got {frames.downsample}; crop first"
        )
    channels = 2 if frames.polarity in ("both", "swap") else 1
    return max(1, height // frames.downsample), width // frames.downsample, channels


def make_frames(
    samples: RawSamples, frames: Frames, place: str, limit: int | None = None, *, channel_first: bool = False
) -> Framed:
    """Return the events of the first ``limit`` samples.

    Parameters
    ----------
    samples : RawSamples
    frames : Frames
    place : str
        File, for messages.
    limit : int or None
    channel_first : bool
        Whether neurons are numbered (channel, y, x), as a flat network counts them, instead of (y, x, channel).

    Raises
    ------
    EventError
        If a pixel lies outside the sensor, a count is too large, there are fewer samples, or no event at all.
    """
    height, width, channels = frame_shape(samples, frames, place)
    size = height * width * channels
    tally = dict.fromkeys(("read", "used", "before", "outside", "polarity", "late", "out_of_order", "spikes"), 0)
    counts: list[npt.NDArray[np.int64]] = []
    found: list[npt.NDArray[np.int32]] = []
    labels: list[int | None] = []
    for sample in _samples(samples, frames, limit):
        key = _bin(sample, frames, (height, width, channels), samples, tally, channel_first=channel_first)
        counts.append(np.bincount(key // size, minlength=frames.timesteps))
        found.append((key % size).astype(np.int32))
        labels.append(sample.label)
    if limit is not None and len(counts) < limit:
        raise EventError(f"{place}: asked for {limit} samples, the input has {len(counts)}")
    index = np.concatenate(found)
    tally["spikes"] = int(index.size)
    if not index.size:
        told = ", ".join(f"{name} {value}" for name, value in tally.items())
        raise EventError(f"{place}: the input has no event ({told})")
    stream = EventStream(
        "spikes",
        len(counts),
        frames.timesteps,
        size,
        np.concatenate(([0], np.cumsum(np.concatenate(counts)))),
        index,
    )
    known = [label for label in labels if label is not None]
    return Framed(stream, np.array(known, dtype=np.int64) if len(known) == len(labels) else None, tally)


def _samples(samples: RawSamples, frames: Frames, limit: int | None) -> Iterator[RawSample]:
    """Yield the samples, long ones cut, ordered by time."""
    made = 0
    for index in range(samples.available):
        for part in _cut(samples.read(index), frames):
            if made == (MAX_SAMPLES if limit is None else limit):
                return
            made += 1
            yield part


def _cut(sample: RawSample, frames: Frames) -> Iterator[RawSample]:
    if frames.stride is None or frames.window is None or not sample.time.size:
        yield sample
        return
    length = frames.window * frames.timesteps
    zero = int(sample.time.min()) if frames.time_zero == "first_event" else sample.origin
    number = max(1, (int(sample.time.max()) - zero - length) // frames.stride + 1)
    order = np.argsort(sample.time, kind="stable")
    time = sample.time[order]
    for at in range(number):
        start = zero + at * frames.stride
        first, last = np.searchsorted(time, (start, start + length))
        part = order[first:last]
        yield RawSample(
            time=sample.time[part],
            x=sample.x[part],
            y=sample.y[part],
            polarity=sample.polarity[part],
            origin=start,
            place=f"{sample.place}: part {at}",
            label=sample.label,
        )


def _bin(
    sample: RawSample,
    frames: Frames,
    shape: tuple[int, int, int],
    samples: RawSamples,
    tally: dict[str, int],
    *,
    channel_first: bool,
) -> npt.NDArray[np.int64]:
    """Return timestep * size + neuron of every spike, ascending; one of several events is listed as often."""
    height, width, channels = shape
    sensor = frames.sensor or samples.sensor or (0, 0)
    _check_pixels(sample, sensor)
    tally["read"] += sample.time.size
    if not sample.time.size:
        return np.zeros(0, np.int64)
    late = int(np.count_nonzero(np.diff(sample.time) < 0))
    tally["out_of_order"] += late
    # A part of a stream begins at its own start: its first event comes some time after it.
    first_event = frames.time_zero == "first_event" and frames.stride is None
    zero = int(sample.time.min()) if first_event else sample.origin
    y, x, keep = _placed(sample, frames, sensor)
    inside, kind = _chosen(sample.polarity, frames.polarity)
    after = sample.time >= zero
    tally["before"] += int(np.count_nonzero(~after))
    tally["outside"] += int(np.count_nonzero(after & ~keep))
    tally["polarity"] += int(np.count_nonzero(after & keep & ~inside))
    at: npt.NDArray[Any] = np.flatnonzero(after & keep & inside)
    if frames.window is not None:
        step = (sample.time[at] - zero) // frames.window
    else:
        at = at[np.argsort(sample.time[at], kind="stable")] if late else at
        step = np.arange(at.size) // (frames.events_per_step or 1)
    inside_time = step < frames.timesteps
    tally["late"] += int(np.count_nonzero(~inside_time))
    at, step = at[inside_time], step[inside_time]
    tally["used"] += int(at.size)
    row, column, channel = y[at] // frames.downsample, x[at] // frames.downsample, kind[at].astype(np.int64)
    if channel_first:
        neuron = (channel * height + row) * width + column
    else:
        neuron = (row.astype(np.int64) * width + column) * channels + channel
    key, number = np.unique(step * (height * width * channels) + neuron, return_counts=True)
    if number.size and int(number.max()) > MAX_COUNT:
        raise EventError(f"{sample.place}: {number.max()} events of one neuron in one timestep, at most {MAX_COUNT}")
    return np.repeat(key, number) if frames.multiple == "count" else key


def _check_pixels(sample: RawSample, sensor: tuple[int, int]) -> None:
    for name, values, limit in (("x", sample.x, sensor[1]), ("y", sample.y, sensor[0])):
        outside = (values < 0) | (values >= limit)
        if outside.any():
            at = int(np.argmax(outside))
            raise EventError(
                f"{sample.where(at)}: {name} {values[at]} is outside 0..{limit - 1} of the sensor (height, width) = "
                f"{sensor}"
            )


def _placed(
    sample: RawSample, frames: Frames, sensor: tuple[int, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return rows and columns in the cut-out, and which events lie in it."""
    y, x = sample.y, sample.x
    height, width = sensor
    if frames.transpose:
        y, x, height, width = x, y, width, height
    if "x" in frames.flip:
        x = width - 1 - x
    if "y" in frames.flip:
        y = height - 1 - y
    if frames.crop is None:
        return y, x, np.ones(y.size, dtype=bool)
    top, left, rows, columns = frames.crop
    y, x = y - top, x - left
    return y, x, (y >= 0) & (y < rows) & (x >= 0) & (x < columns)


def _chosen(polarity: npt.NDArray[np.uint8], wanted: str | None) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
    """Return which events are used, and their channel."""
    every = np.ones(polarity.size, dtype=bool)
    if wanted == "both":
        return every, polarity
    if wanted == "swap":
        return every, (1 - polarity).astype(np.uint8)
    used = every if wanted in (None, "merge") else polarity == (wanted == "on")
    return used, np.zeros(polarity.size, np.uint8)
