"""DSENT's routers and links at nodes that DSENT has no model of: 45 nm moved to the node, and said so.

Energies by Stillmaker and Baas' factors (:mod:`accelsim.hardware.sources.scaling`) from 45 nm, areas by theirs; leakage
is that of 45 nm, unscaled, because it follows no node law. Nodes above 45 and up to 90 nm; at the others it is DSENT.
"""

from dataclasses import replace
from typing import Final

from accelsim.errors import CostError
from accelsim.hardware.sources.base import NOC_SOURCES, LinkFigures, RouterFigures
from accelsim.hardware.sources.noc_dsent import Dsent
from accelsim.hardware.sources.scaling import area_ratio, node_supply, scaled

_FROM: Final = 45
_ENERGIES: Final = ("buffer_write_pj", "buffer_read_pj", "crossbar_pj", "arbitration_pj", "clock_pj_per_cycle")


@NOC_SOURCES.register("dsent-scaled")
class DsentScaled(Dsent):
    """DSENT up to 45 nm; 45 nm scaled above."""

    def router(  # noqa: D102 - documented by NocSource
        self, ports: int, flit_bits: int, vcs: int, buffer_flits: int, node_nm: float
    ) -> RouterFigures:
        if node_nm <= _FROM:
            return super().router(ports, flit_bits, vcs, buffer_flits, node_nm)
        one = super().router(ports, flit_bits, vcs, buffer_flits, _FROM)
        energies = {name: scaled(getattr(one, name), _FROM, node_nm)[0] for name in _ENERGIES}
        moved = {"area_mm2": _area(one.area_mm2, node_nm), "supply_v": node_supply(node_nm)}
        return replace(one, **energies, **moved, source=one.source + _words(node_nm))

    def link(self, flit_bits: int, length_mm: float, node_nm: float) -> LinkFigures:  # noqa: D102 - documented by NocSource
        if node_nm <= _FROM:
            return super().link(flit_bits, length_mm, node_nm)
        one = super().link(flit_bits, length_mm, _FROM)
        energy = scaled(one.energy_pj, _FROM, node_nm)[0]
        area = _area(one.area_mm2, node_nm)
        words, supply = one.source + _words(node_nm), node_supply(node_nm)
        return replace(one, energy_pj=energy, area_mm2=area, source=words, supply_v=supply)


def _area(area: float, node_nm: float) -> float:
    return area * area_ratio(_FROM, node_nm)[0]


def _words(node_nm: float) -> str:
    _, how = scaled(1.0, _FROM, node_nm)
    if not how:
        raise CostError(f"node scaling: expected a node above {_FROM} nm, got {node_nm:g} nm")
    return f"; energies{how.removeprefix(',')}, leakage unscaled"
