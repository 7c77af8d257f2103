"""Every price, leakage and area of the MAC array as lines of the chip's list, each with its formula."""

from accelsim.baseline.prices import DRAM, PORTS, array_prices, buffers, port_of
from accelsim.costs.price_list import AREA, LEAKAGE, PriceLine, bank_derivation, memory_formula, sourced_line
from accelsim.counters import Key
from accelsim.hardware.spec import ChipSpec


def array_lines(chip: ChipSpec) -> list[PriceLine]:
    """Return the lines of the MAC array beside a chip.

    Raises
    ------
    CostError, UnknownNameError
        As :func:`accelsim.baseline.prices.array_prices`.
    """
    found = array_prices(chip)
    lines = [
        _line(chip, key, price.energy_pj, "pJ", price.source, price.formula)
        for key, price in found.table.prices.items()
    ]
    lines += [_line(chip, (name, LEAKAGE), one.power_mw, "mW", one.source) for name, one in found.leakage.items()]
    lines += [_line(chip, (name, AREA), one.area_mm2, "mm2", one.source) for name, one in found.area.items()]
    return lines


def _line(chip: ChipSpec, key: Key, value: float, unit: str, source: str, expression: str = "") -> PriceLine:
    memory = buffers(chip.baseline).get(key[0])
    derived = None if memory is None else bank_derivation(chip, memory, key[1])
    return sourced_line(chip, PriceLine(*key, value, unit, _formula(chip, *key), expression, (), source), derived)


def _formula(chip: ChipSpec, component: str, action: str) -> str:
    spec = chip.baseline
    if component in buffers(spec):
        return memory_formula(chip, buffers(spec)[component], action)
    if component == PORTS:
        port = port_of(chip, action)
        return "0, there is no such port" if port is None else f"energy_per_event of port {port.name}, one word"
    if component == DRAM:
        return "baseline.dram.energy"
    return _array_formula(chip, action)


def _array_formula(chip: ChipSpec, action: str) -> str:
    spec, node = chip.baseline, f"{chip.technology.node:g} nm"
    source, sums = chip.technology.arithmetic_source, spec.accumulator_bits
    widths = f"{spec.activation_bits} x {spec.weight_bits} bit"
    if action in {LEAKAGE, AREA}:
        each = f"{action}(multiply, {widths}) + {action}(add, {sums} bit)"
        return f"{spec.rows} x {spec.columns} x ({each}), {source}, {node}"
    if action == "multiply":
        return f"{source}: multiply({widths}, {node})"
    if action == "requantise":
        return f"{source}: multiply({sums} bit, {node}) + compare({sums} bit, {node})"
    return f"{source}: add({sums} bit, {node})"
