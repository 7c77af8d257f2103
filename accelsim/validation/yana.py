"""YANA's SHD network on our description of YANA: cycles of every step and output states against the RTL's.

Nothing of YANA is part of this package: memory images, samples and the RTL's recorded cycles are read from a folder.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError, DeadlockError, EventError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.mapping.axons import AXON, COST
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.network.importers.yana import population_name, yana_network
from accelsim.network.importers.yana_images import CoreImages, Place, read_images
from accelsim.timing.deadlock import elastic_waiting_cycle
from accelsim.timing.elastic import ElasticTables
from accelsim.timing.elastic_netlist import elastic_tables
from accelsim.timing.elastic_work import ListedStep, SourceRoutes, done_tree_cycles, listed_steps
from accelsim.timing.engine import ELASTIC_ENGINES
from accelsim.timing.records import ROUTER_COUNT, STATUS_DONE, STEP, TERMINAL_COUNT
from accelsim.timing.tables import AxonTables

CHIP: Final = "yana"
STEPS: Final = 101
"""Duration of a sample of SHD: its 100 timesteps, and one for the spikes of the last."""
RECORDED_SAMPLE: Final = 124_551
BURSTS: Final = {
    "1 event": ({0: 1}, 217),
    "1 event x 100 steps": (dict.fromkeys(range(100), 1), 10_373),
    "10 events x 100 steps": (dict.fromkeys(range(100), 10), 29_074),
}
"""Events by step, all of one channel, the first of the recorded sample, and the RTL's cycles (Verilator 5.006)."""
MAX_EVENTS: Final = 10_000_000

Events = dict[int, list[int]]


@dataclass(frozen=True)
class Outcome:
    """One input on the chip.

    Attributes
    ----------
    name : str
    events, cycles : int
    expected : int or None
        The RTL's cycles, None where they are not known.
    ends : tuple of int
        End of every step that was run, in cycles.
    wrong_steps : int or None
        Steps that the RTL ends in another cycle, or counts otherwise; None where its steps are not known.
    wrong_states : int or None
        Output states, over all steps, that differ from the recorded ones; None where none are recorded.
    """

    name: str
    events: int
    cycles: int
    expected: int | None
    ends: tuple[int, ...]
    wrong_steps: int | None = None
    wrong_states: int | None = None

    @property
    def equal(self) -> bool:
        """Whether everything that is known is equal."""
        return self.expected in {None, self.cycles} and not self.wrong_steps and not self.wrong_states


class Yana:
    """The chip with its network, from the images of a folder."""

    def __init__(self, images: Path, engine: str, overrides: Sequence[str] = ()) -> None:
        self.chip = load_chip(CHIP, list(overrides)).spec
        self._cores = read_images(images)
        self.network = yana_network(self._cores, f"{images}")
        self.routes, self._axons = _tables(self.chip, self.network, self._cores)
        self._elastic = _chip_tables(self.chip)
        self._run = ELASTIC_ENGINES.get(engine)(self._elastic)

    def states(self, events: Events, steps: int) -> tuple[list[list[int]], npt.NDArray[np.int64]]:
        """Execute; return who fires in every step, by number among the sources, and states of the output after it.

        The second is (steps, outputs) integers.
        """
        ordered = [sorted(events.get(step, [])) for step in range(steps)]
        ptr = np.concatenate(([0], np.cumsum([len(own) for own in ordered]))).astype(np.int64)
        index = np.array([channel for own in ordered for channel in own], np.int32)
        stream = EventStream("spikes", 1, steps, self.network.input.size, ptr, index)
        core = self.chip.core
        widths = Numerics(core.membrane.bits, core.accumulator.bits)
        trace = execute(self.network, stream, widths, 1, delay=self.chip.edge_delay)
        fired: list[list[int]] = [[] for _ in range(steps)]
        base = 0
        for name, population in self.network.populations.items():
            if population.model is not None and population.model.spiking:
                spikes = trace.dense(name, population.size)[0]
                for step, neuron in np.argwhere(spikes):
                    fired[step].append(base + int(neuron))
            base += population.size
        return fired, _readout(self.network, trace.dense, widths, steps)

    def run(
        self, events: Events, steps: int = STEPS
    ) -> tuple[list[tuple[ListedStep, int, Any]], npt.NDArray[np.int64]]:
        """Run a sample; return steps with their cycles and counts, and the states of the output, one step longer."""
        fired, states = self.states(events, steps + 1)
        listed = listed_steps(
            self._elastic, self.routes, self._tree, [events.get(step, []) for step in range(steps)], fired[:steps]
        )
        done = []
        for step in listed:
            counts = np.zeros(len(self._elastic.streams), TERMINAL_COUNT)
            summary = np.zeros(1, STEP)
            routers = np.zeros(self._elastic.routers, ROUTER_COUNT)
            links = np.zeros((self._elastic.routers, self._elastic.ports), np.int64)
            first = step.number == 0
            self._run(self._axons, step.work, counts, routers, links, summary, first)
            if summary["status"][0] != STATUS_DONE:
                cycle = elastic_waiting_cycle(self._elastic, self._axons, step.work, first=first)
                raise DeadlockError(f"{self.chip.name}: step {step.number} cannot end: {cycle}")
            done.append((step, done_tree_cycles(self._elastic, self._tree, counts, first=first), counts))
        return done, states

    @property
    def _tree(self) -> Any:
        return self.chip.barrier.done_tree


def read_sample(path: Path) -> Events:
    """Return the events of a sample: lines ``step word``, the channel in the upper 10 of the word's 16 bits.

    Raises
    ------
    EventError
        Naming the line; also where steps fall: the host's queue would wait for ever.
    """
    events: Events = defaultdict(list)
    last = 0
    try:
        with path.open(encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                parts = line.split()
                if number > MAX_EVENTS:
                    raise EventError(f"{path}: more than {MAX_EVENTS} events")
                if parts:
                    step, channel = _event(parts, f"{path}:{number}")
                    if step < last:
                        raise EventError(f"{path}:{number}: expected steps in order, got {step} after {last}")
                    last = step
                    events[step].append(channel)
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"{path}: cannot be read: {error}") from None
    if not events:
        raise EventError(f"{path}: expected lines of a step and 16 bits, got none")
    return dict(events)


def _event(parts: list[str], where: str) -> tuple[int, int]:
    fits = len(parts) == 2 and parts[0].isdecimal() and len(parts[1]) == 16 and not set(parts[1]) - {"0", "1"}
    if not fits or int(parts[0]) >= 1 << 16:
        raise EventError(f"{where}: expected a step below 65536 and 16 bits, got {' '.join(parts):.40}")
    return int(parts[0]), int(parts[1], 2) >> 6


def validate(folder: Path, engine: str, sample: Path | None = None, steps: int | None = None) -> Iterator[Outcome]:
    """Run the recorded sample and bursts of a folder, or a sample of one's own, and compare what is known of them.

    Parameters
    ----------
    folder : Path
        With ``shd_0`` and ``steps_sample0.csv``.
    engine : str
        ``compiled`` or ``reference``.
    sample : Path, optional
        Events to run in place of the recorded ones; nothing is compared.
    steps : int, optional
        Duration of the sample; STEPS if not given.

    Raises
    ------
    ConfigError, NetworkError, EventError
        On files that are missing or cannot be read.
    """
    yana = Yana(folder / "shd_0" / "init", engine)
    dataset = folder / "shd_0" / "dataset"
    if sample is not None:
        yield _outcome(yana, sample.name, read_sample(sample), None, steps or STEPS)[0]
        return
    events = read_sample(dataset / "sample_0.txt")
    outcome, done, states = _outcome(yana, "SHD sample 0", events, RECORDED_SAMPLE, STEPS)
    recorded = _recorded_states(dataset / "neuron_state_trace_0.txt", states.shape)
    rows = _recorded_steps(folder / "steps_sample0.csv")
    yield Outcome(
        outcome.name, outcome.events, outcome.cycles, outcome.expected, outcome.ends,
        _wrong_steps(yana, done, outcome.ends, rows), int((recorded != states).sum()),
    )  # fmt: skip
    channel = events[min(events)][0]
    for name, (counts, expected) in BURSTS.items():
        burst = {step: [channel] * count for step, count in counts.items()}
        yield _outcome(yana, name, burst, expected, STEPS)[0]


def _outcome(yana: Yana, name: str, events: Events, expected: int | None, steps: int) -> tuple[Outcome, Any, Any]:
    known = yana.network.input.size
    for step, own in events.items():
        if step >= steps or max(own) >= known:
            raise EventError(
                f"{name}: step {step}: expected steps below {steps} and channels below {known}, got {max(own)}"
            )
    done, states = yana.run(events, steps)
    ends = tuple(np.cumsum([cycles for _, cycles, _ in done]).tolist())
    return Outcome(name, sum(map(len, events.values())), ends[-1] + 1, expected, ends), done, states


def _recorded_steps(path: Path) -> list[dict[str, int]]:
    try:
        with path.open(newline="", encoding="ascii") as file:
            return [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def _recorded_states(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    out = np.zeros(shape, np.int64)
    try:
        for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
            step, neuron, bits = line.split()
            if int(step) >= shape[0] or int(neuron) >= shape[1] or len(bits) != 20:
                raise ConfigError(f"{path}:{number}: expected {shape[0]} steps of {shape[1]} states of 20 bit")
            out[int(step), int(neuron)] = int(bits, 2) - (int(bits[0]) << 20)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    return out


def _wrong_steps(yana: Yana, done: Any, ends: tuple[int, ...], rows: list[dict[str, int]]) -> int:
    """Return the steps of which an end or a count differs from the RTL's."""
    wrong = abs(len(done) - len(rows))
    for (step, _, counts), end, row in zip(done, ends, rows, strict=False):
        width = yana.chip.noc.size[0]
        relay, hidden, output = counts[0], counts[1], counts[width + 1]
        found = {
            "step_ts": step.number, "end_cycle": end, "host_events": step.events, "flits_core0_out": relay["flits_out"],
            "synapse_ops_core1": hidden["packets_in"], "hot_neurons_core1": hidden["scan_cycles"],
            "spikes_core1": hidden["fired"], "flits_core1_out": hidden["flits_out"],
            "synapse_ops_core3": output["packets_in"], "hot_neurons_core3": output["scan_cycles"],
        }  # fmt: skip
        wrong += any(int(value) != row[key] for key, value in found.items())
    return wrong


def _readout(network: Network, spikes: Any, widths: Numerics, steps: int) -> npt.NDArray[np.int64]:
    """Return the output's membranes after every step, (steps, outputs), from the spikes of its sources."""
    output = network.output
    state = np.zeros((1, 1, output.size), np.int32)
    out = np.zeros((steps, output.size), np.int64)
    sent = [
        (spikes(edge.source, edge.connection.n_source)[0].astype(np.int64), edge.connection.rows.astype(np.int64))
        for edge in network.incoming(output.name)
    ]
    for step in range(1, steps):
        current = sum(counts[step - 1] @ rows for counts, rows in sent)
        if output.model is not None:
            fired = np.zeros((1, output.size), np.uint16)
            output.model.step(state, np.asarray(current, np.int32)[None], fired, widths.membrane)
        out[step] = state[0, 0]
    return out


def _chip_tables(chip: ChipSpec) -> ElasticTables:
    noc, core, tree = chip.noc.elastic, chip.core.source_synapses, chip.barrier.done_tree
    if noc is None or core is None or tree is None:
        raise ConfigError(f"{chip.name}: expected noc.elastic, core.source_synapses and barrier.done_tree, got none")
    mesh = Mesh(chip.noc.size)
    ports = [mesh.router_at(port.router) for port in chip.ports]
    fabric = build_fabric(mesh, [*range(mesh.routers), *ports])
    return elastic_tables(fabric, noc, core, tree, [port.cycles_per_event for port in chip.ports])


def _tables(chip: ChipSpec, network: Network, cores: dict[Place, CoreImages]) -> tuple[SourceRoutes, AxonTables]:
    """Return routes in the order of the images, and a packet for each."""
    width = chip.noc.size[0]
    base: dict[Place, int] = {}
    owner: list[int] = []
    places = {population_name(place): place for place in cores}
    for name, population in network.populations.items():
        place = places[name]
        base[place] = len(owner)
        owner += [-1 if population.model is None else place[1] * width + place[0]] * population.size
    sizes = {place: network.populations[population_name(place)].size for place in base}
    own = [cores[place].routes.get(at, ()) for place, size in sizes.items() for at in range(size)]
    flat = [route for routes in own for route in routes]
    ptr = np.concatenate(([0], np.cumsum([len(routes) for routes in own]))).astype(np.int64)
    axon = np.zeros(len(flat), AXON)
    axon["terminal"] = [route.place[1] * width + route.place[0] for route in flat]
    cost = np.zeros(1, COST)
    for name in ("flits", "cycles", "ideal", "words", "sops", "issued"):
        cost[name] = 1
    cost["state_words"] = 2
    target = np.array([base[route.place] + route.neuron for route in flat], np.int64)
    return SourceRoutes(ptr, axon["terminal"].copy(), target, np.array(owner, np.int32)), AxonTables(ptr, axon, cost)
