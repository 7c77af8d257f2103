"""Arrays of an npz file from anywhere: nothing is unpickled, and no header asks for more memory than the file holds."""

import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError

MAX_BYTES: Final = 2 << 30
"""Largest array of an npz file."""

MAX_TOTAL_BYTES: Final = 8 << 30
"""Largest sum of all arrays."""

Array = npt.NDArray[Any]


class Npz:
    """An npz file whose members are checked for size before they are read.

    Attributes
    ----------
    path : Path
    keys : set-like of str
        Names of the arrays, in the order of the file.

    Raises
    ------
    EventError
        Naming the file and the array that is missing, too large, corrupt or not of numbers.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "Npz":
        try:
            self._zip = zipfile.ZipFile(self.path)
        except OSError as error:
            raise EventError(f"{self.path}: cannot read the file: {error.strerror or error}") from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, EOFError, IndexError) as error:
            raise EventError(
                f"{self.path}: expected an npz file, got another format or a truncated one: {error}"
            ) from None
        total = sum(member.file_size for member in self._zip.infolist())
        if total > MAX_TOTAL_BYTES:
            self._zip.close()
            raise EventError(f"{self.path}: {total} bytes of arrays, the limit is {MAX_TOTAL_BYTES}")
        names = [name.removesuffix(".npy") for name in self._zip.namelist() if name.endswith(".npy")]
        self.keys = dict.fromkeys(names).keys()
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def array(self, key: str, *, structured: bool = False) -> Array:
        """Return the array of a key: numbers, or with ``structured`` records of numbers."""
        if key not in self.keys:
            raise EventError(f"{self.path}: expected an array {key!r}, got {', '.join(sorted(self.keys)) or 'nothing'}")
        size = self._zip.getinfo(f"{key}.npy").file_size
        if size > MAX_BYTES:
            raise EventError(f"{self.path}: {key}: {size} bytes, the limit is {MAX_BYTES}")
        try:
            with self._zip.open(f"{key}.npy") as member:
                # The whole member is in hand before its header is believed: a header cannot ask for more than there is.
                return _parse_npy(member.read(size + 1), structured=structured)
        except (
            ValueError,
            EOFError,
            OSError,
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            struct.error,
            OverflowError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise EventError(f"{self.path}: {key}: truncated, corrupt or not a plain array: {error}") from None


def _parse_npy(data: bytes, *, structured: bool) -> Array:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"npy version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject or dtype.kind not in ("biufV" if structured else "biuf"):
        raise ValueError(f"expected numbers, got {dtype}")
    count = 1
    for size in shape:
        count *= size
    body = data[stream.tell() :]
    if count * dtype.itemsize != len(body):
        raise ValueError(f"{len(body)} bytes for shape {shape} of {dtype}")
    return np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if fortran else "C")
