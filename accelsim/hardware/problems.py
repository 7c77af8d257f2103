"""What is wrong with a description, in the words of the person who wrote it.

Pydantic knows the key, the loader knows file and line: here the two are joined into
``file:line: dotted.path: expected ..., got ...``.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from accelsim.hardware.core_types import BASE
from accelsim.hardware.schema import keys_at, root_of
from accelsim.hardware.yaml_reader import Location, Locations, child

_LONGEST: Final = 400

_EXPECTED: Final[dict[str, str]] = {
    "int_type": "an integer",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping of keys",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} items",
    "too_long": "at most {max_length} items",
}


def problems_of(error: ValidationError, data: Mapping[str, Any], locations: Locations) -> list[str]:
    """Return one line per problem, ordered by file and line.

    Parameters
    ----------
    error : ValidationError
        What the specification refused.
    data : dict
        The resolved plain values that were validated.
    locations : dict of str to Location
        Where each value was written.
    """
    found = [_located(details, data, locations) for details in error.errors(include_url=False)]
    ordered = sorted(found, key=lambda item: (item[0].file, item[0].line))
    return list(dict.fromkeys(f"{where}: {text}" for where, text in ordered))


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return ``expected a known key, got ...`` with the nearest and all known keys."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"expected a known key, got {shown(key)}{hint} Known: {', '.join(known) or '(none)'}"


def shown(value: object) -> str:
    """Return a value as it would stand in a file, shortened."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    text = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _located(details: ErrorDetails, data: Mapping[str, Any], locations: Locations) -> tuple[Location, str]:
    steps = _written([step for step in details["loc"] if isinstance(step, str | int)], data)
    path = ""
    where = locations[""]
    for step in steps:
        path = child(path, step)
        where = locations.get(path, where)
    text = _message(details, steps, data)
    if not path:  # a rule over the whole chip names the part that breaks it: "ports: ..."
        part, _, rest = text.partition(": ")
        if part in locations:
            path, where, text = part, locations[part], rest
    if details["type"] == "value_error":  # a rule over several keys: an override is the likely culprit
        below = (f"{path}.", f"{path}[")
        set_here = [place for name, place in locations.items() if name.startswith(below) and not place.line]
        where = set_here[-1] if set_here else where
    prefix = f"{path}: " if path else ""
    return where, f"{prefix}{text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'}"


def _written(steps: list[str | int], data: Mapping[str, Any]) -> list[str | int]:
    """Return where a value was written: a kind of core has what it does not state from the base."""
    if len(steps) < 3 or steps[0] != "core_types":
        return steps
    value: Any = data
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return [BASE, *steps[2:]]
        value = value[step]
    return steps


def _message(details: ErrorDetails, steps: Sequence[str | int], data: Mapping[str, Any]) -> str:
    kind = details["type"]
    context = details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    root = root_of(data)
    if kind == "missing":
        keys = keys_at(steps, root)
        due = f"a mapping with {', '.join(keys)}" if keys else "a value"
        return f"expected {due}, got nothing: the key is missing"
    if kind == "extra_forbidden":
        return unknown_key(str(steps[-1]), keys_at(steps[:-1], root))
    got = _got(kind, context, steps, data)
    template = _EXPECTED.get(kind)
    expected = template.format_map(context) if template is not None else f"something else ({details['msg']})"
    return f"expected {expected}, got {got}"


def _got(kind: str, context: Mapping[str, Any], steps: Sequence[str | int], data: Mapping[str, Any]) -> str:
    if kind in {"too_short", "too_long"}:
        return str(context["actual_length"])
    value: Any = data  # as written: pydantic would show the number in canonical units
    for step in steps:
        value = value[step]
    return shown(value)
