"""Tables of a run: samples, components, causes, steps, links, routers."""

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from accelsim.functional.decoding import predict
from accelsim.pipeline.states import component_columns
from accelsim.result.table import Table, table
from accelsim.timing.bounds import BOUNDS
from accelsim.timing.causes import BOUND_OF, CAUSE_TEXT, CAUSES

if TYPE_CHECKING:
    from accelsim.pipeline.flow import Run

STALLS: Final = {
    "fifo_full": ("stall_fifo_full", "Neuron engines waiting for axon-out"),
    "injection_full": ("stall_injection_full", "Axon-out waiting for the injection queue"),
    "no_credit": ("stall_no_credit", "Injection waiting for the router"),
    "row_conflict": ("stall_bank_conflict", "Synapse engines waiting for accumulator banks"),
    "row_fetch": ("stall_synapse_fetch", "Synapse engines waiting for weights"),
}
"""Counts of a terminal that are lost cycles, by the name that they have in results."""
ROUTER_STALLS: Final = {
    "stall_vc": ("stall_router_vc", "Packets waiting for a virtual channel"),
    "stall_switch": ("stall_router_switch", "Flits that lost the switch"),
    "stall_credit": ("stall_router_credit", "Flits waiting for the next router's buffer"),
    "stall_ejection": ("stall_router_ejection", "Flits waiting for a terminal's input queue"),
}
"""The same of a router."""


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
        ("tokens", "", "Tokens without a barrier, or messages of one", counts["tokens_out"].sum(axis=1)),
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
        *component_columns(run, by_kind),
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
    """Return one row per hardware step, means over samples: its causes sum to its cycles, its stalls to the totals."""
    timing, samples = run.timing, run.trace.samples
    causes = timing.causes.mean(axis=0)
    columns = [(f"{name}_cycles", "cycle", CAUSE_TEXT[name], causes[:, at]) for at, name in enumerate(CAUSES)]
    group = np.array([BOUNDS.index(BOUND_OF.get(name, BOUNDS[-1])) for name in CAUSES])
    split = np.stack([causes[:, group == at].sum(axis=1) for at in range(len(BOUNDS))], axis=1)
    bound = [BOUNDS[at] for at in split.argmax(axis=1)]
    columns += [
        (name, unit, text, timing.step_terminals[field] / samples)
        for field, name, unit, text in (
            ("fired", "fired", "", "Neurons that fired and events that ports took"),
            ("packets_out", "packets", "", "Packets injected"),
            ("sops", "sops", "", "Synaptic operations"),
        )
    ]
    columns += [
        (name, "cycle", f"{text}, summed over the chip", timing.step_terminals[field] / samples)
        for field, (name, text) in STALLS.items()
    ]
    columns += [
        (name, "cycle", f"{text}, summed over the chip", timing.step_routers[field] / samples)
        for field, (name, text) in ROUTER_STALLS.items()
    ]
    return table(
        "steps",
        ("step", "", "Hardware step", np.arange(len(causes))),
        ("cycles", "cycle", "Cycles with drain and barrier", causes.sum(axis=1)),
        *columns,
        ("bound", "", "What took most of it: compute, memory, traffic or barrier, by its causes", bound),
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


def routers_table(run: "Run") -> Table:
    """Return one row per router, means over samples."""
    fabric, counts = run.mapping.fabric, run.timing.routers
    place = np.array([fabric.topology.position(index) for index in range(fabric.routers)]).reshape(-1, 2)
    ports: list[list[str]] = [[] for _ in range(fabric.routers)]
    for at, port in enumerate(run.chip.spec.ports):
        ports[int(fabric.terminal_router[run.mapping.cores + at])].append(port.name)
    stalls = [
        (field, "cycle", f"{text}, per inference", counts[field].mean(axis=0))
        for field, (_, text) in ROUTER_STALLS.items()
    ]
    return table(
        "routers",
        ("router", "", "Number", np.arange(fabric.routers)),
        ("x", "", "Column", place[:, 0]),
        ("y", "", "Row", place[:, 1]),
        ("ports", "", "I/O ports on it", np.array([", ".join(names) for names in ports], np.str_)),
        ("flits", "", "Flits through it per inference", counts["flits"].mean(axis=0)),
        *stalls,
    )
