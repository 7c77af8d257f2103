"""Which axis of a study moves an objective most: the share of its variance that an axis alone explains.

For every axis the points are grouped by its value (a continuous axis in eight groups of equal size); the share is the
variance of the group means over the variance of all points (the correlation ratio, eta squared), of the logarithm where
all values are positive. On a full grid the shares of independent axes add up to at most one; what is missing is what
axes do together. On searched points, which are not spread evenly, read it as an indication.

Source: Pearson, "On the general theory of skew correlation and non-linear regression", 1905.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.report.format import factor, percent
from accelsim.report.html.parts import Chart, text
from accelsim.report.palette import SNN

_GROUPS: Final = 8
_MANY: Final = 24
"""Most different numbers that are groups of their own."""

Floats = npt.NDArray[np.float64]


def groups_of(values: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Return the group of every point by its value on an axis, (points,)."""
    kinds = sorted({str(value) for value in values})
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(kinds) > _MANY and len(numbers) == len(values):
        rank = np.argsort(np.argsort(np.array(values, np.float64), kind="stable"), kind="stable")
        return np.asarray(rank * _GROUPS // len(values), dtype=np.int64)
    return np.array([kinds.index(str(value)) for value in values], dtype=np.int64)


def effect(groups: npt.NDArray[np.int64], objective: Floats) -> tuple[float, float]:
    """Return the share of variance that an axis explains, and the factor between its extreme group means.

    Parameters
    ----------
    groups : (points,) int64
    objective : (points,) float64
        Finite values.
    """
    positive = bool((objective > 0).all())
    scaled = np.log(objective) if positive else objective
    spread = float(((scaled - scaled.mean()) ** 2).sum())
    found, home = np.unique(groups, return_inverse=True)
    number = np.bincount(home, minlength=len(found))
    means = np.bincount(home, scaled, len(found)) / number
    between = float((number * (means - scaled.mean()) ** 2).sum())
    apart = float(np.exp(means.max() - means.min())) if positive else float("nan")
    return (between / spread if spread > 1e-12 * max(1.0, float((scaled**2).sum())) else 0.0), apart


def sensitivity(axes: dict[str, list[Any]], objectives: dict[str, Floats]) -> Chart | None:
    """Return the chart of all axes, a menu of objectives; None where nothing varies.

    Parameters
    ----------
    axes : dict of str to list
        Value of every point, by axis.
    objectives : dict of str to (points,) float64
    """
    grouped = {name: groups_of(values) for name, values in axes.items()}
    grouped = {name: groups for name, groups in grouped.items() if len(np.unique(groups)) > 1}
    if not grouped or not objectives:
        return None
    choices: list[tuple[str, list[dict[str, Any] | None]]] = []
    finding = ""
    for objective, values in objectives.items():
        known = np.isfinite(values)
        if known.sum() < 2:
            continue
        effects = {name: effect(groups[known], values[known]) for name, groups in grouped.items()}
        ranked = sorted(effects, key=lambda name: effects[name][0])
        apart = [_apart(effects[name][1]) for name in ranked]
        bars = {"y": [text(name) for name in ranked], "x": [100 * effects[name][0] for name in ranked],
                "customdata": apart, "text": [percent(effects[name][0]) for name in ranked]}  # fmt: skip
        choices.append((objective.replace("_", " "), [bars]))
        if not finding:
            share = percent(effects[ranked[-1]][0], 0)
            finding = f"{ranked[-1]} moves {objective.replace('_', ' ')} most: it explains {share} of the variance"
            finding += f"; {apart[-1]}." if apart[-1] else "."
    if not choices:
        return None
    trace = {
        "type": "bar", "orientation": "h", "marker": {"color": SNN}, "textposition": "outside", "cliponaxis": False,
        "hovertemplate": "<b>%{y}</b>: %{x:.1f} % of the variance<br>%{customdata}<extra></extra>",
    }  # fmt: skip
    across = {"title": {"text": "of the variance [%]"}, "range": [0, 110]}
    layout = {"height": 120 + 30 * len(grouped), "xaxis": across}
    first = choices[0][1][0] or {}
    title = "Which axis moves it most"
    return Chart("sensitivity-chart", title, finding, [trace | first], layout, choices, "Objective")


def _apart(ratio: float) -> str:
    return "" if not np.isfinite(ratio) else f"{factor(ratio)} between its best and its worst value, on average"
