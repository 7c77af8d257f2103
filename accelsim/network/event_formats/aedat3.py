"""AEDAT 3.1 files of cAER, and the DVS128 Gesture data set: such files with labelled windows beside them.

A text header that ends in ``#!END-HEADER``, then packets: a header of 28 bytes (type, source: 16 bit; event size, time
offset, time overflow, capacity, number, valid: 32 bit; little-endian) and ``capacity`` events. A polarity event (packet
type 1) has 8 bytes: bit 0 valid, 1 polarity, 2-16 row, 17-31 column, then the time in µs, 31 bit below the overflow.
Other packets are skipped. Source: iniVation, "AEDAT file formats", section AEDAT 3.1.

DVS128 Gesture (Amir et al., CVPR 2017): ``NAME_labels.csv`` has ``class,startTime_usec,endTime_usec``, classes from 1.
Each window is a sample, its label the class minus 1, its time zero the start of the window.
"""

import csv
import functools
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import (
    EVENT_FORMATS,
    HEAD_BYTES,
    MAX_EVENTS,
    US,
    EventFormat,
    RawSample,
    RawSamples,
    header_lines,
    read_bytes,
    read_head,
)

_VERSION: Final = b"#!AER-DAT3.1"
_HEADER: Final = np.dtype(
    [("type", "<i2"), ("source", "<i2")]
    + [(name, "<i4") for name in ("size", "offset", "overflow", "capacity", "number", "valid")]
)
_POLARITY: Final = 1
_POLARITY_BYTES: Final = 8
_MAX_LABELS: Final = 1 << 16


def _labels_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_labels.csv")


@EVENT_FORMATS.register("aedat3")
class Aedat3(EventFormat):
    """One sample per file; the size of the sensor has to be stated."""

    suffixes: ClassVar[tuple[str, ...]] = (".aedat",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Go by the header, and no labels beside the file; see :meth:`EventFormat.recognises`."""
        return head.startswith(_VERSION) and not _labels_of(path).is_file()

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the sample; see :meth:`EventFormat.open`."""
        return RawSamples(1, None, 2, labelled=False, read=lambda _: _read(path))


@EVENT_FORMATS.register("dvs_gesture")
class DvsGesture(EventFormat):
    """One sample per labelled window of an AEDAT 3.1 file."""

    suffixes: ClassVar[tuple[str, ...]] = (".aedat",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Go by the header and the labels beside the file; see :meth:`EventFormat.recognises`."""
        return head.startswith(_VERSION) and _labels_of(path).is_file()

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the samples; see :meth:`EventFormat.open`."""
        windows = _windows(_labels_of(path))

        def read(index: int) -> RawSample:
            whole = _latest(path)
            label, start, end = windows[index]
            inside = (whole.time >= start * US) & (whole.time < end * US)
            columns = (whole.time[inside], whole.x[inside], whole.y[inside], whole.polarity[inside])
            return RawSample(*columns, start * US, f"{path}: window {index}", label - 1)

        return RawSamples(len(windows), (128, 128), 2, labelled=True, read=read)


def _windows(path: Path) -> list[tuple[int, int, int]]:
    """Return (class, start, end) in µs of every line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row, _ in zip(csv.reader(file), range(_MAX_LABELS), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EventError(f"{path}: cannot read the labels: {error}") from None
    windows = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            label, start, end = (int(item) for item in row)
        except ValueError:
            raise EventError(f"{path}:{line}: expected class,startTime_usec,endTime_usec, got {row}") from None
        if label < 1 or end <= start:
            raise EventError(f"{path}:{line}: expected a class from 1 and an end after the start, got {row}")
        windows.append((label, start, end))
    if not windows:
        raise EventError(f"{path}: expected labelled windows, got none")
    return windows


def _read(path: Path) -> RawSample:
    _, first = header_lines(path, read_head(path, HEAD_BYTES * 16), _VERSION)
    data = read_bytes(path)
    words: list[npt.NDArray[np.uint32]] = []
    overflow: list[npt.NDArray[np.int64]] = []
    at, total = first, 0
    while at < data.size:
        if at + _HEADER.itemsize > data.size:
            raise EventError(f"{path}: byte {at}: a packet header is cut short")
        head = data[at : at + _HEADER.itemsize].view(_HEADER)[0]
        size, capacity, number = int(head["size"]), int(head["capacity"]), int(head["number"])
        start = at + _HEADER.itemsize
        if size < 1 or not 0 <= number <= capacity or start + size * capacity > data.size:
            raise EventError(
                f"{path}: byte {at}: a packet of {number} of {capacity} events of {size} bytes: truncated or corrupt"
            )
        if int(head["type"]) == _POLARITY:
            if size != _POLARITY_BYTES:
                raise EventError(f"{path}: byte {at}: expected polarity events of 8 bytes, got {size}")
            words.append(data[start : start + size * number].view("<u4").reshape(-1, 2))
            overflow.append(np.full(number, int(head["overflow"]), dtype=np.int64))
            total += number
            if total > MAX_EVENTS:
                raise EventError(f"{path}: more than {MAX_EVENTS} events")
        at = start + size * capacity
    table = np.concatenate(words) if words else np.zeros((0, 2), np.uint32)
    high = np.concatenate(overflow) if overflow else np.zeros(0, np.int64)
    valid = table[:, 0] & 1 == 1
    word, time = table[valid, 0], table[valid, 1].astype(np.int64) | high[valid] << 31
    return RawSample(
        time * US,
        (word >> 17).astype(np.int32),
        (word >> 2 & 0x7FFF).astype(np.int32),
        (word >> 1 & 1).astype(np.uint8),
        0,
        f"{path}",
    )


@functools.lru_cache(maxsize=1)
def _latest(path: Path) -> RawSample:
    """Return the events of a file; the windows of one file are read one after the other."""
    return _read(path)
