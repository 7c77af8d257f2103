"""What an event format is: a file in, samples of (time, x, y, polarity) out.

A format opens a file without reading its events; samples are read one by one, so that a data set never lies in memory
as a whole. Times are integer nanoseconds. Polarity is the recorded bit: 1 is brighter where the format says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.registry import Registry

EVENT_FORMATS: Registry[type["EventFormat"]] = Registry("event format", "accelsim.network.event_formats")

MAX_BYTES: Final = 4 << 30
"""Largest file of events that is read."""

MAX_EVENTS: Final = 1 << 28
"""Most events of one sample."""

HEAD_BYTES: Final = 4096
"""Start of a file that a format may look at to recognise it."""

US: Final = 1000
"""Nanoseconds of a microsecond, the unit of event cameras."""


@dataclass(frozen=True, eq=False)
class RawSample:
    """Events of one sample in the order of the file.

    Attributes
    ----------
    time : (n,) int64
        ns.
    x, y : (n,) int32
        Column and row.
    polarity : (n,) uint8
    origin : int
        Time zero of the file or of the labelled window, ns.
    place : str
        File, and sample where it has several: the start of error messages.
    label : int or None
    data_start, record_bytes : int
        First byte of the events and bytes of each, where records have one size; 0 otherwise.
    """

    time: npt.NDArray[np.int64]
    x: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]
    polarity: npt.NDArray[np.uint8]
    origin: int
    place: str
    label: int | None = None
    data_start: int = 0
    record_bytes: int = 0

    def where(self, event: int) -> str:
        """Return ``file: event n (byte m)`` for error messages."""
        byte = f" (byte {self.data_start + event * self.record_bytes})" if self.record_bytes else ""
        return f"{self.place}: event {event}{byte}"


@dataclass(frozen=True, eq=False)
class RawSamples:
    """Samples of a file or a folder.

    Attributes
    ----------
    available : int
    sensor : (height, width) or None
        None where the file does not say.
    polarities : int
        2, or 1 where events have no polarity.
    labelled : bool
        Whether each sample brings its label.
    read : callable
        Index of a sample to the sample.
    """

    available: int
    sensor: tuple[int, int] | None
    polarities: int
    labelled: bool
    read: Callable[[int], RawSample]


class EventFormat(ABC):
    """Base of all event formats."""

    suffixes: ClassVar[tuple[str, ...]]
    """File name endings, lower case: what a folder of such files is searched for."""

    takes_time_unit: ClassVar[bool] = False
    """Whether the file leaves the unit of its times open."""

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Return whether a file is of this format, from its name and its first :data:`HEAD_BYTES` bytes."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:
        """Return the samples of a file.

        Parameters
        ----------
        path : Path
        time_unit : float or None
            ns of one step of the file's times, where ``takes_time_unit``.

        Raises
        ------
        EventError
            With the file, and the byte or the entry where it is not as the format says.
        """


def read_bytes(path: Path, first: int = 0) -> npt.NDArray[np.uint8]:
    """Return the bytes of a file from ``first`` on.

    Raises
    ------
    EventError
        If the file cannot be read or is larger than :data:`MAX_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise EventError(f"{path}: {size} bytes, the limit is {MAX_BYTES}")
        return np.fromfile(path, dtype=np.uint8, offset=first)
    except OSError as error:
        raise EventError(f"{path}: cannot read the file: {error.strerror or error}") from None


def records(path: Path, data: npt.NDArray[np.uint8], dtype: np.dtype[Any], first: int) -> npt.NDArray[Any]:
    """Return bytes as records of one size.

    Parameters
    ----------
    path : Path
    data : (n,) uint8
    dtype : numpy dtype
        Of a record.
    first : int
        Position of the data in the file, for the message.

    Raises
    ------
    EventError
        If the last record is cut short, or there are more than :data:`MAX_EVENTS`.
    """
    whole, rest = divmod(data.size, dtype.itemsize)
    if rest:
        raise EventError(
            f"{path}: byte {first + whole * dtype.itemsize}: expected records of {dtype.itemsize} bytes, got {rest} "
            "bytes at the end: truncated"
        )
    if whole > MAX_EVENTS:
        raise EventError(f"{path}: {whole} events, the limit is {MAX_EVENTS}")
    return data.view(dtype) if data.size else np.zeros(0, dtype)


def header_lines(path: Path, head: bytes, version: bytes) -> tuple[list[str], int]:
    """Return the ``#`` lines of an AEDAT 2 or 3 file after the first, and the position of the data.

    Raises
    ------
    EventError
        If the first line is not ``version``, or the header does not end within ``head``.
    """
    if not head.startswith(version):
        raise EventError(f"{path}: byte 0: expected {version.decode()!r}, got {head[:16]!r}")
    lines: list[str] = []
    at = 0
    while head[at : at + 1] == b"#":
        end = head.find(b"\n", at)
        if end < 0:
            raise EventError(f"{path}: byte {at}: the header does not end within {len(head)} bytes")
        lines.append(head[at:end].decode("latin-1").strip())
        at = end + 1
        if lines[-1] == "#!END-HEADER":
            break
    return lines[1:], at


def read_head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """Return the first bytes of a file; raise :class:`EventError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise EventError(f"{path}: cannot read the file: {error.strerror or error}") from None
