"""Variable-length texts of an HDF5 file, read from their bytes.

The HDF5 library follows the references of such texts into a heap, allocates whatever length a damaged file claims and
may never return from a damaged heap. Here the same bytes are read with every step bounded by the file itself. A stored
reference is length, heap address, index; the heap is that of the HDF5 File Format Specification, section III.E (global
heap). Files with 8-byte addresses, as h5py writes them.
"""

import struct
from pathlib import Path
from typing import Any, Final

from accelsim.errors import NetworkError

MAX_TEXT: Final = 1 << 16
MAX_TEXTS: Final = 1 << 18

_REFERENCE = struct.Struct("<IQI")
_OBJECT = struct.Struct("<HH4xQ")
_HEAP_HEADER = struct.Struct("<4sB3xQ")


class TextReader:
    """Reads texts of one file.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._heaps: dict[int, dict[int, bytes]] = {}

    def read(self, data: Any) -> list[str]:
        """Return the texts of a dataset in row-major order.

        Parameters
        ----------
        data : h5py.Dataset
            Of variable-length strings.

        Raises
        ------
        NetworkError
            If the dataset is not contiguous, or the file is damaged.
        """
        offset, count = data.id.get_offset(), int(data.size)
        if offset is None or data.id.get_storage_size() != count * _REFERENCE.size or count > MAX_TEXTS:
            raise NetworkError(f"expected at most {MAX_TEXTS} texts, contiguous as NIR stores them")
        raw = self._bytes(offset, count * _REFERENCE.size)
        return [self._text(*reference) for reference in _REFERENCE.iter_unpack(raw)]

    def _text(self, length: int, address: int, index: int) -> str:
        if length > MAX_TEXT:
            raise NetworkError(f"a text of {length} characters, the limit is {MAX_TEXT}")
        if length == 0:
            return ""
        stored = self._heap(address).get(index)
        if stored is None or len(stored) < length:
            raise NetworkError("the HDF5 file is truncated or corrupt: a text is missing from its heap")
        try:
            return stored[:length].decode("utf-8")
        except UnicodeDecodeError:
            raise NetworkError(f"expected UTF-8 text, got {stored[:length][:40]!r}") from None

    def _heap(self, address: int) -> dict[int, bytes]:
        """Return the objects of a global heap collection by index."""
        if address in self._heaps:
            return self._heaps[address]
        signature, version, size = _HEAP_HEADER.unpack(self._bytes(address, _HEAP_HEADER.size))
        if signature != b"GCOL" or version != 1:
            raise NetworkError("the HDF5 file is truncated or corrupt: expected a heap of texts")
        raw = self._bytes(address, size)
        found: dict[int, bytes] = {}
        at = _HEAP_HEADER.size
        while at + _OBJECT.size <= len(raw):
            index, _, length = _OBJECT.unpack_from(raw, at)
            if index == 0:  # the free space is the last object
                break
            at += _OBJECT.size
            found[index] = raw[at : at + length]
            at += -(-length // 8) * 8
        self._heaps[address] = found
        return found

    def _bytes(self, offset: int, count: int) -> bytes:
        if offset + count > self._size:
            raise NetworkError(
                f"the HDF5 file is truncated or corrupt: bytes {offset}..{offset + count} are beyond its end"
            )
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(count)
