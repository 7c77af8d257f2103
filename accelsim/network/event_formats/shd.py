"""Spiking Heidelberg Digits and Spiking Speech Commands: HDF5 with one list of spikes per sample.

``spikes/times`` (s), ``spikes/units`` (cochlea channel, 0..699) and ``labels``. Source: Cramer et al., "The Heidelberg
spiking data sets for the systematic evaluation of spiking neural networks", IEEE TNNLS 33 (2022). Times are stored with
half precision: what a bin gets is what the file says.
"""

from pathlib import Path
from typing import Any, ClassVar, Final

import h5py
import numpy as np

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import EVENT_FORMATS, MAX_EVENTS, EventFormat, RawSample, RawSamples

_CHANNELS: Final = 700
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ERRORS: Final = (OSError, KeyError, ValueError, RuntimeError, TypeError)


@EVENT_FORMATS.register("shd")
class Shd(EventFormat):
    """Many samples of 700 channels without polarity."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Look for the two lists; see :meth:`EventFormat.recognises`."""
        if not head.startswith(_HDF5):
            return False
        try:
            with h5py.File(path) as file:
                return "spikes/times" in file and "spikes/units" in file
        except _ERRORS:
            return False

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the samples; see :meth:`EventFormat.open`."""
        try:
            with h5py.File(path) as file:
                samples = int(file["spikes/times"].shape[0])
                labels = np.asarray(file["labels"][()]) if "labels" in file else None
        except _ERRORS as error:
            raise EventError(f"{path}: expected spikes/times and spikes/units: {error}") from None
        if samples < 1:
            raise EventError(f"{path}: spikes/times: expected at least one sample")
        if labels is not None and (labels.shape != (samples,) or labels.dtype.kind not in "iu"):
            raise EventError(f"{path}: labels: expected {samples} integers, got {labels.dtype} of {labels.shape}")

        def read(index: int) -> RawSample:
            return _read(path, index, None if labels is None else int(labels[index]))

        return RawSamples(samples, (1, _CHANNELS), 1, labelled=labels is not None, read=read)


def _read(path: Path, index: int, label: int | None) -> RawSample:
    place = f"{path}: sample {index}"
    try:
        with h5py.File(path) as file:
            times: Any = np.asarray(file["spikes/times"][index])
            units: Any = np.asarray(file["spikes/units"][index])
    except _ERRORS as error:
        raise EventError(f"{place}: cannot read its spikes: {error}") from None
    if times.shape != units.shape or times.ndim != 1 or times.dtype.kind != "f" or units.dtype.kind not in "iu":
        raise EventError(
            f"{place}: expected as many times (s) as units, got {times.dtype} of {times.shape} and {units.dtype} of "
            f"{units.shape}"
        )
    if times.size > MAX_EVENTS or not np.isfinite(times).all():
        raise EventError(f"{place}: expected at most {MAX_EVENTS} finite times")
    unit = units.astype(np.int32)
    none = np.zeros(unit.size, np.int32)
    nanoseconds = np.rint(times.astype(np.float64) * 1e9).astype(np.int64)
    return RawSample(nanoseconds, unit, none, none.astype(np.uint8), 0, place, label)
