"""Tables of a run on a layer-serial array, in the shape of those of a chip; what an array does not have is empty."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accelsim.costs.analytic import zeta
from accelsim.functional.decoding import accuracy, predict
from accelsim.pearray.prices import DRAM
from accelsim.pearray.traffic import CAUSES
from accelsim.result.run_result import Quantity
from accelsim.result.table import Table, table

if TYPE_CHECKING:
    from accelsim.pipeline.array_flow import ArrayRun

Floats = npt.NDArray[np.float64]

_MEANING = {
    "elements": "products in the elements, at the pace of the dataflow",
    "dram": "waiting for weights, input or spilled spikes from DRAM",
    "buffers": "waiting for the busiest buffer",
    "neurons": "neuron updates that do not run behind the sums",
}


def _spread(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def totals(run: "ArrayRun") -> dict[str, Quantity]:
    """Return the headline numbers, under the names that a chip's have."""
    split, load, clock = run.energy.total(), run.workload, run.chip.spec.clock
    cycles = run.timing.total.astype(np.float64)
    energy, latency = float(split.total.mean()), float(cycles.mean()) / clock
    sops, issued = float(run.timing.sops.sum(axis=1).mean()), float(run.timing.issued.sum(axis=1).mean())
    samples = samples_table(run)
    dram = run.energy.actions.get((DRAM, "bit"), np.zeros(run.trace.samples))
    size = run.chip.spec.elements.rows * run.chip.spec.elements.columns
    numbers = {
        "latency_cycles": (float(cycles.mean()), "cycle", "all layers one after the other, mean"),
        "latency": (latency, "ns", "latency_cycles / clock, mean"),
        "latency_std": (_spread(cycles / clock), "ns", "standard deviation of the latency over samples"),
        "throughput_interval_cycles": (float(cycles.mean()), "cycle", "cycles between samples one after the other"),
        "input_events": (float(samples["input_events"].mean()), "", "events of the input, mean"),
        "spikes": (float(samples["spikes"].mean()), "", "spikes of all populations but the input, mean"),
        "sops": (sops, "", "non-zero weights that a spike met, mean"),
        "sops_issued": (issued, "", "additions of the elements: stored zeros and sums of sums included, mean"),
        "neuron_updates": (float(samples["neuron_updates"].mean()), "", "neurons updated, mean"),
        "energy_per_inference": (energy, "pJ", "dynamic and static energy, weights fetched in every inference, mean"),
        "energy_dynamic": (float(split.dynamic.mean()), "pJ", "counts x prices, mean"),
        "energy_static": (float(split.static.mean()), "pJ", "leakage x time, mean"),
        "energy_std": (_spread(split.total), "pJ", "standard deviation of the energy over samples"),
        "energy_dram": (float(dram.mean()), "pJ", "of it in DRAM, mean"),
        "energy_dram_cold": (0.0, "pJ", "nothing is resident: every inference fetches its weights"),
        "energy_per_sop": (energy / sops if sops else 0.0, "pJ", "energy_per_inference / sops"),
        "power": (energy / max(latency, 1 / clock), "mW", "energy over latency"),
        "energy_delay": (energy * latency, "pJ*ns", "energy_per_inference x latency"),
        "utilisation": (issued / max(1.0, float(cycles.mean()) * size), "", "additions over cycles x elements, mean"),
        "area": (sum(run.area.values()), "mm2", "sum of elements, scratchpads, buffers and neuron units, no wiring"),
        "zeta": (zeta(run.operations), "", "spikes per neuron and inference, weighted by multiply-accumulates"),
    }
    if not run.area:
        del numbers["area"]
    if load.labels is not None:
        scored = accuracy(predict(run.trace, load.decoding), load.labels)
        numbers["accuracy"] = (scored.value, "", "share of right predictions")
        numbers["accuracy_low"] = (scored.low, "", "lower end of the Wilson 95 % interval")
        numbers["accuracy_high"] = (scored.high, "", "upper end of the Wilson 95 % interval")
    return {name: Quantity(*number) for name, number in numbers.items()}


def _spikes(run: "ArrayRun") -> npt.NDArray[np.int64]:
    total = np.zeros(run.trace.samples, dtype=np.int64)
    for name, item in run.workload.network.populations.items():
        if item.model is not None and item.model.spiking:
            total += run.trace.spikes(name).sum(axis=1)
    return total


def samples_table(run: "ArrayRun") -> Table:
    """Return one row per sample."""
    load, split, cycles = run.workload, run.energy.total(), run.timing.total
    predicted = predict(run.trace, load.decoding)
    label = np.full(run.trace.samples, -1) if load.labels is None else load.labels
    updates = load.network.neurons * run.trace.timesteps
    nothing = np.zeros(run.trace.samples, dtype=np.int64)
    return table(
        "samples",
        ("sample", "", "Position in the workload's input", np.arange(run.trace.samples)),
        ("label", "", "True class, -1 where unknown", label),
        ("prediction", "", f"Predicted class, decoding {load.decoding}", predicted),
        ("correct", "", "Whether prediction and label agree", predicted == label),
        ("latency_cycles", "cycle", "All layers one after the other", cycles),
        ("latency_ns", "ns", "latency_cycles / clock", cycles / run.chip.spec.clock),
        ("total_cycles", "cycle", "All layers one after the other", cycles),
        ("input_events", "", "Events of the input", run.trace.spikes(load.network.input.name).sum(axis=1)),
        ("spikes", "", "Spikes of all populations but the input", _spikes(run)),
        ("sops", "", "Non-zero weights that a spike met", run.timing.sops.sum(axis=1)),
        ("sops_issued", "", "Additions of the elements, stored zeros included", run.timing.issued.sum(axis=1)),
        ("neuron_updates", "", "Neurons updated", np.full(run.trace.samples, updates)),
        ("packets", "", "None: an array has no network", nothing),
        ("flit_hops", "", "None: an array has no network", nothing),
        ("energy_pj", "pJ", "Dynamic and static energy", split.total),
        ("energy_dynamic_pj", "pJ", "Counts x prices", split.dynamic),
        ("energy_static_pj", "pJ", "Leakage x time", split.static),
    )


def layers_table(run: "ArrayRun") -> Table:
    """Return one row per population, the input first; means over samples. Leakage goes with the cycles."""
    network, timing = run.workload.network, run.timing
    names = list(network.populations)
    place = {name: at for at, name in enumerate(timing.populations)}
    sizes = np.array([network.populations[name].size for name in names])
    spikes = np.array([float(run.trace.spikes(name).sum(axis=1).mean()) for name in names])
    by_layer = timing.cycles.sum(axis=2).astype(np.float64)
    share = by_layer / np.maximum(by_layer.sum(axis=1, keepdims=True), 1)
    energy = share * run.energy.total().static[:, None]
    for key, count in timing.counts.items():
        energy = energy + count * run.prices.prices[key].energy_pj
    dram = timing.counts.get((DRAM, "bit"), np.zeros_like(timing.sops))

    def column(values: npt.NDArray[np.generic]) -> list[float]:
        mean = np.asarray(values, dtype=np.float64).mean(axis=0)
        return [float(mean[place[name]]) if name in place else 0.0 for name in names]

    spiking = [network.populations[name].model is not None for name in names]
    return table(
        "layers",
        ("layer", "", "Population", names),
        ("neurons", "", "Neurons", sizes),
        ("depth", "", "Projections on the longest path to it", [network.depth[name] for name in names]),
        ("cores", "", "1: the array runs one layer at a time; 0: the input", [int(item) for item in spiking]),
        ("spikes", "", "Spikes per inference", spikes),
        ("firing_rate", "", "Spikes per neuron and timestep", spikes / np.maximum(sizes * run.trace.timesteps, 1)),
        ("sops", "", "Non-zero weights that a spike met", column(timing.sops)),
        ("sops_issued", "", "Additions of the elements, stored zeros included", column(timing.issued)),
        ("packets", "", "None: an array has no network", np.zeros(len(names))),
        ("updates", "", "Neurons updated", sizes * run.trace.timesteps * np.array(spiking)),
        ("scan_cycles", "cycle", "Neuron updates that do not run behind the sums", column(timing.cycles[:, :, 3])),
        ("synapse_cycles", "cycle", "Elements", column(timing.cycles[:, :, 0])),
        ("dram_wait_cycles", "cycle", "Waiting for DRAM", column(timing.cycles[:, :, 1])),
        ("buffer_wait_cycles", "cycle", "Waiting for a buffer", column(timing.cycles[:, :, 2])),
        ("dram_bits", "bit", "Moved to and from DRAM", column(dram)),
        ("energy_pj", "pJ", "Dynamic energy, and leakage while the layer runs", column(energy)),
    )


def components_table(run: "ArrayRun") -> Table:
    """Return energy per inference by component, mean over samples."""
    parts = run.energy.by_kind()
    return table(
        "components",
        ("component", "", "Component", [name.replace("_", " ") for name in parts]),
        ("dynamic_pj", "pJ", "Counts x prices per inference", [float(item.dynamic.mean()) for item in parts.values()]),
        ("static_pj", "pJ", "Leakage x time per inference", [float(item.static.mean()) for item in parts.values()]),
        ("area_mm2", "mm2", "Area of the whole component, NaN where no source has it",
         [run.area.get(name, np.nan) for name in parts]),
    )  # fmt: skip


def causes_table(run: "ArrayRun") -> Table:
    """Return where the cycles of a sample went, mean over samples."""
    cycles = run.timing.cycles.sum(axis=1).mean(axis=0)
    return table(
        "causes",
        ("cause", "", "What the layers did or waited for", list(CAUSES)),
        ("cycles", "cycle", "Cycles per inference, all layers", cycles),
        ("share", "", "Share of all cycles", cycles / max(1.0, cycles.sum())),
        ("meaning", "", "In words", [_MEANING[name] for name in CAUSES]),
    )


def _empty(name: str, *columns: str) -> Table:
    return table(name, *((column, "", "None: an array has none", np.empty(0, np.int64)) for column in columns))


def cores_table() -> Table:
    """Return a table of no cores."""
    numbers = ("core", "x", "y", "neurons", "synapse_utilisation", "neuron_utilisation", "packets", "energy_pj")
    return _empty("cores", *numbers, "layers")


def steps_table() -> Table:
    """Return a table of no hardware steps: layers run to their end."""
    return _empty("steps", "step", "cycles")


def links_table() -> Table:
    """Return a table of no links."""
    return _empty("links", "from_x", "from_y", "to_x", "to_y", "flits", "load")


def routers_table() -> Table:
    """Return a table of no routers."""
    stalls = ("stall_vc", "stall_switch", "stall_credit", "stall_ejection")
    return _empty("routers", "router", "x", "y", "ports", "flits", *stalls)
