"""Strict YAML 1.2: plain Python values, and the file and line of every one of them.

Read: mappings with text keys, lists, and scalars of the YAML 1.2 core schema (null, booleans ``true`` and ``false``,
decimal, octal ``0o17`` and hexadecimal integers, floats, text). So ``1e-12`` is a number, ``012`` is 12 and ``on`` is
text.
Refused, because a reader would be misled or a program be run or exhausted: repeated keys, tags, anchors and aliases,
several documents, infinities and NaN, integers beyond 64 bit, files above 1 MiB and nesting deeper than 100.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from accelsim.errors import ConfigError

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 100

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_WORDS: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True)
class Location:
    """Where a value was written.

    Attributes
    ----------
    file : str
        The file, or a whole ``--set a.b=c``.
    line : int
        First line is 1; 0 where lines mean nothing.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


Locations = dict[str, Location]


def read_yaml(path: str | Path) -> tuple[dict[str, Any], Locations]:
    """Read a YAML file whose root is a mapping.

    Returns
    -------
    data : dict
        Plain dicts, lists, str, int, float, bool and None.
    locations : dict of str to Location
        Per dotted path (``core.synapse_memory.banks``, ``ports[0].router``); the root is ``""``.

    Raises
    ------
    ConfigError
        If the file is missing or is not such YAML; the message starts with ``file:line``.
    """
    path = Path(path)
    text = _text_of(path)
    data, locations = parse_yaml(text, str(path))
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: expected a mapping 'key: value', got {_kind(data)}")
    return data, locations


def parse_yaml(text: str, file: str, root: str = "", *, lines: bool = True) -> tuple[Any, Locations]:
    """Read YAML text of any kind of root.

    Parameters
    ----------
    text : str
        One YAML document.
    file : str
        Named in errors and locations.
    root : str
        Dotted path of the whole value.
    lines : bool
        False for a value from the command line: locations then have line 0.

    Raises
    ------
    ConfigError
        With the first problem.
    """
    builder = _Builder(file, lines=lines)
    try:
        value = builder.value(_events(text), root)
    except _ProblemError as problem:
        raise ConfigError(f"{builder.at(problem.line)}: {problem}") from None
    return value, builder.locations


def child(path: str, key: str | int) -> str:
    """Return the dotted path of an item: ``child("ports", 0) == "ports[0]"``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


class _ProblemError(Exception):
    """A problem and its line (from 1)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{path}: expected a readable YAML file, got: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: expected a file of at most {MAX_BYTES} bytes, got a larger one")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8 text, got byte 0x{raw[error.start]:02x}") from None


def _events(text: str) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise _ProblemError(f"expected YAML, got: {why}", mark.line + 1 if mark else 1) from None
    except YAMLError as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _ProblemError(f"expected YAML, got: {first}", 1) from None
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        # ruamel.yaml meets some malformed directives (%YAML 1.21) with these instead of an error of its own
        raise _ProblemError(f"expected YAML, got text that its parser cannot read: {error}", 1) from None


class _Builder:
    """Turns parser events into plain values; no object of the file's choice is ever made."""

    def __init__(self, file: str, *, lines: bool) -> None:
        self.file = file
        self.lines = lines
        self.locations: Locations = {}

    def at(self, line: int) -> Location:
        return Location(self.file, line if self.lines else 0)

    def value(self, events: Iterator[Event], root: str) -> Any:
        """Consume a whole stream and return its one document."""
        result: Any = None
        seen = False
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if seen:
                    raise _ProblemError("expected one document, got a second one", _line(event))
                seen = True
                if event.version is not None and tuple(event.version) != (1, 2):
                    version = ".".join(map(str, event.version))
                    raise _ProblemError(f"expected YAML 1.2, got %YAML {version}", _line(event))
                result = self._node(next(events), events, root, 0)
            elif isinstance(event, StreamStartEvent | StreamEndEvent):
                self.locations.setdefault(root, self.at(1))
        return result

    def _node(self, event: Event, events: Iterator[Event], path: str, depth: int) -> Any:
        line = _line(event)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise _ProblemError(f"{path or 'root'}: anchors and aliases are not allowed; write the value out", line)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _ProblemError(f"{path or 'root'}: tags are not allowed, got {str(tag)[:80]!r}", line)
        if depth > MAX_DEPTH:
            raise _ProblemError(f"expected at most {MAX_DEPTH} levels of nesting, got more", line)
        self.locations.setdefault(path, self.at(line))
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path, depth)
        if isinstance(event, SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := next(events), SequenceEndEvent):
                items.append(self._node(event, events, child(path, len(items)), depth + 1))
            return items
        return self._scalar(event, path)

    def _mapping(self, events: Iterator[Event], path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = _line(event)
            if not isinstance(event, ScalarEvent):
                raise _ProblemError(f"{path or 'root'}: expected a text key, got a {_event_kind(event)}", line)
            key = self._scalar_of_key(event, path)
            where = child(path, key)
            if key in result:
                raise _ProblemError(f"{where}: repeated key, first written in line {first[key]}", line)
            first[key] = line
            self.locations[where] = self.at(line)
            result[key] = self._node(next(events), events, where, depth + 1)
        return result

    def _scalar_of_key(self, event: ScalarEvent, path: str) -> str:
        if event.tag is not None or event.anchor:
            raise _ProblemError(f"{path or 'root'}: tags and anchors are not allowed on keys", _line(event))
        key = self._scalar(event, path)
        if isinstance(key, int) and not isinstance(key, bool):
            key = str(key)  # a table by number: keys of plain values are text
        if not isinstance(key, str) or not key:
            raise _ProblemError(f"{path or 'root'}: expected a text key, got {_kind(key)}", _line(event))
        return key

    def _scalar(self, event: Event, path: str) -> str | int | float | bool | None:
        text = str(getattr(event, "value", ""))
        if _SURROGATE.search(text):  # could not be printed or written to a file
            raise _ProblemError(f"{path or 'root'}: expected Unicode text, got half of a surrogate pair", _line(event))
        if getattr(event, "style", None):  # quoted or block text is never a number
            return text
        if text in _WORDS:
            return _WORDS[text]
        line = _line(event)
        number: int | float
        if _INT.fullmatch(text) or _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            number = int(text, base) if len(text) <= 64 else 1 << 63
            if not -(1 << 63) <= number < 1 << 63:
                raise _ProblemError(f"{path or 'root'}: expected an integer of at most 64 bit, got {text[:40]}", line)
            return number
        if _NOT_FINITE.fullmatch(text):
            raise _ProblemError(f"{path or 'root'}: expected a finite number, got {text}", line)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                raise _ProblemError(f"{path or 'root'}: expected a finite number, got {text[:40]}", line)
            return number
        return text


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _event_kind(event: Event) -> str:
    if isinstance(event, MappingStartEvent):
        return "mapping"
    return "list" if isinstance(event, SequenceStartEvent) else "alias"


def _kind(value: object) -> str:
    """Name a value in the words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "a list"
    return f"{str(value).lower() if isinstance(value, bool) else value!r}"[:60]
