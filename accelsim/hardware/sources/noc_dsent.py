"""Router and link figures from a grid of DSENT 0.9 runs (``noc_dsent.csv``; Sun et al., NOCS 2012; LVT, random data).

Exact at the table's points (3 and 5 ports; 16..128-bit flits; 1 VC x 2, 1 VC x 4, 2 VC x 4 buffers; links of 0.25..2
mm). Elsewhere:

- flit bits: log-log inside 16..128 bit for routers, nothing outside; links are proportional above and below;
- ports: power law through 3 and 5 ports (a straight line would make arbitration negative at 2 ports), 2..8 ports;
- buffers: DSENT keeps one flip-flop memory of all VCs per input, so buffer energies, clock, leakage and area depend
  on total entries (VCs x buffer flits): piecewise linear through 2, 4 and 8 entries and linear beyond, 1..64 entries;
- VCs: arbitration is linear in VCs through 1 and 2, 1..8 VCs;
- link length: piecewise linear, and linear beyond the table;
- nodes 45, 32, 22 and 11 nm; between 45 and 22 nm log-log between neighbours.

Every step off the table is said in ``source``. Leakage is that of 340 K, DSENT's own temperature. Not modelled: VC
allocators, wakeup of gated buffers, data-dependent switching.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import CostError
from accelsim.hardware.sources.base import NOC_SOURCES, LinkFigures, NocSource, RouterFigures
from accelsim.hardware.sources.tables import bracket, geometric, log_weight, read_table, require_choice

_ROUTER: Final = (
    "write_buffer_pj", "read_buffer_pj", "crossbar_traverse_pj", "switch_arbitration_pj", "clock_pj_per_cycle",
    "leakage_mw", "area_mm2",
)
_LINK: Final = ("energy_per_flit_hop_pj", "leakage_mw", "area_mm2")
_ARBITRATION: Final = _ROUTER.index("switch_arbitration_pj")
_ENTRIES: Final = {2: (1, 2), 4: (1, 4), 8: (2, 4)}
"""Total entries per input to the (VCs, buffers per VC) of the table's row."""

_PORTS, _MAX_PORTS, _MAX_VCS, _MAX_ENTRIES = (3, 5), 8, 8, 64
_INTERPOLATED_NM: Final = (22, 45)

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Tables:
    """Routers by (node, ports, flit bits, VCs, buffers), links by (node, flit bits, length), and the axes."""

    routers: dict[tuple[int, int, int, int, int], Values]
    links: dict[tuple[int, int, float], Values]
    nodes: list[int]
    flits: list[int]
    lengths: list[float]


@functools.cache
def _tables() -> _Tables:
    routers: dict[tuple[int, int, int, int, int], Values] = {}
    links: dict[tuple[int, int, float], Values] = {}
    for row in read_table("noc_dsent"):
        node, flit = int(row["tech_nm"]), int(row["flit_bits"])
        if row["kind"] == "link":
            links[node, flit, float(row["link_length_mm"])] = np.array([float(row[name]) for name in _LINK])
        else:
            key = (node, int(row["ports"]), flit, int(row["vcs"]), int(row["buffers_per_vc"]))
            routers[key] = np.array([float(row[name]) for name in _ROUTER])
    axes = (sorted({key[0] for key in routers}), sorted({key[2] for key in routers}), sorted({key[2] for key in links}))
    return _Tables(routers, links, *axes)


@NOC_SOURCES.register("dsent")
class Dsent(NocSource):
    """DSENT's electrical router and repeated link."""

    def router(  # noqa: D102 - documented by NocSource
        self, ports: int, flit_bits: int, vcs: int, buffer_flits: int, node_nm: float
    ) -> RouterFigures:
        tables, entries = _tables(), vcs * buffer_flits
        _within("router ports", ports, 2, _MAX_PORTS)
        _within("router flit bits", flit_bits, tables.flits[0], tables.flits[-1])
        _within("router virtual channels", vcs, 1, _MAX_VCS)
        _within("router buffer entries per input (VCs x flits)", entries, 1, _MAX_ENTRIES)

        def at(node: int) -> Values:
            return _log_log(_PORTS, ports, lambda count: _router_at(node, count, flit_bits, vcs, entries))

        values, notes = _over_nodes(node_nm, at)
        if flit_bits not in tables.flits:
            notes.append(f"{flit_bits}-bit flit interpolated log-log")
        if ports not in _PORTS:
            notes.append(f"{ports} ports by the power law through 3 and 5")
        if (vcs, buffer_flits) not in _ENTRIES.values():
            notes.append(f"{vcs} VC x {buffer_flits} buffers linear in {entries} entries" + _beyond(entries, 2, 8))
            if vcs > 2:
                notes.append(f"arbitration linear in VCs{_beyond(vcs, 1, 2)}")
        source = f"DSENT 0.9 LVT router, {ports} ports, {flit_bits} bit, {vcs} VC x {buffer_flits}"
        write, read, crossbar, arbitration, clock, leakage, area = values.tolist()
        text = "; ".join([source, *notes])
        return RouterFigures(write, read, crossbar, arbitration, clock, leakage, area, text, dsent_supply(node_nm))

    def link(self, flit_bits: int, length_mm: float, node_nm: float) -> LinkFigures:  # noqa: D102 - documented by NocSource
        lengths, flits = _tables().lengths, _tables().flits
        if flit_bits < 1 or length_mm < 0:
            raise CostError(f"link: expected at least 1 bit and 0 mm, got {flit_bits} bit and {length_mm:g} mm")
        base = flit_bits if flit_bits in flits else flits[-1]
        values, notes = _over_nodes(node_nm, lambda node: _link_at(node, base, length_mm))
        if flit_bits != base:
            values = values * (flit_bits / base)
            notes.append(f"{flit_bits}-bit flit in proportion to {base} bit")
        if length_mm not in lengths:
            notes.append("linear in length" + _beyond(length_mm, lengths[0], lengths[-1]))
        source = f"DSENT 0.9 LVT repeated link, {flit_bits} bit, {length_mm:g} mm, random data"
        energy, leakage, area = values.tolist()
        return LinkFigures(energy, leakage, area, "; ".join([source, *notes]), dsent_supply(node_nm))


def dsent_supply(node_nm: float) -> float:
    """Return the supply of DSENT's technology model, V; between two models linear."""
    rows = {int(row["tech_nm"]): float(row["supply_v"]) for row in read_table("noc_dsent_supply")}
    nodes = sorted(rows)
    low, high = (nodes[at] for at in bracket(nodes, node_nm))
    return rows[low] + (rows[high] - rows[low]) * (0.0 if low == high else (node_nm - low) / (high - low))


def _router_at(node: int, ports: int, flit_bits: int, vcs: int, entries: int) -> Values:
    tables = _tables().routers

    def at_flit(flit: int) -> Values:
        rows = {total: tables[node, ports, flit, *shape] for total, shape in _ENTRIES.items()}
        values = _linear(list(_ENTRIES), entries, lambda total: rows[int(total)])
        one, two = rows[4][_ARBITRATION], rows[8][_ARBITRATION]
        values[_ARBITRATION] = two if vcs == 2 else one + (vcs - 1) * (two - one)
        return values

    return _log_log(_tables().flits, flit_bits, at_flit)


def _link_at(node: int, flit_bits: int, length_mm: float) -> Values:
    table = _tables().links
    return _linear(_tables().lengths, length_mm, lambda length: table[node, flit_bits, length])


def _over_nodes(node_nm: float, at: Callable[[int], Values]) -> tuple[Values, list[str]]:
    nodes = _tables().nodes
    low, high = _INTERPOLATED_NM
    if not low < node_nm < high:
        require_choice(f"network-on-chip node, nm (or between {low} and {high})", node_nm, nodes)
    values = _log_log(nodes, node_nm, at)
    below, above = (nodes[index] for index in bracket(nodes, node_nm))
    notes = [] if below == above else [f"interpolated log-log between {below} and {above} nm"]
    return values, [f"{node_nm:g} nm", *notes]


def _log_log(grid: list[int] | tuple[int, ...], value: float, at: Callable[[int], Values]) -> Values:
    low, high = (grid[index] for index in bracket(grid, value))
    weight = log_weight(low, high, value)
    pairs = zip(at(low), at(high), strict=True)
    return np.array([geometric(first, second, weight) for first, second in pairs])


def _linear(grid: list[int] | list[float], value: float, at: Callable[[float], Values]) -> Values:
    low, high = (grid[index] for index in bracket(grid, value))
    if low == high:
        return at(low).copy()
    first, second = at(low), at(high)
    return first + (second - first) * ((value - low) / (high - low))


def _beyond(value: float, low: float, high: float) -> str:
    return "" if low <= value <= high else f" (extended beyond the table's {low:g}..{high:g})"


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise CostError(f"{what}: expected {low}..{high}, got {value}")
