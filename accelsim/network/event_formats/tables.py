"""Tables of events in HDF5 and npz files: columns x, y, t, p as arrays of these names, or one structured array.

The columns lie at the root of the file or in one group (``events/x``). Accepted names: ``x``, ``y``; ``t``, ``ts``,
``time``, ``timestamp``, ``timestamps``; ``p``, ``pol``, ``polarity``, ``polarities``. Without a polarity column every
event is of one kind. Polarities are 0/1, booleans, or -1/1. The unit of the times is not in the file:
``input.time_unit``.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import (
    EVENT_FORMATS,
    MAX_BYTES,
    MAX_EVENTS,
    EventFormat,
    RawSample,
    RawSamples,
)
from accelsim.network.npz import Npz

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_NAMES: Final = {
    "x": ("x",),
    "y": ("y",),
    "t": ("t", "ts", "time", "timestamp", "timestamps"),
    "p": ("p", "pol", "polarity", "polarities"),
}

Columns = Mapping[str, npt.NDArray[Any]]


class _Table(EventFormat):
    """What the two containers share."""

    takes_time_unit: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def columns(cls, path: Path) -> Columns:
        """Return the columns by their names in :data:`_NAMES`."""

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:
        """Return the sample; see :meth:`EventFormat.open`."""
        if time_unit is None:
            raise EventError(f"{path}: expected input.time_unit: the file does not say the unit of its times")
        unit = time_unit
        columns = cls.columns(path)
        polarities = 2 if "p" in columns else 1
        return RawSamples(1, None, polarities, labelled=False, read=lambda _: _sample(path, columns, unit))


def _sample(path: Path, columns: Columns, unit: float) -> RawSample:
    size = columns["t"].size
    for name, values in columns.items():
        kinds = {"t": "iuf", "p": "iub"}.get(name, "iu")
        if values.ndim != 1 or values.size != size or values.dtype.kind not in kinds:
            raise EventError(
                f"{path}: {name}: expected {size} {'numbers' if name == 't' else 'integers'}, one per event, got "
                f"{values.dtype} of shape {values.shape}"
            )
    if size > MAX_EVENTS:
        raise EventError(f"{path}: {size} events, the limit is {MAX_EVENTS}")
    time = columns["t"]
    if time.dtype.kind == "f" or unit != int(unit):
        if not np.isfinite(time).all():
            raise EventError(f"{path}: event {int(np.argmin(np.isfinite(time)))}: its time is not finite")
        nanoseconds = np.rint(time.astype(np.float64) * unit).astype(np.int64)
    else:
        nanoseconds = time.astype(np.int64) * int(unit)
    polarity = columns["p"].astype(np.int64) if "p" in columns else np.zeros(size, np.int64)
    if size and (int(polarity.min()) < -1 or int(polarity.max()) > 1):
        at = int(np.argmax(np.abs(polarity) > 1))
        raise EventError(f"{path}: event {at}: expected polarity 0 or 1 (or -1 or 1), got {polarity[at]}")
    x, y = (np.clip(columns[name], -1, np.iinfo(np.int32).max).astype(np.int32) for name in "xy")
    return RawSample(nanoseconds, x, y, (polarity > 0).astype(np.uint8), 0, f"{path}")


def _pick(names: set[str], get: Callable[[str], Any]) -> dict[str, Any] | None:
    found = {}
    for key, choices in _NAMES.items():
        name = next((choice for choice in choices if choice in names), None)
        if name is not None:
            found[key] = get(name)
    return found if {"x", "y", "t"} <= found.keys() else None


@EVENT_FORMATS.register("npz_table")
class NpzTable(_Table):
    """Columns in an npz file."""

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Look for the columns, or one structured array; see :meth:`EventFormat.recognises`."""
        if not head.startswith(b"PK"):
            return False
        with Npz(path) as file:
            return _pick(set(file.keys), str) is not None or len(file.keys) == 1

    @classmethod
    def columns(cls, path: Path) -> Columns:
        """Return the columns."""
        with Npz(path) as file:
            found = _pick(set(file.keys), file.array)
            if found is None and len(file.keys) == 1:
                table = file.array(next(iter(file.keys)), structured=True)
                found = _pick(set(table.dtype.names or ()), lambda name: np.ascontiguousarray(table[name]))
            if found is None:
                raise EventError(
                    f"{path}: expected arrays x, y, t (and p) or one structured array of them, got "
                    f"{', '.join(sorted(file.keys)) or 'nothing'}"
                )
        return found


@EVENT_FORMATS.register("hdf5_table")
class Hdf5Table(_Table):
    """Columns in an HDF5 file."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Take what is HDF5 and not SHD; see :meth:`EventFormat.recognises`."""
        if not head.startswith(_HDF5):
            return False
        try:
            with h5py.File(path) as file:
                return "spikes/times" not in file
        except OSError:
            return False

    @classmethod
    def columns(cls, path: Path) -> Columns:
        """Return the columns."""
        try:
            with h5py.File(path) as file:
                for group in (file, *(item for item in file.values() if isinstance(item, h5py.Group))):
                    found = _in_group(path, group)
                    if found is not None:
                        return found
                names = ", ".join(sorted(file))
        except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise EventError(f"{path}: cannot read the file: {error}") from None
        raise EventError(f"{path}: expected datasets x, y, t (and p), or one structured dataset of them, got {names}")


def _in_group(path: Path, group: h5py.Group) -> Columns | None:
    datasets = {name: item for name, item in group.items() if isinstance(item, h5py.Dataset)}
    found = _pick(set(datasets), lambda name: _whole(path, datasets[name]))
    if found is not None:
        return found
    for item in datasets.values():
        if _pick(set(item.dtype.names or ()), str) is not None:
            table = _whole(path, item)
            return _pick(set(item.dtype.names), table.__getitem__)
    return None


def _whole(path: Path, dataset: h5py.Dataset) -> npt.NDArray[Any]:
    size = dataset.size * dataset.dtype.itemsize
    if dataset.dtype.hasobject or size > MAX_BYTES:
        raise EventError(f"{path}: {dataset.name}: expected numbers of at most {MAX_BYTES} bytes, got {size}")
    return np.asarray(dataset[()])
