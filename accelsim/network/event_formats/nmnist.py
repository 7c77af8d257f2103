"""N-MNIST and N-Caltech101 files: five bytes per event, no header; the packed form holds many such files in one npz.

Bytes: x, y, then polarity (bit 7) and the time in µs (23 bit, big-endian). An event of y = 240 marks 2**13 µs that the
clock skipped and is no event of a pixel. Source: Orchard et al., "Converting static image datasets to spiking
neuromorphic datasets using saccades", Front. Neurosci. 9:437 (2015). The size of the sensor is not in the file.
"""

from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import (
    EVENT_FORMATS,
    US,
    EventFormat,
    RawSample,
    RawSamples,
    read_bytes,
    records,
)
from accelsim.network.npz import Npz

_RECORD: Final = np.dtype([("x", "u1"), ("y", "u1"), ("high", "u1"), ("middle", "u1"), ("low", "u1")])
_SKIP_ROW: Final = 240
_SKIP_US: Final = 1 << 13


def _sample(path: Path, data: npt.NDArray[np.uint8], first: int, place: str, label: int | None) -> RawSample:
    events = records(path, data, _RECORD, first)
    high = events["high"].astype(np.int64)
    time = (high & 127) << 16 | events["middle"].astype(np.int64) << 8 | events["low"]
    skip = events["y"] == _SKIP_ROW
    uniform = _RECORD.itemsize
    if skip.any():
        time += np.cumsum(skip) * _SKIP_US
        events, high, time, uniform = events[~skip], high[~skip], time[~skip], 0
    return RawSample(
        time=time * US,
        x=events["x"].astype(np.int32),
        y=events["y"].astype(np.int32),
        polarity=(high >> 7).astype(np.uint8),
        origin=0,
        place=place,
        label=label,
        data_start=first,
        record_bytes=uniform,
    )


@EVENT_FORMATS.register("nmnist")
class Nmnist(EventFormat):
    """One sample per ``.bin`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".bin",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Go by the name: there is no header; see :meth:`EventFormat.recognises`."""
        return path.suffix.lower() == ".bin" and not head.startswith(b"#!")

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the sample; see :meth:`EventFormat.open`."""

        def read(_: int) -> RawSample:
            return _sample(path, read_bytes(path), 0, f"{path}", None)

        return RawSamples(1, None, 2, labelled=False, read=read)


@EVENT_FORMATS.register("nmnist_npz")
class NmnistNpz(EventFormat):
    """Many samples: ``bytes`` (all files joined), ``offset`` (samples + 1), optionally ``label`` and ``is_test``.

    Where the file has ``is_test``, the samples that are marked so are the data set.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Look for the two arrays; see :meth:`EventFormat.recognises`."""
        if not head.startswith(b"PK"):
            return False
        with Npz(path) as file:
            return {"bytes", "offset"} <= file.keys

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the samples; see :meth:`EventFormat.open`."""
        return open_packed(path, test=True)


def open_packed(path: Path, *, test: bool) -> RawSamples:
    """Return the samples of a packed file that its ``is_test`` marks as such or not; all where it has none.

    Raises
    ------
    EventError
        If the arrays do not describe samples, or none is of this part.
    """
    with Npz(path) as file:
        data = file.array("bytes")
        offset = file.array("offset")
        label = file.array("label") if "label" in file.keys else None
        marked = file.array("is_test") if "is_test" in file.keys else None
    if data.dtype != np.uint8 or data.ndim != 1:
        raise EventError(f"{path}: bytes: expected uint8 with one axis, got {data.dtype} of shape {data.shape}")
    if offset.ndim != 1 or offset.dtype.kind not in "iu" or offset.size < 2:
        raise EventError(f"{path}: offset: expected two or more integers, got {offset.dtype} of {offset.shape}")
    if offset[0] != 0 or (np.diff(offset.astype(np.int64)) < 0).any() or int(offset[-1]) != data.size:
        raise EventError(f"{path}: offset: expected 0 .. {data.size} in ascending order, the size of 'bytes'")
    for name, item in (("label", label), ("is_test", marked)):
        if item is not None and (item.shape != (offset.size - 1,) or item.dtype.kind not in "iub"):
            raise EventError(
                f"{path}: {name}: expected {offset.size - 1} integers, got {item.dtype} of shape {item.shape}"
            )
    chosen = np.arange(offset.size - 1) if marked is None else np.flatnonzero(marked.astype(np.bool_) == test)
    if not chosen.size:
        raise EventError(f"{path}: is_test: no sample is {'marked' if test else 'left to train on'}")

    def read(index: int) -> RawSample:
        at = int(chosen[index])
        first, last = int(offset[at]), int(offset[at + 1])
        tag = None if label is None else int(label[at])
        return _sample(path, data[first:last], first, f"{path}: sample {at}", tag)

    return RawSamples(int(chosen.size), None, 2, labelled=label is not None, read=read)


def open_folders(folder: Path) -> RawSamples:
    """Return the samples of a published part: folders 0 to 9 of ``.bin`` files, which are dealt out digit by digit.

    Raises
    ------
    EventError
        If a folder of a digit is missing or has no file.
    """
    found: list[list[Path]] = []
    for digit in range(10):
        files = sorted((folder / f"{digit}").glob("*.bin"))
        if not files:
            raise EventError(f"{folder / str(digit)}: expected .bin files of the digit {digit}, got none")
        found.append(files)
    most = max(map(len, found))
    dealt = [(digit, files[at]) for at in range(most) for digit, files in enumerate(found) if at < len(files)]

    def read(index: int) -> RawSample:
        digit, path = dealt[index]
        return _sample(path, read_bytes(path), 0, f"{path}", digit)

    return RawSamples(len(dealt), None, 2, labelled=True, read=read)
