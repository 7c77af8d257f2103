"""One dotted path and a value, as in ``--set core.synapse_memory.banks=8``."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from accelsim.errors import ConfigError
from accelsim.hardware.schema import may_hold_key, root_of
from accelsim.hardware.yaml_reader import Location, Locations, child, parse_yaml

MayHold = Callable[[Sequence[str | int], str], bool]
"""Whether a mapping at a path may hold a key that is not there yet."""

_STEP = re.compile(r"(?:^|\.)([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,6})\]")


def split_path(path: str) -> list[str | int]:
    """Return the steps of a dotted path: ``ports[0].router`` gives ``["ports", 0, "router"]``.

    Raises
    ------
    ConfigError
        If it is not such a path.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(path) or not steps:
        match = _STEP.match(path, at)
        if match is None:
            raise ConfigError(f"{path!r}: expected a dotted path such as core.synapse_memory.banks or ports[0].router")
        steps.append(match[1] if match[1] is not None else int(match[2]))
        at = match.end()
    return steps


def apply_overrides(
    texts: Sequence[str], data: dict[str, Any], locations: Locations, may_hold: MayHold = may_hold_key
) -> None:
    """Set values in resolved data, in place and in order.

    Parameters as :func:`apply_override`.

    Raises
    ------
    ConfigError
        With the problems of all overrides at once.
    """
    wrong: list[str] = []
    for text in texts:
        try:
            apply_override(text, data, locations, may_hold)
        except ConfigError as error:
            wrong += error.problems
    if wrong:
        raise ConfigError(wrong)


def apply_override(
    text: str, data: dict[str, Any], locations: Locations, may_hold: MayHold = may_hold_key
) -> None:
    """Set one value in resolved data, in place.

    Parameters
    ----------
    text : str
        ``dotted.path=value``; the value is read as strict YAML.
    data, locations : dict
        Changed in place; the new location is ``--set dotted.path=value``.
    may_hold : callable
        Whether a mapping at a path may hold a key that the file leaves out: a chip's if not given.

    Raises
    ------
    ConfigError
        If the path does not exist, with the nearest that do.
    """
    label = f"--set {text}"
    path, equals, written = text.partition("=")
    if not equals:
        raise ConfigError(f"{label}: expected dotted.path=value, got no '='")
    try:
        steps = split_path(path)
    except ConfigError as error:
        raise ConfigError(f"{label}: {error}") from None
    value, places = parse_yaml(written, label, path, lines=False)
    try:
        _assign(data, steps, value, may_hold)
    except KeyError:
        raise ConfigError(f"{label}: {path}: {unknown_path(path, data)}") from None
    forget(locations, path)
    locations.update(places)
    locations[path] = Location(label, 0)


def with_values(
    data: dict[str, Any], values: Mapping[str, Any], may_hold: MayHold | None = None
) -> dict[str, Any]:
    """Return resolved data with other values at dotted paths; what is not on a path is shared with ``data``.

    Keys that are not there yet are those that the data's class of machine has, or those that ``may_hold`` knows.

    Raises
    ------
    ConfigError
        With every path that does not exist, and the nearest that do.
    """
    may_hold = partial(may_hold_key, root=root_of(data)) if may_hold is None else may_hold
    made = dict(data)
    wrong: list[str] = []
    for path, value in values.items():
        steps = split_path(path)
        _unshare(made, steps)
        try:
            _assign(made, steps, value, may_hold)
        except KeyError:
            wrong.append(f"{path}: {unknown_path(path, data)}")
    if wrong:
        raise ConfigError(wrong)
    return made


def _unshare(data: dict[str, Any], steps: Sequence[str | int]) -> None:
    """Copy the mappings and lists on the way to a value."""
    holder: Any = data
    for step in steps[:-1]:
        inner = holder.get(step) if isinstance(holder, dict) else _item(holder, step)
        if not isinstance(inner, dict | list):
            return
        holder[step] = inner.copy()
        holder = holder[step]


def _item(holder: object, step: str | int) -> object:
    return holder[step] if isinstance(holder, list) and isinstance(step, int) and step < len(holder) else None


def _assign(data: dict[str, Any], steps: Sequence[str | int], value: Any, may_hold: MayHold) -> None:
    """Set a value in place; a ``KeyError`` where the path does not exist."""
    holder: Any = data
    for index, step in enumerate(steps):
        if not _exists(holder, step, steps[:index], may_hold):
            raise KeyError(step)
        if index + 1 < len(steps):
            holder = holder.setdefault(step, {}) if isinstance(step, str) else holder[step]
    holder[steps[-1]] = value


def forget(locations: Locations, path: str) -> None:
    """Drop the locations of everything below ``path``."""
    for known in [name for name in locations if name.startswith((f"{path}.", f"{path}["))]:
        del locations[known]


def _exists(holder: object, step: str | int, above: Sequence[str | int], may_hold: MayHold) -> bool:
    """Tell whether a step exists, or may be filled in because the specification asks for it."""
    if isinstance(step, int):
        return isinstance(holder, list) and step < len(holder)
    return isinstance(holder, dict) and (step in holder or may_hold(above, step))


def unknown_path(path: str, data: dict[str, Any]) -> str:
    """Return ``expected a known path, got an unknown one``, with the nearest and those beside it."""
    known = list(_paths(data, ""))
    tails = [name for name in known if name.endswith(f".{path}")]
    near = tails or difflib.get_close_matches(path, known, n=3, cutoff=0.85)
    hint = f"; did you mean {' or '.join(near[:3])}?" if near else "."
    above, below = "", list(data)
    for name in known:
        if path.startswith((f"{name}.", f"{name}[")) and len(name) > len(above):
            above = name
            below = [item for item in known if re.fullmatch(rf"{re.escape(name)}(\.\w+|\[\d+\])", item)]
    return f"expected a known path, got an unknown one{hint} Known{f' in {above}' if above else ''}: " + (
        ", ".join(item.removeprefix(above).lstrip(".") for item in below) or "(nothing)"
    )


def _paths(value: object, path: str) -> Iterator[str]:
    items: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    for key, item in items:
        here = child(path, key)
        yield here
        yield from _paths(item, here)
