"""AEDAT 2.0 files of jAER: a text header, then pairs of big-endian 32-bit words, address and time in µs.

The layout of an address depends on the camera, one format name each: ``aedat2_dvs128`` (bit 0 polarity, 1-7 column,
8-14 row, 15 a trigger) and ``aedat2_davis`` (bit 10 a trigger, 11 polarity, 12-21 column, 22-30 row, 31 a frame's
pixel). The header's ``AEChip`` line tells them apart; without one the format has to be stated. The polarity is the
recorded bit; some readers of DVS128 files invert it, and some exchange rows and columns: ``input.polarity: swap``,
``input.flip`` and ``input.transpose`` follow them.

Source: iniVation, "AEDAT file formats", section AEDAT 2.0.
"""

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.network.event_formats.event_format import (
    EVENT_FORMATS,
    HEAD_BYTES,
    US,
    EventFormat,
    RawSample,
    RawSamples,
    header_lines,
    read_bytes,
    read_head,
    records,
)

_VERSION: Final = b"#!AER-DAT2.0"
_RECORD: Final = np.dtype([("address", ">u4"), ("time", ">i4")])


def _chip(head: bytes) -> str:
    return next((line.lower() for line in head.decode("latin-1").splitlines() if "AEChip" in line), "")


class _Aedat2(EventFormat):
    """What the cameras share."""

    suffixes: ClassVar[tuple[str, ...]] = (".aedat",)
    sensor: ClassVar[tuple[int, int] | None]

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the sample; see :meth:`EventFormat.open`."""
        _, first = header_lines(path, read_head(path, HEAD_BYTES * 16), _VERSION)

        def read(_: int) -> RawSample:
            events = records(path, read_bytes(path, first), _RECORD, first)
            address = events["address"].astype(np.uint32)
            keep = cls.is_pixel(address)
            whole = bool(keep.all())
            address = address if whole else address[keep]
            time = events["time"] if whole else events["time"][keep]
            x, y, polarity = cls.pixel(address)
            return RawSample(
                time.astype(np.int64) * US,
                x.astype(np.int32),
                y.astype(np.int32),
                polarity.astype(np.uint8),
                0,
                f"{path}",
                data_start=first,
                record_bytes=_RECORD.itemsize if whole else 0,
            )

        return RawSamples(1, cls.sensor, 2, labelled=False, read=read)

    @classmethod
    @abstractmethod
    def is_pixel(cls, address: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        """Return which addresses are pixels' events."""

    @classmethod
    @abstractmethod
    def pixel(cls, address: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return columns, rows and polarities."""


@EVENT_FORMATS.register("aedat2_dvs128")
class Aedat2Dvs128(_Aedat2):
    """DVS128, 128 x 128 pixels."""

    sensor: ClassVar[tuple[int, int] | None] = (128, 128)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:  # noqa: ARG003
        """Go by the header; see :meth:`EventFormat.recognises`."""
        return head.startswith(_VERSION) and "dvs128" in _chip(head)

    @classmethod
    def is_pixel(cls, address: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        """Leave out triggers."""
        return np.asarray(address & 0x8000 == 0)

    @classmethod
    def pixel(cls, address: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return columns, rows and polarities."""
        return address >> 1 & 0x7F, address >> 8 & 0x7F, address & 1


@EVENT_FORMATS.register("aedat2_davis")
class Aedat2Davis(_Aedat2):
    """DAVIS240, DAVIS346 and their kin; the size of the sensor is not in the file."""

    sensor: ClassVar[tuple[int, int] | None] = None

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:  # noqa: ARG003
        """Go by the header; see :meth:`EventFormat.recognises`."""
        return head.startswith(_VERSION) and "davis" in _chip(head)

    @classmethod
    def is_pixel(cls, address: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        """Leave out frames and triggers."""
        return np.asarray(address & 0x80000400 == 0)

    @classmethod
    def pixel(cls, address: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return columns, rows and polarities."""
        return address >> 12 & 0x3FF, address >> 22 & 0x1FF, address >> 11 & 1
