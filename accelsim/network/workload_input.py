"""The events and labels of a workload, in the neuron order of its network's input."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, WorkloadError
from accelsim.network.encodings.encoding import ENCODINGS, EncodingOptions
from accelsim.network.event_files import read_events, read_npz_labels
from accelsim.network.event_frames import frame_shape, make_frames
from accelsim.network.event_recordings import open_recordings
from accelsim.network.events import EventStream, Limit
from accelsim.network.graph import Network
from accelsim.network.images import read_images, read_labels
from accelsim.network.input_schema import EVENT_FRAMES, EVENTS, TIME_UNITS
from accelsim.network.workload_schema import INPUT_LABELS, NpzKey, WorkloadSpec

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WorkloadInput:
    """Input of a workload.

    Attributes
    ----------
    events : EventStream
    labels : (samples,) int64 or None
    files : sequence of Path
        What was read, labels included.
    report : dict
        Of recordings: format, events used and left out, names of classes; empty otherwise.
    image : (samples, n_input) float64 or None
        The analog image behind random events, in the units of the network's input.
    """

    events: EventStream
    labels: Labels | None
    files: Sequence[Path]
    report: dict[str, Any] = field(default_factory=dict)
    image: npt.NDArray[np.float64] | None = None


def read_input(spec: WorkloadSpec, folder: Path, network: Network, limit: Limit) -> WorkloadInput:
    """Return the events of the first samples, with their labels.

    Raises
    ------
    AccelsimError
        Naming the file, what was got and what was expected.
    """
    path = folder / spec.input.file
    if spec.input.encoding == EVENT_FRAMES:
        return _recorded(spec, folder, network, limit)
    if spec.labels == INPUT_LABELS:
        raise WorkloadError(f"{path}: labels: expected a file: encoding {spec.input.encoding} has no labels inside")
    image = None
    if spec.input.encoding == EVENTS:
        events, shape = read_events(path, spec.timesteps)
        available = events.samples
        _check_shape(path, shape, network)
        events = events.take(limit.of(available, path))
    else:
        images = read_images(path)
        available = images.shape[0]
        images = images[: limit.of(available, path)]
        if network.input.shape == (images[0].size,):
            # A flat input counts the pixels channel-first, as a training framework flattens an image.
            images = images.transpose(0, 3, 1, 2).reshape(images.shape[0], 1, 1, -1)
        else:
            _check_shape(path, images.shape[1:], network)
        encoding, options = ENCODINGS.get(spec.input.encoding), _options(spec, network)
        events, image = encoding.encode(images, options), encoding.expected(images, options)
        if events.total == 0:
            raise EventError(f"{path}: the input has no event: every pixel is zero, or the rate is too low")
    labels, files = _labels(spec, folder, network, available, events.samples)
    return WorkloadInput(events, labels, [path, *files], image=image)


def no_input(network: Network) -> WorkloadInput:
    """Return one timestep without an event."""
    nothing = EventStream("spikes", 1, 1, network.input.size, np.zeros(2, np.int64), np.empty(0, np.int32))
    return WorkloadInput(nothing, None, [])


def _recorded(spec: WorkloadSpec, folder: Path, network: Network, limit: Limit) -> WorkloadInput:
    path = folder / spec.input.file
    unit = None if spec.input.time_unit is None else TIME_UNITS[spec.input.time_unit]
    recordings = open_recordings(path, spec.input.format, unit)
    frames = spec.input.frames(spec.timesteps)
    available = recordings.samples.available
    if frames.stride is None:
        limit.of(available, path)
    shape = frame_shape(recordings.samples, frames, f"{path}")
    flat = network.input.shape == (int(np.prod(shape)),)
    if not flat:
        _check_shape(path, shape, network)
    framed = make_frames(recordings.samples, frames, f"{path}", limit, channel_first=flat)
    events = framed.events
    labels: Labels | None
    files: list[Path]
    if spec.labels == INPUT_LABELS:
        if framed.labels is None:
            raise EventError(f"{path}: labels: expected a label with every sample, but format {recordings.format} has "
                             "none here: neither in the file nor as a sub-folder")  # fmt: skip
        labels, files = _within(framed.labels, path, network), []
    elif spec.labels is not None and frames.stride is not None:
        raise WorkloadError(f"{path}: labels: expected {INPUT_LABELS!r} or nothing: input.stride cuts a recording into "
                            "samples that a file of labels does not know")  # fmt: skip
    else:
        labels, files = _labels(spec, folder, network, available, events.samples)
    used = recordings.used_files(events.samples)
    report = {"format": recordings.format, "events": framed.report, "classes": list(recordings.classes)}
    return WorkloadInput(events, labels, [*used, *files], report)


def _options(spec: WorkloadSpec, network: Network) -> EncodingOptions:
    return EncodingOptions(
        timesteps=spec.timesteps,
        integer=network.integer or spec.network.quantize != "none",
        rate=spec.input.rate,
        seed=spec.input.seed,
        value_bits=spec.input.value_bits,
    )


def _check_shape(path: Path, shape: tuple[int, ...], network: Network) -> None:
    if tuple(shape) != network.input.shape:
        raise WorkloadError(
            f"{path}: shape of a sample: expected {network.input.shape}, the input of network {network.name}, got "
            f"{tuple(shape)}"
        )


def _labels(
    spec: WorkloadSpec, folder: Path, network: Network, available: int, used: int
) -> tuple[Labels | None, list[Path]]:
    if spec.labels is None:
        return None, []
    path = folder / (spec.labels.file if isinstance(spec.labels, NpzKey) else spec.labels)
    labels = read_npz_labels(path, spec.labels.key) if isinstance(spec.labels, NpzKey) else read_labels(path)
    if labels.size != available:
        raise EventError(f"{path}: expected {available} labels, one per sample of {spec.input.file}, got {labels.size}")
    return _within(labels, path, network)[:used], [path]


def _within(labels: Labels, path: Path, network: Network) -> Labels:
    outside = (labels < 0) | (labels >= network.output.size)
    if outside.any():
        at = int(np.argmax(outside))
        raise EventError(f"{path}: label {at}: {labels[at]} is outside 0..{network.output.size - 1}")
    return labels
