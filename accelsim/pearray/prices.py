"""What the actions of an array cost: the same sources, supply and calibration as of a chip.

Modelled: buffers bank by bank, scratchpads of all elements, adders and multipliers of the elements, arithmetic of the
neuron units, DRAM per bit; leakage and area of all of these but the DRAM. Not modelled: wires and multicast networks
between elements and buffers, sequencers, clock trees, decoders of encodings, DRAM refresh and background power.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accelsim.costs.adjust import BASELINE, adjusted_leakage, adjusted_price, require_supply, unknown_components
from accelsim.costs.multiply import multiply_price
from accelsim.counters import EnergyTable, Key, Price
from accelsim.errors import CostError, UnknownNameError
from accelsim.hardware.array_spec import PeArraySpec, ScratchpadSpec
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, SRAM_SOURCES, Area, Leakage, SramFigures
from accelsim.hardware.sources.registers import register_memory

ELEMENTS: Final = "elements"
NEURONS: Final = "neuron_units"
DRAM: Final = "dram"
SCRATCHPADS: Final = {"inputs": "input_scratchpads", "weights": "weight_scratchpads", "sums": "sum_scratchpads"}
RESERVED: Final = (ELEMENTS, NEURONS, DRAM, *SCRATCHPADS.values())


@dataclass(frozen=True)
class MachinePrices:
    """Energy of every action, and leakage by component.

    Attributes
    ----------
    table : EnergyTable
        ``add`` and ``multiply`` of the elements, ``add``, ``multiply`` and ``compare`` of the neuron units, ``read``
        and ``write`` of one word of scratchpads and buffers, ``bit`` of the DRAM.
    leakage : dict of str to Leakage
        Of the whole component; the DRAM has none.
    area : dict of str to Area
        Of the whole component, where a source covers it; the DRAM has none.
    """

    table: EnergyTable
    leakage: dict[str, Leakage]
    area: dict[str, Area]

    @property
    def components(self) -> dict[str, str]:
        """Every component, its own kind."""
        return {name: name for name, _ in self.table.prices}


def machine_prices(spec: PeArraySpec, weight_bits: int, value_bits: int) -> MachinePrices:
    """Return the prices of an array.

    Parameters
    ----------
    spec : PeArraySpec
    weight_bits, value_bits : int
        Operands of a multiplication.

    Raises
    ------
    CostError
        If a source does not cover a memory or an operation, or a buffer has the name of another component.
    UnknownNameError
        If a source is not registered, or an override, a leakage or a calibration names nothing of the array.
    """
    taken = [name for name in spec.storage.buffers if name in RESERVED]
    if taken:
        raise CostError(f"storage.buffers: expected names other than {', '.join(RESERVED)}, got {', '.join(taken)}")
    prices: dict[Key, Price] = {}
    found = MachinePrices(EnergyTable(prices), {}, {})
    _arithmetic(spec, weight_bits, value_bits, prices, found)
    for name, memory in spec.storage.buffers.items():
        _memory(spec, name, bank_figures(spec, name, memory), memory.banks, prices, found)
    for component, pad in scratchpads(spec).items():
        _memory(spec, component, scratchpad_figures(spec, component, pad), spec.elements.size, prices, found)
    prices[DRAM, "bit"] = Price(spec.dram.energy, spec.dram.source)
    problems = named_problems(spec)
    if problems:
        raise next(iter(problems.values()))
    for override in spec.technology.overrides:
        if not override.component.startswith(BASELINE):
            prices[override.component, override.action] = Price(override.energy, override.source)
    for stated in spec.technology.leakage_overrides:
        if not stated.component.startswith(BASELINE):
            found.leakage[stated.component] = Leakage(stated.power, stated.source)
    return found


def scratchpads(spec: PeArraySpec) -> dict[str, ScratchpadSpec]:
    """Return the scratchpads that the elements have, by component."""
    pads = {component: getattr(spec.scratchpads, key) for key, component in SCRATCHPADS.items()}
    return {component: pad for component, pad in pads.items() if pad is not None}


def units_of(spec: PeArraySpec, multiplier_bits: int) -> dict[str, tuple[int, dict[str, tuple[str, int]]]]:
    """Return how many elements and neuron units there are, and the (operation, width) of each of their actions.

    ``multiplier_bits`` is the widest operand of a multiplication; the multiplier of an element is a square one.
    """
    sums, state = spec.elements.accumulator_bits, spec.neurons.state_bits
    own = {"add": ("int_add", sums)}
    if spec.elements.multiplies:
        own["multiply"] = ("int_mul", multiplier_bits)
    update = {"add": ("int_add", state), "multiply": ("int_mul", state), "compare": ("int_compare", state)}
    return {ELEMENTS: (spec.elements.size, own), NEURONS: (spec.neurons.lanes, update)}


def _arithmetic(
    spec: PeArraySpec, weight_bits: int, value_bits: int, prices: dict[Key, Price], found: MachinePrices
) -> None:
    node = spec.technology.node
    source = ARITHMETIC_SOURCES.get(spec.technology.arithmetic_source)()

    def supply() -> float:
        return require_supply(source.supply(node))

    for component, (count, operations) in units_of(spec, max(weight_bits, value_bits)).items():
        power, told = 0.0, list[str]()
        for action, (operation, bits) in operations.items():
            if (component, action) == (ELEMENTS, "multiply"):
                price = multiply_price(source, weight_bits, value_bits, node)
            else:
                price = source.energy(operation, bits, node)
            prices[component, action] = _moved(spec, component, supply, price)
            one = source.leakage(operation, bits, node)
            power, told = power + one.power_mw, [*told, one.source]
        whole = Leakage(count * power, f"{count} x ({' + '.join(told)})")
        found.leakage[component] = _leaking(spec, component, supply, whole)
        with contextlib.suppress(CostError):  # a source need not state areas
            each = [source.area(operation, bits, node) for operation, bits in operations.values()]
            told = [one.source for one in each]
            found.area[component] = Area(count * sum(one.area_mm2 for one in each), f"{count} x ({' + '.join(told)})")


def _memory(
    spec: PeArraySpec, component: str, figures: SramFigures, count: int, prices: dict[Key, Price], found: MachinePrices
) -> None:
    def supply() -> float:
        return require_supply(figures.supply_v)

    prices[component, "read"] = _moved(spec, component, supply, Price(figures.read_pj, figures.source))
    prices[component, "write"] = _moved(spec, component, supply, Price(figures.write_pj, figures.source))
    source = f"{count} x {figures.source}" if count > 1 else figures.source
    found.leakage[component] = _leaking(spec, component, supply, Leakage(count * figures.leakage_mw, source))
    found.area[component] = Area(count * figures.area_mm2, source)


def _moved(spec: PeArraySpec, component: str, supply: Callable[[], float], price: Price) -> Price:
    return adjusted_price(spec.technology, component, supply, lambda: price)


def _leaking(spec: PeArraySpec, component: str, supply: Callable[[], float], leakage: Leakage) -> Leakage:
    return adjusted_leakage(spec.technology, component, supply, lambda: leakage)


def bank_figures(spec: PeArraySpec, name: str, memory: SramSpec) -> SramFigures:
    """Return the figures of one bank of a buffer; raise CostError, with its name, where no table covers it."""
    return _sram(spec, f"storage.buffers.{name}", memory.capacity // memory.banks, memory.width, memory.ports)


def scratchpad_figures(spec: PeArraySpec, name: str, pad: ScratchpadSpec) -> SramFigures:
    """Return the figures of the scratchpad of one element, as :func:`bank_figures`."""
    if pad.kind == "registers":
        return register_memory(pad.words * pad.bits, pad.bits, spec.technology.node)
    return _sram(spec, name, pad.words * pad.bits, pad.bits, "1R1W")


def _sram(spec: PeArraySpec, name: str, bits: int, width: int, ports: str) -> SramFigures:
    technology = spec.technology
    source = SRAM_SOURCES.get(technology.sram_source)()
    try:
        return source.figures(bits, width, ports, technology.node, technology.sram_cell, technology.temperature)
    except CostError as error:
        raise CostError(f"{name}: {error}") from error


def actions_of(spec: PeArraySpec) -> list[Key]:
    """Return every (component, action) that has a price."""
    units = [(component, action) for component, (_, own) in units_of(spec, 1).items() for action in own]
    memories = [(name, way) for name in (*spec.storage.buffers, *scratchpads(spec)) for way in ("read", "write")]
    return [*units, *memories, (DRAM, "bit")]


def named_problems(spec: PeArraySpec) -> dict[str, UnknownNameError]:
    """Return what overrides, leakages and calibrations name that the array does not have, by dotted path."""
    known = actions_of(spec)
    leaking = [name for name in dict.fromkeys(name for name, _ in known) if name != DRAM]
    return unknown_components(spec.technology, known, leaking, of_baseline=False)
