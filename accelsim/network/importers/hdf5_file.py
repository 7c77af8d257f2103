"""Numbers and texts of an HDF5 file from anywhere, with every limit checked before memory is used.

Only numbers and strings are read: no pickled objects, no links out of the file, no external or virtual storage.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import h5py
import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.hdf5_text import TextReader

MAX_TOTAL_BYTES: Final = 2 << 30
MAX_ELEMENTS: Final = 1 << 28

_HDF5_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError, OverflowError)

T = TypeVar("T")


def read_hdf5(path: Path, kind: str, walk: Callable[[Any], T]) -> T:
    """Open a file and return what ``walk`` makes of it.

    Parameters
    ----------
    path : Path
    kind : str
        What is expected, in the words of an error message: ``"NIR"``.
    walk : callable of h5py.File

    Raises
    ------
    NetworkError
        If the file is missing, no HDF5, truncated, or beyond a limit; what ``walk`` raises.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1)
    except OSError as error:
        raise NetworkError(f"{path}: cannot read the network file: {error.strerror}") from None
    if not head or not h5py.is_hdf5(path):
        raise NetworkError(
            f"{path}: expected an HDF5 file ({kind}), got {'an empty file' if not head else 'another format'}"
        )
    try:
        with h5py.File(path, "r") as file:
            _check_plain(path, file)
            return walk(file)
    except NetworkError:
        raise
    except _HDF5_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NetworkError(f"{path}: the HDF5 file is truncated or corrupt: {reason}") from None


def _check_plain(path: Path, file: Any) -> None:
    if file.userblock_size:
        raise NetworkError(f"{path}: expected a plain HDF5 file, got one behind {file.userblock_size} other bytes")


class Hdf5Reader:
    """Reads members of one file and accounts for the bytes read.

    Raises
    ------
    NetworkError
        On a link, data outside the file, what is no number or text, or a limit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._strings = TextReader(path)

    def text(self, group: Any, key: str) -> str:
        """Return a text; raises as the class."""
        value = self.value(self.member(group, key), key)
        if not isinstance(value, str):
            raise NetworkError(f"{key}: expected text, got {value!r}")
        return value

    def value(self, data: Any, key: str) -> Any:
        """Return text as str and numbers as an array."""
        self.account(data, key)
        if h5py.check_string_dtype(data.dtype) is not None:
            if data.size != 1:
                raise NetworkError(f"{key}: expected numbers or one text, got {data.size} texts")
            with naming(key):
                return self.texts(data)[0]
        if data.dtype.kind not in "fiub" or data.dtype.itemsize > 8:
            raise NetworkError(f"{key}: expected numbers, got data of type {data.dtype}")
        return np.asarray(data[()])

    def texts(self, data: Any) -> list[str]:
        """Return texts in row-major order."""
        kind = h5py.check_string_dtype(data.dtype)
        if kind is None:
            raise NetworkError(f"expected text, got {data.dtype}")
        if kind.length is None:
            return self._strings.read(data)
        return [bytes(item).decode("utf-8") for item in np.asarray(data[()]).ravel()]

    def account(self, data: Any, key: str) -> None:
        """Check what a dataset asks for before it is read."""
        if not isinstance(data, h5py.Dataset):
            raise NetworkError(f"{key}: expected a dataset, got a group")
        if data.is_virtual or data.external:
            raise NetworkError(f"{key}: stored outside the file; expected the data inside it")
        if data.shape is None:
            raise NetworkError(f"{key}: expected data, got an empty dataset")
        if data.size > MAX_ELEMENTS:
            raise NetworkError(f"{key}: {data.size} elements of shape {data.shape}, the limit is {MAX_ELEMENTS}")
        self.bytes += data.size * data.dtype.itemsize
        if self.bytes > MAX_TOTAL_BYTES:
            raise NetworkError(
                f"{key}: the file holds more than {MAX_TOTAL_BYTES} bytes of parameters, which is the limit"
            )

    def member(self, group: Any, key: str) -> Any:
        """Return a member of a group that lies in the file itself, or None."""
        link = group.get(key, getlink=True)
        if link is not None and not isinstance(link, h5py.HardLink):
            raise NetworkError(f"{self.path}: {key!r} is a link; expected the data inside the file")
        return group.get(key)


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Say in a NetworkError where it happened."""
    try:
        yield
    except NetworkError as error:
        text = str(error)
        raise NetworkError(text if text.startswith(where.split(":", maxsplit=1)[0]) else f"{where}: {text}") from None
