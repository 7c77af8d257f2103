"""The common look of the figures: fonts and helpers for titles."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from accelsim.report.format import clean
from accelsim.report.palette import GREY

SEQUENTIAL: Final = "cividis"
"""Colour map of loads and utilisations: its lightness rises evenly, also for colour-blind readers."""
DPI: Final = 150

_SETTINGS: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans", "font.size": 10, "axes.labelsize": 10, "legend.fontsize": 9,
    "axes.titlesize": 11.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.grid": False,
    "grid.color": "#DDDDDD", "grid.linewidth": 0.7, "legend.frameon": False, "figure.facecolor": "white",
    "figure.dpi": DPI, "savefig.dpi": DPI, "pdf.fonttype": 42, "svg.hashsalt": "accelsim", "text.parse_math": False,
    "text.usetex": False,
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Apply the style while figures are drawn and saved; matplotlib's settings are put back afterwards.

    ``text.parse_math`` is off: a ``$`` in the name of a layer is a dollar.
    """
    with mpl.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of ``width`` x ``height`` inch that lays out itself."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    FigureCanvasAgg(figure)
    return figure


def title(axes: Axes, finding: str, detail: str = "", *, chars: int = 60) -> None:
    """Put the finding above the axes, wrapped after ``chars`` letters, and below it, smaller, what is shown."""
    axes.set_title("\n".join(textwrap.wrap(finding, chars)), loc="left", pad=22 if detail else 8)
    if detail:
        axes.annotate(detail, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=9, color=GREY, va="bottom")


def legend(axes: Axes, heading: str = "") -> None:
    """Put the legend to the right of the axes, where it never hides a bar."""
    bold = {"weight": "bold", "size": 10}
    box = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title=heading or None, title_fontproperties=bold)
    box.set_alignment("left")


def label(text: object, length: int = 24) -> str:
    """Return a name that fits beside an axis."""
    return clean(str(text).replace("_", " "), length)
