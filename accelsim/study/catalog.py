"""The totals that a result can have, with their units: what constraints, objectives and references may name.

No machine has all of them: an array has no packets, a workload without labels no accuracy.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from accelsim.errors import UnknownNameError
from accelsim.study.objectives import BASELINE, SHORT, Objective, full_name

_UNITS: Final[Mapping[str, str]] = {
    "accuracy": "", "accuracy_high": "", "accuracy_low": "", "area": "mm2", "cores_total": "", "cores_used": "",
    "energy_delay": "pJ*ns", "energy_dram": "pJ", "energy_dram_cold": "pJ", "energy_dynamic": "pJ",
    "energy_per_inference": "pJ", "energy_per_sop": "pJ", "energy_static": "pJ", "energy_std": "pJ", "flit_hops": "",
    "input_events": "", "interval_back_to_back_cycles": "cycle", "late_steps": "", "latency": "ns",
    "latency_cycles": "cycle", "latency_std": "ns", "neuron_updates": "", "packets": "", "power": "mW",
    "real_time_factor": "", "samples_per_second": "1/s", "sops": "", "sops_issued": "", "spikes": "",
    "stall_bank_conflict": "cycle", "stall_fifo_full": "cycle", "stall_injection_full": "cycle",
    "stall_no_credit": "cycle", "stall_router_credit": "cycle", "stall_router_ejection": "cycle",
    "stall_router_switch": "cycle", "stall_router_vc": "cycle", "stall_synapse_fetch": "cycle", "steps": "",
    "throughput_interval_cycles": "cycle", "tokens": "", "utilisation": "", "zeta": "",
}  # fmt: skip
_OF_BASELINE: Final = (
    "accuracy", "area", "energy_delay", "energy_dram_cold", "energy_dynamic", "energy_per_inference", "energy_static",
    "latency", "utilisation",
)  # fmt: skip
TOTALS: Final[Mapping[str, str]] = {
    **_UNITS, **{f"{BASELINE}{name}": _UNITS[name] for name in _OF_BASELINE}, f"{BASELINE}macs": "",
}  # fmt: skip
"""Canonical unit of every total, by name."""


def unit_of_total(name: str) -> str:
    """Return the canonical unit of a total, which may have a short name.

    Raises
    ------
    UnknownNameError
        With the totals that there are.
    """
    found = TOTALS.get(full_name(name))
    if found is None:
        raise UnknownNameError("total", name, [*SHORT, *TOTALS])
    return found


def require_totals(objectives: Iterable[Objective]) -> None:
    """Refuse an objective that is no total of any result.

    Raises
    ------
    UnknownNameError
        With the totals that there are.
    """
    for objective in objectives:
        unit_of_total(objective.name)
