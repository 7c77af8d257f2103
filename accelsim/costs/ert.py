"""Export of a chip's prices as Accelergy energy and area reference tables (ERT, ART; version 0.4).

Energies are pJ, areas um2; ``leak`` is the leakage of one instance per cycle of the chip's clock. Tables are named
``CHIP.KIND`` with the number of instances as a range, those of the MAC array ``CHIP.baseline.KIND``. What reads such a
file back (``technology.ert``) gets the same energies bit for bit, and leakages to the last digit but one. I/O ports are
left out: their price stands in the hardware file itself.
"""

from collections.abc import Mapping
from typing import Any, Final

from accelsim.costs.adjust import BASELINE
from accelsim.costs.price_list import AREA, LEAKAGE, PriceLine
from accelsim.errors import CostError

VERSION: Final = 0.4


def energy_reference_table(
    chip: str, clock_ghz: float, lines: list[PriceLine], count: Mapping[str, int]
) -> dict[str, Any]:
    """Return the ERT of a list of prices as plain data.

    Parameters
    ----------
    chip : str
        Name of the chip.
    clock_ghz : float
        Turns leakage into energy per cycle.
    lines : list of PriceLine
    count : mapping of kind to number of instances
        Kinds that are absent count one.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    summary: dict[str, list[str]] = {}
    for line in lines:
        if line.unit == "mm2" or _is_port(line):
            continue
        energy = line.value / clock_ghz if line.action == LEAKAGE else line.value
        name = "leak" if line.action == LEAKAGE else line.action
        tables.setdefault(line.component, []).append({"name": name, "arguments": {}, "energy": energy})
        found = summary.setdefault(line.component, [])
        if line.source not in found:
            found.append(line.source)
    return {
        "ERT": {
            "version": VERSION,
            "tables": [{"name": _name(chip, kind, count), "actions": actions} for kind, actions in tables.items()],
        },
        "ERT_summary": {
            "version": VERSION,
            "table_summary": [
                {
                    "name": _name(chip, kind, count),
                    "primitive_estimation(s)": [{"name": kind, "estimator": source} for source in sources],
                }
                for kind, sources in summary.items()
            ],
        },
    }


def area_reference_table(chip: str, lines: list[PriceLine], count: Mapping[str, int]) -> dict[str, Any]:
    """Return the ART of a list of prices as plain data.

    Raises
    ------
    CostError
        If the list has no areas: the chip states its energies, or a source covers no area.
    """
    areas = [line for line in lines if line.action == AREA and not _is_port(line)]
    if all(line.component.startswith(BASELINE) for line in areas):
        raise CostError("area reference table: no source gives areas for this chip")
    tables = [{"name": _name(chip, line.component, count), "area": line.value * 1e6} for line in areas]
    return {"ART": {"version": VERSION, "tables": tables}}


def _is_port(line: PriceLine) -> bool:
    return line.component.startswith("port:") or line.component == "baseline.ports"


def _name(chip: str, kind: str, count: Mapping[str, int]) -> str:
    return f"{chip}.{kind}[1..{count.get(kind, 1)}]"
