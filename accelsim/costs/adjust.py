"""What a hardware file does to sourced prices: another supply, a calibration, a leakage known better.

``technology.supply`` moves a figure from its table's own supply: switching energy with the square of the voltage (the
charge of a fixed capacitance), leakage power in proportion (a fixed leakage current, which is too much at a lower
voltage). Refused outside half to 1.25 times the table's supply. Calibration factors follow, each with its reason.
Overrides replace what results and are not multiplied. The MAC array beside the chip is under the same rules.

Not modelled: the speed of a circuit at another supply; the clock is the user's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from accelsim.costs import parts
from accelsim.counters import Key, Price
from accelsim.errors import ConfigError, CostError, UnknownNameError
from accelsim.hardware.sources.base import Leakage
from accelsim.hardware.sources.scaling import node_supply
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.technology_spec import ActionEnergySpec, CalibrationSpec, LeakageSpec, ProcessSpec

ALL: Final = "all"
BASELINE: Final = "baseline."
"""What the names of the MAC array's components begin with; the baseline checks and applies those itself."""
Supply = Callable[[], float]
_LOWEST, _HIGHEST = 0.5, 1.25


def table_supply(chip: ChipSpec, float32: bool, kind: str) -> float:
    """Return the supply at which the source of a kind states its figures, V.

    Raises
    ------
    CostError
        If the source states none.
    """
    chip, kind = parts.core_of(chip, kind)
    memories, queues = parts.memories(chip), parts.queues(chip, float32)
    if kind in memories:
        found = parts.bank_figures(chip, memories[kind]).supply_v
    elif kind in queues:
        found = parts.queue_figures(chip, queues[kind]).supply_v
    elif kind == "core_control":
        found = node_supply(chip.technology.node)
    elif kind == "router":
        found = parts.router_figures(chip).supply_v
    elif kind == "link":
        found = parts.link_figures(chip).supply_v
    else:
        found = parts.arithmetic(chip).supply(chip.technology.node)
    return require_supply(found)


def unknown_components(
    technology: ProcessSpec, actions: Iterable[Key], leaking: Sequence[str], *, of_baseline: bool
) -> dict[str, UnknownNameError]:
    """Return what overrides, leakages and calibrations name that a machine does not have, by dotted path.

    Parameters
    ----------
    technology : ProcessSpec
    actions : iterable of (component, action)
        That have a price.
    leaking : sequence of str
        Components that leak, and may be calibrated.
    of_baseline : bool
        Look at the names of the MAC array beside, or at all others, among which ``all`` may be calibrated.
    """
    which = "baseline " if of_baseline else ""
    named = {
        "overrides": ("override", [f"{item.component}.{item.action}" for item in technology.overrides]),
        "leakage_overrides": ("leakage override", [item.component for item in technology.leakage_overrides]),
        "calibration": ("calibration", [item.component for item in technology.calibration]),
    }
    known = {
        "overrides": [".".join(key) for key in actions],
        "leakage_overrides": list(leaking),
        "calibration": [*leaking] if of_baseline else [ALL, *leaking],
    }
    return {
        f"technology.{block}[{at}].component": UnknownNameError(which + kind, name, known[block])
        for block, (kind, names) in named.items()
        for at, name in enumerate(names)
        if name.startswith(BASELINE) == of_baseline and name not in known[block]
    }


def adjusted_price(technology: ProcessSpec, kind: str, own_supply: Supply, make: Callable[[], Price]) -> Price:
    """Return a sourced price at the chip's supply, calibrated; ``own_supply`` gives that of the price's table, V."""
    price = make()
    for factor, words in _factors(technology, kind, own_supply, "energy"):
        price = Price(price.energy_pj * factor, f"{price.source}; {words}", f"({price.formula}) * {factor:.12g}")
    return price


def adjusted_leakage(
    technology: ProcessSpec, kind: str, own_supply: Supply, make: Callable[[], Leakage]
) -> Leakage:
    """Return a sourced leakage at the chip's supply, calibrated; ``own_supply`` as in :func:`adjusted_price`."""
    leakage = make()
    for factor, words in _factors(technology, kind, own_supply, "leakage"):
        leakage = replace(leakage, power_mw=leakage.power_mw * factor, source=f"{leakage.source}; {words}")
    return leakage


def require_supply(found: float | None) -> float:
    """Return the supply that a source states, V; raise CostError if it states none."""
    if found is None:
        raise CostError("technology.supply: the source states no supply, so its figures cannot be moved to another")
    return found


def _factors(technology: ProcessSpec, kind: str, own_supply: Supply, quantity: str) -> list[tuple[float, str]]:
    found = []
    supply = technology.supply
    if supply is not None:
        own = own_supply()
        if not _LOWEST * own <= supply <= _HIGHEST * own:
            raise CostError(
                f"technology.supply: expected {_LOWEST * own:.3g}..{_HIGHEST * own:.3g} V around the table's "
                f"{own:.3g} V, got {supply:g} V"
            )
        power = 2 if quantity == "energy" else 1
        law = "squared" if power == 2 else "in proportion"
        found.append(((supply / own) ** power, f"moved from {own:.3g} V to {supply:g} V, {law}"))
    plain = kind.partition(":")[0]
    return found + [
        (item.factor, f"x {item.factor:g} calibration: {item.reason}")
        for item in technology.calibration
        if item.quantity == quantity and (item.component == plain or (item.component == ALL and plain != "port"))
    ]


def require_known_adjustments(chip: ChipSpec) -> None:
    """Raise ConfigError with all problems if a calibration or a leakage names no kind, or a leakage one twice."""
    known = [kind for kind in parts.kinds(chip) if not kind.startswith("port:")]
    problems = [
        f"technology.calibration.{at}: expected one of {', '.join([ALL, *known])}; got {item.component}"
        for at, item in enumerate(chip.technology.calibration)
        if item.component not in {ALL, *known} and not item.component.startswith(BASELINE)
    ]
    seen: set[str] = set()
    for at, leakage in enumerate(chip.technology.leakage_overrides):
        where = f"technology.leakage_overrides.{at}"
        if leakage.component not in {*known, "port"} and not leakage.component.startswith(BASELINE):
            problems.append(f"{where}: expected one of {', '.join([*known, 'port'])}; got {leakage.component}")
        if leakage.component in seen:
            problems.append(f"{where}: {leakage.component} is overridden twice")
        seen.add(leakage.component)
    if problems:
        raise ConfigError(problems)


def require_no_adjustment_of_stated_energies(chip: ChipSpec) -> None:
    """Raise ConfigError if a chip that states its energies has what would be applied to derived ones."""
    technology, energies = chip.technology, chip.energies
    stated_power = energies is not None and energies.static_power != "derived"
    given = {
        "supply": technology.supply is not None,
        "calibration": _of_the_chip(technology.calibration),
        "overrides": _of_the_chip(technology.overrides),
        "leakage_overrides": _of_the_chip(technology.leakage_overrides) and stated_power,
    }
    found = [name for name, there in given.items() if there]
    if energies is not None and found:
        raise ConfigError(
            f"technology.{', technology.'.join(found)}: expected none where energies are stated by event, got some; "
            "change energies.actions and energies.static_power"
        )


def _of_the_chip(items: Iterable[CalibrationSpec | ActionEnergySpec | LeakageSpec]) -> bool:
    return any(not item.component.startswith(BASELINE) for item in items)
