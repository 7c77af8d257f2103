"""Running a machine: jobs in parallel, counts summed by sample, conservation checked.

Steps and samples are independent of each other, so chunks of jobs run in threads; sums of integers do not depend on
the order in which chunks end.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConservationError, DeadlockError
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.timing.barrier import Barrier, barrier_of, drain_cycles, tick_cycles
from accelsim.timing.causes import CAUSES, step_causes
from accelsim.timing.deadlock import waiting_cycle
from accelsim.timing.engine import ENGINES, Chunk, Engine, empty_chunk
from accelsim.timing.machine import Machine
from accelsim.timing.records import ROUTER_COUNT, SCAN_COUNT, STATUS_DONE, TERMINAL_COUNT
from accelsim.timing.spans import Spans, as_single_steps, barrier_spans, token_spans

_CHUNK_BYTES = 8 << 20

Observer = Callable[[Chunk, npt.NDArray[np.int64]], None]
"""What is told of every chunk: its counts, and the cycles of its jobs, (jobs,)."""

Spread = Callable[[Machine, str, list[tuple[int, int]]], Iterator[Chunk]]
"""Has chunks of jobs simulated elsewhere; see :func:`simulate`."""


@dataclass(frozen=True, eq=False)
class TimingResult:
    """Cycles and counts of all samples.

    Attributes
    ----------
    terminals : (samples, terminals) TERMINAL_COUNT
        Sums over steps; ``queue_peak`` is a maximum, the ``*_end`` fields are sums of busy spans.
    routers : (samples, routers) ROUTER_COUNT
    links : (samples, routers, ports) int64
        Flits through every output port.
    scans : (samples, parts) SCAN_COUNT
    part_order : list of int
        Position in ``Mapping.parts`` of each column of ``scans``.
    step_cycles : (samples, steps) int64
        With drain and barrier.
    causes : (samples, steps, causes) int64
        Where each step's cycles went; sums to ``step_cycles``.
    latency : (samples,) int64
    late : (samples, steps) int64
        Cycles by which a step exceeds the tick.
    step_terminals : (steps,) TERMINAL_COUNT
        Sums over samples and terminals; the ``*_end``, ``first_flit`` and ``queue_peak`` of them mean nothing.
    step_routers : (steps,) ROUTER_COUNT
        Sums over samples and routers.
    """

    terminals: npt.NDArray[Any]
    routers: npt.NDArray[Any]
    links: npt.NDArray[np.int64]
    scans: npt.NDArray[Any]
    part_order: list[int]
    step_cycles: npt.NDArray[np.int64]
    causes: npt.NDArray[np.int64]
    latency: npt.NDArray[np.int64]
    late: npt.NDArray[np.int64]
    step_terminals: npt.NDArray[Any]
    step_routers: npt.NDArray[Any]


def simulate(
    machine: Machine,
    chip: ChipSpec,
    mapping: Mapping,
    engine: str,
    threads: int,
    progress: Callable[[int], None] | None = None,
    observe: Observer | None = None,
    spread: Spread | None = None,
) -> TimingResult:
    """Simulate every step of every sample.

    Parameters
    ----------
    machine, chip, mapping
    engine : str
        ``compiled`` or ``reference``.
    threads : int
    progress : callable, optional
        Called with the number of jobs that have ended since the last call.
    observe : callable, optional
        Called with every chunk that has ended and the cycles of its jobs, drain and barrier included; in no order.
    spread : callable, optional
        Takes the machine, the engine's name and chunks as (first job, jobs), and yields what :func:`run_chunk` makes of
        them, in any order: for machines elsewhere. ``threads`` then says how many of them there are.

    Raises
    ------
    DeadlockError
        If a step cannot end, naming the cycle of waiting channels.
    ConservationError
        If packets were lost or made.
    """
    run = ENGINES.get(engine)
    barrier = barrier_of(machine, chip, mapping, run)
    total = _Totals(machine, chip, mapping, barrier)
    chunks = _chunks(machine, threads)

    def finish(chunk: Chunk) -> None:
        cycles = total.add(chunk)
        if observe is not None and machine.tokens is not None:
            observe(*as_single_steps(chunk, cycles, machine.work.steps))
        elif observe is not None:
            observe(chunk, cycles)
        if progress is not None:
            progress(len(chunk.steps))

    if spread is not None:
        for done in spread(machine, engine, chunks):
            finish(done)
        return total.result()
    # The first runs here: an interrupt while kernels are compiled ends that at once.
    here = len(chunks) if threads == 1 else 1
    for first, jobs in chunks[:here]:
        finish(_run_chunk(run, machine, first, jobs))
    with ThreadPoolExecutor(threads) as pool:
        tasks = deque(pool.submit(_run_chunk, run, machine, first, jobs) for first, jobs in chunks[here:])
        try:
            while tasks:
                finish(tasks.popleft().result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return total.result()


def _chunks(machine: Machine, threads: int) -> list[tuple[int, int]]:
    bytes_per_job = (
        TERMINAL_COUNT.itemsize * len(machine.noc.terminals)
        + (ROUTER_COUNT.itemsize + 8 * machine.noc.ports) * machine.noc.routers
        + SCAN_COUNT.itemsize * len(machine.work.parts)
    )
    shares, alone = (1, 0) if threads == 1 else (8 * threads, 1)
    together = 1 if machine.tokens is None else machine.work.steps  # without a barrier a sample cannot be cut
    size = max(1, min(_CHUNK_BYTES // bytes_per_job, -(-machine.jobs // shares)) // together) * together
    alone *= together
    rest = [(first, min(size, machine.jobs - first)) for first in range(alone, machine.jobs, size)]
    # The first runs alone, before there are threads: as little as can be, so that the others are not kept waiting.
    return [(0, alone)] * (alone > 0) + rest


def run_chunk(engine: str, machine: Machine, first: int, jobs: int) -> Chunk:
    """Simulate consecutive jobs and return what they counted."""
    return _run_chunk(ENGINES.get(engine), machine, first, jobs)


def _run_chunk(run: Engine, machine: Machine, first: int, jobs: int) -> Chunk:
    chunk = empty_chunk(machine, first, jobs)
    run(machine, chunk)
    return chunk


def _flat(records: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return counts of jobs or samples as a matrix; all fields of all records are int64."""
    return records.reshape(len(records), -1).view(np.int64)


class _Totals:
    """Sums chunks by sample."""

    def __init__(self, machine: Machine, chip: ChipSpec, mapping: Mapping, barrier: Barrier) -> None:
        self._machine, self._chip, self._mapping = machine, chip, mapping
        self._barrier = barrier
        self._tick = tick_cycles(chip)
        samples, steps = machine.samples, machine.work.steps
        self._terminals = np.zeros((samples, len(machine.noc.terminals)), TERMINAL_COUNT)
        self._routers = np.zeros((samples, machine.noc.routers), ROUTER_COUNT)
        self._links = np.zeros((samples, machine.noc.routers, machine.noc.ports), np.int64)
        self._scans = np.zeros((samples, len(machine.work.parts)), SCAN_COUNT)
        self._causes = np.zeros((samples * steps, len(CAUSES)), np.int64)
        self._cycles = np.zeros(samples * steps, np.int64)
        self._late = np.zeros(samples * steps, np.int64)
        self._step_terminals = np.zeros(steps, TERMINAL_COUNT)
        self._step_routers = np.zeros(steps, ROUTER_COUNT)
        self._first_flit = np.zeros(samples * steps, np.int64)
        self._last_output = np.zeros(samples * steps, np.int64)

    def add(self, chunk: Chunk) -> npt.NDArray[np.int64]:
        """Check and add a chunk; return the cycles of its jobs."""
        self._check(chunk)
        jobs = slice(chunk.first, chunk.first + len(chunk.steps))
        samples, starts = np.unique(
            np.arange(jobs.start, jobs.stop) // self._machine.work.steps, return_index=True
        )
        peak = np.maximum.reduceat(chunk.terminals["queue_peak"], starts, axis=0)
        peak = np.maximum(peak, self._terminals["queue_peak"][samples])
        for target, source in (
            (self._terminals, chunk.terminals),
            (self._routers, chunk.routers),
            (self._scans, chunk.scans),
            (self._links, chunk.links),
        ):
            _flat(target)[samples] += np.add.reduceat(_flat(source), starts, axis=0)
        self._terminals["queue_peak"][samples] = peak
        step = np.arange(jobs.start, jobs.stop) % self._machine.work.steps
        for by_step, counts in ((self._step_terminals, chunk.terminals), (self._step_routers, chunk.routers)):
            np.add.at(_flat(by_step), step, _flat(counts).reshape(*counts.shape, -1).sum(axis=1))
        inputs = self._port_terminals("input")
        outputs = self._port_terminals("output")
        flits = chunk.terminals["first_flit"][:, inputs]
        first = np.where(flits < 0, np.iinfo(np.int64).max, flits).min(axis=1, initial=np.iinfo(np.int64).max)
        self._first_flit[jobs] = np.where(first == np.iinfo(np.int64).max, 0, first)
        last = chunk.terminals["row_end"][:, outputs].max(axis=1, initial=0)
        self._last_output[jobs] = np.where(last == 0, chunk.steps["end"], last)
        spans = self._spans(chunk)
        self._cycles[jobs], self._late[jobs] = spans.cycles, spans.late
        self._causes[jobs] = step_causes(chunk, spans)
        wrong = np.flatnonzero(self._causes[jobs].sum(axis=1) != self._cycles[jobs])
        if wrong.size:
            raise ConservationError(
                f"job {chunk.first + wrong[0]}: takes {self._cycles[jobs][wrong[0]]} cycles, its causes add up to "
                f"{self._causes[jobs][wrong[0]].sum()}"
            )
        return self._cycles[jobs]

    def _spans(self, chunk: Chunk) -> Spans:
        drain = drain_cycles(self._mapping)
        if self._machine.tokens is not None:
            return token_spans(chunk.steps, drain, self._machine.work.steps)
        return barrier_spans(chunk.steps, drain, self._barrier.cycles, self._tick)

    def _port_terminals(self, direction: str) -> list[int]:
        cores = self._mapping.cores
        return [cores + at for at, port in enumerate(self._chip.ports) if port.direction in (direction, "both")]

    def _check(self, chunk: Chunk) -> None:
        stuck = np.nonzero(chunk.steps["status"] != STATUS_DONE)[0]
        if stuck.size:
            sample, step = divmod(chunk.first + int(stuck[0]), self._machine.work.steps)
            raise DeadlockError(
                f"sample {sample}, step {step} cannot end: {waiting_cycle(self._machine, sample, step)}"
            )
        counts = chunk.terminals
        made, sent, asked, taken, fired, flits_out, flits_in, tokens_out, tokens_in = (
            counts[name].sum(axis=1)
            for name in ("routing_reads", "packets_out", "destinations", "packets_in", "fired", "flits_out", "flits_in",
                         "tokens_out", "tokens_in")
        )  # fmt: skip
        copied = self._of_routers(flits_out + chunk.routers["replicas"].sum(axis=1))
        flits_in = self._of_routers(flits_in)
        wrong = (made != sent) | (asked != taken) | (copied != flits_in) | ((fired == 0) & (sent > 0))
        wrong |= tokens_out != tokens_in
        if wrong.any():
            at = int(np.argmax(wrong))
            raise ConservationError(
                f"job {chunk.first + at}: {made[at]} packets made, {sent[at]} injected; {asked[at]} deliveries asked "
                f"for, {taken[at]} processed; {copied[at]} flits injected or copied, {flits_in[at]} delivered"
            )

    def _of_routers(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the sum over what one count of the routers is for: the step, or the sample without a barrier."""
        steps = 1 if self._machine.tokens is None else self._machine.work.steps
        return np.repeat(values.reshape(-1, steps).sum(axis=1), steps)

    def result(self) -> TimingResult:
        """Return the totals."""
        samples, steps = self._machine.samples, self._machine.work.steps
        if self._barrier.messages is not None:
            self._add_messages(self._barrier.messages, steps)
        causes = self._causes.reshape(samples, steps, len(CAUSES))
        step_cycles = self._cycles.reshape(samples, steps)
        last = self._machine.last_output
        latency = self._last_output.reshape(samples, steps)[:, last] - self._first_flit.reshape(samples, steps)[:, 0]
        if self._machine.tokens is None:  # else cycles are those of the sample
            latency = latency + step_cycles[:, :last].sum(axis=1)
        parts = self._mapping.parts
        order = sorted(range(len(parts)), key=lambda at: parts[at].terminal)
        return TimingResult(
            self._terminals, self._routers, self._links, self._scans, order, step_cycles, causes, latency,
            self._late.reshape(samples, steps), self._step_terminals, self._step_routers,
        )  # fmt: skip

    def _add_messages(self, messages: Chunk, times: int) -> None:
        """Add what the messages of the barrier count, in each of ``times`` steps."""
        own = ("tokens_out", "tokens_in", "flits_out", "flits_in", "row_cycles", "row_lookup", "no_credit")
        for name in own:
            self._terminals[name] += times * messages.terminals[name].sum(axis=0)
            self._step_terminals[name] += len(self._terminals) * messages.terminals[name].sum()
        for name in ROUTER_COUNT.names or ():
            self._routers[name] += times * messages.routers[name].sum(axis=0)
            self._step_routers[name] += len(self._routers) * messages.routers[name].sum()
        self._links += times * messages.links.sum(axis=0)
