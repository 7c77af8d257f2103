"""Area of every kind of component, and of the chip.

A memory is its banks, a queue its entries, an engine its lanes, control its flip-flops, as for leakage; routers and
links from the network's source. A chip that states its energies has the area that it states, or none.

Not modelled: decoders and sequencers, wiring and white space, pads; a floorplan is larger than the sum of its parts.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from accelsim.costs import parts
from accelsim.errors import CostError
from accelsim.hardware.sources.base import Area, LinkFigures, RouterFigures, SramFigures
from accelsim.hardware.sources.registers import register_figures
from accelsim.hardware.spec import ChipSpec


def component_area(chip: ChipSpec, float32: bool, *, multiplier_bits: int = 8) -> dict[str, Area]:
    """Return the area of one instance of every kind, mm2; ports have none.

    Raises
    ------
    CostError
        Listing everything that a source does not cover.
    """
    recipes = _recipes(chip, float32, multiplier_bits)
    return dict(zip(recipes, parts.evaluate(recipes.items()), strict=True))


def known_areas(chip: ChipSpec, float32: bool) -> dict[str, Area]:
    """Return the area of one instance of every kind that a source covers, mm2."""
    found = {}
    for kind, recipe in _recipes(chip, float32, 8).items():
        with contextlib.suppress(CostError):
            found[kind] = recipe()
    return found


def area_problem(chip: ChipSpec, float32: bool) -> str:
    """Return what keeps the area of the chip from being known; empty where nothing does."""
    try:
        component_area(chip, float32)
    except CostError as error:
        return str(error)
    return ""


def chip_area(
    chip: ChipSpec, float32: bool, instances: Mapping[str, str], *, multiplier_bits: int = 8
) -> dict[str, float]:
    """Return the area of all instances by kind, mm2; empty where no source covers the whole chip.

    Parameters
    ----------
    instances : mapping of path to kind
    """
    if chip.energies is not None:
        stated = chip.energies.area
        return {} if stated is None else {"chip": stated.area}
    try:
        each = component_area(chip, float32, multiplier_bits=multiplier_bits)
    except CostError:
        return {}
    total = dict.fromkeys(each, 0.0)
    for kind in instances.values():
        total[kind] += each[kind].area_mm2
    return total


def _recipes(chip: ChipSpec, float32: bool, multiplier_bits: int) -> dict[str, Callable[[], Area]]:
    recipes = parts.by_core(chip, partial(_core_recipes, float32=float32, multiplier_bits=multiplier_bits))
    recipes["router"] = partial(_figures, partial(parts.router_figures, chip), 1)
    recipes["link"] = partial(_figures, partial(parts.link_figures, chip), 1)
    for port in chip.ports:
        recipes[parts.port_kind(port.name)] = partial(Area, 0.0, "I/O port: area is not modelled")
    return recipes


def _core_recipes(chip: ChipSpec, float32: bool, multiplier_bits: int) -> dict[str, Callable[[], Area]]:
    recipes: dict[str, Callable[[], Area]] = {}
    for kind, memory in parts.memories(chip).items():
        recipes[kind] = partial(_figures, partial(parts.bank_figures, chip, memory), memory.banks)
    for kind, queue in parts.queues(chip, float32).items():
        recipes[kind] = partial(_figures, partial(parts.queue_figures, chip, queue), 1)
    for kind, units in parts.engine_units(chip, float32, multiplier_bits).items():
        recipes[kind] = partial(_units, chip, units)
    recipes["core_control"] = partial(_control, chip, float32)
    return recipes


def _figures(make: Callable[[], SramFigures | RouterFigures | LinkFigures], count: int) -> Area:
    one = make()
    return Area(count * one.area_mm2, f"{count} x {one.source}" if count > 1 else one.source)


def _units(chip: ChipSpec, units: tuple[parts.Units, ...]) -> Area:
    source = parts.arithmetic(chip)
    found = [(count, source.area(op, bits, chip.technology.node)) for count, op, bits in units if count]
    area = sum(count * one.area_mm2 for count, one in found)
    return Area(area, " + ".join(f"{count} x {one.source}" for count, one in found))


def _control(chip: ChipSpec, float32: bool) -> Area:
    bits = parts.pipeline_bits(chip, float32) + parts.queue_control_bits(chip, float32)
    one = register_figures(chip.technology.node)
    return Area(bits * one.area_mm2, f"{bits} flip-flops; {one.source}")
