"""Headline numbers of a run."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accelsim.costs.analytic import zeta
from accelsim.costs.parts import DRAM
from accelsim.errors import CostError
from accelsim.functional.decoding import accuracy, predict
from accelsim.pipeline.tables import flit_hops, samples_table
from accelsim.result.run_result import Quantity

if TYPE_CHECKING:
    from accelsim.pipeline.flow import Run


def _spread(values: npt.NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def totals(run: "Run") -> dict[str, Quantity]:
    """Return the totals by name; see :class:`accelsim.result.run_result.RunResult`."""
    timing, load, clock = run.timing, run.workload, run.chip.spec.clock
    split = run.energy.total()
    counts = samples_table(run)
    mean = {
        name: float(counts[name].mean())
        for name in ("input_events", "spikes", "sops", "sops_issued", "neuron_updates", "packets", "tokens")
    }
    energy, latency = float(split.total.mean()), float(timing.latency.mean()) / clock
    stalls = {
        name: float(timing.routers[name].sum(axis=1).mean())
        for name in ("stall_vc", "stall_switch", "stall_credit", "stall_ejection")
    }
    own = timing.terminals
    numbers = {
        "latency_cycles": (
            float(timing.latency.mean()),
            "cycle",
            "first input flit accepted to last output processed, mean",
        ),
        "latency": (latency, "ns", "latency_cycles / clock, mean"),
        "latency_std": (_spread(timing.latency / clock), "ns", "standard deviation of the latency over samples"),
        "steps": (
            float(timing.step_cycles.shape[1]),
            "",
            "hardware steps of a sample: timesteps + depth of the deepest population",
        ),
        "throughput_interval_cycles": (
            float(timing.step_cycles.sum(axis=1).mean()),
            "cycle",
            "cycles between samples that run one after the other",
        ),
        **_throughput(run),
        "input_events": (mean["input_events"], "", "events that the ports sent, mean"),
        "spikes": (mean["spikes"], "", "spikes of all populations but the input, mean"),
        "sops": (mean["sops"], "", "non-zero weights added to an accumulator, mean"),
        "sops_issued": (mean["sops_issued"], "", "lane slots filled, stored zeros included, mean"),
        "packets": (mean["packets"], "", "packets injected, mean"),
        "tokens": (mean["tokens"], "", "tokens without a barrier, or messages of one, mean"),
        "flit_hops": (float(flit_hops(run).mean()), "", "flits over links between routers, mean"),
        "neuron_updates": (mean["neuron_updates"], "", "neurons visited by neuron engines, mean"),
        "energy_per_inference": (energy, "pJ", "dynamic and static energy, weights resident, mean"),
        "energy_dynamic": (float(split.dynamic.mean()), "pJ", "counts x prices, mean"),
        "energy_static": (float(split.static.mean()), "pJ", "leakage x time, mean"),
        "energy_std": (_spread(split.total), "pJ", "standard deviation of the energy over samples"),
        "energy_dram_cold": (
            _cold(run),
            "pJ",
            "extra of the first inference: weights and tables fetched from DRAM, weights written",
        ),
        "energy_per_sop": (energy / mean["sops"] if mean["sops"] else 0.0, "pJ", "energy_per_inference / sops"),
        "power": (energy / max(float(run.time_ns.mean()), 1 / clock), "mW", "energy over the time of all steps"),
        "energy_delay": (energy * latency, "pJ*ns", "energy_per_inference x latency"),
        "cores_used": (float(len(run.mapping.used_cores)), "", "cores that hold neurons"),
        "cores_total": (float(run.mapping.cores), "", "cores of the chip"),
        "stall_fifo_full": (
            float(own["fifo_full"].sum(axis=1).mean()),
            "cycle",
            "neuron engines waiting for axon-out, summed over cores",
        ),
        "stall_injection_full": (
            float(own["injection_full"].sum(axis=1).mean()),
            "cycle",
            "axon-out waiting for the injection queue, summed over terminals",
        ),
        "stall_no_credit": (
            float(own["no_credit"].sum(axis=1).mean()),
            "cycle",
            "injection waiting for the router, summed over terminals",
        ),
        "stall_bank_conflict": (
            float(own["row_conflict"].sum(axis=1).mean()),
            "cycle",
            "synapse engines waiting for accumulator banks, summed over cores",
        ),
        "stall_synapse_fetch": (
            float(own["row_fetch"].sum(axis=1).mean()),
            "cycle",
            "synapse engines waiting for weights, summed over cores",
        ),
        "stall_router_vc": (stalls["stall_vc"], "cycle", "packets waiting for a virtual channel, summed over routers"),
        "stall_router_switch": (stalls["stall_switch"], "cycle", "flits that lost the switch, summed over routers"),
        "stall_router_credit": (
            stalls["stall_credit"],
            "cycle",
            "flits waiting for the next router's buffer, summed over routers",
        ),
        "stall_router_ejection": (
            stalls["stall_ejection"],
            "cycle",
            "flits waiting for a terminal's input queue, summed over routers",
        ),
    }
    numbers["zeta"] = (zeta(run.operations), "", "spikes per neuron and inference, weighted by multiply-accumulates")
    if run.area:
        text = "sum of memories, queues, arithmetic, control, routers and links of the whole chip"
        stated = run.chip.spec.energies is not None
        numbers["area"] = (sum(run.area.values()), "mm2", "as stated for the chip" if stated else text)
    if load.labels is not None:
        scored = accuracy(predict(run.trace, load.decoding), load.labels)
        numbers["accuracy"] = (scored.value, "", "share of right predictions")
        numbers["accuracy_low"] = (scored.low, "", "lower end of the Wilson 95 % interval")
        numbers["accuracy_high"] = (scored.high, "", "upper end of the Wilson 95 % interval")
    return {name: Quantity(*number) for name, number in numbers.items()}


def _throughput(run: "Run") -> dict[str, tuple[float, str, str]]:
    """Return how many samples a second takes, and how the machine's time compares with the network's."""
    timing, clock = run.timing, run.chip.spec.clock
    apart = float(timing.step_cycles.sum(axis=1).mean())
    how = "one after the other" if run.interval is None else "back to back"
    numbers = {}
    if run.interval is not None:
        apart = run.interval
        text = "cycles between samples back to back: the next one enters while the last one drains"
        numbers["interval_back_to_back_cycles"] = (apart, "cycle", text)
    numbers["samples_per_second"] = (clock * 1e9 / max(apart, 1.0), "1/s", f"samples {how}")
    passed = run.trace.timesteps * run.workload.network.dt * 1e9
    text = "time of the network's timesteps over the time of all steps"
    numbers["real_time_factor"] = (passed / max(float(run.time_ns.mean()), 1 / clock), "", text)
    if run.chip.spec.tick != "asap":
        late = float((timing.late > 0).sum(axis=1).mean())
        numbers["late_steps"] = (late, "", "steps that took longer than the tick, mean")
    return numbers


def _cold(run: "Run") -> float:
    """Return the energy of loading weights and tables from DRAM and storing them."""
    spec, mapping = run.chip.spec, run.mapping
    if (DRAM, "read") in run.counters.counts:
        return 0.0  # every inference loads its weights
    energy = 0.0
    for number, held in mapping.occupation.items():
        core, entries = mapping.layout.of(number), int(mapping.routing_entries[number])
        bits = held.synapse_words * core.synapse_memory.width
        bits += held.axons * core.axon_memory.entry_bits + entries * core.routing_memory.entry_bits
        energy += bits * spec.baseline.dram.energy
        write = run.prices.prices.get((f"core[{number}].synapse_memory", "write"))
        if write is None and spec.energies is None:
            raise CostError(f"no energy for core[{number}].synapse_memory.write")
        energy += held.synapse_words * write.energy_pj if write is not None else 0.0
    return float(energy)
