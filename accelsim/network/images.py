"""Images and labels in idx format (MNIST and its kin), plain or gzip-compressed.

Format (LeCun, Cortes & Burges, "The MNIST database"): big-endian magic ``0x00000803`` (bytes, three axes; ``04``:
four) or ``0x00000801`` (bytes, one axis), one 32-bit size per axis, then the bytes. A file that is longer or shorter
than it says is refused.
"""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError

MAX_BYTES: Final = 1 << 30
"""Largest uncompressed idx file."""

_GZIP = b"\x1f\x8b"


def read_images(path: Path) -> npt.NDArray[np.uint8]:
    """Return the images of an idx file, (samples, height, width, channels).

    Three axes are images of one channel; four are (samples, height, width, channels).

    Raises
    ------
    EventError
        If the file is missing, of another format, truncated, empty or too large.
    """
    images = _read_idx(path, axes=(3, 4))
    return images[..., None] if images.ndim == 3 else images


def read_labels(path: Path) -> npt.NDArray[np.int64]:
    """Return the labels of an idx1 file, (samples,); raises as :func:`read_images`."""
    return _read_idx(path, axes=(1,)).astype(np.int64)


def _read_idx(path: Path, axes: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        if packed:
            with gzip.open(path, "rb") as stream:
                return _parse(path, stream.read, axes)
        with path.open("rb") as file:
            return _parse(path, file.read, axes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise EventError(f"{path}: the gzip data is truncated or corrupt: {error}") from None
    except OSError as error:
        raise EventError(f"{path}: cannot read the file: {error.strerror or error}") from None


def _parse(path: Path, read: Callable[[int], bytes], axes: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    magics = [bytes((0, 0, 8, number)) for number in axes]
    head = read(4)
    if head not in magics:
        expected_axes = " or ".join(map(str, axes))
        expected_magic = " or ".join(magic.hex() for magic in magics)
        raise EventError(
            f"{path}: expected an idx file of bytes with {expected_axes} axes (magic {expected_magic}), "
            f"got {head.hex()!r}"
        )
    sizes = read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise EventError(f"{path}: truncated in its header")
    shape = tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4"))
    expected = 1
    for size in shape:
        expected *= size
    if expected == 0:
        raise EventError(f"{path}: empty: its shape is {shape}")
    if expected > MAX_BYTES:
        raise EventError(f"{path}: shape {shape} is {expected} bytes, the limit is {MAX_BYTES}")
    data = read(expected + 1)
    if len(data) != expected:
        got = f"only {len(data)}: truncated" if len(data) < expected else "more"
        raise EventError(f"{path}: expected {expected} bytes for shape {shape}, got {got}")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)
