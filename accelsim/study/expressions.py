"""Conditions and constraints: ``core.synapse_lanes * core.neuron_lanes <= 64``, ``area <= 4 mm2``.

A side is a sum of products of numbers, quantities, quoted texts, truth values and names (dotted paths, axes, totals).
It is read by a grammar of its own, never evaluated as Python. Quantities are in the canonical units of
:mod:`accelsim.units`; what is added or compared must be of one dimension (0 is of all), and products have the product
of the dimensions: ``energy / latency <= 3 mW``.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from accelsim.errors import ConfigError
from accelsim.study.dimensions import PLAIN, Dimension, dimension_of, product, unit_of
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
_TRUTH: Final = {"true": True, "false": False}
Known = float | str | bool
"""A number in its canonical unit, a text, or a truth value."""


class Value(NamedTuple):
    """What a name or a side stands for."""

    value: Known
    dimension: Dimension = PLAIN


Lookup = Callable[[str], Value]
"""Value of a name."""


@dataclass(frozen=True)
class _Leaf:
    value: Any
    name: bool
    dimension: Dimension = PLAIN


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

    def sides(self, lookup: Lookup) -> tuple[Any, Any]:
        """Return the values of both sides, which can be compared with each other.

        Raises
        ------
        ConfigError
            If a value is not of a kind that can be calculated with, or the sides are of two kinds or dimensions.
        """
        try:
            left, right = _value(self.left, lookup), _value(self.right, lookup)
            _require_comparable(self.sign, left, right)
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            units = [f"{name} is in {unit_of(found)}" for name in self.names if (found := lookup(name).dimension)]
            raise ConfigError("; ".join([f"{self.text!r}: {error}", *units])) from None
        return left.value, right.value

    def check(self, dimension: Callable[[str], Dimension]) -> None:
        """Refuse a comparison of numbers whose units do not fit, whatever the numbers are.

        Parameters
        ----------
        dimension : callable
            Dimension of a name.

        Raises
        ------
        ConfigError
            With what does not fit, and the units of the names.
        """
        dimensions = {name: dimension(name) for name in self.names}
        # any value but 0, which is of all dimensions; irrational, so that no difference of names is 0
        values = {name: Value(math.pi ** (at + 1), found) for at, (name, found) in enumerate(dimensions.items())}
        self.sides(values.__getitem__)

    def holds(self, lookup: Lookup) -> bool:
        """Return whether it holds.

        Raises
        ------
        ConfigError
            If the sides cannot be compared.
        """
        left, right = self.sides(lookup)
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
            truth = _TRUTH.get(match["name"])
            yield _Leaf(match["name"], name=True) if truth is None else _Leaf(truth, name=False)
        elif match["text"]:
            yield _Leaf(match["text"][1:-1], name=False)
        elif match["unit"]:
            try:
                value, dimension = parse_any(f"{match['number']} {match['unit']}")
            except UnitError as error:
                raise ConfigError(f"{text!r}: {error}") from None
            yield _Leaf(value, name=False, dimension=dimension_of(CANONICAL[dimension]))
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


def _value(node: _Leaf | _Node, lookup: Lookup) -> Value:
    if isinstance(node, _Leaf):
        return lookup(node.value) if node.name else Value(node.value, node.dimension)
    left, right = _value(node.left, lookup), _value(node.right, lookup)
    kinds = _kind(left), _kind(right)
    if kinds != ("a number", "a number"):
        raise TypeError(f"expected numbers around {node.sign}, got {kinds[0]} and {kinds[1]}")
    if node.sign in {"*", "/"}:
        found = product(left.dimension, right.dimension, 1 if node.sign == "*" else -1)
    else:
        found = _common(node.sign, left, right)
    return Value(_ARITHMETIC[node.sign](left.value, right.value), found)


def _kind(item: Value) -> str:
    if isinstance(item.value, bool):
        return "a truth value"
    return "a text" if isinstance(item.value, str) else "a number"


def _require_comparable(sign: str, left: Value, right: Value) -> None:
    one, other = _kind(left), _kind(right)
    if one != other:
        raise TypeError(f"expected two numbers, two texts or two truth values, got {one} and {other}")
    if one == "a truth value" and sign not in {"==", "!="}:
        raise TypeError(f"expected == or != between truth values, got {sign}")
    _common(sign, left, right)


def _common(sign: str, left: Value, right: Value) -> Dimension:
    """Return the dimension of both operands; 0 has every one."""
    if left.dimension == right.dimension or right.value == 0:
        return left.dimension
    if left.value == 0:
        return right.dimension
    raise TypeError(f"expected one unit on both sides of {sign}, got {unit_of(left.dimension)} and "
                    f"{unit_of(right.dimension)}")  # fmt: skip


def _names(node: _Leaf | _Node) -> Iterator[str]:
    if isinstance(node, _Node):
        yield from _names(node.left)
        yield from _names(node.right)
    elif node.name:
        yield node.value
