"""The ``input`` section of a ``workload.yaml``: the file, how it becomes events, and which keys that needs."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from accelsim.errors import UnknownNameError
from accelsim.hardware.problems import shown
from accelsim.hardware.quantities import Count, CountOrZero, Spec, Time
from accelsim.network.encodings.encoding import ENCODINGS
from accelsim.network.event_formats.event_format import EVENT_FORMATS
from accelsim.network.event_frames import Frames

EVENTS: Final = "events"
"""The ``encoding`` of a file that holds spikes by timestep already."""

EVENT_FRAMES: Final = "event_frames"
"""The ``encoding`` of recordings with times, which are cut into timesteps."""

FileName = Annotated[str, StringConstraints(min_length=1, max_length=4096)]

TIME_UNITS: Final = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
"""ns of the units of ``time_unit``."""


def _encoding(name: str) -> str:
    known = [*ENCODINGS.names(), EVENTS, EVENT_FRAMES]
    if name not in known:
        raise ValueError(f"expected a known encoding, got {name!r}. Known: {', '.join(sorted(known))}")
    return name


def _format(name: str) -> str:
    try:
        EVENT_FORMATS.get(name)
    except UnknownNameError:
        raise ValueError(
            f"expected a known event format, got {name!r}. Known: {', '.join(EVENT_FORMATS.names())}"
        ) from None
    return name


def _whole_time(value: float) -> float:
    if value <= 0 or value != int(value):
        raise ValueError("expected a whole number of nanoseconds, more than 0")
    return value


Pixels = Annotated[Count, Field(le=1 << 15)]
PixelsOrZero = Annotated[CountOrZero, Field(le=1 << 15)]
Duration = Annotated[Time, AfterValidator(_whole_time)]


class InputSpec(Spec):
    """The input and how it becomes events; see :class:`accelsim.network.event_frames.Frames` for the second half."""

    file: FileName
    encoding: Annotated[str, AfterValidator(_encoding)]
    rate: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    seed: CountOrZero | None = None
    value_bits: Annotated[Count, Field(le=16)] | None = None
    format: Annotated[str, AfterValidator(_format)] | None = None
    window: Duration | None = None
    events_per_step: Annotated[Count, Field(le=1 << 28)] | None = None
    time_zero: Literal["first_event", "file"] | None = None
    multiple: Literal["or", "count"] | None = None
    polarity: Literal["both", "swap", "merge", "on", "off"] | None = None
    sensor: Annotated[list[Pixels], Field(min_length=2, max_length=2)] | None = None
    transpose: StrictBool | None = None
    flip: Literal["x", "y", "xy"] | None = None
    crop: Annotated[list[PixelsOrZero], Field(min_length=4, max_length=4)] | None = None
    downsample: Pixels | None = None
    stride: Duration | None = None
    time_unit: Literal["ns", "us", "ms", "s"] | None = None

    def frames(self, timesteps: int) -> Frames:
        """Return how recordings are cut into timesteps, for ``encoding: event_frames``."""
        return Frames(
            timesteps=timesteps,
            multiple=self.multiple or "or",
            time_zero=self.time_zero or "file",
            window=None if self.window is None else int(self.window),
            events_per_step=self.events_per_step,
            polarity=self.polarity,
            sensor=None if self.sensor is None else (self.sensor[0], self.sensor[1]),
            transpose=bool(self.transpose),
            flip=self.flip or "",
            crop=None if self.crop is None else (self.crop[0], self.crop[1], self.crop[2], self.crop[3]),
            downsample=self.downsample or 1,
            stride=None if self.stride is None else int(self.stride),
        )


_FRAMES_NEED: Final = ("time_zero", "multiple")
_FRAMES_MAY: Final = (
    "format", "window", "events_per_step", "polarity", "sensor", "transpose", "flip", "crop", "downsample", "stride",
    "time_unit",
)  # fmt: skip
_OPTIONAL: Final = tuple(name for name in InputSpec.model_fields if name not in ("file", "encoding"))


def input_problems(spec: InputSpec, locations: Mapping[str, Any]) -> list[str]:
    """Return where the keys stated are not those that the encoding takes, one line each."""
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    if spec.encoding == EVENT_FRAMES:
        needs, may = _FRAMES_NEED, _FRAMES_MAY
    elif spec.encoding != EVENTS:
        needs = ENCODINGS.get(spec.encoding).needs
    problems = []
    for key in _OPTIONAL:
        value = getattr(spec, key)
        where = locations.get(f"input.{key}", locations["input"])
        if key in needs and value is None:
            problems.append(
                f"{where}: input.{key}: expected a value for encoding {spec.encoding}, got nothing: the key is missing"
            )
        if key not in (*needs, *may) and value is not None:
            problems.append(
                f"{where}: input.{key}: expected no such key for encoding {spec.encoding}, got {shown(value)}"
            )
    if spec.encoding == EVENT_FRAMES:
        if (spec.window is None) == (spec.events_per_step is None):
            got = "neither" if spec.window is None else "both"
            problems.append(f"{locations['input']}: input: expected either window or events_per_step, got {got}")
        if spec.stride is not None and spec.window is None:
            problems.append(f"{locations['input.stride']}: input.stride: expected window beside it, got nothing")
    return problems
