"""Energies that a chip states by event, and which of the counted actions have an energy of their own.

Events (a neuron that is updated) and accesses (a word of the membrane memory) describe the same work twice. A chip
whose energies are derived is priced by accesses; a chip that states energies by exactly the actions that it names.

Events: ``neuron_engine`` visit (a neuron visited), update (one with input, state or bias, or that fires) and spike;
``synapse_engine`` event (a weight handed to a lane); ``link`` flit_x, flit_y, flit_z. ``routing_memory`` read is the
axon-out of one packet, ``axon_memory`` read the axon-in.
"""

from collections.abc import Callable, Collection
from typing import Final

from accelsim.costs.parts import DRAM
from accelsim.counters import Key, Price
from accelsim.errors import ConfigError
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.technology_spec import EnergiesSpec

EVENTS: Final = frozenset(
    {
        ("neuron_engine", "visit"),
        ("neuron_engine", "update"),
        ("neuron_engine", "spike"),
        ("synapse_engine", "event"),
        ("link", "flit_x"),
        ("link", "flit_y"),
        ("link", "flit_z"),
    }
)
"""Actions that only stated energies price."""


def priced_actions(chip: ChipSpec) -> Callable[[str, str], bool]:
    """Return the test of a (kind, action) for an energy of its own: accesses, or the actions that the chip states."""
    if chip.energies is None:
        return lambda kind, action: (kind.partition(":")[0], action) not in EVENTS
    named = {(item.component, item.action) for item in chip.energies.actions}
    return lambda kind, action: kind == DRAM or (kind.partition(":")[0], action) in named


def stated_prices(energies: EnergiesSpec, derived: Collection[Key]) -> dict[Key, Price]:
    """Return the stated price of every (kind, action); the component ``port`` means every port.

    Parameters
    ----------
    energies : EnergiesSpec
    derived : collection of (kind, action)
        The actions that are not events.

    Raises
    ------
    ConfigError
        If an entry names an unknown action, or one twice, or flits both by dimension and together.
    """
    known = {*derived, *EVENTS}
    known |= {(kind, event) for kind, _ in derived for plain, event in EVENTS if kind.partition(":")[0] == plain}
    by_name: dict[Key, list[Key]] = {}
    for kind, action in sorted(known):
        by_name.setdefault((kind.partition(":")[0], action), []).append((kind, action))
    prices: dict[Key, Price] = {}
    problems: list[str] = []
    for at, item in enumerate(energies.actions):
        pair, where = (item.component, item.action), f"energies.actions[{at}]"
        keys = by_name.get(pair, [])
        if pair not in by_name:
            choices = ", ".join(".".join(key) for key in sorted(by_name))
            problems.append(f"{where}: expected one of {choices}; got {'.'.join(pair)}")
        if any(key in prices for key in keys):
            problems.append(f"{where}: {'.'.join(pair)} is stated twice")
        prices.update(dict.fromkeys(keys, Price(item.energy, item.source)))
    if ("link", "flit") in prices and any(action.startswith("flit_") for _, action in prices):
        problems.append("energies.actions: expected link.flit or link.flit_x, flit_y, flit_z, got both")
    if problems:
        raise ConfigError(problems)
    return prices
