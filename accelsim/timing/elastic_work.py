"""The work of an elastic chip: lists of hot neurons in the order in which they were first reached, step by step.

A core updates in a step the neurons that packets reached in the step before. Their order is that of arrival, hence of
the events, of the spikes and of the routes of each. Where packets of several sources meet in one core within a step,
the order would depend on how the network mixes them: refused. All engines rest when a step begins, so that steps are
simulated apart; ``idle_steps: skip`` leaves out those in which nothing happens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError, ConservationError
from accelsim.hardware.elastic_spec import DoneTreeSpec
from accelsim.timing.elastic import ElasticTables
from accelsim.timing.tables import StepWork

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SourceRoutes:
    """Synapses at their sources.

    Attributes
    ----------
    ptr : (sources + 1,) int64
        Routes of source n, in the order in which its packets are sent, are ``ptr[n] .. ptr[n + 1] - 1``. Sources are
        the channels of the input, then neurons.
    terminal : (routes,) int32
        Core that a route leads to.
    target : (routes,) int64
        Number of the neuron that it reaches, among the sources; a neuron of a readout has one, too.
    owner : (sources,) int32
        Core of each neuron, -1 for channels.
    """

    ptr: Int64s
    terminal: npt.NDArray[np.int32]
    target: Int64s
    owner: npt.NDArray[np.int32]


@dataclass(frozen=True)
class ListedStep:
    """One step of a sample that is run.

    Attributes
    ----------
    number : int
        Of the step.
    events, hot, fired : int
        Events of the ports, neurons updated, neurons that fired.
    work : StepWork
    """

    number: int
    events: int
    hot: int
    fired: int
    work: StepWork


def listed_steps(
    tables: ElasticTables,
    routes: SourceRoutes,
    tree: DoneTreeSpec,
    events: Sequence[Sequence[int]],
    fired: Sequence[Iterable[int]],
) -> list[ListedStep]:
    """Return the work of the steps of one sample.

    Parameters
    ----------
    tables : ElasticTables
        With one port.
    routes : SourceRoutes
    tree : DoneTreeSpec
        Says whether idle steps are run.
    events : sequence of sequences of int
        Channels of the events of every step, in order.
    fired : sequence of iterables of int
        Neurons that fire in every step, by their number among the sources.

    Raises
    ------
    ConfigError
        Where the order of a core's neurons would depend on the network.
    ConservationError
        If a neuron fires that nothing reached in the step before.
    """
    hot: dict[int, list[int]] = {}
    steps = []
    for number, (own, firing) in enumerate(zip(events, fired, strict=True)):
        left = set(firing)
        bursts, sources = _neurons(tables, hot, left)
        if left:
            raise ConservationError(f"step {number}: {len(left)} neurons fire that were not reached in the step before")
        updated = sum(map(len, hot.values()))
        if number == 0 or own or updated or tree.idle_steps == "run":
            (port,) = np.flatnonzero(tables.streams["gate"] >= 0)
            bursts[port] = [(1, [channel]) for channel in own]
            steps.append(ListedStep(number, len(own), updated, sum(map(len, sources)), _work(bursts)))
        hot = _reached(routes, [list(own), *sources], number)
    return steps


def _neurons(
    tables: ElasticTables, hot: dict[int, list[int]], firing: set[int]
) -> tuple[list[list[tuple[int, list[int]]]], list[list[int]]]:
    """Return the scan of every core, and its neurons that fire, in order; those found leave ``firing``."""
    bursts: list[list[tuple[int, list[int]]]] = [[] for _ in tables.streams]
    sources = []
    for core, neurons in hot.items():
        spikes, before = [], 0
        for at, neuron in enumerate(neurons, 1):
            if neuron in firing:
                bursts[core].append((at - before, [neuron]))
                before = at
                spikes.append(neuron)
        if before < len(neurons):
            bursts[core].append((len(neurons) - before, []))
        firing.difference_update(spikes)
        sources.append(spikes)
    return bursts, sources


def _reached(routes: SourceRoutes, sources: list[list[int]], step: int) -> dict[int, list[int]]:
    """Return the neurons that the packets of a step reach, by core, in the order in which they are first reached."""
    hot: dict[int, dict[int, None]] = {}
    feeder: dict[int, int] = {}
    for at, neurons in enumerate(sources):
        for neuron in neurons:
            own = slice(routes.ptr[neuron], routes.ptr[neuron + 1])
            for core, target in zip(routes.terminal[own].tolist(), routes.target[own].tolist(), strict=True):
                hot.setdefault(core, {})[target] = None
                if feeder.setdefault(core, at) != at:
                    raise ConfigError(
                        f"core[{core}]: packets of several sources reach it in step {step}, and the order of its "
                        "neurons in the next step would depend on how the network mixes them; give each core one source"
                    )
    return {core: list(neurons) for core, neurons in hot.items()}


def _work(bursts: list[list[tuple[int, list[int]]]]) -> StepWork:
    flat = [burst for own in bursts for burst in own]
    fired = [[neuron for _, neurons in own for neuron in neurons] for own in bursts]

    def pointers(counts: Iterable[int]) -> Int64s:
        return np.concatenate(([0], np.cumsum(list(counts)))).astype(np.int64)

    return StepWork(
        pointers(map(len, bursts)),
        np.array([cycles for cycles, _ in flat], np.int32),
        np.array([len(neurons) for _, neurons in flat], np.int32),
        pointers(map(len, fired)),
        np.array([neuron for own in fired for neuron in own], np.int32),
    )


def done_tree_cycles(tables: ElasticTables, tree: DoneTreeSpec, count: npt.NDArray[Any], *, first: bool) -> int:
    """Return the cycles of a step from the counts of its terminals.

    Every core is done at the end of its last engine, one register per hop passes that to the root, which must see it
    for ``dwell_cycles`` and not before its windup, and one more register starts the next step.
    """
    ends = np.max([count[name] for name in ("scan_end", "source_end", "row_end")], axis=0)
    seen = int((ends + tables.streams["depth"]).max()) + 1
    windup = (0 if first else tree.restart_cycles) + 1 + tree.windup_cycles
    return max(seen, windup) + tree.dwell_cycles + 1
