"""Recorded spikes and labels in npz files.

Two forms are read. *Packed*: ``input``, ``numpy.packbits`` of a 0/1 array whose shape is ``input_shape`` = (timesteps,
samples, channels, height, width) or (timesteps, samples, n); ``input`` may also be that array itself, unpacked, and
then hold numbers of spikes.
*Coordinates*: ``sample``, ``t`` and either ``neuron`` or ``y``, ``x``, ``c``, one entry per spike in the order of
sample and time, and ``shape`` = (samples, timesteps, n) or (samples, timesteps, height, width, channels); neurons are
numbered channel-last. Nothing is unpickled.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.events import EventStream
from accelsim.network.npz import Npz
from accelsim.neurons.model import MOST_SPIKES

MAX_ENTRIES: Final = 1 << 30
"""Largest unpacked input: timesteps x samples x neurons."""


def read_events(path: Path, timesteps: int) -> tuple[EventStream, tuple[int, ...]]:
    """Return recorded spikes and the shape of the input, (n,) or (height, width, channels).

    Parameters
    ----------
    path : Path
    timesteps : int
        Timesteps to use from the start of each sample; the recording may be longer.

    Raises
    ------
    EventError
        If the file is malformed, has an event out of range or out of order, has no event, or is too short.
    """
    with Npz(path) as file:
        if "input" in file.keys:
            stream, shape = _packed(file)
        elif {"sample", "t", "shape"} <= file.keys:
            stream, shape = _coordinates(file)
        else:
            raise EventError(
                f"{path}: expected 'input' (with 'input_shape'), or 'sample', 't', 'shape' and 'neuron' or 'y', 'x', "
                "'c'; got "
                f"{', '.join(sorted(file.keys)) or 'nothing'}"
            )
    if timesteps > stream.timesteps:
        raise EventError(f"{path}: expected at least {timesteps} timesteps, the recording has {stream.timesteps}")
    stream = _first_steps(stream, timesteps)
    if stream.total == 0:
        raise EventError(f"{path}: the input has no event")
    return stream, shape


def recorded_timesteps(path: Path) -> int:
    """Return the timesteps of each sample of recorded spikes; raises as :func:`read_events`."""
    with Npz(path) as file:
        if "input_shape" in file.keys:
            return int(_shape(file, "input_shape", "(timesteps, samples, ...)", {3, 5})[0])
        if "input" in file.keys:
            shape = file.array("input").shape
            if not shape:
                raise EventError(f"{path}: input: expected (timesteps, samples, ...) with 3 or 5 axes, got one number")
            return int(shape[0] or 1)
        return int(_shape(file, "shape", "(samples, timesteps, ...)", {3, 5})[1])


def read_npz_labels(path: Path, key: str) -> npt.NDArray[np.int64]:
    """Return labels (samples,); raises as :func:`read_events`."""
    with Npz(path) as file:
        return _integers(file, key)


def _packed(file: Npz) -> tuple[EventStream, tuple[int, ...]]:
    data = file.array("input")
    if data.ndim == 1:
        shape = _shape(file, "input_shape", "(timesteps, samples, channels, height, width)", {3, 5})
        count = int(np.prod(shape, dtype=np.int64))
        if data.dtype != np.uint8 or data.size != -(-count // 8):
            raise EventError(
                f"{file.path}: input: expected {-(-count // 8)} packed bytes for {shape}, got {data.size} {data.dtype}"
            )
        active = np.unpackbits(data, count=count).reshape(shape)
    else:
        active = data
        if active.ndim not in {3, 5} or active.size == 0:
            raise EventError(
                f"{file.path}: input: expected (timesteps, samples, ...) with 3 or 5 axes, got shape {active.shape}"
            )
        whole = active.dtype.kind in "biu" or bool((active == np.rint(active)).all())
        if not whole or active.min() < 0 or active.max() > MOST_SPIKES:
            raise EventError(
                f"{file.path}: input: expected numbers of spikes, integers 0..{MOST_SPIKES}, got {active.dtype} "
                f"{active.min()}..{active.max()}"
            )
        active = active.astype(np.uint16)
    if active.ndim == 5:
        active = active.transpose(1, 0, 3, 4, 2)
        inner = tuple(int(size) for size in active.shape[2:])
    else:
        active = active.transpose(1, 0, 2)
        inner = (int(active.shape[2]),)
    return _stream(active.reshape(*active.shape[:2], -1)), inner


def _stream(spikes: npt.NDArray[Any]) -> EventStream:
    """Return numbers of spikes (samples, timesteps, n) as events; a neuron with several is listed as often."""
    stream = EventStream.from_dense(spikes)
    if spikes.max() <= 1:
        return stream
    flat = spikes.reshape(-1, spikes.shape[-1])
    ptr = np.concatenate(([0], np.cumsum(flat.sum(axis=1, dtype=np.int64))))
    return replace(stream, ptr=ptr, index=np.repeat(stream.index, flat[flat != 0]))


def _coordinates(file: Npz) -> tuple[EventStream, tuple[int, ...]]:
    shape = _shape(file, "shape", "(samples, timesteps, n) or (samples, timesteps, height, width, channels)", {3, 5})
    samples, timesteps, inner = shape[0], shape[1], shape[2:]
    names = ("sample", "t", "neuron") if "neuron" in file.keys else ("sample", "t", "y", "x", "c")
    limits = (samples, timesteps, *((int(np.prod(inner)),) if "neuron" in file.keys else inner))
    columns = [_integers(file, name) for name in names]
    if len(limits) != len(names):
        raise EventError(
            f"{file.path}: 'y', 'x', 'c' need a shape (samples, timesteps, height, width, channels), got {shape}"
        )
    for name, values, limit in zip(names, columns, limits, strict=True):
        if values.size != columns[0].size:
            raise EventError(f"{file.path}: {name}: {values.size} entries, but 'sample' has {columns[0].size}")
        outside = (values < 0) | (values >= limit)
        if outside.any():
            at = int(np.argmax(outside))
            raise EventError(f"{file.path}: event {at}: {name} {values[at]} is outside 0..{limit - 1}")
    step = columns[0] * timesteps + columns[1]
    late = np.flatnonzero(np.diff(step) < 0)
    if late.size:
        at = int(late[0]) + 1
        raise EventError(
            f"{file.path}: event {at}: sample {columns[0][at]}, t {columns[1][at]} comes after sample "
            f"{columns[0][at - 1]}, t "
            f"{columns[1][at - 1]}; expected events in the order of sample and time"
        )
    neuron = columns[2] if len(columns) == 3 else (columns[2] * inner[1] + columns[3]) * inner[2] + columns[4]
    order = np.lexsort((neuron, step))
    step, neuron = step[order], neuron[order]
    double = np.flatnonzero((np.diff(step) == 0) & (np.diff(neuron) == 0))
    if double.size:
        at = int(double[0])
        raise EventError(
            f"{file.path}: neuron {neuron[at]} spikes twice in sample {step[at] // timesteps}, t "
            f"{step[at] % timesteps}; numbers of spikes are given as an array 'input'"
        )
    ptr = np.concatenate(([0], np.cumsum(np.bincount(step, minlength=samples * timesteps), dtype=np.int64)))
    size = int(np.prod(inner))
    return EventStream("spikes", samples, timesteps, size, ptr, neuron.astype(np.int32)), inner


def _first_steps(stream: EventStream, timesteps: int) -> EventStream:
    """Return the first timesteps of each sample."""
    if timesteps == stream.timesteps:
        return stream
    counts = np.diff(stream.ptr).reshape(stream.samples, stream.timesteps)
    kept = np.zeros(counts.shape, dtype=bool)
    kept[:, :timesteps] = True
    index = stream.index[np.repeat(kept.ravel(), counts.ravel())]
    ptr = np.concatenate(([0], np.cumsum(counts[:, :timesteps].ravel())))
    return replace(stream, timesteps=timesteps, ptr=ptr, index=index)


def _shape(file: Npz, key: str, meaning: str, axes: set[int]) -> tuple[int, ...]:
    values = tuple(int(size) for size in _integers(file, key))
    size = 1
    for item in values:
        size *= item
    if len(values) not in axes or min(values) < 1 or size > MAX_ENTRIES:
        raise EventError(f"{file.path}: {key}: expected {meaning} of at most {MAX_ENTRIES} entries, got {values}")
    return values


def _integers(file: Npz, key: str) -> npt.NDArray[np.int64]:
    values = file.array(key)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise EventError(
            f"{file.path}: {key}: expected integers with one axis, got {values.dtype} of shape {values.shape}"
        )
    return values.astype(np.int64)
