"""Leakage power of every kind of component, and static energy over the time of a run.

A memory leaks in all its banks, an engine in all its lanes, a queue in all its entries
(:mod:`accelsim.costs.per_instance`). A neuron lane is an adder, a multiplier and a comparator. Cores that hold no
neuron leak or are gated, as the hardware file says; a gated core leaks nothing at all, an ideal switch. Routers and
links always leak. Leakages of the hardware file replace sourced ones. A chip that states its energies may state its
static power too: it is spread over the cores that hold neurons, whatever leaks there.

Components of a core that sleep (``technology.power.sleep``) leak the stated share while they do, and cores at a lower
level (``technology.power.dvfs``) what ``technology.supply`` says at its voltage (:mod:`accelsim.costs.power_use`).

Not modelled: leakage of I/O ports (no source publishes one; they count as zero and say so), self-heating, sleep of
routers and links.
"""

from collections.abc import Callable, Mapping, Set
from functools import partial

import numpy as np
import numpy.typing as npt

from accelsim.costs import parts, per_instance
from accelsim.costs.adjust import adjusted_leakage, require_known_adjustments, table_supply
from accelsim.costs.power_use import PowerUse, sleep_rules
from accelsim.costs.prices import lower_levels, require_known_kinds
from accelsim.hardware.sources.base import Leakage
from accelsim.hardware.spec import ChipSpec

_MULTIPLIER_BITS = 8
_PORT = "port:"
_CONTROL = "core_control"


def component_leakage(chip: ChipSpec, float32: bool, *, multiplier_bits: int = _MULTIPLIER_BITS) -> dict[str, Leakage]:
    """Return the leakage of one instance of every kind.

    Parameters
    ----------
    chip : ChipSpec
    float32 : bool
        True: engines are float32 units.
    multiplier_bits : int
        Width of the integer multipliers of ``mac_lanes``.

    Raises
    ------
    CostError
        Listing everything that a source does not cover.
    """
    plain = per_instance.recipes(chip, float32, multiplier_bits, "leakage_mw")
    recipes: dict[str, Callable[[], Leakage]] = {kind: partial(_leakage, recipe) for kind, recipe in plain.items()}
    require_known_adjustments(chip)
    for kind, recipe in recipes.items():
        if not kind.startswith(_PORT) and kind != parts.DRAM:
            supply = partial(table_supply, chip, float32, kind)
            recipes[kind] = partial(adjusted_leakage, chip.technology, kind, supply, recipe)
    for item in sorted(chip.technology.leakage_overrides, key=lambda item: ":" in item.component):
        for kind in recipes:
            if item.component in {kind, kind.partition(":")[0]}:
                recipes[kind] = partial(Leakage, item.power, item.source)
    return dict(zip(recipes, parts.evaluate(recipes.items()), strict=True))


def charged_leakage(chip: ChipSpec, float32: bool, *, multiplier_bits: int = _MULTIPLIER_BITS) -> dict[str, Leakage]:
    """Return the static power behind the energies of :func:`static_energy`, awake and at the chip's own supply.

    By kind that of one instance; where the chip states its static power, that of the whole chip, at the cores' control.
    """
    stated = chip.energies.static_power if chip.energies is not None else "derived"
    if stated == "unpublished":
        return {}
    if stated != "derived":
        kinds = [kind for kind in parts.kinds(chip) if kind.partition(":")[0] == _CONTROL]
        return dict.fromkeys(kinds, Leakage(stated.power, stated.source))
    return component_leakage(chip, float32, multiplier_bits=multiplier_bits)


def static_energy(
    chip: ChipSpec,
    float32: bool,
    instances: Mapping[str, str],
    time_ns: npt.NDArray[np.float64],
    used: Set[str],
    *,
    multiplier_bits: int = _MULTIPLIER_BITS,
    power: PowerUse | None = None,
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the static energy of every component over the time of each sample.

    Parameters
    ----------
    chip : ChipSpec
    float32 : bool
    instances : mapping of path to kind
    time_ns : (samples,) float64
        Duration of each sample.
    used : set of str
        Cores that hold a neuron, as the part of the path before the first dot: ``core[3]``.
    multiplier_bits : int
        Width of the integer multipliers of ``mac_lanes``.
    power : PowerUse, optional
        Where cores sleep or run at several levels.

    Returns
    -------
    dict of path to (samples,) float64
        pJ.

    Raises
    ------
    CostError
        If a kind is unknown, or as :func:`component_leakage`.
    """
    require_known_kinds(chip, instances.values())
    stated = chip.energies.static_power if chip.energies is not None else "derived"
    if stated == "unpublished":
        return {path: np.zeros(len(time_ns)) for path in instances}
    if stated != "derived":
        return _spread(stated.power * time_ns, instances, used)
    chips = [chip, *lower_levels(chip).values()]
    leakage = [component_leakage(one, float32, multiplier_bits=multiplier_bits) for one in chips]
    gate = chip.technology.unused_cores == "gated"
    awake = None if power is None else _awake_cycles(chip, power)
    energy = {}
    nothing = np.zeros(len(time_ns))
    leaked = {kind: found.power_mw * time_ns for kind, found in leakage[0].items()}
    in_cores = {kind for kind in leaked if kind.partition(":")[0] in parts.CORE_KINDS}
    levels = {kind: np.array([one[kind].power_mw for one in leakage]) for kind in leaked}
    for path, kind in instances.items():
        inside = kind in in_cores
        if gate and inside and path.partition(".")[0] not in used:
            energy[path] = nothing
        elif inside and awake is not None:
            core = int(path.partition("[")[2].partition("]")[0])
            energy[path] = awake(core, kind.partition(":")[0]) @ levels[kind] / chip.clock
        else:
            energy[path] = leaked[kind]
    return energy


def _awake_cycles(chip: ChipSpec, power: PowerUse) -> Callable[[int, str], npt.NDArray[np.float64]]:
    """Return what gives the cycles of a component of a core by level, (samples, levels); asleep, they count less."""
    cycles = np.ascontiguousarray(np.moveaxis(power.cycles, 1, 0), dtype=np.float64)
    rules = sleep_rules(chip)

    def awake(core: int, kind: str) -> npt.NDArray[np.float64]:
        rule = rules.get(kind)
        own: npt.NDArray[np.float64] = cycles[core]
        return own if rule is None else own - (1 - rule.remaining) * power.asleep[kind][:, core]

    return awake


def _spread(
    energy: npt.NDArray[np.float64], instances: Mapping[str, str], used: Set[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the stated energy of a whole chip in equal shares, as the static energy of the used cores' control."""
    static = {path: np.zeros(len(energy)) for path in instances}
    for core in sorted(used):
        static[f"{core}.{_CONTROL}"] = energy / len(used)
    return static


def _leakage(recipe: Callable[[], tuple[float, str]]) -> Leakage:
    return Leakage(*recipe())
