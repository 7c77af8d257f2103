"""Tables of a run: samples, components, causes, steps, links."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accelsim.functional.decoding import predict
from accelsim.result.table import Table, table
from accelsim.timing.causes import CAUSE_TEXT, CAUSES

if TYPE_CHECKING:
    from accelsim.pipeline.flow import Run


def flit_hops(run: "Run") -> npt.NDArray[np.int64]:
    """Return flits over links between routers, (samples,)."""
    joined = run.mapping.fabric.link_router >= 0
    return np.asarray(run.timing.links[:, joined].sum(axis=1), dtype=np.int64)


def spikes(run: "Run") -> npt.NDArray[np.int64]:
    """Return spikes of all populations but the input, (samples,)."""
    populations = run.workload.network.populations
    own = [name for name, item in populations.items() if item.model is not None and item.model.spiking]
    total = np.zeros(run.trace.samples, dtype=np.int64)
    for name in own:
        total += run.trace.spikes(name).sum(axis=1)
    return total


def samples_table(run: "Run") -> Table:
    """Return one row per sample."""
    timing, load = run.timing, run.workload
    predicted = predict(run.trace, load.decoding)
    label = np.full(run.trace.samples, -1) if load.labels is None else load.labels
    split = run.energy.total()
    counts = timing.terminals
    return table(
        "samples",
        ("sample", "", "Position in the workload's input", np.arange(run.trace.samples)),
        ("label", "", "True class, -1 where unknown", label),
        ("prediction", "", f"Predicted class, decoding {load.decoding}", predicted),
        ("correct", "", "Whether prediction and label agree", predicted == label),
        (
            "latency_cycles",
            "cycle",
            "First input flit accepted to last output processed, depth steps included",
            timing.latency,
        ),
        ("latency_ns", "ns", "latency_cycles / clock", timing.latency / run.chip.spec.clock),
        ("total_cycles", "cycle", "All steps with their barriers", timing.step_cycles.sum(axis=1)),
        ("input_events", "", "Events that the ports sent", run.trace.spikes(load.network.input.name).sum(axis=1)),
        ("spikes", "", "Spikes of all populations but the input", spikes(run)),
        ("sops", "", "Synaptic operations: non-zero weights added to an accumulator", counts["sops"].sum(axis=1)),
        ("sops_issued", "", "Lane slots filled, stored zeros included", counts["issued"].sum(axis=1)),
        ("neuron_updates", "", "Neurons visited by neuron engines", _updates(run)),
        ("packets", "", "Packets injected", counts["packets_out"].sum(axis=1)),
        ("flit_hops", "", "Flits over links between routers", flit_hops(run)),
        ("energy_pj", "pJ", "Dynamic and static energy", split.total),
        ("energy_dynamic_pj", "pJ", "Counts x prices", split.dynamic),
        ("energy_static_pj", "pJ", "Leakage x time", split.static),
    )


def _updates(run: "Run") -> npt.NDArray[np.int64]:
    cores = [
        at for at, index in enumerate(run.timing.part_order) if run.mapping.parts[index].terminal < run.mapping.cores
    ]
    return np.asarray(run.timing.scans["visited"][:, cores].sum(axis=1), dtype=np.int64)


def components_table(run: "Run") -> Table:
    """Return energy per inference by kind of component, mean over samples."""
    by_kind, area = run.energy.by_kind(), run.area
    return table(
        "components",
        ("component", "", "Kind of component", [kind.replace("_", " ") for kind in by_kind]),
        (
            "dynamic_pj",
            "pJ",
            "Counts x prices per inference",
            [float(item.dynamic.mean()) for item in by_kind.values()],
        ),
        ("static_pj", "pJ", "Leakage x time per inference", [float(item.static.mean()) for item in by_kind.values()]),
        ("area_mm2", "mm2", "Area of all instances, NaN where not known", [area.get(kind, np.nan) for kind in by_kind]),
    )


def causes_table(run: "Run") -> Table:
    """Return where the cycles of a sample went, mean over samples."""
    cycles = run.timing.causes.sum(axis=1).mean(axis=0)
    return table(
        "causes",
        ("cause", "", "What the critical terminal did or waited for", [name.replace("_", " ") for name in CAUSES]),
        ("cycles", "cycle", "Cycles per inference, all steps", cycles),
        ("share", "", "Share of all cycles", cycles / max(1.0, cycles.sum())),
        ("meaning", "", "In words", [CAUSE_TEXT[name] for name in CAUSES]),
    )


def steps_table(run: "Run") -> Table:
    """Return one row per hardware step, means over samples."""
    causes = run.timing.causes.mean(axis=0)
    columns = [(f"{name}_cycles", "cycle", CAUSE_TEXT[name], causes[:, at]) for at, name in enumerate(CAUSES)]
    return table(
        "steps",
        ("step", "", "Hardware step", np.arange(len(causes))),
        ("cycles", "cycle", "Cycles with drain and barrier", causes.sum(axis=1)),
        *columns,
    )


def links_table(run: "Run") -> Table:
    """Return one row per link between routers, means over samples."""
    fabric, timing = run.mapping.fabric, run.timing
    router, port = np.nonzero(fabric.link_router >= 0)
    place = np.array([fabric.topology.position(index) for index in range(fabric.routers)]).reshape(-1, 2)
    behind = fabric.link_router[router, port]
    flits = timing.links[:, router, port].mean(axis=0)
    return table(
        "links",
        ("from_x", "", "Column of the sending router", place[router, 0].astype(np.int64)),
        ("from_y", "", "Row of the sending router", place[router, 1].astype(np.int64)),
        ("to_x", "", "Column of the receiving router", place[behind, 0].astype(np.int64)),
        ("to_y", "", "Row of the receiving router", place[behind, 1].astype(np.int64)),
        ("flits", "", "Flits per inference", flits),
        (
            "load",
            "flit/cycle",
            "Flits per cycle of an inference",
            flits / max(1.0, timing.step_cycles.sum(axis=1).mean()),
        ),
    )
