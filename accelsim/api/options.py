"""Options as Python has them: ``{"core.scan": "all"}`` in place of ``core.scan=all``; wrong types are refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accelsim.errors import ConfigError


def place(value: object, where: str, expected: str = "a name or a path") -> str | Path:
    """Return the name or the path that an option is.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if not isinstance(value, str | Path):
        raise ConfigError(f"{where}: expected {expected}, got {value!r:.80}")
    return value


def places(values: object, where: str, expected: str = "names or paths") -> tuple[str | Path, ...]:
    """Return several names or paths; a text alone is one too few.

    Raises
    ------
    ConfigError
        If it is no sequence of them.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence):
        raise ConfigError(f"{where}: expected a list of {expected}, got {values!r:.80}")
    return tuple(place(value, where, f"a list of {expected}") for value in values)


def whole(value: object, where: str, least: int = 1) -> int | None:
    """Return a whole number, or None where an option is left out.

    Raises
    ------
    ConfigError
        If it is none, or less than ``least``.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{where}: expected a whole number of at least {least}, or None, got {value!r:.80}")
    return int(value)


def assignments(changes: Mapping[str, Any] | None, where: str) -> tuple[str, ...]:
    """Return ``path=value`` texts as ``--set`` takes them.

    Parameters
    ----------
    changes : mapping of dotted path to value
        Numbers, booleans, texts, None, and lists and mappings of them.
    where : str
        Name of the option for errors.

    Raises
    ------
    ConfigError
        If it is no mapping, or a value has no form in a file.
    """
    if changes is None:
        return ()
    if not isinstance(changes, Mapping):
        raise ConfigError(f"{where}: expected a mapping such as {{'core.scan': 'all'}}, got {changes!r:.80}")
    return tuple(f"{path}={_text(value, f'{where}: {path}')}" for path, value in changes.items())


def _text(value: Any, where: str) -> str:
    """Return a value as YAML's flow form; a text stands as it is at the top, as on the command line."""
    return value if isinstance(value, str) else _inner(value, where)


def _inner(value: Any, where: str) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_inner(str(key), where)}: {_inner(item, where)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inner(item, where) for item in value) + "]"
    raise ConfigError(f"{where}: expected a number, text, boolean, None, list or mapping, got {value!r:.80}")
