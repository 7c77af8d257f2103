"""Storage made of flip-flops: queues, FIFOs, pipeline registers and memories too small for an SRAM macro.

Source: the 40 nm ``register_bit`` of Aladdin (Shao et al., ISCA 2014), 0.009 pJ per access of one bit with its clock,
7e-5 mW leakage, 5.98 um2. Energy is scaled to the node with :mod:`accelsim.hardware.sources.scaling` from 40 nm at an
assumed 0.9 V (Aladdin states no supply); leakage is taken unscaled, because it follows no node law; area with
Stillmaker and Baas' area factors.

Not modelled: address decoders, read multiplexers and clock trees of register files, and temperature (Aladdin states
none).
"""

import functools
from dataclasses import dataclass
from typing import Final

from accelsim.hardware.sources.base import Derivation, SramFigures
from accelsim.hardware.sources.scaling import area_ratio, node_supply, scaled
from accelsim.hardware.sources.tables import read_table

ALADDIN_NM: Final = 40


@dataclass(frozen=True)
class RegisterFigures:
    """One flip-flop.

    Attributes
    ----------
    access_pj : float
        One read or one write of one bit; also one clocked cycle of a pipeline bit, since clock and data are counted
        together.
    leakage_mw, area_mm2 : float
    source : str
    """

    access_pj: float
    leakage_mw: float
    area_mm2: float
    source: str


def aladdin_row(op: str) -> dict[str, str]:
    """Return the row of an Aladdin 40 nm unit, with the columns ``value`` (pJ), ``leakage_mw`` and ``area_um2``."""
    rows = (row for row in read_table("op_energy") if row["source"].startswith("Aladdin"))
    return next(row for row in rows if row["op"] == op)


@functools.cache
def register_figures(node_nm: float) -> RegisterFigures:
    """Return the figures of one flip-flop at a node; raise CostError outside 7..90 nm."""
    row = aladdin_row("register_bit")
    energy, how = scaled(float(row["value"]), ALADDIN_NM, node_nm)
    area, _ = area_ratio(ALADDIN_NM, node_nm)
    source = f"flip-flop: Aladdin 40 nm register_bit, 0.009 pJ/bit{how}; leakage 7e-5 mW/bit unscaled"
    return RegisterFigures(energy, float(row["leakage_mw"]), float(row["area_um2"]) * 1e-6 * area, source)


def register_memory(bits: float, width: float, node_nm: float) -> SramFigures:
    """Return a memory of ``bits`` flip-flops that is read and written ``width`` bits at a time."""
    one = register_figures(node_nm)
    access = width * one.access_pj
    leakage, area = bits * one.leakage_mw, bits * one.area_mm2
    return SramFigures(access, access, leakage, area, None, one.source, node_supply(node_nm))


def register_memory_derivation(figure: str, bits: float, width: float, node_nm: float) -> Derivation:
    """Return how a figure of :func:`register_memory` came about."""
    one, row = register_figures(node_nm), aladdin_row("register_bit")
    published = float(row["value"])
    text = {
        "read_pj": f"{width:g} * {published:g} * {one.access_pj / published:.12g}",
        "write_pj": f"{width:g} * {published:g} * {one.access_pj / published:.12g}",
        "leakage_mw": f"{bits:g} * {one.leakage_mw:g}",
        "area_mm2": f"{bits:g} * {one.area_mm2:.12g}",
    }
    return Derivation(text[figure], (f"Aladdin 40 nm register_bit: {published:g} pJ per bit", one.source))
