"""Links made of CACTI 7 wires (``wire_cacti7.csv``), routers of DSENT.

A wire of the chip's class: repeated, semi-global, conservative projection, repeaters thinned until the delay is 30 %
above the fastest (the least energy in the table). CACTI states energy per bit *transition*; random data change half of
the bits from one flit to the next. Energy and leakage are linear in length and width; a link has no area of its own
(repeaters lie under it). The table is of peripheral transistors of one type; itrs-hp is taken, the type of DSENT's
low-threshold routers.

Nodes 22 to 90 nm as in the table, nothing between. Not modelled: low-swing wires, coupling between neighbours, the
flip-flop at the end of a link.
"""

import functools
from typing import Final

from accelsim.errors import CostError
from accelsim.hardware.sources.base import NOC_SOURCES, LinkFigures
from accelsim.hardware.sources.noc_dsent import Dsent
from accelsim.hardware.sources.sram_cacti7 import cacti_supply
from accelsim.hardware.sources.tables import read_table, require_choice

_STYLE: Final = "30% Overhead"
_TYPE: Final = "itrs-hp"
_TRANSITIONS: Final = 0.5
"""Of the bits of random data, per flit."""


@functools.cache
def wires() -> dict[int, tuple[float, float]]:
    """Return energy per bit transition and mm (pJ) and leakage per wire and mm (mW), by node."""
    rows = (row for row in read_table("wire_cacti7") if (row["style"], row["periph_type"]) == (_STYLE, _TYPE))
    columns = ("dynamic_energy_pj_per_bit_transition_mm", "leakage_mw_per_mm")
    return {int(row["tech_nm"]): (float(row[columns[0]]), float(row[columns[1]])) for row in rows}


@NOC_SOURCES.register("dsent-cacti7-wire")
class Cacti7Wire(Dsent):
    """DSENT's router and CACTI's wire."""

    def link(self, flit_bits: int, length_mm: float, node_nm: float) -> LinkFigures:  # noqa: D102 - documented by NocSource
        if flit_bits < 1 or length_mm < 0:
            raise CostError(f"link: expected at least 1 bit and 0 mm, got {flit_bits} bit and {length_mm:g} mm")
        require_choice("wire node, nm", node_nm, sorted(wires()))
        energy, leakage = wires()[int(node_nm)]
        size = flit_bits * length_mm
        source = f"CACTI 7 wire, {node_nm:g} nm {_TYPE}, {_STYLE.lower()}, {energy:g} pJ per bit transition and mm, "
        source += f"x {_TRANSITIONS} (random data), {flit_bits} bit, {length_mm:g} mm"
        return LinkFigures(size * energy * _TRANSITIONS, size * leakage, 0.0, source, cacti_supply(node_nm, _TYPE))
