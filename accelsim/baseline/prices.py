"""What the array's actions cost: the same sources, node, cell, temperature, supply and calibration as the chip.

Modelled: buffers bank by bank, multipliers and adders of every processing element, one requantisation unit, DRAM per
bit; input and output cross the chip's own ports, at their price per word. Leakage and area are those of buffers,
multipliers and adders. Not modelled: operand registers and clock of the array, wires, DRAM refresh and background
power; all of them would raise the baseline.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from accelsim.costs import parts, per_instance
from accelsim.costs.adjust import BASELINE, adjusted_leakage, adjusted_price, require_supply, unknown_components
from accelsim.costs.multiply import multiply_price, unequal
from accelsim.counters import EnergyTable, Key, Price
from accelsim.errors import CostError, UnknownNameError
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.port_spec import PortSpec
from accelsim.hardware.sources.base import Area, Leakage, SramFigures
from accelsim.hardware.spec import ChipSpec, MacArraySpec
from accelsim.hardware.technology_spec import ProcessSpec

ARRAY: Final = "baseline.mac_array"
INPUT: Final = "baseline.input_buffer"
WEIGHT: Final = "baseline.weight_buffer"
OUTPUT: Final = "baseline.output_buffer"
PORTS: Final = "baseline.ports"
DRAM: Final = "baseline.dram"
COMPONENTS: Final = (ARRAY, INPUT, WEIGHT, OUTPUT, PORTS, DRAM)
ACTIONS: Final[tuple[Key, ...]] = (
    *((ARRAY, action) for action in ("multiply", "accumulate", "add", "requantise")),
    *((buffer, action) for buffer in (INPUT, WEIGHT, OUTPUT) for action in ("read", "write")),
    (PORTS, "input"), (PORTS, "output"), (DRAM, "bit"),
)  # fmt: skip
"""What has a price."""
_LEAKING: Final = (ARRAY, INPUT, WEIGHT, OUTPUT)


@dataclass(frozen=True)
class ArrayPrices:
    """Energy of every action of the baseline, leakage and area by component.

    Attributes
    ----------
    table : EnergyTable
        Actions ``multiply``, ``accumulate``, ``add`` and ``requantise`` of the array, ``read`` and ``write`` of buffers
        (one word), ``input`` and ``output`` of the ports (one word), ``bit`` of the DRAM.
    leakage : dict of str to Leakage
        Of the whole component: all processing elements, all banks; ports and the background power of the DRAM are not
        modelled and have no entry.
    area : dict of str to Area
        Of the same components; one that no source covers has no entry.
    """

    table: EnergyTable
    leakage: dict[str, Leakage]
    area: dict[str, Area]

    @property
    def leakage_mw(self) -> dict[str, float]:
        """Leakage power by component."""
        return {component: leak.power_mw for component, leak in self.leakage.items()}


def buffers(spec: MacArraySpec) -> dict[str, SramSpec]:
    """Return the buffers by component path."""
    return {INPUT: spec.input_buffer, WEIGHT: spec.weight_buffer, OUTPUT: spec.output_buffer}


def array_prices(chip: ChipSpec) -> ArrayPrices:
    """Return the prices of a chip's baseline.

    ``technology.supply`` and ``technology.calibration`` (``all``, or the name of a component) move what the sources say
    of buffers and arithmetic, as they do on the chip. Entries of ``technology.overrides`` and
    ``technology.leakage_overrides`` whose component starts with ``baseline.`` replace what results.

    Raises
    ------
    CostError
        If a source does not cover a memory or an operation, or its figures cannot be moved to the supply.
    UnknownNameError
        If a source is not registered, or an override or a calibration names nothing of the baseline.
    """
    technology = chip.technology
    prices, leakage = _arithmetic(chip)
    area = {}
    with contextlib.suppress(CostError):  # a source need not state areas
        area[ARRAY] = Area(*per_instance.arithmetic(chip, elements_of(chip.baseline), "area_mm2"))
    for component, memory in buffers(chip.baseline).items():
        figures = _bank(chip, component, memory)
        supply = partial(_memory_supply, figures)
        prices[component, "read"] = _moved(chip, component, supply, Price(figures.read_pj, figures.source))
        prices[component, "write"] = _moved(chip, component, supply, Price(figures.write_pj, figures.source))
        banks = partial(Leakage, *per_instance.several(figures, memory.banks, "leakage_mw"))
        leakage[component] = adjusted_leakage(technology, component, supply, banks)
        area[component] = Area(*per_instance.several(figures, memory.banks, "area_mm2"))
    prices[PORTS, "input"] = _port_price(chip, "input")
    prices[PORTS, "output"] = _port_price(chip, "output")
    prices[DRAM, "bit"] = Price(chip.baseline.dram.energy, chip.baseline.dram.source)
    problems = named_problems(technology)
    if problems:
        raise next(iter(problems.values()))
    for override in technology.overrides:
        if override.component.startswith(BASELINE):
            prices[override.component, override.action] = Price(override.energy, override.source)
    for stated in technology.leakage_overrides:
        if stated.component.startswith(BASELINE):
            leakage[stated.component] = Leakage(stated.power, stated.source)
    return ArrayPrices(EnergyTable(prices), leakage, area)


def named_problems(technology: ProcessSpec) -> dict[str, UnknownNameError]:
    """Return what overrides and calibrations name that the baseline does not have, by dotted path."""
    return unknown_components(technology, ACTIONS, list(_LEAKING), of_baseline=True)


def elements_of(spec: MacArraySpec) -> tuple[parts.Units, ...]:
    """Return the multipliers and adders of all processing elements; multipliers by the cells that they have."""
    count, (wide, share) = spec.rows * spec.columns, unequal(spec.activation_bits, spec.weight_bits)
    return (count * share, "int_mul", wide), (count, "int_add", spec.accumulator_bits)


def _arithmetic(chip: ChipSpec) -> tuple[dict[Key, Price], dict[str, Leakage]]:
    """Return prices and leakage of the processing elements and the requantisation unit, moved and calibrated."""
    spec, technology = chip.baseline, chip.technology
    source, node = parts.arithmetic(chip), technology.node
    sum_bits = spec.accumulator_bits
    accumulate = source.energy("int_add", sum_bits, node)
    rescale, compare = source.energy("int_mul", sum_bits, node), source.energy("int_compare", sum_bits, node)
    requantise = Price(
        rescale.energy_pj + compare.energy_pj,
        f"multiplication and comparison: {rescale.source}; {compare.source}",
        f"{rescale.formula} + {compare.formula}",
    )
    found = {
        "multiply": multiply_price(source, spec.activation_bits, spec.weight_bits, node),
        "accumulate": accumulate,
        "add": accumulate,
        "requantise": requantise,
    }

    def supply() -> float:
        return require_supply(source.supply(node))

    def leak() -> Leakage:
        return Leakage(*per_instance.arithmetic(chip, elements_of(spec), "leakage_mw"))

    prices = {(ARRAY, action): _moved(chip, ARRAY, supply, price) for action, price in found.items()}
    return prices, {ARRAY: adjusted_leakage(technology, ARRAY, supply, leak)}


def _bank(chip: ChipSpec, component: str, memory: SramSpec) -> SramFigures:
    try:
        return parts.bank_figures(chip, memory)
    except CostError as error:
        raise CostError(f"{component}: {error}") from error


def _memory_supply(figures: SramFigures) -> float:
    return require_supply(figures.supply_v)


def _moved(chip: ChipSpec, component: str, supply: Callable[[], float], price: Price) -> Price:
    return adjusted_price(chip.technology, component, supply, lambda: price)


def port_of(chip: ChipSpec, direction: str) -> PortSpec | None:
    """Return the first port of a direction, or None where the chip has none: then nothing crosses its edge."""
    return next((port for port in chip.ports if port.direction in {direction, "both"}), None)


def _port_price(chip: ChipSpec, direction: str) -> Price:
    port = port_of(chip, direction)
    if port is None:
        return Price(0.0, f"no {direction} port: nothing crosses the edge of the chip")
    return Price(port.energy_per_event, port.source)
