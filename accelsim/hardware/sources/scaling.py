"""Scaling of dynamic energy and of area between process nodes.

Stillmaker and Baas, Integration 58 (2017) 74-81, doi:10.1016/j.vlsi.2017.02.002, eq. for energy: ``factor(V) = b2 V^2
+ b1 V + b0`` with one row of coefficients per node, and energy at Y = energy at X x factor_Y(V_Y) / factor_X(V_X).
High-performance (HP) rows throughout: mixing HP and LP rows is a known error of other tools. The fits hold only near
a node's own supply voltage.

Area: the factors of the same paper's table, ``scaling_stillmaker2017_area.csv``, log-log between its nodes.

Modelled: dynamic energy and area. Not modelled: leakage, which follows no node law, and voltage scaling below the
nominal supply.
"""

import functools
import math
from typing import Final

from accelsim.errors import CostError
from accelsim.hardware.sources.tables import bracket, geometric, log_weight, read_table

_ANCHORS: Final[dict[int, tuple[str, float]]] = {
    7: ("HP7", 0.70), 10: ("HP10", 0.75), 14: ("HP14", 0.80), 16: ("HP16", 0.85), 20: ("HP20", 0.90),
    32: ("HP32", 0.90), 45: ("HP45", 0.90), 65: ("65", 1.10), 90: ("90", 1.20),
}
"""Node, nm, to its row and supply, V: nominal (90 nm: CACTI's hp), but at 45 nm the 0.9 V of Horowitz's table."""


def stillmaker_factor(model: str, vdd: float) -> float:
    """Return the energy factor of a row of the table at a supply voltage.

    Parameters
    ----------
    model : str
        Row name: ``HP45``, ``LP20``, ``65``...
    vdd : float
        V.

    Raises
    ------
    CostError
        If the row is unknown.
    """
    rows = {row["model"]: row for row in read_table("scaling_stillmaker2017")}
    if model not in rows:
        raise CostError(f"node scaling: expected a row of {', '.join(rows)}, got {model!r}")
    row = rows[model]
    return float(row["energy_b2"]) * vdd**2 + float(row["energy_b1"]) * vdd + float(row["energy_b0"])


@functools.cache
def energy_ratio(node_nm: float) -> tuple[float, str]:
    """Return dynamic energy at a node relative to HP45 at 0.9 V, and how it was found.

    Between the nodes of the table the ratio is interpolated log-log.

    Raises
    ------
    CostError
        Outside 7..90 nm.
    """
    nodes = sorted(_ANCHORS)
    if not nodes[0] <= node_nm <= nodes[-1]:
        raise CostError(f"node scaling: expected a node of {nodes[0]}..{nodes[-1]} nm, got {node_nm:g} nm")
    low, high = (nodes[at] for at in bracket(nodes, node_nm))
    ratios = [stillmaker_factor(*_ANCHORS[node]) / stillmaker_factor("HP45", 0.9) for node in (low, high)]
    ratio = geometric(ratios[0], ratios[1], log_weight(low, high, node_nm))
    names = [f"{_ANCHORS[node][0]} at {_ANCHORS[node][1]:g} V" for node in (low, high)]
    found = names[0] if low == high else f"{node_nm:g} nm interpolated log-log between {names[0]} and {names[1]}"
    return ratio, f"Stillmaker & Baas 2017, {found}"


def scaled(energy_pj: float, from_nm: float, to_nm: float) -> tuple[float, str]:
    """Return an energy moved from one node to another and the words to add to its source (empty at the same node)."""
    if math.isclose(from_nm, to_nm, rel_tol=1e-9):
        return energy_pj, ""
    (start, _), (end, how) = energy_ratio(from_nm), energy_ratio(to_nm)
    return energy_pj * end / start, f", x{end / start:.4f} from {from_nm:g} nm ({how})"


def node_supply(node_nm: float) -> float:
    """Return the supply at which a node is taken, V; linear between nodes. Raise CostError outside 7..90 nm."""
    energy_ratio(node_nm)
    nodes = sorted(_ANCHORS)
    low, high = (nodes[at] for at in bracket(nodes, node_nm))
    first, second = _ANCHORS[low][1], _ANCHORS[high][1]
    return first + (second - first) * (0.0 if low == high else (node_nm - low) / (high - low))


@functools.cache
def area_ratio(from_nm: float, to_nm: float) -> tuple[float, str]:
    """Return area at a node relative to another, and how it was found.

    Raises
    ------
    CostError
        Outside 7..180 nm.
    """
    (row,) = (row for row in read_table("scaling_stillmaker2017_area") if row["from_nm"] == "45")
    factors = {int(key[3:-2]): float(value) for key, value in row.items() if key.startswith("to_")}
    nodes = sorted(factors)
    ratios = []
    for node in (from_nm, to_nm):
        if not nodes[0] <= node <= nodes[-1]:
            raise CostError(f"area scaling: expected a node of {nodes[0]}..{nodes[-1]} nm, got {node:g} nm")
        low, high = (nodes[at] for at in bracket(nodes, node))
        ratios.append(geometric(factors[low], factors[high], log_weight(low, high, node)))
    ratio = ratios[1] / ratios[0]
    return ratio, "" if ratio == 1 else f", x{ratio:.4g} in area from {from_nm:g} nm (Stillmaker & Baas 2017)"
