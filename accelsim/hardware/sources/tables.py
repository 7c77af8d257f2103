"""Reading of the bundled tables, and the interpolation that all of them share."""

import csv
import functools
import importlib.resources
import math
from bisect import bisect_right
from collections.abc import Sequence

from accelsim.errors import CostError


@functools.cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of ``accelsim/hardware/data/<name>.csv`` as text by column, read once per process."""
    file = importlib.resources.files("accelsim.hardware.data") / f"{name}.csv"
    return tuple(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def bracket(grid: Sequence[float], value: float) -> tuple[int, int]:
    """Return the indices of the two grid points around ``value``; equal indices on a grid point.

    Outside the grid it returns the two points nearest to that end, which a caller that extends a law needs.

    Parameters
    ----------
    grid : sequence of float
        Strictly rising, at least two points.
    value : float
    """
    above = bisect_right(grid, value)
    if above and grid[above - 1] == value:
        return above - 1, above - 1
    upper = min(max(above, 1), len(grid) - 1)
    return upper - 1, upper


def log_weight(low: float, high: float, value: float) -> float:
    """Return the position of ``value`` between two points on a logarithmic axis, 0 at ``low`` and 1 at ``high``."""
    return 0.0 if low == high else math.log(value / low) / math.log(high / low)


def geometric(low: float, high: float, weight: float) -> float:
    """Interpolate the logarithm of a positive quantity; exactly ``low`` at weight 0 and ``high`` at weight 1."""
    return math.pow(low, 1.0 - weight) * math.pow(high, weight)


def require_choice(what: str, value: object, known: Sequence[object]) -> None:
    """Raise CostError naming the known values unless ``value`` is one of them."""
    if value not in known:
        raise CostError(f"{what}: expected one of {', '.join(map(str, known))}, got {value}")


def geometric_text(low: str, high: str, weight: float) -> str:
    """Write :func:`geometric` of two expressions as arithmetic; one of them alone at a weight of 0 or 1."""
    if weight in {0.0, 1.0}:
        return high if weight else low
    return f"{low}**{1.0 - weight:.12g} * {high}**{weight:.12g}"
