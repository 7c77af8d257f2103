"""Execution of a few samples at once: timestep by timestep, populations in the order of edges without delay.

A population at timestep t sees the spikes of its sources at timestep t minus the delay of the edge. Accumulators start
each timestep from the bias, take the weights of every arriving spike, times the number of spikes where a neuron sends
several, and are handed to the neuron model.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.functional.kernels import (
    Spikes,
    begin_step,
    end_step,
    gather,
    list_counts,
    scatter,
    scatter_graded,
    wrap,
)
from accelsim.functional.plan import Plan, Stage
from accelsim.neurons.model import StateRange


@dataclass(frozen=True, eq=False)
class Bitmaps:
    """Where a batch writes one population's bitmaps: views of (samples, timesteps, ceil(n / 8)) uint8."""

    touched: npt.NDArray[np.uint8]
    nonzero: npt.NDArray[np.uint8]


Sent = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.uint16]]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a batch found, apart from the bitmaps.

    Attributes
    ----------
    sent : dict of str to tuple
        By population: neurons that spiked, (samples, timesteps) int64; which, by sample, timestep and neuron, (n,)
        int32; spikes of each, (n,) uint16, empty where each sends one.
    output : (samples, n_output) float64
    first_spike : (samples, n_output) int32
    peak : (samples, n_output) float64 or None
    overflows : dict of str to int
        By ``NAME.accumulator`` and ``NAME.membrane``.
    """

    sent: dict[str, Sent]
    output: npt.NDArray[np.float64]
    first_spike: npt.NDArray[np.int32]
    peak: npt.NDArray[np.float64] | None
    overflows: dict[str, int]


@dataclass(eq=False)
class _Neurons:
    """State of one population for a batch."""

    stage: Stage
    state: npt.NDArray[Any]
    accumulator: npt.NDArray[Any]
    current: npt.NDArray[Any]
    touched: npt.NDArray[np.uint8]
    fired: npt.NDArray[np.uint16]
    listed: npt.NDArray[np.int32]
    base: npt.NDArray[Any]
    constant: npt.NDArray[np.uint8]
    bitmaps: Bitmaps
    limits: StateRange | None
    ptr: npt.NDArray[np.int64]
    no_value: npt.NDArray[Any]
    sent: list[npt.NDArray[np.int32]] = field(default_factory=list)
    counts: list[npt.NDArray[np.uint16]] = field(default_factory=list)
    overflowed: int = 0
    saturated: int = 0

    @classmethod
    def at_rest(cls, stage: Stage, samples: int, plan: Plan, bitmaps: Bitmaps) -> "_Neurons":
        shape = (samples, stage.model.size)
        accumulator = np.empty(shape, dtype=stage.accumulator)
        base = np.zeros((1, stage.model.size), dtype=stage.accumulator)
        if stage.bias is not None:
            base += stage.bias
        state = np.zeros((len(stage.model.states), *shape), dtype=stage.model.dtype)
        initial = stage.model.initial()
        if initial is not None:
            state[...] = initial[:, None]
        return cls(
            stage=stage,
            state=state,
            accumulator=accumulator,
            current=np.empty(shape, dtype=np.int32) if stage.wraps else accumulator,
            touched=np.empty(shape, dtype=np.uint8),
            fired=np.zeros(shape, dtype=np.uint16),
            listed=np.empty(samples * stage.model.size + 1, dtype=np.int32),
            base=base,
            constant=np.empty((0, stage.model.size), dtype=np.uint8),
            bitmaps=bitmaps,
            limits=plan.limits.membrane,
            ptr=np.zeros((plan.events.timesteps, samples + 1), dtype=np.int64),
            no_value=np.empty(0, dtype=stage.model.dtype),
        )

    def hold(self, source: str, values: Spikes) -> None:
        """Turn the values of ``source`` into a constant current: a bias that marks the neurons that it reaches."""
        steady = np.zeros(self.fired.shape, dtype=self.stage.accumulator)
        ignored = np.zeros_like(self.touched)
        for inlet in self.stage.inlets:
            if inlet.source == source:
                scatter_graded(values, inlet.runs, steady, ignored)
        self.constant = (steady != 0).view(np.uint8)
        self.base = steady + self.base

    def advance(self, step: int, past: int, sent: dict[str, "_History"], plan: Plan) -> Spikes:
        """Advance by one timestep, ``past`` of earlier windows before it; return what other populations see."""
        maps, accumulator, touched = self.bitmaps, self.accumulator, self.touched
        begin_step(self.state, self.base, self.constant, maps.nonzero[:, step], accumulator, touched)
        for inlet in self.stage.inlets:
            spikes = sent[inlet.source].at(past + step - inlet.delay)
            if spikes is not None:
                add = scatter_graded if spikes.value.size else scatter
                add(spikes, inlet.runs, accumulator, touched)
        if self.current is not accumulator:
            self.overflowed += wrap(accumulator, plan.limits.accumulator_bits or 32, self.current)
        model = self.stage.model
        self.saturated += model.step_touched(self.state, self.current, self.fired, self.limits, touched)
        ptr = self.ptr[step]
        end_step(self.fired, touched, maps.touched[:, step], ptr, self.listed)
        index, value = self.listed[: ptr[-1]].copy(), self.no_value
        if self.stage.counts:
            count, value = np.empty(index.size, dtype=np.uint16), np.empty(index.size, dtype=self.no_value.dtype)
            list_counts(self.fired, ptr, index, count, value)
            self.counts.append(count)
        self.sent.append(index)
        return Spikes(ptr[:-1], ptr[1:], index, value)

    def packets(self) -> Sent:
        """Return what was sent by sample and timestep; a readout sends all at the end."""
        samples, size = self.fired.shape
        listed = np.ascontiguousarray(np.diff(self.ptr, axis=1).T)
        if not self.stage.model.spiking:
            listed[:, -1] = size
            return listed, np.tile(np.arange(size, dtype=np.int32), samples), np.empty(0, dtype=np.uint16)
        base = np.cumsum(self.ptr[:, -1]) - self.ptr[:, -1]
        start = np.ascontiguousarray((self.ptr[:, :-1] + base[:, None]).T)
        index = np.empty(int(self.ptr[:, -1].sum()), dtype=np.int32)
        count = np.empty(index.size if self.stage.counts else 0, dtype=np.uint16)
        gather(np.concatenate(self.sent), start.ravel(), listed.ravel(), index)
        if self.stage.counts:
            gather(np.concatenate(self.counts), start.ravel(), listed.ravel(), count)
        return listed, index, count


class _History:
    """The latest timesteps of what a population sent."""

    def __init__(self, kept: int) -> None:
        self._ring: list[Spikes | None] = [None] * kept

    def put(self, step: int, spikes: Spikes) -> None:
        """Keep the spikes of a timestep, in the place of the oldest."""
        self._ring[step % len(self._ring)] = spikes

    def at(self, step: int) -> Spikes | None:
        """Return the spikes of one of the latest timesteps; None before the first."""
        return self._ring[step % len(self._ring)] if step >= 0 else None


@dataclass(eq=False)
class Held:
    """What a network holds between windows of a stream: timesteps done, states, the last spikes, those under way."""

    timesteps: int = 0
    state: dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.uint16]]] = field(default_factory=dict)
    sent: dict[str, _History] = field(default_factory=dict)


def run_batch(
    plan: Plan, first: int, samples: int, bitmaps: dict[str, Bitmaps], held: Held | None = None
) -> Outcome:
    """Execute ``samples`` samples from sample ``first`` on; bitmaps are written in place.

    Parameters
    ----------
    plan : Plan
    first, samples : int
    bitmaps : dict of str to Bitmaps
        Views for these samples only.
    held : Held, optional
        What one sample goes on from, and leaves for the next.
    """
    events, source = plan.events, plan.network.input.name
    neurons = {stage.name: _Neurons.at_rest(stage, samples, plan, bitmaps[stage.name]) for stage in plan.stages}
    steady = events.kind == "bias_current"
    if steady:
        values = _input(plan, first, samples, 0)
        for population in neurons.values():
            if any(inlet.source == source for inlet in population.stage.inlets):
                population.hold(source, values)
    last = neurons[plan.network.output.name]
    counted = np.zeros(last.fired.shape, dtype=np.int64)
    first_spike = np.full(last.fired.shape, events.timesteps, dtype=np.int32)
    peak: npt.NDArray[Any] | None = None
    sent = {name: _History(plan.kept(name)) for name in plan.network.populations}
    past = 0
    if held is not None:
        past, sent = held.timesteps, held.sent or sent
        for name, (state, fired) in held.state.items():
            neurons[name].state[...], neurons[name].fired[...] = state, fired
    for step in range(events.timesteps):
        if (events.total or held is not None) and not steady:
            sent[source].put(past + step, _input(plan, first, samples, step))
        for name, population in neurons.items():
            sent[name].put(past + step, population.advance(step, past, sent, plan))
        if not last.stage.model.spiking:
            peak = last.state[-1].copy() if peak is None else np.maximum(peak, last.state[-1], out=peak)
        if last.sent[-1].size:
            np.minimum(first_spike, step, out=first_spike, where=last.fired > 0)
            counted += last.fired
    if held is not None:
        held.timesteps, held.sent = past + events.timesteps, sent
        held.state = {name: (population.state, population.fired) for name, population in neurons.items()}
    overflows = {}
    for name, population in neurons.items():
        overflows[f"{name}.accumulator"] = population.overflowed
        overflows[f"{name}.membrane"] = population.saturated
    return Outcome(
        sent={name: population.packets() for name, population in neurons.items()},
        output=counted.astype(np.float64) if last.stage.model.spiking else _membranes(plan, last.state[-1]),
        first_spike=first_spike,
        peak=None if peak is None else _membranes(plan, peak),
        overflows=overflows,
    )


def _input(plan: Plan, first: int, samples: int, step: int) -> Spikes:
    events = plan.events
    rows = (first + np.arange(samples)) * events.timesteps + step
    return Spikes(events.ptr[rows], events.ptr[rows + 1], events.index, plan.value)


def _membranes(plan: Plan, state: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    scale = plan.network.output.scale
    real = state.astype(np.float64)
    return real if scale is None or not plan.limits.integer else real * scale
