"""A network against recorded spikes of the framework that it comes from, entry by entry.

Twice: *teacher-forced*, each layer driven by the recorded spikes of the layers in front (and its own, where it is
recurrent), so that a difference is that of the layer alone; and *free-running*, the whole network from its input.

An entry is a tie where the membrane lies within TIE times the threshold of it: there the order in which a framework
adds float32 numbers decides. It is found by a threshold that is lower by this share and one that is higher: they give
different numbers of spikes. A tie is decided as recorded, so that it has no consequences, and counted apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from accelsim.errors import EventError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.connection import Connection
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population
from accelsim.neurons.model import Array, NeuronModel, Operations, StateRange
from accelsim.validation.spike_recording import Counts

TIE: Final = 1e-5
WIDE: Final = Numerics(32, 32)
FLOATS: Final = Numerics(None, None)


@dataclass(frozen=True)
class LayerComparison:
    """One layer in one of the two ways.

    Attributes
    ----------
    layer : str
    mode : {"teacher-forced", "free-running"}
    entries : int
        Neurons times timesteps times samples.
    spikes : int
        Recorded.
    mismatches : int
        Entries with another number of spikes that are no ties.
    ties : int
        Entries at the threshold.
    decided : int
        Ties in which the recording differs and was followed.
    first : str
        Where the first mismatch is, and what was got; empty if there is none.
    """

    layer: str
    mode: str
    entries: int
    spikes: int
    mismatches: int
    ties: int
    decided: int
    first: str


def compare_spikes(network: Network, given: Counts, recorded: dict[str, Counts]) -> Iterator[LayerComparison]:
    """Compare layer by layer, teacher-forced, then free-running.

    Parameters
    ----------
    network : Network
    given : (samples, timesteps, n_input) uint16
        Spikes of the input.
    recorded : dict of str to (samples, timesteps, n) uint16
        By population.

    Raises
    ------
    EventError
        If samples, timesteps or sizes do not fit.
    """
    known = {network.input.name: given, **recorded}
    for name, counts in known.items():
        expected = (*given.shape[:2], network.populations[name].size)
        if counts.shape != expected:
            raise EventError(
                f"recorded spikes of {name!r}: expected {expected} samples, timesteps and neurons, as input and "
                f"network have, got {counts.shape}"
            )
    for name in recorded:
        part, events = _alone(network, name, known)
        yield _run(part, events, {name: recorded[name]}, "teacher-forced")[0]
    yield from _run(network, _events(given, integer=network.integer), recorded, "free-running")


@dataclass(init=False, eq=False)
class _Watched(NeuronModel):
    """A model held against recorded counts; ties follow the recording. Samples come in order, batch after batch."""

    def __init__(self, model: NeuronModel, expected: Counts) -> None:
        self.states = model.states  # type: ignore[misc]
        self.spiking = model.spiking  # type: ignore[misc]
        self.mismatches = self.ties = self.decided = 0
        self.first = ""
        self._model, self._expected = model, expected
        self._row = self._step = 0
        threshold = getattr(model, "threshold", None)
        self._off: list[tuple[NeuronModel, Any]] = []
        if isinstance(threshold, np.ndarray) and threshold.dtype == np.float32:
            for share in (-TIE, TIE):
                moved = (threshold * np.float64(1.0 + share)).astype(np.float32)
                other: Any = replace(model, threshold=moved)  # type: ignore[type-var]
                plain = getattr(model, "reset", "") == "subtract" and not getattr(model, "reset_delay", False)
                self._off.append((other, moved - threshold if plain else np.zeros_like(threshold)))

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self._model.size

    @property
    def most_spikes(self) -> int | None:
        """As the model."""
        return self._model.most_spikes

    @property
    def dtype(self) -> type[np.generic]:
        """As the model."""
        return self._model.dtype

    def operations(self) -> Operations:
        """As the model."""
        return self._model.operations()

    def initial(self) -> Array | None:
        """As the model."""
        return self._model.initial()

    def quantized(self, scale: Array) -> "_Watched":
        """Refuse: a watched model runs as it is."""
        raise NotImplementedError

    @classmethod
    def example(cls, size: int) -> "_Watched":
        """Refuse: there is nothing to watch."""
        raise NotImplementedError

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance as the model does, except in ties that were recorded otherwise."""
        expected = self._expected[self._row : self._row + fired.shape[0], self._step]
        others = []
        for model, shift in self._off:
            moved, sent = state.copy(), np.zeros_like(fired)
            model.step(moved, current.copy(), sent, limits)
            if moved.size:
                moved[-1] += sent * shift
            others.append((moved, sent))
        saturated = self._model.step(state, current, fired, limits)
        wrong = fired != expected
        if others:
            tie = others[0][1] != others[1][1]
            self.ties += int(tie.sum())
            for moved, sent in others:
                follow = wrong & tie & (sent == expected)
                state[:, follow] = moved[:, follow]
                fired[follow] = sent[follow]
                self.decided += int(follow.sum())
                wrong &= ~follow
        self._note(wrong, fired, expected)
        self._step += 1
        if self._step == self._expected.shape[1]:
            self._row, self._step = self._row + fired.shape[0], 0
        return saturated

    def _note(self, wrong: Array, fired: Array, expected: Array) -> None:
        count = int(wrong.sum())
        if count and not self.first:
            sample, neuron = (int(item) for item in np.argwhere(wrong)[0])
            self.first = (
                f"sample {self._row + sample}, timestep {self._step}, neuron {neuron}: expected "
                f"{expected[sample, neuron]}, got {fired[sample, neuron]}"
            )
        self.mismatches += count


def _run(
    network: Network, events: EventStream, recorded: dict[str, Counts], mode: str
) -> list[LayerComparison]:
    watched = {}
    populations = dict(network.populations)
    for name, counts in recorded.items():
        population = populations[name]
        if population.model is None or not population.model.spiking:
            raise EventError(f"recorded spikes of {name!r}: expected a layer that spikes, got an input or a readout")
        watched[name] = _Watched(population.model, counts)
        populations[name] = replace(population, model=watched[name])
    # One thread: samples pass the watched models in their order.
    execute(replace(network, populations=populations), events, WIDE if network.integer else FLOATS, 1)
    return [
        LayerComparison(
            layer=name,
            mode=mode,
            entries=recorded[name].size,
            spikes=int(recorded[name].sum(dtype=np.int64)),
            mismatches=found.mismatches,
            ties=found.ties,
            decided=found.decided,
            first=found.first,
        )
        for name, found in watched.items()
    ]


def _events(counts: Counts, *, integer: bool) -> EventStream:
    """Return counts as events: with values where a neuron sends several times in a timestep."""
    events = EventStream.from_dense(counts > 0)
    if counts.max(initial=0) <= 1:
        return events
    value = counts[counts > 0].astype(np.int32 if integer else np.float32)
    return replace(events, kind="graded", value=value, value_bits=16)


def _alone(network: Network, name: str, known: dict[str, Counts]) -> tuple[Network, EventStream]:
    """Return the network of one layer, everything recorded that drives it as one input, and that input."""
    kept: list[str] = []
    todo = [name]
    while todo:
        item = todo.pop()
        kept.append(item)
        todo += [edge.source for edge in network.incoming(item) if edge.source not in {*known, *kept, *todo}]
    edges = [edge for item in kept for edge in network.incoming(item)]
    sources = list(dict.fromkeys(edge.source for edge in edges if edge.source in known))
    start = dict(zip(sources, np.cumsum([0, *(known[item].shape[2] for item in sources)]).tolist(), strict=False))
    total = sum(known[item].shape[2] for item in sources)
    drive = Population("recorded", (total,), None)
    projections = tuple(
        replace(edge, source=drive.name, connection=_shifted(edge.connection, start[edge.source], total))
        if edge.source in start
        else edge
        for edge in network.projections
        if edge.target in kept
    )
    between = {item: network.populations[item] for item in network.populations if item in kept and item != name}
    populations = {drive.name: drive, **between, name: network.populations[name]}
    alone = Network(network.name, populations, projections, network.dt)
    joined = np.concatenate([known[item] for item in sources], axis=2)
    return alone, _events(joined, integer=network.integer)


def _shifted(connection: Connection, start: int, total: int) -> Connection:
    """Return a connection whose sources are the neurons from ``start`` on of ``total``."""
    ptr = np.zeros(total + 1, dtype=np.int64)
    ptr[start : start + connection.n_source + 1] = connection.run_ptr
    ptr[start + connection.n_source + 1 :] = connection.run_ptr[-1]
    return replace(connection, run_ptr=ptr, n_source=total)
