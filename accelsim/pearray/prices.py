"""What the actions of an array cost: the same sources, supply and calibration as of a chip.

Modelled: buffers bank by bank, scratchpads of all elements, adders and multipliers of the elements, arithmetic of the
neuron units, DRAM per bit. Not modelled: wires and multicast networks between elements and buffers, sequencers, clock
trees, decoders of encodings, DRAM refresh and background power.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accelsim.costs.adjust import BASELINE, adjusted_leakage, adjusted_price, require_supply
from accelsim.counters import EnergyTable, Key, Price
from accelsim.errors import CostError, UnknownNameError
from accelsim.hardware.array_spec import PeArraySpec, ScratchpadSpec
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.sources.base import ARITHMETIC_SOURCES, SRAM_SOURCES, Leakage, SramFigures
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
    """

    table: EnergyTable
    leakage: dict[str, Leakage]

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
    leakage: dict[str, Leakage] = {}
    _arithmetic(spec, weight_bits, value_bits, prices, leakage)
    size = spec.elements.rows * spec.elements.columns
    for name, memory in spec.storage.buffers.items():
        _memory(spec, name, _bank(spec, name, memory), memory.banks, prices, leakage)
    for key, component in SCRATCHPADS.items():
        pad: ScratchpadSpec | None = getattr(spec.scratchpads, key)
        if pad is not None:
            _memory(spec, component, _scratchpad(spec, component, pad), size, prices, leakage)
    prices[DRAM, "bit"] = Price(spec.dram.energy, spec.dram.source)
    _stated(spec, prices, leakage)
    return MachinePrices(EnergyTable(prices), leakage)


def _arithmetic(
    spec: PeArraySpec, weight_bits: int, value_bits: int, prices: dict[Key, Price], leakage: dict[str, Leakage]
) -> None:
    node = spec.technology.node
    source = ARITHMETIC_SOURCES.get(spec.technology.arithmetic_source)()
    sums, state = spec.elements.accumulator_bits, spec.neurons.state_bits
    wide = max(weight_bits, value_bits)
    units = {
        ELEMENTS: (spec.elements.rows * spec.elements.columns, {"add": ("int_add", sums)}),
        NEURONS: (
            spec.neurons.lanes,
            {"add": ("int_add", state), "multiply": ("int_mul", state), "compare": ("int_compare", state)},
        ),
    }
    if spec.elements.multiplies:
        units[ELEMENTS][1]["multiply"] = ("int_mul", wide)

    def supply() -> float:
        return require_supply(source.supply(node))

    for component, (count, operations) in units.items():
        power, told = 0.0, list[str]()
        for action, (operation, bits) in operations.items():
            prices[component, action] = _moved(spec, component, supply, source.energy(operation, bits, node))
            one = source.leakage(operation, bits, node)
            power, told = power + one.power_mw, [*told, one.source]
        whole = Leakage(count * power, f"{count} x ({' + '.join(told)})")
        leakage[component] = _leaking(spec, component, supply, whole)


def _memory(
    spec: PeArraySpec, component: str, figures: SramFigures, count: int, prices: dict[Key, Price],
    leakage: dict[str, Leakage],
) -> None:  # fmt: skip
    def supply() -> float:
        return require_supply(figures.supply_v)

    prices[component, "read"] = _moved(spec, component, supply, Price(figures.read_pj, figures.source))
    prices[component, "write"] = _moved(spec, component, supply, Price(figures.write_pj, figures.source))
    whole = Leakage(count * figures.leakage_mw, f"{count} x {figures.source}")
    leakage[component] = _leaking(spec, component, supply, whole)


def _moved(spec: PeArraySpec, component: str, supply: Callable[[], float], price: Price) -> Price:
    return adjusted_price(spec.technology, component, supply, lambda: price)


def _leaking(spec: PeArraySpec, component: str, supply: Callable[[], float], leakage: Leakage) -> Leakage:
    return adjusted_leakage(spec.technology, component, supply, lambda: leakage)


def _bank(spec: PeArraySpec, name: str, memory: SramSpec) -> SramFigures:
    return _sram(spec, f"storage.buffers.{name}", memory.capacity // memory.banks, memory.width, memory.ports)


def _scratchpad(spec: PeArraySpec, name: str, pad: ScratchpadSpec) -> SramFigures:
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


def _stated(spec: PeArraySpec, prices: dict[Key, Price], leakage: dict[str, Leakage]) -> None:
    """Replace prices and leakages by what the hardware file states, and refuse names that the array does not have."""
    technology = spec.technology
    for item in technology.calibration:
        if item.component != "all" and not item.component.startswith(BASELINE) and item.component not in leakage:
            raise UnknownNameError("calibration", item.component, ["all", *leakage])
    for override in technology.overrides:
        pair = (override.component, override.action)
        if override.component.startswith(BASELINE):
            continue
        if pair not in prices:
            raise UnknownNameError("override", ".".join(pair), [".".join(key) for key in prices])
        prices[pair] = Price(override.energy, override.source)
    for stated in technology.leakage_overrides:
        if stated.component.startswith(BASELINE):
            continue
        if stated.component not in leakage:
            raise UnknownNameError("leakage override", stated.component, list(leakage))
        leakage[stated.component] = Leakage(stated.power, stated.source)
