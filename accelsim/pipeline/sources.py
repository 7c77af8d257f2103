"""Where the numbers of a run come from: the price of every counted action, the file and line of every parameter."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from accelsim.result.table import Table, table

if TYPE_CHECKING:
    from accelsim.pipeline.array_flow import ArrayRun
    from accelsim.pipeline.flow import Run

LEAKAGE: Final = "leakage"
"""The action whose price is the leakage of one component in a cycle."""
_MAX_TEXT: Final = 500


def prices_table(run: "Run | ArrayRun") -> Table:
    """Return one row per kind of component, action and price: how often per inference, what it costs, and its source.

    The energies of all rows add up to the energy of an inference: those with the action ``leakage`` to the static
    energy, the others to the dynamic one. What is counted of leakage are cycles of components that leak; of those that
    sleep, or run at a lower voltage, as many as would leak the same awake.
    """
    kinds = run.energy.kinds
    counts: dict[tuple[str, str, float, str, str], float] = {}
    for component, action in run.counters:
        price = run.prices.prices[component, action]
        key = (kinds[component].replace("_", " "), action, price.energy_pj, price.expression, price.source)
        counts[key] = counts.get(key, 0.0) + float(run.counters[component, action].mean())
    rows = [(*key, number) for key, number in counts.items() if number]
    rows += _leakage(run)
    names, actions, prices, expressions, sources, numbers = zip(*rows, strict=True) if rows else ((),) * 6
    each, number = np.array(prices, np.float64), np.array(numbers, np.float64)
    return table(
        "prices",
        ("component", "", "Kind of component", np.array(names, np.str_)),
        ("action", "", "What is counted", np.array(actions, np.str_)),
        ("count", "", "Times per inference, or cycles of leakage, of all components of the kind", number),
        ("price_pj", "pJ", "Energy of one", each),
        ("energy_pj", "pJ", "count x price_pj", number * each),
        ("expression", "", "Arithmetic behind the price", np.array([_cut(text) for text in expressions], np.str_)),
        ("source", "", "Where the price comes from", np.array([_cut(text) for text in sources], np.str_)),
    )


def _leakage(run: "Run | ArrayRun") -> Iterator[tuple[str, str, float, str, str, float]]:
    """Yield component, action, price, expression, source and count of all static energy."""
    powers, clock = run.leakage, run.chip.spec.clock
    for kind, split in run.energy.by_kind().items():
        energy = float(split.static.mean())
        if energy:
            power = powers[kind]
            each, text = power.power_mw / clock, f"{power.power_mw:.12g} / {clock:.12g}"
            yield kind.replace("_", " "), LEAKAGE, each, text, power.source, energy / each


def parameters_table(run: "Run | ArrayRun") -> Table:
    """Return every value of the resolved hardware description with where it was written."""
    rows = list(_leaves(run.chip.data, ""))
    places = {path: str(place) for path, place in run.chip.locations.items()}
    return table(
        "parameters",
        ("path", "", "Dotted path, as for --set", np.array([path for path, _ in rows], np.str_)),
        ("value", "", "As written", np.array([_cut(value) for _, value in rows], np.str_)),
        ("place", "", "File and line, or --set", np.array([_cut(_place(path, places)) for path, _ in rows], np.str_)),
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings and lists of mappings; other lists are values."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for at, item in enumerate(value):
            yield from _leaves(item, f"{path}.{at}")
    else:
        yield path, value


def _place(path: str, places: dict[str, str]) -> str:
    """Return where a value, or the nearest thing around it, was written."""
    while path not in places and path:
        path = path.rpartition(".")[0]
    return places.get(path, "")


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 2] + ".."
