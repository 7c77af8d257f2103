"""Area of every kind of component, and of the chip.

One instance is counted as for leakage (:mod:`accelsim.costs.per_instance`). A chip that states its energies has the
area that it states, or none.

Not modelled: decoders and sequencers, wiring and white space, pads; a floorplan is larger than the sum of its parts.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from accelsim.costs import parts
from accelsim.costs.per_instance import recipes
from accelsim.errors import CostError
from accelsim.hardware.sources.base import Area
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
    found = recipes(chip, float32, multiplier_bits, "area_mm2")
    return {kind: partial(_area, recipe) for kind, recipe in found.items()}


def _area(recipe: Callable[[], tuple[float, str]]) -> Area:
    return Area(*recipe())
