"""The points of a study: one after the other, never all in memory.

A grid is the product of its axes, the last one fastest; an axis that is not active takes no value. Listed points come
after the grid. Where the same settings come about twice, they are given twice: whoever runs them knows points by what
they contain.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accelsim.study.axes import Axis


@dataclass(frozen=True)
class Point:
    """One point: the value or label on every axis, and what is set, by dotted path."""

    axes: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Space:
    """All points of a study.

    Attributes
    ----------
    axes : tuple of Axis
    listed : tuple of dict
        Points that are listed one by one: settings by dotted path.
    """

    axes: tuple[Axis, ...]
    listed: tuple[Mapping[str, Any], ...] = ()

    @property
    def names(self) -> list[str]:
        """Columns of the points: axes, then paths that only listed points set."""
        listed = (path for item in self.listed for path in item)
        return list(dict.fromkeys([*(axis.name for axis in self.axes), *listed]))

    @property
    def size(self) -> int:
        """Points at most: axes that are not active everywhere make fewer."""
        size = 1 if self.axes else 0
        for axis in self.axes:
            size *= len(axis.values)
        return size + len(self.listed)

    def values(self) -> dict[str, list[Any]]:
        """Return the values of every column, in the order of the file."""
        found: dict[str, list[Any]] = {name: [] for name in self.names}
        for axis in self.axes:
            found[axis.name] += axis.values
        for item in self.listed:
            for path, value in item.items():
                if value not in found[path]:
                    found[path].append(value)
        return found

    def __iter__(self) -> Iterator[Point]:
        if self.axes:
            yield from self._grid(0, {}, {})
        for item in self.listed:
            yield Point({name: item.get(name) for name in self.names}, item)

    def point(self, chosen: Mapping[str, Any], settings: Mapping[str, Any]) -> Point:
        """Return a point with a value on every column."""
        return Point({name: chosen.get(name) for name in self.names}, settings)

    def _grid(self, at: int, chosen: dict[str, Any], settings: dict[str, Any]) -> Iterator[Point]:
        if at == len(self.axes):
            yield self.point(chosen, settings)
            return
        axis = self.axes[at]
        if not axis.active(chosen):
            yield from self._grid(at + 1, {**chosen, axis.name: None}, settings)
            return
        for value, set_here in zip(axis.values, axis.settings, strict=True):
            yield from self._grid(at + 1, {**chosen, axis.name: value}, {**settings, **set_here})


def check_axes(axes: Sequence[Axis]) -> list[tuple[str, str]]:
    """Return problems between axes as (axis, text): paths set twice, conditions on what does not come before."""
    problems = []
    setter: dict[str, str] = {}
    seen: dict[str, Axis] = {}
    for axis in axes:
        for path in axis.paths:
            if path in setter:
                text = f"expected each path to be set by one axis, got {path}, which {setter[path]} sets too"
                problems.append((axis.name, text))
            setter[path] = axis.name
        for name, values in axis.when.items():
            if name not in seen:
                known = ", ".join(seen) or "(none)"
                text = f"when: expected an axis that stands before this one, got {name!r}. Known: {known}"
                problems.append((axis.name, text))
                continue
            other = seen[name]
            wrong = [value for value in values if not other.interval and value not in other.values]
            if wrong:
                text = f"when: expected values of {name} ({', '.join(map(str, other.values))}), got {wrong[0]!r}"
                problems.append((axis.name, text))
        seen[axis.name] = axis
    return problems
