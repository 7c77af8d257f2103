"""The price of every action that the timing engines count, by kind of component.

Sourced prices are moved to the chip's supply and calibrated (:mod:`accelsim.costs.adjust`). Overrides of the hardware
file replace a price, and then its source is not asked. There is no default price:
what a source does not cover is an error that lists every such action. A chip that states its energies by event has
those prices and no others (:mod:`accelsim.costs.stated`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from accelsim.costs import parts
from accelsim.costs.adjust import (
    BASELINE,
    adjusted_price,
    require_known_adjustments,
    require_no_adjustment_of_stated_energies,
    table_supply,
)
from accelsim.costs.multiply import multiply_price
from accelsim.costs.power_use import level_names, require_known_power, sleep_rules
from accelsim.costs.stated import stated_prices
from accelsim.counters import EnergyTable, Key, Price
from accelsim.errors import ConfigError, CostError
from accelsim.hardware.power_spec import PowerSpec
from accelsim.hardware.sources.base import LinkFigures, RouterFigures, SramFigures
from accelsim.hardware.sources.registers import register_figures
from accelsim.hardware.spec import ChipSpec

_PORT: Final = "port"
Recipes = dict[Key, Callable[[], Price]]


def component_prices(chip: ChipSpec, float32: bool, *, payload_bits: int = 8, weight_bits: int = 8) -> dict[Key, Price]:
    """Return the price of every (kind, action) of a chip.

    Parameters
    ----------
    chip : ChipSpec
    float32 : bool
        True: synapses and membranes compute in float32 (32 bit) instead of integers.
    payload_bits, weight_bits : int
        Operands of an integer multiply-accumulate.

    Raises
    ------
    ConfigError
        If an override or a stated energy names an unknown pair, or a pair twice; lists the known ones.
    CostError
        Listing everything that a source does not cover.
    """
    recipes: Recipes = {}
    for name in chip.kinds_of_core:
        own: Recipes = {}
        _memory_prices(chip.of_kind(name), float32, own)
        _engine_prices(chip.of_kind(name), float32, payload_bits, weight_bits, own)
        recipes.update({(parts.of_core(kind, name), action): recipe for (kind, action), recipe in own.items()})
    _port_prices(chip, float32, payload_bits, weight_bits, recipes)
    _network_prices(chip, recipes)
    require_known_adjustments(chip)
    require_known_power(chip)
    if chip.energies is not None:
        require_no_adjustment_of_stated_energies(chip)
        return stated_prices(chip.energies, recipes) | _dram_prices(chip)
    for (kind, action), recipe in recipes.items():
        if (kind.partition(":")[0], action) != (_PORT, "event"):
            supply = partial(table_supply, chip, float32, kind)
            recipes[kind, action] = partial(adjusted_price, chip.technology, kind, supply, recipe)
    rules = sleep_rules(chip)
    for kind in dict.fromkeys(kind for kind, _ in recipes):
        rule = rules.get(kind.partition(":")[0])
        if rule is not None:
            recipes[kind, "wake"] = partial(Price, rule.wake_energy, rule.source)
    recipes.update((key, partial(replace, price)) for key, price in _dram_prices(chip).items())
    recipes.update(_overrides(chip, recipes))
    prices = parts.evaluate((".".join(key), recipe) for key, recipe in recipes.items())
    return dict(zip(recipes, prices, strict=True))


def build_energy_table(
    chip: ChipSpec,
    float32: bool,
    components: Mapping[str, str],
    *,
    payload_bits: int = 8,
    weight_bits: int = 8,
) -> EnergyTable:
    """Return the prices by component path.

    Parameters
    ----------
    components : mapping of path to kind
        Every instance on the chip: ``{"core[3].synapse_memory": "synapse_memory", ...}``.

    Raises
    ------
    CostError
        If a kind is unknown, or as :func:`component_prices`.
    """
    require_known_kinds(chip, components.values())
    by_kind: dict[str, dict[str, Price]] = {}
    prices = component_prices(chip, float32, payload_bits=payload_bits, weight_bits=weight_bits)
    for (kind, action), price in prices.items():
        by_kind.setdefault(kind, {})[action] = price
    for level, machine in lower_levels(chip).items():
        for (kind, action), price in component_prices(
            machine, float32, payload_bits=payload_bits, weight_bits=weight_bits
        ).items():
            if kind.partition(":")[0] in parts.CORE_KINDS:
                by_kind[kind][f"{action}{level}"] = price
    return EnergyTable(
        {(path, action): price for path, kind in components.items() for action, price in by_kind.get(kind, {}).items()}
    )


def lower_levels(chip: ChipSpec) -> dict[str, ChipSpec]:
    """Return the chip at the supply of every level below its own, by what actions at that level end in."""
    dvfs, names = chip.technology.power.dvfs, level_names(chip)
    if dvfs is None:
        return {}
    technology = [
        chip.technology.model_copy(update={"supply": one.voltage, "power": PowerSpec()}) for one in dvfs.levels[1:]
    ]
    return {
        name: chip.model_copy(update={"technology": one}) for name, one in zip(names[1:], technology, strict=True)
    }


def require_known_kinds(chip: ChipSpec, found: Iterable[str]) -> None:
    """Raise CostError naming the known kinds if ``found`` holds another."""
    unknown = sorted(set(found) - set(parts.kinds(chip)))
    if unknown:
        raise CostError(f"unknown kind of component {', '.join(unknown)}; known: {', '.join(parts.kinds(chip))}")


def _memory_prices(chip: ChipSpec, float32: bool, recipes: Recipes) -> None:
    for kind, memory in parts.memories(chip).items():
        bank = partial(parts.bank_figures, chip, memory)
        recipes[kind, "read"] = partial(_figure, bank, "read_pj")
        recipes[kind, "write"] = partial(_figure, bank, "write_pj")
    for kind, queue in parts.queues(chip, float32).items():
        entry = partial(parts.queue_figures, chip, queue)
        recipes[kind, "write"] = partial(_figure, entry, "write_pj")
        recipes[kind, "read"] = partial(_figure, entry, "read_pj")


def _engine_prices(chip: ChipSpec, float32: bool, payload: int, weight: int, recipes: Recipes) -> None:
    accumulator, membrane = parts.accumulator_bits(chip, float32), parts.membrane_bits(chip, float32)
    recipes["synapse_engine", "add"] = partial(_operation, chip, float32, "add", accumulator)
    recipes["synapse_engine", "mac"] = partial(_multiply_accumulate, chip, float32, payload, weight)
    for action, op in (("add", "add"), ("multiply", "mul"), ("compare", "compare")):
        recipes["neuron_engine", action] = partial(_operation, chip, float32, op, membrane)
    always = parts.queue_control_bits(chip, float32)
    recipes["core_control", "clock_active"] = partial(
        _clock, chip, parts.pipeline_bits(chip, float32) + always, "pipeline and queue pointers"
    )
    recipes["core_control", "clock_idle"] = partial(_clock, chip, always, "queue pointers")


def _port_prices(chip: ChipSpec, float32: bool, payload: int, weight: int, recipes: Recipes) -> None:
    mac = partial(_multiply_accumulate, chip, float32, payload, weight)
    for port in chip.ports:
        kind = parts.port_kind(port.name)
        recipes[kind, "event"] = partial(Price, port.energy_per_event, port.source)
        recipes[kind, "mac"] = mac


def _dram_prices(chip: ChipSpec) -> dict[Key, Price]:
    """Return the prices of a bit of the DRAM of layer-serial execution, which no supply and no calibration changes."""
    if chip.layer_serial is None:
        return {}
    dram = chip.layer_serial.dram
    return {(parts.DRAM, action): Price(dram.energy, dram.source) for action in ("read", "write")}


def _network_prices(chip: ChipSpec, recipes: Recipes) -> None:
    router = partial(parts.router_figures, chip)
    for action in ("buffer_write", "buffer_read", "crossbar", "arbitration"):
        recipes["router", action] = partial(_figure, router, f"{action}_pj")
    recipes["router", "clock"] = partial(_figure, router, "clock_pj_per_cycle")
    recipes["link", "flit"] = partial(_figure, partial(parts.link_figures, chip), "energy_pj")


def _figure(make: Callable[[], SramFigures | RouterFigures | LinkFigures], name: str) -> Price:
    figures = make()
    return Price(getattr(figures, name), figures.source)


def _operation(chip: ChipSpec, float32: bool, op: str, bits: int) -> Price:
    if not float32:
        return parts.arithmetic(chip).energy(f"int_{op}", bits, chip.technology.node)
    price = parts.arithmetic(chip).energy("fp_mul" if op == "mul" else "fp_add", bits, chip.technology.node)
    return replace(price, source=price.source + " (a comparison is a subtraction)") if op == "compare" else price


def _multiply_accumulate(chip: ChipSpec, float32: bool, payload: int, weight: int) -> Price:
    """Price a multiplication (:mod:`accelsim.costs.multiply`) and the add after it."""
    add = _operation(chip, float32, "add", parts.accumulator_bits(chip, float32))
    if float32:
        multiply = _operation(chip, float32, "mul", 32)
    else:
        multiply = multiply_price(parts.arithmetic(chip), payload, weight, chip.technology.node)
    text = f"({multiply.formula}) + ({add.formula})"
    return Price(multiply.energy_pj + add.energy_pj, f"{multiply.source} + {add.source}", text)


def _clock(chip: ChipSpec, bits: int, what: str) -> Price:
    one = register_figures(chip.technology.node)
    words = f"{bits} flip-flops ({what}), each clocked as one access; {one.source}"
    return Price(bits * one.access_pj, words, f"{bits} * {one.access_pj:.12g}")


def _overrides(chip: ChipSpec, recipes: Recipes) -> Recipes:
    """Return the recipes that the hardware file replaces.

    The component ``port`` means every port, ``axon_memory`` those of all kinds of core but of a kind that is named too.
    """
    known = sorted({(kind.partition(":")[0], action) for kind, action in recipes} | set(recipes))
    problems: list[str] = []
    seen: set[Key] = set()
    replaced: Recipes = {}
    exact: Recipes = {}
    for at, override in enumerate(chip.technology.overrides):
        if override.component.startswith(BASELINE):
            continue  # a price of the MAC array, which checks it itself
        pair = (override.component, override.action)
        where = f"technology.overrides.{at}"
        if pair not in known:
            choices = ", ".join(".".join(key) for key in known)
            problems.append(f"{where}: expected one of {choices}; got {'.'.join(pair)}")
        if pair in seen:
            problems.append(f"{where}: {'.'.join(pair)} is overridden twice")
        seen.add(pair)
        price = partial(Price, override.energy, override.source)
        if ":" in override.component:
            exact[pair] = price
        else:
            same = [key for key in recipes if (key[0].partition(":")[0], key[1]) == pair]
            replaced.update(dict.fromkeys(same, price))
    if problems:
        raise ConfigError(problems)
    return replaced | exact
