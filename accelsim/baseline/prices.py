"""What the array's actions cost: the same SRAM and arithmetic sources, node, cell and temperature as the chip.

Modelled: buffers bank by bank, multipliers and adders of every processing element, one requantisation unit, DRAM per
bit; input and output cross the chip's own ports, at their price per word. Not modelled: operand registers and clock of
the array, wires, DRAM refresh and background power; all of them would raise the baseline.
"""

import math
from dataclasses import dataclass
from typing import Final

from accelsim.counters import EnergyTable, Key, Price
from accelsim.errors import UnknownNameError
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, SRAM_SOURCES
from accelsim.hardware.spec import ChipSpec, MacArraySpec, PortSpec, SramSpec

ARRAY: Final = "baseline.mac_array"
INPUT: Final = "baseline.input_buffer"
WEIGHT: Final = "baseline.weight_buffer"
OUTPUT: Final = "baseline.output_buffer"
PORTS: Final = "baseline.ports"
DRAM: Final = "baseline.dram"
COMPONENTS: Final = (ARRAY, INPUT, WEIGHT, OUTPUT, PORTS, DRAM)


@dataclass(frozen=True)
class ArrayPrices:
    """Energy of every action of the baseline, and leakage by component.

    Attributes
    ----------
    table : EnergyTable
        Actions ``multiply``, ``accumulate``, ``add`` and ``requantise`` of the array, ``read`` and ``write`` of buffers
        (one word), ``input`` and ``output`` of the ports (one word), ``bit`` of the DRAM.
    leakage_mw : dict of str to float
        By component; ports and the background power of the DRAM are not modelled and have no entry.
    sources : tuple of str
        Where the leakages come from.
    """

    table: EnergyTable
    leakage_mw: dict[str, float]
    sources: tuple[str, ...]


def buffers(spec: MacArraySpec) -> dict[str, SramSpec]:
    """Return the buffers by component path."""
    return {INPUT: spec.input_buffer, WEIGHT: spec.weight_buffer, OUTPUT: spec.output_buffer}


def array_prices(chip: ChipSpec) -> ArrayPrices:
    """Return the prices of a chip's baseline; ``technology.overrides`` whose component starts with ``baseline.`` apply.

    Raises
    ------
    CostError
        If a source does not cover a memory or an operation.
    UnknownNameError
        If a source is not registered, or an override names no action of the baseline.
    """
    spec, technology = chip.baseline, chip.technology
    arithmetic = ARITHMETIC_SOURCES.get(technology.arithmetic_source)()
    sram = SRAM_SOURCES.get(technology.sram_source)()
    sum_bits, node = spec.accumulator_bits, technology.node
    operand = math.isqrt(spec.activation_bits * spec.weight_bits - 1) + 1  # an a x b multiplier has a * b cells

    multiply = arithmetic.energy("int_mul", operand, node)
    accumulate = arithmetic.energy("int_add", sum_bits, node)
    rescale = arithmetic.energy("int_mul", sum_bits, node)
    compare = arithmetic.energy("int_compare", sum_bits, node)
    prices: dict[Key, Price] = {
        (ARRAY, "multiply"): multiply,
        (ARRAY, "accumulate"): accumulate,
        (ARRAY, "add"): accumulate,
        (ARRAY, "requantise"): Price(
            rescale.energy_pj + compare.energy_pj, f"multiplication and comparison: {rescale.source}; {compare.source}"
        ),
        (PORTS, "input"): _port_price(chip, "input"),
        (PORTS, "output"): _port_price(chip, "output"),
        (DRAM, "bit"): Price(spec.dram.energy, spec.dram.source),
    }
    leaks = [arithmetic.leakage("int_mul", operand, node), arithmetic.leakage("int_add", sum_bits, node)]
    leakage = {ARRAY: spec.rows * spec.columns * sum(leak.power_mw for leak in leaks)}
    sources = [leak.source for leak in leaks]
    for component, memory in buffers(spec).items():
        bank_bits = memory.capacity // memory.banks
        figures = sram.figures(
            bank_bits, memory.width, memory.ports, node, technology.sram_cell, technology.temperature
        )
        prices[component, "read"] = Price(figures.read_pj, figures.source)
        prices[component, "write"] = Price(figures.write_pj, figures.source)
        leakage[component] = memory.banks * figures.leakage_mw
        sources.append(figures.source)
    for override in technology.overrides:
        if override.component.startswith("baseline."):
            pair = (override.component, override.action)
            if pair not in prices:
                raise UnknownNameError("baseline override", ".".join(pair), [".".join(key) for key in prices])
            prices[pair] = Price(override.energy, override.source)
    return ArrayPrices(EnergyTable(prices), leakage, tuple(sources))


def port_of(chip: ChipSpec, direction: str) -> PortSpec | None:
    """Return the first port of a direction, or None where the chip has none: then nothing crosses its edge."""
    return next((port for port in chip.ports if port.direction in {direction, "both"}), None)


def _port_price(chip: ChipSpec, direction: str) -> Price:
    port = port_of(chip, direction)
    if port is None:
        return Price(0.0, f"no {direction} port: nothing crosses the edge of the chip")
    return Price(port.energy_per_event, port.source)
