"""Conditions and constraints: ``core.synapse_lanes * core.neuron_lanes <= 64``, ``area <= 4 mm2``.

A side is a sum of products of numbers, quantities with units, quoted texts and names (dotted paths, axes, totals). It
is read by a grammar of its own, never evaluated as Python. Quantities are in the canonical units of
:mod:`accelsim.units`; a name whose value has a unit can only be compared with a quantity of that unit.
"""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from accelsim.errors import ConfigError
from accelsim.units import CANONICAL, UnitError, parse_any

_MAX_TEXT: Final = 400
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?:\s*(?P<unit>[A-Za-z][A-Za-z0-9/]*))?"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\[\d+\])?(?:\.[A-Za-z_][A-Za-z0-9_]*(?:\[\d+\])?)*)"
    r"|(?P<sign><=|>=|==|!=|<|>|\+|-|\*|/|\(|\)))"
)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
Lookup = Callable[[str], Any]
"""Value of a name: a number in its canonical unit, a text, or a truth value."""


@dataclass(frozen=True)
class _Leaf:
    value: Any
    name: bool
    unit: str = ""


@dataclass(frozen=True)
class _Node:
    sign: str
    left: "_Leaf | _Node"
    right: "_Leaf | _Node"


@dataclass(frozen=True)
class Comparison:
    """One comparison that holds or does not.

    Attributes
    ----------
    text : str
        As written.
    sign : str
    """

    text: str
    sign: str
    left: "_Leaf | _Node"
    right: "_Leaf | _Node"

    @property
    def names(self) -> tuple[str, ...]:
        """Names that are looked up, in order."""
        return tuple(dict.fromkeys([*_names(self.left), *_names(self.right)]))

    @property
    def units(self) -> tuple[str, ...]:
        """Units that are written in it."""
        return tuple(dict.fromkeys([*_units(self.left), *_units(self.right)]))

    def sides(self, lookup: Lookup) -> tuple[Any, Any]:
        """Return the values of both sides.

        Raises
        ------
        ConfigError
            If a value is not of a kind that can be calculated with.
        """
        try:
            return _value(self.left, lookup), _value(self.right, lookup)
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise ConfigError(f"{self.text!r}: {error}") from None

    def holds(self, lookup: Lookup) -> bool:
        """Return whether it holds.

        Raises
        ------
        ConfigError
            If the sides cannot be compared.
        """
        left, right = self.sides(lookup)
        if isinstance(left, str) != isinstance(right, str):
            raise ConfigError(f"{self.text!r}: expected two numbers or two texts, got {left!r} and {right!r}")
        return bool(_COMPARE[self.sign](left, right))

    def excess(self, lookup: Lookup) -> float:
        """Return by how much it fails, relative to the limit: 0 or less where it holds."""
        left, right = self.sides(lookup)
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            return 0.0 if self.holds(lookup) else 1.0
        if self.sign in {"==", "!="}:
            return 0.0 if self.holds(lookup) else 1.0
        gap = float(left - right) if self.sign in {"<=", "<"} else float(right - left)
        gap /= abs(float(right)) or 1.0
        return gap if (gap > 0) != self.holds(lookup) else 1e-12


def parse(text: str) -> Comparison:
    """Read a comparison.

    Raises
    ------
    ConfigError
        With what was expected.
    """
    if len(text) > _MAX_TEXT:
        raise ConfigError(f"expected at most {_MAX_TEXT} characters, got {len(text)}")
    parser = _Parser(list(_tokens(text)), text)
    left = parser.sum()
    sign = parser.take()
    if sign not in _COMPARE:
        raise ConfigError(f"{text!r}: expected a comparison with one of {', '.join(_COMPARE)}, such as area <= 4 mm2")
    right = parser.sum()
    if parser.left:
        raise ConfigError(f"{text!r}: expected one comparison, got more: {parser.left[0]!r}")
    return Comparison(text, str(sign), left, right)


def _tokens(text: str) -> Iterator[str | _Leaf]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConfigError(f"{text!r}: expected names, numbers with units and comparisons, got {text[at:at + 20]!r}")
        at = match.end()
        if match["sign"]:
            yield match["sign"]
        elif match["name"]:
            yield _Leaf(match["name"], name=True)
        elif match["text"]:
            yield _Leaf(match["text"][1:-1], name=False)
        elif match["unit"]:
            try:
                value, dimension = parse_any(f"{match['number']} {match['unit']}")
            except UnitError as error:
                raise ConfigError(f"{text!r}: {error}") from None
            yield _Leaf(value, name=False, unit=CANONICAL[dimension])
        else:
            number = match["number"]
            yield _Leaf(int(number) if number.isdecimal() else float(number), name=False)


class _Parser:
    def __init__(self, tokens: list[str | _Leaf], text: str) -> None:
        self.left, self._text = tokens, text

    def take(self) -> "str | _Leaf":
        if not self.left:
            raise ConfigError(f"{self._text!r}: expected a comparison such as area <= 4 mm2, got an end")
        return self.left.pop(0)

    def sum(self) -> "_Leaf | _Node":
        return self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._factor))

    def _chain(self, signs: tuple[str, ...], part: Callable[[], "_Leaf | _Node"]) -> "_Leaf | _Node":
        node = part()
        while self.left and self.left[0] in signs:
            sign = str(self.left.pop(0))
            node = _Node(sign, node, part())
        return node

    def _factor(self) -> "_Leaf | _Node":
        token = self.take()
        if isinstance(token, _Leaf):
            return token
        if token == "-":  # noqa: S105 - a sign of the grammar
            return _Node("-", _Leaf(0, name=False), self._factor())
        if token == "(":  # noqa: S105
            inner = self.sum()
            if self.take() != ")":
                raise ConfigError(f"{self._text!r}: expected ')'")
            return inner
        raise ConfigError(f"{self._text!r}: expected a name or a number, got {token!r}")


def _value(node: _Leaf | _Node, lookup: Lookup) -> Any:
    if isinstance(node, _Leaf):
        return lookup(node.value) if node.name else node.value
    left, right = _value(node.left, lookup), _value(node.right, lookup)
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError(f"expected numbers around {node.sign}, got {left!r} and {right!r}")
    return _ARITHMETIC[node.sign](left, right)


def _names(node: _Leaf | _Node) -> Iterator[str]:
    if isinstance(node, _Node):
        yield from _names(node.left)
        yield from _names(node.right)
    elif node.name:
        yield node.value


def _units(node: _Leaf | _Node) -> Iterator[str]:
    if isinstance(node, _Node):
        yield from _units(node.left)
        yield from _units(node.right)
    elif node.unit:
        yield node.unit
