"""Plain values back to YAML, each with the file and line it came from.

The inverse of :mod:`accelsim.hardware.yaml_reader` for what it reads: ``parse_yaml(write_yaml(data)) == data``.
"""

import json
from collections.abc import Iterator
from typing import Any

from accelsim.hardware.yaml_reader import Locations, child, parse_yaml

_COLUMN = 56


def write_yaml(data: dict[str, Any], locations: Locations | None = None) -> str:
    """Return YAML text of a mapping.

    Parameters
    ----------
    data : dict
        Plain values: dict, list, str, int, float, bool, None.
    locations : dict of str to Location, optional
        Written as a comment behind each scalar.
    """
    lines = []
    for path, line in _mapping(data, "", ""):
        place = (locations or {}).get(path)
        lines.append(f"{line:{_COLUMN}}  # {' '.join(str(place).split())}" if path and place else line)
    return "\n".join(lines) + "\n" if lines else "{}\n"


def _mapping(data: dict[str, Any], path: str, indent: str) -> Iterator[tuple[str, str]]:
    """Yield (path of the scalar or '', line)."""
    for key, value in data.items():
        here = child(path, key)
        start = f"{indent}{_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield "", start
            yield from _mapping(value, here, f"{indent}  ")
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            yield "", start
            yield from _items(value, here, f"{indent}  ")
        else:
            yield here, f"{start} {_flow(value)}"


def _items(values: list[Any], path: str, indent: str) -> Iterator[tuple[str, str]]:
    for index, value in enumerate(values):
        here = child(path, index)
        if not isinstance(value, dict) or not value:
            yield here, f"{indent}- {_flow(value)}"
            continue
        lines = _mapping(value, here, f"{indent}  ")
        where, first = next(lines)
        yield where, f"{indent}- {first[len(indent) + 2 :]}"
        yield from lines


def _flow(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_scalar(key)}: {_flow(item)}' for key, item in value.items())}}}"
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """Double quotes as in JSON, except that YAML writes a sign above U+FFFF as one escape, not as two surrogates."""
    return '"' + "".join(f"\\U{ord(sign):08x}" if ord(sign) > 0xFFFF else json.dumps(sign)[1:-1] for sign in text) + '"'


def _is_plain(text: str) -> bool:
    """Tell whether text needs no quotes, also inside brackets: plain signs only, and read back as the same text."""
    allowed = all(sign.isascii() and (sign.isalnum() or sign in " _./()+-%") for sign in text)
    if not allowed or text != text.strip() or not text or not (text[0].isalnum() or text[0] == "."):
        return False
    return bool(parse_yaml(text, "")[0] == text)
