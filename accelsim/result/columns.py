"""The columns that every result has, table by table: the contract between pipeline, reports and files.

A table may carry more columns. Endings have a meaning that reports rely on: ``_cycles`` in ``layers``
(cycles that the layer kept one engine busy, or lost to one cause), ``_utilisation`` and ``_occupation`` in ``cores``
(fractions of 1). In ``steps``, ``_cycles`` ends a cause of the critical path, ``stall_`` begins a stall summed over the
chip.
"""

from collections.abc import Mapping
from typing import Final

from accelsim.result.table import Table

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "samples": (
        "label",
        "prediction",
        "correct",
        "latency_cycles",
        "latency_ns",
        "spikes",
        "sops",
        "sops_issued",
        "packets",
        "flit_hops",
        "energy_pj",
        "energy_dynamic_pj",
        "energy_static_pj",
    ),
    "layers": (
        "layer",
        "neurons",
        "depth",
        "cores",
        "spikes",
        "firing_rate",
        "sops",
        "sops_issued",
        "packets",
        "updates",
        "energy_pj",
        "synapse_cycles",
        "scan_cycles",
    ),
    "cores": (
        "core",
        "x",
        "y",
        "layers",
        "neurons",
        "synapse_utilisation",
        "neuron_utilisation",
        "packets",
        "energy_pj",
    ),
    "components": ("component", "dynamic_pj", "static_pj"),
    "causes": ("cause", "cycles", "share"),
    "steps": ("step", "cycles"),
    "links": ("from_x", "from_y", "to_x", "to_y", "flits", "load"),
    "routers": ("router", "x", "y", "ports", "flits", "stall_vc", "stall_switch", "stall_credit", "stall_ejection"),
    "activity": ("layer", "timestep", "timesteps", "spikes"),
    "raster": ("layer", "neuron", "timestep"),
    "prices": ("component", "action", "count", "price_pj", "energy_pj", "source"),
    "parameters": ("path", "value", "place"),
    "analytic": ("model", "source", "snn_pj", "ann_pj", "ratio"),
    "baseline_layers": ("layer", "cycles", "energy_pj"),
    "baseline_components": ("component", "dynamic_pj", "static_pj"),
    "baselines": (
        "baseline",
        "description",
        "dataflow",
        "energy_pj",
        "energy_static_pj",
        "energy_first_pj",
        "latency_ns",
        "latency_first_ns",
        "energy_delay",
        "accuracy",
        "fairest",
    ),
}
"""Required columns by table, as :meth:`accelsim.result.run_result.RunResult.tables` names them."""

DERIVED: Final = ("classes", "confusion")
"""Tables that are written but not stored: :meth:`accelsim.result.run_result.RunResult.derived_tables`."""


def missing_columns(tables: Mapping[str, Table]) -> list[str]:
    """Return one line for every required table or column that is absent, empty where the tables are complete."""
    problems = []
    for name, required in REQUIRED.items():
        if name not in tables:
            problems.append(f"table {name}: missing")
            continue
        absent = [column for column in required if column not in tables[name].names]
        if absent:
            problems.append(f"table {name}: no column {', '.join(absent)}; it has {', '.join(tables[name].names)}")
    return problems
