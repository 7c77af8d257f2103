"""Registries: a new neuron, weight format, topology, importer, mapper, source or dataflow is one file.

A registry is filled by a decorator. The first look-up imports every module of the registry's package and every
installed entry point of the group ``accelsim.<kind>``, so no list of names is kept by hand and an outside package
needs no change here.
"""

import functools
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from accelsim.errors import ConfigError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind of thing, found by package scan and entry points.

    Parameters
    ----------
    kind : str
        What is registered, in the words of an error message: ``"weight format"``.
    package : str
        Dotted name of the package whose modules register themselves.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._items: dict[str, T] = {}
        self._scanned = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers its argument as ``name``.

        Raises
        ------
        ConfigError
            If another object already has the name.
        """

        def add(item: T) -> T:
            known = self._items.get(name)
            if known is not None and _origin(known) != _origin(item):
                raise ConfigError(f"{self.kind} {name!r} is registered twice: by {_origin(known)} and {_origin(item)}")
            self._items[name] = item
            return item

        return add

    def get(self, name: str) -> T:
        """Return the item called ``name``; raise :class:`UnknownNameError` with the known names otherwise."""
        self._scan()
        if name not in self._items:
            raise UnknownNameError(self.kind, name, self._items)
        return self._items[name]

    def names(self) -> list[str]:
        """Return the registered names, sorted."""
        self._scan()
        return sorted(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
        for entry in _entry_points().get(f"accelsim.{self.kind.replace(' ', '_')}", []):
            entry.load()


def _origin(item: object) -> str:
    """Return where an item was defined: the same place when a module is loaded again."""
    return f"{getattr(item, '__module__', '?')}.{getattr(item, '__qualname__', repr(item))}"


@functools.cache
def _entry_points() -> dict[str, list[importlib.metadata.EntryPoint]]:
    """Return accelsim's entry points by group; reading the environment's takes longer than all registries together."""
    found: dict[str, list[importlib.metadata.EntryPoint]] = {}
    for distribution in importlib.metadata.distributions():
        for entry in distribution.entry_points:
            if entry.group.startswith("accelsim."):
                found.setdefault(entry.group, []).append(entry)
    return found
