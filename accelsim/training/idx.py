"""Files of bytes in MNIST's idx format, as exported workloads bring their samples."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt


def write_idx(path: Path, data: npt.NDArray[np.uint8]) -> None:
    """Write bytes in the gzip-compressed idx format of MNIST, without a time stamp.

    Parameters
    ----------
    path : Path
    data : uint8
        Array of any shape.
    """
    header = bytes([0, 0, 8, data.ndim]) + np.array(data.shape, dtype=">u4").tobytes()
    path.write_bytes(gzip.compress(header + data.tobytes(), mtime=0))
