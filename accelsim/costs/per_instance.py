"""Leakage and area of one instance of every kind of component: one table of recipes for both.

A memory is all its banks, a queue its entries, an engine its lanes, control its flip-flops; routers and links come
from the network's source.

Not modelled: decoders and sequencers, wiring and white space, pads, I/O ports (they count as zero and say so).
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

from accelsim.costs import parts
from accelsim.hardware.sources.base import LinkFigures, RouterFigures, SramFigures
from accelsim.hardware.sources.registers import register_figures
from accelsim.hardware.spec import ChipSpec

Figure = Literal["leakage_mw", "area_mm2"]
Found = tuple[float, str]
"""Value and source."""


def recipes(chip: ChipSpec, float32: bool, multiplier_bits: int, figure: Figure) -> dict[str, Callable[[], Found]]:
    """Return what gives the figure of one instance of every kind, and its source; each raises CostError by itself."""
    inside = partial(_core_recipes, float32=float32, multiplier_bits=multiplier_bits, figure=figure)
    found = parts.by_core(chip, inside)
    found["router"] = partial(_lazily, partial(parts.router_figures, chip), 1, figure)
    found["link"] = partial(_lazily, partial(parts.link_figures, chip), 1, figure)
    for port in chip.ports:
        found[parts.port_kind(port.name)] = partial(_outside, "I/O port", figure)
    for kind in parts.dram_kinds(chip):
        found[kind] = partial(_outside, "DRAM", figure)
    return found


def _core_recipes(
    chip: ChipSpec, float32: bool, multiplier_bits: int, figure: Figure
) -> dict[str, Callable[[], Found]]:
    found: dict[str, Callable[[], Found]] = {}
    for kind, memory in parts.memories(chip).items():
        found[kind] = partial(_lazily, partial(parts.bank_figures, chip, memory), memory.banks, figure)
    for kind, queue in parts.queues(chip, float32).items():
        found[kind] = partial(_lazily, partial(parts.queue_figures, chip, queue), 1, figure)
    for kind, units in parts.engine_units(chip, float32, multiplier_bits).items():
        found[kind] = partial(arithmetic, chip, units, figure)
    found["core_control"] = partial(_core_control, chip, float32, figure)
    return found


def several(one: SramFigures | RouterFigures | LinkFigures, count: int, figure: Figure) -> Found:
    """Return the figure of ``count`` equal banks, routers or links."""
    return count * getattr(one, figure), f"{count} x {one.source}" if count > 1 else one.source


def arithmetic(chip: ChipSpec, units: tuple[parts.Units, ...], figure: Figure) -> Found:
    """Return the figure of arithmetic units."""
    source, node = parts.arithmetic(chip), chip.technology.node

    def one(op: str, bits: int) -> Found:
        if figure == "area_mm2":
            area = source.area(op, bits, node)
            return area.area_mm2, area.source
        leakage = source.leakage(op, bits, node)
        return leakage.power_mw, leakage.source

    found = [(count, *one(op, bits)) for count, op, bits in units if count]
    total = sum(count * value for count, value, _ in found)
    return total, " + ".join(f"{count:g} x {words}" for count, _, words in found)


def _lazily(make: Callable[[], SramFigures | RouterFigures | LinkFigures], count: int, figure: Figure) -> Found:
    return several(make(), count, figure)


def _core_control(chip: ChipSpec, float32: bool, figure: Figure) -> Found:
    bits = parts.pipeline_bits(chip, float32) + parts.queue_control_bits(chip, float32)
    one = register_figures(chip.technology.node)
    return bits * getattr(one, figure), f"{bits} flip-flops; {one.source}"


def _outside(what: str, figure: Figure) -> Found:
    return 0.0, f"{what}: {'area' if figure == 'area_mm2' else 'leakage'} is not modelled"
