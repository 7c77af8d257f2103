"""The result of a run: plain data, complete enough to be checked without the program that made it.

Energies are pJ, times ns, powers mW, as everywhere; per-sample tables keep every sample so that spread can be computed.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from accelsim.result.classes import classes_table, confusion_table
from accelsim.result.table import Table

OWN_TABLES: Final = (
    "samples", "layers", "cores", "components", "causes", "steps", "links", "routers", "activity", "raster", "prices",
    "parameters", "analytic",
)  # fmt: skip
"""Fields of a :class:`RunResult` that are tables."""


@dataclass(frozen=True)
class Quantity:
    """A headline number: value in its canonical unit, unit, definition."""

    value: float
    unit: str
    definition: str


@dataclass(frozen=True, eq=False)
class BaselineResult:
    """The same network as an ANN on the MAC array.

    Attributes
    ----------
    name : str
        Which ANN and which array.
    activations : str
        Where the activations come from, in words; assumptions are said here.
    totals : dict of str to Quantity
        ``energy_per_inference``, ``latency``, ``energy_dynamic``, ``energy_static``, ``energy_delay``, ``accuracy``,
        ``macs``, ``utilisation``, ``energy_dram_cold``, ``area``.
    layers : Table
        One row per layer: cycles, utilisation, words of every memory, energy.
    components : Table
        Columns ``component``, ``dynamic_pj``, ``static_pj``: energy per inference; ``area_mm2``.
    variants : Table
        One row per baseline: operand widths x treatment of zeros, the SNN on the array, the first under every other
        dataflow; the first is the one above.
    fairest, reason : str
        Which row of ``variants`` to compare with, and why.
    """

    name: str
    activations: str
    totals: dict[str, Quantity]
    layers: Table
    components: Table
    variants: Table
    fairest: str
    reason: str


@dataclass(frozen=True, eq=False)
class RunResult:
    """Everything that a run found.

    Attributes
    ----------
    meta : dict
        Versions, seeds, content hashes, command, engine, threads, wall time. Reports show ``version``, ``versions`` (by
        package), ``seed``, ``engine``, ``threads``, ``wall_time_s``, ``command`` and ``hashes`` (by what was hashed).
    config : dict
        Resolved hardware description.
    workload : dict
        Name, timesteps, encoding, decoding, network summary, importer's assumptions, provenance.
    totals : dict of str to Quantity
        Headline numbers, means over samples unless said otherwise; ``accuracy`` and its bounds only where
        samples have labels.
    samples : Table
        One row per sample: label, prediction, correct, latency_cycles, latency_ns, spikes, sops, sops_issued, packets,
        flit_hops, energy_pj, energy_dynamic_pj, energy_static_pj.
    layers : Table
        One row per population: layer, neurons, depth, cores, spikes, firing_rate, sops, sops_issued, packets, updates,
        energy_pj and the cycles that the layer was busy (``synapse_cycles``, ``scan_cycles``), means per sample.
    cores : Table
        One row per core: core, x, y, layers, neurons, utilisation of engines (``synapse_utilisation``,
        ``neuron_utilisation``), memory occupation (columns that end in ``_occupation``), packets, energy_pj.
    components : Table
        Columns ``component``, ``dynamic_pj``, ``static_pj``: energy per inference by kind of component.
    causes : Table
        Columns ``cause``, ``cycles``, ``share``: where the time of an inference went, summing to its cycles.
    steps : Table
        One row per hardware step (mean over samples): cycles, causes (columns that end in ``_cycles``), spikes,
        packets, and stalls summed over the chip (``stall_*``).
    links : Table
        One row per link: from_x, from_y, to_x, to_y, flits per sample, load (flits per cycle).
    routers : Table
        One row per router: router, x, y, I/O ports on it, flits, stalls.
    activity : Table
        Spikes per sample by layer and bin of timesteps: layer, timestep, timesteps, spikes.
    raster : Table
        Spikes of the first sample, thinned by neuron: layer, neuron, timestep.
    prices : Table
        One row per kind of component and action: count per inference, price, energy, expression, source. The action
        ``leakage`` counts cycles; energies of all rows add up to that of an inference.
    parameters : Table
        The hardware description value by value: path, value, place.
    baseline : BaselineResult
    analytic : Table
        Literature op-count models by name: ``model``, ``source``, ``snn_pj``, ``ann_pj``, ``ratio``.
    warnings : list of str
        What was approximated, assumed or saturated.
    """

    meta: dict[str, Any]
    config: dict[str, Any]
    workload: dict[str, Any]
    totals: dict[str, Quantity]
    samples: Table
    layers: Table
    cores: Table
    components: Table
    causes: Table
    steps: Table
    links: Table
    routers: Table
    activity: Table
    raster: Table
    prices: Table
    parameters: Table
    baseline: BaselineResult
    analytic: Table
    warnings: list[str] = field(default_factory=list)

    def tables(self) -> dict[str, Table]:
        """Return every table by name, the baseline's with a prefix."""
        named: dict[str, Table] = {name: getattr(self, name) for name in OWN_TABLES}
        named["baseline_layers"] = self.baseline.layers
        named["baseline_components"] = self.baseline.components
        named["baselines"] = self.baseline.variants
        return named

    def derived_tables(self) -> dict[str, Table]:
        """Return the tables that follow from the samples, by name: ``classes`` and ``confusion``."""
        outcome = (self.samples["label"], self.samples["prediction"])
        return {"classes": classes_table(*outcome), "confusion": confusion_table(*outcome)}
