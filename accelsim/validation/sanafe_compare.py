"""SANA-FE's DVS-gesture run on our Loihi, compared count by count and timestep by timestep.

Counts and energies must be equal: to SANA-FE itself where it can be run, to its published totals where the whole run
of 1000 timesteps is made, and in every timestep to its rules recomputed from the spikes. Its ``simple`` latency is
recomputed from our counts; the cycles of our machine are another model and are shown beside it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import adds_zeros
from accelsim.costs.accounting import account
from accelsim.costs.analytic_models.sanafe_latency import CoreLatencies, simple_latency
from accelsim.costs.counting import component_kinds, count
from accelsim.costs.leakage import static_energy
from accelsim.costs.prices import build_energy_table, component_prices
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping, map_network
from accelsim.timing.barrier import stated_cycles
from accelsim.timing.engine import Chunk
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate
from accelsim.trace.activity import ActivityTrace
from accelsim.validation.sanafe_network import CORES, TIMESTEPS, DvsNetwork
from accelsim.validation.sanafe_peer import PeerRun
from accelsim.validation.sanafe_rules import StepCounts, step_counts

CHIP: Final = "loihi_sanafe"
PUBLISHED: Final = {
    "fired": 365_277, "updated": 15_539_753, "packets": 2_482_643, "events": 51_549_374, "hops": 4_741_519,
}  # fmt: skip
"""Totals of 1000 timesteps of SANA-FE 2.2.9."""
PUBLISHED_ENERGY_MJ: Final = 3.440570683
PUBLISHED_SIMPLE_MS: Final = 23.951
ENERGY_TOLERANCE: Final = 1e-9
LATENCY_TOLERANCE: Final = 1e-12
_HALF_OF_LAST_DIGIT: Final = 0.0005 / PUBLISHED_SIMPLE_MS
_WORDS: Final = {
    "fired": "neurons fired", "updated": "neurons updated", "packets": "packets", "events": "synaptic events",
    "hops": "hops",
}  # fmt: skip

Floats = npt.NDArray[np.float64]
Steps = dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class OwnRun:
    """What our machine found.

    Attributes
    ----------
    steps : dict of str to (timesteps,) int64
        ``fired``, ``visited``, ``updated``, ``packets``, ``received``, ``events``, ``hops_x``, ``hops_y``, ``hops``.
    energies : dict of str to (timesteps,) float64
        ``soma``, ``synapse``, ``network`` and ``total``, pJ.
    energy_pj : float
        Of the energy account of the whole run.
    cycles : (timesteps,) int64
    chip : ChipSpec
    barrier : int
    """

    trace: ActivityTrace
    steps: Steps
    energies: dict[str, Floats]
    energy_pj: float
    cycles: npt.NDArray[np.int64]
    chip: ChipSpec
    barrier: int


@dataclass(frozen=True)
class Line:
    """One quantity: what was expected of it, what was found, and the difference in words, empty where it is equal."""

    quantity: str
    expected: str
    found: str
    difference: str


def sanafe_chip(overrides: tuple[str, ...] = ()) -> ChipSpec:
    """Return Loihi as SANA-FE has it, with the layers of the network on their published cores."""
    slices = ", ".join(f"{name}: {cores}" for name, cores in CORES.items())
    return load_chip(CHIP, [f"mapping.slices={{{slices}}}", *overrides]).spec


def run_own(
    dvs: DvsNetwork, timesteps: int, engine: str, progress: Callable[[int], None] | None = None, threads: int = 1
) -> OwnRun:
    """Execute, map, time and price the network.

    Parameters
    ----------
    dvs : DvsNetwork
    timesteps : int
    engine : str
        ``compiled`` or ``reference``.
    progress : callable, optional
        Called with the number of steps that have ended since the last call.
    threads : int
    """
    chip, network, events = sanafe_chip(), dvs.network, dvs.silence(timesteps)
    core = chip.core
    trace = execute(
        network,
        events,
        Numerics(core.membrane.bits, core.accumulator.bits),
        threads,
        delay=chip.edge_delay,
        zeros_touch=adds_zeros(core.weight_format, skip_zero_weights=core.skip_zero_weights),
    )
    mapping = map_network(network, chip, events.kind, events.value_bits)
    steps = {name: np.zeros(timesteps, dtype=np.int64) for name in _QUANTITIES}
    machine = build_machine(network, chip, mapping, trace)
    timing = simulate(
        machine, chip, mapping, engine, threads, progress, observe=lambda chunk, _: _add_steps(chunk, mapping, steps)
    )
    counters = count(chip, network, mapping, timing, trace, events)
    kinds = component_kinds(chip, mapping)
    cycles = timing.step_cycles[0]
    used = {f"core[{core}]" for core in mapping.used_cores}
    static = static_energy(chip, False, kinds, timing.step_cycles.sum(axis=1) / chip.clock, used)
    energy = account(counters, build_energy_table(chip, False, kinds), kinds, static)
    return OwnRun(
        trace=trace,
        steps=steps,
        energies=_energies(chip, steps),
        energy_pj=float(energy.total().total[0]),
        cycles=cycles,
        chip=chip,
        barrier=stated_cycles(chip, mapping),
    )


_QUANTITIES: Final = (
    "fired", "visited", "updated", "packets", "received", "events", "hops_x", "hops_y", "hops",
)  # fmt: skip


def _add_steps(chunk: Chunk, mapping: Mapping, steps: Steps) -> None:
    """Write the counts of a chunk's timesteps."""
    at = slice(chunk.first, chunk.first + len(chunk.steps))
    joined, dimension = mapping.fabric.link_router >= 0, mapping.fabric.topology.dimension
    along = np.array([dimension(port) == 0 for port in range(chunk.links.shape[2])])
    flits = np.where(joined, chunk.links, 0).sum(axis=1)
    steps["hops_x"][at], steps["hops_y"][at] = flits[:, along].sum(axis=1), flits[:, ~along].sum(axis=1)
    steps["hops"][at] = flits.sum(axis=1)
    fields = {"fired": "fired", "packets": "packets_out", "received": "packets_in", "events": "issued"}
    for name, field in fields.items():
        steps[name][at] = chunk.terminals[field].sum(axis=1)
    for name in ("visited", "updated"):
        steps[name][at] = chunk.scans[name].sum(axis=1)


def _energies(chip: ChipSpec, steps: Steps) -> dict[str, Floats]:
    price = {key: item.energy_pj for key, item in component_prices(chip, False).items()}
    parts = {
        "soma": (("visited", "neuron_engine", "visit"), ("updated", "neuron_engine", "update"),
                 ("fired", "neuron_engine", "spike")),
        "synapse": (("events", "synapse_engine", "event"),),
        "network": (("packets", "routing_memory", "read"), ("received", "axon_memory", "read"),
                    ("hops_x", "link", "flit_x"), ("hops_y", "link", "flit_y")),
    }  # fmt: skip
    found: dict[str, Floats] = {
        part: np.sum([steps[name] * price[kind, action] for name, kind, action in terms], axis=0)
        for part, terms in parts.items()
    }
    return {**found, "total": np.sum(list(found.values()), axis=0)}


def latencies(chip: ChipSpec) -> CoreLatencies:
    """Return a chip's engine cycles as latencies of events."""
    own = chip.core.timing
    return CoreLatencies(
        visit=own.scan_cycles,
        update=own.update_cycles,
        spike=own.spike_cycles,
        axon_out=own.axon_out_cycles,
        axon_in=own.axon_in_cycles,
        synapse=own.synapse_cycles,
    )


def compare(dvs: DvsNetwork, own: OwnRun, peer: PeerRun | None = None) -> Iterator[Line]:
    """Yield one line per quantity: against published totals, the rules in every timestep, and SANA-FE where it ran."""
    rules = step_counts(dvs.network, own.trace)
    timesteps = len(own.cycles)
    if timesteps == TIMESTEPS:
        for name, expected in PUBLISHED.items():
            yield _count(f"{_WORDS[name]}, published", expected, int(own.steps[name].sum()))
        yield _close("energy, mJ, published", PUBLISHED_ENERGY_MJ, own.energy_pj * 1e-9, ENERGY_TOLERANCE)
        simple = float(simple_cycles(own, rules).sum()) / own.chip.clock * 1e-6
        yield _close("simple latency, ms, published", PUBLISHED_SIMPLE_MS, simple, _HALF_OF_LAST_DIGIT)
    yield _close("energy, mJ, account and timesteps", float(own.energies["total"].sum()) * 1e-9, own.energy_pj * 1e-9,
                 LATENCY_TOLERANCE)  # fmt: skip
    for name in _WORDS:
        yield _each(f"{_WORDS[name]}, rules", _of_rules(rules, name), own.steps[name], 0.0)
    if peer is not None:
        yield from _against(peer, own, rules)


def simple_cycles(own: OwnRun, rules: StepCounts) -> npt.NDArray[np.int64]:
    """Return SANA-FE's ``simple`` latency of every timestep in our cycles, (timesteps,)."""
    return simple_latency(rules.cores, latencies(own.chip), own.barrier)


def _of_rules(rules: StepCounts, name: str) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = rules.hops_x + rules.hops_y if name == "hops" else getattr(rules, name)
    return found


def _against(peer: PeerRun, own: OwnRun, rules: StepCounts) -> Iterator[Line]:
    who = f"SANA-FE {peer.version}"
    for name, theirs in (("fired", "fired"), ("updated", "updated"), ("events", "spikes"), ("hops", "hops")):
        yield _each(f"{_WORDS[name]}, {who}", peer.steps[theirs], own.steps[name], 0.0)
    yield _count(f"packets, {who}", int(peer.totals["packets_sent"]), int(own.steps["packets"].sum()))
    for name in ("soma", "synapse", "network", "total"):
        joules = peer.steps[f"{name}_energy"]
        yield _each(f"{name} energy, pJ, {who}", joules * 1e12, own.energies[name], ENERGY_TOLERANCE)
    simple = simple_cycles(own, rules) / own.chip.clock
    yield _each(f"simple latency, ns, {who}", peer.steps["sim_time"] * 1e9, simple, LATENCY_TOLERANCE)


def _count(quantity: str, expected: int, found: int) -> Line:
    return Line(quantity, f"{expected:,}", f"{found:,}", "" if found == expected else f"{found - expected:+,}")


def _close(quantity: str, expected: float, found: float, tolerance: float) -> Line:
    apart = abs(found - expected) / abs(expected)
    return Line(quantity, f"{expected:.10g}", f"{found:.10g}", "" if apart <= tolerance else f"{apart:.2g} of it")


def _each(quantity: str, expected: npt.NDArray[np.number], found: npt.NDArray[np.number], tolerance: float) -> Line:
    """Compare every timestep; ``tolerance`` is relative."""
    wrong = np.abs(found - expected) > tolerance * np.abs(expected)
    total = f"{float(expected.sum()):,.10g}", f"{float(found.sum()):,.10g}"
    if not wrong.any():
        return Line(quantity, *total, "")
    at = int(np.argmax(wrong))
    first = f"first timestep {at}: expected {expected[at]:,.10g}, found {found[at]:,.10g}"
    return Line(quantity, *total, f"{int(wrong.sum())} of {len(wrong)} timesteps differ; {first}")
