"""The plan of an execution: everything that does not depend on the sample, prepared once and shared by all threads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, NetworkError
from accelsim.functional.kernels import Runs
from accelsim.functional.numerics import Numerics, check_arithmetic, largest_sums
from accelsim.network.connections.connection import Connection
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.neurons.model import NeuronModel


@dataclass(frozen=True, eq=False)
class Inlet:
    """One projection into a population: the source's name, its runs, and the timesteps until a spike arrives."""

    source: str
    runs: Runs
    delay: int


@dataclass(frozen=True, eq=False)
class Stage:
    """One population of neurons.

    Attributes
    ----------
    inlets : tuple of Inlet
        In the network's order; float32 sums follow it.
    counts : bool
        Whether a neuron may spike more than once in a timestep.
    bias : (neurons,) int32 or float32, or None
    accumulator : int32, int64 or float32
        Type that holds every possible sum.
    wraps : bool
        Whether a sum may leave the accumulator's range.
    """

    name: str
    model: NeuronModel
    inlets: tuple[Inlet, ...]
    counts: bool
    bias: npt.NDArray[Any] | None
    accumulator: np.dtype[Any]
    wraps: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """Stages so that inlets without delay come from earlier ones, and the input's values in the network's arithmetic.

    Attributes
    ----------
    value : (n_events,) int32 or float32
        Empty for spikes.
    delay : int
        Timesteps that the chip adds to the delay of every projection, 0 or 1.
    """

    network: Network
    events: EventStream
    limits: Numerics
    stages: tuple[Stage, ...]
    value: npt.NDArray[Any]
    delay: int
    zeros_touch: bool

    @property
    def bytes_per_sample(self) -> int:
        """Working memory of one sample: states, accumulators, marks and lists of spikes."""
        return sum(
            stage.model.size * (4 * len(stage.model.states) + stage.accumulator.itemsize + 3 + 4)
            for stage in self.stages
        )

    def kept(self, source: str) -> int:
        """Return how many timesteps of a population's spikes are still to arrive somewhere, its latest included."""
        delays = [inlet.delay for stage in self.stages for inlet in stage.inlets if inlet.source == source]
        return max(delays, default=0) + 1


def make_plan(network: Network, events: EventStream, limits: Numerics, *, delay: int, zeros_touch: bool) -> Plan:
    """Check a network against its input and widths, and prepare its execution.

    Raises
    ------
    EventError
        If the events are of another size or out of order, or a bias current changes after the first timestep or meets a
        delay.
    NetworkError
        On mixed arithmetic, or a readout that feeds another population.
    """
    if events.size != network.input.size:
        raise EventError(f"events of {events.size} neurons, but {network.input.name} has {network.input.size}")
    check_arithmetic(network, events, limits)
    _check_order(events)
    _check_bias_current(network, events, delay)
    sums = largest_sums(network, events) if network.integer else {}
    stages = []
    for name in network.order:
        population = network.populations[name]
        if population.model is None:
            continue
        if not population.model.spiking and network.outgoing(name):
            reader = network.outgoing(name)[0].target
            raise NetworkError(f"population {name}: a readout sends no spikes, but {reader} reads it")
        inlets = tuple(
            Inlet(edge.source, _runs(edge.connection, zeros_touch=zeros_touch), edge.delay + delay)
            for edge in network.incoming(name)
        )
        accumulator, wraps = _accumulator(sums.get(name), limits)
        counts = population.model.most_spikes != 1
        stages.append(Stage(name, population.model, inlets, counts, population.bias, accumulator, wraps))
    return Plan(network, events, limits, tuple(stages), _values(network, events), delay, zeros_touch)


def _check_order(events: EventStream) -> None:
    falls = np.flatnonzero(events.index[1:] < events.index[:-1]) + 1
    wrong = falls[~np.isin(falls, events.ptr)]
    if wrong.size:
        raise EventError(f"event {wrong[0]}: events of one timestep are not in ascending order of neurons")


def _check_bias_current(network: Network, events: EventStream, delay: int) -> None:
    if events.kind != "bias_current":
        return
    late_edges = [edge for edge in network.outgoing(network.input.name) if edge.delay]
    if late_edges:
        raise EventError(
            f"input: a bias current acts from timestep 0 on, but projection {late_edges[0].name} has a delay of "
            f"{late_edges[0].delay}"
        )
    if delay:
        raise EventError(
            "input: a bias current acts from timestep 0 on, an edge with a delay (schedule native) later; "
            "give biases to the populations"
        )
    counts = np.diff(events.ptr).reshape(events.samples, events.timesteps)
    late = np.argwhere(counts[:, 1:])
    if late.size:
        sample, step = int(late[0, 0]), int(late[0, 1]) + 1
        raise EventError(f"sample {sample}: a bias current is given at timestep 0 only, got values at timestep {step}")


def _runs(connection: Connection, *, zeros_touch: bool) -> Runs:
    rows = np.ascontiguousarray(connection.rows)
    marks = np.ones(rows.shape, dtype=np.uint8) if zeros_touch else (rows != 0).view(np.uint8)
    return Runs(rows, marks, connection.run_ptr, connection.run_row, connection.run_start)


def _accumulator(sums: npt.NDArray[np.float64] | None, limits: Numerics) -> tuple[np.dtype[Any], bool]:
    if sums is None or limits.accumulator_bits is None:
        return np.dtype(np.float32), False
    largest = float(sums.max(initial=0.0))
    if largest >= 2.0**62:
        raise NetworkError(f"an accumulated input may reach {largest:.3g}, more than 64-bit integers hold")
    wraps = largest > 2.0 ** (limits.accumulator_bits - 1) - 1
    return np.dtype(np.int64 if largest > 2.0**31 - 1 else np.int32), wraps


def _values(network: Network, events: EventStream) -> npt.NDArray[Any]:
    """Return input values as the scatter multiplies them: integers as they are, or real numbers in float32."""
    if events.value is None:
        return np.empty(0, dtype=np.int32 if network.integer else np.float32)
    if network.integer:
        return events.value.astype(np.int32, copy=False)
    if np.issubdtype(events.value.dtype, np.integer):
        return (events.value * events.value_scale).astype(np.float32)
    return events.value.astype(np.float32, copy=False)
