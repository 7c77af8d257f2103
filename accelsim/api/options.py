"""Options as Python has them: ``{"core.scan": "all"}`` in place of ``core.scan=all``."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from accelsim.errors import ConfigError


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
