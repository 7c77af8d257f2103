"""Accelergy energy reference tables (ERT) as overrides of a hardware file.

An ERT (version 0.4) lists, per component, actions with an energy in pJ; ``leak`` is energy per cycle and becomes a
power with the chip's clock. Tables are told apart by the last part of their name: ``chip.core[0..15].synapse_memory``
is ``synapse_memory``; those of the MAC array by the last two, ``chip.baseline.weight_buffer``. What a hardware file
overrides itself goes before the table. Where a chip states its energies by event (``energies``), the table replaces
what it names of them, and the leak of a table ``chip`` the static power; entries of the MAC array stay overrides.

Not read: actions with arguments that differ in energy (``address_delta``, ``data_delta``), because nothing here counts
them; ``update``, unless the chip states an energy of that name; the area reference table, which nothing overrides.
"""

import re
from pathlib import Path
from typing import Any, Final

from accelsim.errors import ConfigError
from accelsim.hardware.overrides import forget
from accelsim.hardware.problems import shown
from accelsim.hardware.yaml_reader import Locations, read_yaml
from accelsim.units import UnitError, parse_quantity

_INSTANCES: Final = re.compile(r"\[[^\]]*\]")
_LEAK: Final = "leak"
_ARRAY: Final = "baseline."
_CHIP: Final = "chip"
Entry = dict[str, Any]
_UNUSED: Final = frozenset({"update"})
MAX_TABLES: Final = 10_000


def expand_ert(data: dict[str, Any], locations: Locations) -> None:
    """Replace ``technology.ert`` of resolved plain data by overrides that name the table, in place.

    Raises
    ------
    ConfigError
        If the block or the file is not what it should be; nothing is taken from a file that is wrong.
    """
    technology = data.get("technology")
    if not isinstance(technology, dict) or technology.get("ert") is None:
        return
    place = locations.get("technology.ert.file", locations.get("technology.ert"))
    where = f"{place}: technology.ert"
    block = technology["ert"]
    if not isinstance(block, dict) or not isinstance(block.get("file"), str) or "\0" in block["file"]:
        raise ConfigError(f"{where}: expected a mapping with a file, got {shown(block)}")
    unknown = sorted(set(block) - {"file", "components"})
    names = block.get("components", {})
    if unknown or not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise ConfigError(f"{where}: expected file and components (table: component), got {shown(block)}")
    folder = Path(place.file).parent if place is not None and place.line else Path()
    path = folder / block["file"]
    energies, leaks = _entries(path, names, where)
    powers = _powers(leaks, data.get("clock"), where)
    if isinstance(data.get("energies"), dict):
        energies, powers = _stated(data["energies"], energies, powers)
    for key, found in (("overrides", energies), ("leakage_overrides", powers)):
        own = technology.get(key) or []
        given = {_pair(item) for item in own}
        wanted = (item for item in found if item.get("action") not in _UNUSED and _pair(item) not in given)
        technology[key] = [*own, *wanted]
    del technology["ert"]
    forget(locations, "technology.ert")
    locations.pop("technology.ert", None)


def _pair(item: object) -> tuple[object, object]:
    return (item.get("component"), item.get("action")) if isinstance(item, dict) else (None, None)


def _stated(
    block: dict[str, Any], energies: list[Entry], powers: list[Entry]
) -> tuple[list[Entry], list[Entry]]:
    """Put what concerns the chip into its stated energies, in place; return the entries that are left."""
    own = {_pair(item): item for item in energies if not item["component"].startswith(_ARRAY)}
    actions = block.get("actions")
    if isinstance(actions, list):
        replaced = [own.pop(_pair(item), item) for item in actions]
        block["actions"] = [*replaced, *(item for item in own.values() if item["action"] not in _UNUSED)]
    for item in powers:
        if item["component"] == _CHIP:
            block["static_power"] = {"power": item["power"], "source": item["source"]}
    left = [item for item in energies if item["component"].startswith(_ARRAY)]
    return left, [item for item in powers if item["component"] != _CHIP]


def _entries(
    path: Path, names: dict[str, str], where: str
) -> tuple[list[Entry], list[tuple[str, float, str]]]:
    """Return override entries, and (component, pJ per cycle, source) of leaks."""
    tables = _tables(path)
    last = {_kind(name): name for name in tables}
    missing = sorted(set(names) - set(last))
    if missing:
        raise ConfigError(f"{where}: {path} has no table {', '.join(missing)}; it has {', '.join(sorted(last))}")
    chosen = names or {name: name for name in last}
    energies: list[Entry] = []
    leaks: list[tuple[str, float, str]] = []
    for table, component in chosen.items():
        source = f"Accelergy ERT {path.name}, table {last[table]}"
        for action, energy in tables[last[table]].items():
            if action == _LEAK:
                leaks.append((component, energy, f"{source}, leak {energy:g} pJ per cycle"))
            else:
                text = f"{energy!r} pJ"
                energies.append(
                    {"component": component, "action": action, "energy": text, "source": f"{source}, {action}"}
                )
    return energies, leaks


def _powers(leaks: list[tuple[str, float, str]], clock: object, where: str) -> list[Entry]:
    if not leaks:
        return []
    try:
        rate = parse_quantity(clock, "frequency")
    except UnitError as error:
        raise ConfigError(f"{where}: a leak per cycle needs the clock: {error}") from None
    return [
        {"component": component, "power": f"{energy * rate!r} mW", "source": source}
        for component, energy, source in leaks
    ]


def _tables(path: Path) -> dict[str, dict[str, float]]:
    """Return energy by table and action; raise ConfigError on anything that is not such a file."""
    data, locations = read_yaml(path)
    root = data.get("ERT")
    tables = root.get("tables") if isinstance(root, dict) else None
    if not isinstance(tables, list) or not tables or len(tables) > MAX_TABLES:
        raise ConfigError(f"{path}:1: ERT.tables: expected a list of 1 to {MAX_TABLES} tables, got {shown(tables)}")
    found: dict[str, dict[str, float]] = {}
    short: set[str] = set()
    for at, table in enumerate(tables):
        here = f"{locations.get(f'ERT.tables[{at}]', path)}: ERT.tables[{at}]"
        name = table.get("name") if isinstance(table, dict) else None
        actions = table.get("actions") if isinstance(table, dict) else None
        if not isinstance(name, str) or not isinstance(actions, list):
            raise ConfigError(f"{here}: expected a name and a list of actions, got {shown(table)}")
        last = _kind(name)
        if last in short:
            raise ConfigError(f"{here}: expected tables that differ in the last part of their name, got {last} twice")
        short.add(last)
        found[name] = _actions(actions, here)
    return found


def _kind(name: str) -> str:
    """Return the last part of a table's name, the last two of the MAC array's."""
    above, _, last = _INSTANCES.sub("", name).rpartition(".")
    return f"{_ARRAY}{last}" if f".{above}.".endswith(f".{_ARRAY}") else last


def _actions(actions: list[Any], here: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for action in actions:
        name = action.get("name") if isinstance(action, dict) else None
        energy = action.get("energy") if isinstance(action, dict) else None
        if not isinstance(name, str) or isinstance(energy, bool) or not isinstance(energy, int | float) or energy < 0:
            raise ConfigError(
                f"{here}: expected actions with a name and an energy of at least 0 pJ, got {shown(action)}"
            )
        if name in found and found[name] != energy:
            raise ConfigError(
                f"{here}: {name}: expected one energy, got {found[name]:g} and {energy:g} pJ for other arguments, "
                "which nothing here counts"
            )
        found[name] = float(energy)
    return found
