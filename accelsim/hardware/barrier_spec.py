"""The end of a hardware step: a barrier that is stated, ideal, a tree of registers, or made of messages."""

from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from accelsim.hardware.elastic_spec import DoneTreeSpec
from accelsim.hardware.quantities import Count, CountOrZero, Spec

MAX_BARRIER = 1_000_000
"""Longest barrier, cycles."""


def _barrier_cycles(value: object) -> int | dict[int, int]:
    """Read one number of cycles, or a table of them by the number of routers; keys of a file are text."""
    if not isinstance(value, dict):
        return _cycles(value, "")
    wrong = [key for key in value if not str(key).isdecimal()]
    if wrong or "1" not in map(str, value):
        raise ValueError(f"expected cycles by numbers of routers from 1 on, got {', '.join(map(str, value))}")
    return {int(key): _cycles(cycles, f" of {key} routers") for key, cycles in value.items()}


def _cycles(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected an integer{what}, got {value!r}")  # noqa: TRY004 - pydantic collects ValueErrors
    if not 0 <= value <= MAX_BARRIER:
        bound = "at least 0" if value < 0 else f"at most {MAX_BARRIER}"
        raise ValueError(f"expected {bound}{what}, got {value}")
    return value


_CYCLES_SCHEMA = {"type": "integer", "minimum": 0, "maximum": MAX_BARRIER}


class BarrierSpec(Spec):
    """The end of a hardware step: what ``kind`` asks for must be there, what only the others need may be."""

    kind: Literal["stated", "ideal", "tree", "message"] = "stated"
    """``stated``: ``cycles``; ``ideal``: none; ``tree``: a register per hop from the farthest router to ``root`` and
    back, and ``settle_cycles``; ``message``: packets from all terminals in use to one at ``root`` and back."""
    cycles: Annotated[
        int | dict[int, int] | None,
        PlainValidator(_barrier_cycles),
        WithJsonSchema({"anyOf": [_CYCLES_SCHEMA, {"type": "object", "additionalProperties": _CYCLES_SCHEMA}]}),
    ] = None
    """Cycles, or a table ``{1: 6, 4: 14}`` by the number of routers with cores in use: the entry at or below it."""
    root: Annotated[tuple[CountOrZero, ...], Field(min_length=1, max_length=3)] | None = None
    """Position of the router where the tree, or the messages, meet."""
    hop_cycles: Annotated[Count, Field(le=64)] | None = None
    """From the register at one router to the next."""
    settle_cycles: Annotated[CountOrZero, Field(le=MAX_BARRIER)] | None = None
    """What the root waits so that nothing is under way between two cores that both look idle, and buffers swap."""

    done_tree: DoneTreeSpec | None = None
    """Left out: ``cycles`` after the last activity."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        tree = ("root", "hop_cycles", "settle_cycles")
        needs = {"stated": ("cycles",), "ideal": (), "tree": tree, "message": ("root",)}[self.kind]
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise ValueError(f"expected {' and '.join(missing)} with the kind {self.kind}, got nothing: missing")
        return self

    def cycles_of(self, routers: int) -> int:
        """Return the stated cycles where ``routers`` routers have cores in use."""
        if self.cycles is None:
            raise ValueError(f"a barrier of kind {self.kind} states no cycles")
        if isinstance(self.cycles, int):
            return self.cycles
        return self.cycles[max(at for at in self.cycles if at <= max(1, routers))]
