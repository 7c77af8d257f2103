"""Execution of a few samples at once: timestep by timestep, populations in topological order.

A population at timestep t sees the spikes of its sources at timestep t minus the delay of edges, 0 or 1. Accumulators
start each timestep from the bias, take the weights of every arriving spike, and are added to the membrane by the
neuron model.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.functional.kernels import Spikes, begin_step, end_step, gather, scatter, scatter_graded, wrap
from accelsim.functional.plan import Plan, Stage
from accelsim.neurons.model import StateRange


@dataclass(frozen=True, eq=False)
class Bitmaps:
    """Where a batch writes one population's bitmaps: views of (samples, timesteps, ceil(n / 8)) uint8."""

    touched: npt.NDArray[np.uint8]
    nonzero: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a batch found, apart from the bitmaps.

    Attributes
    ----------
    counts : dict of str to (samples, timesteps) int64
        Packets by population.
    index : dict of str to (n,) int32
        Neurons that sent them, by sample, timestep and neuron.
    output : (samples, n_output) float64
    first_spike : (samples, n_output) int32
    overflows : dict of str to int
        By ``NAME.accumulator`` and ``NAME.membrane``.
    """

    counts: dict[str, npt.NDArray[np.int64]]
    index: dict[str, npt.NDArray[np.int32]]
    output: npt.NDArray[np.float64]
    first_spike: npt.NDArray[np.int32]
    overflows: dict[str, int]


@dataclass(eq=False)
class _Neurons:
    """State of one population for a batch."""

    stage: Stage
    state: npt.NDArray[Any]
    accumulator: npt.NDArray[Any]
    current: npt.NDArray[Any]
    touched: npt.NDArray[np.uint8]
    fired: npt.NDArray[np.uint8]
    listed: npt.NDArray[np.int32]
    base: npt.NDArray[Any]
    constant: npt.NDArray[np.uint8]
    bitmaps: Bitmaps
    limits: StateRange | None
    ptr: npt.NDArray[np.int64]
    no_value: npt.NDArray[Any]
    sent: list[npt.NDArray[np.int32]] = field(default_factory=list)
    overflowed: int = 0
    saturated: int = 0

    @classmethod
    def at_rest(cls, stage: Stage, samples: int, plan: Plan, bitmaps: Bitmaps) -> "_Neurons":
        shape = (samples, stage.model.size)
        accumulator = np.empty(shape, dtype=stage.accumulator)
        base = np.zeros((1, stage.model.size), dtype=stage.accumulator)
        if stage.bias is not None:
            base += stage.bias
        return cls(
            stage=stage,
            state=np.zeros(shape, dtype=stage.model.dtype),
            accumulator=accumulator,
            current=np.empty(shape, dtype=np.int32) if stage.wraps else accumulator,
            touched=np.empty(shape, dtype=np.uint8),
            fired=np.zeros(shape, dtype=np.uint8),
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
        steady = np.zeros(self.state.shape, dtype=self.stage.accumulator)
        ignored = np.zeros_like(self.touched)
        for inlet in self.stage.inlets:
            if inlet.source == source:
                scatter_graded(values, inlet.runs, steady, ignored)
        self.constant = (steady != 0).view(np.uint8)
        self.base = steady + self.base

    def advance(self, step: int, arriving: dict[str, Spikes], plan: Plan) -> Spikes:
        """Advance by one timestep and return the spikes that other populations see."""
        maps, accumulator, touched = self.bitmaps, self.accumulator, self.touched
        begin_step(self.state, self.base, self.constant, maps.nonzero[:, step], accumulator, touched)
        for inlet in self.stage.inlets:
            spikes = arriving.get(inlet.source)
            if spikes is not None:
                add = scatter_graded if spikes.value.size else scatter
                add(spikes, inlet.runs, accumulator, touched)
        if self.current is not accumulator:
            self.overflowed += wrap(accumulator, plan.limits.accumulator_bits or 32, self.current)
        self.saturated += self.stage.model.step(self.state, self.current, self.fired, self.limits)
        ptr = self.ptr[step]
        end_step(self.fired, touched, maps.touched[:, step], ptr, self.listed)
        index = self.listed[: ptr[-1]].copy()
        self.sent.append(index)
        return Spikes(ptr[:-1], ptr[1:], index, self.no_value)

    def packets(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Return counts (samples, timesteps) and neurons by sample and timestep; a readout sends all at the end."""
        samples, size = self.state.shape
        if not self.stage.model.spiking:
            counts = np.zeros((samples, len(self.ptr)), dtype=np.int64)
            counts[:, -1] = size
            return counts, np.tile(np.arange(size, dtype=np.int32), samples)
        base = np.cumsum(self.ptr[:, -1]) - self.ptr[:, -1]
        start = np.ascontiguousarray((self.ptr[:, :-1] + base[:, None]).T)
        counts = np.ascontiguousarray(np.diff(self.ptr, axis=1).T)
        out = np.empty(int(self.ptr[:, -1].sum()), dtype=np.int32)
        gather(np.concatenate(self.sent), start.ravel(), counts.ravel(), out)
        return counts, out


def run_batch(plan: Plan, first: int, samples: int, bitmaps: dict[str, Bitmaps]) -> Outcome:
    """Execute ``samples`` samples from sample ``first`` on; bitmaps are written in place.

    Parameters
    ----------
    plan : Plan
    first, samples : int
    bitmaps : dict of str to Bitmaps
        Views for these samples only.
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
    counted = np.zeros(last.state.shape, dtype=np.int64)
    first_spike = np.full(last.state.shape, events.timesteps, dtype=np.int32)
    before: dict[str, Spikes] = {}
    for step in range(events.timesteps):
        sent = {} if steady or not events.total else {source: _input(plan, first, samples, step)}
        arriving = before if plan.delay else sent
        for name, population in neurons.items():
            sent[name] = population.advance(step, arriving, plan)
        if last.sent[-1].size:
            np.minimum(first_spike, step, out=first_spike, where=last.fired.view(np.bool_))
            counted += last.fired
        before = sent
    packets = {name: population.packets() for name, population in neurons.items()}
    overflows = {}
    for name, population in neurons.items():
        overflows[f"{name}.accumulator"] = population.overflowed
        overflows[f"{name}.membrane"] = population.saturated
    return Outcome(
        counts={name: counts for name, (counts, _) in packets.items()},
        index={name: index for name, (_, index) in packets.items()},
        output=counted.astype(np.float64) if last.stage.model.spiking else _membranes(plan, last.state),
        first_spike=first_spike,
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
