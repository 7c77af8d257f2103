"""Every price, leakage and area of a layer-serial array, and of the MAC array beside it, as lines of a chip's list.

Leakage and area are those of the whole component: all banks, all elements.
"""

from accelsim.baseline.price_list import array_lines
from accelsim.costs.price_list import AREA, LEAKAGE, PriceLine, bank_derivation, memory_formula, sourced_line
from accelsim.counters import Key
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.hardware.spec import ChipSpec
from accelsim.pearray.prices import DRAM, ELEMENTS, machine_prices, scratchpads, units_of
from accelsim.pipeline.array_flow import host_of


def machine_lines(spec: PeArraySpec, *, weight_bits: int = 8, value_bits: int = 8) -> list[PriceLine]:
    """Return all lines.

    Parameters
    ----------
    spec : PeArraySpec
    weight_bits, value_bits : int
        Operands of a multiplication.

    Raises
    ------
    CostError, UnknownNameError
        As :func:`accelsim.pearray.prices.machine_prices`.
    """
    host, found, wide = host_of(spec), machine_prices(spec, weight_bits, value_bits), max(weight_bits, value_bits)
    lines = [
        _line(spec, host, wide, key, price.energy_pj, "pJ", price.source, price.formula)
        for key, price in found.table.prices.items()
    ]
    lines += [
        _line(spec, host, wide, (name, LEAKAGE), one.power_mw, "mW", one.source) for name, one in found.leakage.items()
    ]
    lines += [
        _line(spec, host, wide, (name, AREA), one.area_mm2, "mm2", one.source) for name, one in found.area.items()
    ]
    return [*lines, *array_lines(host)]


def _line(
    spec: PeArraySpec, host: ChipSpec, wide: int, key: Key, value: float, unit: str, source: str, expression: str = ""
) -> PriceLine:
    name, action = key
    memory = spec.storage.buffers.get(name)
    derived = None if memory is None else bank_derivation(host, memory, action)
    formula = memory_formula(host, memory, action) if memory is not None else _formula(spec, wide, name, action)
    return sourced_line(host, PriceLine(name, action, value, unit, formula, expression, (), source), derived)


def _formula(spec: PeArraySpec, wide: int, name: str, action: str) -> str:
    technology, pads = spec.technology, scratchpads(spec)
    node = f"{technology.node:g} nm"
    if name == DRAM:
        return "dram.energy"
    if name in pads:
        source = "flip-flops" if pads[name].kind == "registers" else technology.sram_source
        one = f"{source}: {action}({pads[name].words} words of {pads[name].bits} bit, {node})"
        return f"{spec.elements.size} x {one}" if action in {LEAKAGE, AREA} else one
    count, operations = units_of(spec, wide)[name]
    source = technology.arithmetic_source
    if action in {LEAKAGE, AREA}:
        each = " + ".join(f"{action}({operation}, {bits} bit)" for operation, bits in operations.values())
        return f"{count} x ({each}), {source}, {node}"
    share = ", of it the share of a narrower operand" if (name, action) == (ELEMENTS, "multiply") else ""
    return f"{source}: {action}({operations[action][1]} bit, {node}){share}"
