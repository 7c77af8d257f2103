"""The figures of a result, one file each, drawn with matplotlib's object interface: no window, no global figure.

Every module has ``draw(result) -> Figure``; :data:`FIGURES` names them. They must be drawn and saved inside
:func:`accelsim.report.figures.style.styled`.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from accelsim.result.run_result import RunResult

FIGURES: Final = ("energy", "layer_energy", "latency", "noc_load", "firing_rate", "core_utilisation", "confusion")
"""Names of the figures; each is a module of this package."""

_OF_CORES: Final = ("noc_load", "core_utilisation")


def figures_of(result: "RunResult") -> tuple[str, ...]:
    """Return the figures that say something of a result: a layer-serial array has no network and no cores."""
    return tuple(name for name in FIGURES if len(result.cores) or name not in _OF_CORES)


def draw(name: str, result: "RunResult") -> "Figure":
    """Draw the figure ``name`` (one of :data:`FIGURES`) of a result."""
    if name not in FIGURES:
        raise KeyError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
    figure: Figure = importlib.import_module(f"{__name__}.{name}").draw(result)
    return figure
