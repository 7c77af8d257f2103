"""Traces as files: one uncompressed npz archive with a JSON header, checked on reading.

Nothing in a file is trusted: no pickles, no compressed members (so a small file cannot expand), and every array is
compared with the sizes that the header states.
"""

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import AccelsimError, OutputError
from accelsim.trace.activity import ActivityTrace, PopulationActivity

FORMAT: Final = "accelsim-trace-3"

_PARTS: Final = ("ptr", "index", "touched", "nonzero")
_DTYPES: Final = {
    "ptr": np.int64, "index": np.int32, "touched": np.uint8, "nonzero": np.uint8, "output": np.float64,
    "first_spike": np.int32, "count": np.uint16, "peak": np.float64,
}  # fmt: skip


class TraceError(AccelsimError):
    """A trace file is damaged, or of another format."""


def save_trace(trace: ActivityTrace, path: Path) -> None:
    """Write a trace; the file appears whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"output": trace.output, "first_spike": trace.first_spike}
    if trace.peak is not None:
        arrays["peak"] = trace.peak
    for at, activity in enumerate(trace.populations.values()):
        arrays |= {f"{at}.{part}": getattr(activity, part) for part in _PARTS}
        if activity.count is not None:
            arrays[f"{at}.count"] = activity.count
    header = {
        "format": FORMAT,
        "key": trace.key,
        "samples": trace.samples,
        "timesteps": trace.timesteps,
        "populations": list(trace.populations),
        "overflows": trace.overflows,
        "shapes": {name: list(array.shape) for name, array in arrays.items()},
    }
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".partial", delete=False) as file:
            temporary = Path(file.name)
            np.savez(file, header=text, **arrays)  # type: ignore[arg-type]
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace does the same and hides that it is atomic
    except OSError as error:
        raise OutputError(f"{path}: the trace cannot be written: {error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def load_trace(path: Path) -> ActivityTrace:
    """Read a trace and check it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TraceError
        If the file is damaged, or of another format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
                raise TraceError(f"{path}: expected an uncompressed archive")
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(archive["header"].tobytes())
            if header["format"] != FORMAT:
                raise TraceError(f"{path}: expected format {FORMAT!r}, got {header['format']!r}")
            arrays = {name: _array(path, header, name, archive[name]) for name in header["shapes"]}
        return _trace(path, header, arrays)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, KeyError, ValueError, TypeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise TraceError(f"{path}: not a whole trace: {error}") from error


def _array(path: Path, header: dict[str, Any], name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    expected, dtype = tuple(header["shapes"][name]), np.dtype(_DTYPES[name.rsplit(".", 1)[-1]])
    if array.shape != expected or array.dtype != dtype:
        raise TraceError(f"{path}: {name}: expected {dtype}{list(expected)}, got {array.dtype}{list(array.shape)}")
    return array


def _trace(path: Path, header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> ActivityTrace:
    samples, timesteps = int(header["samples"]), int(header["timesteps"])
    populations = {}
    for at, name in enumerate(header["populations"]):
        parts = {part: arrays[f"{at}.{part}"] for part in _PARTS}
        activity = PopulationActivity(**parts, count=arrays.get(f"{at}.count"))
        _check(path, str(name), activity, samples * timesteps)
        populations[str(name)] = activity
    for part in [name for name in ("output", "first_spike", "peak") if name in arrays or name != "peak"]:
        if arrays[part].ndim != 2 or len(arrays[part]) != samples:
            raise TraceError(f"{path}: {part}: expected one row per sample, {samples}, got shape {arrays[part].shape}")
    overflows = {str(name): int(count) for name, count in header["overflows"].items()}
    return ActivityTrace(
        str(header["key"]),
        samples,
        timesteps,
        populations,
        arrays["output"],
        arrays["first_spike"],
        overflows,
        arrays.get("peak"),
    )


def _check(path: Path, name: str, activity: PopulationActivity, steps: int) -> None:
    ptr, index = activity.ptr, activity.index
    whole = ptr.shape == (steps + 1,) and ptr[0] == 0 and ptr[-1] == index.size and bool((np.diff(ptr) >= 0).all())
    if not whole:
        raise TraceError(f"{path}: population {name}: pointers do not describe {index.size} spikes in {steps} steps")
    if activity.touched.ndim != 2 or len(activity.touched) != steps or activity.touched.shape != activity.nonzero.shape:
        raise TraceError(
            f"{path}: population {name}: expected two bitmaps of {steps} steps, got shapes {activity.touched.shape} "
            f"and {activity.nonzero.shape}"
        )
    count = activity.count
    if count is not None and (count.shape != index.shape or not (count > 0).all()):
        raise TraceError(f"{path}: population {name}: expected a count of at least 1 for each of {index.size} spikes")
    room = activity.touched.shape[1] * 8
    if index.size and (index.min() < 0 or (room and index.max() >= room)):
        raise TraceError(f"{path}: population {name}: a neuron is outside 0..{room - 1}")
