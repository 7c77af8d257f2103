"""Binary frames as text: a line ``// --- Frame N (t=START to END) ---`` in µs, then rows of 0 and 1.

Each 1 is one event at the start of its frame, without polarity, so that a ``window`` of a frame's length gives the
frames back. All frames have one size.
"""

import re
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import EVENT_FORMATS, US, EventFormat, RawSample, RawSamples, read_head

_FRAME: Final = re.compile(r"^// --- Frame \d+ \(t=(\d{1,18}) to (\d{1,18})\) ---$")
_MAX_BYTES: Final = 1 << 26


@EVENT_FORMATS.register("text_frames")
class TextFrames(EventFormat):
    """One sample per file."""

    suffixes: ClassVar[tuple[str, ...]] = (".txt",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:  # noqa: ARG003
        """Go by the first line; see :meth:`EventFormat.recognises`."""
        return head.startswith(b"// --- Frame ")

    @classmethod
    def open(cls, path: Path, time_unit: float | None) -> RawSamples:  # noqa: ARG003
        """Return the sample; see :meth:`EventFormat.open`."""
        starts, frames = _frames(path)
        step, y, x = np.nonzero(frames)
        time = np.array(starts, dtype=np.int64)[step] * US
        size = (frames.shape[1], frames.shape[2])
        none = np.zeros(step.size, np.uint8)
        sample = RawSample(time, x.astype(np.int32), y.astype(np.int32), none, starts[0] * US, f"{path}")
        return RawSamples(1, size, 1, labelled=False, read=lambda _: sample)


def _frames(path: Path) -> tuple[list[int], np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]]:
    text = read_head(path, _MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise EventError(f"{path}: more than {_MAX_BYTES} bytes")
    starts: list[int] = []
    frames: list[list[list[int]]] = []
    width = 0
    for line, row in enumerate(text.decode("latin-1").split("\n"), start=1):
        found = _FRAME.match(row.strip())
        if found:
            starts.append(int(found[1]))
            frames.append([])
        elif row.strip():
            width = width or len(row.strip())
            if not frames or set(row.strip()) - {"0", "1"} or len(row.strip()) != width:
                raise EventError(f"{path}:{line}: expected a frame's heading or {width} of 0 and 1, got {row[:40]!r}")
            frames[-1].append([int(sign) for sign in row.strip()])
    heights = {len(frame) for frame in frames}
    if not frames or len(heights) != 1 or heights == {0}:
        raise EventError(f"{path}: expected frames of one size, got heights {sorted(heights)}")
    return starts, np.array(frames, dtype=np.uint8)
