"""A run by layer and by core.

A core's energy belongs to the layers that it holds, in proportion to their neurons; the energy of routers and links
to the layer that sent the flits, in proportion to flits x routers passed; the energy of ports to the input and output
layers. What belongs to no layer (cores without neurons that leak, a network without packets) is spread in proportion.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accelsim.costs.counting import packets_sent, synaptic_operations
from accelsim.costs.parts import network_kinds
from accelsim.mapping.demand import room_of
from accelsim.pipeline.states import core_columns
from accelsim.result.table import Table, table

if TYPE_CHECKING:
    from accelsim.pipeline.flow import Run

Floats = npt.NDArray[np.float64]


def _shares(run: "Run") -> dict[str, Floats]:
    """Return, by population, the fraction of every terminal's neurons that belongs to it, (terminals,)."""
    held = {name: np.zeros(run.mapping.fabric.terminals) for name in run.workload.network.populations}
    for part in run.mapping.parts:
        held[part.population][part.terminal] += len(part.neurons)
    total = np.maximum(sum(held.values()), 1)
    return {name: item / total for name, item in held.items()}


def _packets(run: "Run") -> tuple[dict[str, float], dict[str, float]]:
    """Return packets, and flits x routers passed, by the population that sent them; means over samples."""
    mapping, trace = run.mapping, run.trace
    entries, work = mapping.packets_per_spike(), mapping.flits_per_spike()
    packets, passed = {}, {}
    for name in trace.populations:
        if mapping.load_target is not None and name == run.workload.network.input.name:
            bits = trace.populations[mapping.load_target].touched[:: trace.timesteps]
            size = run.workload.network.populations[mapping.load_target].size
            neurons = mapping.offsets[name] + np.nonzero(np.unpackbits(bits, axis=1, count=size))[1]
            sent, moved = entries[neurons].sum(), work[neurons].sum()
        else:
            sent, moved = (packets_sent(mapping, trace, name, weight).sum() for weight in (entries, work))
        packets[name], passed[name] = float(sent) / trace.samples, float(moved) / trace.samples
    return packets, passed


def layers_table(run: "Run") -> Table:
    """Return one row per population, the input first; means over samples."""
    network, timing, mapping = run.workload.network, run.timing, run.mapping
    names, shares = list(network.populations), _shares(run)
    operations = synaptic_operations(network, mapping, run.trace)
    packets, passed = _packets(run)
    spikes = [float(run.trace.spikes(name).sum(axis=1).mean()) for name in names]
    sizes = np.array([network.populations[name].size for name in names])
    rate = np.array(spikes) / np.maximum(sizes, 1)
    sops = [
        sum(float(operations[edge.name].mean()) for edge in network.incoming(name) if edge.name in operations)
        for name in names
    ]
    mean = {name: timing.terminals[name].mean(axis=0) for name in ("issued", "row_cycles", "row_conflict", "fifo_full")}
    scans = {field: _by_layer(run, names, field) for field in ("visited", "cycles")}
    scans = {field: [0.0 if at == 0 else value for at, value in enumerate(values)] for field, values in scans.items()}
    cores = [
        len({part.terminal for part in mapping.parts if part.population == name and part.terminal < mapping.cores})
        for name in names
    ]

    def by_share(counts: Floats, *, cores_only: bool = True) -> list[float]:
        end = mapping.cores if cores_only else None
        return [float(shares[name][:end] @ counts[:end]) for name in names]

    return table(
        "layers",
        ("layer", "", "Population", names),
        ("neurons", "", "Neurons", sizes),
        ("depth", "", "Projections without delay on the longest path to it", [network.depth[name] for name in names]),
        ("cores", "", "Cores that hold a part of it", cores),
        ("spikes", "", "Spikes (events of the input) per inference", spikes),
        ("firing_rate", "", "Spikes per neuron and timestep", rate / run.trace.timesteps),
        ("sops", "", "Synaptic operations into the layer", sops),
        ("sops_issued", "", "Lane slots filled in its cores, stored zeros included", by_share(mean["issued"])),
        ("packets", "", "Packets that it sent", [packets[name] for name in names]),
        ("updates", "", "Neurons visited", scans["visited"]),
        ("energy_pj", "pJ", "Energy per inference, attributed as the module says", _energy(run, names, shares, passed)),
        (
            "synapse_cycles",
            "cycle",
            "Busy cycles of its cores' synapse engines, without conflicts",
            by_share(mean["row_cycles"] - mean["row_conflict"]),
        ),
        ("bank_conflict_cycles", "cycle", "Cycles lost to accumulator banks", by_share(mean["row_conflict"])),
        ("scan_cycles", "cycle", "Busy cycles of its cores' neuron engines", scans["cycles"]),
        ("fifo_full_cycles", "cycle", "Cycles its neuron engines waited for axon-out", by_share(mean["fifo_full"])),
    )


def _by_layer(run: "Run", names: list[str], field: str) -> list[float]:
    total = dict.fromkeys(names, 0.0)
    for column, index in enumerate(run.timing.part_order):
        total[run.mapping.parts[index].population] += float(run.timing.scans[field][:, column].mean())
    return [total[name] for name in names]


def _energy(run: "Run", names: list[str], shares: dict[str, Floats], passed: dict[str, float]) -> list[float]:
    by_core = {core: float(split.total.mean()) for core, split in run.energy.by_core().items()}
    core = np.array([by_core.get(f"core[{index}]", 0.0) for index in range(run.mapping.cores)])
    by_kind = {kind: float(split.total.mean()) for kind, split in run.energy.by_kind().items()}
    network = sum(by_kind.get(kind, 0.0) for kind in network_kinds(run.chip.spec))
    hops = sum(passed.values())
    energy = [
        float(shares[name][: run.mapping.cores] @ core) + (network * passed[name] / hops if hops else 0.0)
        for name in names
    ]
    for port in run.chip.spec.ports:
        energy[0 if port.direction == "input" else -1] += by_kind[f"port:{port.name}"]
    total, found = sum(by_kind.values()), sum(energy)
    return [item * total / found if found else total / len(energy) for item in energy]


def cores_table(run: "Run") -> Table:
    """Return one row per core, means over samples."""
    mapping, timing = run.mapping, run.timing
    cores = range(mapping.cores)
    cycles = max(1.0, float(timing.step_cycles.sum(axis=1).mean()))
    counts = timing.terminals[:, : mapping.cores]
    scan, neurons = np.zeros(mapping.cores), np.zeros(mapping.cores, dtype=np.int64)
    layers: list[dict[str, None]] = [{} for _ in cores]  # in order, each once: a core may run many slices of a layer
    for column, index in enumerate(timing.part_order):
        part = mapping.parts[index]
        if part.terminal < mapping.cores:
            scan[part.terminal] += timing.scans["cycles"][:, column].mean()
            neurons[part.terminal] += len(part.neurons)
            layers[part.terminal][part.population] = None
    rooms = {name: room_of(core) for name, core in mapping.layout.kinds.items()}
    types = [mapping.layout.name(core) for core in cores]
    held = {
        name: [
            getattr(mapping.occupation[core], name) / getattr(rooms[types[core]], name)
            if core in mapping.occupation
            else 0.0
            for core in cores
        ]
        for name in ("synapse_words", "axons", "membrane_words")
    }
    place = [mapping.fabric.topology.position(int(mapping.fabric.terminal_router[core])) for core in cores]
    by_core = run.energy.by_core()
    return table(
        "cores",
        ("core", "", "Number", np.arange(mapping.cores)),
        ("type", "", "Kind of core", types),
        ("x", "", "Column", [int(x) for x, _ in place]),
        ("y", "", "Row", [int(y) for _, y in place]),
        ("layers", "", "Populations that it holds", [", ".join(names) for names in layers]),
        ("neurons", "", "Neurons that it holds", neurons),
        ("synapse_utilisation", "", "Busy fraction of the synapse engine", counts["row_cycles"].mean(axis=0) / cycles),
        ("neuron_utilisation", "", "Busy fraction of the neuron engine", scan / cycles),
        ("synapse_memory_occupation", "", "Filled fraction of the synapse memory", held["synapse_words"]),
        ("axon_memory_occupation", "", "Filled fraction of the axon memory", held["axons"]),
        ("membrane_memory_occupation", "", "Filled fraction of the membrane memory", held["membrane_words"]),
        ("packets", "", "Packets processed", counts["packets_in"].mean(axis=0)),
        ("queue_peak", "", "Most packets in the input queue at once", counts["queue_peak"].max(axis=0)),
        ("energy_pj", "pJ", "Energy per inference", [float(by_core[f"core[{core}]"].total.mean()) for core in cores]),
        *core_columns(run),
    )
