"""Every price, leakage and area of a chip as one list, and how one of them came about.

A line has the number, the formula in words with the chip's parameters, the same formula with numbers filled in (Python
arithmetic, whose value is the number), the rows of the tables that it stands on, and the source.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from accelsim.costs import parts
from accelsim.costs.area import known_areas
from accelsim.costs.leakage import component_leakage
from accelsim.costs.prices import component_prices
from accelsim.counters import Key, Price
from accelsim.errors import CostError, UnknownNameError
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.sources.base import Derivation
from accelsim.hardware.spec import ChipSpec

LEAKAGE: Final = "leakage"
AREA: Final = "area"
_FIGURE: Final = {"read": "read_pj", "write": "write_pj", LEAKAGE: "leakage_mw", AREA: "area_mm2"}
_INSTANCE: Final = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class PriceLine:
    """One number of the list.

    Attributes
    ----------
    component, action : str
        The action may be ``leakage`` or ``area``.
    value : float
    unit : str
        ``pJ``, ``mW`` or ``mm2``.
    formula : str
        In words, with the chip's parameters.
    expression : str
        With numbers filled in.
    points : tuple of str
        Rows of tables.
    source : str
    """

    component: str
    action: str
    value: float
    unit: str
    formula: str
    expression: str
    points: tuple[str, ...]
    source: str

    @property
    def path(self) -> str:
        """Component and action, dotted."""
        return f"{self.component}.{self.action}"


def price_list(
    chip: ChipSpec, float32: bool = False, *, payload_bits: int = 8, weight_bits: int = 8
) -> list[PriceLine]:
    """Return all lines of a chip.

    Leakage and area are left out where the chip states energies instead of deriving them.

    Raises
    ------
    ConfigError, CostError
        As :func:`accelsim.costs.prices.component_prices`.
    """
    prices = component_prices(chip, float32, payload_bits=payload_bits, weight_bits=weight_bits)
    lines = [_price_line(chip, float32, key, price) for key, price in prices.items()]
    stated = chip.energies
    if stated is None or stated.static_power == "derived":
        for kind, leak in component_leakage(chip, float32).items():
            lines.append(_line(chip, float32, (kind, LEAKAGE), leak.power_mw, "mW", leak.source))
    elif stated.static_power != "unpublished":
        power = stated.static_power
        lines.append(PriceLine("chip", LEAKAGE, power.power, "mW", "stated", f"{power.power:.12g}", (), power.source))
    if stated is None:
        areas = known_areas(chip, float32)
        lines += [_line(chip, float32, (kind, AREA), one.area_mm2, "mm2", one.source) for kind, one in areas.items()]
    elif stated.area is not None:
        lines.append(
            PriceLine(
                "chip", AREA, stated.area.area, "mm2", "stated", f"{stated.area.area:.12g}", (), stated.area.source
            )
        )
    return lines


def find_line(lines: list[PriceLine], path: str) -> PriceLine:
    """Return the line of ``core.synapse_memory.read``, ``core[3].synapse_memory.read`` or ``synapse_memory.read``.

    Raises
    ------
    UnknownNameError
        With the known paths.
    """
    name = _INSTANCE.sub("", path).removeprefix("core.")
    for line in lines:
        if line.path == name:
            return line
    raise UnknownNameError("price", path, [line.path for line in lines])


def _price_line(chip: ChipSpec, float32: bool, key: Key, price: Price) -> PriceLine:
    if chip.energies is not None:
        return PriceLine(*key, price.energy_pj, "pJ", "stated by the chip", price.formula, (), price.source)
    return _line(chip, float32, key, price.energy_pj, "pJ", price.source, price.formula)


def _line(
    chip: ChipSpec, float32: bool, key: Key, value: float, unit: str, source: str, expression: str = ""
) -> PriceLine:
    kind, action = key
    plain = PriceLine(*key, value, unit, _formula(chip, float32, kind, action), expression, (), source)
    return sourced_line(chip, plain, _derivation(chip, float32, kind, action))


def sourced_line(chip: ChipSpec, plain: PriceLine, derived: tuple[Derivation, str] | None) -> PriceLine:
    """Return a line with what its table says of it: numbers filled in, and the rows that it stands on.

    Parameters
    ----------
    plain : PriceLine
        Without an expression where none is known.
    derived : tuple, optional
        How a table gives the figure, with the source that a price from it begins with.
    """
    number = f"{plain.value:.12g}"
    expression, points = plain.expression or number, plain.points
    if derived is not None and plain.source.startswith(derived[1]):
        points = derived[0].points
        if expression == number and plain.action in {"read", "write"}:
            expression = derived[0].expression
        else:
            points = (*points, f"of one bank or queue: {derived[0].expression}")
    formula = "stated in the hardware file" if _overridden(chip, plain.component, plain.action) else plain.formula
    return replace(plain, formula=formula, expression=expression, points=points)


def _derivation(chip: ChipSpec, float32: bool, kind: str, action: str) -> tuple[Derivation, str] | None:
    chip, kind = parts.core_of(chip, kind)
    memories, queues = parts.memories(chip), parts.queues(chip, float32)
    if kind in memories:
        return bank_derivation(chip, memories[kind], action)
    if kind not in queues or action not in _FIGURE:
        return None
    try:
        figures = parts.queue_figures(chip, queues[kind])
        return parts.queue_derivation(chip, queues[kind], _FIGURE[action]), figures.source
    except CostError:
        return None  # overridden: the source need not cover it


def bank_derivation(chip: ChipSpec, memory: SramSpec, action: str) -> tuple[Derivation, str] | None:
    """Return how the table gives a figure of one bank, with the source that a price from it begins with."""
    if action not in _FIGURE:
        return None
    count = memory.banks if action in {LEAKAGE, AREA} else 1
    try:
        figures = parts.bank_figures(chip, memory)
        made = parts.bank_derivation(chip, memory, _FIGURE[action])
    except CostError:
        return None  # overridden: the source need not cover it
    return made, f"{count} x {figures.source}" if count > 1 else figures.source


def _overridden(chip: ChipSpec, kind: str, action: str) -> bool:
    name = kind.partition(":")[0]
    if action == LEAKAGE:
        return any(item.component == name for item in chip.technology.leakage_overrides)
    return any((item.component, item.action) == (name, action) for item in chip.technology.overrides)


def _formula(chip: ChipSpec, float32: bool, kind: str, action: str) -> str:
    chip, kind = parts.core_of(chip, kind)
    memories, queues, node = parts.memories(chip), parts.queues(chip, float32), f"{chip.technology.node:g} nm"
    if action == "wake":
        return "wake_energy of its rule in technology.power.sleep"
    if kind in memories:
        return memory_formula(chip, memories[kind], action)
    if kind in queues:
        return f"{action}({queues[kind].entries} entries of {queues[kind].bits} bit, {node})"
    if kind == parts.DRAM:
        return "stated in the hardware file" if action in {"read", "write"} else "none"
    if kind == "core_control":
        what = action if action in {LEAKAGE, AREA} else "access"
        bits = f"{parts.queue_control_bits(chip, float32)} pointer bits"
        if action != "clock_idle":
            bits = f"({parts.pipeline_bits(chip, float32)} pipeline + {bits})"
        return f"{bits} x register {what}({node})"
    if kind in parts.NETWORK_KINDS:
        return _network_formula(chip, kind, action)
    return _engine_formula(chip, float32, kind, action)


def _network_formula(chip: ChipSpec, kind: str, action: str) -> str:
    noc, technology = chip.noc, chip.technology
    shape = f"{noc.flit_bits} bit, {noc.link_length:g} mm"
    if kind == "router" and noc.router is not None:
        queue = f"{noc.router.virtual_channels} VC x {noc.router.buffer_flits}"
        shape = f"{parts.router_ports(chip)} ports, {noc.flit_bits} bit, {queue}"
    return f"{technology.noc_source}: {action}({shape}, {technology.node:g} nm)"


def _engine_formula(chip: ChipSpec, float32: bool, kind: str, action: str) -> str:
    if action in {LEAKAGE, AREA}:
        units = parts.engine_units(chip, float32, 8).get(kind, ())
        return " + ".join(f"{count} x {action}({op}, {bits} bit)" for count, op, bits in units if count) or "none"
    if action == "event":
        return "stated in the hardware file"
    sums, state = parts.accumulator_bits(chip, float32), parts.membrane_bits(chip, float32)
    source, node = chip.technology.arithmetic_source, f"{chip.technology.node:g} nm"
    if action == "mac":
        return f"{source}: multiply(payload x weight, {node}) + add({sums} bit, {node})"
    return f"{source}: {action}({sums if kind == 'synapse_engine' else state} bit, {node})"


def memory_formula(chip: ChipSpec, memory: SramSpec, action: str) -> str:
    """Return what a figure of a memory is looked up by."""
    technology = chip.technology
    bank = f"bank of {memory.capacity / 8:g} B / {memory.banks}, {memory.width}-bit word, {memory.ports}"
    place = f"{technology.node:g} nm {technology.sram_cell}"
    if action == LEAKAGE:
        return f"{memory.banks} x {technology.sram_source}: leakage({bank}, {place}, {technology.temperature:g} K)"
    return f"{f'{memory.banks} x ' if action == AREA else ''}{technology.sram_source}: {action}({bank}, {place})"
