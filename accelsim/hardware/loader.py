"""From a name or a file, and overrides, to a checked chip.

``extends`` merges mappings deeply and replaces lists and values; ``--set`` comes last. Every value keeps the file and
line it was written in. Names of registered things (topology, weight format, dataflow, sources) are checked by whoever
uses them, because looking them up loads compiled kernels.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from accelsim.errors import ConfigError
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.hardware.ert import expand_ert
from accelsim.hardware.overrides import apply_overrides, forget
from accelsim.hardware.presets import is_preset_name, preset_path
from accelsim.hardware.problems import problems_of, shown
from accelsim.hardware.schema import CORE_MESH, PE_ARRAY, ROOTS, may_hold_key
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.yaml_reader import Locations, child, read_yaml

S = TypeVar("S", bound=BaseModel)

MAX_EXTENDS: Final = 16
"""Longest chain of ``extends``."""


@dataclass(frozen=True)
class LoadedChip:
    """A chip with where it came from.

    Attributes
    ----------
    spec : ChipSpec
        The checked description, quantities in canonical units.
    data : dict
        The same as plain values as written, ``extends`` and overrides applied: loading it again gives ``spec``.
    locations : dict of str to Location
        Where each value of ``data`` was written, per dotted path.
    sha256 : str
        Of ``data``, independent of the order of keys and of how it was split over files.
    """

    spec: ChipSpec
    data: dict[str, Any]
    locations: Locations
    sha256: str


@dataclass(frozen=True)
class LoadedArray:
    """A layer-serial array with where it came from; fields as those of :class:`LoadedChip`."""

    spec: PeArraySpec
    data: dict[str, Any]
    locations: Locations
    sha256: str


def load_chip(source: str | Path, overrides: Sequence[str] = ()) -> LoadedChip:
    """Load a chip: a mesh of cores.

    Parameters
    ----------
    source : str or Path
        The name of a bundled chip (``core``) or a path (with a slash, or ending in ``.yaml``).
    overrides : sequence of str
        ``core.synapse_memory.banks=8``, applied in order.

    Raises
    ------
    ConfigError
        With every problem of the description, each with file, line, path, what was expected and what was got; if the
        file describes another class of machine.
    """
    machine = load_machine(source, overrides)
    if not isinstance(machine, LoadedChip):
        raise ConfigError(_another(machine.locations, CORE_MESH, PE_ARRAY))
    return machine


def load_array(source: str | Path, overrides: Sequence[str] = ()) -> LoadedArray:
    """Load a layer-serial array; as :func:`load_chip`."""
    machine = load_machine(source, overrides)
    if not isinstance(machine, LoadedArray):
        raise ConfigError(_another(machine.locations, PE_ARRAY, CORE_MESH))
    return machine


def load_machine(source: str | Path, overrides: Sequence[str] = ()) -> LoadedChip | LoadedArray:
    """Load a machine of either class, as its file says; as :func:`load_chip`."""
    data, locations = resolve_machine(source)
    root = _root(data, locations)
    apply_overrides(overrides, data, locations, partial(may_hold_key, root=root))
    expand_ert(data, locations)
    return check_machine(data, locations)


def check_machine(data: dict[str, Any], locations: Locations) -> LoadedChip | LoadedArray:
    """Return the machine that resolved plain values describe.

    Raises
    ------
    ConfigError
        As :func:`load_chip`.
    """
    if _root(data, locations) is ChipSpec:
        return LoadedChip(_checked(ChipSpec, data, locations), data, locations, _digest(data))
    return LoadedArray(_checked(PeArraySpec, data, locations), data, locations, _digest(data))


def _root(data: dict[str, Any], locations: Locations) -> type[BaseModel]:
    name = data.get("machine", CORE_MESH)
    if not isinstance(name, str) or name not in ROOTS:
        where = locations.get("machine", locations.get("", ""))
        raise ConfigError(f"{where}: machine: expected {' or '.join(ROOTS)}, got {shown(name)}")
    return ROOTS[name]


def _checked(root: type[S], data: dict[str, Any], locations: Locations) -> S:
    try:
        return root.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems_of(error, data, locations)) from None


def _another(locations: Locations, expected: str, got: str) -> str:
    where = locations.get("machine", locations[""])
    return f"{where}: machine: expected {expected} here, got {got}"


def resolve_machine(source: str | Path) -> tuple[dict[str, Any], Locations]:
    """Read the chain of files, innermost base first, and merge it: plain values, not checked yet.

    Raises
    ------
    ConfigError
        If a file cannot be read, or a chain of ``extends`` does not end.
    """
    path = _path_of(str(source)) if isinstance(source, str) else source
    seen: list[str] = []
    chain: list[tuple[dict[str, Any], Locations]] = []
    where = ""
    while True:
        identity = os.path.realpath(path)
        if identity in seen:
            names = " -> ".join(Path(item).name for item in [*seen[seen.index(identity) :], identity])
            raise ConfigError(f"{where}: extends: expected no cycle, got {names}")
        if len(seen) == MAX_EXTENDS:
            raise ConfigError(f"{where}: extends: expected at most {MAX_EXTENDS} files, got more")
        seen.append(identity)
        data, locations = _read(path, where)
        chain.append((data, locations))
        if "extends" not in data:
            break
        base = data.pop("extends")
        where = str(locations.pop("extends"))
        path = _base_of(base, path, where)
    data, locations = chain.pop()
    while chain:
        over, places = chain.pop()
        _merge(data, over, locations, "")
        locations.update(places)
    return data, locations


def _read(path: Path, extended_by: str) -> tuple[dict[str, Any], Locations]:
    try:
        return read_yaml(path)
    except ConfigError as error:
        if not extended_by:
            raise
        raise ConfigError([f"{problem} (extended by {extended_by})" for problem in error.problems]) from None


def _path_of(name: str) -> Path:
    return preset_path(name) if is_preset_name(name) else Path(name)


def _base_of(base: object, path: Path, where: str) -> Path:
    if not isinstance(base, str) or not base or "\0" in base:
        raise ConfigError(f"{where}: extends: expected a preset or a relative path, got {shown(base)}")
    try:
        if is_preset_name(base):
            return preset_path(base)
    except ConfigError as error:
        raise ConfigError(f"{where}: extends: {error}") from None
    return path.parent / base


def _merge(into: dict[str, Any], over: dict[str, Any], locations: Locations, path: str) -> None:
    for key, value in over.items():
        here = child(path, key)
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value, locations, here)
        else:
            forget(locations, here)
            into[key] = value


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
