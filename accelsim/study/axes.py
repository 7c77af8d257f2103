"""Axes of a study: what varies, over which values.

An axis is named by the dotted path that it sets, or freely where each of its ``choices`` sets several paths at once.
Values are a list, a ``range`` (``step`` or ``count``), a ``log_range`` (``factor`` or ``count``), or ``choices``. A
range without a step is continuous: for searches alone. ``when`` limits an axis to values of axes before it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from accelsim.errors import ConfigError
from accelsim.hardware.overrides import split_path
from accelsim.hardware.problems import shown, unknown_key
from accelsim.units import UnitError, parse_any

MAX_VALUES: Final = 100_000
"""Values of one axis."""
_KEYS: Final = ("choices", "count", "factor", "log_range", "range", "step", "values", "when")
_KINDS: Final = ("values", "range", "log_range", "choices")


@dataclass(frozen=True)
class Interval:
    """A continuous axis, or all whole numbers: bounds in the unit that they were written in (empty for plain ones)."""

    low: float
    high: float
    log: bool
    whole: bool
    unit: str

    def text(self, value: float) -> Any:
        """Return a value of the interval as a file would hold it."""
        number = round(value) if self.whole else value
        return number if not self.unit else f"{number!r} {self.unit}"


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes
    ----------
    name : str
        Dotted path, or a name of its own where the values are choices.
    values : tuple
        What stands in the column of the axis: the values, or the labels of the choices; empty where continuous.
    settings : tuple of dict
        What each value sets, by dotted path.
    when : dict of str to tuple
        Values of other axes at which this one varies; elsewhere it sets nothing and its value is None.
    interval : Interval or None
        Bounds of a continuous axis.
    """

    name: str
    values: tuple[Any, ...]
    settings: tuple[Mapping[str, Any], ...]
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    interval: Interval | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Dotted paths that any of its values sets."""
        return (self.name,) if self.interval else tuple(dict.fromkeys(path for item in self.settings for path in item))

    @property
    def ordered(self) -> bool:
        """Whether its values are numbers or quantities in rising or falling order."""
        numbers = [number_of(value) for value in self.values]
        if any(number is None for number in numbers) or len(numbers) < 2:
            return False
        known = [number for number in numbers if number is not None]
        return known in (sorted(known), sorted(known, reverse=True))

    def active(self, chosen: Mapping[str, Any]) -> bool:
        """Return whether the axis varies beside the values of other axes."""
        return all(chosen.get(name) in values for name, values in self.when.items())


def number_of(value: object) -> float | None:
    """Return a number, or a quantity in canonical units; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return parse_any(value)[0]
    except UnitError:
        return None


def make_axis(name: str, written: Any) -> Axis:
    """Return the axis that a study file describes.

    Raises
    ------
    ConfigError
        With the first problem, without its place.
    """
    body = written if isinstance(written, dict) else {"values": written}
    unknown = [key for key in body if key not in _KEYS]
    if unknown:
        raise ConfigError(unknown_key(str(unknown[0]), _KEYS))
    kinds = [kind for kind in _KINDS if kind in body]
    if len(kinds) != 1:
        raise ConfigError(f"expected one of {', '.join(_KINDS)}, got {' and '.join(kinds) or 'none'}")
    kind = kinds[0]
    when = {axis: tuple(_listed(value)) for axis, value in _mapping(body.get("when", {}), "when").items()}
    extra = sorted(set(body) - {kind, "when"} - {"range": {"step", "count"}, "log_range": {"factor", "count"}}.get(
        kind, set()))  # fmt: skip
    if extra:
        raise ConfigError(f"expected no {', '.join(extra)} beside {kind}")
    if kind == "choices":
        choices = _mapping(body["choices"], "choices")
        settings = tuple(_mapping(item, f"choices.{label}") for label, item in choices.items())
        for path in (path for item in settings for path in item):
            split_path(path)
        return Axis(name, _some(tuple(choices)), settings, when)
    split_path(name)
    if kind != "values":
        values = _range(body, kind)
        if isinstance(values, Interval):
            return Axis(name, (), (), when, values)
    else:
        values = body["values"]
        if not isinstance(values, list):
            raise ConfigError(f"expected a list of values, got {shown(values)}")
    kept = _some(tuple(values))
    repeated = [value for at, value in enumerate(kept) if any(_same(value, other) for other in kept[:at])]
    if repeated:
        raise ConfigError(f"expected values that differ, got {shown(repeated[0])} twice")
    return Axis(name, kept, tuple({name: value} for value in kept), when)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not 1 <= len(values) <= MAX_VALUES:
        raise ConfigError(f"expected 1 to {MAX_VALUES} values, got {len(values)}")
    return values


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{what}: expected a mapping, got {shown(value)}")
    return value


def _range(body: Mapping[str, Any], kind: str) -> list[Any] | Interval:
    ends = body[kind]
    if not isinstance(ends, list) or len(ends) != 2:
        raise ConfigError(f"{kind}: expected [first, last], got {shown(ends)}")
    first, last, unit = *(_number(end, kind) for end in ends), _unit(ends, kind)
    log, whole = kind == "log_range", all(isinstance(end, int) for end in ends)
    if not first < last or (log and first <= 0):
        raise ConfigError(f"{kind}: expected {'more than 0 and ' if log else ''}first below last, got {shown(ends)}: "
                          f"{ends[0]!r} to {ends[1]!r}")  # fmt: skip
    stride = body.get("factor" if log else "step")
    count = body.get("count")
    if stride is not None and count is not None:
        raise ConfigError(f"expected either {'factor' if log else 'step'} or count, got both")
    if count is not None:
        return _counted(first, last, count, log=log, whole=whole, unit=unit)
    if stride is None:
        return Interval(first, last, log, whole, unit)
    number = _number(stride, "step")
    if _unit([stride], "step") != ("" if log else unit) or number <= (1 if log else 0):
        raise ConfigError(f"expected a {'factor above 1' if log else f'step above 0 {unit}'.strip()}, got {stride!r}")
    steps = math.log(last / first) / math.log(number) if log else (last - first) / number
    if steps > MAX_VALUES:
        raise ConfigError(f"expected at most {MAX_VALUES} values, got more")
    made = [first * number**at if log else first + number * at for at in range(math.floor(steps + 1e-9) + 1)]
    return [_written(value, unit, whole=whole and isinstance(stride, int)) for value in made]


def _counted(first: float, last: float, count: Any, *, log: bool, whole: bool, unit: str) -> list[Any]:
    if not isinstance(count, int) or isinstance(count, bool) or not 2 <= count <= MAX_VALUES:
        raise ConfigError(f"count: expected 2 to {MAX_VALUES}, got {shown(count)}")
    if whole and not log and count > last - first + 1:
        raise ConfigError(f"count: expected at most the {last - first + 1:g} whole numbers from {first:g} to {last:g}, "
                          f"got {count}")  # fmt: skip
    parts = [at / (count - 1) for at in range(count)]
    made = [first * (last / first) ** part if log else first + (last - first) * part for part in parts]
    made[-1] = last
    return list(dict.fromkeys(_written(value, unit, whole=whole) for value in made))


def _number(value: object, what: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    _unit([value], what)
    return float(str(value).split()[0])


def _unit(values: Sequence[object], what: str) -> str:
    """Return the common unit of bounds: empty for plain numbers."""
    units = set()
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool):
            units.add("")
            continue
        try:
            parse_any(value)
        except UnitError as error:
            raise ConfigError(f"{what}: expected a number or a quantity: {error}") from None
        parts = str(value).split()
        if len(parts) != 2:
            raise ConfigError(f"{what}: expected a number, a space and a unit, got {value!r}")
        units.add(parts[1])
    if len(units) != 1:
        raise ConfigError(f"{what}: expected one unit, got {' and '.join(sorted(unit or 'none' for unit in units))}")
    return units.pop()


def _written(value: float, unit: str, *, whole: bool) -> Any:
    number: int | float = round(value) if whole else float(f"{value:.12g}")
    return number if not unit else f"{number:g} {unit}" if number == float(f"{number:g}") else f"{number!r} {unit}"
