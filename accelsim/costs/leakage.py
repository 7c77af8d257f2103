"""Leakage power of every kind of component, and static energy over the time of a run.

A memory leaks in all its banks, an engine in all its lanes, a queue in all its entries. A neuron lane is an adder, a
multiplier and a comparator. Cores that hold no neuron leak or are gated, as the hardware file says; a gated core
leaks nothing at all, an ideal switch. Routers and links always leak. Leakages of the hardware file replace sourced
ones. A chip that states its energies may state its static power too: it is spread over the cores that hold neurons,
whatever leaks there.

Not modelled: leakage of I/O ports (no source publishes one; they count as zero and say so), self-heating, sleep
transistors, the energy of switching a core off and on, and gating of cores that hold neurons but have nothing to do.
"""

from collections.abc import Callable, Mapping, Set
from functools import partial

import numpy as np
import numpy.typing as npt

from accelsim.costs import parts
from accelsim.costs.adjust import adjusted_leakage, require_known_adjustments, table_supply
from accelsim.costs.prices import require_known_kinds
from accelsim.hardware.sources.base import Leakage, LinkFigures, RouterFigures, SramFigures
from accelsim.hardware.sources.registers import register_figures
from accelsim.hardware.spec import ChipSpec

_MULTIPLIER_BITS = 8
_PORT = "port:"


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
    recipes = parts.by_core(chip, partial(_core_recipes, float32=float32, multiplier_bits=multiplier_bits))
    recipes["router"] = partial(_banks, partial(parts.router_figures, chip), 1)
    recipes["link"] = partial(_banks, partial(parts.link_figures, chip), 1)
    for port in chip.ports:
        recipes[parts.port_kind(port.name)] = partial(Leakage, 0.0, "I/O port: leakage is not modelled")
    require_known_adjustments(chip)
    for kind, recipe in recipes.items():
        if not kind.startswith(_PORT):
            supply = partial(table_supply, chip, float32, kind)
            recipes[kind] = partial(adjusted_leakage, chip.technology, kind, supply, recipe)
    for item in chip.technology.leakage_overrides:
        for kind in recipes:
            if kind.partition(":")[0] == item.component:
                recipes[kind] = partial(Leakage, item.power, item.source)
    return dict(zip(recipes, parts.evaluate(recipes.items()), strict=True))


def _core_recipes(chip: ChipSpec, float32: bool, multiplier_bits: int) -> dict[str, Callable[[], Leakage]]:
    recipes: dict[str, Callable[[], Leakage]] = {}
    for kind, memory in parts.memories(chip).items():
        recipes[kind] = partial(_banks, partial(parts.bank_figures, chip, memory), memory.banks)
    for kind, queue in parts.queues(chip, float32).items():
        recipes[kind] = partial(_banks, partial(parts.queue_figures, chip, queue), 1)
    for kind, units in parts.engine_units(chip, float32, multiplier_bits).items():
        recipes[kind] = partial(_units, chip, units)
    recipes["core_control"] = partial(_core_control, chip, float32)
    return recipes


def static_energy(
    chip: ChipSpec,
    float32: bool,
    instances: Mapping[str, str],
    time_ns: npt.NDArray[np.float64],
    used: Set[str],
    *,
    multiplier_bits: int = _MULTIPLIER_BITS,
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
    leakage = component_leakage(chip, float32, multiplier_bits=multiplier_bits)
    gate = chip.technology.unused_cores == "gated"
    energy = {}
    for path, kind in instances.items():
        gated = gate and kind.partition(":")[0] in parts.CORE_KINDS and path.partition(".")[0] not in used
        energy[path] = np.zeros(len(time_ns)) if gated else leakage[kind].power_mw * time_ns
    return energy


def _spread(
    energy: npt.NDArray[np.float64], instances: Mapping[str, str], used: Set[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the stated energy of a whole chip in equal shares, as the static energy of the used cores' control."""
    static = {path: np.zeros(len(energy)) for path in instances}
    for core in sorted(used):
        static[f"{core}.core_control"] = energy / len(used)
    return static


def _banks(make: Callable[[], SramFigures | RouterFigures | LinkFigures], count: int) -> Leakage:
    figures = make()
    return Leakage(count * figures.leakage_mw, f"{count} x {figures.source}" if count > 1 else figures.source)


def _units(chip: ChipSpec, units: tuple[parts.Units, ...]) -> Leakage:
    source = parts.arithmetic(chip)
    found = [(count, source.leakage(op, bits, chip.technology.node)) for count, op, bits in units if count]
    power = sum(count * one.power_mw for count, one in found)
    return Leakage(power, " + ".join(f"{count} x {one.source}" for count, one in found))


def _core_control(chip: ChipSpec, float32: bool) -> Leakage:
    bits = parts.pipeline_bits(chip, float32) + parts.queue_control_bits(chip, float32)
    one = register_figures(chip.technology.node)
    return Leakage(bits * one.leakage_mw, f"{bits} flip-flops; {one.source}")
