"""AEDAT 4.0 files of DV: FlatBuffers, plain or compressed with LZ4 or Zstandard.

``#!AER-DAT4.0``, a size-prefixed ``IOHeader`` (compression, position of the data table, description of the streams as
XML), then packets: stream, size, and that many bytes, which unpacked are a size-prefixed ``EventPacket`` ("EVTS", a
vector of 16 bytes per event: time in µs 64 bit, column and row 16 bit, polarity) or another kind, which is skipped.
Times count from 1970. Two streams of events in one file are refused. Source: iniVation, "AEDAT file formats", section
AEDAT 4.0.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import (
    EVENT_FORMATS,
    MAX_EVENTS,
    US,
    EventFormat,
    RawSample,
    RawSamples,
    read_bytes,
    read_head,
)

_VERSION: Final = b"#!AER-DAT4.0\r\n"
_EVENT: Final = np.dtype(
    {
        "names": ["time", "x", "y", "polarity"],
        "formats": ["<i8", "<i2", "<i2", "u1"],
        "offsets": [0, 8, 10, 12],
        "itemsize": 16,
    }
)
_CODECS: Final = {0: None, 1: "lz4", 2: "lz4", 3: "zstd", 4: "zstd"}
_MAX_HEADER: Final = 1 << 24
_MAX_PACKET: Final = 1 << 28


@EVENT_FORMATS.register("aedat4")
class Aedat4(EventFormat):
    """One sample per file."""

    suffixes: ClassVar[tuple[str, ...]] = (".aedat4",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:  # noqa: ARG003
        """Go by the header; see :meth:`EventFormat.recognises`."""
        return head.startswith(_VERSION)

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the sample; see :meth:`EventFormat.open`."""
        header = _Header(path)
        return RawSamples(1, header.sensor, 2, labelled=False, read=lambda _: _read(path, header))


class _Header:
    """The part of ``IOHeader`` that is needed."""

    def __init__(self, path: Path) -> None:
        head = read_head(path, len(_VERSION) + 4)
        if not head.startswith(_VERSION) or len(head) < len(_VERSION) + 4:
            raise EventError(f"{path}: byte 0: expected {_VERSION!r} and a header, got {head[:16]!r}")
        size = int.from_bytes(head[len(_VERSION) :], "little")
        if not 8 <= size <= _MAX_HEADER:
            raise EventError(f"{path}: byte {len(_VERSION)}: a header of {size} bytes")
        self.end = len(_VERSION) + 4 + size
        data = read_head(path, self.end)[len(_VERSION) + 4 :]
        try:
            table = _Table(data)
            code = table.number(0, "<i", 0)
            self.data_table = int(table.number(1, "<q", -1))
            info = table.text(2)
        except (struct.error, IndexError) as error:
            raise EventError(f"{path}: byte {len(_VERSION)}: the header is truncated or corrupt: {error}") from None
        if code not in _CODECS:
            raise EventError(f"{path}: byte {len(_VERSION)}: expected compression 0 to 4, got {code}")
        self.codec = _CODECS[code]
        self.sensor = _sensor(info)


class _Table:
    """A FlatBuffers table at the root of a buffer; fields that are absent have a default."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        (self._at,) = struct.unpack_from("<I", data, 0)
        (back,) = struct.unpack_from("<i", data, self._at)
        self._fields = self._at - back
        if self._fields < 0:
            raise IndexError("a table's fields lie before the buffer")
        (self._size,) = struct.unpack_from("<H", data, self._fields)

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        (offset,) = struct.unpack_from("<H", self._data, self._fields + entry)
        return self._at + offset if offset else 0

    def number(self, field: int, form: str, default: int) -> int:
        place = self._place(field)
        return int(struct.unpack_from(form, self._data, place)[0]) if place else default

    def vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        """Return the first byte and the number of items."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + int(struct.unpack_from("<I", self._data, place)[0])
        (count,) = struct.unpack_from("<I", self._data, start)
        if start + 4 + count * item_bytes > len(self._data):
            raise IndexError(f"a vector of {count} items goes beyond the buffer")
        return start + 4, count

    def text(self, field: int) -> str:
        start, count = self.vector(field, 1)
        return self._data[start : start + count].decode("utf-8", errors="replace")


def _sensor(info: str) -> tuple[int, int] | None:
    """Return the size of the sensor of the first stream of events, from the XML description."""
    _, _, after = info.partition(">EVTS<")
    sizes = [re.search(rf'key="{key}"[^>]*>(\d{{1,5}})<', after) for key in ("sizeY", "sizeX")]
    return None if None in sizes else (int(sizes[0][1]), int(sizes[1][1]))  # type: ignore[index]


def _packets(path: Path, data: bytes, first: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    at = first
    while at < end:
        if at + 8 > end:
            raise EventError(f"{path}: byte {at}: a packet header is cut short")
        stream, size = struct.unpack_from("<ii", data, at)
        if size < 0 or at + 8 + size > end:
            raise EventError(f"{path}: byte {at}: a packet of {size} bytes, only {end - at - 8} are left: truncated")
        yield at, stream, data[at + 8 : at + 8 + size]
        at += 8 + size


def _read(path: Path, header: _Header) -> RawSample:
    data = read_bytes(path).tobytes()
    end = header.data_table if 0 < header.data_table <= len(data) else len(data)
    parts: list[npt.NDArray[Any]] = []
    streams: set[int] = set()
    total = 0
    for at, stream, packed in _packets(path, data, header.end, end):
        packet = _unpack(path, at, packed, header.codec)
        if packet[8:12] != b"EVTS":
            continue
        streams.add(stream)
        try:
            start, count = _Table(packet[4:]).vector(0, _EVENT.itemsize)
        except (struct.error, IndexError) as error:
            raise EventError(f"{path}: byte {at}: the packet is truncated or corrupt: {error}") from None
        total += count
        if total > MAX_EVENTS:
            raise EventError(f"{path}: more than {MAX_EVENTS} events")
        parts.append(np.frombuffer(packet, _EVENT, count=count, offset=4 + start))
    if len(streams) > 1:
        raise EventError(f"{path}: expected one stream of events, got {len(streams)}: {sorted(streams)}")
    events = np.concatenate(parts) if parts else np.zeros(0, _EVENT)
    return RawSample(
        events["time"].astype(np.int64) * US,
        events["x"].astype(np.int32),
        events["y"].astype(np.int32),
        (events["polarity"] != 0).astype(np.uint8),
        0,
        f"{path}",
    )


def _unpack(path: Path, at: int, packed: bytes, codec: str | None) -> bytes:
    if codec is None:
        return packed
    import pyarrow as pa  # noqa: PLC0415 - slow to load, needed here alone

    try:
        stream = pa.CompressedInputStream(pa.BufferReader(packed), codec)
        data: bytes = stream.read(_MAX_PACKET + 1)
    except (OSError, pa.ArrowException) as error:
        raise EventError(f"{path}: byte {at}: the {codec} data is corrupt: {error}") from None
    if len(data) > _MAX_PACKET:
        raise EventError(f"{path}: byte {at}: a packet of more than {_MAX_PACKET} bytes")
    return data
