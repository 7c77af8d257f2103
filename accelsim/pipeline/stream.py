"""A stream of any length on a chip: window by window, in bounded memory.

Modelled: one run without an end. States are carried from a window to the next, in the function as in time: a population
of depth d works on the last d timesteps of a window while the first populations are in the next. Each window has a
trace of its own, which is forgotten when it has been simulated; what is kept are sums. Not modelled: streams without a
barrier between steps, whose cores would have to be stopped at the end of a window. Neurons are placed by the traffic of
the first window.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import adds_zeros
from accelsim.costs.accounting import EnergyAccount, account
from accelsim.costs.counting import StreamCheck, component_kinds, count_actions
from accelsim.costs.leakage import static_energy
from accelsim.costs.prices import build_energy_table
from accelsim.errors import ConfigError, EventError
from accelsim.functional.batch import Held
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping, map_network
from accelsim.mapping.schedule import Schedule
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.network.workload import Workload
from accelsim.timing.machine import Machine, build_machine
from accelsim.timing.simulate import TimingResult, simulate
from accelsim.trace.activity import ActivityTrace, PopulationActivity

State = Literal["reset", "carry"]
"""What becomes of states at the end of a sample."""


def one_stream(load: Workload) -> Workload:
    """Return a workload whose samples, windows of a stream, are one long sample.

    Raises
    ------
    EventError
        If there is no stream: recorded spikes, or a bias current.
    """
    events = load.events
    if load.recording is not None or events.kind == "bias_current":
        raise EventError("state: carry: expected events that go on from sample to sample, not a recording or a current")
    steps = events.samples * events.timesteps
    return replace(load, events=replace(events, samples=1, timesteps=steps), labels=None, timesteps=steps, image=None)


def windows_of(events: EventStream, windows: int) -> EventStream:
    """Return a stream of one sample cut into windows of equal length, each a sample: the inverse of `one_stream`."""
    return replace(events, samples=events.samples * windows, timesteps=events.timesteps // windows)


@dataclass(frozen=True, eq=False)
class StreamResult:
    """What a stream came to.

    Attributes
    ----------
    windows, timesteps : int
    output : (windows, n_output) float64
        Spikes of the output in each window, or the membranes of a readout at its end.
    timing : TimingResult
        Of one sample, the stream: counts are sums over all windows, what it says of steps is about the first window.
    cycles, longest_step : int
        Of all steps; of the longest one.
    late_steps : int
        Steps that took longer than the tick.
    seconds : float
        The chip's time.
    real_time_factor : float
        Time of the network's timesteps over the chip's time.
    energy : EnergyAccount
    """

    windows: int
    timesteps: int
    output: npt.NDArray[np.float64]
    timing: TimingResult
    cycles: int
    longest_step: int
    late_steps: int
    seconds: float
    real_time_factor: float
    energy: EnergyAccount


def run_stream(
    network: Network,
    chip: ChipSpec,
    windows: Iterable[EventStream],
    *,
    engine: str = "compiled",
    threads: int = 1,
    observe: Callable[[ActivityTrace], None] | None = None,
) -> StreamResult:
    """Execute, simulate and price a stream.

    Parameters
    ----------
    network : Network
    chip : ChipSpec
    windows : iterable of EventStream
        Consecutive windows of one sample each, of any number of timesteps; one is read at a time.
    engine : str
    threads : int
        Steps that are simulated at once.
    observe : callable, optional
        Called with the trace of every window.

    Raises
    ------
    ConfigError
        On a chip without a barrier between steps, with sleep or with levels of voltage.
    EventError
        On a stream without windows, or one of another kind than the first.
    """
    if chip.synchronization != "barrier":
        raise ConfigError("a stream needs synchronization: barrier, whose steps are apart")
    if chip.technology.power.sleep or chip.technology.power.dvfs is not None:
        raise ConfigError("technology.power: sleep and dvfs need the counts of every step, a stream keeps sums")
    stream = _Stream(network, chip, engine, threads)
    ahead: EventStream | None = None
    for window in windows:
        if ahead is not None:
            stream.run(ahead, observe, last=False)
        ahead = window
    if ahead is None:
        raise EventError("a stream without windows")
    stream.run(ahead, observe, last=True)
    return stream.result()


class _Stream:
    """Sums over the windows so far."""

    def __init__(self, network: Network, chip: ChipSpec, engine: str, threads: int) -> None:
        self._network, self._chip, self._engine, self._threads = network, chip, engine, threads
        core = chip.core
        self._zeros_touch = adds_zeros(core.weight_format, skip_zero_weights=core.skip_zero_weights)
        widths = (core.membrane.bits, core.accumulator.bits) if network.integer else (None, None)
        self._limits = Numerics(*widths)
        self._held = Held()
        self._first: EventStream | None = None
        self._mapping: Mapping
        self._tail: ActivityTrace | None = None
        self._sum: TimingResult | None = None
        self._check: StreamCheck
        self._output: list[npt.NDArray[np.float64]] = []
        self._timesteps = self._cycles = self._longest = self._late = 0

    def run(self, events: EventStream, observe: Callable[[ActivityTrace], None] | None, *, last: bool) -> None:
        """Add a window."""
        if self._first is None:
            self._first = events
        if events.samples != 1 or (events.kind, events.value_bits) != (self._first.kind, self._first.value_bits):
            raise EventError("a window of a stream: expected one sample, of the kind and width of the first window")
        delay = self._chip.edge_delay
        trace = execute(
            self._network, events, self._limits, 1, delay=delay, held=self._held, zeros_touch=self._zeros_touch
        )
        if self._sum is None:
            sizes = {name: item.size for name, item in self._network.populations.items()}
            profile = {name: trace.by_neuron(name, sizes[name]) for name in trace.populations}
            self._mapping = map_network(self._network, self._chip, events.kind, events.value_bits, profile)
            self._check = StreamCheck(self._network, self._mapping)
        if observe is not None:
            observe(trace)
        machine, self._tail = self._machine(trace, last=last)
        timing = simulate(machine, self._chip, self._mapping, self._engine, self._threads)
        self._check.expect(trace)
        self._add(timing)
        self._output.append(trace.output[0])
        self._timesteps += trace.timesteps

    def _machine(self, trace: ActivityTrace, *, last: bool) -> tuple[Machine, ActivityTrace]:
        """Return the machine of the steps in which the first populations execute a window, and what is left over.

        Deeper populations are then in the timesteps before: the trace begins with as many of the windows before.
        """
        whole = trace if self._tail is None else _joined(self._tail, trace)
        before = whole.timesteps - trace.timesteps
        schedule = Schedule.of(self._chip.schedule, self._network, whole.timesteps)
        machine = build_machine(self._network, self._chip, self._mapping, whole)
        populations = machine.work.populations.copy()
        populations["depth"] -= before * schedule.period
        steps = trace.timesteps * schedule.period
        lag = 0 if schedule.period > 1 else max(schedule.first.values())
        work = machine.work._replace(populations=populations, steps=steps + (lag if last else 0))
        return replace(machine, work=work, last_output=work.steps - 1), _last(whole, min(lag, whole.timesteps))

    def _add(self, timing: TimingResult) -> None:
        self._cycles += int(timing.step_cycles.sum())
        self._longest = max(self._longest, int(timing.step_cycles.max()))
        self._late += int((timing.late > 0).sum())
        self._sum = timing if self._sum is None else _added(self._sum, timing)

    def result(self) -> StreamResult:
        """Return the sums, with their price."""
        if self._sum is None or self._first is None:
            raise EventError("a stream without windows")
        network, chip, mapping = self._network, self._chip, self._mapping
        self._check.compare(self._sum)
        kinds, float32 = component_kinds(chip, mapping), not network.integer
        cycles = np.array([self._cycles])
        counters = count_actions(chip, network, mapping, self._sum, cycles)
        bits = max(edge.connection.bits for edge in network.projections)
        payload = max(mapping.value_bits, self._first.value_bits)
        prices = build_energy_table(chip, float32, kinds, payload_bits=payload, weight_bits=bits)
        nanoseconds = cycles / chip.clock
        used = {f"core[{core}]" for core in mapping.used_cores}
        static = static_energy(chip, float32, kinds, nanoseconds, used, multiplier_bits=max(bits, payload))
        seconds = float(nanoseconds[0]) * 1e-9
        return StreamResult(
            windows=len(self._output),
            timesteps=self._timesteps,
            output=np.array(self._output),
            timing=self._sum,
            cycles=self._cycles,
            longest_step=self._longest,
            late_steps=self._late,
            seconds=seconds,
            real_time_factor=self._timesteps * network.dt / max(seconds, 1e-12),
            energy=account(counters, prices, kinds, static),
        )


def _added(total: TimingResult, more: TimingResult) -> TimingResult:
    """Return the sums of the counts of two windows; maxima where a count is one."""
    peak = np.maximum(total.terminals["queue_peak"], more.terminals["queue_peak"])
    summed = {}
    for name in ("terminals", "routers", "scans"):
        own, other = getattr(total, name), getattr(more, name)
        summed[name] = (own.view(np.int64) + other.view(np.int64)).view(own.dtype).reshape(own.shape)
    summed["terminals"]["queue_peak"] = peak
    return replace(total, **summed, links=total.links + more.links)


def _joined(before: ActivityTrace, after: ActivityTrace) -> ActivityTrace:
    populations = {}
    for name, own in before.populations.items():
        other = after.populations[name]
        counted = own.count is not None or other.count is not None
        populations[name] = PopulationActivity(
            ptr=np.concatenate((own.ptr, own.ptr[-1] + other.ptr[1:])),
            index=np.concatenate((own.index, other.index)),
            touched=np.concatenate((own.touched, other.touched)),
            nonzero=np.concatenate((own.nonzero, other.nonzero)),
            count=np.concatenate((own.counts, other.counts)).astype(np.uint16) if counted else None,
        )
    return replace(after, timesteps=before.timesteps + after.timesteps, populations=populations)


def _last(trace: ActivityTrace, timesteps: int) -> ActivityTrace:
    """Return the last timesteps of a trace of one sample."""
    at, populations = trace.timesteps - timesteps, {}
    for name, own in trace.populations.items():
        first = own.ptr[at]
        populations[name] = PopulationActivity(
            ptr=own.ptr[at:] - first,
            index=own.index[first:].copy(),
            touched=own.touched[at:].copy(),
            nonzero=own.nonzero[at:].copy(),
            count=None if own.count is None else own.count[first:].copy(),
        )
    return replace(trace, timesteps=timesteps, populations=populations)
